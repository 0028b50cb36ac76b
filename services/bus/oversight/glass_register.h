// Persons that were opened without an interest, and what came of it: what the log
// tells. Times are real ones, microseconds since 1970.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_GLASS_REGISTER_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_GLASS_REGISTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "concordat/access/v1/glass.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

inline constexpr char kGlassBroken[] = "concordat.access.v1.GlassBroken";
inline constexpr char kGlassReviewed[] = "concordat.access.v1.GlassReviewed";

class GlassRegister {
 public:
  // Reads what the log has of it.
  //   DATA_LOSS, UNAVAILABLE
  absl::Status Load(const EventLog& log);

  void Add(access::v1::GlassEntry entry);
  void Add(const access::v1::GlassReviewed& review);

  // What is open to that principal, and, behind it, that person at `now_us`.
  std::optional<access::v1::GlassBroken> OpenTo(absl::string_view by,
                                                absl::string_view staff,
                                                absl::string_view subject,
                                                uint64_t now_us) const;
  // An opening by somebody of the agency; empty: of any.
  std::optional<access::v1::GlassEntry> Find(absl::string_view opening_ref,
                                             absl::string_view agency) const;
  std::vector<access::v1::GlassEntry> List(absl::string_view agency,
                                           uint64_t now_us) const;

 private:
  void Take(const StoredEvent& event);

  mutable Mutex mu_;
  std::vector<access::v1::GlassEntry> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_GLASS_REGISTER_H_

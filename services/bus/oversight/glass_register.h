// Persons that were opened without an interest, and what came of it: what the log
// tells, read on at each question: another process may have written it, and of who
// was erased since, or what retention removed, nothing is left. Times are real ones,
// microseconds since 1970.
//
// Threads  Any; who asks waits for who asked before.
// Errors   DATA_LOSS, UNAVAILABLE  the log cannot be read: nothing is answered.
#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_GLASS_REGISTER_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_GLASS_REGISTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/access/v1/glass.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

inline constexpr char kGlassBroken[] = "concordat.access.v1.GlassBroken";
inline constexpr char kGlassReviewed[] = "concordat.access.v1.GlassReviewed";

class GlassRegister {
 public:
  // `log` outlives it.
  explicit GlassRegister(const EventLog& log) : log_(log) {}

  // What is open to that principal, and, behind it, that person at `now_us`.
  absl::StatusOr<std::optional<access::v1::GlassBroken>> OpenTo(
      absl::string_view by, absl::string_view staff, absl::string_view subject,
      uint64_t now_us);
  // An opening by somebody of the agency; empty: of any.
  absl::StatusOr<std::optional<access::v1::GlassEntry>> Find(
      absl::string_view opening_ref, absl::string_view agency);
  absl::StatusOr<std::vector<access::v1::GlassEntry>> List(
      absl::string_view agency, uint64_t now_us);

 private:
  absl::Status CatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Take(const StoredEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const EventLog& log_;
  Mutex mu_;  // Held while the log is read.
  Sequence read_ ABSL_GUARDED_BY(mu_);
  uint64_t removed_ ABSL_GUARDED_BY(mu_) =
      0;  // By retention, when it was read.
  std::vector<access::v1::GlassEntry> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_GLASS_REGISTER_H_

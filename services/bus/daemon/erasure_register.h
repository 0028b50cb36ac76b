// Who was erased, who was told, who has confirmed, and which steps by hand are done:
// read from the log at each question. An erasure is known by its reference; of the
// person nothing is kept.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_ERASURE_REGISTER_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_ERASURE_REGISTER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "services/bus/log/event_log.h"

namespace concordat::bus {

class ErasureRegister {
 public:
  static constexpr size_t kListMax = 1000;

  // `log` outlives this.
  explicit ErasureRegister(EventLog& log) : log_(log) {}

  // The newest first; for an agency (not empty) those of which it was told, with
  // its own confirmation alone.  DATA_LOSS, UNAVAILABLE
  absl::StatusOr<std::vector<v1::Erasure>> List(absl::string_view agency) const;
  //   NOT_FOUND  none, or none of which the agency was told.
  absl::StatusOr<v1::Erasure> Find(absl::string_view ref,
                                   absl::string_view agency) const;
  // To the operator: those of this key, the newest first; none: NOT_FOUND.
  absl::StatusOr<std::vector<v1::Erasure>> OfPerson(
      const PersonKey& person) const;

 private:
  absl::StatusOr<v1::Erasure> Read(Sequence sequence, absl::string_view agency,
                                   uint32_t destroyed_below) const;
  // What its holder said of the erasure, if it did.
  absl::Status FillConfirmation(absl::string_view ref,
                                v1::ErasureConfirmation& one) const;
  // Whether that event is such a word.
  absl::StatusOr<bool> FillFrom(Sequence sequence, absl::string_view ref,
                                v1::ErasureConfirmation& one) const;
  absl::StatusOr<uint32_t> DestroyedBelow() const;

  EventLog& log_;
};

// Id of the ErasureConfirmed of an agency that called, and of a step by hand. A
// service has it in its own stream "erasures".
std::string ConfirmationId(absl::string_view ref, absl::string_view agency);
std::string StepConfirmationId(absl::string_view ref, absl::string_view step);

// Steps by hand that each hub has; others are gateways, by their principals' names.
inline constexpr char kKeyFileCopies[] = "key-file-copies";
inline constexpr char kIdentityCopies[] = "identity-copies";

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_ERASURE_REGISTER_H_

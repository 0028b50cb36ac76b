// A sender's codes in our words, and what becomes of each kind of message.
#ifndef CONCORDAT_ADAPTERS_HL7V2_MAPPING_H_
#define CONCORDAT_ADAPTERS_HL7V2_MAPPING_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/core/cohort.h"
#include "adapters/core/sharing_decisions.h"
#include "adapters/core/spool_worker.h"
#include "adapters/hl7v2/facts.h"
#include "concordat/edge/v1/hl7.pb.h"
#include "concordat/nhs/v1/events.pb.h"

namespace concordat::hl7v2 {

// The tables of one sender.
class Mapping {
 public:
  //   INVALID_ARGUMENT  an entry twice or empty, no processing id, or a time
  //                     zone that does not exist; names it.
  static absl::StatusOr<Mapping> Build(const edge::v1::Hl7Edge& settings);

  bool TakesProcessingId(absl::string_view id) const;
  // Those whose authority and type are in the table.
  std::vector<edge::PersonIdentifier> Identify(
      const std::vector<PatientId>& ids) const;
  // Of all its patients, merged ones too.
  std::vector<edge::PersonIdentifier> IdentifyAll(const Facts& facts) const;
  // The sender's own number of the patient; empty: it gives none.
  std::string OwnNumber(const Facts& facts) const;
  // Of every service of the message; nothing when one is not in the table, or
  // they are not all the same, or there is none.
  std::optional<std::string> ServiceCode(const Facts& facts) const;
  const absl::TimeZone& zone() const { return zone_; }

 private:
  Mapping() = default;

  absl::TimeZone zone_;
  absl::flat_hash_set<std::string> processing_ids_;
  absl::flat_hash_map<std::pair<std::string, std::string>,
                      std::pair<std::string, std::string>>
      schemes_;
  absl::flat_hash_map<std::string, std::string> services_;
};

// What may leave, before it is an event.
struct MissedAppointment {
  PersonKey subject;
  nhs::v1::AppointmentMissed data;
  MessageTime time;
};

// What identity is told, and nobody else: an address, or that somebody has to
// look at who is who.
struct ForIdentity {
  PersonKey subject;
  std::string address;      // Another one; or
  std::string review_kind;  // of the code list identity-review-kind, with
  std::vector<edge::PersonIdentifier> identifiers;
};

struct Outcome {
  bool wait = false;
  edge::Verdict verdict;
  std::optional<MissedAppointment> missed;
  std::optional<ForIdentity> for_identity;
};

// Where the messages of a verdict came from.
inline constexpr char kSource[] = "hl7";

// Why a message of this processing id is not taken.
std::string WrongProcessingId(absl::string_view id);

// Decides over a message as it was spooled. Holds unless a sharing decision in
// force says otherwise; waits while it cannot be known.
Outcome Decide(absl::string_view message, const Mapping& mapping,
               const edge::Cohort& cohort,
               const edge::SharingDecisions& decisions);

// What a held message would publish, whoever decides: all but the decision.
//   FAILED_PRECONDITION  nothing; says why.  UNAVAILABLE  not known now.
absl::StatusOr<MissedAppointment> PreviewRelease(absl::string_view message,
                                                 const Mapping& mapping,
                                                 const edge::Cohort& cohort);
// What it publishes when it is let out under this decision, made before or after
// it came.
//   FAILED_PRECONDITION  nothing; says why.  UNAVAILABLE  not known now.
absl::StatusOr<MissedAppointment> DecideRelease(
    absl::string_view message, const Mapping& mapping,
    const edge::Cohort& cohort, const edge::SharingDecisions& decisions,
    absl::string_view decision_ref);
// Whether a kept message would fare otherwise if it came now.  As above.
absl::Status DecideReplay(const edge::KeptItem& item, const Mapping& mapping,
                          const edge::Cohort& cohort,
                          const edge::SharingDecisions& decisions);

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_MAPPING_H_

// What the bus itself has to say in its log, by the same path as everybody:
// that the log was created, which types and agreements are in force.
#ifndef CONCORDAT_SERVICES_BUS_INGEST_HUB_RECORDS_H_
#define CONCORDAT_SERVICES_BUS_INGEST_HUB_RECORDS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "services/bus/ingest/ingest_core.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/random.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// What people asked for and agreed to.
inline constexpr char kApprovalsStream[] = "approvals";
// Of what became of the keys, of erasures, holds and restrictions.
inline constexpr char kKeysStream[] = "keys";
inline constexpr char kErasuresStream[] = "erasures";
inline constexpr char kHoldsStream[] = "holds";
inline constexpr char kRestrictionsStream[] = "restrictions";
// Of who knows of a correction.
inline constexpr char kCorrectionsStream[] = "corrections";
inline constexpr char kReviewsStream[] = "reviews";
inline constexpr char kRegistryStream[] = "registry";

// The bus as a publisher: hub.v1.LogCreated, TypesAdopted, AgreementAdopted,
// AgreementRetired, AgreementEndWarned, FaultsAccepted, SubscriptionActed,
// OperatorActed, EventsLost, RetentionStarted, RetentionEnded, ApprovalAsked,
// ApprovalGiven, ApprovalRefused; and those of erasure.proto and correction.proto.
v1::Principal HubPrincipal();

// Tells whoever looks after data, in the log, that this was accepted.
absl::StatusOr<Event> FaultsAcceptedOf(const FaultyEvent& faulty,
                                       const TypeRegistry& types,
                                       Random& random);

// Tells of an act on a subscription; `id` is new.
absl::StatusOr<Event> SubscriptionActedOf(
    std::string id, const hub::v1::SubscriptionActed& acted,
    const TypeRegistry& types, Random& random);

// Tells of an act on the hub as a whole; `id` is new.
absl::StatusOr<Event> OperatorActedOf(std::string id,
                                      const hub::v1::OperatorActed& acted,
                                      const TypeRegistry& types,
                                      Random& random);
// Tell of a run of retention, by its name, which is new.
absl::StatusOr<Event> RetentionStartedOf(
    absl::string_view run, const hub::v1::RetentionStarted& started,
    const TypeRegistry& types, Random& random);
absl::StatusOr<Event> RetentionEndedOf(absl::string_view run,
                                       const hub::v1::RetentionEnded& ended,
                                       const TypeRegistry& types,
                                       Random& random);

// An event of the bus's own of any type that it may publish, about nobody or about
// `subject`; `id` is new.
absl::StatusOr<Event> HubEventOf(std::string id, std::string stream,
                                 const PersonKey& subject,
                                 const google::protobuf::MessageLite& message,
                                 const TypeRegistry& types, Random& random);
// Tell of an agreement that came into force, of its early end, and that it ends
// soon.
absl::StatusOr<Event> AgreementAdoptedOf(
    const hub::v1::AgreementAdopted& adopted, const TypeRegistry& types,
    Random& random);
absl::StatusOr<Event> AgreementRetiredOf(
    const hub::v1::AgreementRetired& retired, const TypeRegistry& types,
    Random& random);
// Once for each of the steps of its warning, which is `step` days before the end.
absl::StatusOr<Event> AgreementEndWarnedOf(
    const hub::v1::AgreementEndWarned& warned, uint32_t step,
    const TypeRegistry& types, Random& random);
hub::v1::AgreementAdopted AdoptedUnsigned(
    const policy::v1::Agreement& agreement);

struct HubRecords {
  v1::Environment environment = v1::ENVIRONMENT_UNSPECIFIED;
  std::string descriptor_set;
  std::vector<policy::v1::Agreement> agreements;
  // What the log is told of one that it does not have: with its text and who signed
  // it, or why it is not taken.
  using Adopt = std::function<absl::StatusOr<hub::v1::AgreementAdopted>(
      const policy::v1::Agreement&)>;
  Adopt adopt = AdoptedUnsigned;
};

// Publishes what of `records` the log does not have yet, that events are lost when
// an epoch has begun, and that a run of retention ended with the bus, and writes it;
// before anybody else does.
//   FAILED_PRECONDITION  an agreement has the version that the log has with
//                        other content; or the log is of another environment.
//                        One that is older than the log's is passed over.
//   INVALID_ARGUMENT     an agreement does not load.  Else as the log.
absl::Status RecordStart(const HubRecords& records, EventLog& log,
                         IngestCore& core, const TypeRegistry& types,
                         Random& random);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_HUB_RECORDS_H_

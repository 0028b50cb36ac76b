#include "services/bus/ingest/hub_records.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/codec.h"
#include "services/common/event/make_event.h"

namespace concordat::bus {
namespace {

constexpr size_t kStreamRecordsMax = 1u << 20;
constexpr char kRetention[] = "retention";
constexpr char kStarted[] = "-started";
constexpr char kEnded[] = "-ended";

// The bytes of the stream's last message; nothing when it has none.
absl::StatusOr<std::optional<std::string>> LastOf(const EventLog& log,
                                                  absl::string_view stream) {
  const auto all = log.OfStream(kHubSource, stream, {0}, kStreamRecordsMax);
  if (!all.ok()) return all.status();
  if (all->empty()) return std::optional<std::string>();
  const auto event = log.ReadOne(all->back());
  if (!event.ok()) return event.status();
  return std::optional<std::string>(MessageOf(*event));
}

// The last version of an agreement that its stream has; version 0: none.
absl::StatusOr<hub::v1::AgreementAdopted> LastAdopted(
    const EventLog& log, absl::string_view stream) {
  const auto all = log.OfStream(kHubSource, stream, {0}, kStreamRecordsMax);
  if (!all.ok()) return all.status();
  hub::v1::AgreementAdopted adopted;
  for (auto at = all->rbegin(); at != all->rend(); ++at) {
    const auto event = log.ReadOne(*at);
    if (!event.ok()) return event.status();
    if (event->header.type != adopted.GetDescriptor()->full_name()) continue;
    if (!adopted.ParseFromString(MessageOf(*event))) {
      return absl::DataLossError(absl::StrCat("stream ", stream));
    }
    break;
  }
  return adopted;
}

absl::StatusOr<Event> HubEvent(std::string id, std::string stream,
                               const google::protobuf::MessageLite& message,
                               const TypeRegistry& types, Random& random,
                               const PersonKey& subject = PersonKey()) {
  Header header;
  header.subject = subject;
  header.source = kHubSource;
  header.controller = HubPrincipal().agency();
  header.purpose = "HUB_OPERATION";
  header.id = std::move(id);
  header.stream = std::move(stream);
  header.classification = v1::CLASSIFICATION_OFFICIAL;
  return MakeEvent(types, std::move(header), message, random);
}

class Recorder {
 public:
  Recorder(EventLog& log, IngestCore& core, const TypeRegistry& types,
           Random& random)
      : log_(log), core_(core), types_(types), random_(random) {}

  absl::Status Record(std::string id, std::string stream,
                      const google::protobuf::MessageLite& message) {
    const auto event =
        HubEvent(std::move(id), std::move(stream), message, types_, random_);
    if (!event.ok()) return event.status();
    BatchEncoder batch;
    batch.Add(AsView(*event));
    const absl::Status taken = core_.Publish({}, 1, principal_, batch.Take());
    if (!taken.ok()) return taken;
    while (std::unique_ptr<PendingBlock> block = core_.NextBlock()) {
      const absl::Status written = log_.Write(*block);
      if (!written.ok()) return written;
      core_.Written(std::move(block));
    }
    for (const Answer& answer : core_.TakeAnswers()) {
      for (const v1::Outcome& outcome : answer.receipts.outcomes()) {
        if (outcome.refusal() != v1::REFUSAL_UNSPECIFIED) {
          return absl::FailedPreconditionError(
              absl::StrCat("the bus's own record: ", outcome.detail()));
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  EventLog& log_;
  IngestCore& core_;
  const TypeRegistry& types_;
  Random& random_;
  const v1::Principal principal_ = HubPrincipal();
};

// Once for each epoch but the log's first.
absl::Status RecordEventsLost(EventLog& log, Recorder& recorder) {
  const std::vector<EpochBegin> epochs = log.Status().epochs;
  if (epochs.size() < 2) return absl::OkStatus();
  const EpochBegin& begin = epochs.back();
  const std::string id = absl::StrCat("events-lost-", begin.epoch);
  const auto recorded = log.OfId(kHubSource, id);
  if (!recorded.ok()) return recorded.status();
  if (recorded->value != 0) return absl::OkStatus();
  hub::v1::EventsLost lost;
  lost.set_epoch(begin.epoch);
  lost.set_last_kept(begin.first.value - 1);
  if (begin.first.value > 1) {
    const auto last = log.ReadOne({begin.first.value - 1});
    if (!last.ok()) return last.status();
    lost.set_lost_from(last->accepted_us);
  }
  return recorder.Record(id, "log/lost", lost);
}

// A run that the log has the start of alone.
absl::Status RecordRetentionEnded(EventLog& log, Recorder& recorder) {
  const auto last = log.StreamVersion(kHubSource, kRetention);
  if (!last.ok()) return last.status();
  if (last->value == 0) return absl::OkStatus();
  const auto event = log.ReadOne(*last);
  if (!event.ok()) return event.status();
  absl::string_view run = event->header.id;
  if (!absl::ConsumeSuffix(&run, kStarted)) return absl::OkStatus();
  hub::v1::RetentionEnded ended;
  ended.set_failed("the bus ended before it did; the log's status counts all");
  return recorder.Record(absl::StrCat(run, kEnded), kRetention, ended);
}

std::string StreamOf(absl::string_view agreement) {
  return absl::StrCat("agreement/", agreement);
}

std::string IdOf(const hub::v1::AgreementAdopted& adopted) {
  return absl::StrCat("agreement-", adopted.name(), "-", adopted.version());
}

absl::Status RecordAgreement(const policy::v1::Agreement& agreement,
                             const HubRecords::Adopt& adopt,
                             const EventLog& log, Recorder& recorder) {
  const std::string stream = StreamOf(agreement.name());
  // Its stream has early ends and warnings too.
  const auto before = LastAdopted(log, stream);
  if (!before.ok()) return before.status();
  if (before->version() > agreement.version()) return absl::OkStatus();
  if (before->version() == agreement.version()) {
    if (before->agreement() == agreement.SerializeAsString()) {
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "agreement ", agreement.name(), ": version ", before->version(),
        " is in force; a changed agreement needs a higher version"));
  }
  const auto adopted = adopt(agreement);
  if (!adopted.ok()) return adopted.status();
  return recorder.Record(IdOf(*adopted), stream, *adopted);
}

}  // namespace

v1::Principal HubPrincipal() {
  v1::Principal principal;
  principal.set_name("hub");
  principal.set_agency("hub");
  principal.set_system("bus");
  v1::PublishGrant& grant = *principal.add_publish();
  grant.set_source(kHubSource);
  grant.add_types("concordat.hub.v1.LogCreated");
  grant.add_types("concordat.hub.v1.TypesAdopted");
  grant.add_types("concordat.hub.v1.AgreementAdopted");
  grant.add_types("concordat.hub.v1.AgreementRetired");
  grant.add_types("concordat.hub.v1.AgreementEndWarned");
  grant.add_types("concordat.hub.v1.FaultsAccepted");
  grant.add_types("concordat.hub.v1.SubscriptionActed");
  grant.add_types("concordat.hub.v1.OperatorActed");
  grant.add_types("concordat.hub.v1.EventsLost");
  grant.add_types("concordat.hub.v1.RetentionStarted");
  grant.add_types("concordat.hub.v1.RetentionEnded");
  grant.add_types("concordat.hub.v1.ApprovalAsked");
  grant.add_types("concordat.hub.v1.ApprovalGiven");
  grant.add_types("concordat.hub.v1.ApprovalRefused");
  grant.add_types("concordat.hub.v1.RegistryChanged");
  grant.add_types("concordat.hub.v1.RetentionReviewed");
  for (const char* type :
       {"PersonErased", "ErasureConfirmed", "WrappingKeyChanged",
        "WrappingKeysDestroyed", "HoldPlaced", "HoldLifted",
        "ProcessingRestricted", "CorrectionAccepted"}) {
    grant.add_types(absl::StrCat("concordat.hub.v1.", type));
  }
  return principal;
}

absl::StatusOr<Event> FaultsAcceptedOf(const FaultyEvent& faulty,
                                       const TypeRegistry& types,
                                       Random& random) {
  hub::v1::FaultsAccepted message;
  message.set_sequence(faulty.sequence.value);
  message.set_source(faulty.source);
  message.set_type(faulty.type);
  message.mutable_faults()->Assign(faulty.faults.begin(), faulty.faults.end());
  return HubEvent(absl::StrCat("faults-", faulty.sequence.value), "faults",
                  message, types, random);
}

absl::StatusOr<Event> SubscriptionActedOf(
    std::string id, const hub::v1::SubscriptionActed& acted,
    const TypeRegistry& types, Random& random) {
  return HubEvent(std::move(id), "subscriptions", acted, types, random);
}

absl::StatusOr<Event> OperatorActedOf(std::string id,
                                      const hub::v1::OperatorActed& acted,
                                      const TypeRegistry& types,
                                      Random& random) {
  return HubEvent(std::move(id), "operators", acted, types, random);
}

absl::StatusOr<Event> RetentionStartedOf(
    absl::string_view run, const hub::v1::RetentionStarted& started,
    const TypeRegistry& types, Random& random) {
  return HubEvent(absl::StrCat(run, kStarted), kRetention, started, types,
                  random);
}

absl::StatusOr<Event> RetentionEndedOf(absl::string_view run,
                                       const hub::v1::RetentionEnded& ended,
                                       const TypeRegistry& types,
                                       Random& random) {
  return HubEvent(absl::StrCat(run, kEnded), kRetention, ended, types, random);
}

absl::StatusOr<Event> HubEventOf(std::string id, std::string stream,
                                 const PersonKey& subject,
                                 const google::protobuf::MessageLite& message,
                                 const TypeRegistry& types, Random& random) {
  return HubEvent(std::move(id), std::move(stream), message, types, random,
                  subject);
}

hub::v1::AgreementAdopted AdoptedUnsigned(
    const policy::v1::Agreement& agreement) {
  hub::v1::AgreementAdopted adopted;
  adopted.set_name(agreement.name());
  adopted.set_version(agreement.version());
  adopted.set_agreement(agreement.SerializeAsString());
  return adopted;
}

absl::StatusOr<Event> AgreementAdoptedOf(
    const hub::v1::AgreementAdopted& adopted, const TypeRegistry& types,
    Random& random) {
  return HubEvent(IdOf(adopted), StreamOf(adopted.name()), adopted, types,
                  random);
}

absl::StatusOr<Event> AgreementRetiredOf(
    const hub::v1::AgreementRetired& retired, const TypeRegistry& types,
    Random& random) {
  // An earlier end may come after one that was to be later.
  return HubEvent(absl::StrCat("retired-", retired.name(), "-",
                               retired.version(), "-", retired.from()),
                  StreamOf(retired.name()), retired, types, random);
}

absl::StatusOr<Event> AgreementEndWarnedOf(
    const hub::v1::AgreementEndWarned& warned, uint32_t step,
    const TypeRegistry& types, Random& random) {
  return HubEvent(absl::StrCat("ending-", warned.name(), "-", warned.version(),
                               "-", warned.last_day(), "-", step),
                  StreamOf(warned.name()), warned, types, random);
}

absl::Status RecordStart(const HubRecords& records, EventLog& log,
                         IngestCore& core, const TypeRegistry& types,
                         Random& random) {
  Recorder recorder(log, core, types, random);
  hub::v1::LogCreated created;
  created.set_environment(std::string(EnvironmentName(records.environment)));
  const auto first = LastOf(log, "log");
  if (!first.ok()) return first.status();
  if (!first->has_value()) {
    const absl::Status recorded =
        recorder.Record("log-created", "log", created);
    if (!recorded.ok()) return recorded;
  } else if (**first != created.SerializeAsString()) {
    return absl::FailedPreconditionError("the log is of another environment");
  }
  absl::Status told = RecordEventsLost(log, recorder);
  if (told.ok()) told = RecordRetentionEnded(log, recorder);
  if (!told.ok()) return told;

  hub::v1::TypesAdopted types_adopted;
  const Digest hash = Sha256::Of(records.descriptor_set);
  types_adopted.set_descriptor_set(records.descriptor_set);
  types_adopted.set_sha256(hash.data(), hash.size());
  const auto last = LastOf(log, "types");
  if (!last.ok()) return last.status();
  if (!last->has_value() || **last != types_adopted.SerializeAsString()) {
    // Types that come back are adopted again: the id has the place in it.
    const absl::Status recorded =
        recorder.Record(absl::StrCat("types-", log.Status().end.value + 1),
                        "types", types_adopted);
    if (!recorded.ok()) return recorded;
  }
  for (const policy::v1::Agreement& agreement : records.agreements) {
    const absl::Status recorded =
        RecordAgreement(agreement, records.adopt, log, recorder);
    if (!recorded.ok()) return recorded;
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus

#include "services/bus/daemon/act_recorder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/bus/ingest/hub_records.h"
#include "services/common/event/codec.h"
#include "services/common/event/reference_rules.h"

namespace concordat::bus {
namespace {

constexpr size_t kWhyBytesMax = 200;

}  // namespace

absl::Status CheckWhy(const std::string& why) {
  if (why.empty() || why.size() > kWhyBytesMax || !IsPrintable(why)) {
    return absl::InvalidArgumentError("why: 1 to 200 printable bytes");
  }
  if (!BrokenReferenceRule(why).empty()) {
    return absl::InvalidArgumentError("why: it looks like a number or address");
  }
  return absl::OkStatus();
}

ActRecorder::ActRecorder(IngestLoop& ingest,
                         std::shared_ptr<const TypeRegistry> types,
                         Random& random, const Clock& clock)
    : ingest_(ingest),
      types_(std::move(types)),
      random_(random),
      clock_(clock),
      ids_(random),
      hub_(HubPrincipal()) {}

std::string ActRecorder::NewId(absl::string_view of) {
  const auto now_us = static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
  return absl::StrCat(of, "-", ids_.Next(now_us));
}

void ActRecorder::Record(const hub::v1::SubscriptionActed& acted, Then then) {
  Publish(SubscriptionActedOf(NewId("subscription"), acted, *types_, random_),
          std::move(then));
}

void ActRecorder::Record(const hub::v1::OperatorActed& acted, Then then) {
  Publish(OperatorActedOf(NewId("operator"), acted, *types_, random_),
          std::move(then));
}

void ActRecorder::Record(const std::string& run,
                         const hub::v1::RetentionStarted& started, Then then) {
  Publish(RetentionStartedOf(run, started, *types_, random_), std::move(then));
}

void ActRecorder::Record(const std::string& run,
                         const hub::v1::RetentionEnded& ended, Then then) {
  Publish(RetentionEndedOf(run, ended, *types_, random_), std::move(then));
}

void ActRecorder::RecordIn(std::string id, std::string stream,
                           const PersonKey& subject,
                           const google::protobuf::MessageLite& message,
                           Then then) {
  Publish(EventOf(std::move(id), std::move(stream), subject, message),
          std::move(then));
}

absl::StatusOr<Event> ActRecorder::EventOf(
    std::string id, std::string stream, const PersonKey& subject,
    const google::protobuf::MessageLite& message) {
  return HubEventOf(std::move(id), std::move(stream), subject, message, *types_,
                    random_);
}

void ActRecorder::Record(const hub::v1::AgreementAdopted& adopted, Then then) {
  Publish(AgreementAdoptedOf(adopted, *types_, random_), std::move(then));
}

void ActRecorder::Record(const hub::v1::AgreementRetired& retired, Then then) {
  Publish(AgreementRetiredOf(retired, *types_, random_), std::move(then));
}

void ActRecorder::Record(const hub::v1::AgreementEndWarned& warned,
                         uint32_t step, Then then) {
  Publish(AgreementEndWarnedOf(warned, step, *types_, random_),
          std::move(then));
}

void ActRecorder::Publish(const absl::StatusOr<Event>& event, Then then) {
  if (!event.ok()) return then(event.status());
  Publish(std::vector<Event>{*event}, std::move(then));
}

void ActRecorder::Publish(const std::vector<Event>& events, Then then,
                          std::function<absl::Status()> first) {
  BatchEncoder batch;
  for (const Event& event : events) batch.Add(AsView(event));
  const absl::Status taken = ingest_.Publish(
      {nullptr, &hub_, batch.Take(),
       [then](const absl::Status& status, const v1::Receipts& receipts) {
         if (!status.ok()) return then(status);
         for (const v1::Outcome& outcome : receipts.outcomes()) {
           if (outcome.refusal() != v1::REFUSAL_UNSPECIFIED) {
             return then(absl::UnavailableError(
                 absl::StrCat("it cannot be recorded: ", outcome.detail())));
           }
         }
         then(absl::OkStatus());
       },
       std::move(first)});
  if (!taken.ok()) then(taken);
}

}  // namespace concordat::bus

#include "gateway/common/event_maker.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/ids.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/cloudevents.h"
#include "services/common/event/make_event.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;

absl::Status ToStatus(const PublishOutcome& outcome) {
  if (outcome.accepted) return absl::OkStatus();
  std::string message = RefusalWord(outcome.refusal);
  if (!outcome.detail.empty()) absl::StrAppend(&message, ": ", outcome.detail);
  if (outcome.refusal == bus::v1::REFUSAL_VERSION_CONFLICT) {
    absl::StrAppend(&message, "; the stream is at ",
                    outcome.stream_version.value);
  }
  return absl::FailedPreconditionError(message);
}

template <typename Enum>
void Default(Enum unspecified, Enum usual, Enum& value) {
  if (value == unspecified) value = usual;
}
void Default(const std::string& usual, std::string& value) {
  if (value.empty()) value = usual;
}

}  // namespace

void PublishedEvent::Take(const PublishOutcome& outcome) {
  status = ToStatus(outcome);
  sequence = outcome.sequence.value;
  duplicate = outcome.duplicate;
  faults = outcome.faults;
}

std::string PublishedEvent::ToJson() const {
  json::object object = {{"id", id}};
  if (!status.ok()) {
    object["error"] = std::string(status.message());
    return json::serialize(object);
  }
  if (spooled) {
    object["spooled"] = true;
    return json::serialize(object);
  }
  object["sequence"] = sequence;
  object["duplicate"] = duplicate;
  if (!faults.empty()) object["faults"] = json::value_from(faults);
  return json::serialize(object);
}

EventMaker::EventMaker(std::shared_ptr<const TypeRegistry> types,
                       std::string key)
    : types_(std::move(types)), key_(std::move(key)) {}

absl::StatusOr<Event> EventMaker::Make(const bus::v1::Principal& principal,
                                       absl::string_view text,
                                       const Resolver& resolve,
                                       std::string* id) const {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  auto* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return absl::InvalidArgumentError("not JSON");
  if (const auto* const given = object->if_contains("id");
      given != nullptr && given->is_string()) {
    *id = std::string(given->get_string());
  }
  if (!object->contains("source")) {
    (*object)["source"] = SourceOf(principal);
  }
  auto event = ParseCloudEvent(*types_, json::serialize(value));
  if (!event.ok()) return event.status();
  if (auto status = CheckPublishable(*event); !status.ok()) return status;
  Header& header = event->header;
  if (!event->subject_ref.empty()) {
    const auto subject = resolve(event->subject_ref);
    if (!subject.ok()) return subject.status();
    auto key = PersonKey::Parse(*subject);
    if (!key.ok()) return key.status();
    header.subject = *key;
  }
  Default(principal.agency(), header.controller);
  Default(principal.default_purpose(), header.purpose);
  Default(principal.default_gateway(), header.gateway);
  Default(bus::v1::REGIME_UNSPECIFIED, principal.default_regime(),
          header.regime);
  // A record of its own, unless the producer says which.
  Default(absl::StrCat(principal.system(), "/", header.id), header.stream);
  const Seed seed = SeedFor(key_, header.source, header.id);
  return MakeEvent(*types_, header, event->data.value_or(""), seed);
}

}  // namespace concordat::gateway

#include "gateway/cli/event_door.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/bus/v1/session.pb.h"
#include "gateway/cli/json.h"
#include "services/common/base/ids.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/cloudevents.h"
#include "services/common/event/make_event.h"

namespace concordat::cli {
namespace {

namespace json = boost::json;

// "SOURCE_NOT_ALLOWED: …"
absl::Status ToStatus(const PublishOutcome& outcome) {
  if (outcome.accepted) return absl::OkStatus();
  constexpr absl::string_view kPrefix = "REFUSAL_";
  std::string reason = bus::v1::Refusal_Name(outcome.refusal);
  if (reason.rfind(std::string(kPrefix), 0) == 0) {
    reason.erase(0, kPrefix.size());
  }
  std::string message = reason;
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

std::string PublishedLine::ToJson() const {
  if (!status.ok()) {
    return absl::StrCat("{\"id\":", JsonQuote(id),
                        ",\"error\":", JsonQuote(std::string(status.message())),
                        "}");
  }
  std::string json =
      absl::StrCat("{\"id\":", JsonQuote(id), ",\"sequence\":", sequence,
                   ",\"duplicate\":", duplicate ? "true" : "false");
  if (!faults.empty()) {
    absl::StrAppend(
        &json, ",\"faults\":[",
        absl::StrJoin(faults, ",",
                      [](std::string* out, const std::string& fault) {
                        out->append(JsonQuote(fault));
                      }),
        "]");
  }
  return json + "}";
}

EventDoor::EventDoor(bus::v1::Principal principal,
                     std::shared_ptr<const TypeRegistry> types,
                     std::unique_ptr<BusClient> bus, std::string key,
                     Resolver resolve)
    : principal_(std::move(principal)),
      types_(std::move(types)),
      bus_(std::move(bus)),
      key_(std::move(key)),
      resolve_(std::move(resolve)) {}

absl::StatusOr<std::unique_ptr<EventDoor>> EventDoor::Open(Hub& hub) {
  const DataDirectory& data = hub.data();
  const auto descriptors = data.LoadTypes();
  if (!descriptors.ok()) return descriptors.status();
  const auto codes = data.LoadCodeLists();
  if (!codes.ok()) return codes.status();
  auto types = TypeRegistry::Build(*descriptors, *codes);
  if (!types.ok()) return types.status();
  auto key = data.LoadSecret(hub.profile());
  if (!key.ok()) return key.status();
  auto bus = ConnectBus(data, hub.profile());
  if (!bus.ok()) return bus.status();
  return std::make_unique<EventDoor>(hub.principal(), *std::move(types),
                                     *std::move(bus), *std::move(key),
                                     [&hub](absl::string_view reference) {
                                       return hub.ResolveSubject(reference);
                                     });
}

absl::StatusOr<Event> EventDoor::MakeEventOf(absl::string_view text,
                                             std::string* id) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  auto* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return absl::InvalidArgumentError("not JSON");
  if (const auto* const given = object->if_contains("id");
      given != nullptr && given->is_string()) {
    *id = std::string(given->get_string());
  }
  if (!object->contains("source")) {
    (*object)["source"] = SourceOf(principal_);
  }
  auto event = ParseCloudEvent(*types_, json::serialize(value));
  if (!event.ok()) return event.status();
  if (auto status = CheckPublishable(*event); !status.ok()) return status;
  Header& header = event->header;
  if (!event->subject_ref.empty()) {
    const auto subject = resolve_(event->subject_ref);
    if (!subject.ok()) return subject.status();
    auto key = PersonKey::Parse(*subject);
    if (!key.ok()) return key.status();
    header.subject = *key;
  }
  Default(principal_.agency(), header.controller);
  Default(principal_.default_purpose(), header.purpose);
  Default(principal_.default_gateway(), header.gateway);
  Default(bus::v1::REGIME_UNSPECIFIED, principal_.default_regime(),
          header.regime);
  // A record of its own, unless the producer says which.
  Default(absl::StrCat(principal_.system(), "/", header.id), header.stream);
  const Seed seed = SeedFor(key_, header.source, header.id);
  return MakeEvent(*types_, header, event->data.value_or(""), seed);
}

PublishedLine EventDoor::Publish(absl::string_view json,
                                 absl::Duration timeout) {
  PublishedLine line;
  auto event = MakeEventOf(json, &line.id);
  if (!event.ok()) {
    line.status = event.status();
    return line;
  }
  std::vector<Event> set;
  set.push_back(*std::move(event));
  const auto outcomes = PublishAndWait(*bus_, std::move(set), timeout);
  if (!outcomes.ok()) {
    line.status = outcomes.status();
    return line;
  }
  const PublishOutcome& outcome = outcomes->front();
  line.status = ToStatus(outcome);
  line.sequence = outcome.sequence.value;
  line.duplicate = outcome.duplicate;
  line.faults = outcome.faults;
  return line;
}

}  // namespace concordat::cli

#include "gateway/cli/event_door.h"

#include <utility>
#include <vector>

#include "services/common/bus_client/zmq_bus_client.h"

namespace concordat::cli {

using ::concordat::gateway::EventMaker;
using ::concordat::gateway::PublishedEvent;

namespace {

constexpr absl::Duration kWait = absl::Milliseconds(100);
constexpr int kIdleMax = 100;

}  // namespace

EventDoor::EventDoor(bus::v1::Principal principal, EventMaker maker,
                     std::unique_ptr<BusClient> bus,
                     EventMaker::Resolver resolve)
    : principal_(std::move(principal)),
      maker_(std::move(maker)),
      bus_(std::move(bus)),
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
  return std::make_unique<EventDoor>(
      hub.principal(), EventMaker(*std::move(types), *std::move(key)),
      *std::move(bus), [&hub](absl::string_view reference) {
        return hub.ResolveSubject(reference);
      });
}

PublishedEvent EventDoor::Publish(absl::string_view json,
                                  absl::Duration timeout) {
  PublishedEvent published;
  auto event = Make(json, &published.id);
  if (!event.ok()) {
    published.status = event.status();
    return published;
  }
  std::vector<Event> set;
  set.push_back(*std::move(event));
  const auto outcomes = PublishAndWait(*bus_, std::move(set), timeout);
  if (!outcomes.ok()) {
    published.status = outcomes.status();
    return published;
  }
  published.Take(outcomes->front());
  return published;
}

absl::StatusOr<std::vector<View>> EventDoor::ReadAll(
    const std::vector<std::string>& types) {
  SubscribeOptions options;
  options.types = types;
  const auto subscription = bus_->Subscribe(options);
  if (!subscription.ok()) return subscription.status();
  std::vector<View> views;
  // The end is known once something came from the bus.
  for (int idle = 0;
       (*subscription)->log_end().value == 0 ||
       (*subscription)->scanned_through() < (*subscription)->log_end();) {
    const auto delivery = (*subscription)->Next(kWait);
    if (absl::IsDeadlineExceeded(delivery.status())) {
      if (++idle < kIdleMax) continue;
      return absl::UnavailableError("the bus says nothing");
    }
    if (!delivery.ok()) return delivery.status();
    views.push_back(delivery->view);
    (*subscription)->Ack(delivery->number);
  }
  return views;
}

}  // namespace concordat::cli

// Events as CloudEvents (JSON), to and from the bus, as one principal.
//
// Threads  One at a time.
#ifndef CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_
#define CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "gateway/cli/hub.h"
#include "gateway/common/event_maker.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"

namespace concordat::cli {

class EventDoor {
 public:
  EventDoor(bus::v1::Principal principal, gateway::EventMaker maker,
            std::unique_ptr<BusClient> bus,
            gateway::EventMaker::Resolver resolve);

  // As the hub's principal. `hub` outlives it.
  static absl::StatusOr<std::unique_ptr<EventDoor>> Open(Hub& hub);

  // One CloudEvent's event. `id` gets the CloudEvent's as soon as it is known.
  //   As EventMaker::Make().
  absl::StatusOr<Event> Make(absl::string_view json, std::string* id) const {
    return maker_.Make(principal_, json, resolve_, id);
  }
  // Sends one CloudEvent and waits for the answer. A repeat is the same event.
  gateway::PublishedEvent Publish(absl::string_view json,
                                  absl::Duration timeout);

  // Everything of these types that it may see, from the beginning to the log's end as
  // it is when it is read.
  //   UNAVAILABLE  the bus is mute.  And as Subscription::Next().
  absl::StatusOr<std::vector<View>> ReadAll(
      const std::vector<std::string>& types);

  BusClient& bus() { return *bus_; }
  const TypeRegistry& types() const { return maker_.types(); }

 private:
  const bus::v1::Principal principal_;
  const gateway::EventMaker maker_;
  const std::unique_ptr<BusClient> bus_;
  const gateway::EventMaker::Resolver resolve_;
};

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_

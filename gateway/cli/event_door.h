// Events as CloudEvents (JSON), to and from the bus, as one principal.
//
// Threads  One at a time.
#ifndef CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_
#define CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "gateway/cli/hub.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"

namespace concordat::cli {

// What became of one line.
struct PublishedLine {
  std::string id;
  absl::Status status;  // OK: accepted, now or before.
  uint64_t sequence = 0;
  bool duplicate = false;
  // Accepted in spite of these.
  std::vector<std::string> faults;

  // {"id","sequence","duplicate"}, with "faults" when there are any, or
  // {"id","error"}
  std::string ToJson() const;
};

class EventDoor {
 public:
  // "ref:<system>:<number>" to "p-…".
  using Resolver =
      std::function<absl::StatusOr<std::string>(absl::string_view)>;

  // `key`, of this principal alone, is what seeds follow from.
  EventDoor(bus::v1::Principal principal,
            std::shared_ptr<const TypeRegistry> types,
            std::unique_ptr<BusClient> bus, std::string key, Resolver resolve);

  // As the hub's principal. `hub` outlives it.
  static absl::StatusOr<std::unique_ptr<EventDoor>> Open(Hub& hub);

  // Sends one CloudEvent and waits for the answer. What it leaves out comes
  // from the principal: source, controller, purpose, gateway, regime, and a
  // stream of its own. A repeat is the same event.
  PublishedLine Publish(absl::string_view json, absl::Duration timeout);

  BusClient& bus() { return *bus_; }
  const TypeRegistry& types() const { return *types_; }

 private:
  absl::StatusOr<Event> MakeEventOf(absl::string_view json, std::string* id);

  const bus::v1::Principal principal_;
  const std::shared_ptr<const TypeRegistry> types_;
  const std::unique_ptr<BusClient> bus_;
  const std::string key_;
  const Resolver resolve_;
};

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_

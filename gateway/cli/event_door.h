// Events as CloudEvents (JSON), to and from the bus, as one principal.
//
// Threads  One at a time.
#ifndef CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_
#define CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/cli/hub.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/type_table.h"

namespace concordat::cli {

// What became of one line.
struct PublishedLine {
  std::string id;
  absl::Status status;  // OK: accepted, now or before.
  uint64_t sequence = 0;
  bool duplicate = false;

  // {"id","sequence","duplicate"} or {"id","error"}
  std::string ToJson() const;
};

class EventDoor {
 public:
  // `hub` outlives it.
  static absl::StatusOr<std::unique_ptr<EventDoor>> Open(Hub& hub);

  // Sends one CloudEvent and waits for the answer. What it leaves out comes
  // from the principal: source, controller, purpose, gateway, regime. A subject
  // ref:<system>:<number> is resolved. The seed follows from source and id, so
  // that a repeat is the same event.
  PublishedLine Publish(absl::string_view json, absl::Duration timeout);

  BusClient& bus() { return *bus_; }
  const TypeRegistry& types() const { return *types_; }

 private:
  EventDoor(Hub& hub, std::shared_ptr<const TypeRegistry> types,
            std::unique_ptr<BusClient> bus, std::string key);
  absl::StatusOr<Event> MakeEventOf(absl::string_view json, std::string* id);

  Hub& hub_;
  const std::shared_ptr<const TypeRegistry> types_;
  const std::unique_ptr<BusClient> bus_;
  const std::string key_;  // From which seeds follow.
};

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_EVENT_DOOR_H_

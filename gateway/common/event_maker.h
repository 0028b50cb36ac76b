// An event from a CloudEvent, as one principal sends it, and what became of it in
// JSON: the same at the command line and at the gateway. PURE.
//
// Threads  Any.
#ifndef CONCORDAT_GATEWAY_COMMON_EVENT_MAKER_H_
#define CONCORDAT_GATEWAY_COMMON_EVENT_MAKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"

namespace concordat::gateway {

// What became of one event.
struct PublishedEvent {
  std::string id;
  absl::Status status;  // OK: accepted, now or before.
  // OK: on this machine's disk, and nothing is known of the bus.
  bool spooled = false;
  uint64_t sequence = 0;
  bool duplicate = false;
  // Accepted in spite of these.
  std::vector<std::string> faults;

  // What the bus said of it; a refusal reads "SOURCE_NOT_ALLOWED: …".
  void Take(const PublishOutcome& outcome);
  // {"id","sequence","duplicate"}, with "faults" when there are any;
  // {"id","spooled"}; or {"id","error"}
  std::string ToJson() const;
};

class EventMaker {
 public:
  // "ref:<system>:<number>" to "p-…".
  using Resolver =
      std::function<absl::StatusOr<std::string>(absl::string_view)>;

  // `key`, of this door alone, is what seeds follow from: a repeat is the same
  // event.
  EventMaker(std::shared_ptr<const TypeRegistry> types, std::string key);

  const TypeRegistry& types() const { return *types_; }

  // What the CloudEvent leaves out comes from the principal: source,
  // controller, purpose, gateway, regime, and a stream of its own. `id` gets
  // the CloudEvent's as soon as it is known.
  //   NOT_FOUND         no such type.
  //   INVALID_ARGUMENT  names the attribute or field and the rule, no value.
  //   Others            as `resolve` says.
  absl::StatusOr<Event> Make(const bus::v1::Principal& principal,
                             absl::string_view json, const Resolver& resolve,
                             std::string* id) const;

 private:
  const std::shared_ptr<const TypeRegistry> types_;
  const std::string key_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_COMMON_EVENT_MAKER_H_

// POST /events publishes CloudEvents in the caller's name; GET /events reads a
// person's as the caller may see them.
//
// Threads  Handlers run on the server's threads that may wait.
#ifndef CONCORDAT_GATEWAY_API_EVENTS_DOOR_H_
#define CONCORDAT_GATEWAY_API_EVENTS_DOOR_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/api/upstream.h"
#include "gateway/common/event_maker.h"
#include "gateway/http/router.h"
#include "services/common/config/live_registry.h"

namespace concordat::gateway {

class EventsDoor {
 public:
  // All outlive it. `timeout` is of each call that it makes.
  EventsDoor(EventMaker maker, Upstream& upstream, RegistrySource registry,
             absl::Duration timeout);
  void Register(Router& router);

 private:
  Response Publish(const Request& request, const Caller& caller);
  Response ReadPerson(const Request& request, const Caller& caller);
  // Sends those of `made` that could be, and says of each what became of it.
  void Send(const std::vector<std::optional<Event>>& made,
            const CallOptions& options, std::vector<PublishedEvent>* published);
  absl::StatusOr<std::string> Resolve(absl::string_view reference,
                                      const CallOptions& options);
  // The caller's own number of a person; empty: none, or not known now.
  std::string LocalSubject(const std::string& subject,
                           const CallOptions& options);

  const EventMaker maker_;
  Upstream& upstream_;
  const RegistrySource registry_;
  const absl::Duration timeout_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_EVENTS_DOOR_H_

#ifndef CONCORDAT_SERVICES_BUS_DAEMON_ARRIVAL_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_ARRIVAL_DESK_H_

#include <memory>
#include <string>

#include "concordat/bus/v1/arrival.pb.h"
#include "services/bus/daemon/asked_thread.h"
#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/explainer.h"
#include "services/bus/log/background.h"
#include "services/bus/log/event_log.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// concordat.bus.v1.ArrivalService: why an event has, or has not, come to somebody.
//
// Threads  Serve: before the host starts. Who sees it is judged on the host's thread,
//          where it is on the delivery's, and the access log is read on the desk's
//          own; nothing waits.
class ArrivalDesk {
 public:
  // Everything outlives it; it outlives the host and the delivery loop's thread.
  // `missing`: what the access log does not have (MissingAccess).
  ArrivalDesk(EventLog& log, Explainer& explainer, DeliveryLoop& delivery,
              const AccessStore& store, std::string missing,
              std::unique_ptr<Background> thread);

  void Serve(ServerHost& host);

 private:
  struct Run;
  using Shared = std::shared_ptr<Run>;

  void Begin(const Call& call, const v1::ExplainArrivalRequest& request,
             Reply<v1::ExplainArrivalResponse> reply);
  void Answer(Run& run) const;

  EventLog& log_;
  Explainer& explainer_;  // The host's thread alone.
  DeliveryLoop& delivery_;
  const AccessStore& store_;
  const std::string missing_;
  AskedThread thread_;  // Last.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_ARRIVAL_DESK_H_

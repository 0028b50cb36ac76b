#ifndef CONCORDAT_SERVICES_BUS_DAEMON_WHO_KNEW_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_WHO_KNEW_DESK_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "services/bus/log/background.h"
#include "services/bus/oversight/bundle_maker.h"
#include "services/bus/oversight/who_knew.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// concordat.access.v1.WhoKnewService: one question at a time, on a thread of its
// own, for each reads the log.
class WhoKnewDesk {
 public:
  // A question waits behind so many; more are refused.
  static constexpr int kWaitingMax = 8;

  // Both outlive it; it outlives the host.
  WhoKnewDesk(WhoKnew& who_knew, BundleMaker& bundles,
              std::unique_ptr<Background> background)
      : who_knew_(who_knew),
        bundles_(bundles),
        background_(std::move(background)) {}

  void Serve(ServerHost& host);
  // Answers what waits, and nothing more. Before the host stops.
  void Stop();

 private:
  // False: it is not to be asked.
  bool Post(std::function<void()> work);

  WhoKnew& who_knew_;
  BundleMaker& bundles_;
  Mutex mu_;
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  // Null after Stop(). Last: it uses the others.
  std::unique_ptr<Background> background_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_WHO_KNEW_DESK_H_

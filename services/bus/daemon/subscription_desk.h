// The operator's acts on subscriptions: looks, counts, has the log told who does
// what and why, then does it.
//
// Threads  Serve: before the host starts. Its handlers run on the host's thread;
//          Expire: any. Steps go on wherever the one before ended; nothing waits.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_SUBSCRIPTION_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_SUBSCRIPTION_DESK_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "concordat/bus/v1/service.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/four_eyes.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class SubscriptionDesk {
 public:
  // Everything outlives it; it outlives the host and both loops' threads.
  // `redrive_per_s` is the delivery's.
  SubscriptionDesk(const EventLog& log, DeliveryLoop& delivery,
                   ActRecorder& recorder, FourEyes& four_eyes,
                   uint32_t redrive_per_s);

  void Serve(ServerHost& host);
  // Nobody used the name with this key for so long: records that and forgets it.
  void Expire(const std::string& key);

 private:
  using Rows = std::vector<Row>;
  using Then = std::function<void(const absl::Status&)>;

  // Goes on with the rows of a subscription, on the host's thread.
  void WithRows(const v1::SubscriptionName& name,
                std::function<void(absl::StatusOr<Rows>)> then);
  // Fills `event`; false: the filter does not pick it.
  absl::StatusOr<bool> Picks(const v1::SetAsideFilter& filter, const Row& row,
                             v1::SetAsideEvent& event) const;
  absl::StatusOr<v1::ListSetAsideResponse> Page(
      const v1::ListSetAsideRequest& request, const Rows& rows) const;
  // The rows that `choice` picks, by their orders.
  absl::StatusOr<std::vector<uint64_t>> Choose(const v1::SetAsideChoice& choice,
                                               bool with_parked,
                                               const Rows& rows) const;
  // Counts what the request picks and, when that is confirmed and another person
  // agrees, does `act` with it.
  template <typename Request, typename Response>
  void ActOnRows(const Call& call, const Request& request,
                 Reply<Response> reply, Response response, bool with_parked,
                 absl::string_view kind, hub::v1::SubscriptionActed::Act act,
                 absl::StatusOr<size_t> (DeliveryCore::*how)(
                     const std::string&, absl::Span<const uint64_t>));
  // Has the log told of it, then does it.
  void RecordAndDo(const hub::v1::SubscriptionActed& acted,
                   std::function<absl::Status(DeliveryCore&)> act, Then then);

  const EventLog& log_;
  DeliveryLoop& delivery_;
  ActRecorder& recorder_;
  FourEyes& four_eyes_;
  const uint32_t redrive_per_s_;
  ServerHost* host_ = nullptr;

  Mutex mu_;
  std::set<std::string> expiring_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_SUBSCRIPTION_DESK_H_

// Who of those that had a fact has its correction or retraction, too: each durable
// subscription that the original is shown to and that was past it.
//
// Threads  Serve: before the host starts. Its handler runs on the host's thread.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_CORRECTION_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_CORRECTION_DESK_H_

#include "absl/status/statusor.h"
#include "concordat/bus/v1/corrections.pb.h"
#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/delivery/correction_book.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class CorrectionDesk {
 public:
  // Everything outlives it. `fold` is the host's thread's.
  CorrectionDesk(EventLog& log, const DeliveryLoop& delivery, PolicyFold& fold)
      : log_(log), delivery_(delivery), fold_(fold), book_(log) {}

  void Serve(ServerHost& host);

 private:
  absl::StatusOr<v1::ListCorrectionsResponse> List(
      const Call& call, const v1::ListCorrectionsRequest& request);
  absl::Status FillRecipients(const PrincipalRegistry& registry,
                              const DeliverySnapshot& snapshot,
                              v1::Correction& correction) const;

  EventLog& log_;
  const DeliveryLoop& delivery_;
  PolicyFold& fold_;
  CorrectionBook book_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_CORRECTION_DESK_H_

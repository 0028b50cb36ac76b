// The operator's acts on the hub as a whole: drains it, announces maintenance; and
// who asks how it is is told of both.
//
// Threads  Serve: before the host starts. Its handlers run on the host's thread;
//          the rest: any.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_OPERATOR_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_OPERATOR_DESK_H_

#include "absl/time/time.h"
#include "concordat/bus/v1/service.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/drain.h"
#include "services/common/base/clock.h"
#include "services/common/config/data_directory.h"
#include "services/common/rpc/server_host.h"
#include "services/common/telemetry/health.h"

namespace concordat::bus {

class OperatorDesk {
 public:
  static constexpr absl::Duration kMaintenanceMax = absl::Hours(24 * 7);

  // Everything outlives it; it outlives the host. Times are told in `zone`.
  OperatorDesk(Drain& drain, ActRecorder& recorder, const DataDirectory& data,
               const Clock& clock, absl::TimeZone zone)
      : drain_(drain),
        recorder_(recorder),
        data_(data),
        clock_(clock),
        zone_(zone) {}

  void Serve(ServerHost& host);

  bool drained() const { return drain_.phase() == Drain::Phase::kDrained; }
  void Fill(v1::GetLogStatusResponse* status) const;
  //   code "drain"        it takes no events, or soon will not
  //   code "maintenance"  announced; or past, and nobody has said that it is over
  void Judge(Troubles& troubles) const;

 private:
  void SetMaintenance(const Call& call,
                      const v1::SetMaintenanceRequest& request,
                      Reply<v1::SetMaintenanceResponse> reply);
  std::string TimeOf(absl::Time at) const;

  Drain& drain_;
  ActRecorder& recorder_;
  const DataDirectory& data_;
  const Clock& clock_;
  const absl::TimeZone zone_;
  ServerHost* host_ = nullptr;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_OPERATOR_DESK_H_

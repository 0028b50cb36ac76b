// concordat.bus.v1.CorrectionService: who of those that had a fact knows of its
// correction, what was made of it, and that somebody was told.
//
// Threads  Serve: before the host starts. What is asked is answered on the desk's own
//          thread, as the access log is read whole.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_CORRECTION_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_CORRECTION_DESK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/bus/v1/corrections.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/asked_thread.h"
#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/log/background.h"
#include "services/bus/oversight/correction_register.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class CorrectionDesk {
 public:
  // Everything outlives it; it outlives the host and the ingest loop's thread.
  // `missing`: what the access log does not have (MissingAccess).
  CorrectionDesk(EventLog& log, std::shared_ptr<const TypeRegistry> types,
                 const DeliveryLoop& delivery, ActRecorder& recorder,
                 CorrectionRegister corrections, std::string missing,
                 std::unique_ptr<Background> thread);

  void Serve(ServerHost& host);

 private:
  CorrectionRegister::Question QuestionOf(const Call& call) const;
  absl::StatusOr<v1::ListCorrectionsResponse> List(
      const Call& call, const v1::ListCorrectionsRequest& request);
  absl::StatusOr<v1::TraceCorrectionResponse> Trace(
      const Call& call, const v1::TraceCorrectionRequest& request);
  void Accept(const Call& call, const v1::AcceptCorrectionRequest& request,
              Reply<v1::AcceptCorrectionResponse> reply);
  // Whether it may be said of `agency`, and by whom.
  absl::Status CheckAcceptance(const Call& call,
                               const v1::AcceptCorrectionRequest& request,
                               const CorrectionRegister::Found& found) const;
  // 0: it is not connected.
  Sequence AlertsAt(const CorrectionRegister::Question& question) const;

  EventLog& log_;
  const std::shared_ptr<const TypeRegistry> types_;
  const DeliveryLoop& delivery_;
  ActRecorder& recorder_;
  const std::string missing_;
  CorrectionRegister register_;  // The thread's.
  AskedThread thread_;           // Last.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_CORRECTION_DESK_H_

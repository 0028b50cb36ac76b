// The life of an agreement: AgreementService (proto/concordat/bus/v1/agreements.proto).
// An agreement is adopted and ended by an act in the log, which has the text and the
// signatures; what a data directory holds is where the next start finds them.
//
// Threads  Serve: before the host starts. Its handlers run on the host's thread; a
//          trial on the past on one of its own. Warn, Stop: any.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_AGREEMENT_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_AGREEMENT_DESK_H_

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "concordat/bus/v1/agreements.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/log/background.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/config/data_directory.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class AgreementDesk {
 public:
  // Everything outlives it; it outlives the host. `asked` is the fold of questions,
  // which the host's thread has; a trial has a copy.
  AgreementDesk(const EventLog& log, PolicyFold& asked, IngestLoop& ingest,
                ActRecorder& recorder, const DataDirectory& data,
                std::shared_ptr<const TypeRegistry> types, const Clock& clock,
                std::unique_ptr<Background> thread)
      : log_(log),
        asked_(asked),
        ingest_(ingest),
        recorder_(recorder),
        data_(data),
        types_(std::move(types)),
        clock_(clock),
        thread_(std::move(thread)) {}

  void Serve(ServerHost& host);
  // Has the log told of what ends soon, once at each step: so many days before as
  // the watch warns, and 14, 7, 3, 1 and none. Call it about once a second.
  void Warn(uint32_t warning_days);
  // A trial that is under way ends.
  void Stop() { stopping_ = true; }

 private:
  void Adopt(const Call& call, const v1::AdoptAgreementRequest& request,
             Reply<v1::AdoptAgreementResponse> reply);
  void Retire(const Call& call, const v1::RetireAgreementRequest& request,
              Reply<v1::RetireAgreementResponse> reply);
  absl::StatusOr<v1::DiffAgreementResponse> Diff(
      const Call& call, const v1::DiffAgreementRequest& request);
  void Try(const Call& call, const v1::SimulateAgreementRequest& request,
           Reply<v1::SimulateAgreementResponse> reply);

  const EventLog& log_;
  PolicyFold& asked_;
  IngestLoop& ingest_;
  ActRecorder& recorder_;
  const DataDirectory& data_;
  const std::shared_ptr<const TypeRegistry> types_;
  const Clock& clock_;
  ServerHost* host_ = nullptr;
  Mutex mu_;
  // What Warn() looked at last.
  // Name, version and step, as far as they are recorded in this life.
  std::set<std::string> warned_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> trying_ = false;
  std::atomic<bool> stopping_ = false;
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_AGREEMENT_DESK_H_

// Retention as two operators run it: looks, counts, has another person agree, has
// the log told what is about to go, removes it segment by segment, and has the log told what came of it.
//
// Threads  Serve: before the host starts. Its handler runs on the host's thread;
//          the log is read and compacted on one of its own, so that nobody waits.
//          Stop: any. The outcome is recorded whether or not the caller waits.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_RETENTION_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_RETENTION_DESK_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/retention.pb.h"
#include "concordat/bus/v1/service.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/four_eyes.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/log/background.h"
#include "services/bus/log/compactable_log.h"
#include "services/bus/log/event_log.h"
#include "services/bus/retention/retention_judge.h"
#include "services/bus/retention/retention_plan.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class RetentionDesk {
 public:
  // As it is now.  NOT_FOUND  there is none.
  using LoadPolicy = std::function<absl::StatusOr<v1::RetentionPolicy>()>;

  // Everything outlives it; it outlives the host and both loops' threads.
  // `compactable` is `log`.
  RetentionDesk(const EventLog& log, CompactableLog& compactable,
                IngestLoop& ingest, DeliveryLoop& delivery,
                ActRecorder& recorder, FourEyes& four_eyes,
                std::shared_ptr<const TypeRegistry> types, LoadPolicy policy,
                absl::TimeZone london, std::unique_ptr<Background> thread);

  void Serve(ServerHost& host);
  // A run that is under way ends after the segment that it is at.
  void Stop() { stopping_ = true; }

 private:
  // One that was asked for; shared by its steps.
  struct Run {
    Call call;
    std::string by;
    std::string why;
    v1::RunRetentionRequest request;
    FirstNeeded needed;
    std::string name;
    RetentionTerms terms;
    RetentionPlan plan;
    v1::RunRetentionResponse response;
    Reply<v1::RunRetentionResponse> reply;
  };
  using SharedRun = std::shared_ptr<Run>;

  void Begin(const Call& call, const v1::RunRetentionRequest& request,
             Reply<v1::RunRetentionResponse> reply);
  void End(const SharedRun& run, const absl::Status& status);
  // The steps, on the desk's thread.
  absl::Status Plan(Run& run);
  void Look(const SharedRun& run);
  void Start(const SharedRun& run);
  void Remove(const SharedRun& run);
  absl::Status RemoveFrom(uint32_t segment, Run& run, RetentionTally& removed);

  CompactableLog& compactable_;
  IngestLoop& ingest_;
  DeliveryLoop& delivery_;
  ActRecorder& recorder_;
  FourEyes& four_eyes_;
  const LoadPolicy policy_;
  const absl::TimeZone london_;
  std::atomic<bool> running_ = false;
  std::atomic<bool> stopping_ = false;
  RetentionJudge judge_;  // The desk's thread.
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_RETENTION_DESK_H_

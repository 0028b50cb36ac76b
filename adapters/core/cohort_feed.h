// Keeps a Cohort in step with identity's stream, over as many connections as
// that takes.
#ifndef CONCORDAT_ADAPTERS_CORE_COHORT_FEED_H_
#define CONCORDAT_ADAPTERS_CORE_COHORT_FEED_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "adapters/core/cohort.h"
#include "concordat/identity/v1/service.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "services/common/base/mutex.h"
#include "services/common/telemetry/log.h"

namespace concordat::edge {

// Takes one message of the stream into the cohort.
//   INVALID_ARGUMENT  it names no person; nothing changed.
absl::Status ApplyCohortChange(const identity::v1::CohortChange& change,
                               Cohort& cohort);

class CohortFeed {
 public:
  // A channel to identity, looked up anew after each break.
  using OpenIdentity =
      std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>()>;

  // Starts its thread. Borrows cohort and log. `request` says whom it wants.
  CohortFeed(Cohort& cohort, OpenIdentity open, const Logger& log,
             identity::v1::CohortRequest request = {});
  ~CohortFeed();

 private:
  void Run();
  absl::Status ReadUntilItBreaks();
  // False: stopping.
  bool Pause(absl::Duration pause);

  Cohort& cohort_;
  const OpenIdentity open_;
  const Logger& log_;
  const identity::v1::CohortRequest request_;
  Mutex mu_;
  CondVar stop_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  grpc::ClientContext* reading_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::thread thread_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_COHORT_FEED_H_

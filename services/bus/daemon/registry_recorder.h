// Says in the log how the registry changes: who is enrolled, revoked, removed, or has
// other keys or rights than before. Changes while no bus ran are said at its next
// start; the first registry of a data directory is not a change.
//
// Threads  One of its own, from Start() to Stop().
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_REGISTRY_RECORDER_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_REGISTRY_RECORDER_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/hub/v1/approval.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/common/base/mutex.h"
#include "services/common/config/live_registry.h"
#include "services/common/storage/storage.h"
#include "services/common/telemetry/log.h"

namespace concordat::bus {

// By principal. PURE.
std::vector<hub::v1::RegistryChanged> ChangesOf(const v1::Registry& before,
                                                const v1::Registry& after);

class RegistryRecorder {
 public:
  // Everything outlives it. `folder` has the registry that was said last.
  RegistryRecorder(RegistrySource registry, const IngestLoop& ingest,
                   ActRecorder& recorder, Directory& folder, const Logger& log)
      : registry_(std::move(registry)),
        ingest_(ingest),
        recorder_(recorder),
        folder_(folder),
        log_(log) {}
  ~RegistryRecorder() { Stop(); }

  //   DATA_LOSS, UNAVAILABLE  the folder.
  absl::Status Start();
  // Before the ingest loop's thread ends.
  void Stop();

 private:
  void Run();
  // What is other than before is in the log and in the folder when it is OK.
  absl::Status Look();
  absl::Status Say(const std::vector<hub::v1::RegistryChanged>& changes);

  const RegistrySource registry_;
  const IngestLoop& ingest_;
  ActRecorder& recorder_;
  Directory& folder_;
  const Logger& log_;
  std::shared_ptr<const PrincipalRegistry> seen_;  // The thread's.
  v1::Registry said_;
  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_REGISTRY_RECORDER_H_

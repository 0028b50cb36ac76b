// One case-file edge, wired: folder, store, cohort, worker.
//
// Threads  One of its own takes files and works rows off. The rest: any.
#ifndef CONCORDAT_ADAPTERS_DAEMON_CASEFILE_EDGE_H_
#define CONCORDAT_ADAPTERS_DAEMON_CASEFILE_EDGE_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/casefile/case_store.h"
#include "adapters/casefile/drop_folder.h"
#include "adapters/casefile/file_taker.h"
#include "adapters/casefile/mapping_set.h"
#include "adapters/casefile/row_worker.h"
#include "adapters/core/cohort.h"
#include "adapters/core/cohort_feed.h"
#include "adapters/core/erasure_feed.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/edge/v1/casefile.pb.h"
#include "concordat/hub/v1/status.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/storage/storage.h"
#include "services/common/telemetry/log.h"

namespace concordat::edge {

// Who this edge is and what it stands on. Everything borrowed outlives it.
struct CaseFileEdgeParts {
  bus::v1::Principal principal;
  v1::CaseFileEdge settings;
  // Read anew whenever there is a file, and for every replay: a mended mapping
  // needs no restart.
  std::function<absl::StatusOr<std::vector<v1::CaseFileMapping>>()>
      load_mappings;
  std::string drop_folder;
  std::string secret;  // 32 bytes; every key of the edge comes from it.
  CohortFeed::OpenIdentity open_identity;
  std::shared_ptr<const TypeRegistry> types;
  Directory* directory = nullptr;
  BusClient* bus = nullptr;
  const Clock* clock = nullptr;
  const SteadyClock* steady = nullptr;
  Random* random = nullptr;
  const Logger* log = nullptr;
};

class CaseFileEdgeProcess {
 public:
  // Everything runs when it returns.
  //   INVALID_ARGUMENT  settings or a mapping; the principal may not publish.
  //   UNAVAILABLE       the folder.  DATA_LOSS  the store.
  static absl::StatusOr<std::unique_ptr<CaseFileEdgeProcess>> Start(
      CaseFileEdgeParts parts);
  ~CaseFileEdgeProcess();

  casefile::CaseStore& store() { return *store_; }
  casefile::RowWorker& worker() { return *worker_; }
  const HmacSha256& marks() const { return taker_->marks(); }
  const Cohort& cohort() const { return cohort_; }
  // As they are on the disk now.
  absl::StatusOr<casefile::MappingSet> LoadMappings() const;
  // There is something to do.
  void Wake();

  // Position: folded by the cohort; 0 while files or rows wait, so that who
  // waits for their effects does. log_end counts what was published.
  void FillStatus(hub::v1::GetStatusResponse* status);

 private:
  explicit CaseFileEdgeProcess(CaseFileEdgeParts parts);
  absl::Status StartParts();
  absl::StatusOr<uint64_t> Erase(const PersonKey& person);
  void Run();
  // True: it is worth going on at once.
  bool RunOnce();
  // Takes what is in the folder.
  absl::Status TakeFiles();
  std::shared_ptr<const casefile::MappingSet> mappings();
  void Complain(absl::Status why);

  const CaseFileEdgeParts parts_;
  absl::TimeZone zone_;
  Cohort cohort_;
  // In the order in which they start; they end the other way round.
  std::unique_ptr<casefile::CaseStore> store_;
  std::unique_ptr<casefile::DropFolder> folder_;
  std::unique_ptr<CohortFeed> cohort_feed_;
  std::unique_ptr<ErasureFeed> erasure_feed_;
  std::unique_ptr<casefile::FileTaker> taker_;
  std::unique_ptr<casefile::RowWorker> worker_;
  std::thread thread_;

  Mutex mu_;
  CondVar woken_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool wake_ ABSL_GUARDED_BY(mu_) = false;
  // As they were last read.
  std::shared_ptr<const casefile::MappingSet> mappings_ ABSL_GUARDED_BY(mu_);
  // Of the last try to take files; OK: they were taken.
  absl::Status trouble_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_DAEMON_CASEFILE_EDGE_H_

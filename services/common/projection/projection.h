// A read model in SQLite that follows the bus: each event is applied once, in the
// log's order, and with it, in the same transaction, the place it came from. What
// the model publishes because of an event is done before the event counts as
// applied.
//
// So a model is the fold of what its reader may see. When policy shows the reader
// more of the past (an event that others were applied after, or more groups of one
// that was applied), no further event mends it: it is built anew from the log.
//
// Threads  Step() and database() for one thread; judged_through(), log_end(),
//          ready() and AwaitJudged() for any.
#ifndef CONCORDAT_SERVICES_COMMON_PROJECTION_PROJECTION_H_
#define CONCORDAT_SERVICES_COMMON_PROJECTION_PROJECTION_H_

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/projection/sqlite.h"

namespace concordat {

class ReadModel {
 public:
  virtual ~ReadModel() = default;
  // A higher number when schema or meaning changes: the model is then built
  // anew from the log in a new file, and the old file goes when it has caught
  // up.
  virtual int version() const = 0;
  // CREATE TABLE IF NOT EXISTS …; names must not start with "projection_".
  virtual std::string schema() const = 0;
  // Applies one event, in an open transaction. Total: what it does not know it
  // ignores. May publish, with ids derived from the event, and wait for the
  // answer. An error undoes the transaction, and the event comes again.
  virtual absl::Status Apply(const View& view, Database& database) = 0;
};

struct ProjectionOptions {
  std::string folder;              // Empty: in memory, built at each start.
  std::string name;                // Of the file: <name>.v<version>.db
  std::vector<std::string> types;  // As in SubscribeOptions.
};

class Projection {
 public:
  // Opens the file and subscribes after its place. Both are borrowed. A model
  // of which Step() has said so is begun anew.
  //   the codes of Database::Open() and BusClient::Subscribe()
  static absl::StatusOr<std::unique_ptr<Projection>> Open(
      ProjectionOptions options, ReadModel& model, BusClient& bus);

  // Waits for an event and applies it, and what else has come by then in the same
  // transaction. False: none came in time.
  //   what Apply() or the database answered: the events are tried again by the
  //   next calls, one at a time.  PERMISSION_DENIED, FAILED_PRECONDITION: the subscription is at
  //   its end.  DATA_LOSS: what the model was built from is no longer in the log,
  //   or policy shows more of it than then; the next Open() builds it anew.
  absl::StatusOr<bool> Step(absl::Duration timeout);

  // Everything up to here was judged, and what it caused is accepted.
  Sequence judged_through() const { return {judged_.load()}; }
  Sequence log_end() const { return {end_.load()}; }
  // Has been up to date since it was opened.
  bool ready() const { return ready_.load(); }
  // Whether the model may answer: it has been up to date, the bus is there, and
  // everything up to `position` is judged. Waits for the last at most `timeout`.
  //   UNAVAILABLE  says which is missing.
  absl::Status AwaitJudged(Sequence position, absl::Duration timeout) const;

  Database& database() { return *database_; }

 private:
  Projection(ProjectionOptions options, ReadModel& model,
             std::unique_ptr<Database> database)
      : options_(std::move(options)),
        model_(model),
        database_(std::move(database)) {}
  absl::Status ReadPlace();
  // Whether it is to be built anew for this one.
  absl::StatusOr<bool> ShowsMoreOfThePast(const View& view);
  absl::Status NoteStale();
  // How many of `pending_` are applied together.
  size_t Together() const;
  absl::Status Apply(size_t count);
  void NoteJudged(Sequence through);
  void RemoveOlderFiles() const;

  const ProjectionOptions options_;
  ReadModel& model_;
  const std::unique_ptr<Database> database_;
  std::unique_ptr<Subscription> subscription_;
  std::deque<Delivery> pending_;  // Came and are not applied.
  bool one_by_one_ = false;       // One of them failed.
  Sequence position_;
  Sequence newest_;  // Of what was applied.
  Sequence backfilled_through_;
  LogEpoch log_epoch_;  // That the place is of.
  bool stale_ = false;
  mutable Mutex mu_;
  mutable CondVar judged_changed_;  // With `mu_`.
  std::atomic<uint64_t> judged_{0};
  std::atomic<uint64_t> end_{0};
  std::atomic<bool> connected_{false};
  std::atomic<bool> ready_{false};
};

// A thread that steps a projection until it is stopped, with a growing pause
// after a failure.
class ProjectionThread {
 public:
  // `on_failure` is told of each, on that thread. Borrows the projection.
  ProjectionThread(Projection& projection,
                   std::function<void(const absl::Status&)> on_failure);
  ~ProjectionThread();  // Ends it.

 private:
  void Run();

  Projection& projection_;
  const std::function<void(const absl::Status&)> on_failure_;
  Mutex mu_;
  CondVar stop_changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PROJECTION_PROJECTION_H_

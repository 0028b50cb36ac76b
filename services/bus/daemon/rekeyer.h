// Changes the wrapping key of a log while it is written, and with it erases keys:
// each such change is one commit of the log. The order is what makes it safe to be
// cut off anywhere:
//
//   1. the key file holds the new wrapping key, too         durable
//      and so does that of every other process of the log
//   2. the table under it, and the event that says so       one commit
//   3. the table stands beside the key file                 durable
//   4. the key file holds the new wrapping key alone        durable, overwritten
//      and so does that of every other process, which sees the table in the log
//
// What ends between 1 and 4 is seen by the key file, which holds two: Finish() at
// the next start, or where another process writes on, changes the wrapping key once
// more and destroys all before it.
//
// Threads  Run, Finish, Followed: any. `then` comes from the thread of `disk`.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_REKEYER_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_REKEYER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/log/background.h"
#include "services/bus/log/key_file.h"
#include "services/bus/log/key_sharers.h"
#include "services/bus/log/rekeyable_log.h"
#include "services/common/base/ids.h"
#include "services/common/base/random.h"
#include "services/common/telemetry/health.h"

namespace concordat::bus {

class Rekeyer {
 public:
  struct Outcome {
    uint32_t wrapping_key = 0;  // The new one.
    size_t kept = 0;            // Keys that go on.
    size_t erased = 0;
  };
  using Erase = absl::flat_hash_set<PersonKey>;
  // The events that the table is in one commit with.
  using Says =
      std::function<absl::StatusOr<std::vector<Event>>(uint32_t wrapping_key)>;
  using Then = std::function<void(const absl::StatusOr<Outcome>&)>;

  // Everything outlives it. `log` is the one that `ingest` writes; `sharers` is null
  // where no other process has it.
  Rekeyer(RekeyableLog& log, IngestLoop& ingest, DeliveryLoop& delivery,
          ActRecorder& recorder, KeyFile& keys, KeySharers* sharers,
          Random& random, std::unique_ptr<Background> disk);

  //   FAILED_PRECONDITION  one is under way; the log takes no writes; another process
  //   writes it, or does not prove that it may have the new key.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED  says whether it is in the log already.
  void Run(Erase erase, Says says, Then then);

  // At a start, or where this process begins to write: ends what another began and
  // did not end. `then` is not called when there is nothing to end.
  void Finish(Then then);

  // Another process has changed the wrapping key: what of the log stands opened in
  // memory goes.
  void Followed();

  // Until the key file holds one key: that it does not.
  void Judge(Troubles& troubles) const;

 private:
  struct Change;
  using Shared = std::shared_ptr<Change>;
  void Start(Erase erase, Says says, Then then);
  void Begin(const Shared& change);
  void Destroy(const Shared& change);
  // Once no key file has a lower one, says so in the log.
  void SayDestroyed(uint32_t below,
                    std::function<void(const absl::Status&)> then);
  void End(const Shared& change, const absl::Status& status);

  RekeyableLog& log_;
  IngestLoop& ingest_;
  DeliveryLoop& delivery_;
  ActRecorder& recorder_;
  KeyFile& keys_;
  KeySharers* const sharers_;
  Random& random_;
  std::atomic<bool> running_ = false;
  std::atomic<bool> owes_ = false;  // A wrapping key is to be destroyed.
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> disk_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_REKEYER_H_

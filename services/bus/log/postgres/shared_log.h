// A log in PostgreSQL that several processes have: one writes, the others follow,
// and one of them writes on when it is gone.
//
//   Opener() ── DurableEventLog::Open ──► Start() ── on_block… ──► on_lease
//
// Threads  Two of its own: one keeps the lease, one follows. Hooks are called on
//          the latter, on_lost on either; they must not wait.
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_SHARED_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_SHARED_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/bus/log/durable_event_log.h"
#include "services/bus/log/postgres/postgres_block_store.h"
#include "services/bus/log/postgres/writer_lease.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

class SharedLog {
 public:
  struct Hooks {
    // What another process wrote, in order; on a quorum.
    std::function<void(std::shared_ptr<const EventBlock>)> on_block;
    // This process writes from here on; all before was told.
    std::function<void(uint64_t term)> on_lease;
    // No lower one opens anything of the log that this follows: when it begins to,
    // and when another process changed the wrapping key and may have erased somebody.
    std::function<void(uint32_t wrapping_key)> on_keys = [](uint32_t) {};
  };

  // `process` is of this process alone. on_lost: the log is of no more use to this
  // process: another writes, or it is damaged, or lost.
  SharedLog(const PostgresOptions& options, absl::Duration lease,
            std::string process,
            std::function<void(const absl::Status&)> on_lost);
  // The process ends: what it has is free.
  ~SharedLog();

  const PostgresOptions& options() const { return options_; }

  // Where the log's blocks stand. Opening waits until there is a log to follow,
  // or this process may begin one.
  OpenBlockStore Opener(uint64_t segment_bytes);
  // `log` was opened with Opener(), and outlives what follows until Stop().
  void Start(DurableEventLog& log, Hooks hooks);
  // Why nothing can be written just now, for people; empty: nothing is known to
  // be wrong. After Start(). Any thread.
  std::string Trouble() const;
  // Follows no more. The lease is kept.
  void Stop();
  // Nothing more is appended here: the next one may write at once. After Stop().
  void GiveUp();

 private:
  void Keep();
  void Follow();
  absl::StatusOr<uint64_t> TryTake();
  // False: it is to end.
  bool Wait(absl::Duration time);

  const PostgresOptions options_;
  const absl::Duration length_;
  const std::function<void(const absl::Status&)> on_lost_;
  PostgresBlockStore* store_ = nullptr;
  DurableEventLog* log_ = nullptr;
  Hooks hooks_;
  Mutex lease_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // Held across the server.
  WriterLease lease_ ABSL_GUARDED_BY(lease_mu_);
  uint64_t term_ ABSL_GUARDED_BY(lease_mu_) = 0;  // 0: another process writes.
  mutable Mutex mu_;
  CondVar ends_;
  absl::Status kept_ ABSL_GUARDED_BY(mu_);  // Of the last Renew().
  bool ends_following_ ABSL_GUARDED_BY(mu_) = false;
  bool ends_keeping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread follow_;
  std::thread keep_;  // Last: it uses the others.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_SHARED_LOG_H_

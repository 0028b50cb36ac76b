#include "services/bus/log/postgres/shared_log.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

// A lease that was given up is taken within this.
constexpr absl::Duration kLookEvery = absl::Milliseconds(100);
// A block is written in milliseconds; longer than this somebody has to look.
constexpr absl::Duration kLongWait = absl::Seconds(5);

}  // namespace

SharedLog::SharedLog(const PostgresOptions& options, absl::Duration lease,
                     std::string process,
                     std::function<void(const absl::Status&)> on_lost)
    : options_(options),
      length_(lease),
      on_lost_(std::move(on_lost)),
      lease_(options, std::move(process), lease),
      keep_([this] { Keep(); }) {}

SharedLog::~SharedLog() {
  Stop();
  {
    MutexLock lock(mu_);
    ends_keeping_ = true;
    ends_.NotifyAll();
  }
  keep_.join();
  MutexLock lock(lease_mu_);
  lease_.End();
}

void SharedLog::GiveUp() {
  MutexLock lock(lease_mu_);
  lease_.GiveUp();
}

void SharedLog::Keep() {
  const auto ends = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return ends_keeping_;
  };
  for (;;) {
    {
      MutexLock lock(mu_);
      if (ends_.WaitFor(mu_, length_ / 3, ends)) return;
    }
    absl::Status kept;
    {
      MutexLock lock(lease_mu_);
      kept = lease_.Renew();
    }
    {
      MutexLock lock(mu_);
      kept_ = kept;
    }
    // A server that does not answer may come back before the lease ends, or
    // nobody may take it: what is appended says whether it is ours.
    if (absl::IsAborted(kept)) return on_lost_(kept);
  }
}

absl::StatusOr<uint64_t> SharedLog::TryTake() {
  MutexLock lock(lease_mu_);
  if (term_ != 0) return term_;
  absl::StatusOr<uint64_t> taken = lease_.TryTake();
  if (taken.ok()) term_ = *taken;
  return taken;
}

OpenBlockStore SharedLog::Opener(uint64_t segment_bytes) {
  return [this, segment_bytes](Directory& beside,
                               const BlockStore::OpenHooks& hooks)
             -> absl::StatusOr<std::unique_ptr<BlockStore>> {
    for (;;) {
      const absl::StatusOr<uint64_t> term = TryTake();
      if (!term.ok()) return term.status();
      absl::StatusOr<std::unique_ptr<PostgresBlockStore>> store =
          PostgresBlockStore::Open(options_, segment_bytes, beside, hooks);
      if (!store.ok()) return store.status();
      if (*term != 0) {
        const absl::Status checked = (*store)->CheckServer();
        if (!checked.ok()) return checked;
        (*store)->BeginTerm(*term);
      }
      if (*term != 0 || (*store)->end().log_id.has_value()) {
        store_ = store->get();
        return *std::move(store);
      }
      if (!Wait(kLookEvery)) return absl::CancelledError("stopped");
    }
  };
}

bool SharedLog::Wait(absl::Duration time) {
  MutexLock lock(mu_);
  return !ends_.WaitFor(mu_, time, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return ends_following_;
  });
}

void SharedLog::Start(DurableEventLog& log, Hooks hooks) {
  log_ = &log;
  hooks_ = std::move(hooks);
  follow_ = std::thread([this] { Follow(); });
}

std::string SharedLog::Trouble() const {
  const absl::Duration waited = store_->waited();
  if (waited >= kLongWait) {
    return absl::StrCat("a block has waited ", absl::ToInt64Seconds(waited),
                        " s for PostgreSQL and a standby of it");
  }
  MutexLock lock(mu_);
  if (kept_.ok()) return "";
  return absl::StrCat("PostgreSQL does not answer: ", kept_.message());
}

void SharedLog::Stop() {
  {
    MutexLock lock(mu_);
    ends_following_ = true;
    ends_.NotifyAll();
  }
  if (follow_.joinable()) follow_.join();
}

void SharedLog::Follow() {
  bool told = false;
  while (Wait(absl::ZeroDuration())) {
    const absl::StatusOr<uint64_t> term = TryTake();
    const bool is_ours = term.ok() && *term != 0;
    // A process that ended before it could destroy them has old keys still.
    if (!is_ours && !std::exchange(told, true)) {
      hooks_.on_keys(log_->oldest_wrapping_key());
    }
    // Once the lease is ours nothing is added in an earlier term: what comes now
    // is the rest.
    size_t blocks = 0;
    absl::Status status;
    do {
      blocks = 0;
      status =
          store_->Follow(is_ours ? absl::ZeroDuration() : kLookEvery,
                         [&](const ScannedBlock& block) {
                           ++blocks;
                           const uint32_t keys = log_->oldest_wrapping_key();
                           auto events = log_->Join(block);
                           const uint32_t now = log_->oldest_wrapping_key();
                           if (events.ok() && now != keys) {
                             hooks_.on_keys(now);
                           }
                           if (events.ok() && !(*events)->events.empty()) {
                             hooks_.on_block(*std::move(events));
                           }
                           return events.status();
                         });
    } while (is_ours && status.ok() && blocks > 0);
    if (status.ok() && is_ours) status = store_->CheckServer();
    if (status.ok() && is_ours) {
      store_->BeginTerm(*term);
      return hooks_.on_lease(*term);
    }
    if (!status.ok() && !absl::IsUnavailable(status)) return on_lost_(status);
    if (!status.ok()) Wait(kLookEvery);
  }
}

}  // namespace concordat::bus

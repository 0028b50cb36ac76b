// What an erasure, and a change of the wrapping key, asks of a DurableEventLog.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/durable_event_log.h"

namespace concordat::bus {
namespace {

constexpr size_t kPartBytes = 256 * 1024;

}  // namespace

absl::StatusOr<StagedKeyTable> DurableEventLog::StageKeyTable(
    const WrappingKeys& wrapping, const absl::flat_hash_set<PersonKey>& erase,
    uint64_t now_us) {
  {
    MutexLock lock(mu_);
    if (!read_only_because_.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the log takes no writes: ", read_only_because_));
    }
  }
  // The table's last part and the event after it fit into one block.
  const size_t block_bytes =
      std::min<size_t>(options_.block_bytes, options_.segments.segment_bytes);
  KeyRing::Rewrapped rewrapped =
      keys_.Rewrap(wrapping, erase, std::max(now_us, last_accepted_us_),
                   log_id_, std::min(kPartBytes, block_bytes / 4));
  StagedKeyTable staged;
  staged.kept = rewrapped.kept;
  staged.erased = rewrapped.erased;
  staged.table = {log_id_, wrapping.current(), ""};
  for (const std::string& record : rewrapped.records) {
    if (open_block_ != nullptr) CloseStaged();
    BeginStaged();
    open_block_->bytes += record;
    staged_bytes_ += record.size();
    staged.table.records += record;
  }
  open_block_->ends_key_table = true;
  ForgetOpened();
  return staged;
}

absl::Status DurableEventLog::UnwrapJoined() {
  if (keys_.LacksWrappingKey() && options_.load_wrapping != nullptr) {
    const auto wrapping = options_.load_wrapping();
    if (!wrapping.ok()) return wrapping.status();
    keys_.UseWrapping(*wrapping);
  }
  const uint32_t before = keys_.oldest_wrapping_key();
  const absl::Status status = keys_.Unwrap(log_id_);
  if (!status.ok() || keys_.oldest_wrapping_key() == before) return status;
  keys_.ForgetOldWrapping();
  ForgetOpened();
  return absl::OkStatus();
}

void DurableEventLog::ForgetOpened() {
  MutexLock lock(mu_);
  recent_.clear();
  recent_sizes_.clear();
  recent_bytes_ = 0;
  last_read_ = nullptr;
}

}  // namespace concordat::bus

#include "services/bus/log/event_log.h"

#include <algorithm>

namespace concordat::bus {

bool IsOfLog(const LogStatus& log, absl::string_view log_id, uint32_t epoch,
             Sequence sequence) {
  if (log_id != log.log_id || sequence > log.end) return false;
  const auto of = std::find_if(
      log.epochs.begin(), log.epochs.end(),
      [epoch](const EpochBegin& each) { return each.epoch == epoch; });
  if (of == log.epochs.end()) return false;
  const auto next = std::next(of);
  return next == log.epochs.end() || sequence < next->first;
}

}  // namespace concordat::bus

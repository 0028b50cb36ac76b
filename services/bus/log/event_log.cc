#include "services/bus/log/event_log.h"

#include <algorithm>
#include <iterator>

namespace concordat::bus {

std::string MessageOf(const StoredEvent& event) {
  std::string message;
  for (const StoredGroup& group : event.opened) {
    message.append(group.data.data(), group.data.size());
  }
  return message;
}

std::optional<Sequence> LastOf(const LogStatus& log, absl::string_view log_id,
                               uint32_t epoch) {
  const auto of = std::find_if(
      log.epochs.begin(), log.epochs.end(),
      [epoch](const EpochBegin& each) { return each.epoch == epoch; });
  if (log_id != log.log_id || of == log.epochs.end()) return std::nullopt;
  const auto next = std::next(of);
  return next == log.epochs.end() ? log.end : Sequence{next->first.value - 1};
}

bool IsOfLog(const LogStatus& log, absl::string_view log_id, uint32_t epoch,
             Sequence sequence) {
  const std::optional<Sequence> last = LastOf(log, log_id, epoch);
  return last.has_value() && sequence <= *last;
}

absl::StatusOr<Sequence> LastBefore(const EventLog& log, uint64_t time_us,
                                    Sequence after, Sequence end) {
  // acceptedtime never steps back.
  Sequence before = after;
  Sequence from = {end.value + 1};
  while (before.value + 1 < from.value) {
    const Sequence middle = {before.value + (from.value - before.value) / 2};
    const auto event = log.ReadOne(middle);
    if (!event.ok()) return event.status();
    (event->accepted_us < time_us ? before : from) = middle;
  }
  return before;
}

}  // namespace concordat::bus

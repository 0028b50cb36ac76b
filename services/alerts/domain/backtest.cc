#include "services/alerts/domain/backtest.h"

#include <map>
#include <tuple>
#include <utility>

namespace concordat::alerts {

std::vector<v1::BacktestLoad> LoadOf(const Engine& engine,
                                     const std::string& agency,
                                     uint64_t from_us, uint64_t to_us) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  std::map<Key, v1::BacktestLoad> load;
  for (const auto& alert : engine.alerts()) {
    if (alert->raised_us < from_us ||
        (to_us != 0 && alert->raised_us >= to_us)) {
      continue;
    }
    for (const AlertMember& member : alert->members) {
      if (member.who.agency != agency || !member.told()) continue;
      const std::string day = absl::FormatTime(
          "%Y-%m-%d",
          absl::FromUnixMicros(static_cast<int64_t>(member.told_us)), London());
      v1::BacktestLoad& of =
          load[{alert->rule, alert->limb, member.who.role, day}];
      of.set_rule(alert->rule);
      of.set_limb(alert->limb);
      of.set_severity(alert->severity);
      of.set_role(member.who.role);
      of.set_day(day);
      of.set_alerts(of.alerts() + 1);
      if (member.withdrawn()) of.set_withdrawn(of.withdrawn() + 1);
    }
  }
  std::vector<v1::BacktestLoad> result;
  for (auto& [key, of] : load) result.push_back(std::move(of));
  return result;
}

}  // namespace concordat::alerts

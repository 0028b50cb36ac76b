// What rules would have asked of people: alert load by role and day. PURE.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_BACKTEST_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_BACKTEST_H_

#include <string>
#include <vector>

#include "concordat/alerts/v1/vector.pb.h"
#include "services/alerts/domain/engine.h"

namespace concordat::alerts {

// Of the alerts raised from `from_us` to before `to_us` (0: no end) to roles of
// `agency`, by rule, limb, role and day.
std::vector<v1::BacktestLoad> LoadOf(const Engine& engine,
                                     const std::string& agency,
                                     uint64_t from_us, uint64_t to_us);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_BACKTEST_H_

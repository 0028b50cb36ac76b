// Rules for those who answer for them: the list, their vectors, and what they
// would have raised over the log. Nothing here writes to the log, and nothing it
// answers holds a person or a fact.
//
// Threads  Any. Backtest blocks until the log is read, or its deadline; BacktestLater
//          does it on a thread of its own, so that nobody else's call waits for it.
//          The destructor answers what waits there.
#ifndef CONCORDAT_SERVICES_ALERTS_RPC_RULE_DESK_H_
#define CONCORDAT_SERVICES_ALERTS_RPC_RULE_DESK_H_

#include <atomic>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "services/alerts/domain/definitions.h"
#include "services/alerts/rpc/rule_adoption.h"
#include "services/common/base/clock.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/rpc/executor.h"
#include "services/common/rpc/server_host.h"

namespace concordat::alerts {

class RuleDesk {
 public:
  // Those in force now, as Desk::Rules().
  using RulesInForce =
      std::function<absl::StatusOr<v1::ListRulesResponse>(absl::Time deadline)>;

  // `agreements` are what vectors are judged under. The bus and the clock are
  // borrowed.
  RuleDesk(Definitions definitions, RulesInForce in_force,
           FolderRules of_folder, std::vector<policy::v1::Agreement> agreements,
           BusClient& bus, const Clock& clock)
      : definitions_(std::move(definitions)),
        in_force_(std::move(in_force)),
        of_folder_(std::move(of_folder)),
        agreements_(std::move(agreements)),
        bus_(bus),
        clock_(clock) {}
  ~RuleDesk() { stopping_ = true; }

  // These answer the codes of RulesInForce, too.
  absl::StatusOr<v1::ListRulesResponse> List(absl::Time deadline) const;
  absl::StatusOr<v1::TestRulesResponse> Test(
      const v1::TestRulesRequest& request, absl::Time deadline) const;
  // Of alerts to roles of the caller's agency.
  //   INVALID_ARGUMENT   a rule that is wrong.
  //   DEADLINE_EXCEEDED  the log is longer than the caller's patience.
  //   and the codes of BusClient::Subscribe().
  absl::StatusOr<v1::BacktestRulesResponse> Backtest(
      const AlertCaller& caller, const v1::BacktestRulesRequest& request,
      absl::Time deadline) const;
  //   RESOURCE_EXHAUSTED  so many wait: it is not done.
  static constexpr size_t kBacktestsMax = 4;
  void BacktestLater(const AlertCaller& caller,
                     const v1::BacktestRulesRequest& request,
                     absl::Time deadline,
                     Reply<v1::BacktestRulesResponse> reply);

 private:
  // With `rules`; none: with those in force.
  template <typename Rules>
  absl::StatusOr<Definitions> With(const Rules& rules,
                                   absl::Time deadline) const;

  const Definitions definitions_;
  const RulesInForce in_force_;
  const FolderRules of_folder_;
  const std::vector<policy::v1::Agreement> agreements_;
  BusClient& bus_;
  const Clock& clock_;
  std::atomic<bool> stopping_{false};
  Executor backtests_{kBacktestsMax};  // Last.
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_RPC_RULE_DESK_H_

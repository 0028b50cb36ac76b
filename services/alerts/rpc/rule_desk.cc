#include "services/alerts/rpc/rule_desk.h"

#include <algorithm>
#include <string>
#include <utility>

#include "services/alerts/domain/backtest.h"
#include "services/alerts/domain/vector.h"

namespace concordat::alerts {
namespace {

// How long an empty queue is waited on before it is asked whether that is all.
constexpr absl::Duration kPatience = absl::Milliseconds(50);

}  // namespace

template <typename Rules>
absl::StatusOr<Definitions> RuleDesk::With(const Rules& rules,
                                           absl::Time deadline) const {
  Definitions definitions = definitions_;
  // What these would do, over all of the log.
  definitions.rules_stay = true;
  if (!rules.empty()) {
    definitions.rules = {rules.begin(), rules.end()};
    return definitions;
  }
  const auto in_force = in_force_(deadline);
  if (!in_force.ok()) return in_force.status();
  definitions.rules = {in_force->rules().begin(), in_force->rules().end()};
  return definitions;
}

absl::StatusOr<v1::ListRulesResponse> RuleDesk::List(
    absl::Time deadline) const {
  auto response = in_force_(deadline);
  if (!response.ok()) return response;
  const v1::WaitingRules waiting = WaitingRulesOf(
      {response->rules().begin(), response->rules().end()}, of_folder_());
  if (!waiting.what().empty()) *response->mutable_waiting() = waiting;
  return response;
}

absl::StatusOr<v1::TestRulesResponse> RuleDesk::Test(
    const v1::TestRulesRequest& request, absl::Time deadline) const {
  const auto definitions = With(request.rules(), deadline);
  if (!definitions.ok()) return definitions.status();
  v1::TestRulesResponse response;
  for (const v1::RuleVector& vector : request.vectors()) {
    *response.add_results() = RunVector(*definitions, agreements_, vector);
  }
  return response;
}

void RuleDesk::BacktestLater(const AlertCaller& caller,
                             const v1::BacktestRulesRequest& request,
                             absl::Time deadline,
                             Reply<v1::BacktestRulesResponse> reply) {
  const bool waits = backtests_.Post([this, caller, request, deadline, reply] {
    reply(Backtest(caller, request, deadline));
  });
  if (!waits) {
    reply(absl::ResourceExhaustedError(
        "too many backtests wait; try again later"));
  }
}

absl::StatusOr<v1::BacktestRulesResponse> RuleDesk::Backtest(
    const AlertCaller& caller, const v1::BacktestRulesRequest& request,
    absl::Time deadline) const {
  const auto definitions = With(request.rules(), deadline);
  if (!definitions.ok()) return definitions.status();
  auto engine = MakeEngine(*definitions);
  if (!engine.ok()) return engine.status();
  SubscribeOptions options;
  options.name = "alerts-backtest";
  options.own_place = true;  // From the first event.
  auto subscription = bus_.Subscribe(std::move(options));
  if (!subscription.ok()) return subscription.status();
  v1::BacktestRulesResponse response;
  while (true) {
    if (clock_.Now() >= deadline) {
      return absl::DeadlineExceededError(
          "the log is not read to its end yet; give it longer");
    }
    if (stopping_) return absl::UnavailableError("the program stops");
    const Sequence scanned = (*subscription)->scanned_through();
    auto delivery = (*subscription)->Next(kPatience);
    if (absl::IsDeadlineExceeded(delivery.status())) {
      if ((*subscription)->connected() &&
          scanned >= (*subscription)->log_end()) {
        response.set_position(scanned.value);
        break;
      }
      continue;
    }
    if (!delivery.ok()) return delivery.status();
    if (absl::Status status = engine->Apply(delivery->view).status();
        !status.ok()) {
      return status;
    }
    (*subscription)->Ack(delivery->number);
    response.set_events(response.events() + 1);
  }
  for (v1::BacktestLoad& load :
       LoadOf(*engine, caller.agency, request.from(), request.to())) {
    *response.add_load() = std::move(load);
  }
  return response;
}

}  // namespace concordat::alerts

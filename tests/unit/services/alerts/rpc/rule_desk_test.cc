// | bug | test |
// |---|---|
// | a backtest counts alerts of other agencies | CountsTheAlertsOfTheCallersAgencyAlone |
// | a backtest writes to the log | CountsTheAlertsOfTheCallersAgencyAlone |
// | given rules are not taken instead of those in force | ARuleOfTheCallerIsTaken… |
// | a period is not asked for | CountsNothingOutsideThePeriod |
// | who asks waits for the log, or any number wait | ABacktestIsAnsweredLater |
#include "services/alerts/rpc/rule_desk.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/mutex.h"
#include "tests/support/demo_engine.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/alerts/rpc/bus_fixture.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::SizeIs;

const AlertCaller kPolice = {"police", "police-scotland", {"police"}};
const AlertCaller kOperator = {"admin", "concordat-operator", {}};

class RuleDeskTest : public AlertsBusTest {
 protected:
  void SetUp() override {
    AlertsBusTest::SetUp();
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, IsOk());
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, IsOk());
    client_ = bus_.Connect("service-alerts");
    const std::vector<v1::Rule>& rules = definitions->rules;
    v1::ListRulesResponse in_force;
    in_force.mutable_rules()->Assign(rules.begin(), rules.end());
    desk_ = std::make_unique<RuleDesk>(
        *definitions, [in_force](absl::Time) { return in_force; },
        [rules] { return rules; }, *agreements, *client_, clock_);
    GoesAbsent();
  }
  void TearDown() override {
    desk_.reset();
    client_.reset();
  }

  v1::BacktestRulesResponse Backtest(
      const AlertCaller& caller, const v1::BacktestRulesRequest& request = {}) {
    const auto response =
        desk_->Backtest(caller, request, clock_.Now() + absl::Seconds(5));
    EXPECT_THAT(response, IsOk());
    return response.value_or(v1::BacktestRulesResponse());
  }

  std::unique_ptr<BusClient> client_;
  std::unique_ptr<RuleDesk> desk_;
};

TEST_F(RuleDeskTest, CountsTheAlertsOfTheCallersAgencyAlone) {
  const v1::BacktestRulesResponse police = Backtest(kPolice);
  ASSERT_THAT(police.load(), SizeIs(1));
  EXPECT_EQ(police.load(0).rule(), "R13");
  EXPECT_EQ(police.load(0).role(), "police");
  EXPECT_EQ(police.load(0).day(), "2025-11-24");
  EXPECT_EQ(police.load(0).alerts(), 1u);
  EXPECT_EQ(police.events(), 3u);
  EXPECT_THAT(Backtest(kOperator).load(), SizeIs(0));
  EXPECT_THAT(bus_.events(), SizeIs(3));
}

TEST_F(RuleDeskTest, ARuleOfTheCallerIsTakenInsteadOfThoseInForce) {
  v1::BacktestRulesRequest request;
  const auto in_force = desk_->List(clock_.Now() + absl::Seconds(5));
  ASSERT_THAT(in_force, IsOk());
  EXPECT_FALSE(in_force->has_waiting());
  for (const v1::Rule& rule : in_force->rules()) {
    if (rule.id() == "R01") *request.add_rules() = rule;
  }
  EXPECT_THAT(Backtest(kPolice, request).load(), SizeIs(0));
  request.mutable_rules(0)->mutable_limbs(0)->clear_to();
  EXPECT_THAT(
      desk_->Backtest(kPolice, request, clock_.Now() + absl::Seconds(5)),
      HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(RuleDeskTest, CountsNothingOutsideThePeriod) {
  v1::BacktestRulesRequest request;
  request.set_from(1'764'000'000'000'001);
  EXPECT_THAT(Backtest(kPolice, request).load(), SizeIs(0));
  request.set_from(1'764'000'000'000'000);
  request.set_to(1'764'000'000'000'000);
  EXPECT_THAT(Backtest(kPolice, request).load(), SizeIs(0));
  request.set_to(1'764'000'000'000'001);
  EXPECT_THAT(Backtest(kPolice, request).load(), SizeIs(1));
}

TEST_F(RuleDeskTest, ABacktestIsAnsweredLater) {
  Mutex mu;
  CondVar changed;
  std::vector<absl::StatusCode> answers;
  const auto count = [&](absl::StatusCode code) {
    MutexLock lock(mu);
    return std::count(answers.begin(), answers.end(), code);
  };
  bus_.GoAway();
  // One runs, so many wait, and one is too much.
  const size_t all = RuleDesk::kBacktestsMax + 2;
  for (size_t i = 0; i < all; ++i) {
    desk_->BacktestLater(
        kPolice, {}, clock_.Now() + absl::Seconds(30),
        [&](const absl::StatusOr<v1::BacktestRulesResponse>& answer) {
          MutexLock lock(mu);
          answers.push_back(answer.status().code());
          changed.NotifyAll();
        });
  }
  EXPECT_EQ(count(absl::StatusCode::kOk), 0);
  const auto refused = count(absl::StatusCode::kResourceExhausted);
  EXPECT_GE(refused, 1);
  bus_.ComeBack();
  {
    MutexLock lock(mu);
    EXPECT_TRUE(changed.WaitFor(mu, absl::Seconds(20),
                                [&] { return answers.size() == all; }));
  }
  EXPECT_EQ(count(absl::StatusCode::kOk), static_cast<long>(all) - refused);
}

}  // namespace
}  // namespace concordat::alerts

// | bug | test |
// |---|---|
// | a backtest counts alerts of other agencies | CountsTheAlertsOfTheCallersAgencyAlone |
// | a backtest writes to the log | CountsTheAlertsOfTheCallersAgencyAlone |
// | given rules are not taken instead of those in force | ARuleOfTheCallerIsTaken… |
// | a period is not asked for | CountsNothingOutsideThePeriod |
#include "services/alerts/rpc/rule_desk.h"

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/nhs/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_engine.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::SizeIs;

const AlertCaller kPolice = {"police", "police-scotland", {"police"}};
const AlertCaller kOperator = {"admin", "concordat-operator", {}};

class RuleDeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = testing::DemoTypes();
    ASSERT_THAT(types, IsOk());
    types_ = *types;
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, IsOk());
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, IsOk());
    client_ = bus_.Connect("service-alerts");
    desk_ =
        std::make_unique<RuleDesk>(*definitions, *agreements, *client_, clock_);
    hub::v1::AgreementAdopted adopted;
    adopted.set_name(agreements->front().name());
    adopted.set_version(agreements->front().version());
    adopted.set_agreement(agreements->front().SerializeAsString());
    Happens(adopted, "hub", "bus", PersonKey());
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-4");
    opened.add_parties("nhs-tayside");
    opened.add_parties("police-scotland");
    opened.set_lead("nhs-tayside");
    Happens(opened, "mappa-tayside", "mappa", person_);
    nhs::v1::RestrictedPatientStatusChanged status;
    status.set_status("AWOL");
    Happens(status, "nhs-tayside", "concordat-nhs", person_);
  }
  void TearDown() override {
    desk_.reset();
    client_.reset();
  }

  void Happens(const google::protobuf::Message& message,
               const std::string& agency, const std::string& system,
               const PersonKey& person) {
    Header header;
    header.source = absl::StrCat("urn:concordat:", agency, ":", system);
    header.controller = agency;
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.regime = bus::v1::REGIME_GDPR;
    header.id = absl::StrCat("e-", ++count_);
    header.stream = absl::StrCat("s-", count_);
    header.subject = person;
    header.time_us = 1'764'000'000'000'000;
    auto event = MakeEvent(*types_, std::move(header), message, random_);
    ASSERT_THAT(event, IsOk());
    std::vector<Event> set;
    set.push_back(*std::move(event));
    const auto outcomes =
        PublishAndWait(*client_, std::move(set), absl::Seconds(5));
    ASSERT_THAT(outcomes, IsOk());
    ASSERT_TRUE(outcomes->front().accepted);
  }
  v1::BacktestRulesResponse Backtest(
      const AlertCaller& caller, const v1::BacktestRulesRequest& request = {}) {
    const auto response =
        desk_->Backtest(caller, request, clock_.Now() + absl::Seconds(5));
    EXPECT_THAT(response, IsOk());
    return response.value_or(v1::BacktestRulesResponse());
  }

  SystemClock clock_;
  testing::FakeClock log_clock_{absl::FromUnixSeconds(1'764'000'000)};
  testing::SeededRandom random_{7};
  const PersonKey person_{std::array<uint8_t, PersonKey::kBytes>{4}};
  testing::FakeBus bus_{log_clock_};
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<RuleDesk> desk_;
  int count_ = 0;
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
  const v1::ListRulesResponse in_force = desk_->List();
  for (const v1::Rule& rule : in_force.rules()) {
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

}  // namespace
}  // namespace concordat::alerts

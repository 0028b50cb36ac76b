// | bug | test |
// |---|---|
// | the first rules change with the folder | TheFirstRulesAreKept |
// | changed rules are not said to wait, or broken ones are | ChangedRulesWait |
// | the order of files makes other rules | TheOrderOfFilesIsNothing |
// | agreed to and not in force until a restart | AgreedToTheyAreInForceWithoutARestart |
// | adopted twice, or again after a restart | the same |
// | adopted though the folder is another by then | AFolderThatIsAnotherIsNotAdopted |
// | agreed to while the service was away: never adopted | WhatWasAgreedToMeanwhileIsAdopted |
// | a folder that cannot be read at that moment: never adopted | AFolderThatCannotBeReadIsReadAgain |
// | it is read for each event meanwhile | AFolderThatCannotBeReadIsReadAgain |
// | a refused adoption is said to be an alert | ARefusedAdoptionIsCalledOne |
// | a rule that looks at other facts misses those of before | ANewRuleSeesWhatCameBeforeIt |
#include "services/alerts/rpc/rule_adoption.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "concordat/hub/v1/approval.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/alerts/domain/rule_history.h"
#include "services/alerts/rpc/desk.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/demo_engine.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/services/alerts/rpc/bus_fixture.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RuleAdoptionTest : public AlertsBusTest {
 protected:
  void SetUp() override {
    AlertsBusTest::SetUp();
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, IsOk());
    definitions_ = *definitions;
    rules_ = definitions_.rules;
    folder_rules_ = rules_;
    self_.set_name("service-alerts");
    self_.set_agency("mappa-tayside");
    self_.set_system("alerts");
    self_.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self_.set_default_gateway("G1");
    self_.set_default_regime(bus::v1::REGIME_GDPR);
  }
  void TearDown() override { CloseDesk(); }

  void OpenDesk() {
    auto engine = MakeEngine(definitions_);
    ASSERT_THAT(engine, IsOk());
    client_ = bus_.Connect("service-alerts");
    desk_ = std::make_unique<Desk>(*std::move(engine), *client_, types_, self_,
                                   bus::v1::ENVIRONMENT_DEMO, clock_, random_,
                                   log_);
    desk_->AdoptFrom(
        [this]() -> absl::StatusOr<std::vector<v1::Rule>> {
          ++reads_;
          if (broken_) return absl::InvalidArgumentError("R1: is wrong");
          return folder_rules_;
        },
        [this](WantedFields wanted) {
          ++folded_again_;
          Definitions wider = definitions_;
          wider.wanted = std::move(wanted);
          return MakeEngine(wider);
        });
    running_ = std::thread([this] { EXPECT_THAT(desk_->Run(), IsOk()); });
    EXPECT_THAT(InForce(), SizeIs(::testing::Gt(0u)));
  }
  void CloseDesk() {
    if (desk_ == nullptr) return;
    desk_->Stop();
    running_.join();
    bus_.WaitForAnswers(absl::Seconds(5));
    desk_.reset();
    client_.reset();
  }
  std::vector<v1::Rule> InForce() {
    const v1::ListRulesResponse list = Listed();
    return {list.rules().begin(), list.rules().end()};
  }
  v1::ListRulesResponse Listed() {
    auto rules = desk_->Rules(clock_.Now() + absl::Seconds(10));
    EXPECT_THAT(rules, IsOk());
    return rules.value_or(v1::ListRulesResponse());
  }
  // How often the log says that rules were adopted, once it has `events`.
  size_t Adopted(size_t events) {
    EXPECT_TRUE(bus_.WaitForEvents(events, absl::Seconds(5)));
    const std::vector<View> all = bus_.events();
    return static_cast<size_t>(
        std::count_if(all.begin(), all.end(), [](const View& view) {
          return view.header.type == hub::v1::RulesAdopted().GetTypeName();
        }));
  }
  // Until it has folded everything.
  void ReadAll() {
    v1::ListAlertsRequest request;
    request.set_min_position(bus_.events().size());
    const absl::Time end = clock_.Now() + absl::Seconds(10);
    absl::Status read;
    do {
      read =
          desk_->List({"police", "police-scotland", {"police"}}, request, end)
              .status();
    } while (absl::IsDeadlineExceeded(read) && clock_.Now() < end);
    EXPECT_THAT(read, IsOk());
  }

  std::vector<v1::Rule> Changed() const {
    std::vector<v1::Rule> changed = rules_;
    changed[0].set_version(changed[0].version() + 1);
    return changed;
  }
  void Agree(const std::vector<v1::Rule>& rules) {
    hub::v1::ApprovalGiven given;
    given.set_request(absl::StrCat("approval-", ++requests_));
    given.set_kind(kRuleAct);
    given.set_digest(DigestOf(rules));
    given.set_asked_by("coordinator");
    given.set_by("service-manager");
    Happens(given, "hub", "bus", PersonKey());
  }

  const Logger log_{"rule_adoption_test"};
  bus::v1::Principal self_;
  testing::TempDir files_;
  Definitions definitions_;
  std::vector<v1::Rule> rules_;
  std::vector<v1::Rule> folder_rules_;
  std::atomic<bool> broken_{false};
  std::atomic<int> reads_{0};
  std::atomic<int> folded_again_{0};
  int requests_ = 0;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<Desk> desk_;
  std::thread running_;
};

TEST_F(RuleAdoptionTest, TheFirstRulesAreKept) {
  const auto folder = *PosixDirectory::Open(files_.path());
  for (const auto& of_folder : {rules_, Changed()}) {
    const auto first = FirstRules(*folder, of_folder);
    ASSERT_THAT(first, IsOk());
    EXPECT_EQ(DigestOf(*first), DigestOf(rules_));
  }
}

TEST_F(RuleAdoptionTest, ChangedRulesWait) {
  EXPECT_THAT(WaitingRulesOf(rules_, rules_).what(), IsEmpty());
  const v1::WaitingRules waiting = WaitingRulesOf(rules_, Changed());
  EXPECT_EQ(waiting.digest(), DigestOf(Changed()));
  EXPECT_THAT(waiting.what(), HasSubstr(" in place of R"));
  // One rule fewer is a change, too.
  std::vector<v1::Rule> fewer = rules_;
  fewer.pop_back();
  EXPECT_THAT(WaitingRulesOf(rules_, fewer).what(), HasSubstr("any more"));
  const v1::WaitingRules broken =
      WaitingRulesOf(rules_, absl::InvalidArgumentError("rule R1: is wrong"));
  EXPECT_THAT(broken.what(), HasSubstr("rule R1: is wrong"));
  EXPECT_THAT(broken.digest(), IsEmpty());
}

TEST_F(RuleAdoptionTest, TheOrderOfFilesIsNothing) {
  std::vector<v1::Rule> turned = rules_;
  std::reverse(turned.begin(), turned.end());
  EXPECT_EQ(DigestOf(turned), DigestOf(rules_));
  EXPECT_EQ(AdoptionOf(turned).SerializeAsString(),
            AdoptionOf(rules_).SerializeAsString());
}

TEST_F(RuleAdoptionTest, AgreedToTheyAreInForceWithoutARestart) {
  OpenDesk();
  folder_rules_ = Changed();
  const size_t with_it = bus_.events().size() + 2;
  Agree(Changed());
  EXPECT_EQ(Adopted(with_it), 1u);
  ReadAll();
  EXPECT_EQ(DigestOf(InForce()), DigestOf(Changed()));
  const v1::ListRulesResponse list = Listed();
  ASSERT_EQ(list.standing_size(), list.rules_size());
  for (int i = 0; i < list.rules_size(); ++i) {
    const v1::RuleStanding& standing = list.standing(i);
    EXPECT_EQ(standing.rule(), list.rules(i).id());
    EXPECT_EQ(standing.version(), list.rules(i).version());
    const bool adopted = standing.rule() == rules_[0].id();
    EXPECT_EQ(standing.position(), adopted ? with_it : 0u);
    EXPECT_EQ(standing.asked_by(), adopted ? "coordinator" : "");
    EXPECT_EQ(standing.agreed_by(), adopted ? "service-manager" : "");
  }
  CloseDesk();
  OpenDesk();
  ReadAll();
  EXPECT_EQ(DigestOf(InForce()), DigestOf(Changed()));
  EXPECT_EQ(Adopted(with_it), 1u);
  EXPECT_EQ(folded_again_, 0);
}

TEST_F(RuleAdoptionTest, AFolderThatIsAnotherIsNotAdopted) {
  OpenDesk();
  Agree(Changed());
  ReadAll();
  // What comes after it is judged, and nothing was adopted before that.
  GoesAbsent();
  const size_t events = bus_.events().size();
  EXPECT_EQ(Adopted(events), 0u);
  EXPECT_EQ(DigestOf(InForce()), DigestOf(rules_));
}

TEST_F(RuleAdoptionTest, AFolderThatCannotBeReadIsReadAgain) {
  OpenDesk();
  folder_rules_ = Changed();
  broken_ = true;
  Agree(Changed());
  while (reads_ == 0) ReadAll();
  for (int event = 0; event < 20; ++event) {
    GoesAbsent();
    ReadAll();
  }
  EXPECT_LT(reads_, 20);
  EXPECT_EQ(Adopted(bus_.events().size()), 0u);
  broken_ = false;
  const absl::Time end = clock_.Now() + absl::Seconds(10);
  while (DigestOf(InForce()) != DigestOf(Changed()) && clock_.Now() < end) {
    ReadAll();
  }
  EXPECT_EQ(DigestOf(InForce()), DigestOf(Changed()));
}

TEST_F(RuleAdoptionTest, ARefusedAdoptionIsCalledOne) {
  OpenDesk();
  folder_rules_ = Changed();
  broken_ = true;
  Agree(Changed());
  while (reads_ == 0) ReadAll();
  // Which is the adoption: nothing else is asked for.
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "the log takes no writes");
  broken_ = false;
  hub::v1::GetStatusResponse status;
  const absl::Time end = clock_.Now() + absl::Seconds(10);
  std::string because;
  while (DigestOf(InForce()) != DigestOf(Changed()) && clock_.Now() < end) {
    desk_->FillStatus(&status);
    if (!status.degraded_because().empty()) because = status.degraded_because();
  }
  EXPECT_EQ(because, "the adoption of rules was refused by the bus");
  EXPECT_EQ(DigestOf(InForce()), DigestOf(Changed()));
}

TEST_F(RuleAdoptionTest, WhatWasAgreedToMeanwhileIsAdopted) {
  Agree(Changed());
  folder_rules_ = Changed();
  const size_t with_it = bus_.events().size() + 1;
  OpenDesk();
  EXPECT_EQ(Adopted(with_it), 1u);
  ReadAll();
  EXPECT_EQ(DigestOf(InForce()), DigestOf(Changed()));
}

TEST_F(RuleAdoptionTest, ANewRuleSeesWhatCameBeforeIt) {
  // Absences of restricted patients are no rule's yet.
  const auto is_of_absences = [](const v1::Rule& rule) {
    return absl::StrContains(rule.DebugString(),
                             "RestrictedPatientStatusChanged");
  };
  std::erase_if(definitions_.rules, is_of_absences);
  OpenDesk();
  GoesAbsent();
  ReadAll();
  folder_rules_ = rules_;
  const size_t with_it = bus_.events().size() + 2;
  Agree(rules_);
  EXPECT_EQ(Adopted(with_it), 1u);
  while (folded_again_ == 0) ReadAll();
  ReadAll();
  EXPECT_EQ(DigestOf(InForce()), DigestOf(rules_));
  // What happened before it raises nothing; what happens now does.
  const auto raised = [this] {
    size_t raised = 0;
    for (const View& view : bus_.events()) {
      raised += view.header.type == "concordat.alerts.v1.AlertRaised";
    }
    return raised;
  };
  EXPECT_EQ(raised(), 0u);
  const size_t with_alert = bus_.events().size() + 2;
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(with_alert, absl::Seconds(5)));
  EXPECT_EQ(raised(), 1u);
}

}  // namespace
}  // namespace concordat::alerts

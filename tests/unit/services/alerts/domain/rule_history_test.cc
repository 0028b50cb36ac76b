// Rules that the log says are adopted, and the fold that follows them.
//
// | bug | test |
// |---|---|
// | a version acts on what came before it, or the one before goes on | AVersionActsFromItsPlaceOn |
// | a rebuild raises other alerts than were raised | ARebuildRaisesTheSame |
// | adopted without two people, or other rules than they agreed to | OnlyWhatTwoPeopleAgreedTo |
// | an agreement is good for twice | OnlyWhatTwoPeopleAgreedTo |
// | between adoption and its day no version acts | UntilItsDayTheVersionBeforeActs |
// | an alert is told by a version that did not raise it | AnAlertLivesByItsVersion |
// | it is told by a version after the next, or so after a rebuild | AnAlertKeepsItsWordsOverLaterVersions |
// | facts that nobody asked for before are missing | WhatIsAskedForAnewIsFoldedAgain |
// | a rule that is gone still acts | ARuleThatIsGoneActsNoMore |
// | a backtest follows the log's rules | RulesThatStayAreNotChangedByTheLog |
// | who agreed, or since when, is another adoption's | SaysSinceWhenAndByWhom |
// | before its day a version is said to act | SaysSinceWhenAndByWhom |
#include "services/alerts/domain/rule_history.h"

#include <algorithm>

#include "concordat/hub/v1/approval.pb.h"
#include "tests/unit/services/alerts/domain/engine_fixture.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kBus[] = "urn:concordat:concordat-operator:bus";
constexpr char kVisit[] = "concordat.police.v1.VisitRecorded";

class RuleHistoryTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    definitions_ = *testing::DemoDefinitions(types_);
    CaseOpens();
  }

  static v1::Rule& Find(std::vector<v1::Rule>& rules, const std::string& id) {
    return *std::find_if(rules.begin(), rules.end(),
                         [&](const v1::Rule& rule) { return rule.id() == id; });
  }
  // One missed appointment is enough.
  std::vector<v1::Rule> Stricter() const {
    std::vector<v1::Rule> rules = definitions_.rules;
    v1::Rule& rule = Find(rules, "R17");
    rule.set_version(rule.version() + 1);
    v1::Limb& limb = *rule.mutable_limbs(0);
    limb.mutable_condition()->mutable_count()->set_at_least(1);
    limb.set_why("One is enough.");
    return rules;
  }
  static hub::v1::RulesAdopted Adoption(std::vector<v1::Rule> rules) {
    SortRules(rules);
    hub::v1::RulesAdopted adopted;
    for (const v1::Rule& rule : rules) {
      adopted.add_content(rule.SerializeAsString());
    }
    adopted.set_digest(DigestOf(rules));
    return adopted;
  }
  void Agree(const std::vector<v1::Rule>& rules, const std::string& when,
             const std::string& kind = kRuleAct) {
    hub::v1::ApprovalGiven given;
    given.set_request(absl::StrCat("approval-", ++requests_));
    given.set_kind(kind);
    given.set_digest(DigestOf(rules));
    given.set_asked_by("coordinator");
    given.set_by("service-manager");
    Happens(given, when, kBus, "concordat-operator", PersonKey());
  }
  void Say(const hub::v1::RulesAdopted& adopted, const std::string& when) {
    Happens(adopted, when, kAlerts, "mappa-tayside", PersonKey());
  }
  void Adopt(const std::vector<v1::Rule>& rules, const std::string& when) {
    Agree(rules, when);
    Say(Adoption(rules), when);
  }
  uint32_t VersionOf(const std::string& id) const {
    std::vector<v1::Rule> rules = engine_->rules().newest().rules();
    return Find(rules, id).version();
  }
  std::vector<const Alert*> Alerts(const std::string& rule) const {
    std::vector<const Alert*> alerts;
    for (const auto& alert : engine_->alerts()) {
      if (alert->rule == rule) alerts.push_back(alert.get());
    }
    return alerts;
  }
  // What a new engine asks for of the log as it is: type, key and bytes.
  std::vector<std::string> Rebuilt(Definitions definitions) const {
    auto engine = MakeEngine(definitions);
    EXPECT_THAT(engine, IsOk());
    std::vector<std::string> said;
    for (const View& view : log_) {
      auto drafts = engine->Apply(view);
      EXPECT_THAT(drafts, IsOk());
      if (!drafts.ok()) continue;
      for (const AlertDraft& draft : *drafts) {
        said.push_back(
            absl::StrCat(draft.type, " ", draft.key, " ", draft.data));
      }
    }
    return said;
  }

  Definitions definitions_;
  int requests_ = 0;
};

TEST_F(RuleHistoryTest, AVersionActsFromItsPlaceOn) {
  Contact("MISSED", "2025-11-10 10:00");
  Adopt(Stricter(), "2025-11-12 10:00");
  EXPECT_EQ(VersionOf("R17"), 4u);
  EXPECT_TRUE(engine_->fault().empty()) << engine_->fault();
  EXPECT_THAT(Alerts("R17"), IsEmpty());
  Contact("MISSED", "2025-12-10 10:00");
  EXPECT_THAT(Alerts("R17"), SizeIs(1));
}

TEST_F(RuleHistoryTest, ARebuildRaisesTheSame) {
  Contact("MISSED", "2025-11-10 10:00");
  Contact("MISSED", "2025-11-11 10:00");
  Adopt(Stricter(), "2025-11-12 10:00");
  Contact("MISSED", "2025-12-10 10:00");
  Adopt(definitions_.rules, "2025-12-11 10:00");
  Contact("MISSED", "2026-01-20 10:00");
  Engagement("DISENGAGED", "2026-01-21 10:00");
  const std::vector<std::string> rebuilt = Rebuilt(definitions_);
  EXPECT_THAT(rebuilt, ::testing::Contains(HasSubstr("AlertRaised")));
  EXPECT_EQ(rebuilt, Rebuilt(definitions_));
  Definitions wider = definitions_;
  wider.wanted[kVisit] = {"outcome"};
  EXPECT_EQ(rebuilt, Rebuilt(wider));
  // Folded as it came, too.
  size_t raised = 0;
  for (const std::string& said : rebuilt) {
    raised += absl::StrContains(said, "AlertRaised ");
  }
  EXPECT_EQ(engine_->alerts().size(), raised);
}

TEST_F(RuleHistoryTest, OnlyWhatTwoPeopleAgreedTo) {
  Say(Adoption(Stricter()), "2025-11-12 10:00");
  EXPECT_EQ(VersionOf("R17"), 3u);
  EXPECT_THAT(engine_->fault(), HasSubstr("not what two people agreed to"));
  Agree(Stricter(), "2025-11-12 10:00", "keys");
  Say(Adoption(Stricter()), "2025-11-12 10:00");
  EXPECT_EQ(VersionOf("R17"), 3u);
  Agree(Stricter(), "2025-11-12 10:00");
  hub::v1::RulesAdopted others = Adoption(definitions_.rules);
  others.set_digest(DigestOf(Stricter()));
  Say(others, "2025-11-12 10:00");
  EXPECT_EQ(VersionOf("R17"), 3u);
  EXPECT_THAT(engine_->rules().agreed(), SizeIs(1));
  Say(Adoption(Stricter()), "2025-11-12 10:00");
  EXPECT_EQ(VersionOf("R17"), 4u);
  EXPECT_THAT(engine_->rules().agreed(), IsEmpty());
  Adopt(definitions_.rules, "2025-11-13 10:00");
  Say(Adoption(Stricter()), "2025-11-14 10:00");
  EXPECT_EQ(VersionOf("R17"), 3u);
  // Agreed before another was adopted, and not used: it is not used later.
  Agree(Stricter(), "2025-11-15 10:00");
  Adopt(definitions_.rules, "2025-11-16 10:00");
  EXPECT_THAT(engine_->rules().agreed(), IsEmpty());
  Say(Adoption(Stricter()), "2025-11-17 10:00");
  EXPECT_EQ(VersionOf("R17"), 3u);
}

TEST_F(RuleHistoryTest, UntilItsDayTheVersionBeforeActs) {
  std::vector<v1::Rule> later = Stricter();
  Find(later, "R17").set_effective("2025-12-01");
  Adopt(later, "2025-11-09 10:00");
  Contact("MISSED", "2025-11-10 10:00");
  EXPECT_THAT(Alerts("R17"), IsEmpty());
  Contact("MISSED", "2025-11-11 10:00");
  EXPECT_THAT(Alerts("R17"), SizeIs(1));
  // And others of its version act at once.
  Closes(*Alerts("R17")[0], "2025-11-12 10:00");
  Contact("MISSED", "2025-12-20 10:00");
  EXPECT_THAT(Alerts("R17"), SizeIs(2));
}

TEST_F(RuleHistoryTest, SaysSinceWhenAndByWhom) {
  const auto of = [this](const std::string& id) {
    const auto& rules = engine_->rules().newest().rules();
    const auto all = engine_->rules().StandingAt(engine_->log_time_us());
    EXPECT_EQ(all.size(), rules.size());
    for (size_t i = 0; i < all.size(); ++i) {
      if (rules[i].id() == id) return all[i];
    }
    return RuleHistory::Standing();
  };
  EXPECT_EQ(of("R17").from_us, 0u);
  EXPECT_EQ(of("R17").agreed.by, "");
  Adopt(Stricter(), "2025-11-12 10:00");
  const Sequence first{sequence_};
  std::vector<v1::Rule> more = Stricter();
  Find(more, "R01").set_version(9);
  Find(more, "R01").set_effective("2025-12-01");
  Adopt(more, "2025-11-13 10:00");
  // Adopted again as it was.
  EXPECT_EQ(of("R17").from, first);
  EXPECT_EQ(of("R17").from_us, At("2025-11-12 10:00"));
  EXPECT_EQ(of("R17").agreed.asked_by, "coordinator");
  EXPECT_EQ(of("R17").agreed.by, "service-manager");
  EXPECT_EQ(of("R17").acts_until_then, 0u);
  EXPECT_EQ(of("R01").from_us, At("2025-11-13 10:00"));
  EXPECT_EQ(of("R01").acts_until_then,
            Find(definitions_.rules, "R01").version());
  Contact("MISSED", "2025-12-02 10:00");
  EXPECT_EQ(of("R01").acts_until_then, 0u);
}

TEST_F(RuleHistoryTest, AnAlertLivesByItsVersion) {
  Contact("MISSED", "2025-11-10 10:00");
  Contact("MISSED", "2025-11-11 10:00");
  ASSERT_THAT(Alerts("R17"), SizeIs(1));
  const Alert& old = *Alerts("R17")[0];
  const AlertCaller officer = {
      "somebody", "dundee-city-council", {"supervising-officer"}};
  const std::string why = engine_->Explain(old, officer).rule;
  Adopt(Stricter(), "2025-11-12 10:00");
  EXPECT_EQ(engine_->Explain(old, officer).rule, why);
  Closes(old, "2025-11-12 11:00");
  Contact("MISSED", "2025-12-20 10:00");
  ASSERT_THAT(Alerts("R17"), SizeIs(2));
  EXPECT_EQ(engine_->Explain(*Alerts("R17")[1], officer).rule,
            "One is enough.");
}

TEST_F(RuleHistoryTest, AnAlertKeepsItsWordsOverLaterVersions) {
  const auto worded = [this](const std::string& says, uint32_t later) {
    std::vector<v1::Rule> rules = definitions_.rules;
    v1::Rule& rule = Find(rules, "R17");
    rule.set_version(rule.version() + later);
    v1::Limb& limb = *rule.mutable_limbs(0);
    limb.mutable_condition()->mutable_count()->set_at_least(1);
    limb.mutable_condition()->mutable_events(0)->set_words(says + " {date}");
    limb.set_headline(says + " {count}");
    limb.set_why(says);
    limb.set_severity(says == "Second:" ? "MEDIUM" : "LOW");
    return rules;
  };
  const AlertCaller officer = {
      "somebody", "dundee-city-council", {"supervising-officer"}};
  const auto words = [&](const Alert& alert) {
    return Words(alert, officer.agency, officer.roles[0]);
  };
  Adopt(worded("Second:", 1), "2025-11-08 10:00");
  Contact("MISSED", "2025-11-10 10:00");
  ASSERT_THAT(Alerts("R17"), SizeIs(1));
  const Alert& alert = *Alerts("R17")[0];
  const auto then = engine_->See(alert, officer);
  ASSERT_TRUE(then.has_value());
  EXPECT_EQ(then->headline, "Second: one");
  EXPECT_EQ(then->severity, "MEDIUM");
  EXPECT_THAT(words(alert), ElementsAre(HasSubstr("Second:")));
  // Before anybody has to have accepted it.
  Adopt(worded("Third:", 2), "2025-11-10 15:00");
  EXPECT_EQ(engine_->See(alert, officer), then);
  EXPECT_EQ(engine_->Explain(alert, officer).rule, "Second:");
  // What comes under the third is told in the words of its alert.
  Contact("MISSED", "2025-11-13 10:00");
  ASSERT_THAT(Alerts("R17"), SizeIs(1));
  EXPECT_THAT(words(alert),
              ElementsAre(HasSubstr("Second:"), HasSubstr("Second:")));
  const auto now = engine_->See(alert, officer);
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(now->headline, "Second: two");
  auto rebuilt = MakeEngine(definitions_);
  ASSERT_THAT(rebuilt, IsOk());
  for (const View& view : log_) ASSERT_THAT(rebuilt->Apply(view), IsOk());
  const Alert* const again = rebuilt->Find(alert.ref);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(rebuilt->See(*again, officer), now);
  EXPECT_EQ(rebuilt->Explain(*again, officer).rule, "Second:");
  Closes(alert, "2025-11-14 10:00");
  Contact("MISSED", "2025-12-20 10:00");
  ASSERT_THAT(Alerts("R17"), SizeIs(2));
  EXPECT_THAT(words(*Alerts("R17")[1]), ElementsAre(HasSubstr("Third:")));
}

TEST_F(RuleHistoryTest, ARuleThatIsGoneActsNoMore) {
  std::vector<v1::Rule> fewer = definitions_.rules;
  std::erase_if(fewer, [](const v1::Rule& rule) { return rule.id() == "R17"; });
  Adopt(fewer, "2025-11-09 10:00");
  Contact("MISSED", "2025-11-10 10:00");
  Contact("MISSED", "2025-11-11 10:00");
  EXPECT_THAT(Alerts("R17"), IsEmpty());
}

TEST_F(RuleHistoryTest, WhatIsAskedForAnewIsFoldedAgain) {
  ASSERT_EQ(engine_->rules().Wanted(kVisit), nullptr)
      << "some rule looks at visits by now: take another type";
  Adopt(Stricter(), "2025-11-08 10:00");
  EXPECT_FALSE(engine_->rules().widened());
  std::vector<v1::Rule> more = Stricter();
  v1::Rule& added = more.emplace_back(Find(more, "R17"));
  added.set_id("R99");
  added.mutable_limbs()->DeleteSubrange(1, added.limbs_size() - 1);
  auto& condition = *added.mutable_limbs(0)->mutable_condition();
  condition.mutable_events(0)->clear_where();
  condition.mutable_events(0)->set_types(0, kVisit);
  Adopt(more, "2025-11-09 10:00");
  EXPECT_TRUE(engine_->rules().widened());
  definitions_.wanted = engine_->rules().wanted();
  auto again = MakeEngine(definitions_);
  ASSERT_THAT(again, IsOk());
  for (const View& view : log_) ASSERT_THAT(again->Apply(view), IsOk());
  EXPECT_FALSE(again->rules().widened());
  EXPECT_NE(again->rules().Wanted(kVisit), nullptr);
}

TEST_F(RuleHistoryTest, RulesThatStayAreNotChangedByTheLog) {
  Adopt(Stricter(), "2025-11-09 10:00");
  Contact("MISSED", "2025-11-10 10:00");
  const auto raises = [](const std::vector<std::string>& said) {
    return std::any_of(said.begin(), said.end(), [](const std::string& each) {
      return absl::StrContains(each, "AlertRaised ");
    });
  };
  EXPECT_TRUE(raises(Rebuilt(definitions_)));
  definitions_.rules_stay = true;
  EXPECT_FALSE(raises(Rebuilt(definitions_)));
}

}  // namespace
}  // namespace concordat::alerts

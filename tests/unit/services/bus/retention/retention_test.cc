// Mutant                                        Caught by
// an open case keeps nothing                    WhatIsSaidOfSomebodyWithAnOpenCase…
// a period from the event, not the case's end   AfterACaseItsPeriodCounts
// a recent event keeps itself alone             ARecentEventKeepsAllOfThePerson
// a hold, or doubt who it is, not looked at     AHoldKeeps…, DoubtWhoItIsKeeps
// policy, or the hub's records, removed         PolicyAndTheHubsOwnRecords…
// the end of a stream about nobody removed      AboutNobodyTheEndOfAStreamStays
// a month is thirty days                        MonthsAreThoseOfTheCalendar
// a policy of the future removes                APolicyIsInForceFromItsDay
// a subscriber behind, or a row, not waited for ASubscriberBehindHoldsBack
// young segments looked at                      OldSegmentsAloneAreLookedAt
// counts of another event                       CountsByTypeAndMonthAndReason
// a reason reported by another's name, or none  EachReasonHasItsOwnName
// one agency's period for all, or the shortest; a
//   report that does not say by what it is kept  TheLongestPeriodOfWhoToldOfAPerson…
// the file beats an agreement that says less    TheLongestPeriodOfWhoToldOfAPerson…
// the two periods taken from one agreement; the
//   arrangement, or one without any, passed over  EachPeriodIsTheLongestOfAnAgencys…
// an end lets go what was told before           WhatWasToldStaysUnderTheTermsOf…
// a shorter period acts before its first day    WhatWasToldStaysUnderTheTermsOf…
// an alert gives the policy's period            WhatTheHubSaysOfAPersonGives…
// about nobody, the policy's for all            AboutNobodyThePeriodIsItsControllers
// a segment held back by the longest, or by the
//   policy's; looked at too early               SegmentsAreLookedAtFromTheShortest…
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/retention/retention_plan.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using testing::FakeEventLog;
using testing::FakeTypes;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::WithEffect;

policy::v1::TypePolicy Internal(bool doubts = false) {
  policy::v1::TypePolicy policy;
  policy.set_internal(true);
  policy.set_doubts_identity(doubts);
  return policy;
}

std::shared_ptr<const TypeRegistry> Types() {
  auto types = std::make_shared<FakeTypes>();
  types->Add("a.v1.Fact")
      .Add("a.v1.Other")
      .Add("m.v1.Opened", WithEffect(policy::v1::EFFECT_CASE_OPENED))
      .Add("m.v1.Closed", WithEffect(policy::v1::EFFECT_CASE_CLOSED))
      .Add("h.v1.Said", Internal())
      .Add("i.v1.Reviewed", Internal(/*doubts=*/true));
  return types;
}

PersonKey Person(uint8_t number) { return PersonKey({number}); }

// Noon of a day, London.
uint64_t Noon(int year, int month, int day) {
  absl::TimeZone london;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &london));
  return static_cast<uint64_t>(absl::ToUnixMicros(
      absl::FromCivil(absl::CivilSecond(year, month, day, 12, 0, 0), london)));
}

// Segments of three events of a FakeEventLog.
class FakeCompactable : public CompactableLog {
 public:
  explicit FakeCompactable(const FakeEventLog& log) : log_(log) {}
  std::vector<Segment> ClosedBefore(uint64_t accepted_us) const override {
    std::vector<Segment> segments;
    for (uint32_t number = 1; 3 * number <= log_.end().value; ++number) {
      const auto last = log_.ReadOne({3 * number});
      if (last->accepted_us >= accepted_us) break;
      segments.push_back({number, {3 * number}, last->accepted_us});
    }
    return segments;
  }
  absl::Status VisitKept(
      uint32_t segment,
      const std::function<void(const EventFacts&)>& visit) const override {
    for (uint64_t at = 3 * segment - 2; at <= 3 * segment; ++at) {
      const auto event = log_.ReadOne({at});
      if (event->removed_us != 0) continue;
      visit({event->sequence, event->accepted_us, event->header});
    }
    return absl::OkStatus();
  }
  absl::StatusOr<Outcome> Compact(uint32_t, const Keep&, uint64_t) override {
    return absl::UnimplementedError("not asked for");
  }

 private:
  const FakeEventLog& log_;
};

class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest() {
    policy_.set_version(3);
    policy_.set_effective("2026-01-01");
    policy_.set_months_after_case(24);
    policy_.set_months_after_event(13);
    EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
  }
  Sequence Add(absl::string_view type, uint8_t person, uint64_t at_us,
               absl::string_view stream = "",
               absl::string_view controller = "red") {
    HeaderView header;
    header.type = type;
    header.source = "urn:concordat:red:x";
    header.controller = controller;
    header.stream = stream;
    if (person != 0) header.subject = Person(person);
    return log_.Append(header, ";;0", at_us);
  }
  // An adopted one, in force; without months it states no period.
  AdoptedAgreement& Agree(const std::string& name,
                          const std::vector<std::string>& parties,
                          uint32_t after_case = 0, uint32_t after_event = 0) {
    AdoptedAgreement& adopted = agreements_.emplace_back();
    adopted.agreement.set_name(name);
    adopted.agreement.set_version(1);
    adopted.agreement.mutable_parties()->Assign(parties.begin(), parties.end());
    if (after_case != 0) {
      policy::v1::Retention& stated = *adopted.agreement.mutable_retention();
      stated.set_months_after_case(after_case);
      stated.set_months_after_event(after_event);
    }
    adopted.in_force = true;
    adopted.until_us = Noon(2030, 1, 1);
    return adopted;
  }
  absl::StatusOr<RetentionTerms> TryTerms() {
    return TermsOf(policy_, agreements_, now_us_, london_);
  }
  RetentionTerms Terms() {
    const auto terms = TryTerms();
    EXPECT_THAT(terms, IsOk());
    return terms.value_or(RetentionTerms());
  }
  // "case-period by a version 1"
  std::string Why(Sequence sequence) {
    EXPECT_THAT(judge_.CatchUp(), IsOk());
    const auto event = log_.ReadOne(sequence);
    const RetentionTerms terms = Terms();
    const auto judged = judge_.Judge(
        {event->sequence, event->accepted_us, event->header}, terms);
    EXPECT_THAT(judged, IsOk());
    if (!judged.ok()) return "";
    because_ = judged->because;
    return absl::StrCat(NameOf(judged->because),
                        judged->by.empty() ? "" : " by ", judged->by);
  }
  KeptBecause Judge(Sequence sequence) {
    because_ = KeptBecause::kUnknownType;
    Why(sequence);
    return because_;
  }
  RetentionPlan Plan(const FirstNeeded& needed = {}) {
    EXPECT_THAT(judge_.CatchUp(), IsOk());
    auto plan = PlanRetention(FakeCompactable(log_), judge_, Terms(), needed,
                              [] { return true; });
    EXPECT_THAT(plan, IsOk());
    return *std::move(plan);
  }

  FakeEventLog log_;
  absl::TimeZone london_;
  v1::RetentionPolicy policy_;
  std::vector<AdoptedAgreement> agreements_;
  KeptBecause because_ = KeptBecause::kUnknownType;
  uint64_t now_us_ = Noon(2026, 11, 27);
  RetentionJudge judge_{log_, Types()};
};

TEST_F(RetentionTest, WhatIsSaidOfSomebodyWithAnOpenCaseStays) {
  const Sequence old = Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  const Sequence other = Add("a.v1.Fact", 2, Noon(2020, 1, 1));
  Add("m.v1.Opened", 1, Noon(2020, 2, 1));
  EXPECT_EQ(Judge(old), KeptBecause::kOpenCase);
  EXPECT_EQ(Judge(other), KeptBecause::kNothing);
}

TEST_F(RetentionTest, AfterACaseItsPeriodCounts) {
  const Sequence old = Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  Add("m.v1.Opened", 1, Noon(2020, 2, 1));
  Add("m.v1.Closed", 1, Noon(2024, 12, 1));
  EXPECT_EQ(Judge(old), KeptBecause::kCasePeriod);
  now_us_ = Noon(2026, 12, 2);
  EXPECT_EQ(Judge(old), KeptBecause::kNothing);
  // Another case.
  Add("m.v1.Opened", 1, Noon(2026, 12, 1));
  EXPECT_EQ(Judge(old), KeptBecause::kOpenCase);
}

TEST_F(RetentionTest, ARecentEventKeepsAllOfThePerson) {
  const Sequence old = Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  Add("a.v1.Other", 1, Noon(2025, 11, 1));
  EXPECT_EQ(Judge(old), KeptBecause::kEventPeriod);
  now_us_ = Noon(2026, 12, 2);
  EXPECT_EQ(Judge(old), KeptBecause::kNothing);
}

TEST_F(RetentionTest, AHoldKeepsAndMustSayWhy) {
  const Sequence old = Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  v1::RetentionHold& hold = *policy_.add_holds();
  hold.set_person(Person(1).ToString());
  EXPECT_THAT(TryTerms(), HasCode(absl::StatusCode::kInvalidArgument));
  hold.set_reason("a review, ordered by the board");
  EXPECT_EQ(Judge(old), KeptBecause::kHold);
}

TEST_F(RetentionTest, DoubtWhoItIsKeeps) {
  const Sequence old = Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  Add("i.v1.Reviewed", 1, Noon(2020, 1, 2));
  EXPECT_EQ(Judge(old), KeptBecause::kIdentityInDoubt);
}

TEST_F(RetentionTest, PolicyAndTheHubsOwnRecordsStay) {
  const Sequence opened = Add("m.v1.Opened", 1, Noon(2020, 1, 1));
  const Sequence closed = Add("m.v1.Closed", 1, Noon(2020, 1, 2));
  const Sequence said = Add("h.v1.Said", 0, Noon(2020, 1, 2));
  // About somebody, it goes with the rest.
  const Sequence alert = Add("h.v1.Said", 1, Noon(2020, 1, 2));
  const Sequence unknown = Add("gone.v1.Type", 1, Noon(2020, 1, 2));
  EXPECT_EQ(Judge(opened), KeptBecause::kPolicy);
  EXPECT_EQ(Judge(closed), KeptBecause::kPolicy);
  EXPECT_EQ(Judge(said), KeptBecause::kHubRecord);
  EXPECT_EQ(Judge(alert), KeptBecause::kNothing);
  EXPECT_EQ(Judge(unknown), KeptBecause::kUnknownType);
}

TEST_F(RetentionTest, AboutNobodyTheEndOfAStreamStays) {
  const Sequence first = Add("a.v1.Fact", 0, Noon(2020, 1, 1), "rota/1");
  const Sequence last = Add("a.v1.Fact", 0, Noon(2020, 1, 2), "rota/1");
  const Sequence loose = Add("a.v1.Fact", 0, Noon(2020, 1, 2));
  const Sequence young = Add("a.v1.Fact", 0, Noon(2026, 1, 2));
  EXPECT_EQ(Judge(first), KeptBecause::kNothing);
  EXPECT_EQ(Judge(last), KeptBecause::kStreamHead);
  EXPECT_EQ(Judge(loose), KeptBecause::kNothing);
  EXPECT_EQ(Judge(young), KeptBecause::kEventPeriod);
}

TEST_F(RetentionTest, MonthsAreThoseOfTheCalendar) {
  policy_.set_months_after_event(1);
  now_us_ = Noon(2026, 3, 31);
  // February has no 31st: its last day. And in winter as in summer, noon.
  EXPECT_EQ(Terms().otherwise.after_event.cutoff_us, Noon(2026, 2, 28));
  now_us_ = Noon(2026, 7, 15);
  policy_.set_months_after_event(6);
  EXPECT_EQ(Terms().otherwise.after_event.cutoff_us, Noon(2026, 1, 15));
}

TEST_F(RetentionTest, APolicyIsInForceFromItsDay) {
  policy_.set_effective("2026-11-28");
  EXPECT_THAT(TryTerms(), HasCode(absl::StatusCode::kFailedPrecondition));
  policy_.set_effective("2026-11-27");
  EXPECT_THAT(TryTerms(), IsOk());
  for (const char* wrong : {"", "soon", "2026-02-30"}) {
    policy_.set_effective(wrong);
    EXPECT_THAT(TryTerms(), HasCode(absl::StatusCode::kInvalidArgument))
        << wrong;
  }
  policy_.set_effective("2026-11-27");
  policy_.set_months_after_event(0);
  EXPECT_THAT(TryTerms(), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(RetentionTest, ASubscriberBehindHoldsBack) {
  for (int i = 0; i < 9; ++i) Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  EXPECT_THAT(Plan().segments, ElementsAre(1, 2, 3));
  const RetentionPlan plan = Plan({{"red/officer/a", {10}}, {"blue/x/b", {4}}});
  EXPECT_THAT(plan.segments, ElementsAre(1));
  EXPECT_EQ(plan.through, Sequence{3});
  EXPECT_THAT(plan.waits_for, ElementsAre("blue/x/b needs event 4"));
  EXPECT_THAT(Plan({{"blue/x/b", {3}}}).segments, IsEmpty());
}

TEST_F(RetentionTest, OldSegmentsAloneAreLookedAt) {
  for (int i = 0; i < 3; ++i) Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  for (int i = 0; i < 2; ++i) Add("a.v1.Fact", 2, Noon(2020, 1, 1));
  Add("a.v1.Fact", 3, Noon(2026, 11, 1));
  const RetentionPlan plan = Plan();
  EXPECT_THAT(plan.segments, ElementsAre(1));
  EXPECT_EQ(plan.looked_at, 1u);
  EXPECT_EQ(plan.tally.removed(), 3u);
}

TEST_F(RetentionTest, CountsByTypeAndMonthAndReason) {
  Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  Add("a.v1.Fact", 1, Noon(2020, 1, 31));
  Add("a.v1.Fact", 1, Noon(2020, 2, 1));
  Add("a.v1.Other", 1, Noon(2020, 2, 1));
  Add("a.v1.Fact", 2, Noon(2020, 2, 1));
  Add("m.v1.Opened", 2, Noon(2020, 2, 1));
  // Removed before: neither goes nor stays.
  Add("a.v1.Fact", 1, Noon(2020, 2, 1));
  Add("a.v1.Fact", 1, Noon(2020, 2, 1));
  Add("a.v1.Fact", 1, Noon(2020, 2, 1));
  for (const uint64_t sequence : {7, 8, 9}) log_.Remove({sequence}, 1);
  const RetentionPlan plan = Plan();
  EXPECT_EQ(plan.looked_at, 3u);
  EXPECT_THAT(plan.segments, ElementsAre(1, 2));
  EXPECT_EQ(plan.tally.removed(), 4u);
  std::map<std::pair<std::string, uint32_t>, uint64_t> removed;
  for (const auto& count : plan.tally.Removed()) {
    removed[{count.type(), count.month()}] = count.events();
  }
  const std::map<std::pair<std::string, uint32_t>, uint64_t> expected = {
      {{"a.v1.Fact", 202001}, 2},
      {{"a.v1.Fact", 202002}, 1},
      {{"a.v1.Other", 202002}, 1}};
  EXPECT_EQ(removed, expected);
  std::map<std::string, uint64_t> kept;
  for (const auto& count : plan.tally.Kept()) {
    kept[count.because()] = count.events();
  }
  const std::map<std::string, uint64_t> expected_kept = {{"open-case", 1},
                                                         {"policy", 1}};
  EXPECT_EQ(kept, expected_kept);
}

TEST_F(RetentionTest, TheLongestPeriodOfWhoToldOfAPersonCounts) {
  Agree("long", {"red", "blue"}, 60, 36);
  Agree("short", {"green"}, 6, 6);
  const uint64_t told_us = Noon(2025, 12, 1);  // Within the policy's 13 months.
  const Sequence of_red = Add("a.v1.Fact", 1, Noon(2024, 1, 1));
  const Sequence of_green = Add("a.v1.Fact", 2, told_us, "", "green");
  const Sequence of_both = Add("a.v1.Fact", 3, Noon(2024, 1, 1), "", "green");
  Add("a.v1.Other", 3, Noon(2024, 1, 1), "", "blue");
  const Sequence of_grey = Add("a.v1.Fact", 4, told_us, "", "grey");
  const Sequence with_grey = Add("a.v1.Fact", 5, told_us, "", "green");
  Add("a.v1.Fact", 5, told_us, "", "grey");
  EXPECT_EQ(Why(of_red), "event-period by long version 1");
  EXPECT_EQ(Why(of_green), "nothing");
  EXPECT_EQ(Why(of_both), "event-period by long version 1");
  // Of no agreement: the policy.
  EXPECT_EQ(Why(of_grey), "event-period");
  EXPECT_EQ(Why(with_grey), "event-period");
  // The case too.
  Add("m.v1.Closed", 1, Noon(2022, 6, 1));
  now_us_ = Noon(2027, 1, 2);
  EXPECT_EQ(Why(of_red), "case-period by long version 1");
  now_us_ = Noon(2027, 6, 2);
  EXPECT_EQ(Why(of_red), "nothing");
}

TEST_F(RetentionTest, EachPeriodIsTheLongestOfAnAgencysAgreements) {
  const Sequence fact = Add("a.v1.Fact", 1, Noon(2020, 1, 1));
  Add("m.v1.Closed", 1, Noon(2023, 1, 1));
  Agree("a", {"red"}, 60, 6);
  AdoptedAgreement& other = Agree("b", {"blue"}, 6, 48);
  EXPECT_EQ(Why(fact), "case-period by a version 1");
  agreements_[0].agreement.mutable_retention()->set_months_after_case(6);
  agreements_[0].agreement.set_version(2);
  EXPECT_EQ(Why(fact), "nothing");
  other.agreement.set_arrangement("red");
  EXPECT_EQ(Why(fact), "event-period by b version 1");
  // What states none is as the policy has it: it might be told by that one.
  other.agreement.clear_retention();
  EXPECT_EQ(Why(fact), "nothing");
  policy_.set_months_after_event(60);
  EXPECT_EQ(Why(fact), "event-period");
  EXPECT_THAT(Terms().agreements, ElementsAre("a version 2"));
}

TEST_F(RetentionTest, WhatWasToldStaysUnderTheTermsOfAnAgreementThatIsOver) {
  const Sequence fact = Add("a.v1.Fact", 1, Noon(2024, 1, 1));
  AdoptedAgreement& adopted = Agree("a", {"red"}, 60, 60);
  adopted.in_force = false;
  adopted.until_us = Noon(2025, 1, 1);
  EXPECT_EQ(Why(fact), "event-period by a version 1");
  // One that begins later: its period is not over for anything.
  adopted.until_us = Noon(2028, 1, 1);
  adopted.agreement.mutable_retention()->set_months_after_case(1);
  adopted.agreement.mutable_retention()->set_months_after_event(1);
  EXPECT_EQ(Why(fact), "event-period by a version 1");
  adopted.in_force = true;
  EXPECT_EQ(Why(fact), "nothing");
}

TEST_F(RetentionTest, WhatTheHubSaysOfAPersonGivesThemNoPeriod) {
  Agree("short", {"red"}, 6, 6);
  const Sequence fact = Add("a.v1.Fact", 1, Noon(2026, 1, 1));
  Add("h.v1.Said", 1, Noon(2026, 1, 1), "", "hub");
  EXPECT_EQ(Why(fact), "nothing");
}

TEST_F(RetentionTest, AboutNobodyThePeriodIsItsControllers) {
  Agree("long", {"red"}, 36, 36);
  Agree("short", {"green"}, 6, 6);
  const Sequence of_red = Add("a.v1.Fact", 0, Noon(2024, 6, 1));
  const Sequence of_green = Add("a.v1.Fact", 0, Noon(2026, 1, 1), "", "green");
  EXPECT_EQ(Why(of_red), "event-period by long version 1");
  EXPECT_EQ(Why(of_green), "nothing");
}

TEST_F(RetentionTest, SegmentsAreLookedAtFromTheShortestPeriodOn) {
  Agree("long", {"red"}, 60, 60);
  Agree("short", {"green"}, 6, 6);
  // Past green's alone, and the first of red's.
  Add("a.v1.Fact", 1, Noon(2022, 1, 1));
  Add("a.v1.Fact", 2, Noon(2026, 1, 1), "", "green");
  Add("a.v1.Fact", 2, Noon(2026, 1, 1), "", "green");
  // Past nobody's.
  for (int i = 0; i < 3; ++i) {
    Add("a.v1.Fact", 3, Noon(2026, 11, 1), "", "green");
  }
  const RetentionPlan plan = Plan();
  EXPECT_THAT(plan.segments, ElementsAre(1));
  EXPECT_EQ(plan.looked_at, 1u);
  EXPECT_EQ(plan.tally.removed(), 2u);
  const auto kept = plan.tally.Kept();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].because(), "event-period");
  EXPECT_EQ(kept[0].by(), "long version 1");
  EXPECT_EQ(kept[0].events(), 1u);
}

TEST_F(RetentionTest, EachReasonHasItsOwnName) {
  std::set<absl::string_view> names;
  for (int i = 0; i < kKeptReasons; ++i) {
    names.insert(NameOf(static_cast<KeptBecause>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kKeptReasons));
  EXPECT_FALSE(names.contains(""));
  EXPECT_EQ(NameOf(KeptBecause::kReview), "review");
  EXPECT_EQ(NameOf(KeptBecause::kStreamHead), "stream-head");
}

}  // namespace
}  // namespace concordat::bus

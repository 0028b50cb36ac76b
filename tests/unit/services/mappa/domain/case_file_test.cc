// Mutant                                        Caught by
// level kept when a new case opens              ANewCaseTakesThePlaceOfTheOld
// events of another case counted                AnotherCasesEventsChangeNothing
// band lost when a meeting finds none           ABandStandsUntilAnother…
// old review date kept after a later meeting    ABandStandsUntilAnother…
// notification waits after the case opened      ANotificationWaitsUntilACase…
// decision without its referral is listed       WhatBelongsToNothingSeenIsLeftOut
// version is that of the opening                TheVersionIsOfTheLastEventSeen
#include "services/mappa/domain/case_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/history.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::History;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::CaseOpened Opened(const std::string& ref = "C-1") {
  v1::CaseOpened opened;
  opened.set_case_ref(ref);
  opened.add_parties("police");
  opened.add_parties("council");
  opened.set_lead("council");
  return opened;
}

v1::LevelChanged Level(uint32_t from, uint32_t to,
                       const std::string& ref = "C-1") {
  v1::LevelChanged level;
  level.set_case_ref(ref);
  level.set_from_level(from);
  level.set_to_level(to);
  return level;
}

v1::MeetingHeld Meeting(const std::string& rosh, const std::string& review) {
  v1::MeetingHeld held;
  held.set_case_ref("C-1");
  held.set_kind("REVIEW");
  held.set_rosh(rosh);
  held.set_review_on(review);
  return held;
}

uint64_t TimeOf(size_t event) { return 1000 * (event + 1); }

// Each happened a while after the one before.
CaseFile Fold(const History& history) {
  std::vector<View> views = history.views();
  for (size_t i = 0; i < views.size(); ++i) {
    views[i].header.time_us = TimeOf(i);
  }
  return FoldCaseFile(views);
}

v1::CaseClosed Closed() {
  v1::CaseClosed closed;
  closed.set_case_ref("C-1");
  closed.set_reason("ORDER_ENDED");
  return closed;
}

TEST(CaseFile, TellsWhoIsInTheCaseAndAtWhichLevel) {
  History history;
  history.Add(Opened());
  history.Add(Level(0, 2));
  v1::PartyJoined joined;
  joined.set_case_ref("C-1");
  joined.set_agency("nhs");
  history.Add(joined);
  v1::PartyLeft left;
  left.set_case_ref("C-1");
  left.set_agency("police");
  history.Add(left);
  const CaseFile file = Fold(history);
  ASSERT_TRUE(file.record.has_value());
  EXPECT_THAT(file.record->parties, ElementsAre("council", "nhs"));
  EXPECT_EQ(file.record->lead, "council");
  EXPECT_EQ(file.record->level, 2u);
  EXPECT_EQ(file.record->level_since_us, TimeOf(1));
  EXPECT_TRUE(file.record->is_open());
  EXPECT_THAT(file.levels, SizeIs(1));
}

TEST(CaseFile, ANewCaseTakesThePlaceOfTheOld) {
  History history;
  history.Add(Opened());
  history.Add(Level(0, 3));
  history.Add(Meeting("HIGH", "2026-01-01"));
  history.Add(Closed());
  EXPECT_FALSE(Fold(history).record->is_open());
  EXPECT_EQ(Fold(history).record->close_reason, "ORDER_ENDED");
  history.Add(Opened("C-2"));
  const CaseFile file = Fold(history);
  EXPECT_EQ(file.record->case_ref, "C-2");
  EXPECT_TRUE(file.record->is_open());
  EXPECT_EQ(file.record->level, 0u);
  EXPECT_EQ(file.record->rosh, "");
  EXPECT_THAT(file.levels, IsEmpty());
  EXPECT_THAT(file.meetings, IsEmpty());
}

TEST(CaseFile, AnotherCasesEventsChangeNothing) {
  History history;
  history.Add(Opened());
  history.Add(Level(0, 2, "C-0"));
  const CaseFile file = Fold(history);
  EXPECT_EQ(file.record->level, 0u);
  EXPECT_EQ(file.record->version, history.views()[0].sequence);
}

TEST(CaseFile, ABandStandsUntilAnotherIsFoundAndAReviewUntilTheNextMeeting) {
  History history;
  history.Add(Opened());
  history.Add(Meeting("HIGH", "2026-01-29"));
  CaseFile file = Fold(history);
  EXPECT_EQ(file.record->next_review, "2026-01-29");
  history.Add(Meeting("", ""));
  file = Fold(history);
  EXPECT_EQ(file.record->rosh, "HIGH");
  EXPECT_EQ(file.record->rosh_us, TimeOf(1));
  EXPECT_EQ(file.record->next_review, "");
  EXPECT_THAT(file.meetings, SizeIs(2));
}

TEST(CaseFile, ANotificationWaitsUntilACaseIsOpenedAfterIt) {
  History history;
  v1::NotificationReceived received;
  received.set_category("SONR");
  history.Add(received);
  CaseFile file = Fold(history);
  ASSERT_THAT(file.notifications, SizeIs(1));
  EXPECT_FALSE(file.notifications[0].placed);
  EXPECT_EQ(file.category, "SONR");
  EXPECT_FALSE(file.record.has_value());
  history.Add(Opened());
  history.Add(received);
  file = Fold(history);
  ASSERT_THAT(file.notifications, SizeIs(2));
  EXPECT_TRUE(file.notifications[0].placed);
  EXPECT_FALSE(file.notifications[1].placed);
}

TEST(CaseFile, TheVersionIsOfTheLastEventSeen) {
  History history;
  v1::ReferralSubmitted submitted;
  submitted.set_referral_ref("R-1");
  submitted.set_category("ORSH");
  submitted.set_level_sought(2);
  history.Add(submitted);
  v1::ReferralDecided decided;
  decided.set_referral_ref("R-1");
  decided.set_decision("ACCEPTED");
  decided.set_level(2);
  history.Add(decided);
  history.Add(Opened());
  history.Add(Level(0, 2));
  const CaseFile file = Fold(history);
  ASSERT_THAT(file.referrals, SizeIs(1));
  EXPECT_EQ(file.referrals[0].version, history.views()[1].sequence);
  EXPECT_EQ(StateOf(file.referrals[0].state), "accepted");
  EXPECT_EQ(file.record->version, history.views()[3].sequence);
}

TEST(CaseFile, WhatBelongsToNothingSeenIsLeftOut) {
  History history;
  v1::ReferralDecided decided;
  decided.set_referral_ref("R-1");
  history.Add(decided);
  history.Add(Level(0, 2));
  history.Add(Meeting("HIGH", "2026-01-29"));
  history.Add(Closed());
  EXPECT_TRUE(Fold(history).empty());
}

}  // namespace
}  // namespace concordat::mappa

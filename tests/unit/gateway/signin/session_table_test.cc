// Mutant                                              Caught by
// idle time counts from the beginning                 EndsAfterTheIdleTimeWithoutARequest
// looking without touching extends                    LookingOnIsNoActivity
// activity extends beyond the absolute end            EndsAfterItsWholeTimeWhateverHappens
// the presented id goes on as the session's           AnIdThatWasPlantedOpensNothing
// re-authentication keeps the id, or the CSRF token   ProvingAgainChangesIdAndToken
// the number changes with the id                      ProvingAgainChangesIdAndToken
// re-authentication gives a new absolute time         ProvingAgainDoesNotMakeItLonger
// the id itself is the key of the table               KeepsNoIdInTheClear
// recent is for ever                                  IsRecentForAWhileOnly
// a limit counts the sessions that are over           AnAccountHasSoManySessionsAndTheOldestGoes
// the purpose of one case is that of all              ACaseHasAPurposeOfItsOwn
#include "gateway/signin/session_table.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::SeededRandom;

constexpr absl::Duration kStart = absl::Seconds(1000);

class SessionTableTest : public ::testing::Test {
 protected:
  std::string Open(const std::string& account, absl::Duration now = kStart,
                   absl::string_view presented = "") {
    Person person;
    person.account = account;
    person.principal = "coordinator";
    return table_.Open(person, "MAPPA_RISK_MANAGEMENT", presented, now);
  }
  uint64_t NumberOf(const std::string& id) {
    const Session* const session = table_.Find(id, kStart, false);
    return session == nullptr ? 0 : session->number;
  }

  SeededRandom random_;
  SessionLimits limits_ = {.idle = absl::Minutes(20),
                           .absolute = absl::Hours(10),
                           .recent = absl::Minutes(10),
                           .sessions_max = 6,
                           .per_account_max = 3,
                           .cases_max = 2};
  SessionTable table_{limits_, random_};
};

TEST_F(SessionTableTest, FindsWhomItOpenedFor) {
  const std::string id = Open("mc");
  const Session* const session = table_.Find(id, kStart, true);
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->person.account, "mc");
  EXPECT_EQ(session->purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(id.size(), 43u);
  EXPECT_EQ(session->csrf.size(), 43u);
  EXPECT_NE(session->csrf, id);
  EXPECT_EQ(table_.Find(session->number, kStart), session);
}

TEST_F(SessionTableTest, FindsNothingByAnotherId) {
  const std::string id = Open("mc");
  for (const std::string& wrong :
       {std::string(), id.substr(1), id + "A", std::string(43, 'A'),
        std::string(1000, 'A')}) {
    EXPECT_EQ(table_.Find(wrong, kStart, true), nullptr) << wrong;
  }
  EXPECT_EQ(table_.Find(uint64_t{0}, kStart), nullptr);
}

TEST_F(SessionTableTest, EndsAfterTheIdleTimeWithoutARequest) {
  const std::string id = Open("mc");
  absl::Duration now = kStart;
  for (int i = 0; i < 3; ++i) {
    now += limits_.idle - absl::Nanoseconds(1);
    EXPECT_NE(table_.Find(id, now, true), nullptr);
  }
  EXPECT_EQ(table_.Find(id, now + limits_.idle, true), nullptr);
}

TEST_F(SessionTableTest, LookingOnIsNoActivity) {
  const std::string id = Open("mc");
  const uint64_t number = NumberOf(id);
  const absl::Duration late = kStart + limits_.idle - absl::Seconds(1);
  EXPECT_NE(table_.Find(id, late, false), nullptr);
  EXPECT_NE(table_.Find(number, late), nullptr);
  EXPECT_EQ(table_.Find(id, kStart + limits_.idle, false), nullptr);
  EXPECT_EQ(table_.Find(number, kStart + limits_.idle), nullptr);
}

TEST_F(SessionTableTest, EndsAfterItsWholeTimeWhateverHappens) {
  const std::string id = Open("mc");
  absl::Duration now = kStart;
  while (now + absl::Minutes(10) < kStart + limits_.absolute) {
    now += absl::Minutes(10);
    ASSERT_NE(table_.Find(id, now, true), nullptr);
  }
  EXPECT_EQ(table_.Find(id, kStart + limits_.absolute, true), nullptr);
}

TEST_F(SessionTableTest, AnIdThatWasPlantedOpensNothing) {
  const std::string planted(43, 'x');
  const std::string id = Open("mc", kStart, planted);
  EXPECT_NE(id, planted);
  EXPECT_EQ(table_.Find(planted, kStart, true), nullptr);
}

TEST_F(SessionTableTest, SigningInEndsTheBrowsersSessionOfBefore) {
  const std::string before = Open("attacker");
  const std::string id = Open("mc", kStart, before);
  EXPECT_NE(id, before);
  EXPECT_EQ(table_.Find(before, kStart, true), nullptr);
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(SessionTableTest, ProvingAgainChangesIdAndToken) {
  const std::string id = Open("mc");
  const Session before = *table_.Find(id, kStart, true);
  const std::string renewed = table_.Renew(before.number, kStart);
  EXPECT_NE(renewed, id);
  EXPECT_EQ(table_.Find(id, kStart, true), nullptr);
  const Session* const after = table_.Find(renewed, kStart, true);
  ASSERT_NE(after, nullptr);
  EXPECT_NE(after->csrf, before.csrf);
  EXPECT_EQ(after->number, before.number);
  EXPECT_EQ(table_.Find(before.number, kStart), after);
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(SessionTableTest, ProvingAgainDoesNotMakeItLonger) {
  const std::string id = Open("mc");
  std::string now_id = id;
  const uint64_t number = NumberOf(id);
  for (absl::Duration at = kStart; at < kStart + limits_.absolute;
       at += absl::Minutes(15)) {
    now_id = table_.Renew(number, at);
    ASSERT_FALSE(now_id.empty());
  }
  EXPECT_EQ(table_.Find(now_id, kStart + limits_.absolute, true), nullptr);
  EXPECT_EQ(table_.Renew(number, kStart + limits_.absolute), "");
}

TEST_F(SessionTableTest, IsRecentForAWhileOnly) {
  const std::string id = Open("mc");
  const absl::Duration later = kStart + limits_.recent;
  const Session* session = table_.Find(id, later, true);
  EXPECT_TRUE(table_.IsRecent(*session, later - absl::Nanoseconds(1)));
  EXPECT_FALSE(table_.IsRecent(*session, later));
  session = table_.Find(table_.Renew(session->number, later), later, true);
  EXPECT_TRUE(table_.IsRecent(*session, later));
}

TEST_F(SessionTableTest, KeepsNoIdInTheClear) {
  // The bytes of an id are drawn once; what is kept is another 32 bytes.
  const std::string id = Open("mc");
  const Session* const session = table_.Find(id, kStart, true);
  EXPECT_EQ(
      absl::StrCat(session->csrf, session->purpose, session->person.account)
          .find(id),
      std::string::npos);
}

TEST_F(SessionTableTest, AnAccountHasSoManySessionsAndTheOldestGoes) {
  const std::string first = Open("mc", kStart);
  const std::string second = Open("mc", kStart + absl::Seconds(1));
  const std::string other = Open("police", kStart);
  table_.Find(first, kStart + absl::Seconds(2), true);
  Open("mc", kStart + absl::Seconds(3));
  const absl::Duration now = kStart + absl::Seconds(4);
  Open("mc", now);
  EXPECT_NE(table_.Find(first, now, false), nullptr);
  EXPECT_EQ(table_.Find(second, now, false), nullptr);
  EXPECT_NE(table_.Find(other, now, false), nullptr);
  EXPECT_EQ(table_.size(), 4u);
}

TEST_F(SessionTableTest, TheTableHasRoomForSoManyAndForgetsThoseThatAreOver) {
  for (int i = 0; i < 20; ++i) {
    Open(absl::StrCat("a", i), kStart + absl::Seconds(i));
    EXPECT_LE(table_.size(), limits_.sessions_max);
  }
  Open("b", kStart + absl::Hours(1));
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(SessionTableTest, ClosedIsClosed) {
  const std::string id = Open("mc");
  const uint64_t number = NumberOf(id);
  table_.Close(number);
  EXPECT_EQ(table_.Find(id, kStart, true), nullptr);
  EXPECT_EQ(table_.Find(number, kStart), nullptr);
  table_.Close(number);
  EXPECT_EQ(table_.Renew(number, kStart), "");
}

TEST_F(SessionTableTest, ACaseHasAPurposeOfItsOwn) {
  const std::string id = Open("mc");
  const uint64_t number = NumberOf(id);
  EXPECT_THAT(table_.SetPurpose(number, "p-1", "ORDER_SUPERVISION", kStart),
              IsOk());
  EXPECT_THAT(table_.SetPurpose(number, "p-2", "A", kStart), IsOk());
  EXPECT_THAT(table_.SetPurpose(number, "p-1", "B", kStart), IsOk());
  EXPECT_THAT(table_.SetPurpose(number, "p-3", "A", kStart),
              HasCode(absl::StatusCode::kResourceExhausted));
  const Session* session = table_.Find(id, kStart, true);
  EXPECT_EQ(session->purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(session->cases.at("p-1"), "B");
  EXPECT_EQ(session->cases.at("p-2"), "A");
  EXPECT_THAT(table_.SetPurpose(number, "", "C", kStart), IsOk());
  EXPECT_EQ(table_.Find(id, kStart, true)->purpose, "C");
  EXPECT_THAT(table_.SetPurpose(number + 1, "", "C", kStart),
              HasCode(absl::StatusCode::kUnauthenticated));
}

TEST_F(SessionTableTest, NoIdComesTwice) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(Open("mc", kStart + absl::Seconds(i))).second);
  }
}

}  // namespace
}  // namespace concordat::gateway

// | bug | test |
// |---|---|
// | a silent feed is said to send | IsSilentFromTheLimitUntilAllOfItHasCome |
// | what came late ends a silence that goes on | IsSilentFromTheLimitUntilAllOfItHasCome |
// | what it promised is not what is said | SaysInWordsWhatIsExpected |
// | another source speaks for it | OnlyItsOwnSourceSpeaksForIt |
#include "services/alerts/domain/feeds.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::IsOk;

constexpr uint64_t kHour = 3'600'000'000;
constexpr uint64_t kDay = 24 * kHour;
constexpr uint64_t kMonday = 1'762'128'000'000'000;  // 3 Nov 2025 00:00.
constexpr char kSource[] = "urn:concordat:council:files";

hub::v1::Feed Files() {
  hub::v1::Feed feed;
  feed.set_name("files");
  feed.set_effective("2025-11-03");
  feed.set_title("Case files");
  feed.set_source(kSource);
  feed.set_time_zone("Europe/London");
  feed.mutable_schedule()->set_at("02:00");
  feed.mutable_schedule()->set_late_minutes(240);
  feed.set_contact_agency("council");
  feed.set_contact_role("feed-contact");
  return feed;
}

FeedBook Book(const hub::v1::Feed& feed) {
  auto book = FeedBook::Build({feed});
  EXPECT_THAT(book, IsOk());
  book->Begin(kMonday + kHour);
  return *std::move(book);
}

void Receive(FeedBook& book, uint64_t complete_us, uint64_t at_us) {
  hub::v1::FeedReceived event;
  event.set_feed("files");
  event.set_complete_to(complete_us);
  EXPECT_NE(book.Receive(event, kSource, at_us), nullptr);
}

// To that moment; whether something of it was silent.
bool Passes(FeedBook& book, uint64_t now_us) {
  bool silent = false;
  while (book.NextLimit() <= now_us) {
    silent |= book.NextLate(now_us).silent.has_value();
  }
  return silent;
}

TEST(FeedsTest, IsSilentFromTheLimitUntilAllOfItHasCome) {
  FeedBook book = Book(Files());
  const FeedState& files = *book.Find("files");
  Receive(book, kMonday + 2 * kHour, kMonday + 2 * kHour + 5);
  EXPECT_FALSE(Passes(book, kMonday + 7 * kHour));
  EXPECT_EQ(files.silent_since_us, 0u);
  EXPECT_EQ(files.received_us, kMonday + 2 * kHour + 5);
  EXPECT_EQ(files.limit_us, kMonday + kDay + 6 * kHour);
  // Tuesday's and Wednesday's do not come.
  EXPECT_TRUE(Passes(book, kMonday + kDay + 6 * kHour));
  EXPECT_EQ(files.silent_since_us, kMonday + kDay + 6 * kHour);
  EXPECT_TRUE(Passes(book, kMonday + 2 * kDay + 6 * kHour));
  EXPECT_EQ(files.silent_since_us, kMonday + kDay + 6 * kHour);
  // Tuesday's does: it is silent for Wednesday's still.
  Receive(book, kMonday + kDay + 2 * kHour, kMonday + 2 * kDay + 7 * kHour);
  EXPECT_EQ(files.silent_since_us, kMonday + 2 * kDay + 6 * kHour);
  Receive(book, kMonday + 2 * kDay + 2 * kHour, kMonday + 2 * kDay + 8 * kHour);
  EXPECT_EQ(files.silent_since_us, 0u);
}

TEST(FeedsTest, AHeartbeatIsSilentUntilItIsHeardOf) {
  hub::v1::Feed feed = Files();
  feed.mutable_heartbeat()->set_gap_minutes(10);
  FeedBook book = Book(feed);
  const FeedState& state = *book.Find("files");
  EXPECT_EQ(state.Expected(), "at least every 10 minutes");
  const uint64_t began = kMonday + kHour;
  EXPECT_TRUE(Passes(book, began + kHour));
  EXPECT_EQ(state.silent_since_us, began + kHour / 6);
  Receive(book, began + 2 * kHour, began + 2 * kHour);
  EXPECT_EQ(state.silent_since_us, 0u);
  EXPECT_FALSE(Passes(book, began + 2 * kHour + 1));
}

TEST(FeedsTest, SaysInWordsWhatIsExpected) {
  hub::v1::Feed feed = Files();
  EXPECT_EQ(Book(feed).Find("files")->Expected(),
            "every day at 02:00, here by 06:00");
  feed.mutable_schedule()->add_weekdays(1);
  feed.mutable_schedule()->add_weekdays(5);
  feed.mutable_schedule()->set_at("23:30");
  feed.mutable_schedule()->set_late_minutes(45);
  EXPECT_EQ(Book(feed).Find("files")->Expected(),
            "every Monday, Friday at 23:30, here by 00:15 the day after");
  feed.mutable_heartbeat()->set_gap_minutes(14 * 24 * 60);
  EXPECT_EQ(Book(feed).Find("files")->Expected(), "at least every 14 days");
  feed.mutable_heartbeat()->set_gap_minutes(60);
  EXPECT_EQ(Book(feed).Find("files")->Expected(), "at least every 1 hour");
}

TEST(FeedsTest, OnlyItsOwnSourceSpeaksForIt) {
  FeedBook book = Book(Files());
  hub::v1::FeedReceived event;
  event.set_feed("files");
  event.set_complete_to(kMonday + 2 * kHour);
  EXPECT_EQ(book.Receive(event, "urn:concordat:other:files", kMonday), nullptr);
  EXPECT_EQ(book.Find("files")->complete_us, 0u);
}

}  // namespace
}  // namespace concordat::alerts

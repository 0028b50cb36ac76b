// bug                                          test that catches it
//   each reader has a stream of its own        ReadersOfAPrincipalShareOneStream
//   purposes share one                         ReadersOfAPrincipalShareOneStream
//   what is kept is not sent again             ComesBackToWhatItMissed
//   the position that was had last is skipped  ComesBackToWhatItMissed
//   a longer break is not noticed              ALongerBreakOpensTheStreamAgain
//   others get everything again                ALongerBreakOpensTheStreamAgain
//   a break goes on "from now on"              GoesOnWhereItBroke
//   a time while nothing is heard              IsSilentWhileTheServiceIsAway
//   a time is asked for though nobody reads    IsSilentWhileTheServiceIsAway
//   a time moves where a reader goes on        TellsTheTimeBesideTheAlerts
//   a time that is past is told as the present WhoComesIsToldTheTimeOfThis…
//   the first reader waits for a heartbeat     WhoComesIsToldTheTimeOfThis…
//   a session that ended reads on              EndsWithItsSession
//   somebody is shown a person unrecorded      WhoIsShownAPersonIsRecordedFirst
//   late words of a closed stream are taken    ALongerBreakOpensTheStreamAgain
#include "gateway/api/alert_feeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "gateway/api/sse.h"
#include "gateway/http/reply.h"

namespace concordat::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kStart = absl::Seconds(1000);

class FakeSource : public AlertSource {
 public:
  struct Opened {
    uint64_t feed;
    std::string principal;
    std::optional<uint64_t> after;
  };
  void Open(uint64_t feed, const std::string& principal, const std::string&,
            std::optional<uint64_t> after) override {
    opened.push_back({feed, principal, after});
  }
  void Close(uint64_t feed) override { closed.push_back(feed); }
  void AskTime() override { ++asked; }

  std::vector<Opened> opened;
  std::vector<uint64_t> closed;
  int asked = 0;
};

class AlertFeedsTest : public ::testing::Test {
 protected:
  // A reader's end of a stream.
  struct Stream {
    std::shared_ptr<Reply> reply =
        std::make_shared<Reply>(Request(), Caller(), 100'000, [] {});
    bool ended = false;
    // What came since it was asked last, without the hint to come again.
    std::string Read() {
      auto work = reply->Take();
      reply->Sent(work.piece.size());
      ended = work.end;
      const std::string hint = SseRetry(2000);
      if (work.piece.rfind(hint, 0) == 0) work.piece.erase(0, hint.size());
      return work.piece;
    }
  };

  std::unique_ptr<Stream> Join(std::optional<uint64_t> last = std::nullopt,
                               const char* principal = "coordinator",
                               const char* purpose = "P") {
    auto stream = std::make_unique<Stream>();
    Caller caller;
    caller.principal = principal;
    caller.session = principal;
    feeds_.Join(caller, purpose, last, stream->reply->Begin({}, {}), now_);
    return stream;
  }
  static std::string Alert(uint64_t position, const std::string& json) {
    return SseEvent(position, "alert", json);
  }
  void Tick(absl::Duration later = absl::Seconds(5)) {
    now_ += later;
    feeds_.Tick(now_);
  }

  absl::Duration now_ = kStart;
  FakeSource source_;
  std::string ended_session_ = "none";
  std::vector<std::string> recorded_;
  bool can_record_ = true;
  AlertFeeds feeds_{
      {.kept_max = 3},
      source_,
      [this](const Caller& caller) { return caller.session != ended_session_; },
      [this](const Caller& caller, const std::string& purpose,
             const std::vector<std::string>& persons) {
        for (const std::string& person : persons) {
          recorded_.push_back(
              absl::StrCat(caller.principal, " ", purpose, " ", person));
        }
        return can_record_;
      }};
};

TEST_F(AlertFeedsTest, WhoIsShownAPersonIsRecordedFirst) {
  const auto a = Join();
  feeds_.OnOpen(1, 7);
  feeds_.OnAlert(1, 8, "{}", {"p-1", "p-2"});
  EXPECT_THAT(recorded_, ElementsAre("coordinator P p-1", "coordinator P p-2"));
  EXPECT_EQ(a->Read(), Alert(8, "{}"));
  // Who comes back is shown it from what is kept: that is recorded, too.
  const auto b = Join(8);
  EXPECT_EQ(recorded_.size(), 4u);
  EXPECT_EQ(b->Read(), Alert(8, "{}"));
  // What cannot be recorded is not shown.
  can_record_ = false;
  feeds_.OnAlert(1, 9, "{}", {"p-1"});
  EXPECT_EQ(a->Read(), "");
  EXPECT_TRUE(a->ended);
  EXPECT_EQ(feeds_.readers(), 0u);
}

TEST_F(AlertFeedsTest, ReadersOfAPrincipalShareOneStream) {
  const auto a = Join();
  const auto b = Join();
  ASSERT_EQ(source_.opened.size(), 1u);
  EXPECT_EQ(source_.opened[0].principal, "coordinator");
  EXPECT_EQ(source_.opened[0].after, std::nullopt);
  feeds_.OnOpen(1, 7);
  feeds_.OnAlert(1, 8, "{}", {});
  EXPECT_EQ(a->Read(), Alert(8, "{}"));
  EXPECT_EQ(b->Read(), Alert(8, "{}"));
  const auto other = Join(std::nullopt, "police");
  const auto purpose = Join(std::nullopt, "coordinator", "Q");
  EXPECT_EQ(source_.opened.size(), 3u);
  EXPECT_EQ(other->Read(), "");
  EXPECT_EQ(purpose->Read(), "");
  EXPECT_EQ(feeds_.readers(), 4u);
}

TEST_F(AlertFeedsTest, ComesBackToWhatItMissed) {
  const auto stays = Join();
  feeds_.OnOpen(1, 7);
  for (const uint64_t position : {8, 9, 9})
    feeds_.OnAlert(1, position, "{}", {});
  const auto back = Join(9);
  EXPECT_EQ(back->Read(), Alert(9, "{}") + Alert(9, "{}"));
  EXPECT_EQ(Join(8)->Read(), Alert(8, "{}") + Alert(9, "{}") + Alert(9, "{}"));
  EXPECT_EQ(Join()->Read(), "");
  EXPECT_EQ(source_.opened.size(), 1u);
  feeds_.OnAlert(1, 10, "{}", {});
  EXPECT_EQ(back->Read(), Alert(10, "{}"));
}

TEST_F(AlertFeedsTest, ALongerBreakOpensTheStreamAgain) {
  const auto stays = Join();
  feeds_.OnOpen(1, 7);
  for (const uint64_t position : {8, 9, 10, 11, 12}) {
    feeds_.OnAlert(1, position, "{}", {});
  }
  stays->Read();
  const auto back = Join(8);  // 8 and 9 are not kept any more.
  EXPECT_THAT(source_.closed, ElementsAre(1));
  ASSERT_EQ(source_.opened.size(), 2u);
  EXPECT_EQ(source_.opened[1].after, 8u);
  feeds_.OnAlert(1, 13, "late", {});
  feeds_.OnEnd(1, absl::UnavailableError(""), now_);
  feeds_.OnOpen(2, 8);
  for (const uint64_t position : {9, 12, 14}) {
    feeds_.OnAlert(2, position, "{}", {});
  }
  EXPECT_EQ(back->Read(), Alert(9, "{}") + Alert(12, "{}") + Alert(14, "{}"));
  EXPECT_EQ(stays->Read(), Alert(12, "{}") + Alert(14, "{}"));
  // It is whole from there on.
  EXPECT_EQ(Join(9)->Read(),
            Alert(9, "{}") + Alert(12, "{}") + Alert(14, "{}"));
  EXPECT_EQ(source_.opened.size(), 2u);
}

TEST_F(AlertFeedsTest, GoesOnWhereItBroke) {
  const auto reader = Join();
  feeds_.OnOpen(1, 7);
  feeds_.OnEnd(1, absl::UnavailableError("restarted"), now_);
  Tick(absl::Milliseconds(100));
  EXPECT_EQ(source_.opened.size(), 1u);  // Not at once.
  Tick(absl::Seconds(1));
  ASSERT_EQ(source_.opened.size(), 2u);
  EXPECT_EQ(source_.opened[1].after, 7u);  // Nothing came, and it is known.
  feeds_.OnOpen(2, 7);
  feeds_.OnAlert(2, 9, "{}", {});
  EXPECT_THAT(reader->Read(), HasSubstr(Alert(9, "{}")));
  feeds_.OnEnd(2, absl::UnavailableError("restarted"), now_);
  Tick(absl::Seconds(1));
  ASSERT_EQ(source_.opened.size(), 3u);
  EXPECT_EQ(source_.opened[2].after, 9u);
  EXPECT_FALSE(reader->ended);
}

TEST_F(AlertFeedsTest, WaitsLongerEachTime) {
  const auto reader = Join();
  size_t opened = 1;
  for (int i = 0; i < 5; ++i) {
    feeds_.OnEnd(opened, absl::UnavailableError(""), now_);
    int ticks = 0;
    while (source_.opened.size() == opened && ticks < 1000) {
      Tick(absl::Milliseconds(50));
      ++ticks;
    }
    EXPECT_GE(ticks, std::min(5 << i, 100));
    opened = source_.opened.size();
  }
}

TEST_F(AlertFeedsTest, IsSilentWhileTheServiceIsAway) {
  Tick();
  EXPECT_EQ(source_.asked, 0);
  const auto reader = Join();
  Tick();
  EXPECT_EQ(source_.asked, 1);
  EXPECT_EQ(reader->Read(), "");
  feeds_.OnOpen(1, 0);
  Tick();
  EXPECT_EQ(reader->Read(), "");  // It has not answered.
  feeds_.OnTime("{}");
  EXPECT_EQ(reader->Read(), SseEvent("time", "{}"));
  feeds_.OnEnd(1, absl::UnavailableError(""), now_);
  Tick();
  feeds_.OnTime("{}");
  EXPECT_EQ(reader->Read(), "");
}

TEST_F(AlertFeedsTest, TellsTheTimeBesideTheAlerts) {
  const auto reader = Join();
  feeds_.OnOpen(1, 7);
  feeds_.OnAlert(1, 8, "{}", {});
  feeds_.OnTime(R"({"time":"1"})");
  EXPECT_EQ(reader->Read(),
            Alert(8, "{}") + "event: time\ndata: {\"time\":\"1\"}\n\n");
}

TEST_F(AlertFeedsTest, WhoComesIsToldTheTimeOfThisHeartbeatAndNoOlder) {
  const std::string time = SseEvent("time", "{}");
  const auto first = Join();
  Tick(absl::Milliseconds(100));
  EXPECT_EQ(source_.asked, 1);  // At once: nobody was there to ask for.
  feeds_.OnTime("{}");
  EXPECT_EQ(first->Read(), "");
  feeds_.OnOpen(1, 7);
  EXPECT_EQ(first->Read(), time);
  EXPECT_EQ(Join()->Read(), time);
  Tick();
  EXPECT_EQ(source_.asked, 2);
  EXPECT_EQ(Join()->Read(), "");
  feeds_.OnTime("{}");
  EXPECT_EQ(first->Read(), time);
}

TEST_F(AlertFeedsTest, EndsWithItsSession) {
  const auto reader = Join();
  const auto police = Join(std::nullopt, "police");
  feeds_.OnOpen(1, 0);
  ended_session_ = "coordinator";
  Tick();
  reader->Read();
  EXPECT_TRUE(reader->ended);
  police->Read();
  EXPECT_FALSE(police->ended);
  EXPECT_THAT(source_.closed, ElementsAre(1));
  EXPECT_EQ(feeds_.feeds(), 1u);
}

TEST_F(AlertFeedsTest, TellsWhoIsDeniedAndEnds) {
  const auto reader = Join();
  feeds_.OnEnd(1, absl::PermissionDeniedError("not for your role"), now_);
  EXPECT_EQ(reader->Read(), SseEvent(0, "denied",
                                     R"({"code":"permission_denied",)"
                                     R"("message":"not for your role"})"));
  EXPECT_TRUE(reader->ended);
  EXPECT_EQ(feeds_.feeds(), 0u);
}

TEST_F(AlertFeedsTest, LetsGoOfWhoHasGone) {
  const auto reader = Join();
  feeds_.OnOpen(1, 0);
  reader->reply->Close();
  Tick();
  EXPECT_EQ(feeds_.readers(), 0u);
  EXPECT_THAT(source_.closed, ElementsAre(1));
}

TEST_F(AlertFeedsTest, AReaderThatDoesNotKeepUpIsCutAndOthersAreNot) {
  const auto slow = Join();
  const auto good = Join();
  feeds_.OnOpen(1, 0);
  const std::string big(60'000, 'x');
  feeds_.OnAlert(1, 1, big, {});
  good->Read();
  feeds_.OnAlert(1, 2, big, {});
  EXPECT_EQ(good->Read(), Alert(2, big));
  EXPECT_TRUE(slow->reply->Take().abort);
  EXPECT_EQ(feeds_.readers(), 1u);
}

TEST(SseTest, WritesEvents) {
  EXPECT_EQ(SseEvent(7, "alert", "{}"), "id: 7\nevent: alert\ndata: {}\n\n");
  EXPECT_EQ(SseEvent(7, "a", "x\ny\r\nz\rw"),
            "id: 7\nevent: a\ndata: x\ndata: y\ndata: z\ndata: w\n\n");
}

TEST(SseTest, ReadsLastEventId) {
  std::optional<uint64_t> id = 1;
  EXPECT_TRUE(ParseLastEventId("", &id));
  EXPECT_EQ(id, std::nullopt);
  EXPECT_TRUE(ParseLastEventId("18446744073709551615", &id));
  EXPECT_EQ(id, ~0ull);
  for (const char* const bad : {"-1", "1x", " 1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseLastEventId(bad, &id)) << bad;
  }
}

}  // namespace
}  // namespace concordat::gateway

// Mutant                                       Caught by
// a call more or a byte more than may wait     TakesSoManyCallsAndBytesAndNoMore
// place not given back with the answer         TakesSoManyCallsAndBytesAndNoMore
// a call handed out twice                      HandsOutEachCallOnceInOrder
// answered twice, or another one's             AnswersEachCallOnce
// those that wait forgotten at the end         TellsThoseThatWaitThatTheBusStops
#include "services/bus/ingest/publish_calls.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::IsEmpty;
using testing::IsOk;

class PublishCallsTest : public ::testing::Test {
 protected:
  PublishCall Named(std::string name, size_t bytes = 1) {
    PublishCall call;
    call.batch = std::string(bytes, 'b');
    call.done = [this, name](const absl::Status& status, const v1::Receipts&) {
      done_.push_back(name + " " + absl::StatusCodeToString(status.code()));
    };
    return call;
  }

  PublishCalls calls_;
  std::vector<std::string> done_;
};

TEST_F(PublishCallsTest, HandsOutEachCallOnceInOrder) {
  ASSERT_THAT(calls_.Add(Named("a", 1)), IsOk());
  ASSERT_THAT(calls_.Add(Named("b", 2)), IsOk());
  const auto first = calls_.Take();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].call->batch, "b");
  EXPECT_EQ(first[1].call->batch, "bb");
  ASSERT_THAT(calls_.Add(Named("c", 3)), IsOk());
  const auto second = calls_.Take();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].call->batch, "bbb");
  EXPECT_THAT(calls_.Take(), IsEmpty());
}

TEST_F(PublishCallsTest, AnswersEachCallOnce) {
  ASSERT_THAT(calls_.Add(Named("a")), IsOk());
  ASSERT_THAT(calls_.Add(Named("b")), IsOk());
  const auto taken = calls_.Take();
  calls_.Answer(taken[1].number, absl::OkStatus(), {});
  calls_.Answer(taken[1].number, absl::OkStatus(), {});
  EXPECT_THAT(done_, ElementsAre("b OK"));
  calls_.Answer(taken[0].number, absl::InvalidArgumentError(""), {});
  EXPECT_THAT(done_, ElementsAre("b OK", "a INVALID_ARGUMENT"));
}

TEST_F(PublishCallsTest, TakesSoManyCallsAndBytesAndNoMore) {
  const auto full = HasCode(absl::StatusCode::kResourceExhausted);
  for (size_t i = 0; i < PublishCalls::kCallsMax; ++i) {
    ASSERT_THAT(calls_.Add(Named("a")), IsOk());
  }
  EXPECT_THAT(calls_.Add(Named("b")), full);
  EXPECT_EQ(calls_.waiting(), PublishCalls::kCallsMax);
  // Taken is not answered.
  const auto taken = calls_.Take();
  EXPECT_THAT(calls_.Add(Named("b")), full);
  for (const auto& each : taken) {
    calls_.Answer(each.number, absl::OkStatus(), {});
  }
  EXPECT_EQ(calls_.waiting(), 0u);
  ASSERT_THAT(calls_.Add(Named("c", PublishCalls::kBytesMax)), IsOk());
  EXPECT_THAT(calls_.Add(Named("d")), full);
  calls_.Answer(calls_.Take()[0].number, absl::OkStatus(), {});
  EXPECT_THAT(calls_.Add(Named("d")), IsOk());
}

TEST_F(PublishCallsTest, TellsThoseThatWaitThatTheBusStops) {
  ASSERT_THAT(calls_.Add(Named("taken")), IsOk());
  calls_.Take();
  ASSERT_THAT(calls_.Add(Named("waiting")), IsOk());
  calls_.Close();
  EXPECT_THAT(done_, ElementsAre("taken UNAVAILABLE", "waiting UNAVAILABLE"));
  EXPECT_THAT(calls_.Add(Named("late")),
              HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace concordat::bus

// bug                                          test that catches it
//   a slow reader's bytes pile up              CutsAReaderThatDoesNotKeepUp
//   drained is told while something is unsent  TellsWhenAllIsSent
//   closed is told twice                       TellsOnceThatItIsClosed
#include "gateway/http/reply.h"

#include <gtest/gtest.h>

namespace concordat::gateway {
namespace {

class ReplyTest : public ::testing::Test {
 protected:
  std::shared_ptr<Body> Begin() {
    return reply_->Begin({}, {.on_drained = [this] { ++drained_; },
                              .on_closed = [this] { ++closed_; }});
  }
  int woken_ = 0;
  int drained_ = 0;
  int closed_ = 0;
  std::shared_ptr<Reply> reply_ =
      std::make_shared<Reply>(Request(), Caller(), 10, [this] { ++woken_; });
};

TEST_F(ReplyTest, HandsOverAWholeAnswer) {
  EXPECT_TRUE(reply_->Take().none());
  reply_->Send(JsonResponse(200, "{}"));
  EXPECT_EQ(woken_, 1);
  const auto work = reply_->Take();
  ASSERT_TRUE(work.whole.has_value());
  EXPECT_EQ(work.whole->body, "{}");
  EXPECT_TRUE(reply_->Take().none());
}

TEST_F(ReplyTest, HandsOverAStreamInOrder) {
  const auto body = Begin();
  EXPECT_TRUE(body->Write("ab"));
  EXPECT_TRUE(body->Write("cd"));
  auto work = reply_->Take();
  EXPECT_TRUE(work.head.has_value());
  EXPECT_EQ(work.piece, "abcd");
  EXPECT_FALSE(work.end);
  body->End();
  EXPECT_FALSE(body->Write("e"));
  work = reply_->Take();
  EXPECT_FALSE(work.head.has_value());
  EXPECT_EQ(work.piece, "");
  EXPECT_TRUE(work.end);
}

TEST_F(ReplyTest, TellsWhenAllIsSent) {
  const auto body = Begin();
  body->Write("ab");
  reply_->Take();
  body->Write("c");
  EXPECT_EQ(body->pending(), 3u);
  reply_->Sent(2);
  EXPECT_EQ(drained_, 0);
  reply_->Take();
  reply_->Sent(1);
  EXPECT_EQ(drained_, 1);
  EXPECT_EQ(body->pending(), 0u);
}

TEST_F(ReplyTest, CutsAReaderThatDoesNotKeepUp) {
  const auto body = Begin();
  EXPECT_TRUE(body->Write("0123456789"));
  reply_->Take();  // Being sent, and still counted.
  EXPECT_FALSE(body->Write("x"));
  EXPECT_FALSE(body->Write(""));
  EXPECT_TRUE(reply_->Take().abort);
}

TEST_F(ReplyTest, TellsOnceThatItIsClosed) {
  const auto body = Begin();
  reply_->Close();
  reply_->Close();
  EXPECT_EQ(closed_, 1);
  EXPECT_FALSE(body->Write("x"));
}

TEST_F(ReplyTest, TellsAHandlerThatNobodyWaitsAnyMore) {
  int gone = 0;
  reply_->OnGone([&gone] { ++gone; });
  reply_->Close();
  EXPECT_EQ(gone, 1);
  reply_->Send({});  // Too late, and no harm.
  EXPECT_TRUE(reply_->Take().none());
}

TEST_F(ReplyTest, AnAnswerForgetsWhoToTell) {
  int gone = 0;
  reply_->OnGone([&gone] { ++gone; });
  reply_->Send({});
  reply_->Close();
  EXPECT_EQ(gone, 0);
}

}  // namespace
}  // namespace concordat::gateway

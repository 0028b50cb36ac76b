// Mutants: a part without an end; one that begins where the last did; blocks of before
// forgotten; an event that is not there taken for the end; work for somebody who is gone.
#include "services/bus/daemon/log_verifier.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

class Log : public testing::FakeEventLog {
 public:
  // Five at a time, and nothing after `missing`, 0: all.
  absl::StatusOr<std::shared_ptr<const EventBlock>> Read(
      Sequence after, size_t bytes_max) const override {
    if (missing != 0 && after.value + 1 >= missing) {
      return std::make_shared<EventBlock>();
    }
    return FakeEventLog::Read(after, bytes_max);
  }
  void Append(int count) {
    HeaderView header;
    header.type = "a.v1.Fact";
    header.source = "urn:concordat:elsewhere:x";
    header.controller = "elsewhere";
    header.id = "id";
    for (int i = 0; i < count; ++i) FakeEventLog::Append(header, "x", 1);
  }
  uint64_t missing = 0;
};

bool Never() { return false; }

v1::VerifyLogRequest After(const v1::VerifyLogResponse& answer) {
  v1::VerifyLogRequest request;
  request.set_end(answer.end());
  request.set_events(answer.events());
  request.set_blocks(answer.blocks());
  return request;
}

TEST(LogVerifier, GoesOnWhereThePartBeforeEnded) {
  Log log;
  EXPECT_EQ(VerifyPart(log, {}, 6, Never)->end(), 0u);
  log.Append(12);
  const auto first = VerifyPart(log, {}, 6, Never);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->events(), 10u);
  EXPECT_EQ(first->end(), 12u);
  EXPECT_EQ(first->blocks(), 2u);
  // What comes meanwhile is another time's.
  log.Append(20);
  const auto second = VerifyPart(log, After(*first), 6, Never);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->events(), 15u);  // The block that has the twelfth.
  EXPECT_EQ(second->end(), 15u);
  EXPECT_EQ(second->blocks(), 3u);
}

TEST(LogVerifier, WhatIsMissingIsNamed) {
  Log log;
  log.Append(12);
  log.missing = 6;
  const auto found = VerifyPart(log, {}, 100, Never);
  EXPECT_THAT(found, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(found.status().message(), HasSubstr("no event 6"));
}

TEST(LogVerifier, NothingIsReadForWhomNobodyIsThere) {
  Log log;
  log.Append(12);
  int asked = 0;
  const auto found = VerifyPart(log, {}, 100, [&] { return ++asked == 2; });
  EXPECT_THAT(found, HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(log.reads(), 1u);
}

TEST(LogVerifier, RefusesWhatIsNoAnswerOfBefore) {
  Log log;
  log.Append(12);
  v1::VerifyLogRequest request;
  request.set_end(13);
  EXPECT_THAT(VerifyPart(log, request, 6, Never),
              HasCode(absl::StatusCode::kInvalidArgument));
  request.set_end(10);
  request.set_events(11);
  EXPECT_THAT(VerifyPart(log, request, 6, Never),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::bus

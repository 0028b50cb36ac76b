// Mutants, each with the test that catches it:
//   state lost between two reads            FindsFramesHoweverTheBytesCome
//   0x1C alone ends a frame                 AnEndWithoutItsReturnIsCutOff
//   0x0B inside a frame is content          AStartInsideAFrameCutsTheFirstOff
//   bound off by one, or not there          RefusesFramesOverTheBound
//   garbage counted over the whole stream   DropsGarbageBetweenFramesUpToABound
//   content not cleared                     FindsFramesHoweverTheBytesCome
#include "adapters/hl7v2/mllp.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::hl7v2 {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;

TEST(MllpTest, FindsFramesHoweverTheBytesCome) {
  const std::string stream =
      absl::StrCat(MllpFrame("one"), MllpFrame(""), MllpFrame("three\r"));
  for (size_t step = 1; step <= stream.size(); ++step) {
    MllpFramer framer;
    std::vector<Frame> frames;
    for (size_t at = 0; at < stream.size(); at += step) {
      ASSERT_THAT(
          framer.Feed(absl::string_view(stream).substr(at, step), frames),
          IsOk());
    }
    ASSERT_EQ(frames.size(), 3u) << step;
    EXPECT_EQ(frames[0].content, "one");
    EXPECT_EQ(frames[1].content, "");
    EXPECT_EQ(frames[2].content, "three\r");
    for (const Frame& frame : frames) EXPECT_FALSE(frame.cut_off);
    EXPECT_FALSE(framer.End().has_value());
  }
}

TEST(MllpTest, AStartInsideAFrameCutsTheFirstOff) {
  MllpFramer framer;
  std::vector<Frame> frames;
  ASSERT_THAT(framer.Feed(absl::StrCat("\x0Bhalf", MllpFrame("whole")), frames),
              IsOk());
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].cut_off);
  EXPECT_EQ(frames[0].content, "half");
  EXPECT_FALSE(frames[1].cut_off);
  EXPECT_EQ(frames[1].content, "whole");
}

TEST(MllpTest, AnEndWithoutItsReturnIsCutOff) {
  MllpFramer framer;
  std::vector<Frame> frames;
  ASSERT_THAT(framer.Feed("\x0Bhalf\x1C", frames), IsOk());
  EXPECT_TRUE(frames.empty());
  ASSERT_THAT(framer.Feed(MllpFrame("whole"), frames), IsOk());
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].cut_off);
  EXPECT_EQ(frames[1].content, "whole");
}

TEST(MllpTest, HandsOutWhatAClosedSocketCutOff) {
  for (const std::string bytes : {"\x0Bhalf", "\x0Bhalf\x1C"}) {
    MllpFramer framer;
    std::vector<Frame> frames;
    ASSERT_THAT(framer.Feed(bytes, frames), IsOk());
    EXPECT_TRUE(frames.empty());
    const auto rest = framer.End();
    ASSERT_TRUE(rest.has_value());
    EXPECT_TRUE(rest->cut_off);
    EXPECT_EQ(rest->content, "half");
  }
  EXPECT_FALSE(MllpFramer().End().has_value());
}

TEST(MllpTest, RefusesFramesOverTheBound) {
  MllpFramer framer(/*content_bytes_max=*/4);
  std::vector<Frame> frames;
  EXPECT_THAT(framer.Feed(MllpFrame("four"), frames), IsOk());
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_THAT(framer.Feed("\x0B"
                          "four",
                          frames),
              IsOk());
  EXPECT_THAT(framer.Feed("!", frames),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(framer.Feed(MllpFrame("x"), frames),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_FALSE(framer.End().has_value());
}

TEST(MllpTest, DropsGarbageBetweenFramesUpToABound) {
  MllpFramer framer;
  std::vector<Frame> frames;
  const std::string garbage(kGarbageBytesMax, 'g');
  EXPECT_THAT(framer.Feed(garbage, frames), IsOk());
  EXPECT_THAT(framer.Feed(MllpFrame("a"), frames), IsOk());
  EXPECT_THAT(framer.Feed(garbage, frames), IsOk());
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_THAT(framer.Feed("g", frames),
              HasCode(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace concordat::hl7v2

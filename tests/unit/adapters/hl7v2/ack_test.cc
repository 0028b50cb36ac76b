// Mutants, each with the test that catches it:
//   MSA-2 rebuilt instead of copied         RepeatsTheControlIdByteForByte
//   delimiters of the sender not used       RepeatsTheControlIdByteForByte
//   header bytes break a segment            CannotBeMadeToBreakItsOwnSegments
//   AR and AE swapped                       SaysWhatWasDecided
#include "adapters/hl7v2/ack.h"

#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::hl7v2 {
namespace {

using concordat::testing::IsOk;

const absl::Time kNow = absl::FromUnixSeconds(1764242400);

TEST(AckTest, SaysWhatWasDecided) {
  const MessageHeader header = ReadHeader(
      "MSH|^~\\&|PAS|TAYSIDE|C|E|20251127112000||SIU^S26|DEMO0009|T|2.4\r");
  EXPECT_EQ(BuildAck(header, {AckCode::kAccept, "", "c1", kNow}),
            "MSH|^~\\&|CONCORDAT|EDGE|PAS|TAYSIDE|20251127112000+0000||ACK^S26|"
            "c1|T|2.4\rMSA|AA|DEMO0009\r");
  EXPECT_THAT(
      BuildAck(header,
               {AckCode::kReject, "this is not a live listener", "c2", kNow}),
      ::testing::EndsWith("MSA|AR|DEMO0009|this is not a live listener\r"));
  EXPECT_THAT(BuildAck(header, {AckCode::kError, "PID-5", "c3", kNow}),
              ::testing::EndsWith("MSA|AE|DEMO0009|PID-5\r"));
}

TEST(AckTest, RepeatsTheControlIdByteForByte) {
  const MessageHeader header =
      ReadHeader("MSH*:+;,*A*B*C*D*1**ADT:A01*7:8 \xE9*P*2.3\r");
  const std::string text = BuildAck(header, {AckCode::kAccept, "", "c1", kNow});
  const auto answer = Message::Parse(text);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->Find("MSA")->Field(2), "7:8 \xE9");
}

TEST(AckTest, CannotBeMadeToBreakItsOwnSegments) {
  for (const std::string& text :
       {std::string("MSH|^~\\&|A|B|C|D|1||ADT^A01|7\0|P|2.4", 36),
        std::string(), std::string("nonsense"), std::string("MSH"),
        std::string("MSH|"), std::string("MSH++++++|^~\\&"),
        std::string("MSH|.~\\&|A|B|C|D|1||ADT.A01|7|P|2.4"),
        std::string("MSH\x01M&#|x|y|\x01\x01\x01\x01\x01\x01\x01|7"),
        std::string("MSH\x01\x02\x03\x04"),
        std::string("MSH|^^^^|A|B|C|D|1||ADT|7|P|2.4"),
        std::string("MSH||||||||||||"),
        std::string("MSH|^~\\&|A\tB|F\x7F|C|D|1||ADT^A\tbc|7|PROC|2.4"),
        std::string("MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.999"),
        std::string("MSH|^~\\&|A|B|C|D|1|||7|P|2")}) {
    const std::string answer = BuildAck(
        ReadHeader(text), {AckCode::kReject, "bad\rMSA|AA|7", "c1", kNow});
    const auto message = Message::Parse(answer);
    ASSERT_THAT(message, IsOk()) << text;
    ASSERT_EQ(message->segments().size(), 2u);
    EXPECT_EQ(message->Find("MSA")->Field(1), "AR");
  }
}

}  // namespace
}  // namespace concordat::hl7v2

// Mutants, each with the test that catches it:
//   MSH-1 not counted as a field            ReadsTheHeaderByHl7sOwnNumbers
//   delimiters fixed to |^~\&               ReadsASenderWithOtherDelimiters
//   only CR ends a segment                  TakesEveryLineEndAndAByteOrderMark
//   NUL, second MSH, batch let through      RefusesWhatIsBroken
//   bound off by one, or not there          RefusesWhatIsOverABound
//   \T\ taken for \S\, odd hex, no end      ResolvesEscapes
//   "" read as two quotation marks          ReadsExplicitNullAsNothing
//   error text holds the field              AnErrorNeverRepeatsTheMessage
#include "adapters/hl7v2/message.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::hl7v2 {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNoShow[] =
    "MSH|^~\\&|PAS|NHSTAYSIDE|CONCORDAT|EDGE|20251127112000||SIU^S26|DEMO0009|"
    "T|2.4\r"
    "SCH|A20017-3||||||NOSHOW\r"
    "PID|1||0303790016^^^NHSSCOT^CHI~123^^^X^MR||BALNAMOON^TORQUIL||19790303\r";

TEST(MessageTest, ReadsTheHeaderByHl7sOwnNumbers) {
  const auto message = Message::Parse(kNoShow);
  ASSERT_THAT(message, IsOk());
  const Segment& msh = message->segments().front();
  EXPECT_EQ(msh.Field(1), "|");
  EXPECT_EQ(msh.Field(2), "^~\\&");
  EXPECT_EQ(msh.Field(3), "PAS");
  EXPECT_EQ(msh.Field(12), "2.4");
  EXPECT_EQ(msh.Field(13), "");
  EXPECT_EQ(msh.Field(0), "");
  EXPECT_EQ(msh.field_count(), 12u);
  const MessageHeader& header = message->header();
  EXPECT_EQ(header.sending_application, "PAS");
  EXPECT_EQ(header.code, "SIU");
  EXPECT_EQ(header.trigger, "S26");
  EXPECT_EQ(header.control_id, "DEMO0009");
  EXPECT_EQ(header.processing_id, "T");
  EXPECT_EQ(header.version, "2.4");
}

TEST(MessageTest, ReadsFieldsRepetitionsAndComponents) {
  const auto message = Message::Parse(kNoShow);
  ASSERT_THAT(message, IsOk());
  const Segment* pid = message->Find("PID");
  ASSERT_NE(pid, nullptr);
  const Delimiters& d = message->delimiters();
  const auto ids = Repetitions(pid->Field(3), d);
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(Component(ids[0], 1, d), "0303790016");
  EXPECT_EQ(Component(ids[0], 4, d), "NHSSCOT");
  EXPECT_EQ(Component(ids[1], 5, d), "MR");
  EXPECT_EQ(Component(ids[1], 6, d), "");
  EXPECT_EQ(Text(pid->Field(5), 2, d), "TORQUIL");
  EXPECT_EQ(message->Find("OBX"), nullptr);
  EXPECT_THAT(Repetitions("", d), ElementsAre());
  EXPECT_THAT(Repetitions("a~", d), ElementsAre("a"));
}

TEST(MessageTest, ReadsASenderWithOtherDelimiters) {
  const auto message = Message::Parse(
      "MSH*:+;,*APP*FAC*B*C*2025**ADT:A01*77*P*2.3\r"
      "PID***9,x:::MR+8\r");
  ASSERT_THAT(message, IsOk());
  EXPECT_EQ(message->header().trigger, "A01");
  const Delimiters& d = message->delimiters();
  const auto ids = Repetitions(message->Find("PID")->Field(3), d);
  EXPECT_THAT(ids, ElementsAre("9,x:::MR", "8"));
  EXPECT_EQ(Text(ids[0], 1, d), "9");
}

TEST(MessageTest, TakesEveryLineEndAndAByteOrderMark) {
  for (const std::string end : {"\r", "\n", "\r\n", "\r\r"}) {
    for (const std::string start : {"", "\xEF\xBB\xBF", "\r\n"}) {
      const std::string text =
          absl::StrCat(start, "MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.4", end,
                       "EVN|A01", end, "PID|1");
      const auto message = Message::Parse(text);
      ASSERT_THAT(message, IsOk());
      EXPECT_EQ(message->segments().size(), 3u);
      EXPECT_EQ(message->segments()[1].text(), "EVN|A01");
      EXPECT_EQ(message->segments()[2].text(), "PID|1");
    }
  }
}

struct Broken {
  std::string text;
  absl::StatusCode code;
  std::string says;
};

TEST(MessageTest, RefusesWhatIsBroken) {
  using absl::StatusCode;
  const std::string msh = "MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.4\r";
  const Broken all[] = {
      {"", StatusCode::kUnimplemented, "not HL7"},
      {"GET / HTTP/1.1\r\n", StatusCode::kUnimplemented, "not HL7"},
      {"PID|1\r", StatusCode::kUnimplemented, "not HL7"},
      {absl::StrCat("FHS|^~\\&\r", msh), StatusCode::kUnimplemented, "batch"},
      {"MSH", StatusCode::kInvalidArgument, "MSH"},
      {"MSH|||||||||||", StatusCode::kInvalidArgument, "MSH-2"},
      {"MSH|^~\\|A|B|C|D|1||ADT^A01|7|P|2.4\r", StatusCode::kInvalidArgument,
       "MSH-2"},
      {"MSH|^~\\&#!|A|B|C|D|1||ADT^A01|7|P|2.4", StatusCode::kInvalidArgument,
       "MSH-2"},
      {"MSH|^~^&|A|B|C|D|1||ADT^A01|7|P|2.4\r", StatusCode::kInvalidArgument,
       "twice"},
      {"MSH|a~\\&|A|B|C|D|1||ADTaA01|7|P|2.4", StatusCode::kInvalidArgument,
       "MSH-2"},
      {"MSH|^~\\&|A|B|C|D|1|||7|P|2.4\r", StatusCode::kInvalidArgument,
       "MSH-9"},
      {"MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P\r", StatusCode::kInvalidArgument,
       "MSH-12"},
      {"MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.999\r", StatusCode::kUnimplemented,
       "MSH-12"},
      {absl::StrCat(msh, msh), StatusCode::kInvalidArgument, "second MSH"},
      {absl::StrCat(msh, "not a segment\r"), StatusCode::kInvalidArgument,
       "segment 2"},
      {absl::StrCat(msh, "PI\r"), StatusCode::kInvalidArgument, "segment 2"},
      {absl::StrCat(msh, std::string("PID|\0", 5)),
       StatusCode::kInvalidArgument, "NUL"},
  };
  for (const Broken& broken : all) {
    const auto message = Message::Parse(broken.text);
    EXPECT_THAT(message, HasCode(broken.code)) << broken.text;
    EXPECT_THAT(std::string(message.status().message()),
                HasSubstr(broken.says));
  }
}

TEST(MessageTest, RefusesWhatIsOverABound) {
  const std::string msh = "MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.4\r";
  const std::string at_bound = absl::StrCat(
      msh, "NTE|", std::string(kMessageBytesMax - msh.size() - 4, 'x'));
  EXPECT_THAT(Message::Parse(at_bound), IsOk());
  EXPECT_THAT(Message::Parse(at_bound + "x"),
              HasCode(absl::StatusCode::kInvalidArgument));

  std::string segments = msh;
  for (size_t i = 1; i < kSegmentsMax; ++i) segments += "NTE\r";
  EXPECT_THAT(Message::Parse(segments), IsOk());
  segments += "NTE\r";
  EXPECT_THAT(Message::Parse(segments),
              HasCode(absl::StatusCode::kInvalidArgument));

  const std::string fields = msh + "NTE" + std::string(kFieldsMax, '|');
  EXPECT_THAT(Message::Parse(fields), IsOk());
  const std::string more = fields + "|";
  EXPECT_THAT(Message::Parse(more),
              HasCode(absl::StatusCode::kInvalidArgument));

  const std::string id(kControlIdBytesMax + 1, '7');
  const std::string long_id =
      absl::StrCat("MSH|^~\\&|A|B|C|D|1||ADT^A01|", id, "|P|2.4\r");
  EXPECT_THAT(Message::Parse(long_id),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(MessageTest, AnErrorNeverRepeatsTheMessage) {
  const auto message = Message::Parse(
      "MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.4\rDUNLAPPIE^FEARCHAR\r");
  EXPECT_THAT(std::string(message.status().message()),
              Not(HasSubstr("DUNLAPPIE")));
}

TEST(MessageTest, ResolvesEscapes) {
  const Delimiters d;
  EXPECT_EQ(Unescape("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", d), "a|b^c&d~e\\f");
  EXPECT_EQ(Unescape("\\X41420a\\", d), "AB\n");
  EXPECT_EQ(Unescape("\\P\\", d), "#");
  EXPECT_EQ(Unescape("one\\.br\\two", d), "one\ntwo");
  EXPECT_EQ(Unescape("\\H\\loud\\N\\", d), "loud");
  // Kept as they are: unknown, odd digits, never closed.
  EXPECT_EQ(Unescape("\\Z9\\", d), "\\Z9\\");
  EXPECT_EQ(Unescape("\\X4\\", d), "\\X4\\");
  EXPECT_EQ(Unescape("\\X\\", d), "\\X\\");
  EXPECT_EQ(Unescape("c:\\dir", d), "c:\\dir");
  EXPECT_EQ(Unescape("\\", d), "\\");
  // An escaped escape does not open another sequence.
  EXPECT_EQ(Unescape("\\E\\F\\E\\", d), "\\F\\");
}

TEST(MessageTest, ReadsExplicitNullAsNothing) {
  EXPECT_EQ(Text("\"\"", 1, Delimiters()), "");
  EXPECT_EQ(Text("\"\"^x", 2, Delimiters()), "x");
}

TEST(MessageTest, ReadsTheHeaderOfWhatCannotBeParsed) {
  const MessageHeader header = ReadHeader(
      "MSH|^~\\&|PAS|F|C|D|1||ADT^A01|CUT33|T|2.4\rnonsense\rPID|1||04");
  EXPECT_EQ(header.control_id, "CUT33");
  EXPECT_EQ(header.processing_id, "T");
  EXPECT_EQ(ReadHeader("").control_id, "");
  EXPECT_EQ(ReadHeader("MSH").control_id, "");
  EXPECT_EQ(ReadHeader("MSH|").control_id, "");
  EXPECT_EQ(ReadHeader("MSH|^").delimiters.component, '^');
}

}  // namespace
}  // namespace concordat::hl7v2

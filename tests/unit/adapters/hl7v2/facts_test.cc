// Mutants, each with the test that catches it:
//   only the first PID-3 repetition         ReadsEveryIdentifier
//   only the first AIS                      ReadsWhatAnAppointmentNeeds
//   a field more, or less, in the inventory KeepsTheInventoryAndNothingElse
//   field numbers shifted when kept         KeepsTheInventoryAndNothingElse
//   cut off not seen, or seen where it's not TellsACutOffMessage
//   offset taken with the wrong sign        ReadsTimes
//   local time read as UTC                  ReadsTimes
//   31 November rolled over to December     ReadsTimes
#include "adapters/hl7v2/facts.h"

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
using ::testing::IsEmpty;

absl::TimeZone London() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &zone));
  return zone;
}

std::string Msh(absl::string_view type) {
  return absl::StrCat("MSH|^~\\&|PAS|TAYSIDE|C|E|20251127112000||", type,
                      "|DEMO1|T|2.4\r");
}

Facts Read(const std::string& text) {
  const auto message = Message::Parse(text);
  EXPECT_THAT(message, IsOk());
  return ReadFacts(*message, London());
}

TEST(FactsTest, ReadsWhatAnAppointmentNeeds) {
  const Facts facts =
      Read(Msh("SIU^S26") +
           "SCH|A20017-3^PAS|F9\rPID|1||0303790016^^^NHSSCOT^CHI\r"
           "RGS|1\rAIS|1||ALCTX^Alcohol treatment^LOCAL\rAIS|2||OTHER\r");
  EXPECT_EQ(facts.kind, Kind::kNoShow);
  EXPECT_EQ(facts.type, "SIU^S26");
  EXPECT_EQ(facts.appointment, "A20017-3");
  EXPECT_THAT(facts.services, ElementsAre("ALCTX", "OTHER"));
  ASSERT_TRUE(facts.time.has_value());
  EXPECT_EQ(facts.time->at, absl::FromUnixSeconds(1764242400));
  EXPECT_TRUE(facts.time->to_the_second);
}

TEST(FactsTest, ReadsEveryIdentifier) {
  const Facts facts = Read(
      Msh("ADT^A40") +
      "PID|1||12^^^LOCAL^MR~0303790016^^^NHSSCOT&1.2.3&ISO^CHI~^^^X^Y~\"\"\r"
      "MRG|99^^^LOCAL^MR~98\rPID|2||13\rMRG|97\r");
  ASSERT_EQ(facts.patient_ids.size(), 3u);
  EXPECT_EQ(facts.patient_ids[0].value, "12");
  EXPECT_EQ(facts.patient_ids[0].authority, "LOCAL");
  EXPECT_EQ(facts.patient_ids[1].value, "0303790016");
  EXPECT_EQ(facts.patient_ids[1].authority, "NHSSCOT");
  EXPECT_EQ(facts.patient_ids[1].type, "CHI");
  EXPECT_EQ(facts.patient_ids[2].value, "13");
  ASSERT_EQ(facts.merged_ids.size(), 3u);
  EXPECT_EQ(facts.merged_ids[2].value, "97");
}

TEST(FactsTest, KnowsItsKindsAndNoOthers) {
  const std::pair<std::string, Kind> all[] = {
      {"ADT^A01", Kind::kAdmitted},
      {"ADT^A02", Kind::kTransferred},
      {"ADT^A03^ADT_A03", Kind::kDischarged},
      {"ADT^A04", Kind::kRegistered},
      {"ADT^A08", Kind::kUpdated},
      {"ADT^A11", Kind::kAdmissionCancelled},
      {"ADT^A12", Kind::kTransferCancelled},
      {"ADT^A13", Kind::kDischargeCancelled},
      {"ADT^A21", Kind::kLeaveStarted},
      {"ADT^A22", Kind::kLeaveEnded},
      {"ADT^A31", Kind::kPersonUpdated},
      {"ADT^A40", Kind::kMerged},
      {"SIU^S12", Kind::kBooked},
      {"SIU^S15", Kind::kAppointmentCancelled},
      {"SIU^S26", Kind::kNoShow},
      {"SIU^A01", Kind::kOther},
      {"ORU^R01", Kind::kOther},
      {"ADT", Kind::kOther}};
  for (const auto& [type, kind] : all) {
    const std::string text = Msh(type);
    const auto message = Message::Parse(text);
    ASSERT_THAT(message, IsOk());
    EXPECT_EQ(KindOf(message->header()), kind) << type;
  }
  EXPECT_EQ(Read(Msh("Torquil Balnamoon")).type, "?^?");
}

TEST(FactsTest, KeepsTheInventoryAndNothingElse) {
  const auto fields = [](absl::string_view name, int count) {
    std::string text(name);
    for (int i = 1; i <= count; ++i) absl::StrAppend(&text, "|", name, "-", i);
    return text + "\r";
  };
  std::string text = "MSH|^~\\&";
  for (int i = 3; i <= 21; ++i) {
    absl::StrAppend(&text, "|", i == 12 ? "2.4" : absl::StrCat("MSH-", i));
  }
  text += "\r";
  for (const absl::string_view name : {"EVN", "PID", "PV1", "SCH", "AIS", "MRG",
                                       "OBX", "AL1", "NTE", "NK1", "ZAB"}) {
    text += fields(name, 50);
  }
  const auto message = Message::Parse(text);
  ASSERT_THAT(message, IsOk());
  const std::string bars7(7, '|'), bars34(34, '|'), bars19(19, '|');
  EXPECT_EQ(KeepInventory(*message),
            "MSH|^~\\&|MSH-3|MSH-4|MSH-5|MSH-6|MSH-7|MSH-8|MSH-9|MSH-10|MSH-11|"
            "2.4\r"
            "EVN|EVN-1|EVN-2\r"
            "PID|||PID-3||PID-5||PID-7|PID-8|||PID-11" +
                bars19 +
                "PID-30\r"
                "PV1||PV1-2|PV1-3" +
                bars7 + "PV1-10" + bars34 +
                "PV1-44|PV1-45\r"
                "SCH|SCH-1|||||SCH-6|||||SCH-11" +
                std::string(14, '|') +
                "SCH-25\r"
                "AIS|||AIS-3\r"
                "MRG|MRG-1\r");
}

TEST(FactsTest, TellsACutOffMessage) {
  const auto check = [](const std::string& text) {
    const auto message = Message::Parse(text);
    EXPECT_THAT(message, IsOk());
    return CheckComplete(*message, text);
  };
  const std::string admit = Msh("ADT^A01");
  const absl::Status cut = check(admit + "EVN|A01\rPID|1||0101||SURNA");
  EXPECT_THAT(cut, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(cut.message()), HasSubstr("PID-5"));
  EXPECT_THAT(std::string(check(admit + "EVN|A01").message()),
              HasSubstr("no PID"));
  EXPECT_THAT(std::string(check(Msh("SIU^S26") + "PID|1").message()),
              HasSubstr("no SCH"));
  EXPECT_THAT(std::string(check(Msh("ADT^A40") + "PID|1||4\r").message()),
              HasSubstr("no MRG"));
  // Whole, with and without the last segment's end.
  EXPECT_THAT(check(admit + "PID|1||0101||A^B\r"), IsOk());
  EXPECT_THAT(check(admit + "PID|1||0101||A^B||19790303"), IsOk());
  EXPECT_THAT(check(admit + "PID|1||0101\rPV1|1"), IsOk());
  EXPECT_THAT(check(Msh("ORU^R01") + "PID|1||01"), IsOk());
}

TEST(FactsTest, ReadsTimes) {
  const absl::TimeZone london = London();
  const auto utc = [](int year, int month, int day, int hour, int minute) {
    return absl::FromCivil(absl::CivilMinute(year, month, day, hour, minute),
                           absl::UTCTimeZone());
  };
  EXPECT_EQ(ParseTime("20251127112000", london)->at, utc(2025, 11, 27, 11, 20));
  // Summer time; then the same moment by its offset.
  EXPECT_EQ(ParseTime("202506271120", london)->at, utc(2025, 6, 27, 10, 20));
  EXPECT_FALSE(ParseTime("202506271120", london)->to_the_second);
  EXPECT_EQ(ParseTime("202506271120+0100", london)->at,
            utc(2025, 6, 27, 10, 20));
  EXPECT_EQ(ParseTime("20250627112000.1234-0530", london)->at,
            utc(2025, 6, 27, 16, 50));
  EXPECT_EQ(ParseTime("20251127", london)->at, utc(2025, 11, 27, 0, 0));
  EXPECT_FALSE(ParseTime("20251127", london)->has_time_of_day);
  for (const absl::string_view bad :
       {"", "2025112", "20251131", "20251327", "202511272460", "2025112711205",
        "20251127112060", "x", "20251127112000Z", "20251127112000+1",
        "20251127112000+2500", "20251127112000.12345"}) {
    EXPECT_FALSE(ParseTime(bad, london).has_value()) << bad;
  }
}

}  // namespace
}  // namespace concordat::hl7v2

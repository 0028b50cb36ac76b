// Mutants, each with the test that catches it:
//
//   days roll over into the next month    OnlyDaysOfTheCalendar
//   mm and MM mixed up                    ReadsEveryFormThatCouncilsWrite
//   text behind a date dropped            OnlyWhatTheFormSays
//   two-digit years guessed wrong         AShortYearIsWithinTenYearsToCome
//   the hour that the clocks skip         TheClocksGoForwardAndBack
//   fractions cut off                     WholeNumbersAlone
#include "adapters/casefile/value_forms.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::casefile {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;

const absl::CivilDay kToday(2025, 11, 26);

std::string Read(absl::string_view form, absl::string_view text) {
  const auto parsed = Form::Parse(form);
  EXPECT_THAT(parsed, IsOk()) << form;
  const auto read = parsed->Read(text, kToday);
  if (!read.ok()) return std::string(read.status().message());
  return absl::FormatCivilTime(
      absl::CivilSecond(read->day.year(), read->day.month(), read->day.day(),
                        read->hour, read->minute, read->second));
}

TEST(ValueForms, ReadsEveryFormThatCouncilsWrite) {
  EXPECT_EQ(Read("dd/mm/yyyy", " 25/11/2025 "), "2025-11-25T00:00:00");
  EXPECT_EQ(Read("d/m/yyyy", "5/1/2025"), "2025-01-05T00:00:00");
  EXPECT_EQ(Read("dd-mon-yyyy", "25-NOV-2025"), "2025-11-25T00:00:00");
  EXPECT_EQ(Read("yyyymmdd", "20251125"), "2025-11-25T00:00:00");
  EXPECT_EQ(Read("ddmmyy", "251125"), "2025-11-25T00:00:00");
  EXPECT_EQ(Read("yyyy-mm-ddTHH:MM:SS", "2025-11-25T16:12:09"),
            "2025-11-25T16:12:09");
  EXPECT_EQ(Read("dd/mm/yyyy HH:MM", "25/11/2025 16:12"),
            "2025-11-25T16:12:00");
  EXPECT_EQ(Read("HHMM", "0905"), "1970-01-01T09:05:00");
}

TEST(ValueForms, OnlyDaysOfTheCalendar) {
  EXPECT_EQ(Read("dd/mm/yyyy", "31/11/2025"), "31/11/2025 is not a date");
  EXPECT_EQ(Read("dd/mm/yyyy", "29/02/2025"), "29/02/2025 is not a date");
  EXPECT_EQ(Read("dd/mm/yyyy", "29/02/2024"), "2024-02-29T00:00:00");
  EXPECT_EQ(Read("dd/mm/yyyy", "00/01/2025"), "00/01/2025 is not a date");
  EXPECT_EQ(Read("dd/mm/yyyy", "01/13/2025"), "01/13/2025 is not a date");
  EXPECT_EQ(Read("HH:MM", "24:00"), "24:00 is not a time");
  EXPECT_EQ(Read("HH:MM", "23:60"), "23:60 is not a time");
}

TEST(ValueForms, OnlyWhatTheFormSays) {
  EXPECT_EQ(Read("dd/mm/yyyy", "25/11/20255"), "25/11/20255 is not a date");
  EXPECT_EQ(Read("dd/mm/yyyy", "5/11/2025"), "5/11/2025 is not a date");
  EXPECT_EQ(Read("dd/mm/yyyy", "25.11.2025"), "25.11.2025 is not a date");
  EXPECT_EQ(Read("dd/mm/yyyy", ""), "a date is missing");
  EXPECT_EQ(Read("dd/mm/yyyy", "+5/11/2025"), "+5/11/2025 is not a date");
  for (const char* const form :
       {"", "dd/mm", "yyyy", "dd/dd/yyyy", "DD/MM/YYYY", "dd/mm/yyyy yy", "SS",
        "tomorrow"}) {
    EXPECT_THAT(Form::Parse(form), HasCode(absl::StatusCode::kInvalidArgument))
        << form;
  }
}

TEST(ValueForms, AShortYearIsWithinTenYearsToCome) {
  EXPECT_EQ(Read("dd/mm/yy", "01/01/35"), "2035-01-01T00:00:00");
  EXPECT_EQ(Read("dd/mm/yy", "01/01/36"), "1936-01-01T00:00:00");
}

TEST(ValueForms, TheClocksGoForwardAndBack) {
  absl::TimeZone london;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london));
  DateAndTime local{absl::CivilDay(2025, 3, 30), 1, 30, 0};
  EXPECT_THAT(ToMoment(local, london),
              HasCode(absl::StatusCode::kInvalidArgument));
  local.day = absl::CivilDay(2025, 10, 26);
  EXPECT_EQ(*ToMoment(local, london),
            absl::FromUnixSeconds(1'761'438'600));  // 00:30 UTC, the first.
  local.day = absl::CivilDay(2025, 7, 1);
  EXPECT_EQ(absl::ToCivilHour(*ToMoment(local, london), absl::UTCTimeZone()),
            absl::CivilHour(2025, 7, 1, 0));
}

TEST(ValueForms, WholeNumbersAlone) {
  edge::v1::NumberForm plain;
  EXPECT_EQ(*ReadNumber(" 150 ", plain), 150u);
  EXPECT_EQ(*ReadNumber("150.00", plain), 150u);
  edge::v1::NumberForm european;
  european.set_decimal(",");
  european.set_group(".");
  EXPECT_EQ(*ReadNumber("1.234,0", european), 1234u);
  EXPECT_EQ(*ReadNumber("12.345.678", european), 12345678u);
  for (const char* const bad : {"", "80.5", "80.", "-1", "1e3", "0x10", "1 000",
                                "99999999999999999999", ".0"}) {
    EXPECT_THAT(ReadNumber(bad, plain),
                HasCode(absl::StatusCode::kInvalidArgument))
        << bad;
  }
  for (const char* const bad : {"1.23", "1234.567", ".123", "80,5"}) {
    EXPECT_THAT(ReadNumber(bad, european),
                HasCode(absl::StatusCode::kInvalidArgument))
        << bad;
  }
}

}  // namespace
}  // namespace concordat::casefile

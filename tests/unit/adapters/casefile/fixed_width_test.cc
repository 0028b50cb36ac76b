// Mutants, each with the test that catches it:
//
//   places in bytes, not characters      CountsCharactersNotBytes
//   a short line read as blanks          ALineOfAnotherLengthIsAFault
//   trailer read as a row                ReadsItsTrailer
//   random tables                        WhatWasWrittenIsWhatIsRead
#include "adapters/casefile/fixed_width.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::casefile {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

edge::v1::FixedWidth Format(uint32_t characters = 0) {
  edge::v1::FixedWidth format;
  format.set_line_characters(characters);
  uint32_t from = 1;
  for (const auto& [name, width] : std::vector<std::pair<std::string, int>>{
           {"ID", 4}, {"Name", 6}, {"Code", 3}}) {
    edge::v1::FixedColumn& column = *format.add_columns();
    column.set_name(name);
    column.set_from(from);
    column.set_width(static_cast<uint32_t>(width));
    from += static_cast<uint32_t>(width);
  }
  return format;
}

absl::StatusOr<Table> Read(absl::string_view text, uint32_t characters = 0,
                           const std::vector<std::string>& wanted = {"ID",
                                                                     "Code"}) {
  edge::v1::Trailer trailer;
  trailer.set_mark("END");
  trailer.set_count_at(5);
  return ReadFixedWidth(text, Format(characters), &trailer, wanted, {100});
}

std::vector<std::string> Lines(const absl::StatusOr<Table>& table) {
  EXPECT_THAT(table, IsOk());
  std::vector<std::string> lines;
  if (!table.ok()) return lines;
  for (const TableRow& row : table->rows) {
    lines.push_back(absl::StrCat(
        row.line, ": ",
        row.fault.empty() ? absl::StrJoin(row.fields, "|") : row.fault));
  }
  return lines;
}

TEST(FixedWidth, CountsCharactersNotBytes) {
  EXPECT_THAT(Lines(Read("0017Seán  OFF\n0018Ann   HV \r\n")),
              ElementsAre("1: 0017|OFF", "2: 0018|HV"));
}

TEST(FixedWidth, ALineOfAnotherLengthIsAFault) {
  EXPECT_THAT(Lines(Read("0017Sean  OF\n0018Sean  OFFmore\n\n0019Sean  OFF")),
              ElementsAre("1: 12 characters instead of 13", "2: 0018|OFF",
                          "4: 0019|OFF"));
  EXPECT_THAT(Lines(Read("0018Sean  OFFmore\n0019Sean  OFF", 13)),
              ElementsAre("1: 17 characters instead of 13", "2: 0019|OFF"));
}

TEST(FixedWidth, ReadsItsTrailer) {
  EXPECT_EQ(*Read("0019Sean  OFF\nEND 0001\n")->trailer_count, 1u);
  EXPECT_THAT(Read("END 0001\n0019Sean  OFF\n").status().message(),
              HasSubstr("line 2: it stands behind the trailer"));
  EXPECT_THAT(Read("END x\n").status().message(),
              HasSubstr("the trailer has no count"));
  EXPECT_THAT(Read("0019Sean  OFF\n", 0, {"Other"}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(FixedWidth, WhatWasWrittenIsWhatIsRead) {
  std::mt19937 random(7);
  const std::vector<std::string> alphabet = {"a", "é", "€", "9", "-"};
  for (int round = 0; round < 200; ++round) {
    std::string text;
    std::vector<std::string> expected;
    for (uint32_t line = 1; line <= 1 + random() % 6; ++line) {
      std::vector<std::string> fields;
      for (const size_t width : {4, 6, 3}) {
        std::string field;
        const size_t characters = 1 + random() % width;
        for (size_t i = 0; i < characters; ++i) {
          field += alphabet[random() % alphabet.size()];
        }
        fields.push_back(field);
        text += field + std::string(width - characters, ' ');
      }
      text += random() % 2 == 0 ? "\n" : "\r\n";
      expected.push_back(
          absl::StrCat(expected.size() + 1, ": ", absl::StrJoin(fields, "|")));
    }
    EXPECT_EQ(Lines(Read(text, 13, {"ID", "Name", "Code"})), expected) << text;
  }
}

}  // namespace
}  // namespace concordat::casefile

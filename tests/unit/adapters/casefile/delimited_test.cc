// Mutants, each with the test that catches it:
//
//   a line end in quotes ends the row      AFieldInQuotesIsTextWhole
//   a doubled quote ends the field         AFieldInQuotesIsTextWhole
//   an open quote swallows rows            AQuoteThatIsNeverClosedIsOfTheFile
//   rows shift by a stray quote            AStrayQuoteIsAFaultOfItsRow
//   columns by place, not by name          FindsColumnsByNameWhereverTheyAre
//   lines counted by rows                  NamesTheLineWhereARowBegins
//   something behind the trailer read      RefusesWhatStandsBehindTheTrailer
//   random tables                          WhatWasWrittenIsWhatIsRead
#include "adapters/casefile/delimited.h"

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
using ::testing::SizeIs;

edge::v1::Delimited Format(const std::string& separator = ";",
                           const std::string& quote = "\"") {
  edge::v1::Delimited format;
  format.set_separator(separator);
  format.set_quote(quote);
  return format;
}

absl::StatusOr<Table> Read(absl::string_view text,
                           const std::vector<std::string>& wanted = {"A", "B"},
                           const edge::v1::Delimited& format = Format(),
                           size_t rows_max = 1000) {
  edge::v1::Trailer trailer;
  trailer.set_mark("TRAILER");
  trailer.set_count_at(2);
  return ReadDelimited(text, format, &trailer, wanted, {rows_max});
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

TEST(Delimited, FindsColumnsByNameWhereverTheyAre) {
  EXPECT_THAT(Lines(Read("X;b;A \n1;2;3\n")), ElementsAre("2: 3|2"));
  EXPECT_THAT(Read("X;B\n").status().message(),
              HasSubstr("line 1: there is no column A"));
  EXPECT_THAT(Read("A;B;a\n").status().message(),
              HasSubstr("line 1: the column A is there twice"));
  EXPECT_THAT(Read(""), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(Delimited, ReadsColumnsByPlaceWithoutALineOfNames) {
  edge::v1::Delimited format = Format(",");
  for (const char* const name : {"B", "", "A"}) format.add_columns(name);
  EXPECT_THAT(Lines(Read("1,2,3\n4,5,6", {"A", "B"}, format)),
              ElementsAre("1: 3|1", "2: 6|4"));
}

TEST(Delimited, TakesEveryKindOfLineEnd) {
  EXPECT_THAT(Lines(Read("A;B\r\n1;2\r3;4\n\r\n\n5;6")),
              ElementsAre("2: 1|2", "3: 3|4", "6: 5|6"));
}

TEST(Delimited, AFieldInQuotesIsTextWhole) {
  EXPECT_THAT(Lines(Read("A;B\n\"a;\"\"b\"\"\r\nc\";\"\"\n7;8\n")),
              ElementsAre("2: a;\"b\"\r\nc|", "4: 7|8"));
}

TEST(Delimited, NamesTheLineWhereARowBegins) {
  EXPECT_THAT(
      Lines(Read("A;B\n\"1\n2\n3\";4\n5\n6;7\n")),
      ElementsAre("2: 1\n2\n3|4", "5: 1 columns instead of 2", "6: 6|7"));
}

TEST(Delimited, AStrayQuoteIsAFaultOfItsRow) {
  EXPECT_THAT(Lines(Read("A;B\n5\" nail;2\n\"x\"y;2\n\"x\" ;2\n3;4\n")),
              ElementsAre("2: a quote within column 1",
                          "3: column 1 goes on behind its quote",
                          "4: column 1 goes on behind its quote", "5: 3|4"));
  // Without a quote character it is text.
  EXPECT_THAT(Lines(Read("A;B\n5\" nail;\"2\n", {"A", "B"}, Format(";", ""))),
              ElementsAre("2: 5\" nail|\"2"));
}

TEST(Delimited, AQuoteThatIsNeverClosedIsOfTheFile) {
  const auto table = Read("A;B\n1;2\n3;\"4\n5;6\nTRAILER;3\n");
  EXPECT_THAT(table, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(table.status().message(),
              HasSubstr("line 3: the quote of column 2 is never closed"));
}

TEST(Delimited, RefusesWhatStandsBehindTheTrailer) {
  EXPECT_EQ(*Read("A;B\n1;2\nTRAILER;1\n\n")->trailer_count, 1u);
  EXPECT_FALSE(Read("A;B\n1;2\n")->trailer_count.has_value());
  EXPECT_THAT(Read("A;B\nTRAILER;0\n1;2\n").status().message(),
              HasSubstr("line 3: it stands behind the trailer"));
  EXPECT_THAT(Read("A;B\nTRAILER;x\n").status().message(),
              HasSubstr("the trailer has no count"));
  EXPECT_THAT(Read("A;B\nTRAILER\n").status().message(),
              HasSubstr("the trailer has no count"));
}

TEST(Delimited, KeepsItsBounds) {
  const std::string large(kFieldBytesMax + 1, 'x');
  EXPECT_THAT(Lines(Read(absl::StrCat("A;B\n1;", large, "\n3;4\n"))),
              ElementsAre("2: column 2 is over 32768 bytes", "3: 3|4"));
  EXPECT_THAT(Read("A;B\n1;2\n3;4\n", {"A"}, Format(), 1).status().message(),
              HasSubstr("over 1 rows"));
  EXPECT_THAT(Read(absl::StrCat("A;B\n", std::string(300, ';'))),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(Delimited, WhatWasWrittenIsWhatIsRead) {
  std::mt19937 random(20251126);
  const std::vector<std::string> alphabet = {
      "a", "B", " ", "\"", ";", "\n", "\r\n", "é", "", "TRAILER", "1"};
  for (int round = 0; round < 300; ++round) {
    const size_t columns = 2 + random() % 5;
    std::vector<std::string> names;
    for (size_t i = 0; i < columns; ++i) names.push_back(absl::StrCat("C", i));
    std::string text = absl::StrJoin(names, ";") + "\n";
    std::vector<std::vector<std::string>> rows;
    for (size_t n = random() % 8; n > 0; --n) {
      std::vector<std::string>& row = rows.emplace_back();
      std::vector<std::string> written;
      for (size_t i = 0; i < columns; ++i) {
        std::string& field = row.emplace_back();
        for (size_t k = random() % 5; k > 0; --k) {
          field += alphabet[random() % alphabet.size()];
        }
        std::string quoted = "\"";
        for (const char c : field) {
          quoted += c == '"' ? "\"\"" : std::string(1, c);
        }
        written.push_back(quoted + "\"");
      }
      absl::StrAppend(&text, absl::StrJoin(written, ";"),
                      random() % 2 == 0 ? "\n" : "\r\n");
    }
    const auto table =
        ReadDelimited(text, Format(), nullptr, names, TableLimits());
    ASSERT_THAT(table, IsOk()) << text;
    ASSERT_THAT(table->rows, SizeIs(rows.size())) << text;
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(table->rows[i].fault, "");
      EXPECT_EQ(table->rows[i].fields, rows[i]) << text;
    }
  }
}

}  // namespace
}  // namespace concordat::casefile

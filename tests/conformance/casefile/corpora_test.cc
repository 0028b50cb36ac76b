// Files that others wrote: attacks are refused and their harmless twins taken,
// bad files are reported and good ones read whole. They are read from
// $CONCORDAT_CORPORA, or shared/corpora beside the repository's folder; where
// there are none the test is skipped.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "adapters/casefile/delimited.h"
#include "adapters/casefile/text_encoding.h"
#include "adapters/casefile/xml_rows.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::casefile {
namespace {

namespace fs = std::filesystem;
using concordat::testing::IsOk;
using ::testing::HasSubstr;

std::optional<fs::path> Corpora() {
  std::vector<fs::path> places;
  if (const char* named = std::getenv("CONCORDAT_CORPORA")) {
    places.emplace_back(named);
  }
  if (const char* source = std::getenv("CONCORDAT_SOURCE")) {
    places.push_back(fs::path(source) / ".." / "shared" / "corpora");
    places.push_back(fs::path(source) / ".." / ".." / "shared" / "corpora");
  }
  for (const fs::path& place : places) {
    if (fs::exists(place / "justice-xml-csv")) return place / "justice-xml-csv";
  }
  return std::nullopt;
}

std::string Bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class CorporaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto corpora = Corpora();
    if (!corpora.has_value()) GTEST_SKIP() << "no corpora here";
    folder_ = *corpora;
  }
  absl::StatusOr<Table> ReadXmlFile(const std::string& name,
                                    const std::string& row,
                                    edge::v1::TextEncoding encoding) const {
    const auto text = ToUtf8(Bytes(folder_ / name), encoding);
    if (!text.ok()) return text.status();
    edge::v1::Xml format;
    format.set_row(row);
    return ReadXml(*text, format, nullptr, encoding, {"@id"}, TableLimits());
  }
  absl::StatusOr<Table> ReadCsv(const std::string& name,
                                const std::vector<std::string>& wanted,
                                size_t rows_max = 500'000) const {
    const auto text = ToUtf8(Bytes(folder_ / "prime-reportstream-csv" / name),
                             edge::v1::TEXT_ENCODING_UTF_8);
    if (!text.ok()) return text.status();
    edge::v1::Delimited format;
    format.set_separator(",");
    format.set_quote("\"");
    return ReadDelimited(*text, format, nullptr, wanted, {rows_max});
  }
  static size_t Faults(const Table& table) {
    size_t faults = 0;
    for (const TableRow& row : table.rows) faults += row.fault.empty() ? 0 : 1;
    return faults;
  }

  fs::path folder_;
};

TEST_F(CorporaTest, AttacksInXmlAreRefusedAndTheirTwinsTaken) {
  int refused = 0;
  int taken = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "mirth-xml-xxe")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".xml") continue;
    const std::string text = Bytes(entry.path());
    const auto encoding = absl::StrContains(text, "ISO-8859-1")
                              ? edge::v1::TEXT_ENCODING_ISO_8859_1
                              : edge::v1::TEXT_ENCODING_UTF_8;
    const auto table =
        ReadXmlFile(absl::StrCat("mirth-xml-xxe/", name), "x", encoding);
    const bool attack = absl::StrContains(text, "<!DOCTYPE");
    EXPECT_EQ(table.ok(), !attack) << name << ": " << table.status();
    if (attack) {
      EXPECT_THAT(table.status().message(), HasSubstr("a DTD is not taken"));
    }
    (attack ? refused : taken) += 1;
  }
  std::cout << "XML: " << refused << " attacks refused, " << taken
            << " others taken\n";
  EXPECT_GE(refused, 2);
  EXPECT_GE(taken, 5);
}

TEST_F(CorporaTest, AnExchangeOfTheJusticeFieldIsRead) {
  const auto table =
      ReadXmlFile("niem-crash-driver/CrashDriverSample.xml", "CrashDriverInfo",
                  edge::v1::TEXT_ENCODING_UTF_8);
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->rows.size(), 1u);
}

TEST_F(CorporaTest, BadTablesAreReported) {
  const std::vector<std::string> wanted = {"lab", "state"};
  const auto input = [&](const std::string& name, size_t rows_max = 500'000) {
    return ReadCsv(absl::StrCat("csv_test_files__input__", name), wanted,
                   rows_max);
  };
  EXPECT_THAT(input("completely-empty-file.csv").status().message(),
              HasSubstr("the file is empty"));
  EXPECT_THAT(input("not-a-csv-file.csv").status().message(),
              HasSubstr("there is no column lab"));
  EXPECT_THAT(input("too-many-columns.csv").status().message(),
              HasSubstr("columns"));
  EXPECT_THAT(input("1001-lines.csv", 500).status().message(),
              HasSubstr("over 500 rows"));
  EXPECT_EQ(input("1001-lines.csv")->rows.size(), 999u);
  EXPECT_EQ(input("column-headers-only.csv")->rows.size(), 0u);
  EXPECT_GE(Faults(*input("too-much-data.csv")), 1u);
  EXPECT_GE(Faults(*input("missing-data.csv")), 1u);
  EXPECT_EQ(Faults(*input("happy-path.csv")), 0u);
  EXPECT_EQ(Faults(*input("quoted-strings-with-embedded-commas.csv")), 0u);
  // Moved columns change nothing.
  const auto straight = *input("happy-path.csv");
  const auto moved = *input("change-column-ordering.csv");
  EXPECT_EQ(moved.rows.at(0).fields.at(0), straight.rows.at(0).fields.at(0));
}

TEST_F(CorporaTest, EveryTableIsReadOrItsFaultIsNamed) {
  size_t files = 0;
  size_t rows = 0;
  size_t faults = 0;
  size_t refused = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(folder_ / "prime-reportstream-csv")) {
    if (entry.path().extension() != ".csv") continue;
    ++files;
    const std::string text = Bytes(entry.path());
    const std::string first(std::string(*absl::StrSplit(text, '\n').begin()));
    const std::vector<std::string> names = absl::StrSplit(first, ',');
    const auto table = ReadCsv(
        fs::relative(entry.path(), folder_ / "prime-reportstream-csv").string(),
        {names.front()});
    if (!table.ok()) {
      ++refused;
      EXPECT_FALSE(table.status().message().empty());
      continue;
    }
    rows += table->rows.size();
    faults += Faults(*table);
  }
  std::cout << "CSV: " << files << " files, " << rows << " rows, " << faults
            << " of them at fault, " << refused << " files refused\n";
  EXPECT_GE(files, 40u);
  EXPECT_GE(rows, 1300u);
}

}  // namespace
}  // namespace concordat::casefile

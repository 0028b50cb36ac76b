// The identifiers that others publish as test vectors. They are not part of
// this repository: CONCORDAT_CORPORA or ../shared/corpora has them.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json.hpp"
#include "gtest/gtest.h"
#include "services/identity/domain/identifiers.h"

namespace concordat::identity {
namespace {

std::filesystem::path Corpora() {
  if (const char* given = std::getenv("CONCORDAT_CORPORA")) return given;
  const char* source = std::getenv("CONCORDAT_SOURCE");
  std::filesystem::path root = source == nullptr ? "." : source;
  for (const char* up : {"..", "../.."}) {
    const std::filesystem::path found = root / up / "shared" / "corpora";
    if (std::filesystem::exists(found)) return found;
  }
  return {};
}

class IdentifierCorporaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = Corpora() / "identifiers-calendar";
    if (!std::filesystem::exists(folder_)) {
      GTEST_SKIP() << "no corpora: set CONCORDAT_CORPORA to their folder";
    }
  }

  std::string Read(const char* name) const {
    std::ifstream file(folder_ / name);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return text.str();
  }

  std::vector<std::vector<std::string>> Rows(const char* name) const {
    std::vector<std::vector<std::string>> rows;
    const std::string text = Read(name);
    for (const absl::string_view line :
         absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      rows.push_back(absl::StrSplit(line, ','));
    }
    rows.erase(rows.begin());
    return rows;
  }

  boost::json::value Json(const char* name) const {
    return boost::json::parse(Read(name));
  }

  std::filesystem::path folder_;
};

TEST_F(IdentifierCorporaTest, AgreesOnChiNumbers) {
  int seen = 0;
  for (const auto& row : Rows("nhs-go-joshswooft/vectors.csv")) {
    if (row[0] != "chi") continue;
    ++seen;
    EXPECT_EQ(CheckChi(row[1]).verdict == ChiVerdict::kValid, row[2] == "valid")
        << row[1];
  }
  EXPECT_GE(seen, 8);
}

TEST_F(IdentifierCorporaTest, AgreesOnModulus11OfNhsNumbers) {
  int seen = 0;
  for (const char* name :
       {"simhospital/nhs_numbers.csv", "nhs-pds-api/nhs_numbers.csv"}) {
    for (const auto& row : Rows(name)) {
      ++seen;
      EXPECT_EQ(PassesModulus11(row[0]), row[1] == "true") << row[0];
    }
  }
  EXPECT_GE(seen, 460);
}

TEST_F(IdentifierCorporaTest, AgreesOnPostcodes) {
  const boost::json::value ideal = Json("postcode-ideal/tests.json");
  for (const boost::json::value& row : ideal.at("validation").as_array()) {
    const std::string text(row.at(0).as_string());
    EXPECT_EQ(CanonicalPostcode(text).ok(), row.at(1).as_bool()) << text;
  }
  for (const boost::json::value& row : ideal.at("normalised").as_array()) {
    if (!row.at(1).is_string()) continue;
    EXPECT_EQ(CanonicalPostcode(std::string(row.at(0).as_string())).value(),
              std::string(row.at(1).as_string()));
  }
  const boost::json::value npm = Json("uk-postcode-npm/tests.json");
  for (const boost::json::value& row : npm.at("valid_complete").as_array()) {
    const std::string text(row.as_string());
    // A bank's own code, of no form that others have.
    if (text.rfind("GIR", 0) == 0) continue;
    EXPECT_TRUE(CanonicalPostcode(text).ok()) << text;
  }
  for (const char* list : {"invalid", "valid_partial"}) {
    for (const boost::json::value& row : npm.at(list).as_array()) {
      const std::string text(row.as_string());
      EXPECT_FALSE(CanonicalPostcode(text).ok()) << text;
    }
  }
}

}  // namespace
}  // namespace concordat::identity

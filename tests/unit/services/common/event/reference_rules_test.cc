// Ids, streams and references hold no number that names a person.
//
// Mutant                                            Caught by
// check digit or date not asked                     LetsNumbersPassThatNobodyHas
// Modulus 10 alone passes                           RefusesWhatNamesAPerson
// letters around a number hide it                   RefusesWhatNamesAPerson
// hashes and UUIDs are refused by chance            IdsMadeByChancePass
// a header field is forgotten                       NamesTheFieldOfAHeader
#include "services/common/event/reference_rules.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;

TEST(ReferenceRulesTest, RefusesWhatNamesAPerson) {
  for (const char* text :
       {"0303790016", "order/0303790016", "CHI0303790016", "0303790016x",
        "a-0911870012-b", "visit:1708020004"}) {
    EXPECT_THAT(std::string(BrokenReferenceRule(text)), HasSubstr("CHI"))
        << text;
  }
  for (const char* text : {"1998/0990002E", "98/990002e", "x-1998/990002E-y"}) {
    EXPECT_THAT(std::string(BrokenReferenceRule(text)), HasSubstr("PNC"))
        << text;
  }
  for (const char* text : {"DD49ZZ", "DD4 9ZZ", "dd4 9zz", "at/W1A1AA", "M1 1AE"}) {
    EXPECT_THAT(std::string(BrokenReferenceRule(text)), HasSubstr("postcode"))
        << text;
  }
}

TEST(ReferenceRulesTest, LetsNumbersPassThatNobodyHas) {
  for (const char* text :
       {"", "order/1", "A-2001", "OM-4471", "INC-102", "2025-11-12",
        "0303790017",  // No check digit.
        "0313790016",  // No 13th month.
        "4203790018",  // No 42nd day.
        "03037900160", "999000000011", "1998/0990002F", "CPO/2025/12",
        "A-RDMBG86S", "C-4", "JSW114", "dd49zz", "DD4-9ZZZ", "DCC-20017",
        "urn:concordat:police-scotland:rms#019a9f2c-0000-7000-8000-000000000109",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_EQ(BrokenReferenceRule(text), "") << text;
  }
}

TEST(ReferenceRulesTest, IdsMadeByChancePass) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t a = random(), b = random();
    const std::string uuid = absl::StrFormat(
        "%08x-%04x-7%03x-%04x-%012x", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
        b >> 48, b & 0xffffffffffff);
    ASSERT_EQ(BrokenReferenceRule(uuid), "") << uuid;
    const std::string hash = absl::StrFormat("%016x%016x", a, b);
    ASSERT_EQ(BrokenReferenceRule(hash), "") << hash;
  }
}

TEST(ReferenceRulesTest, NamesTheFieldOfAHeader) {
  using Field = absl::string_view HeaderView::*;
  const std::pair<const char*, Field> fields[] = {
      {"id", &HeaderView::id},
      {"stream", &HeaderView::stream},
      {"subjectrole", &HeaderView::subject_role},
      {"onbehalfof", &HeaderView::on_behalf_of},
      {"correlation", &HeaderView::correlation},
      {"causation", &HeaderView::causation},
      {"corrects", &HeaderView::corrects},
      {"retracts", &HeaderView::retracts},
  };
  EXPECT_THAT(CheckReferences(HeaderView()), IsOk());
  for (const auto& [name, field] : fields) {
    HeaderView header;
    header.*field = "x/0303790016";
    EXPECT_EQ(CheckReferences(header).message(),
              absl::StrCat(name, ": is shaped like a CHI number"));
  }
}

}  // namespace
}  // namespace concordat

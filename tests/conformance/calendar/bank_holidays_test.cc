// The deployed national list is the published one, day for day, in each year
// that both hold. The published file is not part of this repository:
// CONCORDAT_CORPORA or ../shared/corpora has it.
//
// | bug | test |
// |---|---|
// | a day is missing or made up in deploy/calendars/scotland.textproto | TheNationalListIsThePublishedOne |
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "boost/json.hpp"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

std::filesystem::path BankHolidays() {
  const std::filesystem::path below =
      "identifiers-calendar/govuk-bank-holidays/bank-holidays.json";
  if (const char* given = std::getenv("CONCORDAT_CORPORA")) {
    return std::filesystem::path(given) / below;
  }
  const char* source = std::getenv("CONCORDAT_SOURCE");
  const std::filesystem::path root = source == nullptr ? "." : source;
  for (const char* up : {"..", "../.."}) {
    const auto found = root / up / "shared" / "corpora" / below;
    if (std::filesystem::exists(found)) return found;
  }
  return {};
}

TEST(BankHolidaysCorpus, TheNationalListIsThePublishedOne) {
  std::ifstream file(BankHolidays());
  if (!file) {
    GTEST_SKIP() << "no published bank holidays: set CONCORDAT_CORPORA to the "
                    "corpora's folder";
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const boost::json::value root = boost::json::parse(text);
  std::map<std::string, std::set<std::string>> published;  // By year.
  for (const auto& event : root.at("scotland").at("events").as_array()) {
    const std::string date(event.at("date").as_string().c_str());
    published[date.substr(0, 4)].insert(date);
  }

  const auto calendars = testing::DemoCalendars();
  ASSERT_THAT(calendars, testing::IsOk());
  int days = 0;
  for (const policy::v1::Calendar& calendar : *calendars) {
    if (calendar.name() != "scotland") continue;
    for (const policy::v1::CalendarYear& year : calendar.years()) {
      const auto found = published.find(std::to_string(year.year()));
      if (found == published.end()) continue;
      std::set<std::string> listed;
      for (const auto& day : year.closed()) listed.insert(day.date());
      EXPECT_EQ(listed, found->second) << year.year();
      days += static_cast<int>(listed.size());
    }
  }
  EXPECT_GT(days, 80);
}

}  // namespace
}  // namespace concordat

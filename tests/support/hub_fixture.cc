#include "tests/support/hub_fixture.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/common/base/system_clock.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

namespace json = boost::json;

constexpr absl::Duration kLong = absl::Seconds(60);

}  // namespace

const std::vector<std::string>& HubFixture::Services() {
  static const auto& services = *new std::vector<std::string>{
      "concordat-bus",   "concordat-identity",   "concordat-police",
      "concordat-nhs",   "concordat-socialwork", "concordat-mappa",
      "concordat-alerts"};
  return services;
}

HubFixture::HubFixture() {
  for (const std::string& program : Services()) hub_.Start(program);
}

std::string HubFixture::Until(const std::vector<std::string>& words) {
  const SystemSteadyClock clock;
  const absl::Duration end = clock.Elapsed() + kLong;
  absl::StatusOr<std::string> answer;
  do {
    answer = hub_.Run(words);
  } while (!answer.ok() && clock.Elapsed() < end);
  EXPECT_THAT(answer, IsOk());
  return answer.value_or("");
}

std::string HubFixture::Field(const std::string& json,
                              const std::string& name) {
  const std::string key = absl::StrCat("\"", name, "\":\"");
  const size_t at = json.find(key);
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

void HubFixture::Erase(const std::string& subject) {
  const std::string looked =
      Until({"erasure", "of", subject, "--identity-checked", "--json"});
  std::vector<std::string> words = {"erasure",
                                    "of",
                                    subject,
                                    "--identity-checked",
                                    "--json",
                                    "--reason",
                                    "PERIOD_ENDED",
                                    "--why",
                                    "the board's decision",
                                    "--confirm",
                                    Field(looked, "count")};
  const auto asked = hub_.Run(words);
  ASSERT_THAT(asked, IsOk());
  words.insert(words.end(), {"--approve", Field(*asked, "approval"),
                             "--profile", "second-operator"});
  const auto done = hub_.Run(words);
  ASSERT_THAT(done, IsOk());
  ASSERT_THAT(Field(*done, "erasureRef"), ::testing::HasSubstr("E-"));
}

std::map<std::string, size_t> HubFixture::RowsOf(
    std::vector<std::string> words) {
  words.insert(words.begin(), "documents");
  words.push_back("--json");
  const auto paper = hub_.Run(words);
  EXPECT_THAT(paper, IsOk());
  std::map<std::string, size_t> rows;
  if (!paper.ok()) return rows;
  const json::value parsed = json::parse(*paper);
  for (const auto& section : parsed.as_object().at("sections").as_array()) {
    for (const auto& table : section.as_object().at("tables").as_array()) {
      rows[table.as_object().at("caption").as_string().c_str()] +=
          table.as_object().at("rows").as_array().size();
    }
  }
  return rows;
}

}  // namespace concordat::testing

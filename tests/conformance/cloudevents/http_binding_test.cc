// The CloudEvents project's own examples of the HTTP binding: the scenarios of
// cloudevents/conformance and the requests in the specification. Each is mapped
// as it says, and then refused, for none is of a type of ours. Found in
// $CONCORDAT_CORPORA, else beside the source tree.
//
// One difference is meant: charset=utf-8 says nothing of JSON, so
// "application/json; charset=utf-8" becomes "application/json".
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "boost/json.hpp"
#include "gateway/api/cloudevents_http.h"
#include "gateway/common/event_maker.h"
#include "gmock/gmock.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

std::filesystem::path Corpus() {
  const char* const corpora = std::getenv("CONCORDAT_CORPORA");
  const std::filesystem::path root =
      corpora != nullptr
          ? std::filesystem::path(corpora)
          : std::filesystem::path(std::getenv("CONCORDAT_SOURCE")) /
                "../shared/corpora";
  return root / "cloudevents";
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The lines of an example as a request. Dots stand for what was left out.
Request ToRequest(const std::vector<std::string>& lines) {
  Request request;
  size_t i = 1;
  for (; i < lines.size() && !lines[i].empty(); ++i) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
    request.headers.emplace_back(absl::AsciiStrToLower(parts.first),
                                 parts.second);
  }
  if (i < lines.size()) {
    request.body = absl::StrJoin(lines.begin() + static_cast<long>(i) + 1,
                                 lines.end(), "\n");
  }
  return request;
}

struct Scenario {
  Request request;
  std::map<std::string, std::string> attributes;
  std::string data;
};

// What stands between two lines of three quotes, from `at` on, which moves.
std::vector<std::string> Quoted(const std::vector<std::string>& lines,
                                size_t* at) {
  while (!absl::StrContains(lines[*at], "\"\"\"")) ++*at;
  const size_t indent = lines[*at].find('"');
  std::vector<std::string> inside;
  for (++*at; !absl::StrContains(lines[*at], "\"\"\""); ++*at) {
    inside.push_back(lines[*at].size() > indent ? lines[*at].substr(indent)
                                                : "");
  }
  ++*at;
  return inside;
}

std::vector<std::string> Cells(absl::string_view line) {
  std::vector<std::string> cells;
  for (const absl::string_view cell : absl::StrSplit(line, '|')) {
    cells.emplace_back(absl::StripAsciiWhitespace(cell));
  }
  return cells;  // The first and the last are empty.
}

// Each outline once for every row of its examples.
std::vector<Scenario> Scenarios(const std::string& feature) {
  std::vector<Scenario> scenarios;
  const std::vector<std::string> lines = absl::StrSplit(feature, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!absl::StrContains(lines[i], "Scenario Outline")) continue;
    const std::vector<std::string> request = Quoted(lines, &i);
    while (!absl::StrContains(lines[i], "| ")) ++i;
    std::vector<std::vector<std::string>> rows;
    for (++i; absl::StrContains(lines[i], "|"); ++i) {
      rows.push_back(Cells(lines[i]));
    }
    const std::vector<std::string> data = Quoted(lines, &i);
    while (!absl::StrContains(lines[i], "|")) ++i;
    for (++i; i < lines.size() && absl::StrContains(lines[i], "|"); ++i) {
      const std::string type = Cells(lines[i])[1];
      Scenario scenario;
      std::vector<std::string> filled;
      for (const std::string& line : request) {
        filled.push_back(absl::StrReplaceAll(line, {{"<contentType>", type}}));
      }
      scenario.request = ToRequest(filled);
      for (const auto& row : rows) {
        scenario.attributes[row[1]] = absl::StrReplaceAll(
            row[2], {{"<contentType>", type}, {"; charset=utf-8", ""}});
        if (row[2] == "<contentType>") {
          scenario.attributes[row[1]] = "application/json";
        }
      }
      scenario.data = absl::StrJoin(data, "\n");
      scenarios.push_back(std::move(scenario));
    }
  }
  return scenarios;
}

class HttpBindingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Corpus())) {
      GTEST_SKIP() << "corpora not here: skipped";
    }
  }
  absl::Status Made(const std::string& event) {
    bus::v1::Principal principal;
    principal.set_agency("police-scotland");
    principal.set_system("rms");
    std::string id;
    return maker_
        .Make(
            principal, event,
            [](absl::string_view) {
              return absl::NotFoundError("nobody is asked here");
            },
            &id)
        .status();
  }
  EventMaker maker_{*testing::DemoTypes(), std::string(32, 'k')};
};

TEST_F(HttpBindingTest, ScenariosAreMappedAsTheySay) {
  const auto scenarios = Scenarios(
      Read(Corpus() / "conformance/features/http-protocol-binding.feature"));
  EXPECT_EQ(scenarios.size(), 4u);
  for (const Scenario& scenario : scenarios) {
    SCOPED_TRACE(std::string(scenario.request.Header("content-type")));
    ASSERT_TRUE(HasCloudEvents(scenario.request));
    const auto body = ReadCloudEvents(scenario.request);
    ASSERT_THAT(body.status(), IsOk());
    ASSERT_EQ(body->events.size(), 1u);
    const auto event = boost::json::parse(body->events[0]).as_object();
    EXPECT_EQ(event.at("data"), boost::json::parse(scenario.data));
    EXPECT_EQ(event.size(), scenario.attributes.size() + 1);
    for (const auto& [name, value] : scenario.attributes) {
      EXPECT_EQ(event.at(name), boost::json::value(value)) << name;
    }
    EXPECT_THAT(Made(body->events[0]), HasCode(absl::StatusCode::kNotFound));
  }
}

TEST_F(HttpBindingTest, RequestsOfTheSpecificationAreRefusedWithAReason) {
  int events = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(Corpus() / "spec/http")) {
    const std::string text = Read(entry.path());
    if (!absl::StartsWith(text, "POST ")) continue;
    SCOPED_TRACE(entry.path().filename());
    const Request request = ToRequest(absl::StrSplit(text, '\n'));
    if (!HasCloudEvents(request)) continue;
    const auto body = ReadCloudEvents(request);
    // The bodies are cut short with dots, which is no JSON.
    if (!body.ok()) {
      EXPECT_THAT(body.status(), HasCode(absl::StatusCode::kInvalidArgument));
      EXPECT_FALSE(body.status().message().empty());
      ++events;
      continue;
    }
    for (const std::string& event : body->events) {
      const absl::Status made = Made(event);
      EXPECT_FALSE(made.ok());
      EXPECT_FALSE(made.message().empty());
      ++events;
    }
  }
  EXPECT_GT(events, 0);
}

TEST_F(HttpBindingTest, JsonExamplesAreRefusedInABatchToo) {
  std::vector<std::string> examples;
  for (const auto& entry :
       std::filesystem::directory_iterator(Corpus() / "spec/json")) {
    const std::string text = Read(entry.path());
    boost::json::error_code error;
    if (boost::json::parse(text, error).is_object()) examples.push_back(text);
  }
  EXPECT_GT(examples.size(), 10u);
  Request request;
  request.headers = {{"content-type", kBatchContentType}};
  request.body = "[" + absl::StrJoin(examples, ",") + "]";
  const auto body = ReadCloudEvents(request);
  ASSERT_THAT(body.status(), IsOk());
  EXPECT_EQ(body->events.size(), examples.size());
  for (const std::string& event : body->events) {
    EXPECT_FALSE(Made(event).ok());
  }
}

}  // namespace
}  // namespace concordat::gateway

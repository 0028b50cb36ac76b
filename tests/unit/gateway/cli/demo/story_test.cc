#include "gateway/cli/demo/story.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

constexpr char kHead[] = R"({"no":"1","at":"2025-11-03T02:00:00Z","by":"nhs")";

TEST(StoryTest, ReadsWhatAStepDoes) {
  const auto steps = ParseStory(absl::StrCat(
      kHead, R"(,"person":"P2","call":"a.B","request":{"x":1},"race":"R"})",
      "\n", kHead, R"(,"hl7":["MSH|1","PID|2"],"answer":"AA"})", "\n"));
  ASSERT_THAT(steps.status(), IsOk());
  ASSERT_EQ(steps->size(), 2u);
  EXPECT_EQ((*steps)[0].method, "a.B");
  EXPECT_EQ((*steps)[0].request, R"({"x":1})");
  EXPECT_EQ((*steps)[0].race, "R");
  EXPECT_EQ((*steps)[0].at_us, 1'762'135'200'000'000u);
  EXPECT_EQ((*steps)[1].hl7, "MSH|1\rPID|2");
}

TEST(StoryTest, NamesTheLineThatIsWrong) {
  for (const char* rest :
       {R"(,"unknown":1})", R"(,"call":"a.B","publish":"C"})", R"(,"say":1})",
        R"(,"happened":"yesterday"})", "", R"(,"request":[]})"}) {
    const auto steps =
        ParseStory(absl::StrCat(kHead, "}\n", kHead, rest, "\n"));
    EXPECT_THAT(steps.status(), HasCode(absl::StatusCode::kInvalidArgument))
        << rest;
    EXPECT_THAT(std::string(steps.status().message()), HasSubstr("line 2"));
  }
}

TEST(StoryTest, ReadsFilesInTheirOrderWithLineEndsOfTheirOwn) {
  const auto steps = ParseStory(absl::StrCat(
      kHead,
      R"(,"files":{"b.csv":["x;y","1;2"],"a.csv":["z"]},"brings":["2.1"]})"));
  ASSERT_THAT(steps.status(), IsOk());
  const Step& step = steps->front();
  ASSERT_EQ(step.files.size(), 2u);
  EXPECT_EQ(step.files[0].name, "b.csv");
  EXPECT_EQ(step.files[0].bytes, "x;y\r\n1;2\r\n");
  EXPECT_EQ(step.files[1].name, "a.csv");
  EXPECT_THAT(step.brings, ::testing::ElementsAre("2.1"));
}

TEST(StoryTest, DoesNotGoBackInTime) {
  EXPECT_THAT(
      ParseStory(
          absl::StrCat(kHead, "}\n",
                       R"({"no":"2","at":"2025-11-03T01:59:59Z","by":"nhs"})"))
          .status(),
      HasCode(absl::StatusCode::kInvalidArgument));
}

// Every row of the story's table (tests/e2e/story/expected.tsv) that somebody
// outside the hub brings is a step, and so is every message h1 to h33.
TEST(StoryTest, TheDemoHasEveryStepOfTheStory) {
  const std::string source = getenv("CONCORDAT_SOURCE");
  std::ifstream in(source + "/deploy/demo/story.jsonl");
  const auto steps =
      ParseStory(std::string((std::istreambuf_iterator<char>(in)), {}));
  ASSERT_THAT(steps.status(), IsOk());
  std::set<std::string> numbers;
  for (const Step& step : *steps) {
    EXPECT_TRUE(numbers.insert(step.number).second) << step.number;
    EXPECT_EQ(step.hl7.empty(), step.number[0] != 'h') << step.number;
    for (const std::string& fact : step.brings) {
      EXPECT_TRUE(numbers.insert(fact).second) << fact;
    }
    // h32 alone is marked for a live listener.
    EXPECT_EQ(absl::StrContains(step.hl7, "|P|2.4"), step.number == "h32");
  }
  for (int i = 1; i <= 33; ++i) {
    EXPECT_EQ(numbers.count(absl::StrCat("h", i)), 1u) << i;
  }
  std::ifstream table(source + "/tests/e2e/story/expected.tsv");
  std::string line;
  std::getline(table, line);  // Names of the columns.
  size_t rows = 0;
  while (std::getline(table, line)) {
    const std::string number = line.substr(0, line.find('\t'));
    ++rows;
    // Made by the hub.
    if (number == "2.14" || number == "2.15") continue;
    EXPECT_EQ(numbers.count(number), 1u) << number;
  }
  EXPECT_EQ(rows, 68u);
}

}  // namespace
}  // namespace concordat::cli

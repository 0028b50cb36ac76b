// Bug                                          Caught by
// a stale level passes                         ALevelIsThatOfItsTotal
// bounds of a band off by one                  ALevelIsThatOfItsTotal
// a missing total read as 0                    ATotalIsNeededWhereTheToolHas…
// an override without a reason passes          AnOverrideHasAReasonAnd…
// an override that overrides nothing passes    AnOverrideHasAReasonAnd…
// arithmetic on structured judgement           JudgementHasNoArithmetic
// the newest scale used for an old day         AScaleHoldsFromItsDay
// bands with a gap load                        ScalesWithAFaultDoNotLoad
#include "services/socialwork/domain/tool_book.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::socialwork {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

const absl::CivilDay kDay(2025, 11, 5);

v1::AssessmentTool Lscmi() {
  v1::AssessmentTool tool;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(tool: "LSCMI"
           version: 1
           effective: "2025-10-01"
           levels: "LOW"
           levels: "MEDIUM"
           levels: "HIGH"
           bands { level: "LOW" from: 0 to: 10 }
           bands { level: "MEDIUM" from: 11 to: 19 }
           bands { level: "HIGH" from: 20 to: 43 })pb",
      &tool));
  return tool;
}

v1::AssessmentTool Sara() {
  v1::AssessmentTool tool;
  tool.set_tool("SARA");
  tool.set_effective("2025-10-01");
  tool.add_levels("LOW");
  tool.add_levels("HIGH");
  return tool;
}

v1::AssessmentCompleted Scored(uint32_t total, const std::string& level) {
  v1::AssessmentCompleted assessment;
  assessment.set_total(total);
  assessment.set_level(level);
  return assessment;
}

std::string Complaint(const v1::AssessmentTool& tool,
                      const v1::AssessmentCompleted& assessment) {
  return std::string(JudgeLevel(tool, assessment).status().message());
}

TEST(ToolBook, ALevelIsThatOfItsTotal) {
  for (const auto& [total, level] : {std::pair{0u, "LOW"},
                                     {10u, "LOW"},
                                     {11u, "MEDIUM"},
                                     {19u, "MEDIUM"},
                                     {20u, "HIGH"},
                                     {43u, "HIGH"}}) {
    EXPECT_EQ(*JudgeLevel(Lscmi(), Scored(total, level)), level) << total;
    EXPECT_EQ(*JudgeLevel(Lscmi(), Scored(total, "")), level) << total;
  }
  EXPECT_EQ(Complaint(Lscmi(), Scored(20, "MEDIUM")),
            "assessment.level: a total of 20 is HIGH; another level is an "
            "override");
  EXPECT_THAT(Complaint(Lscmi(), Scored(44, "HIGH")),
              HasSubstr("past the scale of LSCMI, which ends at 43"));
  EXPECT_THAT(Complaint(Lscmi(), Scored(43, "VERY_HIGH")),
              HasSubstr("needs one of LOW, MEDIUM, HIGH"));
}

TEST(ToolBook, ATotalIsNeededWhereTheToolHasBands) {
  v1::AssessmentCompleted assessment;
  assessment.set_level("LOW");
  EXPECT_EQ(Complaint(Lscmi(), assessment),
            "assessment.total: is needed with LSCMI");
  assessment.set_total(0);  // A total of nothing is a result.
  EXPECT_THAT(JudgeLevel(Lscmi(), assessment), IsOk());
}

TEST(ToolBook, AnOverrideHasAReasonAndAnotherLevel) {
  v1::AssessmentCompleted assessment = Scored(20, "MEDIUM");
  assessment.set_overridden(true);
  EXPECT_THAT(Complaint(Lscmi(), assessment), HasSubstr("override_reason"));
  assessment.set_override_reason("PROTECTIVE_FACTORS");
  EXPECT_EQ(*JudgeLevel(Lscmi(), assessment), "MEDIUM");
  assessment.set_level("HIGH");
  EXPECT_THAT(Complaint(Lscmi(), assessment),
              HasSubstr("overridden: the level is that of the total"));
  assessment.set_level("");
  EXPECT_THAT(Complaint(Lscmi(), assessment), HasSubstr("needs one of"));
  assessment = Scored(20, "HIGH");
  assessment.set_override_reason("PROTECTIVE_FACTORS");
  EXPECT_THAT(Complaint(Lscmi(), assessment), HasSubstr("is for an override"));
}

TEST(ToolBook, JudgementHasNoArithmetic) {
  v1::AssessmentCompleted assessment;
  EXPECT_THAT(Complaint(Sara(), assessment), HasSubstr("needs one of"));
  assessment.set_level("HIGH");
  EXPECT_EQ(*JudgeLevel(Sara(), assessment), "HIGH");
  assessment.set_total(3);
  EXPECT_EQ(*JudgeLevel(Sara(), assessment), "HIGH");
}

TEST(ToolBook, AScaleHoldsFromItsDay) {
  v1::AssessmentTool newer = Lscmi();
  newer.set_version(2);
  newer.set_effective("2025-11-06");
  const auto book = ToolBook::Build({newer, Lscmi(), Sara()});
  ASSERT_THAT(book, IsOk());
  EXPECT_EQ(book->Find("LSCMI", absl::CivilDay(2025, 9, 30)), nullptr);
  EXPECT_EQ(book->Find("LSCMI", kDay)->version(), 1u);
  EXPECT_EQ(book->Find("LSCMI", kDay + 1)->version(), 2u);
  EXPECT_EQ(book->Find("RSVP", kDay), nullptr);
}

TEST(ToolBook, ScalesWithAFaultDoNotLoad) {
  const auto refused = [](v1::AssessmentTool tool) {
    return ToolBook::Build({std::move(tool)}).status().code() ==
           absl::StatusCode::kInvalidArgument;
  };
  v1::AssessmentTool tool = Lscmi();
  EXPECT_FALSE(refused(tool));
  tool.mutable_bands(1)->set_from(12);
  EXPECT_TRUE(refused(tool)) << "gap";
  tool.mutable_bands(1)->set_from(10);
  EXPECT_TRUE(refused(tool)) << "overlap";
  tool = Lscmi();
  tool.mutable_bands(0)->set_level("VERY_LOW");
  EXPECT_TRUE(refused(tool)) << "unlisted level";
  tool = Lscmi();
  tool.set_effective("2025-02-30");
  EXPECT_TRUE(refused(tool)) << "no date";
  tool = Sara();
  tool.clear_levels();
  EXPECT_TRUE(refused(tool)) << "no levels";
  EXPECT_THAT(ToolBook::Build({Lscmi(), Lscmi()}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(ToolBook, TheDeployedScalesLoadAndKnowTheStorysAssessments) {
  std::vector<v1::AssessmentTool> tools;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(std::getenv("CONCORDAT_SOURCE")) /
           "deploy/config/assessments")) {
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        text.str(), &tools.emplace_back()))
        << entry.path();
  }
  const auto book = ToolBook::Build(std::move(tools));
  ASSERT_THAT(book, IsOk());
  EXPECT_EQ(*JudgeLevel(*book->Find("LSCMI", kDay), Scored(28, "")), "HIGH");
  for (const auto& [tool, level] :
       {std::pair{"RM2000", "HIGH"}, {"SA07", "MODERATE"}, {"SARA", "HIGH"}}) {
    v1::AssessmentCompleted assessment;
    assessment.set_level(level);
    EXPECT_THAT(JudgeLevel(*book->Find(tool, kDay), assessment), IsOk());
  }
}

}  // namespace
}  // namespace concordat::socialwork

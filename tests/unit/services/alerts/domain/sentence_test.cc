// | bug | test |
// |---|---|
// | what is not known leaves a hole | LeavesOutAPartInWhichSomethingIsNotKnown |
// | a code is shown | ACodeReadsAsWords |
#include "services/alerts/domain/sentence.h"

#include <map>

#include "gtest/gtest.h"

namespace concordat::alerts {
namespace {

std::string Of(absl::string_view form,
               const std::map<std::string, std::string>& known) {
  return Sentence(form, [&](absl::string_view name) {
    const auto it = known.find(std::string(name));
    return it == known.end() ? std::string() : it->second;
  });
}

TEST(SentenceTest, PutsInWhatIsKnown) {
  EXPECT_EQ(
      Of("{agency} sent a report[ to {whom}][: {why}].",
         {{"agency", "Dundee City Council"},
          {"whom", "the court"},
          {"why", "failed to report"}}),
      "Dundee City Council sent a report to the court: failed to report.");
}

TEST(SentenceTest, LeavesOutAPartInWhichSomethingIsNotKnown) {
  const auto form = "{agency} sent a report[ to {whom} by {way}][: {why}].";
  EXPECT_EQ(Of(form, {{"agency", "Police"}, {"whom", "the court"}}),
            "Police sent a report.");
  EXPECT_EQ(Of(form, {{"agency", "Police"}, {"why", "late"}}),
            "Police sent a report: late.");
  EXPECT_EQ(Of("{agency} came", {}), " came");
}

TEST(SentenceTest, ACapitalBeginsASentence) {
  EXPECT_EQ(Of("{Count} and {count}", {{"count", "two"}}), "Two and two");
  EXPECT_EQ(Of("an open { stays", {}), "an open { stays");
}

TEST(SentenceTest, ACodeReadsAsWords) {
  EXPECT_EQ(CodeInWords("HELD_FOR_COURT"), "held for court");
  EXPECT_EQ(CodeInWords("Dundee case files"), "Dundee case files");
  EXPECT_EQ(CodeInWords("INC-301"), "INC-301");
  EXPECT_EQ(CodeInWords(""), "");
  EXPECT_EQ(NumberInWords(2), "two");
  EXPECT_EQ(NumberInWords(12), "twelve");
  EXPECT_EQ(NumberInWords(13), "13");
}

}  // namespace
}  // namespace concordat::alerts

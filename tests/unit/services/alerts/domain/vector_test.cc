// The vectors of deploy/rules/tests hold, the story among them, and wrong builds
// of the story's rules are told apart from the right one.
//
// | bug | test |
// |---|---|
// | incidents are messages: one told twice counts twice | AnIncidentToldTwice… |
// | a Scottish holiday is missing | WithoutStAndrewsDay… |
// | judged at midnight, the file not awaited | JudgedAtMidnight… |
// | raw hospital no-shows are evidence | HospitalNoShows… |
// | rights by type, no audience | RightsByTypeAlone… |
// | rules run on the wall clock | OnTheWallClock… |
#include "services/alerts/domain/vector.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/demo_engine.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<v1::RuleVector> Vectors() {
  std::vector<std::filesystem::path> paths;
  const std::filesystem::path source = std::getenv("CONCORDAT_SOURCE");
  for (const auto& entry :
       std::filesystem::directory_iterator(source / "deploy/rules/tests")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<v1::RuleVector> vectors;
  for (const auto& path : paths) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        text.str(), &vectors.emplace_back()))
        << path;
  }
  return vectors;
}

class VectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = testing::DemoTypes();
    ASSERT_THAT(types, testing::IsOk());
    const auto definitions = testing::DemoDefinitions(*types);
    ASSERT_THAT(definitions, testing::IsOk());
    definitions_ = *definitions;
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, testing::IsOk());
    agreements_ = *agreements;
    for (v1::RuleVector& vector : Vectors()) {
      if (vector.name() == "story") story_ = vector;
    }
  }
  std::vector<std::string> Failures(const v1::RuleVector& vector) const {
    const v1::VectorResult result =
        RunVector(definitions_, agreements_, vector);
    return {result.failures().begin(), result.failures().end()};
  }
  // What the story's alerts are in a wrong build.
  std::string Story() const {
    const auto failures = Failures(story_);
    return absl::StrJoin(failures, "\n");
  }
  v1::Rule& Rule(const std::string& id) {
    return *std::find_if(definitions_.rules.begin(), definitions_.rules.end(),
                         [&id](const v1::Rule& r) { return r.id() == id; });
  }

  Definitions definitions_;
  std::vector<policy::v1::Agreement> agreements_;
  v1::RuleVector story_;
};

TEST_F(VectorTest, EveryVectorHolds) {
  for (const v1::RuleVector& vector : Vectors()) {
    EXPECT_THAT(Failures(vector), IsEmpty()) << vector.name();
  }
}

TEST_F(VectorTest, AnIncidentToldTwiceWouldRaiseR07ASaturdayTooEarly) {
  for (v1::Limb& limb : *Rule("R07").mutable_limbs()) {
    limb.mutable_condition()->mutable_count()->set_incident_field("none");
  }
  EXPECT_THAT(Story(), HasSubstr("raised: \"2025-11-16 00:30\""));
}

TEST_F(VectorTest, WithoutStAndrewsDayR21IsADayEarlyAndFalseForP6) {
  for (policy::v1::Calendar& calendar : definitions_.calendars) {
    for (auto& year : *calendar.mutable_years()) {
      auto* closed = year.mutable_closed();
      closed->erase(std::remove_if(closed->begin(), closed->end(),
                                   [](const auto& day) {
                                     return day.date() == "2025-12-01";
                                   }),
                    closed->end());
    }
  }
  const std::string story = Story();
  EXPECT_THAT(story, HasSubstr("person: \"P5\" raised: \"2025-12-02 02:00\""));
  EXPECT_THAT(story, HasSubstr("is {rule: \"R21\" limb: \"first-contact\" "
                               "person: \"P6\" raised: \"2025-12-02 02:00\""));
}

TEST_F(VectorTest, JudgedAtMidnightR21IsFalseForP3AndP6) {
  definitions_.feeds.clear();
  const std::string story = Story();
  EXPECT_THAT(story, HasSubstr("person: \"P3\" raised: \"2025-11-04 00:00\""));
  EXPECT_THAT(story, HasSubstr("person: \"P6\" raised: \"2025-12-03 00:00\""));
}

TEST_F(VectorTest, HospitalNoShowsAsEvidenceWouldRaiseR17ForP6) {
  // Straight from the hospital's messages, about everybody of the cohort.
  v1::EventPattern& pattern =
      *Rule("R17").mutable_limbs(1)->mutable_condition()->mutable_events(1);
  pattern.add_types("concordat.nhs.v1.AppointmentMissed");
  pattern.clear_where();
  policy::v1::SeeGrant& grant = *agreements_[0].add_see();
  grant.set_to("dundee-city-council");
  grant.add_types("concordat.nhs.v1.AppointmentMissed");
  grant.set_audience(policy::v1::AUDIENCE_PARTY);
  v1::VectorStep no_show;
  no_show.set_at("2025-11-10 14:00");
  no_show.set_person("P6");
  no_show.set_by("nhs-tayside/pas");
  no_show.set_type("concordat.nhs.v1.AppointmentMissed");
  no_show.set_json(R"({"appointmentRef":"X","serviceCode":"ORTHOPAEDICS"})");
  no_show.set_id("h1");
  auto* steps = story_.mutable_steps();
  const auto after = std::find_if(
      steps->begin(), steps->end(),
      [](const auto& step) { return step.at() > "2025-11-10 14:00"; });
  const int index = static_cast<int>(after - steps->begin());
  *steps->Add() = no_show;
  std::rotate(steps->begin() + index, steps->end() - 1, steps->end());
  EXPECT_THAT(Story(),
              HasSubstr("person: \"P6\" raised: \"2025-11-10 14:00\""));
}

TEST_F(VectorTest, RightsByTypeAloneWouldTellWhoIsNoParty) {
  // As a grant of types without an audience would: everyone is a party.
  for (v1::VectorStep& step : *story_.mutable_steps()) {
    if (step.type() != "concordat.mappa.v1.CaseOpened") continue;
    std::string& json = *step.mutable_json();
    const size_t end = json.find(']');
    json.insert(end, ", \"dundee-city-council\", \"nhs-tayside\"");
  }
  v1::Limb& absent = *Rule("R13").mutable_limbs(0);
  v1::Addressee& to = *absent.add_to();
  to.set_agency("dundee-city-council");
  to.set_role("senior");
  EXPECT_THAT(Failures(story_),
              Contains(AllOf(HasSubstr("R13"),
                             HasSubstr("dundee-city-council/senior"))));
}

TEST_F(VectorTest, AnAddresseeWhoIsNoPartyIsToldNothing) {
  v1::Addressee& to = *Rule("R13").mutable_limbs(0)->add_to();
  to.set_agency("dundee-city-council");
  to.set_role("senior");
  EXPECT_THAT(Failures(story_), IsEmpty());
}

TEST_F(VectorTest, OnTheWallClockAnAbsenceOfTheStoryWouldBeLongPast) {
  // Everything arrives at once, a year later.
  for (v1::VectorStep& step : *story_.mutable_steps()) {
    if (step.happened().empty()) step.set_happened(step.at());
    step.set_at("2026-09-01 10:00");
    step.clear_act();
    if (!step.feed().empty()) step.clear_happened();
  }
  story_.clear_until();
  std::erase_if(definitions_.rules,
                [](const auto& rule) { return rule.id() != "R21"; });
  story_.clear_alerts();
  // Nothing of it is judged: it was over before this log began.
  for (const std::string& failure : Failures(story_)) {
    EXPECT_THAT(failure, Not(HasSubstr("R21")));
  }
}

}  // namespace
}  // namespace concordat::alerts

// Papers of cases, alerts and facts, of records made here.
//
// Mutant                                             Caught by
// what came after the day counts on the day          ManagedOnADayIsAsItWasThen
// the draw follows the order of the cases            ADrawIsThatOfItsSeed
// a limit that was missed looks met                  ADrawIsThatOfItsSeed
// who accepted an alert is among those who did not   ThoseThatNobodyAcceptedStandApart
// who wrote counts as who came                       AttendanceIsByAgency
// another person's assessment is found for this one  WhatIsCitedAndNotThereIsNamed
// what nobody records is left out in silence         WhatNobodyRecordsIsSaid
#include <algorithm>

#include "tests/unit/gateway/cli/documents/papers_fixture.h"

namespace concordat::cli {
namespace {

class CasePapersTest : public PapersFixture {};

TEST_F(CasePapersTest, ManagedOnADayIsAsItWasThen) {
  CaseRecords records;
  records.cases = {Case(1, 2, 1, 5), Case(2, 3, 1, -1), Case(3, 2, 30, -1)};
  // The first went down afterwards; the second was closed on the day itself.
  mappa::v1::LevelStep& later = *records.cases[0].add_levels();
  later.set_from_level(2);
  later.set_to_level(1);
  later.set_at(Micros(absl::CivilMinute(2025, 11, 21)));
  records.cases[1].mutable_record()->set_closed_at(
      Micros(absl::CivilMinute(2025, 11, 20, 23, 59)));
  const Document paper =
      ManagedOf(sources_, records, absl::CivilDay(2025, 11, 20));
  const Table* const who = TableOf(paper, "Each of them");
  ASSERT_EQ(who->rows.size(), 1u);
  EXPECT_EQ(who->rows[0][0], "C-1");
  EXPECT_EQ(who->rows[0][2], "SONR");
  EXPECT_EQ(who->rows[0][3], "2");
  EXPECT_THAT(who->rows[0][5], HasSubstr("notified by Police Scotland"));
  EXPECT_THAT(who->rows[0][5], Not(HasSubstr("Level 2 to 1")));
  // On the day before it was open to the end.
  EXPECT_EQ(TableOf(ManagedOf(sources_, records, absl::CivilDay(2025, 11, 19)),
                    "Each of them")
                ->rows.size(),
            2u);
}

TEST_F(CasePapersTest, ADrawIsThatOfItsSeed) {
  // When every limit has passed.
  sources_.made =
      absl::FromCivil(absl::CivilDay(2026, 2, 2), absl::UTCTimeZone());
  CaseRecords records;
  for (int i = 1; i <= 12; ++i) {
    records.cases.push_back(Case(i, 2, i == 1 ? 20 : 1, i == 2 ? 50 : 5));
  }
  records.cases.push_back(Case(13, 1, 1, -1));
  const absl::CivilDay day(2025, 12, 31);
  const auto draw = [&](const std::string& seed, uint32_t count) {
    const auto paper =
        SampleOf(sources_, records, Clocks(), day, {2, count, seed});
    EXPECT_THAT(paper, IsOk());
    std::vector<std::string> cases;
    for (const auto& row :
         TableOf(*paper, "From notification to meeting")->rows) {
      cases.push_back(row[0]);
    }
    return cases;
  };
  const std::vector<std::string> drawn = draw("spring", 5);
  EXPECT_EQ(drawn.size(), 5u);
  std::reverse(records.cases.begin(), records.cases.end());
  EXPECT_EQ(draw("spring", 5), drawn);
  EXPECT_NE(draw("autumn", 5), drawn);
  EXPECT_EQ(draw("spring", 50).size(), 12u);
  const auto all = SampleOf(sources_, records, Clocks(), day, {2, 50, "x"});
  for (const auto& row : TableOf(*all, "From notification to meeting")->rows) {
    EXPECT_THAT(row[3], HasSubstr(row[0] == "C-1" ? "MISSED" : "met"));
    EXPECT_THAT(row[4], HasSubstr(row[0] == "C-2" || row[0] == "C-1" ? "MISSED"
                                                                     : "met"))
        << row[0];
  }
}

TEST_F(CasePapersTest, ThoseThatNobodyAcceptedStandApart) {
  alerts::v1::ListAlertsResponse alerts;
  alerts.set_time(100);
  alerts::v1::Alert& nobody = *alerts.add_alerts();
  nobody.set_alert_ref("A-1");
  nobody.set_accept_by(90);
  alerts::v1::Alert& somebody = *alerts.add_alerts();
  somebody.set_alert_ref("A-2");
  somebody.add_acceptances()->set_agency("nhs-tayside");
  alerts::v1::Alert& withdrawn = *alerts.add_alerts();
  withdrawn.set_alert_ref("A-3");
  withdrawn.set_withdrawn_at(50);
  const Document paper = AlertsOf(sources_, alerts);
  const Table* const none = TableOf(paper, "Nobody has accepted");
  ASSERT_EQ(none->rows.size(), 1u);
  EXPECT_EQ(none->rows[0][0], "A-1");
  EXPECT_THAT(none->rows[0][4], HasSubstr("PASSED"));
  EXPECT_EQ(TableOf(paper, "Each that somebody accepted")->rows[0][0], "A-2");
  EXPECT_EQ(TableOf(paper, "Held to be wrong, or withdrawn")->rows[0][0],
            "A-3");
}

TEST_F(CasePapersTest, AttendanceIsByAgency) {
  CaseRecords records = {{Case(1, 2, 1, 5), Case(2, 2, 1, -1)}, false};
  records.cases[0].mutable_record()->add_parties("dundee-city-council");
  const Document paper = AttendanceOf(sources_, records);
  EXPECT_THAT(
      TableOf(paper, "By agency")->rows,
      ElementsAre(ElementsAre("Dundee City Council", "1", "0", "0", "1"),
                  ElementsAre("NHS Tayside", "1", "0", "1", "0"),
                  ElementsAre("Police Scotland", "1", "1", "0", "0")));
}

TEST_F(CasePapersTest, WhatIsCitedAndNotThereIsNamed) {
  CaseRecords records = {{Case(1, 2, 1, 5)}, false};
  mappa::v1::Referral& referral = *records.cases[0].add_referrals();
  referral.set_subject(Person(1));
  referral.set_referral_ref("R-1");
  for (const char* ref : {"A-1", "A-2", "A-3"}) {
    referral.mutable_submitted()->add_assessment_refs(ref);
  }
  // Of another person there is one of the same name.
  const Document paper = AssessmentsOf(
      sources_, records, {{Person(1), "A-1"}, {Person(2), "A-2"}});
  const Table* const missing = TableOf(paper, "Cited and not found");
  ASSERT_EQ(missing->rows.size(), 2u);
  EXPECT_EQ(missing->rows[0][0], "A-2");
  EXPECT_EQ(missing->rows[1][0], "A-3");
  EXPECT_THAT(missing->rows[0][1], HasSubstr("R-1"));
}

TEST_F(CasePapersTest, OwnViewsAreCountedByWhatWasSaid) {
  sources_.person_views = {"PRESENT", "DECLINED"};
  std::vector<Review> reviews(3);
  for (Review& review : reviews) {
    review.agency = "dundee-city-council";
    review.held.set_kind("STATUTORY");
    review.held.set_person_view("PRESENT");
  }
  reviews[2].held.set_person_view("DECLINED");
  EXPECT_THAT(TableOf(OwnViewsOf(sources_, reviews),
                      "Reviews and the person's own view")
                  ->rows,
              ElementsAre(ElementsAre("Dundee City Council", "STATUTORY", "3",
                                      "2", "1")));
}

TEST_F(CasePapersTest, WhatNobodyRecordsIsSaid) {
  const Document paper = UnrecordedOf(sources_);
  std::string asks;
  for (const auto& row :
       TableOf(paper, "Questions that this hub cannot answer")->rows) {
    absl::StrAppend(&asks, row[0], "\n");
  }
  // Each that the list of an inspector's questions has and no event tells.
  for (const char* question :
       {"Plans: how many", "had no owner", "superseded without a new plan",
        "not answered, by agency", "minutes", "Near misses",
        "changed because of", "exit questionnaires"}) {
    EXPECT_THAT(asks, HasSubstr(question));
  }
  // And each paper beside which it would be looked for says so, too.
  for (const Document& beside :
       {AttendanceOf(sources_, {}), AlertsOf(sources_, {}),
        AssessmentsOf(sources_, {}, {}), OwnViewsOf(sources_, {})}) {
    EXPECT_THAT(ToHtml(beside), HasSubstr("by nobody")) << beside.kind;
  }
}

}  // namespace
}  // namespace concordat::cli

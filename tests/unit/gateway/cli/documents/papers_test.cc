// Papers of what was done and of the hub itself, of records made here.
//
// Mutant                                             Caught by
// a table's rows are shorter than its head           EveryTableIsWhole
// who was not asked is not named                     AnAdapterThatRunsElsewhereIsNamed
// a risk without a test, or a rule without words     WhatThePapersAreMadeFromIsWhole
// a controller has another's risks or consultations  AControllersRisksAreItsOwn
// so few are counted that they can be told           SoFewAreNotCounted
// a notice leaves out a rule, or has another's text  ANoticeHasItsLayersAndEveryRule
// an operation's rows stand under another            EachOperationHasItsRows
// an extract that is not complete looks complete     WhatIsNotCompleteSaysSo
// a breach names fields that were not shown          ABreachNamesTheFieldsThatWereShown
// of another recipient's, or without the clock       ABreachNamesTheFieldsThatWereShown
// who read it on a page had nothing of it            AnOpeningReachesWhatItCouldShow
// an opening of before, or of somebody else, counts  the same
// a limb, or a day of load, is left out              ARulesDossierHasEveryLimbAndItsLoad
// the folder's version passes for that in force      ARulesPaperIsOfWhatIsInForce
// who agreed, or since when, is not said             the same
// a candidate is not marked, or is no candidate      ACandidateSaysThatItIsOne
// that something waits is not said                   WhatWaitsIsSaid
// a page's rows are lost on the way                  TheSecurityPackHasTheThreatModel
#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/unit/gateway/cli/documents/papers_fixture.h"

namespace concordat::cli {
namespace {

using alerts::v1::Rule;
using ::testing::StartsWith;

class PapersTest : public PapersFixture {
 protected:
  // The folder's version of it, which waits.
  Rule& Edited(const std::string& id) {
    Rule& rule = *std::find_if(
        sources_.folder_rules->begin(), sources_.folder_rules->end(),
        [&](const Rule& each) { return each.id() == id; });
    rule.set_version(rule.version() + 1);
    rule.mutable_limbs(0)->set_why("Of the folder alone.");
    sources_.rules.mutable_waiting()->set_digest("digest");
    sources_.rules.mutable_waiting()->set_what(absl::StrCat(id, " is other"));
    return rule;
  }
  std::vector<Document> All() {
    alerts::v1::BacktestRulesResponse backtest;
    alerts::v1::BacktestLoad& load = *backtest.add_load();
    load.set_rule("R07");
    load.set_alerts(3);
    SecurityParts parts;
    parts.components = {{"libzmq", "4.3", "Debian package", ""}};
    parts.certificates = {{"nhs", "spiffe://x", sources_.made}};
    parts.threat_model = FileOf("deploy/docs/threat-model.md");
    bus::v1::DiffAgreementResponse diff;
    diff.set_name("tayside-demo");
    diff.add_terms("a party more");
    diff.add_changes()->add_more("health details");
    access::v1::ListGlassResponse glass;
    glass.add_entries()->set_review_overdue(true);
    bus::v1::ListErasuresResponse erasures;
    bus::v1::Erasure& erasure = *erasures.add_erasures();
    erasure.add_confirmations();
    erasure.add_confirmations()->set_by_hand("destroy every copy");
    bus::v1::ListHoldsResponse holds;
    holds.add_holds();
    bus::v1::RunRetentionResponse retention;
    retention.add_removed()->set_month(202501);
    retention.add_kept()->set_because("an open case");
    const CaseRecords records = {{Case(1, 2, 1, 5)}, false};
    CaseRecords cited = records;
    cited.cases[0].add_referrals()->mutable_submitted()->add_assessment_refs(
        "A-9");
    alerts::v1::ListAlertsResponse alerts;
    alerts.add_alerts()->set_alert_ref("A-1");
    alerts::v1::Alert& accepted = *alerts.add_alerts();
    accepted.add_acceptances()->set_by("nhs");
    accepted.add_disputes()->set_reason("not him");
    accepted.set_withdrawn_at(5);
    accepted.set_identity_in_doubt(true);
    alerts::v1::ListFeedsResponse feeds;
    feeds.add_feeds()->set_title("Dundee case files");
    PeopleParts people;
    people.changes.emplace_back().mutable_registry_changed();
    people.accounts.emplace_back();
    ResilienceParts resilience;
    resilience.acts = {{"backup", "2025-11-20T02:00:00Z"},
                       {"restore", "today", 1, "damaged"}};
    resilience.extract = Extract();
    resilience.known.emplace_back().reports.emplace_back();
    RightsParts rights;
    rights.corrections.add_corrections();
    rights.restrictions.add_restrictions();
    EqualityRecords equality;
    equality.alerts = alerts;
    std::vector<Document> all = {
        ChangesOf(sources_, diff),
        SecurityPackOf(sources_, parts),
        AccessOf(sources_, Extract(), "x.proof, SHA-256 00,"),
        GlassOf(sources_, glass),
        ErasuresOf(sources_, erasures, holds, retention),
        BreachOf(sources_, BreachHere()),
        PeopleOf(sources_, people),
        ResilienceOf(sources_, resilience),
        ManagedOf(sources_, records, absl::CivilDay(2025, 11, 20)),
        AttendanceOf(sources_, records),
        AlertsOf(sources_, alerts),
        OwnViewsOf(sources_, {Review()}),
        UnrecordedOf(sources_),
        AssessmentsOf(sources_, cited, {}),
        UnknownOf(sources_, feeds, alerts, Extract())};
    for (auto document :
         {JointOf(sources_, "tayside-demo"),
          ProcessorOf(sources_, "tayside-demo"),
          SensitiveOf(sources_, "police-scotland"),
          SensitiveOf(sources_, "nhs-tayside"),
          NoticeOf(sources_, "nhs-tayside"),
          RuleOf(sources_, "R07", RuleStage::kInForce, backtest),
          SampleOf(sources_, records, Clocks(), absl::CivilDay(2025, 11, 20),
                   {2, 10, "seed"}),
          DecommissionOf(sources_, "edge-council", EdgeParts()),
          RightsOf(sources_, "nhs-tayside", rights),
          BreachLettersOf(sources_, BreachHere()),
          EqualityOf(sources_, "R07", RuleStage::kInForce, equality)}) {
      EXPECT_THAT(document, IsOk());
      if (document.ok()) all.push_back(*std::move(document));
    }
    return all;
  }
};

TEST_F(PapersTest, EveryTableIsWhole) {
  std::set<std::string> kinds;
  for (const Document& document : All()) {
    kinds.insert(document.kind);
    size_t rows = 0;
    for (const Section& section : document.sections) {
      for (const Table& table : section.tables) {
        for (const auto& row : table.rows) {
          EXPECT_EQ(row.size(), table.head.size())
              << document.kind << ": " << table.caption;
          ++rows;
        }
      }
    }
    EXPECT_GT(rows, 0u) << document.kind;
    const std::string html = ToHtml(document);
    for (const char* fetches : {"src=", "href=", "@import", "url("}) {
      EXPECT_THAT(html, Not(HasSubstr(fetches))) << document.kind;
    }
    EXPECT_THAT(html, Not(HasSubstr("NOT RECORDED"))) << document.kind;
  }
  EXPECT_EQ(kinds.size(), 25u);
}

TEST_F(PapersTest, AnAdapterThatRunsElsewhereIsNamed) {
  access::v1::AccessExtract extract = Extract();
  extract.clear_missing();
  const auto of = [&] { return ToHtml(AccessOf(sources_, extract, "")); };
  EXPECT_THAT(of(), HasSubstr("where they run: edge-health, edge-council."));
  extract.add_pages()->set_program("edge-council");
  EXPECT_THAT(of(), HasSubstr("where they run: edge-health."));
  extract.add_missing("concordat-adapter: it does not answer");
  EXPECT_THAT(of(), Not(HasSubstr("Not asked here")));
}

TEST_F(PapersTest, WhatThePapersAreMadeFromIsWhole) {
  for (const policy::v1::Risk& risk : sources_.legal.risks()) {
    EXPECT_FALSE(risk.tests().empty()) << risk.risk();
    EXPECT_FALSE(risk.remains().empty()) << risk.risk();
    EXPECT_FALSE(risk.before().empty() || risk.after().empty()) << risk.risk();
  }
  std::set<std::string> worded;
  for (const policy::v1::RuleWords& words : sources_.legal.rules()) {
    worded.insert(words.rule());
    EXPECT_GE(words.approved_by_size(), 2) << words.rule();
    absl::CivilDay day;
    EXPECT_TRUE(absl::ParseCivilTime(words.review_on(), &day)) << words.rule();
  }
  for (const alerts::v1::Rule& rule : sources_.rules.rules()) {
    EXPECT_THAT(worded, Contains(rule.id()));
  }
  std::set<std::string> known;
  for (const auto& agency : sources_.registry.agencies()) {
    known.insert(agency.name());
  }
  for (const auto& risk : sources_.legal.risks()) {
    for (const std::string& agency : risk.agencies()) {
      EXPECT_THAT(known, Contains(agency));
    }
  }
}

TEST_F(PapersTest, AControllersRisksAreItsOwn) {
  const auto nhs = ImpactOf(sources_, "nhs-tayside");
  const auto police = ImpactOf(sources_, "police-scotland");
  ASSERT_THAT(nhs, IsOk());
  ASSERT_THAT(police, IsOk());
  const std::string stay_away = "People stay away from care";
  EXPECT_THAT(ToHtml(*nhs), HasSubstr(stay_away));
  EXPECT_THAT(ToHtml(*police), Not(HasSubstr(stay_away)));
  EXPECT_THAT(ToHtml(*police), HasSubstr("ethics panel"));
  EXPECT_THAT(ToHtml(*nhs), Not(HasSubstr("ethics panel")));
  EXPECT_THAT(ToHtml(*police), HasSubstr("section 64"));
  EXPECT_THAT(ToHtml(*nhs), HasSubstr("under UK GDPR Article 35."));
  EXPECT_GT(TableOf(*nhs, "Consultation log")->rows.size(), 2u);
}

TEST_F(PapersTest, SoFewAreNotCounted) {
  EXPECT_THAT(ToHtml(*ImpactOf(sources_, "nhs-tayside")),
              HasSubstr("Not counted"));
  sources_.people = {{"open cases", 4}, {"closed cases", 0}, {"other", 5}};
  const auto paper = ImpactOf(sources_, "nhs-tayside");
  ASSERT_THAT(paper, IsOk());
  EXPECT_THAT(
      TableOf(*paper, "Numbers of people")->rows,
      ElementsAre(ElementsAre("open cases", "fewer than 5"),
                  ElementsAre("closed cases", "0"), ElementsAre("other", "5")));
}

TEST_F(PapersTest, ANoticeHasItsLayersAndEveryRule) {
  const auto nhs = NoticeOf(sources_, "nhs-tayside");
  const auto police = NoticeOf(sources_, "police-scotland");
  ASSERT_THAT(nhs, IsOk());
  ASSERT_THAT(police, IsOk());
  std::set<std::string> titles;
  for (const Section& section : nhs->sections) titles.insert(section.title);
  for (const char* title : {"In short", "Easy to read", "In full"}) {
    EXPECT_THAT(titles, Contains(title));
  }
  EXPECT_EQ(TableOf(*nhs, "What the computer looks for")->rows.size(),
            sources_.folder_rules->size());
  size_t limbs = 0;
  for (const auto& rule : sources_.rules.rules()) {
    limbs += static_cast<size_t>(rule.limbs_size());
  }
  EXPECT_EQ(TableOf(*nhs, "Patterns that a named person is asked to look at")
                ->rows.size(),
            limbs);
  EXPECT_THAT(ToHtml(*nhs), HasSubstr("Your health."));
  EXPECT_THAT(ToHtml(*police), Not(HasSubstr("Your health.")));
  EXPECT_THAT(ToHtml(*nhs), HasSubstr("01632 960130"));
}

TEST_F(PapersTest, EachOperationHasItsRows) {
  const Document paper = AccessOf(sources_, Extract(), "");
  EXPECT_TRUE(paper.personal);
  int number = 0;
  for (const char* title : {"Collection", "Alteration", "Consultation",
                            "Disclosure", "Combination", "Erasure"}) {
    const Table* const table = TableOf(paper, title);
    ASSERT_NE(table, nullptr);
    ASSERT_EQ(table->rows.size(), 1u) << title;
    EXPECT_THAT(table->rows[0][1], HasSubstr(absl::StrCat("staff-", ++number)));
    EXPECT_THAT(table->rows[0][4], HasSubstr("MAPPA_RISK_MANAGEMENT"));
    EXPECT_THAT(table->rows[0][6],
                HasSubstr(absl::StrCat("record ", number, ", identity")));
  }
  access::v1::AccessExtract one = Extract();
  one.mutable_question()->add_operations(policy::v1::OPERATION_ERASURE);
  const std::string html = ToHtml(AccessOf(sources_, one, ""));
  EXPECT_THAT(html, Not(HasSubstr("<h2>Consultation</h2>")));
  EXPECT_THAT(html, HasSubstr("<h2>Erasure</h2>"));
}

TEST_F(PapersTest, WhatIsNotCompleteSaysSo) {
  access::v1::AccessExtract extract = Extract();
  EXPECT_THAT(ToHtml(AccessOf(sources_, extract, "")),
              Not(HasSubstr("NOT COMPLETE")));
  extract.add_missing("concordat-nhs does not run");
  const Document paper = AccessOf(sources_, extract, "");
  EXPECT_THAT(ToHtml(paper),
              HasSubstr("NOT COMPLETE: concordat-nhs does not run"));
  EXPECT_THAT(ToJson(paper), HasSubstr("\"missing\":[\"concordat-nhs"));
  const CaseRecords more = {{}, true};
  EXPECT_THAT(ToHtml(ManagedOf(sources_, more, absl::CivilDay(2025, 11, 20))),
              HasSubstr("NOT COMPLETE"));
}

TEST_F(PapersTest, ABreachNamesTheFieldsThatWereShown) {
  Breach breach = BreachHere();
  breach.to = "nhs-tayside";
  breach.untold = {Person(9)};
  const Document paper = BreachOf(sources_, breach);
  const Table* const reached = TableOf(paper, "What reached whom");
  ASSERT_NE(reached, nullptr);
  ASSERT_EQ(reached->rows.size(), 1u);
  EXPECT_THAT(reached->rows[0][3], HasSubstr("NHS Tayside"));
  for (const DataItem& item :
       ItemsOf(sources_, "concordat.police.v1.ConcernShared", 1)) {
    EXPECT_EQ(absl::StrContains(reached->rows[0][2], item.field + " ("),
              item.given)
        << item.field;
  }
  const Table* const whose = TableOf(paper, "Whose data, by controller");
  ASSERT_EQ(whose->rows.size(), 1u);
  EXPECT_THAT(whose->rows[0], ElementsAre("Police Scotland", "1", "1",
                                          HasSubstr("01632 960111")));
  EXPECT_EQ(TableOf(paper, "Who opened the person")->rows.size(), 1u);
  const std::string html = ToHtml(paper);
  EXPECT_THAT(html, HasSubstr("AFTER that"));
  EXPECT_THAT(html, HasSubstr(Person(9)));
  breach.tell_by = sources_.made + absl::Hours(1);
  breach.to.clear();
  const Document early = BreachOf(sources_, breach);
  EXPECT_THAT(ToHtml(early), HasSubstr("before that"));
  EXPECT_EQ(TableOf(early, "What reached whom")->rows.size(), 2u);
}

TEST_F(PapersTest, AnOpeningReachesWhatItCouldShow) {
  Breach breach = BreachHere();
  breach.to = "nhs-tayside";
  access::v1::WhoKnewReport& report = breach.reports[0];
  report.mutable_events(0)->set_accepted_time(
      Micros(absl::CivilMinute(2025, 11, 20)));
  access::v1::Knower& nhs = *report.mutable_knowers(0);
  access::v1::Knowledge& knowledge = *nhs.mutable_events(0);
  knowledge.clear_delivered_time();
  knowledge.clear_delivered_groups();
  const auto rows = [&] {
    return TableOf(BreachOf(sources_, breach), "What reached whom")->rows;
  };
  nhs.mutable_openings(0)->set_time(
      Micros(absl::CivilMinute(2025, 11, 20, 9, 30)));
  EXPECT_THAT(rows(), ::testing::IsEmpty());  // They could not see it.
  knowledge.set_could_see(true);
  knowledge.set_could_see_groups(1);
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows()[0][4], "20 Nov 2025 09:30");
  EXPECT_EQ(rows()[0][5], "opened, not delivered");
  EXPECT_EQ(TableOf(BreachOf(sources_, breach), "Whose data, by controller")
                ->rows[0][2],
            "1");
  breach.extract.mutable_question()->set_user("somebody-else");
  EXPECT_THAT(rows(), ::testing::IsEmpty());
  breach.extract.mutable_question()->set_user("nhs");
  EXPECT_EQ(rows().size(), 1u);
  nhs.mutable_openings(0)->set_time(
      Micros(absl::CivilMinute(2025, 11, 19, 9, 30)));
  EXPECT_THAT(rows(), ::testing::IsEmpty());
}

TEST_F(PapersTest, ARulesDossierHasEveryLimbAndItsLoad) {
  alerts::v1::BacktestRulesResponse backtest;
  for (const int alerts : {2, 5}) {
    alerts::v1::BacktestLoad& load = *backtest.add_load();
    load.set_rule("R07");
    load.set_limb("one-agency");
    load.set_role("lead-officer");
    load.set_alerts(static_cast<uint32_t>(alerts));
  }
  backtest.add_load()->set_rule("R01");
  const auto paper = RuleOf(sources_, "R07", RuleStage::kInForce, backtest);
  ASSERT_THAT(paper, IsOk());
  EXPECT_THAT(TableOf(*paper, "Alerts that it would have raised")->rows,
              ElementsAre(ElementsAre("one-agency", "lead-officer", "7", "0",
                                      "2", "5")));
  const std::string html = ToHtml(*paper);
  EXPECT_THAT(html, HasSubstr("Limb several-agencies"));
  EXPECT_THAT(html, HasSubstr("Limb one-agency"));
  EXPECT_THAT(html, HasSubstr("service-manager of lead"));
  EXPECT_THAT(html, HasSubstr("ethics panel (demo)"));
  EXPECT_THAT(html, HasSubstr("<pre>id: &quot;R07&quot;"));
  EXPECT_THAT(RuleOf(sources_, "R99", RuleStage::kInForce, backtest).status(),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(PapersTest, ARulesPaperIsOfWhatIsInForce) {
  Rule& folder = Edited("R07");
  alerts::v1::RuleStanding& standing = *sources_.rules.add_standing();
  standing.set_rule("R07");
  standing.set_adopted_at(Micros(absl::CivilMinute(2025, 11, 20, 9, 0)));
  standing.set_position(41);
  standing.set_asked_by("coordinator");
  standing.set_agreed_by("service-manager");
  const auto paper = RuleOf(sources_, "R07", RuleStage::kInForce, {});
  ASSERT_THAT(paper, IsOk());
  EXPECT_THAT(paper->title,
              HasSubstr(absl::StrCat("R07 version ", folder.version() - 1)));
  EXPECT_THAT(paper->title, Not(HasSubstr("CANDIDATE")));
  EXPECT_THAT(
      TableOf(*paper, "In force")->rows,
      ElementsAre(
          ElementsAre("version", absl::StrCat(folder.version() - 1)),
          ElementsAre("since",
                      "20 Nov 2025 09:00, position 41 of the "
                      "log"),
          ElementsAre("agreed to by", "coordinator and service-manager"),
          ElementsAre("acts from", folder.effective())));
  const std::string html = ToHtml(*paper);
  EXPECT_THAT(html, Not(HasSubstr("Of the folder alone.")));
  EXPECT_THAT(html, HasSubstr(absl::StrCat("The folder holds version ",
                                           folder.version(), ", which waits")));
  standing.set_acts_until_then(2);
  EXPECT_THAT(
      TableOf(*RuleOf(sources_, "R07", RuleStage::kInForce, {}), "In force")
          ->rows,
      Contains(ElementsAre("until then acts version", "2")));
  standing.set_adopted_at(0);
  EXPECT_THAT(
      TableOf(*RuleOf(sources_, "R07", RuleStage::kInForce, {}), "In force")
          ->rows,
      Contains(ElementsAre("agreed to by", "nobody in the log")));
  sources_.rules.clear_standing();
  EXPECT_THAT(
      TableOf(*RuleOf(sources_, "R07", RuleStage::kInForce, {}), "In force")
          ->rows,
      Contains(ElementsAre("since", "not known")));
}

TEST_F(PapersTest, ACandidateSaysThatItIsOne) {
  EXPECT_THAT(RuleOf(sources_, "R07", RuleStage::kCandidate, {}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  const uint32_t version = Edited("R07").version();
  for (const auto& paper :
       {RuleOf(sources_, "R07", RuleStage::kCandidate, {}),
        EqualityOf(sources_, "R07", RuleStage::kCandidate, {})}) {
    ASSERT_THAT(paper, IsOk());
    EXPECT_THAT(paper->title, StartsWith("CANDIDATE, NOT IN FORCE. "));
    EXPECT_THAT(paper->title, HasSubstr(absl::StrCat("version ", version)));
    EXPECT_THAT(paper->sections[0].paragraphs[0], StartsWith("NOT IN FORCE."));
    EXPECT_THAT(ToHtml(*paper), HasSubstr("What waits with it: R07 is other."));
    EXPECT_EQ(TableOf(*paper, "In force")->rows[0][1],
              absl::StrCat(version - 1));
  }
  EXPECT_THAT(ToHtml(*RuleOf(sources_, "R07", RuleStage::kCandidate, {})),
              HasSubstr("Of the folder alone."));
  EXPECT_THAT(RuleOf(sources_, "R99", RuleStage::kCandidate, {}),
              HasCode(absl::StatusCode::kNotFound));
  // One that never was in force.
  sources_.folder_rules->emplace_back(sources_.rules.rules(0)).set_id("R98");
  EXPECT_THAT(
      RuleOf(sources_, "R98", RuleStage::kInForce, {}).status().message(),
      HasSubstr("R98 version"));
  const auto unseen = RuleOf(sources_, "R98", RuleStage::kCandidate, {});
  ASSERT_THAT(unseen, IsOk());
  EXPECT_THAT(TableOf(*unseen, "In force")->rows,
              ElementsAre(ElementsAre("version", "none")));
}

TEST_F(PapersTest, WhatWaitsIsSaid) {
  const auto paper = [this] {
    const auto made = RuleOf(sources_, "R07", RuleStage::kInForce, {});
    EXPECT_THAT(made, IsOk());
    return made.ok() ? ToHtml(*made) : "";
  };
  EXPECT_THAT(paper(), Not(HasSubstr("The folder")));
  EXPECT_THAT(ToHtml(*ImpactOf(sources_, "nhs-tayside")),
              Not(HasSubstr("The folder holds others")));
  Edited("R07");
  EXPECT_THAT(ToHtml(*ImpactOf(sources_, "nhs-tayside")),
              HasSubstr("before two people have agreed: R07 is other."));
  std::erase_if(*sources_.folder_rules,
                [](const Rule& rule) { return rule.id() == "R07"; });
  EXPECT_THAT(paper(), HasSubstr("The folder holds it no more"));
  sources_.folder_rules.reset();
  sources_.rules.mutable_waiting()->set_what("r07.textproto is wrong");
  EXPECT_THAT(paper(), HasSubstr("is not known: r07.textproto is wrong"));
  EXPECT_THAT(
      RuleOf(sources_, "R07", RuleStage::kCandidate, {}).status().message(),
      HasSubstr("r07.textproto is wrong"));
}

TEST_F(PapersTest, TheSecurityPackHasTheThreatModel) {
  SecurityParts parts;
  parts.threat_model = FileOf("deploy/docs/threat-model.md");
  const Document paper = SecurityPackOf(sources_, parts);
  size_t rows = 0;
  for (const Section& section : paper.sections) {
    if (!absl::StartsWith(section.title, "Threat model: ")) continue;
    for (const Table& table : section.tables) rows += table.rows.size();
  }
  size_t lines = 0;
  size_t tables = 0;
  for (const absl::string_view line :
       absl::StrSplit(parts.threat_model, '\n')) {
    if (absl::StartsWith(line, "|---")) ++tables;
    if (absl::StartsWith(line, "|")) ++lines;
  }
  // Without heads and the lines below them.
  EXPECT_EQ(rows, lines - 2 * tables);
  EXPECT_THAT(ToHtml(paper), HasSubstr("What is not stopped"));
  EXPECT_EQ(TableOf(paper, "Who may do what")->rows.size(),
            static_cast<size_t>(sources_.registry.principals_size()));
}

}  // namespace
}  // namespace concordat::cli

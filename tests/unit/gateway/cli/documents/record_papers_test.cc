// Papers of the hub's own records and of people's rights, of records made here.
//
// Mutant                                               Caught by
// who left stands among who joined                     WhoJoinedMovedAndLeftStandApart
// a vetting that ended looks good, or one of another   AccountsSayTrainingAndVetting
//   agency is a guardian's to read
// an edge that may connect is certified, or one with   AnEdgeIsCertifiedWhenNothing…
//   a feed or a subscription
// another edge's feed stands against one that is gone  AnEdgeThatIsGone…
// a restore that failed counts as one                  ARestoreThatFailedIsNone
// an outage is lost, or without who tells it           EachOutageSaysWhoTellsIt
// what was told after the outage counts as known       WhatWasKnownIsOfItsBeginning
// an alert that somebody had accepted waits            the same
// another's correction is the agency's own             RightsAreThoseOfTheAgency
// an objection is not among them                       the same
// the letter says more to one than to another          TheLetterIsTheSameForAll
// a letter with a hole in it goes out                  ALetterWithAHoleIsRefused
// a breach's letter to one has another's data          LettersAreOfEachController
// so few are told that they are known                  SoFewAreLeftOutAndNotByASum
// an age is of the wrong day                           AnAgeIsThatOfTheDay
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "tests/unit/gateway/cli/documents/papers_fixture.h"

namespace concordat::cli {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kEdge[] = "edge-council";

class RecordPapersTest : public PapersFixture {
 protected:
  static bus::v1::LogRecord Changed(uint64_t sequence, const char* principal,
                                    const char* agency, const char* change) {
    bus::v1::LogRecord record;
    record.set_sequence(sequence);
    record.set_accepted_time(Micros(absl::CivilMinute(2025, 11, 20)));
    auto& changed = *record.mutable_registry_changed();
    changed.set_principal(principal);
    changed.set_agency(agency);
    changed.set_change(change);
    return record;
  }
  static gateway::v1::Account AccountOf(const char* name,
                                        const char* principal) {
    gateway::v1::Account account;
    account.set_name(name);
    account.set_principal(principal);
    account.set_display_name("M. Carnbee");
    account.set_staff("T-1042");
    return account;
  }
  // What stands against the edge; empty: it is certified.
  std::vector<std::string> Against(const EdgeParts& parts,
                                   const char* edge = kEdge) {
    const auto paper = DecommissionOf(sources_, edge, parts);
    EXPECT_THAT(paper, IsOk());
    if (!paper.ok()) return {"no paper"};
    std::vector<std::string> against;
    for (const Section& section : paper->sections) {
      for (const Table& table : section.tables) {
        if (table.caption != "What stands against it") continue;
        for (const auto& row : table.rows) against.push_back(row[1]);
      }
    }
    EXPECT_EQ(against.empty(), absl::StartsWith(paper->title, "Certificate: "))
        << paper->title;
    return against;
  }
  bus::v1::Principal& PrincipalOf(absl::string_view name) {
    for (auto& each : *sources_.registry.mutable_principals()) {
      if (each.name() == name) return each;
    }
    ADD_FAILURE() << name;
    return *sources_.registry.add_principals();
  }
  void TakeAwayFeedsOf(absl::string_view agency) {
    std::erase_if(sources_.feeds, [agency](const hub::v1::Feed& feed) {
      return AgencyOfSource(feed.source()) == agency;
    });
  }
  static EqualityRecords Alerts(int number, const char* birth) {
    EqualityRecords records;
    for (int i = 0; i < number; ++i) {
      alerts::v1::Alert& alert = *records.alerts.add_alerts();
      alert.set_rule("R07");
      alert.set_subject(Person(i));
      alert.set_raised_at(Micros(absl::CivilMinute(2025, 11, 20, 9, 0)));
      records.births[Person(i)] = birth;
    }
    return records;
  }
  // Of that age; a column of the table.
  std::string Cell(const EqualityRecords& records, absl::string_view age,
                   size_t column) {
    const auto paper =
        EqualityOf(sources_, "R07", RuleStage::kInForce, records);
    EXPECT_THAT(paper, IsOk());
    const Table* const table = TableOf(*paper, "By age");
    for (const auto& row : table->rows) {
      if (row[0] == age) return row[column];
    }
    return absl::StrCat("no row ", age);
  }
};

TEST_F(RecordPapersTest, WhoJoinedMovedAndLeftStandApart) {
  PeopleParts parts;
  parts.changes = {Changed(1, "nhs", "nhs-tayside", "ENROLLED"),
                   Changed(2, "nhs", "nhs-tayside", "RIGHTS_CHANGED"),
                   Changed(3, "gone", "nhs-tayside", "REMOVED"),
                   Changed(4, "police", "police-scotland", "REVOKED"),
                   Changed(5, "police", "police-scotland", "REINSTATED"),
                   Changed(6, "nhs", "nhs-tayside", "KEYS_CHANGED")};
  const Document paper = PeopleOf(sources_, parts);
  const auto who = [&](const char* caption) {
    std::vector<std::string> events;
    for (const auto& row : TableOf(paper, caption)->rows) {
      events.push_back(row[5]);
    }
    return events;
  };
  EXPECT_THAT(who("Joined"), ElementsAre("1", "5"));
  EXPECT_THAT(who("Moved: other rights than before"), ElementsAre("2"));
  EXPECT_THAT(who("Left"), ElementsAre("3", "4"));
  EXPECT_THAT(who("Keys changed"), ElementsAre("6"));
  EXPECT_EQ(TableOf(paper, "Left")->rows[0][4], "not in the registry");
  EXPECT_EQ(TableOf(paper, "Joined")->rows[0][4], "may connect");
}

TEST_F(RecordPapersTest, AccountsSayTrainingAndVetting) {
  PeopleParts parts;
  parts.accounts = {AccountOf("a", "nhs"), AccountOf("b", "police"),
                    AccountOf("c", "no-such")};
  parts.accounts[0].set_trained_on("2025-10-01");
  // It was made on the 24th: the last day itself is good.
  parts.accounts[0].set_vetted_to("2025-11-23");
  parts.accounts[1].set_vetted_to("2025-11-24");
  const Document paper = PeopleOf(sources_, parts);
  const auto& rows = TableOf(paper, "People with an account")->rows;
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows[0][4], "2025-10-01");
  EXPECT_EQ(rows[0][5], "2025-11-23, ENDED");
  EXPECT_EQ(rows[1][4], "not recorded");
  EXPECT_EQ(rows[1][5], "2025-11-24");
  EXPECT_THAT(rows[2][2], HasSubstr("NOT IN THE REGISTRY"));
  const auto count = [&](const char* agency, size_t column) {
    for (const auto& row : TableOf(paper, "For each agency to confirm")->rows) {
      if (row[0] == agency) return row[column];
    }
    return std::string("none");
  };
  EXPECT_EQ(count("NHS Tayside", 5), "0");  // Without training.
  EXPECT_EQ(count("NHS Tayside", 6), "1");  // Without vetting.
  EXPECT_EQ(count("Police Scotland", 5), "1");
  EXPECT_EQ(count("Police Scotland", 6), "0");
  parts.agency = "nhs-tayside";
  const Document own = PeopleOf(sources_, parts);
  EXPECT_THAT(TableOf(own, "People with an account")->rows, SizeIs(1));
  EXPECT_THAT(TableOf(own, "For each agency to confirm")->rows, SizeIs(1));
}

TEST_F(RecordPapersTest, AnEdgeIsCertifiedWhenNothingStandsAgainstIt) {
  EdgeParts parts;
  // It runs, and its feed is promised.
  EXPECT_THAT(Against(parts), ElementsAre(HasSubstr("may still connect"),
                                          HasSubstr("still promised")));
  PrincipalOf(kEdge).set_revoked(true);
  parts.records = {Changed(9, kEdge, "dundee-city-council", "REVOKED")};
  EXPECT_THAT(Against(parts), ElementsAre(HasSubstr("still promised")));
  TakeAwayFeedsOf("dundee-city-council");
  auto& subscription = *parts.subscriptions.add_subscriptions();
  subscription.set_agency("dundee-city-council");
  subscription.set_role("adapter");
  subscription.set_name("cohort");
  EXPECT_THAT(Against(parts), ElementsAre(HasSubstr("a subscription")));
  // Of the agency's people, not of an edge.
  subscription.set_role("supervising-officer");
  EXPECT_THAT(Against(parts), IsEmpty());
  const auto paper = DecommissionOf(sources_, kEdge, parts);
  EXPECT_THAT(ToHtml(*paper), HasSubstr("since 20 Nov 2025"));
  EXPECT_THAT(ToHtml(*paper), HasSubstr("no retention policy"));
  EXPECT_THAT(TableOf(*paper, "Types that it published")->rows, Not(IsEmpty()));
  const auto none = DecommissionOf(sources_, "edge-nobody", parts);
  EXPECT_THAT(none, HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(std::string(none.status().message()), HasSubstr(kEdge));
}

TEST_F(RecordPapersTest, AnEdgeThatIsGoneIsCertifiedByItsLastRecord) {
  auto& principals = *sources_.registry.mutable_principals();
  bus::v1::Principal other = PrincipalOf(kEdge);
  other.set_name("edge-council-two");
  other.mutable_publish(0)->set_source("urn:concordat:dundee-city-council:two");
  for (int i = 0; i < principals.size(); ++i) {
    if (principals[i].name() != kEdge) continue;
    principals.DeleteSubrange(i, 1);
    break;
  }
  *principals.Add() = other;
  hub::v1::Feed feed = sources_.feeds[0];
  TakeAwayFeedsOf("dundee-city-council");
  feed.set_source("urn:concordat:dundee-city-council:two");
  feed.set_title("the other");
  sources_.feeds.push_back(feed);
  EdgeParts parts;
  EXPECT_THAT(DecommissionOf(sources_, kEdge, parts),
              HasCode(absl::StatusCode::kNotFound));
  parts.records = {Changed(9, kEdge, "dundee-city-council", "REMOVED")};
  EXPECT_THAT(Against(parts), IsEmpty());
  EXPECT_THAT(Against(parts, "edge-council-two"), SizeIs(2));
}

TEST_F(RecordPapersTest, ARestoreThatFailedIsNone) {
  const auto acts = ParseBackupActs(
      "{\"act\":\"backup\",\"at\":\"2025-11-20T02:00:00Z\",\"seconds\":1.5,"
      "\"sequence\":70,\"accepted_time\":\"2025-11-20T01:59:00Z\"}\n\n"
      "{\"act\":\"restore\",\"at\":\"2025-11-21T02:00:00Z\",\"seconds\":9,"
      "\"failed\":\"segment-1:40\"}\n");
  ASSERT_THAT(acts, IsOk());
  ResilienceParts parts;
  parts.acts = *acts;
  Document paper = ResilienceOf(sources_, parts);
  EXPECT_THAT(ToHtml(paper), HasSubstr("NO RESTORE IS RECORDED"));
  EXPECT_THAT(
      TableOf(paper, "The newest backups")->rows,
      ElementsAre(ElementsAre("20 Nov 2025 02:00", "70", "20 Nov 2025 01:59",
                              "1.5 s", HasSubstr("every block"))));
  EXPECT_EQ(TableOf(paper, "Restores that were tried")->rows[0][4],
            "FAILED: segment-1:40");
  parts.acts[1].failed.clear();
  parts.acts[1].opened = true;
  paper = ResilienceOf(sources_, parts);
  EXPECT_THAT(ToHtml(paper), Not(HasSubstr("NO RESTORE")));
  EXPECT_THAT(TableOf(paper, "Restores that were tried")->rows[0][4],
              HasSubstr("every payload opened"));
  for (const char* bad :
       {"{\"act\":\"copy\",\"at\":\"x\"}", "not JSON", "[]", "{}"}) {
    const auto refused = ParseBackupActs(absl::StrCat("\n", bad));
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument)) << bad;
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("line 2"));
  }
}

TEST_F(RecordPapersTest, EachOutageSaysWhoTellsIt) {
  ResilienceParts parts;
  parts.extract = Extract();
  const auto add = [&](uint64_t sequence, uint64_t at) {
    bus::v1::LogRecord& record = parts.records.emplace_back();
    record.set_sequence(sequence);
    record.set_accepted_time(at);
    return &record;
  };
  const auto at = [](int hour) {
    return Micros(absl::CivilMinute(2025, 11, 20, hour, 0));
  };
  auto& silent = *add(31, at(7))->mutable_feed_silent();
  silent.set_feed("dundee/case-files");
  silent.set_title("Dundee case files");
  silent.set_due(at(2));
  silent.set_expected_by(at(6));
  // Not complete to what was due; another feed; at last.
  const auto came = [&](uint64_t sequence, const char* feed, int to, int when) {
    auto& received = *add(sequence, at(when))->mutable_feed_received();
    received.set_feed(feed);
    received.set_complete_to(at(to));
  };
  came(32, "dundee/case-files", 1, 8);
  came(33, "nhs-tayside/hl7", 9, 9);
  came(34, "dundee/case-files", 2, 10);
  auto& acted = *add(35, at(11))->mutable_operator_acted();
  acted.set_act(hub::v1::OperatorActed::ACT_DRAINED);
  acted.set_by("admin");
  acted.set_why("new disk");
  add(36, at(13))->mutable_events_lost()->set_lost_from(at(12));
  const Document paper = ResilienceOf(sources_, parts);
  EXPECT_THAT(
      TableOf(paper, "Outages")->rows,
      ElementsAre(Contains("access log of concordat-identity"),
                  ElementsAre("20 Nov 2025 06:00", "20 Nov 2025 10:00",
                              HasSubstr("Dundee case files"), "event 31"),
                  ElementsAre("20 Nov 2025 11:00", "-",
                              HasSubstr("(admin): new disk"), "event 35"),
                  ElementsAre("20 Nov 2025 12:00", "20 Nov 2025 13:00",
                              HasSubstr("lost"), "event 36")));
  parts.records.erase(parts.records.begin() + 3);
  EXPECT_EQ(TableOf(ResilienceOf(sources_, parts), "Outages")->rows[1][1],
            "not yet");
  parts.extract.add_missing("concordat-nhs does not run");
  EXPECT_THAT(ResilienceOf(sources_, parts).missing, SizeIs(1));
}

TEST_F(RecordPapersTest, WhatWasKnownIsOfItsBeginning) {
  ResilienceParts parts;
  KnownAt& known = parts.known.emplace_back();
  known.what = "hub down";
  known.from = Micros(absl::CivilMinute(2025, 11, 20, 12, 0));
  access::v1::WhoKnewReport& report = known.reports.emplace_back();
  report.set_subject(Person(1));
  access::v1::Knower& knower = *report.add_knowers();
  knower.set_agency("nhs-tayside");
  knower.set_role("nhs-liaison");
  for (const bool could_see : {true, true, false}) {
    knower.add_events()->set_could_see(could_see);
  }
  knower.mutable_events(0)->set_delivered_time(known.from - 1);
  access::v1::KnownEvent& later = *report.add_told_later();
  later.set_type("concordat.police.v1.ConcernShared");
  later.set_accepted_time(known.from + 1);
  const auto alert = [&](const char* ref, uint64_t accepted) {
    access::v1::KnownAlert& one = *report.add_alerts();
    one.set_alert_ref(ref);
    access::v1::AlertStep& raised = *one.add_steps();
    raised.set_step("raised");
    raised.set_time(known.from - 9);
    if (accepted == 0) return;
    access::v1::AlertStep& step = *one.add_steps();
    step.set_step("accepted");
    step.set_time(accepted);
  };
  alert("A-waits", 0);
  alert("A-before", known.from - 1);
  alert("A-after", known.from + 1);
  const Document paper = ResilienceOf(sources_, parts);
  EXPECT_THAT(TableOf(paper, "What each could have known")->rows,
              ElementsAre(ElementsAre("NHS Tayside, nhs-liaison", "1", "2", "1",
                                      "0", "0")));
  EXPECT_THAT(
      TableOf(paper, "Had happened, and was told to the hub afterwards")->rows,
      SizeIs(1));
  std::vector<std::string> waiting;
  for (const auto& row :
       TableOf(paper, "Alerts that nobody had accepted")->rows) {
    waiting.push_back(row[0]);
  }
  EXPECT_THAT(waiting, ElementsAre("A-waits", "A-after"));
  EXPECT_THAT(ToHtml(ResilienceOf(sources_, {})),
              HasSubstr("Of no outage it was asked"));
}

TEST_F(RecordPapersTest, RightsAreThoseOfTheAgency) {
  RightsParts parts;
  bus::v1::Correction& own = *parts.corrections.add_corrections();
  own.set_sequence(11);
  own.set_controller("police-scotland");
  own.set_type("concordat.police.v1.ConcernShared");
  own.set_retraction(true);
  bus::v1::CorrectionRecipient& waits = *own.add_recipients();
  waits.set_agency("nhs-tayside");
  waits.set_role("nhs-liaison");
  waits.set_state("not delivered");
  own.add_recipients()->set_accepted(true);
  bus::v1::Correction& others = *parts.corrections.add_corrections();
  others.set_sequence(12);
  others.set_controller("nhs-tayside");
  for (const char* reason : {"OBJECTION_PENDING", "EVIDENCE"}) {
    bus::v1::Restriction& one = *parts.restrictions.add_restrictions();
    one.set_subject(Person(1));
    one.set_reason(reason);
  }
  bus::v1::Erasure& erasure = *parts.erasures.add_erasures();
  erasure.set_reason("OBJECTION_UPHELD");
  erasure.add_confirmations();
  const auto paper = RightsOf(sources_, "police-scotland", parts);
  ASSERT_THAT(paper, IsOk());
  EXPECT_THAT(TableOf(*paper, "What it rectified or took back")->rows,
              ElementsAre(ElementsAre(
                  "11", "not in the log", "Concern shared", "taken back", "-",
                  "2", "NHS Tayside, nhs-liaison: not delivered")));
  EXPECT_EQ(TableOf(*paper, "What others rectified of what it had been told")
                ->rows[0][0],
            "12");
  EXPECT_THAT(TableOf(*paper, "Objections that were looked at")->rows,
              SizeIs(1));
  EXPECT_THAT(TableOf(*paper, "Restrictions")->rows, SizeIs(2));
  EXPECT_THAT(TableOf(*paper, "Erasures that it was told of")->rows,
              ElementsAre(ElementsAre("", "", HasSubstr("(objection)"), "-",
                                      "NOT YET", "")));
  EXPECT_THAT(RightsOf(sources_, "nobody", parts),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(RecordPapersTest, TheLetterIsTheSameForAll) {
  const auto police = NeitherOf(sources_, "police-scotland");
  const auto nhs = NeitherOf(sources_, "nhs-tayside");
  ASSERT_THAT(police, IsOk());
  ASSERT_THAT(nhs, IsOk());
  EXPECT_FALSE(police->personal);
  const std::string html = ToHtml(*police);
  EXPECT_THAT(html, HasSubstr("neither confirm nor deny"));
  EXPECT_THAT(html, HasSubstr("section 45"));
  EXPECT_THAT(html, HasSubstr("01632 960111"));
  EXPECT_THAT(ToHtml(*nhs), HasSubstr("UK GDPR Article 15"));
  EXPECT_THAT(absl::StrJoin(nhs->sections[0].paragraphs, " "),
              Not(HasSubstr("{")));
  EXPECT_THAT(NeitherOf(sources_, "nobody"),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(RecordPapersTest, ALetterWithAHoleIsRefused) {
  policy::v1::Letter* neither = nullptr;
  for (auto& each : *sources_.legal.mutable_letters()) {
    if (each.kind() == policy::v1::LETTER_KIND_NEITHER) neither = &each;
  }
  ASSERT_NE(neither, nullptr);
  for (const char* hole : {"of {people}", "of {contact", "of {}"}) {
    neither->add_paragraphs(hole);
    const auto refused = NeitherOf(sources_, "nhs-tayside");
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kFailedPrecondition))
        << hole;
    EXPECT_THAT(std::string(refused.status().message()),
                HasSubstr("nothing stands for {"));
    neither->mutable_paragraphs()->RemoveLast();
  }
  sources_.legal.clear_letters();
  EXPECT_THAT(NeitherOf(sources_, "nhs-tayside"),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(RecordPapersTest, LettersAreOfEachController) {
  Breach breach = BreachHere();
  // Of another controller and person, to one of the two.
  access::v1::WhoKnewReport& report = breach.reports.emplace_back();
  report.set_subject(Person(2));
  access::v1::KnownEvent& event = *report.add_events();
  event.set_sequence(8);
  event.set_type("concordat.nhs.v1.AppointmentMissed");
  event.set_controller("nhs-tayside");
  access::v1::Knower& knower = *report.add_knowers();
  knower.set_agency("dundee-city-council");
  access::v1::Knowledge& knowledge = *knower.add_events();
  knowledge.set_sequence(8);
  knowledge.set_delivered_time(1);
  const auto paper = BreachLettersOf(sources_, breach);
  ASSERT_THAT(paper, IsOk());
  EXPECT_TRUE(paper->personal);
  std::vector<std::string> letters;
  for (const auto& row : TableOf(*paper, "Letters")->rows) {
    letters.push_back(absl::StrCat(row[1], ": ", row[2]));
  }
  EXPECT_THAT(letters,
              ElementsAre("NHS Tayside: the controller, of the operator",
                          "NHS Tayside: the Information Commissioner",
                          HasSubstr("NHS Tayside: Dundee"),
                          absl::StrCat("NHS Tayside: ", Person(2)),
                          "Police Scotland: the controller, of the operator",
                          "Police Scotland: the Information Commissioner",
                          HasSubstr("Police Scotland: Dundee"),
                          "Police Scotland: NHS Tayside",
                          absl::StrCat("Police Scotland: ", Person(1))));
  // The list and a section for each.
  ASSERT_THAT(paper->sections, SizeIs(letters.size() + 1));
  for (size_t i = 1; i < paper->sections.size(); ++i) {
    const std::string text = absl::StrJoin(paper->sections[i].paragraphs, "\n");
    EXPECT_THAT(text, Not(HasSubstr("{")));
    EXPECT_EQ(absl::StrContains(text, "Concern shared"), i > 4) << text;
    EXPECT_EQ(absl::StrContains(text, "Appointment missed"), i <= 4) << text;
    // Of the one by UK GDPR, of the other by Part 3.
    EXPECT_EQ(absl::StrContains(text, "UK GDPR"), i <= 4) << text;
  }
  EXPECT_THAT(absl::StrJoin(paper->sections[6].paragraphs, "\n"),
              HasSubstr("the limit for this letter is"));
}

TEST_F(RecordPapersTest, ALetterSaysNothingOfWhatReachedAnother) {
  // Health hears of another person, of whom the council had nothing.
  Breach breach = BreachHere();
  access::v1::WhoKnewReport& report = breach.reports.emplace_back();
  report.set_subject(Person(2));
  access::v1::KnownEvent& event = *report.add_events();
  event.set_sequence(8);
  event.set_type("concordat.police.v1.DomesticIncidentRecorded");
  event.set_controller("police-scotland");
  access::v1::Knower& knower = *report.add_knowers();
  knower.set_agency("nhs-tayside");
  access::v1::Knowledge& knowledge = *knower.add_events();
  knowledge.set_sequence(8);
  knowledge.set_delivered_time(1);
  const auto paper = BreachLettersOf(sources_, breach);
  ASSERT_THAT(paper, IsOk());
  for (size_t i = 1; i < paper->sections.size(); ++i) {
    const std::string& title = paper->sections[i].title;
    const std::string text = absl::StrJoin(paper->sections[i].paragraphs, "\n");
    if (absl::StrContains(title, "To Dundee")) {
      EXPECT_THAT(text, Not(HasSubstr("Domestic incident"))) << title;
    }
    if (absl::StrContains(title, Person(2))) {
      EXPECT_THAT(text, Not(HasSubstr("Dundee"))) << title;
      EXPECT_THAT(text, HasSubstr("NHS Tayside")) << title;
    }
  }
}

TEST_F(RecordPapersTest, SoFewAreLeftOutAndNotByASum) {
  EXPECT_EQ(Cell(Alerts(5, "1990-01-01"), "25 to 39", 2), "5");
  EXPECT_EQ(Cell(Alerts(4, "1990-01-01"), "25 to 39", 2), "left out");
  EXPECT_EQ(Cell(Alerts(4, "1990-01-01"), "60 and over", 2), "0");
  // One that is left out alone takes the least of the others with it.
  EqualityRecords records = Alerts(20, "1990-01-01");
  for (int i = 0; i < 20; ++i) {
    records.births[Person(i)] = i < 3   ? "2010-01-01"
                                : i < 9 ? "1980-01-01"
                                        : "1990-01-01";
  }
  EXPECT_EQ(Cell(records, "under 18", 2), "left out");
  EXPECT_EQ(Cell(records, "40 to 59", 2), "left out");
  EXPECT_EQ(Cell(records, "25 to 39", 2), "11");
  // Of another rule, and without a person.
  for (auto& alert : *records.alerts.mutable_alerts()) alert.set_rule("R01");
  EXPECT_EQ(Cell(records, "25 to 39", 3), "0");
  EXPECT_THAT(EqualityOf(sources_, "R99", RuleStage::kInForce, records),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(RecordPapersTest, AnAgeIsThatOfTheDay) {
  // Raised on 20 November 2025, made on the 24th.
  EXPECT_EQ(Cell(Alerts(6, "2007-11-20"), "18 to 24", 2), "6");
  EXPECT_EQ(Cell(Alerts(6, "2007-11-21"), "under 18", 2), "6");
  EqualityRecords records = Alerts(6, "2007-11-21");
  for (int i = 0; i < 6; ++i) records.open_cases.push_back(Person(i));
  EXPECT_EQ(Cell(records, "18 to 24", 1), "6");
  EXPECT_EQ(Cell(Alerts(6, ""), "not known", 2), "6");
  EXPECT_EQ(Cell(Alerts(6, "0001-01-01"), "not known", 2), "6");
  EXPECT_EQ(Cell(Alerts(6, "2030-01-01"), "not known", 2), "6");
  records.alerts.mutable_alerts(0)->set_withdrawn_at(5);
  EXPECT_EQ(Cell(records, "under 18", 4), "left out");
}

}  // namespace
}  // namespace concordat::cli

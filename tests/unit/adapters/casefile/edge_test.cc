// What a case-file edge promises, from file to event. Mutants, each with the
// test that catches it:
//
//   a bad row stops the file                 TakesTheStorysFile
//   name columns are kept                    KeepsNothingButWhatTheMappingReads
//   the same file counts twice               AFileIsTakenOnce
//   a later Amended is a new fact            ALaterVersionCorrectsTheEarlier
//   an earlier Amended takes it back         AnEarlierVersionChangesNothing
//   a stranger's row is spooled              NobodyOutsideTheCohortLeavesAByte
//   dropped while the cohort is unknown      WaitsWhileTheCohortIsNotKnown
//   complete before the rows are in the log  SaysCompleteBehindTheRowsAndOnce
//   complete with one kind of file missing   IsCompleteWhereEveryKindIs
//   a backload says complete                 HistoricFilesSayNothingOfComplete
//   half a file is taken                     AFileThatIsNotWholeIsRefused
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "concordat/hub/v1/events.pb.h"
#include "tests/unit/adapters/casefile/edge_fixture.h"

namespace concordat::casefile {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using EdgeTest = testing::CaseEdgeTest;

constexpr char kContactsHead[] =
    "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;Amended\n";
const std::string kStory = absl::StrCat(
    kContactsHead,
    "DCC-20017;Balnamoon;Torquil;25/11/2025;10:00;OFF;DNA;JSW114;25/11/2025 "
    "16:12\n"
    "DCC-20066;Pitkerro;Lachlan;25/11/2025;10:00;OFF;ATT;JSW098;25/11/2025 "
    "11:40\n"
    "DCC-20017;Balnamoon;Torquil;31/11/2025;10:00;OFF;DNA;JSW114;25/11/2025 "
    "16:13\n"
    "TRAILER;3\n");
constexpr char kFirst[] = "contacts-20251126.csv";

std::string File(const std::vector<std::string>& rows) {
  return absl::StrCat(kContactsHead, absl::StrJoin(rows, "\n"),
                      rows.empty() ? "" : "\n", "TRAILER;", rows.size(), "\n");
}
std::string Row(const std::string& outcome, const std::string& amended,
                const std::string& person = "DCC-20017") {
  return absl::StrCat(person, ";Balnamoon;Torquil;25/11/2025;10:00;OFF;",
                      outcome, ";JSW114;", amended);
}

TEST_F(EdgeTest, TakesTheStorysFile) {
  EXPECT_EQ(DropAndWork(kFirst, kStory), "taken: 2 new, 1 rejected");
  EXPECT_THAT(
      Contacts(),
      ElementsAre("{\"mode\":\"OFFICE\",\"outcome\":\"MISSED\"} person 1",
                  "{\"mode\":\"OFFICE\",\"outcome\":\"KEPT\"} person 2"));
  EXPECT_THAT(Rejects(), ElementsAre("line 4: 31/11/2025 is not a date"));
  EXPECT_FALSE(IsThere(kFirst));
  const View first = Events("ContactRecorded").at(0);
  EXPECT_EQ(first.header.source, "urn:concordat:dundee-city-council:jsw");
  EXPECT_EQ(first.header.time_us, 1'764'064'800'000'000u);  // 25 Nov 10:00.
  EXPECT_EQ(first.header.recorded_us, 1'764'087'120'000'000u);
  EXPECT_EQ(first.header.basis, bus::v1::BASIS_OBSERVED);
  EXPECT_EQ(first.header.controller, "dundee-city-council");
}

TEST_F(EdgeTest, AFileIsTakenOnce) {
  DropAndWork(kFirst, kStory);
  EXPECT_EQ(DropAndWork(kFirst, kStory), "already taken, 0 new");
  EXPECT_EQ(DropAndWork("contacts-20251127.csv", kStory),
            "already taken, 0 new");
  EXPECT_THAT(Contacts(), SizeIs(2));
  EXPECT_THAT(Rejects(), SizeIs(1));
  EXPECT_EQ(store_->totals().counts.files_again(), 2u);
  Restart();
  EXPECT_EQ(DropAndWork(kFirst, kStory), "already taken, 0 new");
  EXPECT_THAT(Contacts(), SizeIs(2));
}

TEST_F(EdgeTest, KeepsNothingButWhatTheMappingReads) {
  DropAndWork(kFirst, kStory);
  for (const char* const text : {"Balnamoon", "Lachlan", "JSW114", "DCC-20017",
                                 "31/11/2025", "MISSED"}) {
    EXPECT_FALSE(OnDisk(text)) << text;
  }
  for (const auto& reject : store_->rejects()) {
    EXPECT_THAT(reject.DebugString(), ::testing::Not(HasSubstr("Balnamoon")));
    EXPECT_THAT(reject.DebugString(), HasSubstr("DCC-20017"));
  }
}

TEST_F(EdgeTest, ALaterVersionCorrectsTheEarlier) {
  DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12")}));
  DropAndWork("contacts-20251127.csv", File({Row("AUTH", "26/11/2025 09:00")}));
  const auto events = Events("ContactRecorded");
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].header.corrects, events[0].header.id);
  EXPECT_THAT(Contacts()[1], HasSubstr("EXCUSED"));
  // And the next one the second.
  DropAndWork("contacts-20251128.csv", File({Row("DNA", "27/11/2025 09:00")}));
  EXPECT_EQ(Events("ContactRecorded").at(2).header.corrects,
            events[1].header.id);
}

TEST_F(EdgeTest, AnEarlierVersionChangesNothing) {
  DropAndWork("contacts-20251127.csv", File({Row("AUTH", "26/11/2025 09:00")}));
  DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12")}));
  EXPECT_THAT(Contacts(), SizeIs(1));
  EXPECT_THAT(Rejects(), IsEmpty());
}

TEST_F(EdgeTest, AChangeWithoutALaterAmendedIsAQuestion) {
  DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12")}));
  DropAndWork("contacts-20251127.csv", File({Row("ATT", "25/11/2025 16:12")}));
  EXPECT_THAT(Contacts(), SizeIs(1));
  EXPECT_THAT(Rejects(),
              ElementsAre("line 2: it differs from what was taken before, and "
                          "was not amended later"));
}

TEST_F(EdgeTest, BothVersionsInOneFileAreTakenInOrder) {
  DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12"),
                            Row("AUTH", "25/11/2025 17:00")}));
  EXPECT_THAT(
      Contacts(),
      ElementsAre(
          "{\"mode\":\"OFFICE\",\"outcome\":\"MISSED\"} person 1",
          "{\"mode\":\"OFFICE\",\"outcome\":\"EXCUSED\"} person 1 corrects"));
}

TEST_F(EdgeTest, ARowThatIsMendedInALaterFileLeavesTheList) {
  DropAndWork(kFirst, File({Row("XXX", "25/11/2025 16:12")}));
  EXPECT_THAT(Rejects(),
              ElementsAre("line 2: Outcome: XXX is not in the codes outcome"));
  DropAndWork("contacts-20251127.csv", File({Row("DNA", "26/11/2025 09:00")}));
  EXPECT_THAT(Contacts(), SizeIs(1));
  EXPECT_THAT(Rejects(), IsEmpty());
}

TEST_F(EdgeTest, NobodyOutsideTheCohortLeavesAByte) {
  EXPECT_EQ(
      DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12", "DCC-99999"),
                                Row("XXX", "25/11/2025 16:12", "DCC-99998"),
                                Row("DNA", "25/11/2025 16:12")})),
      "taken: 1 new, 2 not ours");
  EXPECT_EQ(store_->totals().counts.not_in_cohort(), 2u);
  EXPECT_THAT(Rejects(), IsEmpty());
  // Whoever comes to be ours is taken when the file is dropped again.
  Join(9, "DCC-99999");
  EXPECT_EQ(
      DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12", "DCC-99999"),
                                Row("XXX", "25/11/2025 16:12", "DCC-99998"),
                                Row("DNA", "25/11/2025 16:12")})),
      "taken: 1 new, 1 known, 1 not ours");
  EXPECT_THAT(Contacts(), SizeIs(2));
}

TEST_F(EdgeTest, WaitsWhileTheCohortIsNotKnown) {
  clock_.Advance(absl::Minutes(5));  // Nothing was heard for so long.
  EXPECT_EQ(
      DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12"),
                                Row("DNA", "25/11/2025 16:12", "DCC-99999"),
                                Row("XX", "25/11/2025 16:12", "DCC-99998"),
                                Row("XX", "25/11/2025 16:12", "DCC-20066")})),
      "taken: 2 new, 2 rejected");
  EXPECT_EQ(store_->totals().waiting, 4u);
  EXPECT_THAT(bus_.events(), IsEmpty());
  Restart();
  cohort_.Complete(Sequence{2});
  Work();
  EXPECT_EQ(store_->totals().waiting, 0u);
  EXPECT_THAT(Contacts(), SizeIs(1));
  EXPECT_THAT(Rejects(), SizeIs(1));
  EXPECT_EQ(store_->totals().counts.not_in_cohort(), 2u);
}

TEST_F(EdgeTest, AnswersThatGotLostMakeNoSecondEvent) {
  Drop(kFirst, File({Row("DNA", "25/11/2025 16:12"),
                     Row("ATT", "25/11/2025 16:12", "DCC-20066")}));
  ASSERT_THAT(Take(), IsOk());
  bus_.GoAwayBeforeNextAnswer();
  Work();
  EXPECT_EQ(store_->totals().waiting, 2u);
  bus_.ComeBack();
  Restart();
  Work();
  EXPECT_EQ(store_->totals().waiting, 0u);
  EXPECT_THAT(Contacts(), SizeIs(2));
}

TEST_F(EdgeTest, WhatTheHubRefusesIsListed) {
  bus_.RefuseNext(bus::v1::REFUSAL_FIELD_RULE, "outcome: not in its code list");
  DropAndWork(kFirst, File({Row("DNA", "25/11/2025 16:12")}));
  EXPECT_THAT(
      Rejects(),
      ElementsAre("line 2: the hub refused it: outcome: not in its code list"));
  // A full disk of the hub passes.
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "");
  DropAndWork("contacts-20251127.csv",
              File({Row("ATT", "26/11/2025 16:12", "DCC-20066")}));
  Work();
  EXPECT_THAT(Contacts(), SizeIs(1));
}

std::vector<std::string> Received(const std::vector<View>& views) {
  std::vector<std::string> lines;
  for (const View& view : views) {
    hub::v1::FeedReceived received;
    EXPECT_TRUE(received.ParseFromString(view.Data()));
    lines.push_back(absl::StrCat(
        received.feed(), " ",
        absl::FormatTime(
            "%d %b %H:%M",
            absl::FromUnixMicros(static_cast<int64_t>(received.complete_to())),
            absl::UTCTimeZone()),
        " ", received.records(), " ", received.rejected()));
  }
  return lines;
}
constexpr char kOrdersHead[] =
    "ClientID;Surname;Forename;Order No;Imposed;Order "
    "Type;Requirements;Months;Hours;Level;Amended\n";
constexpr char kFirstContactsHead[] =
    "ClientID;Surname;Forename;Order No;Contact Date;Time;Type;Amended\n";

TEST_F(EdgeTest, IsCompleteWhereEveryKindIs) {
  DropAndWork(kFirst, kStory);
  DropAndWork("orders-20251126.csv", absl::StrCat(kOrdersHead, "TRAILER;0\n"));
  EXPECT_THAT(Events("FeedReceived"), IsEmpty());
  DropAndWork("first-contacts-20251126.csv",
              absl::StrCat(kFirstContactsHead, "TRAILER;0\n"));
  EXPECT_THAT(Received(Events("FeedReceived")),
              ElementsAre("dundee-case-files 26 Nov 02:00 3 1"));
  // The next night one is late.
  DropAndWork("contacts-20251127.csv", File({}));
  DropAndWork("orders-20251127.csv", absl::StrCat(kOrdersHead, "TRAILER;0\n"));
  EXPECT_THAT(Events("FeedReceived"), SizeIs(1));
  DropAndWork("first-contacts-20251128.csv",
              absl::StrCat(kFirstContactsHead, "TRAILER;0\n"));
  EXPECT_THAT(Received(Events("FeedReceived")),
              ElementsAre("dundee-case-files 26 Nov 02:00 3 1",
                          "dundee-case-files 27 Nov 02:00 0 1"));
}

TEST_F(EdgeTest, SaysCompleteBehindTheRowsAndOnce) {
  Drop("orders-20251126.csv", absl::StrCat(kOrdersHead, "TRAILER;0\n"));
  Drop("first-contacts-20251126.csv",
       absl::StrCat(kFirstContactsHead, "TRAILER;0\n"));
  Drop(kFirst, kStory);
  clock_.Advance(absl::Minutes(5));
  ASSERT_THAT(Take(), IsOk());
  Work();
  EXPECT_THAT(bus_.events(), IsEmpty());
  cohort_.Complete(Sequence{2});
  // The answer to the last of three is lost, and then the process.
  EXPECT_EQ(worker_->RunOnce(mappings_.Feeds()), RowWorker::Step::kDone);
  bus_.GoAwayBeforeNextAnswer();
  EXPECT_EQ(worker_->RunOnce(mappings_.Feeds()), RowWorker::Step::kBlocked);
  bus_.ComeBack();
  Restart();
  Work();
  const auto events = bus_.events();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_TRUE(absl::EndsWith(events[2].header.type, "FeedReceived"));
  EXPECT_TRUE(events[2].header.subject.empty());
}

TEST_F(EdgeTest, HistoricFilesSayNothingOfComplete) {
  DropAndWork("backload-contacts-20251126.csv", kStory);
  DropAndWork("backload-orders-20251126.csv",
              absl::StrCat(kOrdersHead,
                           "DCC-20066;P;L;CPO-7;09/06/2025;CPO;SUP;12;;;"
                           "09/06/2025 15:00\nTRAILER;1\n"));
  DropAndWork("backload-first-contacts-20251126.csv",
              absl::StrCat(kFirstContactsHead, "TRAILER;0\n"));
  EXPECT_THAT(Events("FeedReceived"), IsEmpty());
  const auto orders = Events("OrderImposed");
  ASSERT_THAT(orders, SizeIs(1));
  EXPECT_EQ(orders[0].header.time_precision, bus::v1::TIME_PRECISION_DAY);
  EXPECT_EQ(
      *types_->ToJson(orders[0].header.type, orders[0].Data()),
      "{\"orderRef\":\"CPO-7\",\"orderType\":\"CPO\",\"requirements\":["
      "\"SUPERVISION\"],\"supervisionMonths\":12,\"imposedOn\":\"2025-06-09\","
      "\"residenceCouncil\":\"dundee-city-council\"}");
}

TEST_F(EdgeTest, AFileThatIsNotWholeIsRefused) {
  const std::string cut = kStory.substr(0, kStory.size() - 10);
  EXPECT_EQ(DropAndWork(kFirst, cut),
            "refused: there is no trailer: the file may not be whole");
  EXPECT_TRUE(IsThere(absl::StrCat("refused/", kFirst)));
  EXPECT_FALSE(IsThere(kFirst));
  EXPECT_EQ(DropAndWork(kFirst, absl::StrReplaceAll(
                                    kStory, {{"TRAILER;3", "TRAILER;4"}})),
            "refused: the trailer says 4 rows, there are 3");
  EXPECT_TRUE(IsThere(absl::StrCat("refused/", kFirst, ".2")));
  EXPECT_THAT(bus_.events(), IsEmpty());
  EXPECT_EQ(store_->totals().counts.files_refused(), 2u);
  // Mended, it is taken.
  EXPECT_EQ(DropAndWork(kFirst, kStory), "taken: 2 new, 1 rejected");
}

TEST_F(EdgeTest, AFileOfBadRowsIsRefusedWhole) {
  std::vector<std::string> rows = {Row("DNA", "25/11/2025 16:13")};
  rows.resize(10, Row("XX", "25/11/2025 16:12"));
  EXPECT_EQ(DropAndWork(kFirst, File(rows)),
            "refused: 9 of 10 rows cannot be read, over 50%; line 3: Outcome: "
            "XX is not in the codes outcome");
  EXPECT_THAT(bus_.events(), IsEmpty());
  EXPECT_THAT(Rejects(), IsEmpty());
}

TEST_F(EdgeTest, AFullStoreTakesNothingAndSaysSo) {
  limits_.bytes_max = 200;
  Restart();
  Drop(kFirst, kStory);
  EXPECT_THAT(Take(), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(IsThere(kFirst));
  limits_.bytes_max = 1 << 20;
  Restart();
  EXPECT_THAT(Take(), IsOk());
  EXPECT_FALSE(IsThere(kFirst));
}

}  // namespace
}  // namespace concordat::casefile

// What the clerk of a council can do with rows that could not be read. Mutants,
// each with the test that catches it:
//
//   another agency's clerk sees rows          IsForTheClerkOfItsOwnAgency
//   who is excluded lists, looks or acts      WhoIsExcludedIsShownNothingOfThePerson
//   reasons shown to the operator             TheOperatorSeesEnvelopesAlone
//   the operator mends, or takes a fact back  TheOperatorReplaysARowAsItIs
//   a preview that guesses                    TheOperatorReplaysARowAsItIs
//   replayed without the fact of it           ARowThatIsMendedIsTaken
//   read by the mapping of then               AMendedMappingReadsItAgain
//   act forgotten while the bus is away       AnActWaitsForTheBusAndItsRepeatIsAnswered
//   fact under a new id after a crash         ACrashAnywhereMakesAnActOneFactAndOneEffect
//   effect before the fact, or twice          ACrashAnywhereMakesAnActOneFactAndOneEffect
//   a repeat taken for a new act              AnActWaitsForTheBusAndItsRepeatIsAnswered
//   two clerks act on one reject              OfTwoOneWinsAndTheOtherIsToldWhatHappened
//   acts lost when the journal is rewritten   WhatIsLeftIsDestroyedAndTheActRemembered
//   what the hub refuses is done              WhatTheHubRefusesIsOpenAgain
//   one number for two rows                   AnActWaitsForTheBusAndItsRepeatIsAnswered
//   a question answered by nothing            AVanishedRowIsTakenBackOnAWord
//   looks are one, or dated by the machine    LookingIsAFact
#include "adapters/casefile/case_service.h"

#include "concordat/hub/v1/events.pb.h"
#include "tests/unit/adapters/casefile/edge_fixture.h"

namespace concordat::casefile {
namespace {

using absl::StatusCode;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CaseServiceTest : public testing::CaseEdgeTest {
 protected:
  CaseServiceTest() {
    clerk_.set_agency("dundee-city-council");
    clerk_.set_system("jsw");
    clerk_.set_role("supervising-officer");
    admin_.set_agency("concordat-operator");
    admin_.set_system("console");
    admin_.set_role("operator");
    contacts_ = testing::DemoMapping("dundee-contacts-1");
    Make();
  }
  void Make() {
    CaseService::Parts parts;
    parts.agency = "dundee-city-council";
    parts.clerk_role = "supervising-officer";
    parts.store = store_.get();
    parts.worker = worker_.get();
    parts.marks = &taker_->marks();
    parts.clock = &clock_;
    parts.log_clock = &log_clock_;
    parts.allows = [this](const PersonKey& subject,
                          const bus::v1::Principal& caller) {
      Recipient to{caller.agency(), caller.role(), {}};
      to.principal = caller.name();
      return cohort_.Allows(subject, to);
    };
    parts.load_mappings = [this] { return Load(); };
    parts.wake = [this] {
      ++woken_;
      if (works_) Work();
    };
    parts.patience = absl::Milliseconds(20);
    service_ = std::make_unique<CaseService>(std::move(parts));
  }
  absl::StatusOr<MappingSet> Load() {
    return MappingSet::Build({contacts_}, {"dundee-contacts"}, types_,
                             testing::London());
  }
  std::string DropRow(const std::string& date, const std::string& outcome) {
    DropAndWork("contacts-20251126.csv",
                absl::StrCat("ClientID;Surname;Forename;Contact "
                             "Date;Time;Type;Outcome;Worker;Amended\n"
                             "DCC-20017;B;T;",
                             date, ";10:00;OFF;", outcome,
                             ";W;25/11/2025 16:13\nTRAILER;1\n"));
    const auto list = service_->List(clerk_);
    EXPECT_THAT(list, IsOk());
    return list->items().empty() ? "" : list->items(0).item_ref();
  }
  absl::StatusOr<edge::v1::ActReply> Replay(const std::string& ref,
                                            const std::string& column = "",
                                            const std::string& text = "") {
    edge::v1::ReplayItemRequest request;
    request.mutable_command()->set_request_id(
        absl::StrCat("replay", ref, text));
    request.set_item_ref(ref);
    request.set_reason("ENTERED_IN_ERROR");
    if (!column.empty()) {
      edge::v1::ShownField& mended = *request.add_mended();
      mended.set_name(column);
      mended.set_value(text);
    }
    return service_->Replay(clerk_, request);
  }

  absl::StatusOr<edge::v1::ActReply> Leave(
      const std::string& ref, const std::string& request_id = "leave") {
    edge::v1::LeaveItemRequest request;
    request.mutable_command()->set_request_id(request_id);
    request.set_item_ref(ref);
    request.set_reason("ENTERED_IN_ERROR");
    return service_->Leave(clerk_, request);
  }
  uint64_t BytesOnDisk() const {
    uint64_t bytes = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_.PathOf("state"))) {
      bytes += entry.file_size();
    }
    return bytes;
  }
  absl::StatusOr<edge::v1::ActReply> OperatorReplays(const std::string& ref) {
    edge::v1::ReplayItemRequest request;
    request.mutable_command()->set_request_id(
        absl::StrCat("redrive", ref, attempts_++));
    request.set_item_ref(ref);
    request.set_reason("MAPPING_MENDED");
    return service_->Replay(admin_, request);
  }
  // Of the one item.
  bool Ready() {
    const auto preview = service_->PreviewReplay(admin_);
    EXPECT_THAT(preview, IsOk());
    EXPECT_THAT(preview->items(), SizeIs(1));
    return preview->items(0).ready();
  }

  bus::v1::Principal clerk_;
  bus::v1::Principal admin_;
  int attempts_ = 0;
  edge::v1::CaseFileMapping contacts_;
  int woken_ = 0;
  bool works_ = true;  // The worker, when it is woken.
  std::unique_ptr<CaseService> service_;
};

TEST_F(CaseServiceTest, ListsFilesAndRowsForTheClerk) {
  DropRow("31/11/2025", "DNA");
  const auto list = service_->List(clerk_);
  ASSERT_THAT(list, IsOk());
  ASSERT_THAT(list->items(), SizeIs(1));
  const edge::v1::Item& item = list->items(0);
  EXPECT_EQ(item.reason(), "31/11/2025 is not a date");
  EXPECT_EQ(item.place(), "line 2");
  EXPECT_EQ(item.source(), "contacts-20251126.csv");
  EXPECT_EQ(item.localsubject(), "DCC-20017");
  ASSERT_THAT(list->files(), SizeIs(1));
  EXPECT_EQ(list->files(0).words(), "taken: 0 new, 1 rejected");
  EXPECT_EQ(list->counts().refused(), 1u);
}

TEST_F(CaseServiceTest, IsForTheClerkOfItsOwnAgency) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  bus::v1::Principal other = clerk_;
  other.set_agency("angus-council");
  EXPECT_THAT(service_->List(other), HasCode(StatusCode::kPermissionDenied));
  edge::v1::LookAtItemRequest look;
  look.set_item_ref(ref);
  EXPECT_THAT(service_->Look(other, look),
              HasCode(StatusCode::kPermissionDenied));
  clerk_.set_role("duty-senior");
  EXPECT_THAT(Replay(ref), HasCode(StatusCode::kPermissionDenied));
  EXPECT_THAT(service_->Leave(clerk_, {}),
              HasCode(StatusCode::kPermissionDenied));
}

TEST_F(CaseServiceTest, WhoIsExcludedIsShownNothingOfThePerson) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  clerk_.set_name("cousin");
  cohort_.SetLists(Person(1), {},
                   {AccessEntry::Of("dundee-city-council/*/cousin")});
  const auto list = service_->List(clerk_);
  ASSERT_THAT(list, IsOk());
  EXPECT_THAT(list->items(), IsEmpty());
  EXPECT_THAT(service_->PreviewReplay(clerk_)->items(), IsEmpty());
  edge::v1::LookAtItemRequest look;
  look.set_item_ref(ref);
  const auto none = [&](const absl::Status& status) {
    EXPECT_THAT(status, HasCode(StatusCode::kNotFound));
  };
  none(service_->Look(clerk_, look).status());
  none(Replay(ref, "Contact Date", "25/11/2025").status());
  none(Leave(ref).status());
  // And of nothing that he tried there is a fact.
  EXPECT_THAT(bus_.events(), IsEmpty());
  // Another clerk, and the operator, go on; what was left is there.
  EXPECT_THAT(service_->List(admin_)->items(), SizeIs(1));
  clerk_.set_name("colleague");
  EXPECT_THAT(service_->List(clerk_)->items(), SizeIs(1));
  // Restricted to somebody else; and lifted.
  cohort_.SetLists(Person(1), {AccessEntry::Of("dundee-city-council/boss")},
                   {});
  EXPECT_THAT(service_->List(clerk_)->items(), IsEmpty());
  // It stays when the person leaves the cohort, and after a crash.
  cohort_.Leave(Person(1));
  Restart();
  Make();
  EXPECT_THAT(service_->List(clerk_)->items(), IsEmpty());
  cohort_.SetLists(Person(1), {}, {});
  EXPECT_THAT(service_->List(clerk_)->items(), SizeIs(1));
}

TEST_F(CaseServiceTest, TheOperatorSeesEnvelopesAlone) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  const auto list = service_->List(admin_);
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->counts().refused(), 1u);
  ASSERT_THAT(list->items(), SizeIs(1));
  EXPECT_EQ(list->items(0).item_ref(), ref);
  EXPECT_EQ(list->items(0).reason(), "a row of dundee-contacts");
  for (const char* const text : {"31/11", "DCC-20017", "contacts-2025"}) {
    EXPECT_THAT(list->DebugString(), ::testing::Not(HasSubstr(text)));
  }
}

TEST_F(CaseServiceTest, ARowThatIsMendedIsTaken) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  EXPECT_THAT(Replay(ref).status().message(),
              HasSubstr("it is a reject still: 31/11/2025 is not a date"));
  EXPECT_THAT(Replay(ref, "Surname", "x"),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(bus_.events(), IsEmpty());
  const auto reply = Replay(ref, "Contact Date", "25/11/2025");
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->item().state(), "replayed");
  EXPECT_EQ(reply->item().acted_by(), "urn:concordat:dundee-city-council:jsw");
  EXPECT_EQ(reply->position(), 1u);
  EXPECT_EQ(woken_, 1);
  EXPECT_THAT(
      Contacts(),
      ElementsAre("{\"mode\":\"OFFICE\",\"outcome\":\"MISSED\"} person 1"));
  EXPECT_THAT(Rejects(), IsEmpty());
  EXPECT_THAT(Events("KeptItemReplayed"), SizeIs(1));
  EXPECT_THAT(Replay("R-99"), HasCode(StatusCode::kNotFound));
}

TEST_F(CaseServiceTest, AMendedMappingReadsItAgain) {
  const std::string ref = DropRow("25/11/2025", "FTA");
  auto* code = contacts_.mutable_codes(1)->add_codes();
  code->set_from("FTA");
  code->set_to("MISSED");
  ASSERT_THAT(Replay(ref), IsOk());
  Work();
  EXPECT_THAT(Contacts(), SizeIs(1));
}

TEST_F(CaseServiceTest, TheOperatorReplaysARowAsItIs) {
  const std::string ref = DropRow("25/11/2025", "FTA");
  EXPECT_FALSE(Ready());
  const auto early = OperatorReplays(ref);
  EXPECT_THAT(early, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(early.status().message(), ::testing::Not(HasSubstr("FTA")));
  edge::v1::ReplayItemRequest mend;
  mend.mutable_command()->set_request_id("mend");
  mend.set_item_ref(ref);
  mend.add_mended()->set_name("Outcome");
  EXPECT_THAT(service_->Replay(admin_, mend),
              HasCode(StatusCode::kPermissionDenied));
  auto* code = contacts_.mutable_codes(1)->add_codes();
  code->set_from("FTA");
  code->set_to("MISSED");
  EXPECT_TRUE(Ready());
  EXPECT_THAT(bus_.events(), IsEmpty());
  const auto taken = OperatorReplays(ref);
  ASSERT_THAT(taken, IsOk());
  EXPECT_THAT(taken->DebugString(), ::testing::Not(HasSubstr("DCC-20017")));
  Work();
  EXPECT_THAT(Contacts(), SizeIs(1));
  hub::v1::KeptItemReplayed fact;
  ASSERT_TRUE(fact.ParseFromString(Events("KeptItemReplayed")[0].Data()));
  EXPECT_EQ(fact.by(), "urn:concordat:concordat-operator:console");
  admin_.set_role("duty-senior");
  EXPECT_THAT(service_->PreviewReplay(admin_),
              HasCode(StatusCode::kPermissionDenied));
}

TEST_F(CaseServiceTest, AnActWaitsForTheBusAndItsRepeatIsAnswered) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  bus_.GoAway();
  EXPECT_THAT(Replay(ref, "Contact Date", "25/11/2025"),
              HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(service_->List(clerk_)->items(0).state(), "under way");
  // What comes meanwhile and what the reject becomes are two rows.
  Drop("contacts-20251127.csv",
       "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;"
       "Amended\nDCC-20066;B;T;26/11/2025;10:00;OFF;DNA;W;26/11/2025 16:13\n"
       "TRAILER;1\n");
  ASSERT_THAT(Take(), IsOk());
  clock_.Advance(absl::Seconds(1));
  bus_.ComeBack();
  Work();
  const auto reply = Replay(ref, "Contact Date", "25/11/2025");
  ASSERT_THAT(reply, IsOk());
  EXPECT_TRUE(reply->duplicate());
  EXPECT_EQ(reply->item().state(), "replayed");
  EXPECT_EQ(reply->item().item_ref(), ref);
  EXPECT_THAT(Contacts(), SizeIs(2));
  EXPECT_THAT(Events("KeptItemReplayed"), SizeIs(1));
  // The same request for something else is none.
  edge::v1::ReplayItemRequest other;
  other.mutable_command()->set_request_id(
      absl::StrCat("replay", ref, "25/11/2025"));
  other.set_item_ref(ref);
  other.set_reason("ENTERED_IN_ERROR");
  EXPECT_THAT(service_->Replay(clerk_, other),
              HasCode(StatusCode::kInvalidArgument));
}

// The process ends at each point at which something is on the disk or on its
// way, and starts again. In the end there is one fact and one effect.
TEST_F(CaseServiceTest, ACrashAnywhereMakesAnActOneFactAndOneEffect) {
  const auto crash = [this] {
    Restart();
    Make();
  };
  for (const bool replays : {true, false}) {
    for (const int at : {0, 1, 2}) {
      SCOPED_TRACE(absl::StrCat(replays ? "replay" : "leave", " at ", at));
      const size_t facts =
          Events(replays ? "KeptItemReplayed" : "KeptItemLeft").size();
      const size_t contacts = Contacts().size();
      const std::string day = absl::StrCat(20 + at, "/11/2025");
      const std::string ref =
          DropRow(absl::StrCat("31/", replays ? 11 : 6, "/20", 20 + at), "DNA");
      const auto act = [&] {
        return replays ? Replay(ref, "Contact Date", day) : Leave(ref, ref);
      };
      works_ = false;
      if (at == 1) bus_.GoAwayBeforeNextAnswer();
      EXPECT_THAT(act(), HasCode(StatusCode::kUnavailable));
      EXPECT_THAT(Rejects(), SizeIs(1));
      clock_.Advance(absl::Seconds(1));
      if (at == 0) crash();  // Nobody has published it.
      if (at == 1) {         // The bus has it, and nobody here knows.
        EXPECT_EQ(worker_->RunOnce(mappings_.Feeds()),
                  RowWorker::Step::kBlocked);
        crash();
        bus_.ComeBack();
        ASSERT_TRUE(bus_.WaitForAnswers(absl::Seconds(5)));
      }
      if (at == 2) {  // It is done, and nobody was told.
        EXPECT_EQ(worker_->RunOnce(mappings_.Feeds()), RowWorker::Step::kDone);
        crash();
        EXPECT_THAT(Rejects(), IsEmpty());
      }
      Work();
      const auto reply = act();
      ASSERT_THAT(reply, IsOk());
      EXPECT_TRUE(reply->duplicate());
      EXPECT_EQ(Events(replays ? "KeptItemReplayed" : "KeptItemLeft").size(),
                facts + 1);
      EXPECT_EQ(Contacts().size(), contacts + (replays ? 1 : 0));
      EXPECT_THAT(Rejects(), IsEmpty());
      works_ = true;
    }
  }
}

TEST_F(CaseServiceTest, OfTwoOneWinsAndTheOtherIsToldWhatHappened) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  works_ = false;
  EXPECT_THAT(Leave(ref, "one"), HasCode(StatusCode::kUnavailable));
  for (const bool ended : {false, true}) {
    if (ended) Work();
    const auto late = Replay(ref, "Contact Date", "25/11/2025");
    EXPECT_THAT(late, HasCode(StatusCode::kAborted));
    EXPECT_THAT(late.status().message(),
                HasSubstr("it was left by urn:concordat:dundee-city-council:"
                          "jsw at "));
    EXPECT_THAT(Leave(ref, "two"), HasCode(StatusCode::kAborted));
  }
  EXPECT_THAT(Events("KeptItemLeft"), SizeIs(1));
}

TEST_F(CaseServiceTest, WhatIsLeftIsDestroyedAndTheActRemembered) {
  const std::string ref = DropRow(std::string(3000, '3') + "/11/2025", "DNA");
  const uint64_t before = BytesOnDisk();
  ASSERT_THAT(Leave(ref), IsOk());
  EXPECT_LT(BytesOnDisk() + 3000, before);
  Restart();
  Make();
  const auto again = Leave(ref);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->duplicate());
  EXPECT_THAT(Events("KeptItemLeft"), SizeIs(1));
}

TEST_F(CaseServiceTest, WhatTheHubRefusesIsOpenAgain) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  bus_.RefuseNext(bus::v1::REFUSAL_TYPE_NOT_ALLOWED, "no");
  EXPECT_THAT(Leave(ref), HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(service_->List(clerk_)->items(0).state(), "open");
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "later");
  ASSERT_THAT(Leave(ref), HasCode(StatusCode::kUnavailable));
  Work();
  EXPECT_THAT(Leave(ref), IsOk());
  EXPECT_THAT(Rejects(), IsEmpty());
}

TEST_F(CaseServiceTest, AReasonThatIsNoCodeIsNoAct) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  edge::v1::LeaveItemRequest leave;
  leave.mutable_command()->set_request_id("leave");
  leave.set_item_ref(ref);
  leave.set_reason("because");
  EXPECT_THAT(service_->Leave(clerk_, leave),
              HasCode(StatusCode::kInvalidArgument));
  leave.set_reason("ENTERED_IN_ERROR");
  leave.mutable_command()->clear_request_id();
  EXPECT_THAT(service_->Leave(clerk_, leave),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(bus_.events(), IsEmpty());
  EXPECT_EQ(service_->List(clerk_)->items(0).state(), "open");
}

TEST_F(CaseServiceTest, LookingIsAFact) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  edge::v1::LookAtItemRequest look;
  look.set_item_ref(ref);
  const auto looked = service_->Look(clerk_, look);
  ASSERT_THAT(looked, IsOk());
  ASSERT_THAT(looked->fields(), SizeIs(6));
  EXPECT_EQ(looked->fields(1).name(), "Contact Date");
  EXPECT_EQ(looked->fields(1).value(), "31/11/2025");
  ASSERT_THAT(Events("KeptItemOpened"), SizeIs(1));
  hub::v1::KeptItemOpened opened;
  ASSERT_TRUE(opened.ParseFromString(Events("KeptItemOpened")[0].Data()));
  EXPECT_EQ(opened.by(), "urn:concordat:dundee-city-council:jsw");
  // By the log's time, which may stand still: another look is another all the same.
  clock_.Advance(absl::Seconds(1));
  ASSERT_THAT(service_->Look(clerk_, look), IsOk());
  ASSERT_THAT(Events("KeptItemOpened"), SizeIs(2));
  for (const View& view : Events("KeptItemOpened")) {
    EXPECT_EQ(view.header.time_us,
              static_cast<uint64_t>(absl::ToUnixMicros(log_clock_.Now())));
  }
}

TEST_F(CaseServiceTest, AVanishedRowIsTakenBackOnAWord) {
  contacts_.set_content(edge::v1::CONTENT_EVERYTHING);
  contacts_.set_vanished(edge::v1::VANISHED_ASK);
  mappings_ = *Load();
  DropRow("25/11/2025", "DNA");
  DropAndWork("contacts-20251127.csv",
              "ClientID;Surname;Forename;Contact "
              "Date;Time;Type;Outcome;Worker;Amended\nTRAILER;0\n");
  const auto list = service_->List(clerk_);
  ASSERT_THAT(list->items(), SizeIs(1));
  EXPECT_FALSE(Ready());
  EXPECT_THAT(OperatorReplays(list->items(0).item_ref()),
              HasCode(StatusCode::kFailedPrecondition));
  ASSERT_THAT(Replay(list->items(0).item_ref()), IsOk());
  Work();
  const auto events = Events("ContactRecorded");
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].header.retracts, events[0].header.id);
  EXPECT_THAT(Rejects(), IsEmpty());
}

}  // namespace
}  // namespace concordat::casefile

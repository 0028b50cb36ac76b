// What the clerk of a council can do with rows that could not be read. Mutants,
// each with the test that catches it:
//
//   another agency's clerk sees rows          IsForTheClerkOfItsOwnAgency
//   reasons shown to the operator             TheOperatorSeesCountsAlone
//   replayed without the fact of it           ARowThatIsMendedIsTaken
//   read by the mapping of then               AMendedMappingReadsItAgain
//   acted on although the bus is away         NothingChangesWhileTheBusIsAway
//   a question answered by nothing            AVanishedRowIsTakenBackOnAWord
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
    parts.load_mappings = [this] { return Load(); };
    parts.wake = [this] { ++woken_; };
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
    request.set_item_ref(ref);
    request.set_reason("ENTERED_IN_ERROR");
    if (!column.empty()) {
      edge::v1::ShownField& mended = *request.add_mended();
      mended.set_name(column);
      mended.set_value(text);
    }
    return service_->Replay(clerk_, request);
  }

  bus::v1::Principal clerk_;
  edge::v1::CaseFileMapping contacts_;
  int woken_ = 0;
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

TEST_F(CaseServiceTest, TheOperatorSeesCountsAlone) {
  DropRow("31/11/2025", "DNA");
  bus::v1::Principal admin;
  admin.set_agency("concordat-operator");
  admin.set_role("operator");
  const auto list = service_->List(admin);
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->counts().refused(), 1u);
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
  ASSERT_THAT(Replay(ref, "Contact Date", "25/11/2025"), IsOk());
  EXPECT_EQ(woken_, 1);
  Restart();
  Make();
  Work();
  EXPECT_THAT(
      Contacts(),
      ElementsAre("{\"mode\":\"OFFICE\",\"outcome\":\"MISSED\"} person 1"));
  EXPECT_THAT(Rejects(), IsEmpty());
  EXPECT_THAT(Events("KeptItemReplayed"), SizeIs(1));
  EXPECT_THAT(Replay(ref), HasCode(StatusCode::kNotFound));
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

TEST_F(CaseServiceTest, NothingChangesWhileTheBusIsAway) {
  const std::string ref = DropRow("31/11/2025", "DNA");
  bus_.GoAway();
  EXPECT_THAT(Replay(ref, "Contact Date", "25/11/2025"),
              HasCode(StatusCode::kUnavailable));
  edge::v1::LeaveItemRequest leave;
  leave.set_item_ref(ref);
  leave.set_reason("ENTERED_IN_ERROR");
  EXPECT_THAT(service_->Leave(clerk_, leave),
              HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(Rejects(), SizeIs(1));
  bus_.ComeBack();
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(service_->Leave(clerk_, leave), IsOk());
  EXPECT_THAT(Rejects(), IsEmpty());
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
  ASSERT_THAT(Replay(list->items(0).item_ref()), IsOk());
  Work();
  const auto events = Events("ContactRecorded");
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].header.retracts, events[0].header.id);
  EXPECT_THAT(Rejects(), IsEmpty());
}

}  // namespace
}  // namespace concordat::casefile

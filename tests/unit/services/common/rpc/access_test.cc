// Access records: whom a call was about, and the extract of them.
//
// Mutant                                           Caught by
// persons of the answer, or nested ones, left out  FindsPersonsWhereverTheyStand
// a text like a key counts, or one counts twice    FindsPersonsWhereverTheyStand
// more than a record holds, and nobody is told     SaysThatThereWereMore
// a command consults, a link does not combine      MethodsSayWhatTheyDo
// anybody reads the extract                        OnlyCoordinatorsAndGuardiansRead
// a guardian reads of another agency               AGuardianReadsOfItsOwn
// a filter is not looked at                        FiltersNarrow
// a delivery of other events counts for a person   DeliveriesAreThoseOfThePersonsEvents
// another delivery's acknowledgement counts        DeliveriesAreThoseOfThePersonsEvents
// pages lose a record, or have one twice           PagesHaveEverythingOnce
// a crash is not told from an end                  ACrashIsToldFromAnEnd
// more events than a page holds go round in it     PagesHaveEveryEventOnceAndThenTheRecords
// a period tells no events of the log              PagesHaveEveryEventOnceAndThenTheRecords
// a guardian is told others' events of a period    AGuardianIsToldEventsOfItsOwn
// a record that is proved is another               EachRecordIsInTheTree
// each page reads from the first record on         PagesWithProofReadNothingTwice
// a record has no proof that came after a page     WhatIsRecordedBetweenPagesIsOfTheNext
// acknowledgements are read once and never again   AnAcknowledgementCountsWheneverItComes
// what a system was sent is nobody's, of nobody     ADeliveryIsTheSubscribers
// a controller is told which of others' systems    ADeliveryIsTheSubscribers
// of several access logs one is told as all        SaysWhatItsLogDoesNotHave
// a row names whom the person's lists keep out     ToWhomIsKeptOutThereIsNoAccess
// or its proof does, or that the person was asked  ToWhomIsKeptOutThereIsNoAccess
// who asked before is not told of its own question ToWhomIsKeptOutThereIsNoAccess
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "concordat/alerts/v1/service.pb.h"
#include "concordat/identity/v1/service.pb.h"
#include "concordat/police/v1/service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/ids.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/access_service.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::FakeDisk;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kDescribe[] = "concordat.identity.v1.IdentityService/Describe";

std::string Key(int person) {
  return PersonKey({static_cast<uint8_t>(person), 7}).ToString();
}

TEST(CallPersonsTest, FindsPersonsWhereverTheyStand) {
  alerts::v1::ListAlertsResponse response;
  response.add_alerts()->set_subject(Key(1));
  response.add_alerts()->set_subject(Key(2));
  response.add_alerts()->set_subject(Key(1));
  response.mutable_alerts(0)->set_localsubject("p-not-a-key-of-twenty-eight!");
  CallPersons persons;
  persons.Add(response);
  EXPECT_THAT(persons.subjects, ElementsAre(Key(1), Key(2)));
  identity::v1::DescribeManyRequest request;
  request.add_subjects(Key(3));
  persons.AddRequest(request);
  EXPECT_THAT(persons.subjects, ElementsAre(Key(1), Key(2), Key(3)));
  EXPECT_FALSE(persons.is_command);
  EXPECT_FALSE(persons.more);
}

TEST(CallPersonsTest, SaysThatThereWereMore) {
  identity::v1::DescribeManyRequest request;
  for (size_t i = 0; i < CallPersons::kMax + 1; ++i) {
    request.add_subjects(
        PersonKey({static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8), 1})
            .ToString());
  }
  CallPersons persons;
  persons.Add(request);
  EXPECT_EQ(persons.subjects.size(), CallPersons::kMax);
  EXPECT_TRUE(persons.more);
}

TEST(CallPersonsTest, MethodsSayWhatTheyDo) {
  police::v1::RecordVisitRequest visit;
  visit.mutable_command()->set_on_behalf_of("e.tulliallan");
  CallPersons persons;
  persons.AddRequest(visit);
  EXPECT_TRUE(persons.is_command);
  EXPECT_EQ(persons.on_behalf_of, "e.tulliallan");
  EXPECT_EQ(OperationOf("concordat.police.v1.PoliceService/RecordVisit", true),
            policy::v1::OPERATION_ALTERATION);
  EXPECT_EQ(OperationOf(kDescribe, false), policy::v1::OPERATION_CONSULTATION);
  EXPECT_EQ(
      OperationOf("concordat.identity.v1.IdentityService/ConfirmLink", true),
      policy::v1::OPERATION_COMBINATION);
  EXPECT_EQ(OperationOf("concordat.identity.v1.IdentityService/Register", true),
            policy::v1::OPERATION_COLLECTION);
  EXPECT_EQ(OperationOf("what/Ever", false),
            policy::v1::OPERATION_CONSULTATION);
}

class AccessTest : public ::testing::Test {
 protected:
  AccessTest() { Open(); }
  void Open() {
    auto store = AccessStore::Open(disk_, [this] { return log_us_; });
    EXPECT_THAT(store, IsOk());
    reader_ = nullptr;
    tree_ = nullptr;
    store_ = *std::move(store);
  }
  absl::Status Refused(const bus::v1::Principal& caller,
                       const access::v1::ListAccessRequest& request) {
    AccessTree tree(*store_, "test/access");
    return AccessReader(*store_, tree).List(caller, request).status();
  }
  static bus::v1::Principal Who(std::string agency, std::string role) {
    bus::v1::Principal principal;
    principal.set_agency(std::move(agency));
    principal.set_role(std::move(role));
    return principal;
  }
  void Called(absl::string_view agency, absl::string_view staff, int person,
              absl::string_view method = kDescribe) {
    CallPersons persons;
    persons.subjects = {Key(person)};
    AccessRecord record;
    record.at = absl::FromUnixMicros(static_cast<int64_t>(++now_us_));
    record.principal = "someone";
    record.agency = agency;
    record.staff = staff;
    record.method = method;
    record.purpose = "MAPPA_REVIEW";
    record.persons = &persons;
    ASSERT_THAT(store_->Append(record), IsOk());
  }
  void Add(access::v1::Record record) {
    record.set_time(++now_us_);
    ASSERT_THAT(store_->Add(absl::MakeConstSpan(&record, 1)), IsOk());
  }
  std::vector<access::v1::Access> Ask(
      const access::v1::ListAccessRequest& request,
      const bus::v1::Principal& caller) {
    last_ = {};
    // Of one log, one reader: it goes on from question to question.
    if (reader_ == nullptr) {
      tree_ = std::make_unique<AccessTree>(*store_, "test/access");
      reader_ = std::make_unique<AccessReader>(*store_, *tree_, events_);
    }
    const auto response = reader_->List(caller, request);
    EXPECT_THAT(response, IsOk());
    if (response.ok()) last_ = *response;
    return {last_.accesses().begin(), last_.accesses().end()};
  }

  FakeDisk disk_;
  uint64_t log_us_ = 5;
  uint64_t now_us_ = 1000;
  std::unique_ptr<AccessStore> store_;
  std::unique_ptr<AccessTree> tree_;
  std::unique_ptr<AccessReader> reader_;
  AccessEvents events_;  // From the first question on.
  access::v1::ListAccessResponse last_;
  const bus::v1::Principal coordinator_ = Who("mappa-tayside", "coordinator");
};

TEST_F(AccessTest, OnlyCoordinatorsAndGuardiansRead) {
  for (const char* role : {"operator", "police", "service", ""}) {
    EXPECT_THAT(Refused(Who("police-scotland", role), {}),
                HasCode(absl::StatusCode::kPermissionDenied))
        << role;
  }
  access::v1::ListAccessRequest bad;
  bad.set_subject("Torquil");
  EXPECT_THAT(Refused(coordinator_, bad),
              HasCode(absl::StatusCode::kInvalidArgument));
  bad.clear_subject();
  bad.set_from(5);
  bad.set_to(5);
  EXPECT_THAT(Refused(coordinator_, bad),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(AccessTest, AGuardianReadsOfItsOwn) {
  Called("police-scotland", "a", 1);
  Called("nhs-tayside", "b", 1);
  EXPECT_EQ(Ask({}, coordinator_).size(), 2u);
  const auto own = Ask({}, Who("nhs-tayside", "guardian"));
  ASSERT_EQ(own.size(), 1u);
  EXPECT_EQ(own[0].staff(), "b");
  EXPECT_EQ(own[0].log_time(), 5u);
  EXPECT_EQ(own[0].purpose(), "MAPPA_REVIEW");
  EXPECT_EQ(own[0].operation(), policy::v1::OPERATION_CONSULTATION);
}

TEST_F(AccessTest, FiltersNarrow) {
  Called("police-scotland", "a", 1);
  Called("police-scotland", "b", 2);
  Called("police-scotland", "a", 2,
         "concordat.identity.v1.IdentityService/ConfirmLink");
  access::v1::ListAccessRequest request;
  request.set_subject(Key(2));
  EXPECT_EQ(Ask(request, coordinator_).size(), 2u);
  request.set_user("a");
  EXPECT_EQ(Ask(request, coordinator_).size(), 1u);
  request.clear_subject();
  EXPECT_EQ(Ask(request, coordinator_).size(), 2u);
  request.add_operations(policy::v1::OPERATION_COMBINATION);
  ASSERT_EQ(Ask(request, coordinator_).size(), 1u);
  EXPECT_EQ(last_.accesses(0).record(), 2u);
  request.Clear();
  request.set_from(1002);
  request.set_to(1003);
  ASSERT_EQ(Ask(request, coordinator_).size(), 1u);
  EXPECT_EQ(last_.accesses(0).staff(), "b");
  request.Clear();
  request.set_agency("nhs-tayside");
  EXPECT_THAT(Ask(request, coordinator_), IsEmpty());
}

TEST_F(AccessTest, DeliveriesAreThoseOfThePersonsEvents) {
  events_.of_person =
      [](const std::string&) -> absl::StatusOr<AccessEvents::BySequence> {
    AccessEvents::BySequence events;
    for (const uint64_t sequence : {11, 13}) {
      PersonEvent& event = events[sequence];
      event.controller = sequence == 11 ? "nhs-tayside" : "police-scotland";
      event.access.set_operation(policy::v1::OPERATION_COLLECTION);
      event.access.set_agency(event.controller);
    }
    return events;
  };
  access::v1::Record record;
  access::v1::Delivered& delivered = *record.mutable_delivered();
  delivered.set_session(4);
  delivered.set_agency("dundee-city-council");
  delivered.set_first_delivery(7);
  for (const auto& [first, count] :
       std::vector<std::pair<uint64_t, uint32_t>>{{10, 2}, {13, 1}, {20, 1}}) {
    access::v1::Run& run = *delivered.add_runs();
    run.set_first(first);
    run.set_count(count);
    run.set_groups(1);
  }
  Add(record);
  access::v1::Record acknowledged;
  acknowledged.mutable_acknowledged()->set_session(4);
  acknowledged.mutable_acknowledged()->set_through_delivery(8);  // 10 and 11.
  Add(acknowledged);
  acknowledged.mutable_acknowledged()->set_session(5);
  acknowledged.mutable_acknowledged()->set_through_delivery(99);
  Add(acknowledged);
  access::v1::ListAccessRequest request;
  request.set_subject(Key(1));
  auto rows = Ask(request, coordinator_);
  ASSERT_EQ(rows.size(), 3u);  // Collected twice, disclosed once.
  EXPECT_EQ(rows[2].operation(), policy::v1::OPERATION_DISCLOSURE);
  EXPECT_THAT(rows[2].sequences(), ElementsAre(11, 13));
  EXPECT_EQ(rows[2].events(), 2u);
  EXPECT_EQ(rows[2].acknowledged(), 1u);
  // Of what its agency controls; what others do with others' is not its.
  rows = Ask(request, Who("nhs-tayside", "guardian"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[1].sequences(), ElementsAre(11));
  EXPECT_THAT(Ask({}, Who("nhs-tayside", "guardian")), IsEmpty());
  ASSERT_EQ(Ask({}, coordinator_).size(), 1u);
  EXPECT_EQ(last_.accesses(0).events(), 4u);
}

TEST_F(AccessTest, ADeliveryIsTheSubscribers) {
  events_.subject_of = [](uint64_t sequence) -> absl::StatusOr<std::string> {
    return sequence == 13 ? "" : Key(static_cast<int>(sequence));
  };
  events_.of_person =
      [](const std::string&) -> absl::StatusOr<AccessEvents::BySequence> {
    AccessEvents::BySequence events;
    events[10].controller = "nhs-tayside";
    events[10].access.set_agency("nhs-tayside");
    return events;
  };
  const auto delivered = [this](uint64_t session, const std::string& principal,
                                std::vector<uint64_t> sequences) {
    access::v1::Record record;
    record.mutable_subscribed()->set_session(session);
    record.mutable_subscribed()->set_principal(principal);
    Add(record);
    access::v1::Delivered& to = *record.mutable_delivered();
    to.set_session(session);
    to.set_agency("dundee-city-council");
    for (const uint64_t sequence : sequences) {
      to.add_runs()->set_first(sequence);
      to.mutable_runs(to.runs_size() - 1)->set_count(1);
    }
    Add(record);
  };
  delivered(4, "council-system", {10, 11, 11, 13});
  delivered(5, "another-system", {20});
  access::v1::ListAccessRequest request;
  auto rows = Ask(request, coordinator_);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].principal(), "council-system");
  EXPECT_EQ(rows[1].principal(), "another-system");
  EXPECT_THAT(rows[0].subjects(), IsEmpty());
  // Who asks what somebody had is told of whom.
  request.set_user("council-system");
  rows = Ask(request, coordinator_);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].events(), 4u);
  EXPECT_THAT(rows[0].subjects(),
              ::testing::UnorderedElementsAre(Key(10), Key(11)));
  // A controller of some of them is not told which system of theirs.
  request.Clear();
  request.set_subject(Key(10));
  rows = Ask(request, Who("nhs-tayside", "guardian"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].agency(), "dundee-city-council");
  EXPECT_EQ(rows[1].principal(), "");
}

TEST_F(AccessTest, PagesHaveEverythingOnce) {
  for (int i = 0; i < 5; ++i) Called("police-scotland", "a", i);
  access::v1::ListAccessRequest request;
  request.set_limit(2);
  std::vector<uint64_t> records;
  do {
    for (const auto& row : Ask(request, coordinator_)) {
      records.push_back(row.record());
    }
    request.set_after(last_.next());
  } while (last_.more());
  EXPECT_THAT(records, ElementsAre(0, 1, 2, 3, 4));
}

// Of a log whose events are 1 to 5, two of which one call may look at.
AccessEvents FiveEvents() {
  AccessEvents events;
  events.of_period = [](uint64_t from, uint64_t to,
                        uint64_t after) -> absl::StatusOr<AccessEvents::Part> {
    AccessEvents::Part part;
    part.through = std::max(after, from == 0 ? 0 : from - 1);
    for (int i = 0; i < 2 && part.through < 5; ++i) {
      const uint64_t sequence = part.through + 1;
      if (to != 0 && sequence >= to) return part;
      part.through = sequence;
      PersonEvent& event = part.events[sequence];
      event.controller = sequence == 3 ? "nhs-tayside" : "police-scotland";
      event.access.set_operation(policy::v1::OPERATION_COLLECTION);
      event.access.set_agency(event.controller);
      event.access.set_time(sequence);
      event.access.set_record(sequence);
      event.access.set_of_event(true);
    }
    part.more = part.through < 5;
    return part;
  };
  return events;
}

TEST_F(AccessTest, PagesHaveEveryEventOnceAndThenTheRecords) {
  events_ = FiveEvents();
  for (int i = 0; i < 3; ++i) Called("police-scotland", "a", i);
  for (const uint32_t limit : {1, 2, 3, 5, 7, 0}) {
    access::v1::ListAccessRequest request;
    request.set_limit(limit);
    std::vector<uint64_t> events;
    std::vector<uint64_t> records;
    int pages = 0;
    do {
      ASSERT_LT(++pages, 20) << limit;
      for (const auto& row : Ask(request, coordinator_)) {
        (row.of_event() ? events : records).push_back(row.record());
      }
      request.set_after(last_.next());
      request.set_after_event(last_.next_event());
    } while (last_.more());
    EXPECT_THAT(events, ElementsAre(1, 2, 3, 4, 5)) << limit;
    EXPECT_THAT(records, ElementsAre(0, 1, 2)) << limit;
  }
  access::v1::ListAccessRequest request;
  request.set_from(2);
  request.set_to(4);
  EXPECT_EQ(Ask(request, coordinator_).size(), 2u);
  request.Clear();
  request.add_operations(policy::v1::OPERATION_CONSULTATION);
  EXPECT_EQ(Ask(request, coordinator_).size(), 3u);
}

TEST_F(AccessTest, AGuardianIsToldEventsOfItsOwn) {
  events_ = FiveEvents();
  access::v1::ListAccessRequest request;
  std::vector<uint64_t> events;
  do {
    for (const auto& row : Ask(request, Who("nhs-tayside", "guardian"))) {
      events.push_back(row.record());
    }
    request.set_after_event(last_.next_event());
  } while (last_.more());
  EXPECT_THAT(events, ElementsAre(3));
}

TEST_F(AccessTest, ToWhomIsKeptOutThereIsNoAccess) {
  bus::v1::Principal kept_out = Who("mappa-tayside", "coordinator");
  kept_out.set_name("kept-out");
  events_.of_person = [](const std::string& subject)
      -> absl::StatusOr<AccessEvents::BySequence> {
    AccessEvents::BySequence events;
    events[4].access.add_subjects(subject);
    return events;
  };
  events_.of_period = [](uint64_t, uint64_t,
                         uint64_t) -> absl::StatusOr<AccessEvents::Part> {
    AccessEvents::Part part;
    part.events[4].access.add_subjects(Key(2));
    return part;
  };
  events_.allow = [](const bus::v1::Principal& caller,
                     const PersonKey& person) -> absl::StatusOr<bool> {
    return caller.name() != "kept-out" || person.ToString() != Key(2);
  };
  Called("police-scotland", "a", 1);
  Called("police-scotland", "a", 2);
  const auto call = [&](const char* principal, bool both) {
    access::v1::Record record;
    record.mutable_called()->set_principal(principal);
    if (both) record.mutable_called()->add_subjects(Key(1));
    record.mutable_called()->add_subjects(Key(2));
    Add(record);
  };
  call("somebody", true);
  EXPECT_EQ(Ask({}, coordinator_).size(), 4u);
  const auto rows = Ask({}, kept_out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[0].subjects(), ElementsAre(Key(1)));
  EXPECT_THAT(rows[1].subjects(), ElementsAre(Key(1)));
  access::v1::ListAccessRequest request;
  request.set_with_proof(true);
  EXPECT_EQ(Ask(request, kept_out).size(), 1u);
  EXPECT_EQ(last_.proofs_size(), 1);
  request.Clear();
  request.set_subject(Key(2));
  EXPECT_EQ(Ask(request, coordinator_).size(), 3u);
  EXPECT_THAT(Ask(request, kept_out), IsEmpty());
  // As of a person that there is not, whom it asked about.
  call("kept-out", false);
  EXPECT_EQ(Ask(request, kept_out).size(), 1u);
}

TEST_F(AccessTest, SaysWhatItsLogDoesNotHave) {
  events_.missing = "what another process delivered";
  Ask({}, coordinator_);
  EXPECT_EQ(last_.missing(), events_.missing);
}

TEST_F(AccessTest, EachRecordIsInTheTree) {
  for (int i = 0; i < 5; ++i) Called("police-scotland", "a", i % 2);
  access::v1::ListAccessRequest request;
  request.set_subject(Key(1));
  request.set_with_proof(true);
  ASSERT_EQ(Ask(request, coordinator_).size(), 2u);
  ASSERT_EQ(last_.proofs_size(), 2);
  const auto checkpoint = ParseCheckpoint(last_.checkpoint());
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_EQ(checkpoint->origin, "test/access");
  EXPECT_EQ(checkpoint->size, 5u);
  for (int i = 0; i < 2; ++i) {
    const auto& proved = last_.proofs(i);
    EXPECT_EQ(proved.number(), last_.accesses(i).record());
    access::v1::Record record;
    ASSERT_TRUE(record.ParseFromString(proved.record()));
    EXPECT_EQ(record.time(), last_.accesses(i).time());
    std::vector<TreeHash> proof;
    for (const std::string& hash : proved.proof()) {
      proof.push_back(*TreeHashOf(hash));
    }
    EXPECT_THAT(
        CheckInclusion(proved.number(), checkpoint->size,
                       HashLeaf(proved.record()), proof, checkpoint->root),
        IsOk());
  }
  request.clear_with_proof();
  Ask(request, coordinator_);
  EXPECT_EQ(last_.proofs_size(), 0);
  EXPECT_TRUE(last_.checkpoint().empty());
}

TEST_F(AccessTest, PagesWithProofReadNothingTwice) {
  // More than one stretch of the chain, and of a person each.
  const std::string long_words(2000, 'x');
  for (int i = 0; i < 600; ++i) Called("police-scotland", long_words, i % 250);
  access::v1::ListAccessRequest request;
  request.set_with_proof(true);
  request.set_limit(200);
  ASSERT_EQ(Ask(request, coordinator_).size(), 200u);
  ASSERT_TRUE(last_.more());
  // What was read and followed rots: who goes on from there does not see it.
  disk_.FlipBit("records-00000001", 800);
  size_t rows = 200;
  while (last_.more()) {
    request.set_after(last_.next());
    const size_t page = Ask(request, coordinator_).size();
    ASSERT_GT(page, 0u);
    rows += page;
    EXPECT_EQ(static_cast<size_t>(last_.proofs_size()), page);
  }
  EXPECT_EQ(rows, 600u);
  request.clear_after();
  EXPECT_THAT(reader_->List(coordinator_, request),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(AccessTest, WhatIsRecordedBetweenPagesIsOfTheNext) {
  for (int i = 0; i < 3; ++i) Called("police-scotland", "a", i);
  access::v1::ListAccessRequest request;
  request.set_with_proof(true);
  request.set_limit(2);
  ASSERT_EQ(Ask(request, coordinator_).size(), 2u);
  EXPECT_EQ(ParseCheckpoint(last_.checkpoint())->size, 3u);
  Called("police-scotland", "b", 3);
  request.set_after(last_.next());
  ASSERT_EQ(Ask(request, coordinator_).size(), 2u);
  EXPECT_FALSE(last_.more());
  EXPECT_EQ(ParseCheckpoint(last_.checkpoint())->size, 4u);
  EXPECT_EQ(last_.accesses(1).staff(), "b");
}

TEST_F(AccessTest, AnAcknowledgementCountsWheneverItComes) {
  access::v1::Record record;
  access::v1::Delivered& delivered = *record.mutable_delivered();
  delivered.set_session(4);
  delivered.set_agency("dundee-city-council");
  delivered.set_first_delivery(1);
  access::v1::Run& run = *delivered.add_runs();
  run.set_first(10);
  run.set_count(3);
  Add(record);
  const auto acknowledged = [&] {
    const auto rows = Ask({}, coordinator_);
    return rows.empty() ? 99 : rows[0].acknowledged();
  };
  EXPECT_EQ(acknowledged(), 0u);
  access::v1::Record singly;
  singly.mutable_acknowledged()->set_session(4);
  singly.mutable_acknowledged()->add_deliveries(3);
  Add(singly);
  EXPECT_EQ(acknowledged(), 1u);
  access::v1::Record through;
  through.mutable_acknowledged()->set_session(4);
  through.mutable_acknowledged()->set_through_delivery(2);
  Add(through);
  EXPECT_EQ(acknowledged(), 3u);
}

TEST_F(AccessTest, ACrashIsToldFromAnEnd) {
  const auto begin = [&] {
    access::v1::Record began;
    began.set_time(++now_us_);
    began.mutable_began()->set_program("concordat-test");
    EXPECT_THAT(BeginAccess(*store_, began), IsOk());
  };
  begin();
  Called("police-scotland", "a", 1);
  Open();
  begin();
  EXPECT_THAT(
      EndAccess(*store_, absl::FromUnixMicros(static_cast<int64_t>(++now_us_))),
      IsOk());
  Open();
  begin();
  Ask({}, coordinator_);
  ASSERT_EQ(last_.not_running_size(), 2);
  EXPECT_TRUE(last_.not_running(0).crashed());
  EXPECT_EQ(last_.not_running(0).from(), 1002u);
  EXPECT_EQ(last_.not_running(0).to(), 1003u);
  EXPECT_FALSE(last_.not_running(1).crashed());
}

}  // namespace
}  // namespace concordat

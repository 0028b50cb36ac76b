// What each of the story's readers reads of its cases, by the demo's agreement.
//
// Mutant                                            Caught by
// every party reads the category                    APartyReadsTheCaseAndNotHow…
// groups not judged one by one                      GroupsThatAreNotGranted…
// who left still reads                              WhoLeavesReadsNothing…
// role not asked                                    ARoleWithoutAGrantReadsNothing
// purpose not asked                                 APurposeWithoutAnAgreement…
// an ended agreement still gives                    AnAgreementThatEnded…
// wall clock asked where the story's time is        TheStorysTimeIsTheLogs
// on_behalf_of shown to who sees a part             GroupsThatAreNotGranted…
// open case forgotten when another one is closed    TheOpenCaseIsTheOne…
// a withdrawn fact named to whom it is not shown    WhoNeverSawTheFactIsToldNothing
// who was shown it once is told nothing, or all     WhoMaySeeItNoMoreIsToldThat…
// the right at the fact's time alone asked          WhoMaySeeItNoMoreIsToldThat…
// all of a source taken for what a cut is about     ACutTakesWhatCameByTheNumber
// what was told of an erased person kept            WhatIsErasedIsNoFactAnyMore
// more asked of a fact than its header              every test with a fact: no more comes
// sent more or less than it keeps, or of policy     IsSentWhatItKeepsAndNoMore
//   a header
#include "services/mappa/rpc/case_book.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kPurpose[] = "MAPPA_RISK_MANAGEMENT";
constexpr char kCouncil[] = "dundee-city-council";
constexpr char kPolice[] = "police-scotland";
constexpr char kNhs[] = "nhs-tayside";
constexpr char kArrangement[] = "mappa-tayside";

Recipient Reader(const std::string& agency, const std::string& role,
                 const std::string& purpose = kPurpose) {
  return {
      .agency = agency, .role = role, .process_types = {}, .purpose = purpose};
}
const Recipient kCoordinator = Reader(kArrangement, "coordinator");
const Recipient kOfficer = Reader(kPolice, "police");
const Recipient kLiaison = Reader(kNhs, "nhs-liaison");
const Recipient kWorker = Reader(kCouncil, "supervising-officer");

bool IsIn(const std::string& type, const std::vector<std::string>& list) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

PersonKey Person(uint8_t n) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes[0] = n;
  return PersonKey(bytes);
}

absl::Time At(absl::string_view when) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, when, &time, &error));
  return time;
}

class CaseBookTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto types = testing::DemoTypes();
    ASSERT_THAT(types, IsOk());
    types_ = *types;
    database_ = *Database::Open(":memory:", Database::Durability::kNormal);
    Restart(bus::v1::ENVIRONMENT_DEMO);
  }

  // An empty book that knows the demo's agreement.
  void Restart(bus::v1::Environment environment) {
    book_ = std::make_unique<CaseBook>(types_, environment, clock_);
    sequence_ = 0;
    now_ = At("2025-11-03T14:00:00Z");
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, IsOk());
    for (const policy::v1::Agreement& agreement : *agreements) {
      hub::v1::AgreementAdopted adopted;
      adopted.set_agreement(agreement.SerializeAsString());
      Apply(adopted, PersonKey(), "mappa-tayside", "hub/agreements");
    }
  }

  void Apply(const google::protobuf::Message& message, const PersonKey& subject,
             const std::string& controller, const std::string& stream,
             const std::function<void(Header&)>& change = nullptr) {
    const EventType* type = types_->Find(message.GetTypeName());
    ASSERT_NE(type, nullptr);
    View view;
    view.sequence = {++sequence_};
    view.accepted_us = static_cast<uint64_t>(absl::ToUnixMicros(now_));
    view.header.id = absl::StrCat("id-", sequence_);
    view.header.source = "urn:concordat:mappa-tayside:mappa";
    view.header.type = message.GetTypeName();
    view.header.controller = controller;
    view.header.subject = subject;
    view.header.stream = stream;
    view.header.time_us = view.accepted_us;
    view.header.regime =
        controller == kPolice ? bus::v1::REGIME_PART3 : bus::v1::REGIME_GDPR;
    view.header.on_behalf_of = "coordinator/mc";
    if (change != nullptr) change(view.header);
    auto groups = type->Split(message.SerializeAsString());
    ASSERT_THAT(groups, IsOk());
    for (const auto& group : *groups) {
      // As the bus sends it.
      if (IsIn(view.header.type, Withdrawals::HeaderTypes())) break;
      view.groups.push_back({group.number, group.data, {}});
    }
    ASSERT_THAT(book_->Apply(view, *database_), IsOk());
  }

  void Refer(const PersonKey& person, const std::string& by) {
    v1::ReferralSubmitted referral;
    referral.set_referral_ref("R-1");
    referral.set_category("SONR");
    referral.set_level_sought(2);
    Apply(referral, person, by, "referral/R-1");
  }
  void Notify(const PersonKey& person, const std::string& by) {
    v1::NotificationReceived notification;
    notification.set_category("SONR");
    notification.set_proposed_level(1);
    notification.set_lead(by);
    Apply(notification, person, by, "notification/N-1");
  }
  void Open(const PersonKey& person, std::vector<std::string> parties,
            const std::string& ref = "C-1") {
    v1::CaseOpened opened;
    opened.set_case_ref(ref);
    for (const std::string& party : parties) opened.add_parties(party);
    opened.set_lead(parties.front());
    Apply(opened, person, kArrangement, "case/" + ref);
  }
  void Level(const PersonKey& person, uint32_t from, uint32_t to) {
    v1::LevelChanged level;
    level.set_case_ref("C-1");
    level.set_from_level(from);
    level.set_to_level(to);
    Apply(level, person, kArrangement, "case/C-1");
  }
  void Meet(const PersonKey& person) {
    v1::MeetingHeld held;
    held.set_case_ref("C-1");
    held.set_kind("INITIAL");
    held.set_level(2);
    held.set_rosh("HIGH");
    held.set_review_on("2026-01-29");
    Apply(held, person, kArrangement, "case/C-1");
  }

  // Police shared a concern, under this id; taken back, when `retracts` is one.
  void Concern(const PersonKey& person, const std::string& id,
               const std::string& retracts = "") {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-1");
    Apply(concern, person, kPolice, "", [&](Header& header) {
      header.source = "urn:concordat:police-scotland:rms";
      header.id = id;
      header.retracts = retracts;
    });
  }
  void Leave(const PersonKey& person, const std::string& agency) {
    v1::PartyLeft left;
    left.set_case_ref("C-1");
    left.set_agency(agency);
    Apply(left, person, kArrangement, "case/C-1");
  }
  void Join(const PersonKey& person, const std::string& agency) {
    v1::PartyJoined joined;
    joined.set_case_ref("C-1");
    joined.set_agency(agency);
    Apply(joined, person, kArrangement, "case/C-1");
  }

  testing::FakeClock clock_;
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<CaseBook> book_;
  uint64_t sequence_ = 0;
  absl::Time now_;
};

TEST_F(CaseBookTest, IsSentWhatItKeepsAndNoMore) {
  const auto demo = testing::DemoRegistry();
  ASSERT_THAT(demo, IsOk());
  const auto& principals = demo->principals();
  const auto self = std::find_if(
      principals.begin(), principals.end(),
      [](const auto& each) { return each.name() == "service-mappa"; });
  ASSERT_NE(self, principals.end());
  const auto& headers = self->process().headers();
  EXPECT_THAT(headers,
              ::testing::UnorderedElementsAreArray(Withdrawals::HeaderTypes()));
  std::vector<std::string> sent = {self->process().types().begin(),
                                   self->process().types().end()};
  for (const std::string& type : headers) {
    sent.push_back(type);
    ASSERT_NE(types_->Find(type), nullptr) << type;
    EXPECT_EQ(types_->Find(type)->policy().effect(),
              policy::v1::EFFECT_UNSPECIFIED)
        << type;
  }
  EXPECT_THAT(sent, ::testing::UnorderedElementsAreArray(CaseBook::Types()));
}

TEST_F(CaseBookTest, APartyReadsTheCaseAndNotHowItCameAbout) {
  const PersonKey p2 = Person(2);
  Refer(p2, kCouncil);
  Open(p2, {kCouncil, kPolice, kNhs});
  Level(p2, 0, 2);
  Meet(p2);
  for (const Recipient& reader : {kOfficer, kLiaison}) {
    const CaseFile file = book_->FileOf(p2, reader);
    ASSERT_TRUE(file.record.has_value()) << reader.agency;
    EXPECT_EQ(file.record->level, 2u);
    EXPECT_EQ(file.record->lead, kCouncil);
    EXPECT_THAT(file.record->parties, ElementsAre(kCouncil, kNhs, kPolice));
    EXPECT_EQ(file.record->rosh, "HIGH");
    EXPECT_EQ(file.record->next_review, "2026-01-29");
    EXPECT_EQ(file.category, "") << reader.agency;
    EXPECT_THAT(file.referrals, IsEmpty()) << reader.agency;
  }
  for (const Recipient& reader : {kWorker, kCoordinator}) {
    const CaseFile file = book_->FileOf(p2, reader);
    EXPECT_EQ(file.category, "SONR") << reader.agency;
    EXPECT_THAT(file.referrals, SizeIs(1)) << reader.agency;
  }
}

TEST_F(CaseBookTest, WhoIsNoPartyReadsNothing) {
  Notify(Person(1), kPolice);
  Open(Person(1), {kPolice, kNhs});
  EXPECT_TRUE(book_->FileOf(Person(1), kWorker).empty());
  EXPECT_THAT(book_->FilesOf(kWorker), IsEmpty());
  EXPECT_THAT(book_->FilesOf(kLiaison), SizeIs(1));
  EXPECT_TRUE(book_->FileOf(Person(9), kCoordinator).empty());
}

TEST_F(CaseBookTest, AReferralIsForWhoSentItAndTheCoordinatorOnly) {
  Refer(Person(3), kCouncil);
  EXPECT_THAT(book_->FileOf(Person(3), kWorker).referrals, SizeIs(1));
  EXPECT_THAT(book_->FileOf(Person(3), kCoordinator).referrals, SizeIs(1));
  EXPECT_TRUE(book_->FileOf(Person(3), kOfficer).empty());
}

TEST_F(CaseBookTest, WhoLeavesReadsNothingAndWhoJoinsReadsAll) {
  const PersonKey person = Person(2);
  Open(person, {kCouncil, kPolice});
  Level(person, 0, 2);
  EXPECT_TRUE(book_->FileOf(person, kLiaison).empty());
  v1::PartyJoined joined;
  joined.set_case_ref("C-1");
  joined.set_agency(kNhs);
  Apply(joined, person, kArrangement, "case/C-1");
  v1::PartyLeft left;
  left.set_case_ref("C-1");
  left.set_agency(kPolice);
  Apply(left, person, kArrangement, "case/C-1");
  EXPECT_TRUE(book_->FileOf(person, kOfficer).empty());
  const CaseFile file = book_->FileOf(person, kLiaison);
  ASSERT_TRUE(file.record.has_value());
  EXPECT_EQ(file.record->level, 2u);
  EXPECT_THAT(file.record->parties, ElementsAre(kCouncil, kNhs));
}

TEST_F(CaseBookTest, ARoleWithoutAGrantReadsNothing) {
  Open(Person(2), {kCouncil, kPolice});
  EXPECT_TRUE(
      book_->FileOf(Person(2), Reader(kCouncil, "upw-manager")).empty());
  EXPECT_TRUE(book_->FileOf(Person(2), Reader("concordat-operator", "operator"))
                  .empty());
}

TEST_F(CaseBookTest, APurposeWithoutAnAgreementReadsNothing) {
  Open(Person(2), {kCouncil, kPolice});
  EXPECT_TRUE(book_->FileOf(Person(2), Reader(kPolice, "police", "")).empty());
  EXPECT_TRUE(
      book_->FileOf(Person(2), Reader(kPolice, "police", "HUB_OPERATION"))
          .empty());
}

TEST_F(CaseBookTest, AnAgreementThatEndedGivesNothing) {
  Open(Person(2), {kCouncil, kPolice});
  ASSERT_FALSE(book_->FileOf(Person(2), kOfficer).empty());
  now_ = At("2026-10-01T00:00:00Z");
  hub::v1::TimePassed passed;
  passed.set_to(static_cast<uint64_t>(absl::ToUnixMicros(now_)));
  Apply(passed, PersonKey(), "concordat-operator", "hub/time");
  EXPECT_TRUE(book_->FileOf(Person(2), kOfficer).empty());
}

TEST_F(CaseBookTest, TheStorysTimeIsTheLogs) {
  Open(Person(2), {kCouncil, kPolice});
  clock_.Advance(At("2026-11-26T00:00:00Z") - clock_.Now());
  EXPECT_FALSE(book_->FileOf(Person(2), kOfficer).empty());
  // Live, nothing has to be accepted for a day to end.
  Restart(bus::v1::ENVIRONMENT_LIVE);
  Open(Person(2), {kCouncil, kPolice});
  EXPECT_TRUE(book_->FileOf(Person(2), kOfficer).empty());
}

TEST_F(CaseBookTest, GroupsThatAreNotGrantedAreNotRead) {
  // A council that is shown administrative fields alone.
  policy::v1::Agreement agreement = testing::DemoAgreements()->front();
  agreement.set_version(agreement.version() + 1);
  for (policy::v1::SeeGrant& see : *agreement.mutable_see()) {
    // A producer sees its own whole.
    if (see.audience() == policy::v1::AUDIENCE_OWN) continue;
    see.set_up_to(policy::v1::TIER_S1);
  }
  hub::v1::AgreementAdopted adopted;
  adopted.set_agreement(agreement.SerializeAsString());
  Apply(adopted, PersonKey(), kArrangement, "hub/agreements");
  const PersonKey person = Person(2);
  Open(person, {kCouncil, kPolice});
  Meet(person);
  const CaseFile file = book_->FileOf(person, kOfficer);
  ASSERT_THAT(file.meetings, SizeIs(1));
  EXPECT_EQ(file.meetings[0].what.kind(), "INITIAL");
  EXPECT_EQ(file.meetings[0].what.level(), 0u);
  EXPECT_EQ(file.meetings[0].what.rosh(), "");
  EXPECT_EQ(file.record->rosh, "");
  // Who decided is in a group of its own, for who sees all the others.
  Refer(Person(3), kCouncil);
  v1::ReferralDecided decided;
  decided.set_referral_ref("R-1");
  decided.set_decision("ACCEPTED");
  decided.set_level(2);
  Apply(decided, Person(3), kArrangement, "referral/R-1");
  const CaseFile referred = book_->FileOf(Person(3), kWorker);
  ASSERT_THAT(referred.referrals, SizeIs(1));
  EXPECT_EQ(referred.referrals[0].state.decided_by, "");
}

TEST_F(CaseBookTest, TheOpenCaseIsTheOneThatIsNotClosed) {
  const PersonKey person = Person(2);
  EXPECT_EQ(book_->OpenCaseOf(person), "");
  Open(person, {kCouncil});
  EXPECT_EQ(book_->OpenCaseOf(person), "C-1");
  v1::CaseClosed closed;
  closed.set_case_ref("C-0");
  closed.set_reason("ORDER_ENDED");
  Apply(closed, person, kArrangement, "case/C-0");
  EXPECT_EQ(book_->OpenCaseOf(person), "C-1");
  closed.set_case_ref("C-1");
  Apply(closed, person, kArrangement, "case/C-1");
  EXPECT_EQ(book_->OpenCaseOf(person), "");
  // Its parties read it no more; the arrangement does, as its own.
  EXPECT_TRUE(book_->FileOf(person, kWorker).empty());
  EXPECT_FALSE(book_->FileOf(person, kCoordinator).record->is_open());
}

TEST_F(CaseBookTest, WhoIsErasedLeavesTheCaseAndNothingElse) {
  Open(Person(1), {kCouncil, kPolice});
  Meet(Person(1));
  Open(Person(2), {kCouncil, kPolice});
  Meet(Person(2));
  uint64_t destroyed = 0;
  int asked = 0;
  book_->ConfirmWith([&](const View& erased, uint64_t count) {
    EXPECT_EQ(erased.header.subject, Person(1));
    destroyed = count;
    return ++asked == 1 ? absl::UnavailableError("away") : absl::OkStatus();
  });
  View erased;
  erased.sequence = {++sequence_};
  erased.header.type = "concordat.hub.v1.PersonErased";
  erased.header.subject = Person(1);
  // Until it is confirmed it comes again.
  EXPECT_FALSE(book_->Apply(erased, *database_).ok());
  EXPECT_EQ(destroyed, 1u);
  EXPECT_THAT(book_->Apply(erased, *database_), IsOk());
  EXPECT_EQ(book_->OpenCaseOf(Person(1)), "C-1");
  EXPECT_TRUE(book_->FileOf(Person(1), kCoordinator).record->rosh.empty());
  EXPECT_FALSE(book_->FileOf(Person(2), kCoordinator).record->rosh.empty());
}

TEST_F(CaseBookTest, WhatRestsOnAWithdrawnFactSaysSoToWhoSeesTheFact) {
  const PersonKey person = Person(2);
  Open(person, {kCouncil, kPolice});
  Concern(person, "c-1");
  Meet(person);
  EXPECT_THAT(book_->FileOf(person, kWorker).look_again, IsEmpty());
  Concern(person, "c-2", "c-1");
  for (const Recipient& reader : {kWorker, kOfficer, kCoordinator}) {
    const CaseFile file = book_->FileOf(person, reader);
    ASSERT_THAT(file.look_again, SizeIs(1)) << reader.agency;
    const LookAgain& mark = file.look_again[0];
    EXPECT_EQ(mark.item, LookAgain::Item::kPlan);
    EXPECT_TRUE(mark.fact.shown);
    EXPECT_EQ(mark.fact.how, WithdrawnFact::How::kTakenBack);
    EXPECT_EQ(mark.fact.type, "concordat.police.v1.ConcernShared");
    EXPECT_EQ(mark.fact.by, Sequence{sequence_});
  }
  Meet(person);
  EXPECT_THAT(book_->FileOf(person, kWorker).look_again, IsEmpty());
}

TEST_F(CaseBookTest, WhoNeverSawTheFactIsToldNothing) {
  // The liaison sees the case and the meeting, and nothing that police tell.
  const PersonKey person = Person(2);
  Open(person, {kCouncil, kPolice, kNhs});
  Concern(person, "c-1");
  Meet(person);
  Concern(person, "c-2", "c-1");
  const CaseFile file = book_->FileOf(person, kLiaison);
  EXPECT_THAT(file.meetings, SizeIs(1));
  EXPECT_THAT(file.look_again, IsEmpty());
  // Who comes in afterwards sees the fact and what withdrew it.
  EXPECT_THAT(book_->FileOf(person, kWorker).look_again, SizeIs(1));
}

TEST_F(CaseBookTest, WhatItsControllerRestrictedIsNoFactToOthers) {
  const PersonKey person = Person(2);
  Open(person, {kCouncil, kPolice});
  Concern(person, "c-1");
  Meet(person);
  hub::v1::ProcessingRestricted restricted;
  restricted.add_controllers(kPolice);
  Apply(restricted, person, "concordat-operator", "restriction/1");
  Concern(person, "c-2", "c-1");
  ASSERT_THAT(book_->FileOf(person, kWorker).look_again, SizeIs(1));
  EXPECT_FALSE(book_->FileOf(person, kWorker).look_again[0].fact.shown);
  EXPECT_TRUE(book_->FileOf(person, kOfficer).look_again[0].fact.shown);
}

TEST_F(CaseBookTest, AMeetingThatKnewIsNotAskedToLookAgain) {
  const PersonKey person = Person(2);
  Open(person, {kCouncil, kPolice});
  const uint64_t after = sequence_;
  Concern(person, "c-1");
  Concern(person, "c-2", "c-1");
  Meet(person);
  identity::v1::LinkCut cut;
  cut.set_review_ref("IR-1");
  cut.set_scheme("CHI");
  cut.add_sources("urn:concordat:police-scotland:rms");
  cut.set_after(after);
  Apply(cut, person, kArrangement, "identity/IR-1");
  EXPECT_THAT(book_->FileOf(person, kWorker).look_again, IsEmpty());
}

TEST_F(CaseBookTest, WhoMaySeeItNoMoreIsToldThatSomethingIsWithdrawn) {
  // The council came in after the fact, and was shown it then.
  const PersonKey person = Person(2);
  Open(person, {kPolice, kNhs});
  Concern(person, "c-1");
  Join(person, kCouncil);
  Meet(person);
  Concern(person, "c-2", "c-1");
  ASSERT_THAT(book_->FileOf(person, kWorker).look_again, SizeIs(1));
  EXPECT_TRUE(book_->FileOf(person, kWorker).look_again[0].fact.shown);
  // A newer agreement shows it the case and not what police tell.
  policy::v1::Agreement agreement = testing::DemoAgreements()->front();
  agreement.set_version(agreement.version() + 1);
  auto& lines = *agreement.mutable_see();
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [](const policy::v1::SeeGrant& see) {
                               return see.to() == kCouncil && see.part3();
                             }),
              lines.end());
  hub::v1::AgreementAdopted adopted;
  adopted.set_agreement(agreement.SerializeAsString());
  Apply(adopted, PersonKey(), kArrangement, "hub/agreements");
  const CaseFile file = book_->FileOf(person, kWorker);
  ASSERT_THAT(file.look_again, SizeIs(1));
  EXPECT_FALSE(file.look_again[0].fact.shown);
  EXPECT_EQ(file.look_again[0].fact.type, "");
  EXPECT_EQ(file.look_again[0].fact.agency, "");
  EXPECT_EQ(file.look_again[0].fact.by, Sequence{});
  EXPECT_TRUE(book_->FileOf(person, kOfficer).look_again[0].fact.shown);
  // Nothing of the case is for who left it.
  Leave(person, kCouncil);
  EXPECT_TRUE(book_->FileOf(person, kWorker).empty());
  EXPECT_THAT(book_->FileOf(person, kWorker).look_again, IsEmpty());
}

TEST_F(CaseBookTest, ACutTakesWhatCameByTheNumber) {
  const PersonKey person = Person(2);
  Open(person, {kCouncil, kPolice});
  Concern(person, "c-1");
  const uint64_t after = sequence_;
  Concern(person, "c-2");
  Concern(person, "c-3");
  Concern(Person(3), "c-4");
  Meet(person);
  identity::v1::LinkCut cut;
  cut.set_review_ref("IR-1");
  cut.set_scheme("CHI");
  cut.add_sources("urn:concordat:police-scotland:rms");
  cut.set_after(after);
  Apply(cut, person, kArrangement, "identity/IR-1");
  const CaseFile file = book_->FileOf(person, kWorker);
  ASSERT_THAT(file.look_again, SizeIs(1));
  EXPECT_EQ(file.look_again[0].fact.how, WithdrawnFact::How::kCut);
  EXPECT_EQ(file.look_again[0].facts, 2u);
  EXPECT_EQ(file.look_again[0].fact.fact, Sequence{after + 1});
}

TEST_F(CaseBookTest, WhatIsErasedIsNoFactAnyMore) {
  const PersonKey person = Person(2);
  Concern(person, "c-1");
  Open(person, {kCouncil, kPolice});
  Concern(person, "c-2", "c-1");
  ASSERT_THAT(book_->FileOf(person, kOfficer).look_again, SizeIs(1));
  View erased;
  erased.sequence = {++sequence_};
  erased.header.type = "concordat.hub.v1.PersonErased";
  erased.header.subject = person;
  ASSERT_THAT(book_->Apply(erased, *database_), IsOk());
  const CaseFile file = book_->FileOf(person, kOfficer);
  EXPECT_TRUE(file.record.has_value());
  EXPECT_THAT(file.look_again, IsEmpty());
}

}  // namespace
}  // namespace concordat::mappa

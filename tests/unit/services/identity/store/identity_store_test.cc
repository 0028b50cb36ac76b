// Mutants, and the test that catches each (all tried):
//
//   names kept in plain                     LeavesNoNameOrNumberInTheFiles
//   a number's index without the key        (SealerTest) IndexesUnderItsSecret
//   sealed value not bound to its row       RefusesAValueMovedToAnotherPerson
//   synchronous=NORMAL                      SyncsEveryCommit
//   outbox entry outside the transaction    ChangesNothingWhenACommandFails
//   new seed or id at each attempt          KeepsAnEventUntilItIsPublished
//   request id ignored                      GivesARepeatTheFirstAnswer
//   request id shared by callers            KeepsTheRequestsOfCallersApart
//   request content not compared            RefusesARequestIdUsedForSomethingElse
//   Modulus 10 links at once                KeepsAModulus10ChiUntilConfirmed
//   unconfirmed link resolves               KeepsAModulus10ChiUntilConfirmed
//   confirming takes another's number       ConfirmsANumberForOnePersonOnly
//   second registration published again     RegistersForEachAgencyOnce
//   what is left out is wiped               KeepsANameThatIsNotSaidAgain
//   UNIQUE index dropped                    RefusesOneUsableNumberForTwoPeople
//   a number alone finds another agency's     ANumberAloneTellsAStrangerNothing
//   a clash resolves, or is told apart        ANumberAloneTellsAStrangerNothing
//   name agrees and date of birth is not asked  WhoKnowsThePersonFindsThem
//   national number told as local           TellsASystemItsOwnNumber
//   a store of version 1 is refused or emptied  TakesAStoreOfTheVersionBefore
//   a use counted as the only one               KnowsWhoHadANumberAndWhoHad…
#include "services/identity/store/identity_store.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "concordat/identity/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/projection/sqlite.h"
#include "services/identity/store/column_sealer.h"
#include "tests/support/seeded_random.h"
#include "tests/unit/services/identity/store/store_fixture.h"

namespace {
std::atomic<int> syncs{0};
}  // namespace

// SQLite finds this one before the C library's.
extern "C" int fdatasync(int fd) {
  ++syncs;
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

namespace concordat::identity {
namespace {

using ::absl::StatusCode;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(IdentityStoreTest, FindsByEachNumberAndAlsoAfterARestart) {
  const PersonKey torquil = RegisterTorquil();
  Reopen();
  EXPECT_EQ(Find(Id("chi", kChi)), torquil);
  EXPECT_EQ(Find(Id("pnc", "98/990002E")), torquil);
  EXPECT_EQ(Find(Id("council", "DCC-20017")), torquil);
  EXPECT_EQ(Find(Id("council", "DCC-20017", kPolice)), std::nullopt);
  EXPECT_EQ(Find(Id("chi", kOtherChi)), std::nullopt);
}

TEST_F(IdentityStoreTest, GivesARepeatTheFirstAnswer) {
  const std::vector<WrittenIdentifier> numbers = {Id("chi", kNewRuleChi)};
  const auto first = store_->Register(From(kHealth, "r-1"), {}, numbers);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->created);
  EXPECT_FALSE(first->duplicate);
  Reopen();
  const auto again = store_->Register(From(kHealth, "r-1"), {}, numbers);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->duplicate);
  EXPECT_TRUE(again->created);
  EXPECT_EQ(again->person, first->person);
  EXPECT_EQ(again->outbox_id, first->outbox_id);
  EXPECT_THAT(again->unconfirmed_schemes, ElementsAre("chi"));
  EXPECT_EQ(Count("SELECT count(*) FROM person"), 1);
  EXPECT_EQ(Count("SELECT count(*) FROM outbox"), 1);
}

TEST_F(IdentityStoreTest, KeepsTheRequestsOfCallersApart) {
  const PersonKey torquil = RegisterTorquil();
  const auto police =
      store_->Register(From(kPolice, "r-1"), {}, {Id("pnc", kOtherPnc)});
  ASSERT_THAT(police, IsOk());
  EXPECT_FALSE(police->duplicate);
  EXPECT_NE(police->person, torquil);
  const auto pending = store_->PendingOutbox(0, 10).value();
  ASSERT_THAT(pending, SizeIs(2));
  EXPECT_NE(pending[0].header.id, pending[1].header.id);
  EXPECT_NE(pending[0].header.stream, pending[1].header.stream);
}

TEST_F(IdentityStoreTest, RefusesARequestIdUsedForSomethingElse) {
  const PersonKey torquil = RegisterTorquil();
  EXPECT_THAT(
      store_->Register(From(kCouncil, "r-1"), Torquil(), {Id("chi", kChi)}),
      HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(
      store_->ConfirmLink(From(kCouncil, "r-1"), torquil, Id("chi", kChi), ""),
      HasCode(StatusCode::kInvalidArgument));
}

TEST_F(IdentityStoreTest, RegistersForEachAgencyOnce) {
  const PersonKey torquil = RegisterTorquil();
  PersonDetails as_police;
  as_police.family_name = "BALNAMOON";
  as_police.birth_date = "1979-03-03";
  const auto police =
      store_->Register(From(kPolice, "r-2"), as_police,
                       {Id("pnc", kPnc), Id("local", "OM-4471", kPolice)});
  ASSERT_THAT(police, IsOk());
  EXPECT_FALSE(police->created);
  EXPECT_EQ(police->person, torquil);
  EXPECT_GT(police->outbox_id, 0);
  EXPECT_EQ(Find(Id("local", "OM-4471", kPolice)), torquil);

  const auto again =
      store_->Register(From(kPolice, "r-3"), as_police, {Id("pnc", kPnc)});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->outbox_id, 0);

  const auto pending = store_->PendingOutbox(0, 10).value();
  ASSERT_THAT(pending, SizeIs(2));
  EXPECT_EQ(pending[0].header.controller, "dundee-city-council");
  EXPECT_EQ(pending[1].header.controller, "police-scotland");
  EXPECT_TRUE(store_->IsRegisteredBy(torquil, "police-scotland").value());
  EXPECT_FALSE(store_->IsRegisteredBy(torquil, "nhs-tayside").value());

  EXPECT_EQ(store_->Describe(torquil, "police-scotland").value()->family_name,
            "BALNAMOON");
  const PersonDetails others =
      *store_->Describe(torquil, "nhs-tayside").value();
  EXPECT_EQ(others.family_name, "Balnamoon");
  EXPECT_EQ(others.given_name, "Torquil");
  EXPECT_EQ(others.birth_date, "1979-03-03");
  EXPECT_EQ(others.uprn, 999000000021);
  EXPECT_EQ(others.address, Torquil().address);
  EXPECT_EQ(store_->Describe(PersonKey(), "nhs-tayside").value(), std::nullopt);
}

// A number alone would else tell any agency the key of whom another one knows,
// and count as its interest in them ever after.
TEST_F(IdentityStoreTest, ANumberAloneTellsAStrangerNothing) {
  const PersonKey torquil = RegisterTorquil();
  PersonDetails guess;
  guess.family_name = "Balnamoon";  // And no date of birth.
  const auto known =
      store_->Register(From(kHealth, "r-1"), guess, {Id("chi", kChi)});
  const auto unknown =
      store_->Register(From(kHealth, "r-2"), guess, {Id("chi", kOtherChi)});
  ASSERT_THAT(known, IsOk());
  ASSERT_THAT(unknown, IsOk());
  // The two answers differ in the key alone.
  EXPECT_NE(known->person, torquil);
  EXPECT_TRUE(known->created);
  EXPECT_TRUE(unknown->created);
  EXPECT_THAT(known->unconfirmed_schemes, IsEmpty());
  EXPECT_GT(known->outbox_id, 0);
  EXPECT_FALSE(store_->IsRegisteredBy(torquil, kHealth.agency).value());

  // So do those that follow: it finds its own by the number, and nobody else's.
  EXPECT_EQ(
      store_->ResolveOwn({Id("chi", kChi).canonical}, kHealth.agency).value(),
      known->person);
  EXPECT_EQ(
      store_->ResolveOwn({Id("chi", kChi).canonical}, kPolice.agency).value(),
      std::nullopt);
  EXPECT_EQ(Find(Id("chi", kChi)), torquil);
  const auto again =
      store_->Register(From(kHealth, "r-3"), guess, {Id("chi", kChi)});
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->person, known->person);
  EXPECT_EQ(again->outbox_id, 0);
  EXPECT_THAT(again->unconfirmed_schemes, IsEmpty());
  EXPECT_THAT(store_->ConfirmLink(From(kLiaison, "c-1"), known->person,
                                  Id("chi", kChi), "seen"),
              IsOk());
  EXPECT_EQ(Find(Id("chi", kChi)), torquil);
  // Two people's numbers, neither the caller's: no word of that.
  EXPECT_THAT(store_->Register(From(kPolice, "r-1"), {},
                               {Id("pnc", kPnc), Id("chi", kOtherChi)}),
              IsOk());
  // A review of each two is open, by nobody's word.
  const auto reviews = store_->Reviews(false);
  ASSERT_THAT(reviews, IsOk());
  ASSERT_THAT(*reviews, SizeIs(3));
  for (const Review& review : *reviews) {
    EXPECT_EQ(review.kind, kNumberClaimed);
    EXPECT_EQ(review.agency, "mappa-tayside");
    EXPECT_THAT(review.identifiers, SizeIs(1));
    EXPECT_EQ(store_->HolderOf(review.identifiers.front()).value(),
              review.subject);
    EXPECT_NE(review.other, review.subject);
  }
}

TEST_F(IdentityStoreTest, KnowsWhoHadANumberAndWhoHadNoOther) {
  const PersonKey person = RegisterTorquil();
  ASSERT_THAT(store_->NoteUses(person, {Id("chi", kChi).canonical}, kLiaison,
                               Sequence{7}),
              IsOk());
  ASSERT_THAT(
      store_->RecordDisclosure(kHealth, {{person, {Id("chi", kChi).canonical}}},
                               0, Sequence{9}),
      IsOk());
  const int before = syncs;
  // What is known is not written again.
  ASSERT_THAT(store_->NoteUses(person, {Id("chi", kChi).canonical}, kLiaison,
                               Sequence{12}),
              IsOk());
  EXPECT_EQ(syncs, before);
  const auto uses = store_->UsesOf(person, Id("chi", kChi).canonical);
  ASSERT_THAT(uses, IsOk());
  ASSERT_THAT(*uses, SizeIs(3));
  EXPECT_EQ((*uses)[0].system, kCouncil.ToUrn());
  EXPECT_TRUE((*uses)[0].gave);
  EXPECT_FALSE((*uses)[0].alone);  // It has three.
  EXPECT_EQ((*uses)[1].system, kLiaison.ToUrn());
  EXPECT_TRUE((*uses)[1].alone);
  EXPECT_EQ((*uses)[1].after, Sequence{7});
  EXPECT_EQ((*uses)[2].system, kHealth.ToUrn());
  EXPECT_TRUE((*uses)[2].alone);
  // Told another number as well, it may have come by either.
  ASSERT_THAT(
      store_->RecordDisclosure(
          kHealth,
          {{person,
            {Id("chi", kChi).canonical, Id("local", "66-4").canonical}}},
          0, Sequence{15}),
      IsOk());
  EXPECT_TRUE(store_->UsesOf(person, Id("chi", kChi).canonical)->at(2).alone);
  EXPECT_FALSE(
      store_->UsesOf(person, Id("local", "66-4").canonical)->at(0).alone);
}

TEST_F(IdentityStoreTest, WhoKnowsThePersonFindsThem) {
  const PersonKey torquil = RegisterTorquil();
  PersonDetails same;
  same.family_name = "BALNA-MOON";
  same.given_name = "T";
  same.birth_date = "1979-03-03";
  PersonDetails other = same;
  other.birth_date = "1979-03-04";
  const auto find = [&](const char* request, const PersonDetails& details,
                        const std::optional<PersonKey>& interest) {
    return store_
        ->Register(From(kHealth, request), details, {Id("chi", kChi)}, interest)
        .value()
        .person;
  };
  EXPECT_NE(find("r-1", other, std::nullopt), torquil);
  EXPECT_EQ(find("r-2", other, torquil), torquil);
  const auto police =
      store_->Register(From(kPolice, "r-1"), same, {Id("chi", kChi)});
  ASSERT_THAT(police, IsOk());
  EXPECT_EQ(police->person, torquil);
}

TEST_F(IdentityStoreTest, KeepsANameThatIsNotSaidAgain) {
  const PersonKey person = RegisterTorquil();
  PersonDetails moved;
  moved.address = "19 Fleuchar Neuk, Dundee DD4 9ZZ";
  ASSERT_THAT(store_->Register(From(kCouncil, "r-2"), moved, {Id("chi", kChi)}),
              IsOk());
  const auto details = store_->Describe(person, kCouncil.agency);
  ASSERT_THAT(details, IsOk());
  ASSERT_TRUE(details->has_value());
  EXPECT_EQ((*details)->family_name, "Balnamoon");
  EXPECT_EQ((*details)->birth_date, "1979-03-03");
  EXPECT_EQ((*details)->address, moved.address);
}

TEST_F(IdentityStoreTest, RefusesNumbersThatContradict) {
  RegisterTorquil();
  ASSERT_THAT(
      store_->Register(From(kCouncil, "r-2"), {}, {Id("pnc", kOtherPnc)}),
      IsOk());
  const auto two_people = store_->Register(
      From(kCouncil, "r-3"), {}, {Id("chi", kChi), Id("pnc", kOtherPnc)});
  EXPECT_THAT(two_people, HasCode(StatusCode::kFailedPrecondition));
  const auto second_chi = store_->Register(
      From(kCouncil, "r-4"), {}, {Id("pnc", kPnc), Id("chi", kOtherChi)});
  EXPECT_THAT(second_chi, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(second_chi.status().message()),
              Not(HasSubstr(kOtherChi)));
  EXPECT_THAT(store_->Resolve(
                  {Id("chi", kChi).canonical, Id("pnc", kOtherPnc).canonical}),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(Count("SELECT count(*) FROM person"), 2);
  EXPECT_EQ(Count("SELECT count(*) FROM request"), 2);
}

TEST_F(IdentityStoreTest, KeepsAModulus10ChiUntilConfirmed) {
  const WrittenIdentifier chi = Id("chi", kNewRuleChi);
  const auto fearchar = store_->Register(From(kHealth, "r-1"), {}, {chi});
  ASSERT_THAT(fearchar, IsOk());
  EXPECT_THAT(fearchar->unconfirmed_schemes, ElementsAre("chi"));
  EXPECT_EQ(Find(chi), std::nullopt);
  EXPECT_THAT(store_->UsableIdentifiers(fearchar->person).value(), IsEmpty());
  // It does not link the next registration either.
  const auto another = store_->Register(From(kCouncil, "r-1"), {}, {chi});
  ASSERT_THAT(another, IsOk());
  EXPECT_TRUE(another->created);

  const auto linked =
      store_->ConfirmLink(From(kLiaison, "c-1"), fearchar->person, chi, "seen");
  ASSERT_THAT(linked, IsOk());
  EXPECT_GT(linked->outbox_id, 0);
  EXPECT_EQ(Find(chi), fearchar->person);
  EXPECT_THAT(store_->UsableIdentifiers(fearchar->person).value(), SizeIs(1));
  const auto pending = store_->PendingOutbox(0, 10).value();
  v1::IdentifierLinked event;
  ASSERT_TRUE(event.ParseFromString(pending.back().message));
  EXPECT_EQ(pending.back().type, "concordat.identity.v1.IdentifierLinked");
  EXPECT_EQ(event.scheme(), "chi");
  EXPECT_EQ(event.by(), "CONFIRMED_BY_PERSON");
  EXPECT_EQ(pending.back().header.subject, fearchar->person);

  // From now on it links.
  const auto later =
      store_->Register(From(kPolice, "r-1"), {}, {chi}, fearchar->person);
  ASSERT_THAT(later, IsOk());
  EXPECT_EQ(later->person, fearchar->person);
  EXPECT_THAT(later->unconfirmed_schemes, IsEmpty());
}

TEST_F(IdentityStoreTest, ConfirmsANumberForOnePersonOnly) {
  const WrittenIdentifier chi = Id("chi", kNewRuleChi);
  const PersonKey first =
      store_->Register(From(kHealth, "r-1"), {}, {chi})->person;
  const PersonKey second =
      store_->Register(From(kHealth, "r-2"), {}, {chi})->person;
  ASSERT_NE(first, second);
  ASSERT_THAT(store_->ConfirmLink(From(kLiaison, "c-1"), first, chi, ""),
              IsOk());
  EXPECT_THAT(store_->ConfirmLink(From(kLiaison, "c-2"), second, chi, ""),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(Find(chi), first);
  // Nor a second number of the scheme, nor for nobody.
  EXPECT_THAT(
      store_->ConfirmLink(From(kLiaison, "c-3"), first, Id("chi", kChi), ""),
      HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(store_->ConfirmLink(From(kLiaison, "c-4"), PersonKey(), chi, ""),
              HasCode(StatusCode::kNotFound));
}

TEST_F(IdentityStoreTest, ConfirmsANumberThatNobodyGaveBefore) {
  const PersonKey torquil = RegisterTorquil();
  const WrittenIdentifier local = Id("local", "T-9", kHealth);
  const auto linked =
      store_->ConfirmLink(From(kLiaison, "c-1"), torquil, local, "");
  ASSERT_THAT(linked, IsOk());
  EXPECT_EQ(Find(local), torquil);
  // A second word on it is no news.
  const auto again =
      store_->ConfirmLink(From(kLiaison, "c-2"), torquil, local, "");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->outbox_id, 0);
}

TEST_F(IdentityStoreTest, TellsASystemItsOwnNumber) {
  const PersonKey torquil = RegisterTorquil();
  EXPECT_EQ(store_->LocalNumber(torquil, kCouncil).value(), "DCC-20017");
  EXPECT_EQ(
      store_->LocalNumber(torquil, {"dundee-city-council", "duty"}).value(),
      "DCC-20017");
  EXPECT_EQ(store_->LocalNumber(torquil, kPolice).value(), std::nullopt);
  EXPECT_EQ(store_->LocalNumber(torquil, {"dundee", "jsw"}).value(),
            std::nullopt);
  EXPECT_EQ(store_->LocalNumber(torquil, {"", ""}).value(), std::nullopt);
}

TEST_F(IdentityStoreTest, KeepsAnEventUntilItIsPublished) {
  RegisterTorquil();
  const auto before = store_->PendingOutbox(0, 10).value();
  ASSERT_THAT(before, SizeIs(1));
  EXPECT_EQ(before[0].type, "concordat.identity.v1.PersonRegistered");
  EXPECT_THAT(before[0].header.stream, HasSubstr("person-registration/"));
  EXPECT_THAT(before[0].header.stream,
              Not(HasSubstr(before[0].header.subject.ToString())));
  Reopen();
  const auto after = store_->PendingOutbox(0, 10).value();
  ASSERT_THAT(after, SizeIs(1));
  EXPECT_EQ(after[0].header.id, before[0].header.id);
  EXPECT_EQ(after[0].seed, before[0].seed);
  EXPECT_EQ(after[0].message, before[0].message);
  EXPECT_EQ(after[0].header.recorded_us, before[0].header.recorded_us);
  EXPECT_THAT(store_->PendingOutbox(after[0].id, 10).value(), IsEmpty());

  EXPECT_EQ(store_->PositionOf(after[0].id).value(), std::nullopt);
  ASSERT_THAT(store_->MarkPublished(after[0].id, Sequence{7}), IsOk());
  EXPECT_EQ(store_->PositionOf(after[0].id).value(), Sequence{7});
  EXPECT_THAT(store_->PendingOutbox(0, 10).value(), IsEmpty());
}

TEST_F(IdentityStoreTest, ChangesNothingWhenACommandFails) {
  // The answer is the last thing that a command writes.
  Tamper(
      "CREATE TRIGGER full BEFORE INSERT ON request BEGIN "
      "SELECT RAISE(ABORT, 'disk full'); END");
  EXPECT_THAT(
      store_->Register(From(kCouncil, "r-1"), Torquil(), {Id("chi", kChi)}),
      Not(IsOk()));
  EXPECT_EQ(Count("SELECT count(*) FROM person"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM outbox"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM identifier"), 0);
  Tamper("DROP TRIGGER full");
  EXPECT_THAT(
      store_->Register(From(kCouncil, "r-1"), Torquil(), {Id("chi", kChi)}),
      IsOk());
}

TEST_F(IdentityStoreTest, LeavesNoNameOrNumberInTheFiles) {
  const PersonKey torquil = RegisterTorquil();
  ASSERT_THAT(
      store_->ConfirmLink(From(kLiaison, "c-1"), torquil,
                          Id("local", "T-90001", kHealth), "his mother rang"),
      IsOk());
  const auto search = [&] {
    std::string all;
    for (const auto& file : std::filesystem::directory_iterator(dir_.path())) {
      std::ifstream in(file.path(), std::ios::binary);
      std::stringstream bytes;
      bytes << in.rdbuf();
      all += bytes.str();
    }
    EXPECT_GT(all.size(), 4096u);
    for (const char* secret :
         {"Balnamoon", "Torquil", "1979-03-03", "999000000021", "Mains Loan",
          "0303790016", "0990002", "DCC-20017", "T-90001", "mother"}) {
      EXPECT_THAT(all, Not(HasSubstr(secret)));
    }
  };
  ASSERT_TRUE(std::filesystem::exists(path_ + "-wal"));
  search();
  store_.reset();
  search();
}

TEST_F(IdentityStoreTest, RefusesAValueMovedToAnotherPerson) {
  const PersonKey torquil = RegisterTorquil();
  ASSERT_THAT(
      store_->Register(From(kPolice, "r-2"), Torquil(), {Id("pnc", kOtherPnc)}),
      IsOk());
  Tamper(
      "UPDATE details SET family_name = (SELECT d.family_name FROM details d "
      "WHERE d.agency = 'police-scotland')");
  EXPECT_THAT(store_->Describe(torquil, "dundee-city-council"),
              HasCode(StatusCode::kDataLoss));
}

TEST_F(IdentityStoreTest, RefusesOneUsableNumberForTwoPeople) {
  RegisterTorquil();
  ASSERT_THAT(
      store_->Register(From(kPolice, "r-2"), {}, {Id("pnc", kOtherPnc)}),
      IsOk());
  auto db = Database::Open(path_, Database::Durability::kFull).value();
  const std::string copy =
      " SET value_index = (SELECT value_index FROM identifier "
      "WHERE scheme = 'chi') ";
  EXPECT_THAT(db->Execute("UPDATE identifier" + copy +
                          "WHERE given_by LIKE '%police%'"),
              HasCode(StatusCode::kAlreadyExists));
  // Nor one twice for one person.
  EXPECT_THAT(db->Execute("UPDATE identifier" + copy +
                          ", confirmed = 0 WHERE scheme = 'council'"),
              HasCode(StatusCode::kAlreadyExists));
}

TEST_F(IdentityStoreTest, SyncsEveryCommit) {
  RegisterTorquil();
  const int before = syncs;
  ASSERT_THAT(store_->MarkPublished(1, Sequence{1}), IsOk());
  EXPECT_GT(syncs, before);
}

TEST_F(IdentityStoreTest, RefusesAnotherSecretAndALaterSchema) {
  RegisterTorquil();
  store_.reset();
  EXPECT_THAT(
      IdentityStore::Open(path_, std::string(32, 'x'), Own(), clock_, random_),
      HasCode(StatusCode::kFailedPrecondition));
  Tamper("PRAGMA user_version = 99");
  EXPECT_THAT(IdentityStore::Open(path_, secret_, Own(), clock_, random_),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(IdentityStore::Open(dir_.PathOf("no/such/folder/x"), secret_,
                                  Own(), clock_, random_),
              HasCode(StatusCode::kUnavailable));
}

TEST_F(IdentityStoreTest, CountsDisclosuresForAnEdge) {
  const PersonKey person = RegisterTorquil();
  ASSERT_THAT(
      store_->RecordDisclosure(
          kHealth, std::vector<ToldNumbers>(4, {person, {}}), 0, Sequence{9}),
      IsOk());
  ASSERT_THAT(store_->RecordDisclosure(kHealth, {}, 1, Sequence{12}), IsOk());
  EXPECT_EQ(store_->DisclosedTo(kHealth)->joined, 4u);
  EXPECT_EQ(store_->DisclosedTo(kHealth)->left, 1u);
  EXPECT_EQ(store_->DisclosedTo(kPolice)->joined, 0u);
}

TEST(SealerTest, IndexesUnderItsSecret) {
  testing::SeededRandom random;
  const ColumnSealer one(std::string(32, '1'), random);
  const ColumnSealer other(std::string(32, '2'), random);
  EXPECT_EQ(one.Index("x"), one.Index("x"));
  EXPECT_NE(one.Index("x"), one.Index("y"));
  EXPECT_NE(one.Index("x"), other.Index("x"));
  EXPECT_THAT(one.Index("x"), SizeIs(32));
}

TEST(SealerTest, OpensOnlyWhatWasSealedForThatColumnAndPerson) {
  testing::SeededRandom random;
  ColumnSealer sealer(std::string(32, '1'), random);
  const PersonKey person(std::array<uint8_t, PersonKey::kBytes>{1});
  const PersonKey other(std::array<uint8_t, PersonKey::kBytes>{2});
  const std::string sealed = sealer.Seal("a", person, "plain");
  EXPECT_NE(sealed, sealer.Seal("a", person, "plain"));
  EXPECT_EQ(sealer.Open("a", person, sealed).value(), "plain");
  EXPECT_THAT(sealer.Open("b", person, sealed), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(sealer.Open("a", other, sealed), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(sealer.Open("a", person, ""), HasCode(StatusCode::kDataLoss));
}

TEST_F(IdentityStoreTest, TakesAStoreOfTheVersionBefore) {
  const PersonKey person = RegisterTorquil();
  ASSERT_THAT(
      store_->RecordDisclosure(kHealth, {{person, {Id("chi", kChi).canonical}}},
                               0, Sequence{9}),
      IsOk());
  ASSERT_THAT(store_->Register(From(kPolice, "r-2"), {}, {Id("chi", kChi)}),
              IsOk());
  store_.reset();
  {
    auto db = Database::Open(path_, Database::Durability::kFull);
    ASSERT_THAT(db, IsOk());
    ASSERT_THAT((*db)->Execute("DROP TABLE contact; DROP TABLE merged; "
                               "DROP TABLE review; ALTER TABLE request "
                               "DROP COLUMN review; DROP TABLE other_name; "
                               "DROP TABLE number_use; DROP TABLE description; "
                               "DROP TABLE holders; DROP TABLE erased; "
                               "DROP INDEX details_family; "
                               "DELETE FROM outbox WHERE type LIKE '%Opened'; "
                               "ALTER TABLE details DROP COLUMN family_index; "
                               "PRAGMA user_version = 1"),
                IsOk());
  }
  Reopen();
  EXPECT_EQ(Find(Id("chi", kChi)), person);
  // Found by name, and whose numbers they are is not lost.
  EXPECT_EQ(store_->PeopleNamed("Balnamoon").value(),
            std::vector<PersonKey>{person});
  const auto uses = store_->UsesOf(person, Id("chi", kChi).canonical);
  ASSERT_THAT(uses, IsOk());
  ASSERT_THAT(*uses, SizeIs(2));
  EXPECT_EQ((*uses)[0].system, kCouncil.ToUrn());
  EXPECT_EQ((*uses)[1].system, kHealth.ToUrn());
  // And a claim that nobody reviewed is.
  const auto reviews = store_->Reviews(false);
  ASSERT_THAT(reviews, IsOk());
  ASSERT_THAT(*reviews, SizeIs(1));
  EXPECT_EQ(reviews->front().subject, person);
  v1::RoleContactSet set;
  set.set_agency("police-scotland");
  set.set_role("police-cover");
  set.set_channel("MAIL");
  ASSERT_THAT(store_->SetContact(From(kPolice, "c-1"), "role/x", set, "a@b"),
              IsOk());
  Reopen();
  EXPECT_EQ((*store_->ContactOf("police-scotland", "police-cover"))->address,
            "a@b");
  EXPECT_FALSE(store_->ContactOf("police-scotland", "police")->has_value());
}

}  // namespace
}  // namespace concordat::identity

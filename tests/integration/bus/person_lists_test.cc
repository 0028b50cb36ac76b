// The real concordat-bus: what is told of a person to whom that person's own lists
// do not let know of them, otherwise than by views.
//
// Mutant                                                Caught by
// who knew what, for whom the person's lists keep out   ToWhomIsKeptOutThereIsNobody
// the lists of the moment that is asked about           ToWhomIsKeptOutThereIsNobody
// who reached the person, asked of the person           ToWhomIsKeptOutThereIsNobody
// or of a time; with proof, which names the person      ToWhomIsKeptOutThereIsNobody
// openings, and their review                            ToWhomIsKeptOutThereIsNobody
// others of the role, or of others, are kept out, too   OthersAreToldAsBefore
// who is erased is named, or not told to its agency     WhoIsErasedIsNotNamed
#include <algorithm>

#include "concordat/access/v1/glass.pb.h"
#include "concordat/access/v1/records.pb.h"
#include "concordat/access/v1/service.pb.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

using ::testing::SizeIs;

constexpr char kCoordinator[] = "mappa-tayside/*/coordinator";
constexpr char kGlass[] = "concordat.access.v1.GlassService/";

class PersonListsTest : public BusProcessTest {
 protected:
  static std::string Person(int number) {
    return PersonKey({static_cast<uint8_t>(number)}).ToString();
  }
  // Replaces what the lists of the first person said before.
  void Limit(const std::string& id, const std::string& excluded,
             const std::string& alone) {
    mappa::v1::AccessRestricted access;
    access.set_case_ref("C-1");
    if (!excluded.empty()) access.add_excluded(excluded);
    if (!alone.empty()) access.add_restricted_to(alone);
    access.set_reason("KNOWN_TO_STAFF");
    const PublishOutcome outcome =
        Publish(*Connect("service-mappa"),
                Make(kMappa, "mappa-tayside", id, 1, access));
    ASSERT_TRUE(outcome.accepted) << outcome.detail;
  }
  // Facts of two people with open cases, and an opening of the first.
  void TellOfTwo() {
    const auto mappa = Connect("service-mappa");
    ASSERT_TRUE(Publish(*mappa, Opened("o-1", 1)).accepted);
    ASSERT_TRUE(Publish(*mappa, Opened("o-2", 2)).accepted);
    ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
    ASSERT_TRUE(Publish(*Connect("police"), Concern("c-2", 2)).accepted);
    access::v1::BreakGlassRequest wish;
    wish.mutable_command()->set_request_id("r-1");
    wish.set_subject(Person(1));
    wish.set_reason("THREAT_TO_LIFE");
    wish.set_words("A neighbour rang: he is at the school gate now.");
    const auto opened = AskOf<access::v1::BreakGlassResponse>(
        "duty-senior", absl::StrCat(kGlass, "BreakGlass"), wish);
    ASSERT_THAT(opened, IsOk());
    opening_ = opened->opening().opening_ref();
    ReadPerson("duty-senior", 1);
  }
  absl::Status WhoKnew(absl::string_view principal, int person,
                       uint64_t at = 0) {
    access::v1::WhoKnewRequest request;
    request.set_subject(Person(person));
    request.set_at(at);
    return AskOf<access::v1::WhoKnewResponse>(
               principal, "concordat.access.v1.WhoKnewService/WhoKnew", request)
        .status();
  }
  // Rows that name the first person and are not of what the caller did.
  int Rows(absl::string_view principal, access::v1::ListAccessRequest request) {
    const auto list = AskOf<access::v1::ListAccessResponse>(
        principal, "concordat.access.v1.AccessService/ListAccess", request);
    EXPECT_THAT(list, IsOk());
    if (!list.ok()) return -1;
    int rows = 0;
    for (const auto& row : list->accesses()) {
      const auto& subjects = row.subjects();
      rows += row.principal() != principal &&
              std::find(subjects.begin(), subjects.end(), Person(1)) !=
                  subjects.end();
    }
    for (const auto& proof : list->proofs()) {
      access::v1::Record record;
      EXPECT_TRUE(record.ParseFromString(proof.record()));
      if (record.called().principal() == principal) continue;
      for (const std::string& subject : record.called().subjects()) {
        rows += subject == Person(1);
      }
    }
    return rows;
  }
  static access::v1::ListAccessRequest OfTheFirst() {
    access::v1::ListAccessRequest request;
    request.set_subject(Person(1));
    return request;
  }
  static access::v1::ListAccessRequest WithProof() {
    access::v1::ListAccessRequest request;
    request.set_with_proof(true);
    return request;
  }
  std::vector<access::v1::GlassEntry> Openings(absl::string_view principal) {
    const auto list = AskOf<access::v1::ListGlassResponse>(
        principal, absl::StrCat(kGlass, "ListGlass"),
        access::v1::ListGlassRequest());
    EXPECT_THAT(list, IsOk());
    if (!list.ok()) return {};
    return {list->entries().begin(), list->entries().end()};
  }
  absl::Status Review(absl::string_view principal, const std::string& ref) {
    access::v1::ReviewGlassRequest review;
    review.set_opening_ref(ref);
    review.set_outcome("JUSTIFIED");
    review.set_words("Police were told within five minutes.");
    return AskOf<access::v1::ReviewGlassResponse>(
               principal, absl::StrCat(kGlass, "ReviewGlass"), review)
        .status();
  }

  std::string opening_;
};

TEST_F(PersonListsTest, ToWhomIsKeptOutThereIsNobody) {
  TellOfTwo();
  ASSERT_THAT(WhoKnew("coordinator", 1), IsOk());
  EXPECT_GT(Rows("coordinator", OfTheFirst()), 0);
  EXPECT_GT(Rows("coordinator", {}), 0);
  EXPECT_GT(Rows("coordinator", WithProof()), 0);
  ASSERT_THAT(Openings("coordinator"), SizeIs(1));
  const absl::Status unknown = WhoKnew("coordinator", 7);
  ASSERT_THAT(unknown, HasCode(absl::StatusCode::kNotFound));
  const absl::Status no_opening = Review("coordinator", "G-none");
  for (const bool alone : {false, true}) {
    SCOPED_TRACE(alone ? "others alone may see" : "excluded");
    Limit(alone ? "a-2" : "a-1", alone ? "" : kCoordinator,
          alone ? "police-scotland" : "");
    EXPECT_EQ(WhoKnew("coordinator", 1), unknown);
    // Also of a time when the lists said nothing.
    EXPECT_EQ(WhoKnew("coordinator", 1, kStoryUs + 1), unknown);
    EXPECT_EQ(Rows("coordinator", OfTheFirst()), 0);
    EXPECT_EQ(Rows("coordinator", {}), 0);
    EXPECT_EQ(Rows("coordinator", WithProof()), 0);
    EXPECT_THAT(Openings("coordinator"), IsEmpty());
    EXPECT_EQ(Review("coordinator", opening_), no_opening);
  }
  Limit("a-3", "mappa-tayside/*/another", "");
  EXPECT_THAT(WhoKnew("coordinator", 1), IsOk());
  EXPECT_THAT(Review("coordinator", opening_), IsOk());
}

TEST_F(PersonListsTest, OthersAreToldAsBefore) {
  TellOfTwo();
  Limit("a-1", kCoordinator, "");
  EXPECT_THAT(WhoKnew("coordinator", 2), IsOk());
  EXPECT_THAT(WhoKnew("guardian-police", 1), IsOk());
  EXPECT_GT(Rows("guardian-council", OfTheFirst()), 0);
  EXPECT_THAT(Openings("guardian-council"), SizeIs(1));
  EXPECT_THAT(Review("guardian-council", opening_), IsOk());
}

// An agency is told whatever the lists say, as the event is: it has to confirm.
TEST_F(PersonListsTest, WhoIsErasedIsNotNamed) {
  constexpr char kErasures[] = "concordat.bus.v1.ErasureService/";
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-2", 2)).accepted);
  Limit("a-1", "police-scotland/*/guardian-police", "");
  for (const int person : {1, 2}) {
    bus::v1::ErasePersonRequest erase;
    erase.set_subject(Person(person));
    erase.set_reason("PERIOD_ENDED");
    erase.set_confirmed_count(1);
    erase.set_why("the board's decision");
    const auto by = [&](absl::string_view principal) {
      return AskOf<bus::v1::ErasePersonResponse>(
          principal, absl::StrCat(kErasures, "ErasePerson"), erase);
    };
    const auto asked = by("admin");
    ASSERT_THAT(asked, IsOk());
    erase.set_approval(asked->asked().approval());
    erase.clear_why();
    ASSERT_THAT(by("second-operator"), IsOk());
  }
  const auto list = AskOf<bus::v1::ListErasuresResponse>(
      "guardian-police", absl::StrCat(kErasures, "ListErasures"),
      bus::v1::ListErasuresRequest());
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->erasures_size(), 2);  // The newest first.
  EXPECT_EQ(list->erasures(0).subject(), Person(2));
  EXPECT_EQ(list->erasures(1).subject(), "");
}

}  // namespace
}  // namespace concordat

// The real concordat-bus: a person opened without an interest.
//
// Mutant                                           Caught by
// nothing is opened, or for everybody              IsOpenToWhoAskedAndToNobodyElse
// shown before it is in the log                    IsOpenToWhoAskedAndToNobodyElse
// the operator, a service or a door opens          WhoMayNotIsToldWhy
// what is open is told to somebody else            IsOpenToWhoAskedAndToNobodyElse
// any word is a reason                             WhoMayNotIsToldWhy
// an opening without a task leaves no trace        AnOpeningWithoutATaskIsAnEvent
// a repeat is a second opening, or an error        AnOpeningWithoutATaskIsAnEvent
// who is excluded learns that there is the person   WhoIsExcludedIsToldOfNobody
// open for longer than it says                     IsOverAtItsEnd
// who opened reviews, or anybody                   SomebodyElseReviews
// or reviews as the same principal without account WhoOpenedDoesNotReviewByAnotherWay
// the register is lost with the process            SomebodyElseReviews
// the register keeps who is erased until a start   OfWhoIsErasedTheRegisterHasNothing
// or tells of an opening of no name after it       OfWhoIsErasedTheRegisterHasNothing
#include <fstream>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "concordat/access/v1/glass.pb.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "services/common/base/system_clock.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

using ::testing::Not;

class GlassTest : public BusProcessTest {
 protected:
  template <typename Response>
  absl::StatusOr<Response> AskAs(absl::string_view principal,
                                 absl::string_view method,
                                 const google::protobuf::MessageLite& request) {
    return AskOf<Response>(
        principal, absl::StrCat("concordat.access.v1.GlassService/", method),
        request);
  }
  static access::v1::BreakGlassRequest Wish(int person) {
    access::v1::BreakGlassRequest request;
    request.mutable_command()->set_request_id("r-1");
    request.set_subject(PersonKey({static_cast<uint8_t>(person)}).ToString());
    request.set_reason("THREAT_TO_LIFE");
    request.set_words("A neighbour rang: he is at the school gate now.");
    return request;
  }
  absl::StatusOr<access::v1::BreakGlassResponse> Break(
      absl::string_view principal, const access::v1::BreakGlassRequest& wish) {
    return AskAs<access::v1::BreakGlassResponse>(principal, "BreakGlass", wish);
  }
  std::vector<access::v1::GlassEntry> Register(absl::string_view principal) {
    const auto list = AskAs<access::v1::ListGlassResponse>(
        principal, "ListGlass", access::v1::ListGlassRequest());
    EXPECT_THAT(list, IsOk());
    if (!list.ok()) return {};
    return {list->entries().begin(), list->entries().end()};
  }
};

TEST_F(GlassTest, IsOpenToWhoAskedAndToNobodyElse) {
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-2", 2)).accepted);
  EXPECT_THAT(ReadPerson("duty-senior", 1), IsEmpty());
  const auto opened = Break("duty-senior", Wish(1));
  ASSERT_THAT(opened, IsOk());
  EXPECT_FALSE(opened->was_open());
  EXPECT_GT(opened->opening().review_by(), opened->opening().until());
  const auto shown = ReadPerson("duty-senior", 1);
  // What it says of itself is of it, too.
  EXPECT_THAT(shown, ::testing::Contains("c-1"));
  EXPECT_THAT(shown, ::testing::Contains(opened->opening().opening_ref()));
  EXPECT_THAT(ReadPerson("duty-senior", 2), IsEmpty());
  EXPECT_THAT(ReadPerson("upw-manager", 1), IsEmpty());
  EXPECT_THAT(ReadPerson("nhs", 1), IsEmpty());
  access::v1::GetOpeningRequest ask;
  ask.set_subject(Wish(1).subject());
  const auto open = [&](absl::string_view principal) {
    return AskAs<access::v1::GetOpeningResponse>(principal, "GetOpening", ask);
  };
  ASSERT_THAT(open("duty-senior"), IsOk());
  EXPECT_EQ(open("duty-senior")->opening().until(), opened->opening().until());
  EXPECT_FALSE(open("upw-manager")->has_opening());
  // The same again is the same; it outlives the process.
  bus_.Kill();
  bus_.Start();
  const auto again = Break("duty-senior", Wish(1));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->was_open());
  EXPECT_EQ(again->opening().opening_ref(), opened->opening().opening_ref());
  EXPECT_THAT(ReadPerson("duty-senior", 1), ::testing::Contains("c-1"));
}

TEST_F(GlassTest, WhoMayNotIsToldWhy) {
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  for (const char* profile : {"admin", "service-mappa", "gateway"}) {
    EXPECT_THAT(Break(profile, Wish(1)),
                HasCode(absl::StatusCode::kPermissionDenied))
        << profile;
  }
  EXPECT_THAT(Break("duty-senior", Wish(7)),
              HasCode(absl::StatusCode::kNotFound));
  access::v1::BreakGlassRequest bad = Wish(1);
  bad.set_reason("CURIOSITY");
  EXPECT_THAT(Break("duty-senior", bad),
              HasCode(absl::StatusCode::kInvalidArgument));
  bad = Wish(1);
  bad.clear_words();
  EXPECT_THAT(Break("duty-senior", bad),
              HasCode(absl::StatusCode::kInvalidArgument));
  bad = Wish(1);
  bad.set_subject("Torquil");
  EXPECT_THAT(Break("duty-senior", bad),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Register("coordinator"), IsEmpty());
  EXPECT_THAT(ReadPerson("duty-senior", 1), IsEmpty());
}

TEST_F(GlassTest, WhoIsExcludedIsToldOfNobody) {
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  // What was opened before does not help either.
  ASSERT_THAT(Break("duty-senior", Wish(1)), IsOk());
  const auto note = [&](int person) {
    access::v1::NoteOpeningRequest request;
    request.mutable_command()->set_request_id("o-1");
    request.set_subject(Wish(person).subject());
    return AskAs<access::v1::NoteOpeningResponse>("duty-senior", "NoteOpening",
                                                  request)
        .status();
  };
  const auto limit = [&](const std::string& id, bool alone,
                         const std::string& entry) {
    mappa::v1::AccessRestricted access;
    access.set_case_ref("C-1");
    *(alone ? access.add_restricted_to() : access.add_excluded()) = entry;
    access.set_reason("KNOWN_TO_STAFF");
    const PublishOutcome outcome =
        Publish(*Connect("service-mappa"),
                Make(kMappa, "mappa-tayside", id, 1, access));
    ASSERT_TRUE(outcome.accepted) << outcome.detail;
  };
  const absl::Status unknown = Break("duty-senior", Wish(7)).status();
  ASSERT_THAT(unknown, HasCode(absl::StatusCode::kNotFound));
  for (const bool alone : {false, true}) {
    SCOPED_TRACE(alone ? "others alone may see" : "excluded");
    limit(alone ? "a-2" : "a-1", alone,
          alone ? "police-scotland" : "dundee-city-council/*/duty-senior");
    const auto end = LogStatus().end_sequence();
    EXPECT_EQ(Break("duty-senior", Wish(1)).status(), unknown);
    EXPECT_EQ(note(1), unknown);
    EXPECT_EQ(note(7), unknown);
    EXPECT_THAT(ReadPerson("duty-senior", 1), IsEmpty());
    // Nothing of it is recorded.
    EXPECT_EQ(LogStatus().end_sequence(), end);
  }
  limit("a-3", false, "dundee-city-council/*/another");
  EXPECT_THAT(note(1), IsOk());
  const auto again = Break("duty-senior", Wish(1));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->was_open());
}

TEST_F(GlassTest, IsOverAtItsEnd) {
  // Real time passes for nobody here: police may publish openings, of a time ago.
  const std::string path = bus_.data().PathOf("registry.textproto");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string types = "types: \"concordat.police.v1.*\"";
  const std::string more = " types: \"concordat.access.v1.GlassBroken\"";
  ASSERT_THAT(text.str(), HasSubstr(types));
  EXPECT_EQ(bus_.Stop(), 0);
  std::ofstream(path) << absl::StrReplaceAll(text.str(),
                                             {{types, types + more}});
  bus_.Start();
  const absl::Time now = SystemClock().Now();
  const auto opened = [&](int person, absl::Time until) {
    const std::string id = absl::StrCat("c-", person);
    ASSERT_TRUE(Publish(*Connect("police"), Concern(id, person)).accepted);
    access::v1::GlassBroken opening;
    opening.set_opening_ref(absl::StrCat("G-", person));
    opening.set_by("duty-senior");
    opening.set_reason("THREAT_TO_LIFE");
    opening.set_words("A neighbour rang.");
    opening.set_until(static_cast<uint64_t>(absl::ToUnixMicros(until)));
    opening.set_review_by(
        static_cast<uint64_t>(absl::ToUnixMicros(now + absl::Hours(24))));
    const PublishOutcome outcome = Publish(
        *Connect("police"), Make(kPolice, "police-scotland",
                                 absl::StrCat("G-", person), person, opening));
    ASSERT_TRUE(outcome.accepted) << outcome.detail;
  };
  opened(1, now - absl::Seconds(1));
  opened(2, now + absl::Hours(1));
  // What the log says is read at the start.
  bus_.Kill();
  bus_.Start();
  EXPECT_THAT(ReadPerson("duty-senior", 1), Not(::testing::Contains("c-1")));
  EXPECT_THAT(ReadPerson("duty-senior", 2), ::testing::Contains("c-2"));
  // It is opened anew, not on.
  const auto again = Break("duty-senior", Wish(1));
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->was_open());
  EXPECT_NE(again->opening().opening_ref(), "G-1");
}

TEST_F(GlassTest, AnOpeningWithoutATaskIsAnEvent) {
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  access::v1::NoteOpeningRequest request;
  request.mutable_command()->set_request_id("o-1");
  request.set_subject(PersonKey({1}).ToString());
  const auto note = [&](absl::string_view principal) {
    return AskAs<access::v1::NoteOpeningResponse>(principal, "NoteOpening",
                                                  request);
  };
  EXPECT_THAT(ReadPerson("guardian-council", 1), IsEmpty());
  ASSERT_THAT(note("duty-senior"), IsOk());
  // Twice the same is one.
  ASSERT_THAT(note("duty-senior"), IsOk());
  EXPECT_EQ(ReadPerson("guardian-council", 1).size(), 1u);
  EXPECT_THAT(ReadPerson("guardian-nhs", 1), IsEmpty());
  // It opens nothing.
  EXPECT_THAT(ReadPerson("duty-senior", 1), Not(::testing::Contains("c-1")));
  for (const char* profile : {"admin", "service-mappa", "gateway"}) {
    EXPECT_THAT(note(profile), HasCode(absl::StatusCode::kPermissionDenied))
        << profile;
  }
  request.set_subject(PersonKey({7}).ToString());
  EXPECT_THAT(note("duty-senior"), HasCode(absl::StatusCode::kNotFound));
  request.set_subject("Torquil");
  EXPECT_THAT(note("duty-senior"), HasCode(absl::StatusCode::kInvalidArgument));
  request.clear_command();
  EXPECT_THAT(note("duty-senior"), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReadPerson("guardian-council", 1).size(), 1u);
}

TEST_F(GlassTest, SomebodyElseReviews) {
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  const auto opened = Break("duty-senior", Wish(1));
  ASSERT_THAT(opened, IsOk());
  access::v1::ReviewGlassRequest review;
  review.set_opening_ref(opened->opening().opening_ref());
  review.set_outcome("JUSTIFIED");
  review.set_words("Police were told within five minutes.");
  const auto by = [&](absl::string_view principal) {
    return AskAs<access::v1::ReviewGlassResponse>(principal, "ReviewGlass",
                                                  review);
  };
  EXPECT_THAT(by("duty-senior"), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(by("admin"), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(by("guardian-nhs"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Register("guardian-nhs"), IsEmpty());
  ASSERT_EQ(Register("coordinator").size(), 1u);
  EXPECT_FALSE(Register("coordinator")[0].has_review());
  EXPECT_EQ(Register("coordinator")[0].agency(), "dundee-city-council");
  EXPECT_THAT(by("guardian-council"), IsOk());
  EXPECT_THAT(by("coordinator"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  bus_.Kill();
  bus_.Start();
  const auto entries = Register("guardian-council");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].review().outcome(), "JUSTIFIED");
  EXPECT_EQ(entries[0].review().by(), "guardian-council");
  EXPECT_EQ(entries[0].opening().by(), "duty-senior");
}

TEST_F(GlassTest, WhoOpenedDoesNotReviewByAnotherWay) {
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  const auto by_door = [&](const auto& request, const char* method,
                           const char* principal, const char* staff) {
    const auto channel =
        OpenChannel(bus_.data(), "concordat-bus", "gateway", kLong);
    EXPECT_THAT(channel, IsOk());
    return GenericCall(
               *channel,
               absl::StrCat("concordat.access.v1.GlassService/", method),
               request.SerializeAsString(),
               {.principal = principal, .staff = staff})
        .status();
  };
  ASSERT_THAT(by_door(Wish(1), "BreakGlass", "guardian-council", "m.carnbee"),
              IsOk());
  const auto entries = Register("coordinator");
  ASSERT_EQ(entries.size(), 1u);
  access::v1::ReviewGlassRequest review;
  review.set_opening_ref(entries[0].opening().opening_ref());
  review.set_outcome("JUSTIFIED");
  review.set_words("Police were told within five minutes.");
  // At the command line the same principal says no account.
  EXPECT_THAT(AskAs<access::v1::ReviewGlassResponse>("guardian-council",
                                                     "ReviewGlass", review),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(by_door(review, "ReviewGlass", "guardian-council", "m.carnbee"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(by_door(review, "ReviewGlass", "guardian-council", "k.birnam"),
              IsOk());
}

TEST_F(GlassTest, OfWhoIsErasedTheRegisterHasNothing) {
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  ASSERT_THAT(Break("duty-senior", Wish(1)), IsOk());
  ASSERT_EQ(Register("coordinator").size(), 1u);
  bus::v1::ErasePersonRequest erase;
  erase.set_subject(Wish(1).subject());
  erase.set_reason("PERIOD_ENDED");
  const auto by = [&](absl::string_view principal) {
    return AskOf<bus::v1::ErasePersonResponse>(
        principal, "concordat.bus.v1.ErasureService/ErasePerson", erase);
  };
  const auto looked = by("admin");
  ASSERT_THAT(looked, IsOk());
  erase.set_confirmed_count(looked->count());
  erase.set_why("the board's decision");
  const auto asked = by("admin");
  ASSERT_THAT(asked, IsOk());
  erase.set_approval(asked->asked().approval());
  erase.clear_why();
  ASSERT_THAT(by("second-operator"), IsOk());
  EXPECT_THAT(Register("coordinator"), IsEmpty());
  bus_.Kill();
  bus_.Start();
  EXPECT_THAT(Register("coordinator"), IsEmpty());
}

}  // namespace
}  // namespace concordat

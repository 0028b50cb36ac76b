// Names as pages ask for them.
//
//   | bug                                             | test                      |
//   | somebody of no interest is told of or counted   | WhoIsNotTheCallersIs...   |
//   | names given without a purpose                   | ThereIsAPurposeForEach... |
//   | given and not noted, or noted and not given     | EachNameGivenIsNoted      |
//   | staff lost                                      | EachNameGivenIsNoted      |
//   | an agency named that the caller may not know    | WhyItIsOnePersonNames...  |
//   | a number in the words                           | WhyItIsOnePersonNames...  |
//   | a doubted link not marked, or marked for ever   | ADoubtedLinkIsMarked      |
//   | found by a name that the caller is not shown    | ASearchGoesByWhatIsShown  |
//   | found by half a family name, or by it alone     | ASearchNeedsEnough        |
//   | somebody of no interest found by number         | WhoIsNotTheCallersIs...   |
//   | searches not counted, or those of all together  | SearchesAreCounted...     |
//   | more than twenty, or "more" without more        | AListOfTwentyIsTheMost    |
#include "services/identity/rpc/people_desk.h"

#include <string>

#include "absl/strings/match.h"
#include "services/common/projection/sqlite.h"
#include "tests/unit/services/identity/rpc/identity_fixture.h"

namespace concordat::identity {
namespace {

using ::absl::StatusCode;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using testing::Id;
using ::testing::IsEmpty;
using testing::kChi;
using ::testing::SizeIs;

class PeopleDeskTest : public testing::IdentityFixture {
 protected:
  static v1::FindPeopleRequest Named(const std::string& family,
                                     const std::string& given,
                                     const std::string& birth_date = "") {
    v1::FindPeopleRequest request;
    request.set_family_name(family);
    request.set_given_name(given);
    request.set_birth_date(birth_date);
    return request;
  }
  static v1::FindPeopleRequest Numbered(const v1::Identifier& identifier) {
    v1::FindPeopleRequest request;
    *request.mutable_identifier() = identifier;
    return request;
  }
  int Found(const char* who, const v1::FindPeopleRequest& request) {
    Call call = As(who);
    call.staff = absl::StrCat("s-", ++searches_);  // Somebody else each time.
    const auto found = people_->FindPeople(call, request);
    EXPECT_THAT(found, IsOk());
    return found.ok() ? found->people_size() : -1;
  }
  v1::DescribeManyResponse Described(const char* who,
                                     const std::vector<std::string>& subjects) {
    v1::DescribeManyRequest request;
    for (const std::string& subject : subjects) request.add_subjects(subject);
    const auto described = people_->DescribeMany(As(who), request);
    EXPECT_THAT(described, IsOk());
    return described.ok() ? *described : v1::DescribeManyResponse();
  }
  std::string RegisterAs(const char* who, const std::string& request_id,
                         const std::string& family, const std::string& given,
                         const v1::Identifier& identifier) {
    v1::RegisterRequest request;
    request.mutable_command()->set_request_id(request_id);
    request.set_family_name(family);
    request.set_given_name(given);
    *request.add_identifiers() = identifier;
    const auto response = service_->Register(As(who), request);
    EXPECT_THAT(response, IsOk());
    return response->subject();
  }

  int searches_ = 0;
};

TEST_F(PeopleDeskTest, WhoIsNotTheCallersIsLeftOutWithoutADifference) {
  const std::string torquil = RegisterTorquil();
  const std::string nobody =
      PersonKey(std::array<uint8_t, PersonKey::kBytes>{7}).ToString();
  CatchUp();
  const auto own = Described("socialwork", {nobody, torquil});
  ASSERT_THAT(own.people(), SizeIs(1));
  EXPECT_EQ(own.people(0).subject(), torquil);
  EXPECT_EQ(own.people(0).family_name(), "Balnamoon");
  EXPECT_EQ(own.people(0).birth_date(), "1979-03-03");
  EXPECT_EQ(own.people(0).localsubject(), "DCC-20017");
  EXPECT_EQ(Described("police", {torquil}).SerializeAsString(),
            Described("police", {nobody}).SerializeAsString());
  const auto by_chi = [&](const char* chi) {
    return people_->FindPeople(As("police"), Numbered(Id("chi", chi)))
        ->SerializeAsString();
  };
  EXPECT_EQ(by_chi(kChi), by_chi("1402680015"));
  EXPECT_EQ(Found("police", Named("Balnamoon", "Torquil")), 0);
  EXPECT_EQ(Found("socialwork", Numbered(Id("chi", kChi))), 1);

  OpenCase(torquil, {"dundee-city-council", "police-scotland"});
  EXPECT_EQ(Found("police", Numbered(Id("chi", kChi))), 1);
  EXPECT_EQ(Found("police", Named("Balnamoon", "Torquil")), 1);
  EXPECT_EQ(Found("nhs", Named("Balnamoon", "Torquil")), 0);
  // Programs and the operator know nobody.
  for (const char* who : {"admin", "edge-health", "service-alerts"}) {
    EXPECT_THAT(people_->FindPeople(As(who), Numbered(Id("chi", kChi))),
                HasCode(StatusCode::kPermissionDenied));
    EXPECT_THAT(people_->DescribeMany(As(who), {}),
                HasCode(StatusCode::kPermissionDenied));
  }
  Leave(torquil, "police-scotland");
  EXPECT_EQ(Found("police", Numbered(Id("chi", kChi))), 0);
}

TEST_F(PeopleDeskTest, ThereIsAPurposeForEachName) {
  const std::string torquil = RegisterTorquil();
  CatchUp();
  Call call = As("socialwork");
  call.purpose.clear();
  v1::DescribeManyRequest describe;
  describe.add_subjects(torquil);
  EXPECT_THAT(people_->DescribeMany(call, describe),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(people_->FindPeople(call, Named("Balnamoon", "T")),
              HasCode(StatusCode::kInvalidArgument));
  describe.set_purpose("ORDER_SUPERVISION");
  EXPECT_THAT(people_->DescribeMany(call, describe), IsOk());
  for (int i = 0; i < PeopleDesk::kSubjectsMax; ++i) {
    describe.add_subjects(torquil);
  }
  EXPECT_THAT(people_->DescribeMany(call, describe),
              HasCode(StatusCode::kInvalidArgument));
}

TEST_F(PeopleDeskTest, EachNameGivenIsNoted) {
  const std::string torquil = RegisterTorquil();
  const PersonKey person = *PersonKey::Parse(torquil);
  CatchUp();
  Described("socialwork", {torquil});
  EXPECT_EQ(store_->DescriptionsTo(person, "socialwork").value(), 1u);
  EXPECT_THAT(Describe("socialwork", torquil), IsOk());
  EXPECT_EQ(Found("socialwork", Named("Balnamoon", "Tor")), 1);
  EXPECT_EQ(store_->DescriptionsTo(person, "socialwork").value(), 3u);
  Described("police", {torquil});
  EXPECT_EQ(Found("police", Named("Balnamoon", "Tor")), 0);
  EXPECT_EQ(store_->DescriptionsTo(person, "police").value(), 0u);
  Call call = As("socialwork");
  call.staff = "a.carse";
  v1::DescribeManyRequest request;
  request.add_subjects(torquil);
  ASSERT_THAT(people_->DescribeMany(call, request), IsOk());
  auto db = Database::Open(dir_.PathOf("identity.sqlite"),
                           Database::Durability::kFull)
                .value();
  std::vector<std::string> noted;
  ASSERT_THAT(db->Query("SELECT principal, staff, purpose FROM description "
                        "WHERE staff = 'a.carse'",
                        {},
                        [&](const SqlRow& row) {
                          noted = {row.Text(0), row.Text(1), row.Text(2)};
                        }),
              IsOk());
  EXPECT_THAT(noted,
              ElementsAre("socialwork", "a.carse", "MAPPA_RISK_MANAGEMENT"));
}

TEST_F(PeopleDeskTest, WhyItIsOnePersonNamesOnlyWhomTheCallerMayKnow) {
  const std::string torquil = RegisterTorquil();
  v1::RegisterRequest same = Torquil("p-1");
  same.mutable_identifiers()->RemoveLast();
  ASSERT_EQ(service_->Register(As("police"), same)->subject(), torquil);
  CatchUp();
  auto person = Described("socialwork", {torquil}).people(0);
  EXPECT_THAT(
      person.same_because(),
      ElementsAre("Dundee City Council registered the person with the "
                  "CHI number, the PNC number and the council number."));
  OpenCase(torquil, {"dundee-city-council", "police-scotland", "nhs-tayside"});
  person = Described("socialwork", {torquil}).people(0);
  EXPECT_THAT(person.same_because(),
              ElementsAre("Dundee City Council registered the person with the "
                          "council number.",
                          "Dundee City Council and Police Scotland have the "
                          "same person with the CHI number and the PNC "
                          "number."));
  for (const std::string& sentence : person.same_because()) {
    EXPECT_FALSE(absl::StrContains(sentence, kChi));
    EXPECT_FALSE(absl::StrContains(sentence, "20017"));
  }
  // What a person confirmed.
  const std::string fearchar = RegisterFearchar();
  CatchUp();
  EXPECT_THAT(Described("nhs", {fearchar}).people(0).same_because(), IsEmpty());
  ASSERT_THAT(Confirm("nhs", fearchar), IsOk());
  EXPECT_THAT(
      Described("nhs", {fearchar}).people(0).same_because(),
      ElementsAre("Somebody at NHS Tayside confirmed the CHI number.",
                  "NHS Tayside registered the person with the CHI number."));
}

TEST_F(PeopleDeskTest, ADoubtedLinkIsMarkedWhileItIsDoubted) {
  const std::string torquil = RegisterTorquil();
  CatchUp();
  EXPECT_FALSE(Described("socialwork", {torquil}).people(0).in_doubt());
  Review review;
  review.kind = std::string(kLinkDoubted);
  review.subject = *PersonKey::Parse(torquil);
  CommandContext context = Own();
  context.request_id = "o-1";
  ASSERT_THAT(store_->OpenReview(context, review), IsOk());
  EXPECT_TRUE(Described("socialwork", {torquil}).people(0).in_doubt());
  context.request_id = "d-1";
  ASSERT_THAT(store_->DecideReview(context, {.review = 1,
                                             .decision = "CONFIRMED",
                                             .reason = "RECORDS_COMPARED",
                                             .note = ""}),
              IsOk());
  EXPECT_FALSE(Described("socialwork", {torquil}).people(0).in_doubt());
}

TEST_F(PeopleDeskTest, ASearchGoesByWhatIsShown) {
  v1::RegisterRequest request = Torquil("r-2");
  v1::PersonName& other = *request.add_other_names();
  other.set_family_name("Mac Inverquharity");
  other.set_given_name("Tam");
  const auto torquil = service_->Register(As("socialwork"), request);
  ASSERT_THAT(torquil, IsOk());
  // Police write the name otherwise, for themselves.
  v1::RegisterRequest police = Torquil("p-1");
  police.set_family_name("Balnamoon-Ogil");
  police.mutable_identifiers()->RemoveLast();
  OpenCase(torquil->subject(), {"dundee-city-council", "police-scotland"});
  ASSERT_EQ(service_->Register(As("police"), police)->subject(),
            torquil->subject());
  CatchUp();
  EXPECT_EQ(Found("socialwork", Named("BALNA MOON", "tor")), 1);
  EXPECT_EQ(Found("socialwork", Named("balnamoon", "", "1979-03-03")), 1);
  EXPECT_EQ(Found("socialwork", Named("balnamoon", "tor", "1979-03-04")), 0);
  EXPECT_EQ(Found("socialwork", Named("balnamoon", "quil")), 0);
  EXPECT_EQ(Found("socialwork", Named("macinverquharity", "T")), 1);
  EXPECT_EQ(Found("socialwork", Named("macinverquharity", "Torquil")), 0);
  EXPECT_EQ(Found("socialwork", Named("Balnamoon-Ogil", "T")), 0);
  EXPECT_EQ(Found("police", Named("Balnamoon-Ogil", "T")), 1);
  EXPECT_EQ(Found("police", Named("Balnamoon", "T")), 0);
  const auto found =
      people_->FindPeople(As("police"), Named("balnamoonogil", "T"));
  ASSERT_THAT(found->people(), SizeIs(1));
  ASSERT_THAT(found->people(0).other_names(), SizeIs(1));
  EXPECT_EQ(found->people(0).other_names(0).given_name(), "Tam");
}

TEST_F(PeopleDeskTest, ASearchNeedsEnough) {
  RegisterTorquil();
  CatchUp();
  v1::FindPeopleRequest both = Numbered(Id("chi", kChi));
  both.set_family_name("Balnamoon");
  for (const v1::FindPeopleRequest& little :
       {v1::FindPeopleRequest(), Named("Balnamoon", ""), Named("", "Torquil"),
        Named("", "Torquil", "1979-03-03"), Named("B", "T"),
        Named("Balnamoon", "-"), Named("Balnamoon", "", "1979"),
        Numbered(Id("chi", "030379")), Numbered(Id("telephone", "1")), both}) {
    EXPECT_THAT(people_->FindPeople(As("socialwork"), little),
                HasCode(StatusCode::kInvalidArgument))
        << little.DebugString();
  }
  EXPECT_EQ(Found("socialwork", Named("Balnamoo", "T")), 0);
}

TEST_F(PeopleDeskTest, SearchesAreCountedForEachPersonByThemselves) {
  RegisterTorquil();
  CatchUp();
  Call call = As("socialwork");
  call.staff = "a.carse";
  const auto request = Named("Balnamoon", "T");
  for (size_t i = 0; i < SearchLimit::kSearchesMax; ++i) {
    ASSERT_THAT(people_->FindPeople(call, request), IsOk());
    steady_.Advance(absl::Seconds(1));
  }
  EXPECT_THAT(people_->FindPeople(call, request),
              HasCode(StatusCode::kResourceExhausted));
  call.staff = "b.ogil";
  EXPECT_THAT(people_->FindPeople(call, request), IsOk());
  call.staff = "a.carse";
  steady_.Advance(SearchLimit::kSpan -
                  absl::Seconds(int64_t{SearchLimit::kSearchesMax}));
  CatchUp();
  EXPECT_THAT(people_->FindPeople(call, request), IsOk());
  EXPECT_THAT(people_->FindPeople(call, request),
              HasCode(StatusCode::kResourceExhausted));
}

TEST_F(PeopleDeskTest, AListOfTwentyIsTheMost) {
  for (int i = 0; i < PeopleDesk::kFoundMax; ++i) {
    RegisterAs("socialwork", absl::StrCat("r-", i), "Craigowl", "Eilidh",
               Id("council", absl::StrCat("DCC-", 100 + i).c_str()));
  }
  CatchUp();
  auto found = people_->FindPeople(As("socialwork"), Named("Craigowl", "E"));
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(found->people(), SizeIs(PeopleDesk::kFoundMax));
  EXPECT_FALSE(found->more());
  RegisterAs("socialwork", "r-99", "Craigowl", "Effie",
             Id("council", "DCC-99"));
  CatchUp();
  found = people_->FindPeople(As("socialwork"), Named("Craigowl", "E"));
  EXPECT_THAT(found->people(), SizeIs(PeopleDesk::kFoundMax));
  EXPECT_TRUE(found->more());
  EXPECT_EQ(found->people(0).given_name(), "Effie");
}

}  // namespace
}  // namespace concordat::identity

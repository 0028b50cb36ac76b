// Identity reviews on the real store, the outbox and a bus in memory.
//
//   | bug                                             | test                  |
//   | an address on the bus, or to another agency     | AnAddressStandsHere.. |
//   | another agency's address shown as known         | AnAddressStandsHere.. |
//   | an edge opens what only a person may, and back  | OnlyThoseWithAn...    |
//   | review of a person without an interest          | OnlyThoseWithAn...    |
//   | other words for "no such review"                | AReviewIsFor...       |
//   | a merge by itself links or merges               | AMergeAtTheSource...  |
//   | a number of somebody else linked                | ANumberOfSomebody...  |
//   | merged people found by neither or both          | TwoPeopleWhoAreOne... |
//   | one person cuts a link, or agrees twice         | ALinkIsCutWhenTwo...  |
//   | decided twice; repeat decides again             | OfTwoWhoDecide...     |
//   | a reason that is no code changes something      | OfTwoWhoDecide...     |
//   | lost or doubled when killed before the bus      | WhatACrashLeft...     |
//   | sources of who has other numbers cut by default | ACutSaysWhoseFacts... |
//   | a repeat of a cut judged by what is left        | ACutSaysWhoseFacts... |
//   | a cut with sources that one person named        | TheSecondPersonAgr... |
//   | "nothing" taken for "what is likely"            | NothingMayHaveCome... |
//   | an agency named that the reader may not know of | AnAgencyThatNobody... |
//   | two of a number shown to who knows one of them  | ANumberOfTwoIsRev...  |
#include "services/identity/rpc/review_service.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "tests/unit/services/identity/rpc/identity_fixture.h"

namespace concordat::identity {
namespace {

using ::absl::StatusCode;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using testing::Id;
using testing::IdentityFixture;
using ::testing::IsEmpty;
using testing::kChi;
using testing::kPnc;
using ::testing::SizeIs;

constexpr char kPas[] = "urn:concordat:nhs-tayside:pas";
constexpr char kNhsService[] = "urn:concordat:nhs-tayside:concordat-nhs";
constexpr char kJsw[] = "urn:concordat:dundee-city-council:jsw";

class ReviewServiceTest : public IdentityFixture {
 protected:
  void SetUp() override {
    IdentityFixture::SetUp();
    Restart();
    torquil_ = RegisterTorquil();
    OpenCase(torquil_, {"dundee-city-council", "nhs-tayside"});
  }
  void Restart() {
    reviews_ = std::make_unique<ReviewService>(*store_, *outbox_, *parties_,
                                               *cohort_, *types_, clock_);
  }

  absl::StatusOr<v1::OpenReviewResponse> Offer(
      const std::string& request_id, const std::string& address,
      const char* who = "edge-health") {
    v1::OfferAddressRequest request;
    request.mutable_command()->set_request_id(request_id);
    request.set_subject(torquil_);
    request.mutable_address()->set_text(address);
    return reviews_->OfferAddress(As(who), request);
  }
  absl::StatusOr<v1::OpenReviewResponse> Open(const std::string& request_id,
                                              const std::string& kind,
                                              const v1::Identifier& identifier,
                                              const char* who = "edge-health") {
    v1::OpenReviewRequest request;
    request.mutable_command()->set_request_id(request_id);
    request.set_kind(kind);
    request.set_subject(torquil_);
    *request.add_identifiers() = identifier;
    return reviews_->OpenReview(As(who), request);
  }
  absl::StatusOr<v1::DecideReviewResponse> Decide(
      const std::string& request_id, const std::string& ref,
      const std::string& decision, const char* who = "nhs",
      const std::string& reason = "RECORDS_COMPARED") {
    v1::DecideReviewRequest request;
    request.mutable_command()->set_request_id(request_id);
    request.set_review_ref(ref);
    request.set_decision(decision);
    request.set_reason(reason);
    request.set_note("a note");
    return reviews_->DecideReview(As(who), request);
  }
  absl::StatusOr<v1::DecideReviewResponse> Cut(
      const std::string& request_id, const char* who,
      const std::vector<std::string>& sources, bool no_sources = false) {
    v1::DecideReviewRequest request;
    request.mutable_command()->set_request_id(request_id);
    request.set_review_ref("IR-1");
    request.set_decision("LINK_CUT");
    request.set_reason("DIFFERENT_PEOPLE");
    for (const std::string& source : sources) request.add_sources(source);
    request.set_no_sources(no_sources);
    return reviews_->DecideReview(As(who), request);
  }
  // The edges have the numbers of everybody who is theirs.
  void TellEdges() {
    for (const char* name : {"edge-health", "edge-council"}) {
      // The feed may still be telling it when the test has gone on.
      const auto edge = std::make_shared<testing::Edge>();
      CohortFeed::Sink sink = edge->sink();
      sink.write = [edge, write = sink.write](const v1::CohortChange& change) {
        return write(change);
      };
      cohort_->Open(SystemOf(*registry_->FindByName(name)), true, sink);
      EXPECT_TRUE(edge->WaitForPosition(bus_.end()));
      edge->Close();
      cohort_->Wake();
    }
  }
  int Listed(const char* who, bool with_decided = false) {
    v1::ListReviewsRequest request;
    request.set_with_decided(with_decided);
    const auto list = reviews_->ListReviews(As(who), request);
    EXPECT_THAT(list, IsOk());
    return list.ok() ? list->reviews_size() : -1;
  }
  absl::StatusOr<v1::LookAtReviewResponse> Look(const std::string& ref,
                                                const char* who = "nhs") {
    v1::LookAtReviewRequest request;
    request.set_review_ref(ref);
    return reviews_->LookAtReview(As(who), request);
  }
  int InTheLog(const std::string& type) const {
    int count = 0;
    for (const View& view : bus_.events()) {
      count += absl::EndsWith(view.header.type, "." + type) ? 1 : 0;
    }
    return count;
  }

  std::unique_ptr<ReviewService> reviews_;
  std::string torquil_;
};

TEST_F(ReviewServiceTest, AnAddressStandsHereAloneForTheAgencyThatHasIt) {
  const Sequence before = bus_.end();
  const auto offered = Offer("h2", "19 FLEUCHAR NEUK, DUNDEE, DD4 9ZZ");
  ASSERT_THAT(offered, IsOk());
  EXPECT_EQ(offered->review_ref(), "IR-1");
  EXPECT_EQ(bus_.end(), before);
  EXPECT_EQ(Listed("nhs"), 1);
  EXPECT_EQ(Listed("socialwork"), 0);
  EXPECT_EQ(Listed("coordinator"), 0);
  const auto look = Look("IR-1");
  ASSERT_THAT(look, IsOk());
  EXPECT_EQ(look->address().text(), "19 FLEUCHAR NEUK, DUNDEE, DD4 9ZZ");
  EXPECT_EQ(look->known_address().text(), "");
  // The same from the same source opens no second one.
  const auto again = Offer("h2b", "19 FLEUCHAR NEUK, DUNDEE, DD4 9ZZ");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->review_ref(), "");
  ASSERT_THAT(Decide("d1", "IR-1", "CONFIRMED"), IsOk());
  EXPECT_EQ(Listed("nhs"), 0);
  EXPECT_EQ(Listed("nhs", true), 1);
  EXPECT_EQ(InTheLog("IdentityReviewDecided"), 1);
  // It is the agency's own address of the person now, and nobody else's.
  ASSERT_THAT(Offer("h2c", "19 FLEUCHAR NEUK, DUNDEE, DD4 9ZZ"), IsOk());
  EXPECT_EQ(Listed("nhs"), 0);
  ASSERT_THAT(Offer("h2d", "2/1 MAINS LOAN COURT"), IsOk());
  EXPECT_EQ(Look("IR-2")->known_address().text(),
            "19 FLEUCHAR NEUK, DUNDEE, DD4 9ZZ");
  for (const View& view : bus_.events()) {
    EXPECT_FALSE(absl::StrContains(view.Data(), "FLEUCHAR"));
    EXPECT_FALSE(absl::StrContains(view.Data(), "a note"));
  }
}

TEST_F(ReviewServiceTest, AReviewIsForThoseConcernedInTheSameWords) {
  ASSERT_THAT(Open("m1", "MERGED_AT_SOURCE", Id("local", "66-4", kPas)),
              IsOk());
  for (const char* who : {"police", "socialwork", "coordinator", "admin",
                          "edge-health", "service-alerts"}) {
    const absl::Status there = Look("IR-1", who).status();
    EXPECT_THAT(there, HasCode(StatusCode::kPermissionDenied)) << who;
    EXPECT_EQ(there, Look("IR-99", who).status()) << who;
    EXPECT_EQ(Decide("x1", "IR-1", "CONFIRMED", who).status(), there) << who;
    EXPECT_EQ(Decide("x2", "IR-99", "CONFIRMED", who).status(), there) << who;
  }
  EXPECT_THAT(reviews_->ListReviews(As("admin"), {}),
              HasCode(StatusCode::kPermissionDenied));
  EXPECT_EQ(Listed("nhs"), 1);
  EXPECT_EQ(InTheLog("IdentityReviewDecided"), 0);
}

TEST_F(ReviewServiceTest, OnlyThoseWithAnInterestOpenAndOnlyTheirKind) {
  EXPECT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi)),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Open("o2", "MERGED_AT_SOURCE", Id("chi", kChi), "nhs"),
              HasCode(StatusCode::kInvalidArgument));
  // Who has a number otherwise is nothing to whoever doubts it.
  EXPECT_THAT(Open("o3", "LINK_DOUBTED", Id("chi", "1402680015"), "nhs"),
              HasCode(StatusCode::kPermissionDenied));
  EXPECT_THAT(Open("o4", "LINK_DOUBTED", Id("chi", kChi), "police"),
              HasCode(StatusCode::kPermissionDenied));
  Leave(torquil_, "nhs-tayside");
  EXPECT_THAT(Offer("o5", "SOMEWHERE"), HasCode(StatusCode::kPermissionDenied));
  EXPECT_THAT(Open("o6", "MERGED_AT_SOURCE", Id("local", "1", kPas)),
              HasCode(StatusCode::kPermissionDenied));
  EXPECT_EQ(Listed("nhs", true), 0);
  EXPECT_EQ(InTheLog("IdentityReviewOpened"), 0);
}

TEST_F(ReviewServiceTest, AMergeAtTheSourceLinksNothingUntilAPersonSaysSo) {
  const auto opened =
      Open("h10", "MERGED_AT_SOURCE", Id("local", "66-4", kPas));
  ASSERT_THAT(opened, IsOk());
  // Sent again by the edge it is the same review.
  EXPECT_EQ(Open("h10", "MERGED_AT_SOURCE", Id("local", "66-4", kPas))
                ->SerializeAsString(),
            opened->SerializeAsString());
  EXPECT_EQ(InTheLog("IdentityReviewOpened"), 1);
  EXPECT_THAT(Resolve("nhs", Id("local", "66-4", kPas)),
              HasCode(StatusCode::kNotFound));
  ASSERT_THAT(Decide("d1", opened->review_ref(), "CONFIRMED"), IsOk());
  EXPECT_EQ(*Resolve("nhs", Id("local", "66-4", kPas)), torquil_);
  // A hospital gives up more than one number in time.
  const auto second =
      Open("h10b", "MERGED_AT_SOURCE", Id("local", "66-5", kPas));
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT(Decide("d2", second->review_ref(), "CONFIRMED"), IsOk());
  EXPECT_EQ(*Resolve("nhs", Id("local", "66-5", kPas)), torquil_);
  const auto third =
      Open("h10c", "MERGED_AT_SOURCE", Id("local", "66-6", kPas));
  ASSERT_THAT(Decide("d3", third->review_ref(), "KEPT_APART"), IsOk());
  EXPECT_THAT(Resolve("nhs", Id("local", "66-6", kPas)),
              HasCode(StatusCode::kNotFound));
}

TEST_F(ReviewServiceTest, ANumberOfSomebodyElseIsNotLinked) {
  v1::RegisterRequest other;
  other.mutable_command()->set_request_id("r-9");
  other.set_family_name("Somebody");
  *other.add_identifiers() = Id("local", "66-4", kPas);
  ASSERT_THAT(service_->Register(As("nhs"), other), IsOk());
  CatchUp();
  const auto opened =
      Open("h10", "MERGED_AT_SOURCE", Id("local", "66-4", kPas));
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(Decide("d1", "IR-1", "CONFIRMED"),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(Listed("nhs"), 1);
}

TEST_F(ReviewServiceTest, TwoPeopleWhoAreOneAreFoundByEveryNumberOfBoth) {
  v1::RegisterRequest other;
  other.mutable_command()->set_request_id("r-9");
  other.set_family_name("Balnamoon");
  *other.add_identifiers() = Id("local", "66-4", kPas);
  const auto twin = service_->Register(As("nhs"), other);
  ASSERT_THAT(twin, IsOk());
  CatchUp();
  ASSERT_THAT(Open("h10", "MERGED_AT_SOURCE", Id("local", "66-4", kPas)),
              IsOk());
  const auto decided = Decide("d1", "IR-1", "MERGED", "nhs", "SAME_PERSON");
  ASSERT_THAT(decided, IsOk());
  EXPECT_EQ(*Resolve("nhs", Id("local", "66-4", kPas)), torquil_);
  EXPECT_EQ(*Resolve("nhs", Id("chi", kChi)), torquil_);
  const View fact = bus_.events().back();
  EXPECT_EQ(fact.header.subject.ToString(), twin->subject());
  v1::IdentityReviewDecided event;
  ASSERT_TRUE(event.ParseFromString(fact.Data()));
  EXPECT_EQ(event.survivor(), torquil_);
  // Registered once more by the number of either it is the one who goes on.
  other.mutable_command()->set_request_id("r-10");
  *other.add_identifiers() = Id("pnc", kPnc);
  const auto again = service_->Register(As("nhs"), other);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->subject(), torquil_);
}

TEST_F(ReviewServiceTest, ALinkIsCutWhenTwoAgreeAndHoldsTillThen) {
  ASSERT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi), "nhs"), IsOk());
  EXPECT_EQ(Listed("socialwork"), 1);  // They have an interest, too.
  EXPECT_EQ(Listed("police"), 0);
  const auto proposed = Decide("d1", "IR-1", "LINK_CUT");
  ASSERT_THAT(proposed, IsOk());
  EXPECT_EQ(proposed->review().state(), "waiting for a second person");
  EXPECT_EQ(*Resolve("nhs", Id("chi", kChi)), torquil_);
  EXPECT_THAT(Decide("d2", "IR-1", "LINK_CUT"),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(*Resolve("nhs", Id("chi", kChi)), torquil_);
  EXPECT_EQ(InTheLog("LinkCutProposed"), 1);
  const auto cut =
      Decide("d3", "IR-1", "LINK_CUT", "socialwork", "DIFFERENT_PEOPLE");
  ASSERT_THAT(cut, IsOk());
  EXPECT_EQ(cut->review().state(), "decided");
  EXPECT_THAT(Resolve("nhs", Id("chi", kChi)), HasCode(StatusCode::kNotFound));
  EXPECT_EQ(*Resolve("socialwork", Id("pnc", kPnc)), torquil_);
  const std::vector<View> events = bus_.events();
  v1::IdentityReviewDecided event;
  ASSERT_TRUE(event.ParseFromString(events[events.size() - 2].Data()));
  EXPECT_EQ(event.decision(), "LINK_CUT");
  EXPECT_EQ(event.scheme(), "chi");
  for (const View& view : events) {
    EXPECT_FALSE(absl::StrContains(view.Data(), kChi));
  }
}

TEST_F(ReviewServiceTest, ACutSaysWhoseFactsCameByTheNumberAndSinceWhen) {
  const Sequence before = bus_.end();
  // The liaison officer asks by it alone; social work has two more, and its edge
  // gets it beside its own.
  ASSERT_THAT(Resolve("nhs", Id("chi", kChi)), IsOk());
  ASSERT_THAT(Resolve("socialwork", Id("council", "DCC-20017")), IsOk());
  TellEdges();
  ASSERT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi), "nhs"), IsOk());
  const auto look = Look("IR-1");
  ASSERT_THAT(look, IsOk());
  ASSERT_THAT(look->uses(), SizeIs(3));
  EXPECT_EQ(look->uses(0).source(), kJsw);
  EXPECT_FALSE(look->uses(0).likely());
  EXPECT_EQ(look->uses(1).source(), kNhsService);
  EXPECT_TRUE(look->uses(1).likely());
  EXPECT_EQ(look->uses(2).source(), kPas);
  EXPECT_TRUE(look->uses(2).likely());
  EXPECT_THAT(look->proposed_sources(), IsEmpty());

  ASSERT_THAT(Decide("d1", "IR-1", "LINK_CUT"), IsOk());
  EXPECT_THAT(Look("IR-1", "socialwork")->proposed_sources(),
              ElementsAre(kNhsService, kPas));
  const auto cut = Decide("d2", "IR-1", "LINK_CUT", "socialwork");
  ASSERT_THAT(cut, IsOk());
  const View last = bus_.events().back();
  v1::LinkCut event;
  ASSERT_TRUE(event.ParseFromString(last.Data()));
  EXPECT_EQ(last.header.type, "concordat.identity.v1.LinkCut");
  EXPECT_EQ(last.header.subject.ToString(), torquil_);
  EXPECT_EQ(event.review_ref(), "IR-1");
  EXPECT_EQ(event.scheme(), "chi");
  EXPECT_THAT(event.sources(), ElementsAre(kNhsService, kPas));
  EXPECT_EQ(event.after(), before.value);
  EXPECT_EQ(cut->position(), last.sequence.value);
  // A repeat gets the first answer, and says nothing twice.
  const auto again = Decide("d2", "IR-1", "LINK_CUT", "socialwork");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->SerializeAsString(), cut->SerializeAsString());
  EXPECT_EQ(InTheLog("LinkCut"), 1);
}

TEST_F(ReviewServiceTest, TheSecondPersonAgreesToTheSameSourcesOrProposes) {
  ASSERT_THAT(Resolve("nhs", Id("chi", kChi)), IsOk());
  TellEdges();
  ASSERT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi), "nhs"), IsOk());
  EXPECT_THAT(Cut("d0", "nhs", {"urn:concordat:police-scotland:rms"}),
              HasCode(StatusCode::kInvalidArgument));
  ASSERT_THAT(Cut("d1", "nhs", {kPas}), IsOk());
  const auto other = Cut("d2", "socialwork", {kPas, kNhsService});
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->review().state(), "waiting for a second person");
  EXPECT_EQ(other->review().decided_by(),
            "urn:concordat:dundee-city-council:jsw");
  EXPECT_EQ(*Resolve("nhs", Id("chi", kChi)), torquil_);
  EXPECT_EQ(InTheLog("LinkCut"), 0);
  const auto cut = Decide("d3", "IR-1", "LINK_CUT");
  ASSERT_THAT(cut, IsOk());
  EXPECT_EQ(cut->review().state(), "decided");
  v1::LinkCut event;
  ASSERT_TRUE(event.ParseFromString(bus_.events().back().Data()));
  EXPECT_THAT(event.sources(), ElementsAre(kNhsService, kPas));
}

TEST_F(ReviewServiceTest, NothingMayHaveComeByIt) {
  TellEdges();
  ASSERT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi), "nhs"), IsOk());
  ASSERT_THAT(Cut("d1", "nhs", {}, true), IsOk());
  ASSERT_THAT(Decide("d2", "IR-1", "LINK_CUT", "socialwork"), IsOk());
  v1::LinkCut event;
  ASSERT_TRUE(event.ParseFromString(bus_.events().back().Data()));
  EXPECT_THAT(event.sources(), IsEmpty());
  EXPECT_EQ(event.after(), 0u);
}

TEST_F(ReviewServiceTest,
       AnAgencyThatNobodyMayKnowOfIsNotNamedAndNotForgotten) {
  // Police know the person by the same number, and are no party.
  v1::RegisterRequest request;
  request.mutable_command()->set_request_id("p-1");
  request.set_family_name("Balnamoon");
  request.set_given_name("Torquil");
  request.set_birth_date("1979-03-03");
  *request.add_identifiers() = Id("chi", kChi);
  ASSERT_EQ(service_->Register(As("police"), request)->subject(), torquil_);
  CatchUp();
  ASSERT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi), "nhs"), IsOk());
  const auto look = Look("IR-1");
  ASSERT_THAT(look, IsOk());
  for (const v1::LinkUse& use : look->uses()) {
    EXPECT_NE(use.source(), "urn:concordat:police-scotland:rms");
  }
  EXPECT_THAT(Cut("d0", "nhs", {"urn:concordat:police-scotland:rms"}),
              HasCode(StatusCode::kInvalidArgument));
  ASSERT_THAT(Cut("d1", "nhs", {}, true), IsOk());
  EXPECT_THAT(Look("IR-1", "socialwork")->proposed_sources(), IsEmpty());
  ASSERT_THAT(Cut("d2", "socialwork", {}, true), IsOk());
  v1::LinkCut event;
  ASSERT_TRUE(event.ParseFromString(bus_.events().back().Data()));
  EXPECT_THAT(event.sources(),
              ElementsAre("urn:concordat:police-scotland:rms"));
}

TEST_F(ReviewServiceTest, ANumberOfTwoIsReviewedByWhoKnowsBoth) {
  v1::RegisterRequest request;
  request.mutable_command()->set_request_id("p-1");
  request.set_family_name("Somebody");
  *request.add_identifiers() = Id("chi", kChi);
  const auto other = service_->Register(As("police"), request);
  ASSERT_THAT(other, IsOk());
  ASSERT_NE(other->subject(), torquil_);
  CatchUp();
  EXPECT_EQ(InTheLog("IdentityReviewOpened"), 1);
  v1::IdentityReviewOpened opened;
  for (const View& view : bus_.events()) {
    if (absl::EndsWith(view.header.type, "IdentityReviewOpened")) {
      ASSERT_TRUE(opened.ParseFromString(view.Data()));
      EXPECT_EQ(view.header.controller, "mappa-tayside");
      EXPECT_FALSE(view.header.purpose.empty());
    }
  }
  EXPECT_EQ(opened.by(), testing::kSource);
  EXPECT_EQ(opened.kind(), "NUMBER_CLAIMED");
  for (const char* who : {"police", "socialwork", "nhs", "coordinator"}) {
    EXPECT_EQ(Listed(who), 0) << who;
    EXPECT_THAT(Decide("x", "IR-1", "MERGED", who),
                HasCode(StatusCode::kPermissionDenied));
  }
  OpenCase(torquil_, {"dundee-city-council", "police-scotland"});
  EXPECT_EQ(Listed("socialwork"), 0);
  EXPECT_EQ(Listed("police"), 1);
  const auto look = Look("IR-1", "police");
  ASSERT_THAT(look, IsOk());
  EXPECT_EQ(look->review().subject(), torquil_);
  EXPECT_EQ(look->review().other(), other->subject());
  EXPECT_THAT(look->uses(), IsEmpty());
  EXPECT_THAT(Decide("d1", "IR-1", "CONFIRMED", "police"),
              HasCode(StatusCode::kFailedPrecondition));
  ASSERT_THAT(Decide("d2", "IR-1", "MERGED", "police", "SAME_PERSON"), IsOk());
  const View fact = bus_.events().back();
  EXPECT_EQ(fact.header.subject.ToString(), other->subject());
  v1::IdentityReviewDecided event;
  ASSERT_TRUE(event.ParseFromString(fact.Data()));
  EXPECT_EQ(event.survivor(), torquil_);
  EXPECT_EQ(*Resolve("police", Id("chi", kChi)), torquil_);
}

TEST_F(ReviewServiceTest, OfTwoWhoDecideOneWinsAndTheOtherIsToldWhat) {
  ASSERT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi), "nhs"), IsOk());
  EXPECT_THAT(Decide("d0", "IR-1", "CONFIRMED", "nhs", "because"),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Decide("d0", "IR-1", "MERGED"),
              HasCode(StatusCode::kFailedPrecondition));
  const auto first = Decide("d1", "IR-1", "CONFIRMED");
  ASSERT_THAT(first, IsOk());
  const auto late = Decide("d1", "IR-1", "LINK_CUT", "socialwork");
  EXPECT_THAT(late, HasCode(StatusCode::kAborted));
  EXPECT_TRUE(absl::StrContains(
      late.status().message(),
      "urn:concordat:nhs-tayside:liaison decided CONFIRMED at "));
  const auto again = Decide("d1", "IR-1", "CONFIRMED");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_THAT(Decide("d1", "IR-1", "KEPT_APART"),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(InTheLog("IdentityReviewDecided"), 1);
}

TEST_F(ReviewServiceTest, WhatACrashLeftBehindIsPublishedOnce) {
  ASSERT_THAT(Open("o1", "LINK_DOUBTED", Id("chi", kChi), "nhs"), IsOk());
  bus_.GoAway();
  EXPECT_THAT(Decide("d1", "IR-1", "CONFIRMED"),
              HasCode(StatusCode::kUnavailable));
  reviews_.reset();
  Stop();
  bus_.ComeBack();
  Start();
  Restart();
  CatchUp();
  ASSERT_THAT(Decide("d1", "IR-1", "CONFIRMED"), IsOk());
  EXPECT_EQ(InTheLog("IdentityReviewDecided"), 1);
}

}  // namespace
}  // namespace concordat::identity

// Mutants, and the test that catches each (all tried):
//
//   publish without the outbox             PublishesWhatACrashLeftBehind
//   published entry not marked             AnswersWithTheFirstPosition…
//   answered before the log has it         SaysUnavailableWhileTheBusIsAway
//   every wait as long as the first        WaitsOnceForABusThatStaysAway
//   refusal forgotten or final             SendsARefusedEventAgainWhenAsked
//   anybody may ask for names              TellsNamesToThoseWithAnInterestOnly
//   other words for "no such person"       TellsNamesToThoseWithAnInterestOnly
//   interest kept after a party left       TellsNamesToThoseWithAnInterestOnly
//   Resolve without interest               ResolvesForThoseWithAnInterestOnly
//   lists keep nobody out, or say so       ToWhoIsExcludedThereIsNoRecord
#include <array>
#include <functional>
#include <string>

#include "concordat/identity/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/unit/services/identity/rpc/identity_fixture.h"

namespace concordat::identity {
namespace {

using ::absl::StatusCode;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using testing::Id;
using testing::IdentityFixture;
using ::testing::IsEmpty;
using testing::kChi;
using testing::kNewRuleChi;
using testing::kPatience;
using testing::kPnc;
using testing::kSource;
using ::testing::SizeIs;

using IdentityServiceTest = IdentityFixture;

TEST_F(IdentityServiceTest, PublishesARegistrationWithoutANameOrNumber) {
  const auto response = service_->Register(As("socialwork"), Torquil("r-2"));
  ASSERT_THAT(response, IsOk());
  EXPECT_TRUE(response->created());
  EXPECT_THAT(response->unconfirmed_schemes(), IsEmpty());
  const auto events = bus_.events();
  ASSERT_THAT(events, SizeIs(1));
  const View& event = events[0];
  EXPECT_EQ(response->position(), event.sequence.value);
  EXPECT_EQ(event.header.source, kSource);
  EXPECT_EQ(event.header.type, "concordat.identity.v1.PersonRegistered");
  EXPECT_EQ(event.header.controller, "dundee-city-council");
  EXPECT_EQ(event.header.subject.ToString(), response->subject());
  EXPECT_EQ(event.header.purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(event.header.stream.find("person-registration/"), 0u);
  v1::PersonRegistered registered;
  ASSERT_TRUE(registered.ParseFromString(event.Data()));
  EXPECT_EQ(registered.agency(), "dundee-city-council");
}

TEST_F(IdentityServiceTest, AnswersARepeatWithTheFirstPosition) {
  const auto first = service_->Register(As("socialwork"), Torquil("r-2"));
  ASSERT_THAT(first, IsOk());
  OpenCase(first->subject(), {"dundee-city-council"});
  Stop();
  Start();
  const auto again = service_->Register(As("socialwork"), Torquil("r-2"));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_THAT(bus_.events(), SizeIs(2));
}

TEST_F(IdentityServiceTest, SaysUnavailableWhileTheBusIsAway) {
  bus_.GoAway();
  EXPECT_THAT(service_->Register(As("socialwork", absl::Milliseconds(150)),
                                 Torquil("r-2")),
              HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(bus_.events(), IsEmpty());
  bus_.ComeBack();
  const auto again = service_->Register(As("socialwork"), Torquil("r-2"));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->created());
  ASSERT_THAT(bus_.events(), SizeIs(1));
  EXPECT_EQ(again->position(), 1u);
}

// Nobody else's question waits long behind a command that cannot be published.
TEST_F(IdentityServiceTest, WaitsOnceForABusThatStaysAway) {
  bus_.GoAway();
  EXPECT_THAT(service_->Register(As("socialwork", absl::Milliseconds(150)),
                                 Torquil("r-2")),
              HasCode(StatusCode::kUnavailable));
  const SystemSteadyClock steady;
  const absl::Duration start = steady.Elapsed();
  EXPECT_THAT(
      service_->Register(As("socialwork", absl::Seconds(30)), Torquil("r-2")),
      HasCode(StatusCode::kUnavailable));
  EXPECT_LT(steady.Elapsed() - start, kPublishWait / 2);
  bus_.ComeBack();
  ASSERT_TRUE(bus_.WaitForEvents(1, kPatience));
  EXPECT_THAT(service_->Register(As("socialwork"), Torquil("r-2")), IsOk());
}

TEST_F(IdentityServiceTest, PublishesWhatACrashLeftBehind) {
  // Stored, and not handed to the bus: the process was gone.
  Stop();
  CommandContext context;
  context.caller = {"dundee-city-council", "jsw"};
  context.request_id = "r-9";
  context.time_us = 1'762'135'200'000'000;
  ASSERT_THAT(store_->Register(context, {}, {}), IsOk());
  Start();
  EXPECT_TRUE(bus_.WaitForEvents(1, kPatience));
}

TEST_F(IdentityServiceTest, PublishesOnceWhenTheAnswerWasLost) {
  bus_.GoAwayBeforeNextAnswer();
  EXPECT_THAT(service_->Register(As("socialwork", absl::Milliseconds(150)),
                                 Torquil("r-2")),
              HasCode(StatusCode::kUnavailable));
  Stop();
  bus_.ComeBack();
  Start();
  const auto again = service_->Register(As("socialwork"), Torquil("r-2"));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->position(), 1u);
  EXPECT_THAT(bus_.events(), SizeIs(1));
}

TEST_F(IdentityServiceTest, SendsARefusedEventAgainWhenAsked) {
  bus_.RefuseNext(bus::v1::REFUSAL_UNSPECIFIED, "not your type");
  EXPECT_THAT(service_->Register(As("socialwork"), Torquil("r-2")),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(outbox_->refused(), 1);
  EXPECT_THAT(service_->Register(As("socialwork"), Torquil("r-2")), IsOk());
  EXPECT_EQ(outbox_->refused(), 0);
  EXPECT_THAT(bus_.events(), SizeIs(1));
}

TEST_F(IdentityServiceTest, RefusesWhatIsNotWellFormed) {
  const auto refused = [&](const std::function<void(v1::RegisterRequest&)>& f) {
    v1::RegisterRequest request = Torquil("r-2");
    f(request);
    const auto response = service_->Register(As("socialwork"), request);
    EXPECT_THAT(response, HasCode(StatusCode::kInvalidArgument));
  };
  refused([](auto& r) { r.mutable_command()->clear_request_id(); });
  refused([](auto& r) { r.mutable_command()->set_request_id("a\nb"); });
  refused([](auto& r) {
    r.mutable_command()->set_request_id(std::string(65, 'r'));
  });
  refused([](auto& r) { r.set_birth_date("03/03/1979"); });
  refused([](auto& r) { r.set_family_name(std::string(101, 'a')); });
  refused([](auto& r) { r.mutable_address()->set_uprn(0); });
  refused([](auto& r) { *r.add_identifiers() = Id("chi", "0303790017"); });
  refused([](auto& r) { *r.add_identifiers() = Id("nhs", "9434765919"); });
  refused([](auto& r) {
    for (int i = 0; i < 16; ++i) *r.add_identifiers() = Id("pnc", kPnc);
  });
  refused([](auto& r) {
    r.clear_family_name();
    r.clear_identifiers();
  });
  EXPECT_THAT(bus_.events(), IsEmpty());
}

TEST_F(IdentityServiceTest, LetsOnlyAgenciesRegisterAndConfirm) {
  const std::string fearchar = RegisterFearchar();
  for (const char* principal : {"admin", "edge-health", "service-alerts"}) {
    EXPECT_THAT(service_->Register(As(principal), Torquil("r-2")),
                HasCode(StatusCode::kPermissionDenied));
    EXPECT_THAT(Confirm(principal, fearchar),
                HasCode(StatusCode::kPermissionDenied));
  }
}

TEST_F(IdentityServiceTest, TellsNamesToThoseWithAnInterestOnly) {
  const std::string torquil = RegisterTorquil();
  CatchUp();
  const std::string nobody =
      PersonKey(std::array<uint8_t, PersonKey::kBytes>{7}).ToString();
  v1::DescribeRequest request;
  request.set_subject(torquil);
  const auto own = people_->Describe(As("socialwork"), request);
  ASSERT_THAT(own, IsOk());
  EXPECT_EQ(own->family_name(), "Balnamoon");
  EXPECT_EQ(own->given_name(), "Torquil");
  EXPECT_EQ(own->birth_date(), "1979-03-03");

  const absl::Status denied = Describe("police", torquil);
  EXPECT_THAT(denied, HasCode(StatusCode::kPermissionDenied));
  EXPECT_EQ(Describe("police", nobody), denied);
  EXPECT_EQ(Describe("socialwork", nobody), denied);
  EXPECT_EQ(Describe("coordinator", torquil), denied);
  EXPECT_EQ(Describe("admin", torquil), denied);
  EXPECT_THAT(Describe("police", "p-x"), HasCode(StatusCode::kInvalidArgument));

  mappa::v1::ReferralSubmitted referral;
  referral.set_referral_ref("R-2001");
  referral.set_category("SONR");
  referral.set_level_sought(2);
  PublishCase(referral, torquil);
  EXPECT_THAT(Describe("coordinator", torquil), IsOk());
  EXPECT_EQ(Describe("service-alerts", torquil), denied);
  EXPECT_EQ(Describe("police", torquil), denied);

  OpenCase(torquil, {"dundee-city-council", "police-scotland"});
  EXPECT_THAT(Describe("police", torquil), IsOk());
  EXPECT_EQ(Describe("nhs", torquil), denied);
  Leave(torquil, "police-scotland");
  EXPECT_EQ(Describe("police", torquil), denied);
  EXPECT_THAT(Describe("socialwork", torquil), IsOk());
}

TEST_F(IdentityServiceTest, AsksForAPurposeBeforeItTellsNames) {
  v1::DescribeRequest request;
  request.set_subject(RegisterTorquil());
  Call call = As("socialwork");
  call.purpose.clear();
  EXPECT_THAT(people_->Describe(call, request),
              HasCode(StatusCode::kInvalidArgument));
  request.set_purpose("MAPPA_RISK_MANAGEMENT");
  CatchUp();
  EXPECT_THAT(people_->Describe(call, request), IsOk());
}

TEST_F(IdentityServiceTest, ToWhoIsExcludedThereIsNoRecord) {
  const std::string torquil = RegisterTorquil();
  OpenCase(torquil, {"dundee-city-council", "police-scotland"});
  EXPECT_THAT(Describe("socialwork", torquil), IsOk());
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-2001");
  access.add_excluded("dundee-city-council/*/socialwork");
  access.set_reason("KNOWN_TO_STAFF");
  PublishCase(access, torquil);
  CatchUp();
  // In the words of somebody who has no interest.
  EXPECT_EQ(Describe("socialwork", torquil), Describe("nhs", torquil));
  EXPECT_THAT(Resolve("socialwork", Id("council", "DCC-20017")),
              HasCode(StatusCode::kNotFound));
  EXPECT_THAT(Describe("police", torquil), IsOk());
}

TEST_F(IdentityServiceTest, ResolvesForThoseWithAnInterestOnly) {
  const std::string torquil = RegisterTorquil();
  CatchUp();
  EXPECT_EQ(Resolve("socialwork", Id("council", "DCC-20017")).value(), torquil);
  EXPECT_EQ(Resolve("socialwork", Id("pnc", "98/990002E")).value(), torquil);
  const absl::Status nobody = Resolve("police", Id("pnc", kPnc)).status();
  EXPECT_THAT(nobody, HasCode(StatusCode::kNotFound));
  EXPECT_EQ(Resolve("police", Id("pnc", "1994/0990001T")).status(), nobody);

  OpenCase(torquil, {"dundee-city-council", "police-scotland"});
  EXPECT_EQ(Resolve("police", Id("pnc", kPnc)).value(), torquil);
  EXPECT_EQ(Resolve("police", Id("council", "DCC-20017", "jsw")).value(),
            torquil);
  EXPECT_EQ(Resolve("edge-health", Id("chi", kChi)).status(), nobody);
}

TEST_F(IdentityServiceTest, LeavesAModulus10ChiToAPerson) {
  const std::string fearchar = RegisterFearchar();
  CatchUp();
  const v1::Identifier chi = Id("chi", kNewRuleChi);
  EXPECT_THAT(Resolve("nhs", chi), HasCode(StatusCode::kNotFound));
  const absl::Status denied = Confirm("police", fearchar).status();
  EXPECT_THAT(denied, HasCode(StatusCode::kPermissionDenied));
  EXPECT_EQ(denied, Describe("police", fearchar));

  const auto confirmed = Confirm("nhs", fearchar);
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(Resolve("nhs", chi).value(), fearchar);
  const auto events = bus_.events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].header.type, "concordat.identity.v1.IdentifierLinked");
  EXPECT_EQ(events[1].header.controller, "nhs-tayside");
  EXPECT_EQ(events[1].sequence.value, confirmed->position());
  EXPECT_EQ(Confirm("nhs", fearchar)->position(), confirmed->position());
}

TEST_F(IdentityServiceTest, TellsASystemItsOwnNumber) {
  const std::string torquil = RegisterTorquil();
  CatchUp();
  v1::LocalSubjectRequest request;
  request.set_subject(torquil);
  EXPECT_EQ(service_->LocalSubject(As("socialwork"), request)->localsubject(),
            "DCC-20017");
  EXPECT_THAT(service_->LocalSubject(As("police"), request),
              HasCode(StatusCode::kNotFound));
}

}  // namespace
}  // namespace concordat::identity

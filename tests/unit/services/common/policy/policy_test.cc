// Agreements and the folded policy on types of our own.
//
// Mutant                                            Caught by
// internal type granted, both where it is compiled
//   and where it is judged (either alone is enough)  AWildcardLeavesInternalTypesOut
// internal type granted to its owner                InternalTypesGoToProcessorsAlone
// first or last day out by one, or in UTC           IsInForceFromItsFirstDayToItsLastInLondon
// up_to shows the tier above                        ShowsTiersUpToTheGrantAndCategoriesByName
// category shown because S3 is                      ShowsTiersUpToTheGrantAndCategoriesByName
// subject-less event falls in PARTY                 EventsAboutNobodyAreForNobodyGrants
// older version replaces newer                      KeepsTheNewestVersion
// closing a case keeps a party                      ClosingACaseStopsAtOnce
// leaving clears nobody, or everybody               LeavingStopsOneAgency
// who left still leads when it joins again          WhoLeavesLeadsNoMore
// operator sees what its agency is granted          TheOperatorIsGrantedNothing
// header group shown with a causation               HidesTheHeaderGroupThatNamesAnotherEvent
// explanation and judgement part ways               ExplainsByTheLineWhatItJudges
// back-fill compares with the newest policy only    LiveWithBackfillEndsWithWhatATailSees
// role not asked, or asked of part of the judgement  ShowsARoleWhatItsOwnLinesGive
// purpose not asked, or one missing is any          ShowsNothingForAPurposeThatIsNotListed
// a law not needed, or needed of competent ones     WhatIsOfPart3NeedsALawToLeaveIt
// purpose and gateway from two agreements           PublishingNeedsPurposeAndGatewayOfOneAgreement
// an agreement that has ended lets publish          PublishingNeedsPurposeAndGatewayOfOneAgreement
// a name's new version takes another's place        PublishingNeedsPurposeAndGatewayOfOneAgreement
// registration ends with the case                   RegistrationOutlivesTheCase
// erasure told by an agreement, or to everybody     WhoHadSomethingIsToldOfAnErasure
// restriction lifted by a case, or of all           ARestrictedControllerShows…
// back-fill stops one short                         LiveWithBackfillEndsWithWhatATailSees
// one period, or one out of bounds, is agreed       APeriodIsOfBothKindsAndWithinBounds
#include "services/common/policy/policy.h"

#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::ElementsAre;
using testing::FakeTypes;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::WithEffect;

constexpr uint64_t kDayUs = 86'400'000'000;
constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.

std::shared_ptr<const TypeRegistry> Types() {
  auto types = std::make_shared<FakeTypes>();
  policy::v1::TypePolicy internal;
  internal.set_internal(true);
  types->Add("a.v1.Fact")
      .Add("a.v1.Secret", internal)
      .Add("b.v1.Other")
      .Add("a.v1.Sensitive", {},
           {policy::v1::CATEGORY_CLINICAL, policy::v1::CATEGORY_CHILD})
      .Add("m.v1.Opened", WithEffect(policy::v1::EFFECT_CASE_OPENED))
      .Add("m.v1.Joined", WithEffect(policy::v1::EFFECT_PARTY_JOINED))
      .Add("m.v1.Left", WithEffect(policy::v1::EFFECT_PARTY_LEFT))
      .Add("m.v1.Closed", WithEffect(policy::v1::EFFECT_CASE_CLOSED))
      .Add("m.v1.Level", WithEffect(policy::v1::EFFECT_LEVEL_CHANGED))
      .Add("m.v1.Submitted", WithEffect(policy::v1::EFFECT_SUBMITTED))
      .Add("m.v1.Registered", WithEffect(policy::v1::EFFECT_REGISTERED))
      .Add("h.v1.Restricted",
           WithEffect(policy::v1::EFFECT_PROCESSING_RESTRICTED));
  policy::v1::TypePolicy erased;
  erased.set_internal(true);
  erased.set_effect(policy::v1::EFFECT_PERSON_ERASED);
  types->Add("h.v1.Erased", erased);
  return types;
}

policy::v1::Agreement AgreementOf(const std::string& grants,
                                  uint32_t version = 1) {
  policy::v1::Agreement agreement;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(R"(name: "x" parties: "red" parties: "blue"
                      arrangement: "all" valid_from: "2025-10-01"
                      valid_to: "2026-09-30" version: )",
                   version, " ", grants),
      &agreement));
  // Most tests are about something else than roles.
  for (policy::v1::SeeGrant& grant : *agreement.mutable_see()) {
    if (grant.roles().empty()) {
      grant.add_roles("officer");
      grant.add_roles("coordinator");
    }
  }
  return agreement;
}

HeaderView About(absl::string_view type, int person,
                 absl::string_view controller = "red") {
  HeaderView header;
  header.type = type;
  header.controller = controller;
  header.source = "urn:concordat:elsewhere:x";
  if (person != 0) {
    header.subject = PersonKey({static_cast<uint8_t>(person)});
  }
  return header;
}

const Recipient kRed = {"red", "officer", {}};
const Recipient kBlue = {"blue", "officer", {}};
const Recipient kAll = {"all", "coordinator", {}};

class PolicyTest : public ::testing::Test {
 protected:
  void Adopt(const std::string& grants, uint32_t version = 1) {
    ASSERT_THAT(policy_.Adopt(AgreementOf(grants, version)), IsOk());
  }
  bool Apply(absl::string_view type, int person, absl::string_view facts,
             absl::string_view controller = "red") {
    const auto changed = policy_.Apply(About(type, person, controller), facts);
    EXPECT_THAT(changed, IsOk());
    return changed.ok() && *changed;
  }
  GroupMask Sees(const Recipient& to, absl::string_view type = "a.v1.Fact",
                 int person = 1, absl::string_view controller = "elsewhere") {
    return policy_.Granted(About(type, person, controller), to, kNowUs);
  }
  std::string WhyNot(const std::string& grants) {
    const absl::Status status = policy_.Adopt(AgreementOf(grants));
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    return std::string(status.message());
  }

  std::shared_ptr<const TypeRegistry> types_ = Types();
  PolicyState policy_{types_};
};

TEST_F(PolicyTest, ShowsNothingWithoutAnAgreement) {
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_EQ(Sees(kRed), 0);
  EXPECT_FALSE(policy_.HasAnyGrant(kRed, kNowUs));
}

TEST_F(PolicyTest, RefusesAnAgreementAndNamesTheGrant) {
  const std::string ok = R"(see { to: "red" types: "a.v1.Fact"
                            audience: AUDIENCE_PARTY } )";
  EXPECT_THAT(WhyNot(ok + R"(see { to: "red" types: "a.v1.Nothing"
                             audience: AUDIENCE_PARTY })"),
              HasSubstr("see[1]: a.v1.Nothing is no type"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" types: "a.v1.Secret"
                        audience: AUDIENCE_PARTY })"),
              HasSubstr("see[0]: a.v1.Secret is internal"));
  EXPECT_THAT(WhyNot(R"(see { to: "green" types: "a.v1.Fact"
                        audience: AUDIENCE_PARTY })"),
              HasSubstr("see[0]: is to somebody"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" types: "a.v1.Fact" })"),
              HasSubstr("no audience"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" audience: AUDIENCE_PARTY })"),
              HasSubstr("names no type"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" types: "a.v1.Fact" level_min: 2
                        level_max: 1 audience: AUDIENCE_PARTY })"),
              HasSubstr("levels"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" types: "a.v1.Fact" level_min: 2
                        level_max: 3 audience: AUDIENCE_LEAD })"),
              HasSubstr("PARTY"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" types: "a.v1.Fact" up_to: TIER_S4
                        audience: AUDIENCE_PARTY })"),
              HasSubstr("by category"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" types: "*" up_to: TIER_S1
                        audience: AUDIENCE_OWN })"),
              HasSubstr("whole"));
  policy::v1::Agreement agreement = AgreementOf("");
  agreement.set_valid_from("2025-02-30");
  EXPECT_THAT(policy_.Adopt(agreement).message(), HasSubstr("valid_from"));
  agreement.set_valid_from("2027-01-01");
  EXPECT_THAT(policy_.Adopt(agreement).message(), HasSubstr("before"));
  EXPECT_FALSE(policy_.HasAnyGrant(kRed, kNowUs));
}

TEST_F(PolicyTest, APeriodIsOfBothKindsAndWithinBounds) {
  EXPECT_THAT(WhyNot("retention { months_after_event: 13 }"),
              HasSubstr("agreement x: retention: months_after_case is 0, and "
                        "may be 1 to 1200"));
  EXPECT_THAT(WhyNot("retention { months_after_case: 24 }"),
              HasSubstr("retention: months_after_event is 0"));
  EXPECT_THAT(WhyNot("retention { months_after_case: 1201 "
                     "months_after_event: 13 }"),
              HasSubstr("months_after_case is 1201"));
  EXPECT_THAT(WhyNot("retention {}"), HasSubstr("retention"));
  EXPECT_THAT(
      policy_.Adopt(AgreementOf(
          "retention { months_after_case: 1200 months_after_event: 1 }")),
      IsOk());
}

TEST_F(PolicyTest, AGrantWithoutARoleDoesNotLoad) {
  policy::v1::Agreement agreement = AgreementOf(
      R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  agreement.mutable_see(0)->clear_roles();
  EXPECT_THAT(policy_.Adopt(agreement).message(), HasSubstr("names no role"));
}

TEST_F(PolicyTest, ShowsARoleWhatItsOwnLinesGive) {
  Adopt(R"(see { to: "red" roles: "officer" types: "a.v1.Fact"
                 audience: AUDIENCE_PARTY }
           see { to: "red" roles: "upkeep" types: "b.v1.Other"
                 audience: AUDIENCE_PARTY level_min: 2 level_max: 3 })");
  Apply("m.v1.Opened", 1, "red;red;0");
  const Recipient upkeep = {"red", "upkeep", {}};
  const Recipient visitor = {"red", "visitor", {}};
  EXPECT_NE(Sees(kRed, "a.v1.Fact"), 0);
  EXPECT_EQ(Sees(upkeep, "a.v1.Fact"), 0);
  EXPECT_EQ(Sees(visitor, "a.v1.Fact"), 0);
  EXPECT_TRUE(policy_.HasAnyGrant(upkeep, kNowUs));
  EXPECT_FALSE(policy_.HasAnyGrant(visitor, kNowUs));
  const PersonPolicy before = policy_.Of(About("", 1).subject);
  Apply("m.v1.Level", 1, ";;2");
  const PersonPolicy& after = policy_.Of(About("", 1).subject);
  EXPECT_NE(Sees(upkeep, "b.v1.Other"), 0);
  EXPECT_EQ(Sees(kRed, "b.v1.Other"), 0);
  EXPECT_TRUE(policy_.agreements()->MayShowMore(upkeep, before, after));
  EXPECT_FALSE(policy_.agreements()->MayShowMore(kRed, before, after));
}

TEST_F(PolicyTest, ShowsNothingForAPurposeThatIsNotListed) {
  policy::v1::Agreement agreement = AgreementOf(
      R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  agreement.add_purposes("CARE");
  ASSERT_THAT(policy_.Adopt(agreement), IsOk());
  Apply("m.v1.Opened", 1, "red;red;0");
  Recipient red = kRed;
  red.purpose = "CARE";
  EXPECT_NE(Sees(red), 0);
  for (const char* other : {"", "SALES"}) {
    red.purpose = other;
    EXPECT_EQ(Sees(red), 0) << other;
    EXPECT_FALSE(policy_.HasAnyGrant(red, kNowUs)) << other;
  }
  EXPECT_THAT(policy_.agreements()->PurposesOf(red), ElementsAre("CARE"));
  EXPECT_THAT(policy_.agreements()->PurposesOf(kBlue), IsEmpty());
}

TEST_F(PolicyTest, WhatIsOfPart3NeedsALawToLeaveIt) {
  EXPECT_THAT(WhyNot(R"(part3_parties: "blue"
                        see { to: "red" types: "a.v1.Fact" part3: true
                              audience: AUDIENCE_PARTY })"),
              HasSubstr("see[0]: red would use under the UK GDPR"));
  EXPECT_THAT(WhyNot(R"(part3_parties: "blue"
                        see { to: "each" types: "a.v1.Fact" part3: true
                              audience: AUDIENCE_LEAD })"),
              HasSubstr("name the law"));
  EXPECT_THAT(WhyNot(R"(see { to: "red" types: "a.v1.Fact" law: "An Act"
                              audience: AUDIENCE_PARTY })"),
              HasSubstr("part3 alone"));
  EXPECT_THAT(WhyNot(R"(part3_parties: "green")"), HasSubstr("green"));
  Adopt(R"(part3_parties: "blue"
           see { to: "blue" types: "a.v1.Fact" part3: true
                 audience: AUDIENCE_PARTY }
           see { to: "red" types: "a.v1.Fact" part3: true law: "An Act"
                 audience: AUDIENCE_PARTY }
           see { to: "all" types: "a.v1.Fact" audience: AUDIENCE_PARTY }
           see { to: "each" types: "a.v1.Fact" audience: AUDIENCE_OWN })");
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  HeaderView header = About("a.v1.Fact", 1, "elsewhere");
  header.regime = bus::v1::REGIME_PART3;
  EXPECT_NE(policy_.Granted(header, kBlue, kNowUs), 0);
  EXPECT_NE(policy_.Granted(header, kRed, kNowUs), 0);
  EXPECT_EQ(policy_.Granted(header, kAll, kNowUs), 0);
  header.controller = "all";
  EXPECT_NE(policy_.Granted(header, kAll, kNowUs), 0);
  header = About("a.v1.Fact", 1, "elsewhere");
  EXPECT_NE(policy_.Granted(header, kAll, kNowUs), 0);
}

TEST_F(PolicyTest, PublishingNeedsPurposeAndGatewayOfOneAgreement) {
  policy::v1::Agreement care = AgreementOf("");
  care.add_purposes("CARE");
  care.add_gateways("G1");
  policy::v1::Agreement safety = care;
  safety.set_name("y");
  safety.set_purposes(0, "SAFETY");
  safety.set_gateways(0, "G2");
  safety.mutable_parties()->RemoveLast();  // Blue.
  ASSERT_THAT(policy_.Adopt(care), IsOk());
  ASSERT_THAT(policy_.Adopt(safety), IsOk());
  const auto may = [&](absl::string_view agency, absl::string_view purpose,
                       absl::string_view gateway, uint64_t now_us = kNowUs) {
    return policy_.agreements()->MayPublish(agency, purpose, gateway, now_us);
  };
  EXPECT_THAT(may("red", "CARE", "G1"), IsOk());
  EXPECT_THAT(may("all", "SAFETY", "G2"), IsOk());
  EXPECT_THAT(may("red", "CARE", "G2").message(), HasSubstr("gateway: G2 is"));
  EXPECT_THAT(may("red", "SALES", "G1").message(),
              HasSubstr("purpose: SALES is"));
  EXPECT_THAT(may("red", "0303790016", "G1").message(),
              HasSubstr("purpose: it is"));
  EXPECT_THAT(may("red", "CARE", "").message(), HasSubstr("gateway: missing"));
  EXPECT_THAT(may("blue", "SAFETY", "G2").message(), HasSubstr("purpose: "));
  EXPECT_THAT(may("green", "CARE", "G1"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(may("red", "CARE", "G1", kNowUs - 365 * kDayUs),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(PolicyTest, AWildcardLeavesInternalTypesOut) {
  Adopt(R"(see { to: "red" types: "a.v1.*" audience: AUDIENCE_PARTY })");
  Apply("m.v1.Opened", 1, "red;red;0");
  EXPECT_NE(Sees(kRed, "a.v1.Fact"), 0);
  EXPECT_EQ(Sees(kRed, "a.v1.Secret"), 0);
  EXPECT_EQ(Sees(kRed, "b.v1.Other"), 0);
}

TEST_F(PolicyTest, InternalTypesGoToProcessorsAlone) {
  Adopt(R"(see { to: "each" types: "*" audience: AUDIENCE_OWN })");
  EXPECT_EQ(Sees(kRed, "a.v1.Secret", 1, "red"), 0);
  const Recipient hub = {"hub", "service", {"a.v1.*"}};
  EXPECT_EQ(Sees(hub, "a.v1.Secret"), 0b111);
  EXPECT_EQ(Sees(hub, "m.v1.Opened"), 0);
  EXPECT_TRUE(policy_.HasAnyGrant(hub, kNowUs));
}

TEST_F(PolicyTest, ShowsTiersUpToTheGrantAndCategoriesByName) {
  Adopt(R"(see { to: "red" types: "a.v1.Sensitive" audience: AUDIENCE_PARTY
                 up_to: TIER_S1 }
           see { to: "blue" types: "a.v1.Sensitive" audience: AUDIENCE_PARTY
                 categories: CATEGORY_CHILD })");
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_EQ(Sees(kRed, "a.v1.Sensitive"), 0b00001);
  EXPECT_EQ(Sees(kBlue, "a.v1.Sensitive"), 0b10111);
  const EventType& type = *types_->Find("a.v1.Sensitive");
  EXPECT_THAT(Withheld(type, 0b10111), ElementsAre("health details"));
  EXPECT_THAT(Withheld(type, 0b00001),
              ElementsAre("personal details", "offence and MAPPA details",
                          "health details", "details of a child"));
  EXPECT_THAT(Withheld(type, 0b11111), IsEmpty());
}

TEST_F(PolicyTest, AProducerSeesItsOwnWholeBySourceAndByController) {
  Adopt(R"(see { to: "each" types: "a.v1.Sensitive" audience: AUDIENCE_OWN })");
  HeaderView header = About("a.v1.Sensitive", 1, "red");
  header.source = "urn:concordat:blue:system";
  EXPECT_EQ(policy_.Granted(header, kRed, kNowUs), 0b11111);
  EXPECT_EQ(policy_.Granted(header, kBlue, kNowUs), 0b11111);
  EXPECT_EQ(policy_.Granted(header, kAll, kNowUs), 0);
}

TEST_F(PolicyTest, IsInForceFromItsFirstDayToItsLastInLondon) {
  Adopt(R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_OWN })");
  // 1 October 2025 and 30 September 2026 are in summer time, an hour ahead.
  const uint64_t first_us = 1'759'273'200'000'000;
  const uint64_t after_us = first_us + 365 * kDayUs;
  const auto at = [&](uint64_t now_us) {
    return policy_.Granted(About("a.v1.Fact", 1), kRed, now_us);
  };
  EXPECT_EQ(at(first_us - 1), 0);
  EXPECT_NE(at(first_us), 0);
  EXPECT_NE(at(after_us - 1), 0);
  EXPECT_EQ(at(after_us), 0);
  EXPECT_EQ(policy_.agreements()->NextChangeAfter(0), first_us);
  EXPECT_EQ(policy_.agreements()->NextChangeAfter(first_us), after_us);
}

TEST_F(PolicyTest, KeepsTheNewestVersion) {
  Adopt(R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_OWN })", 2);
  Adopt("", 1);
  EXPECT_TRUE(policy_.HasAnyGrant(kRed, kNowUs));
  Adopt("", 3);
  EXPECT_FALSE(policy_.HasAnyGrant(kRed, kNowUs));
}

TEST_F(PolicyTest, EventsAboutNobodyAreForNobodyGrants) {
  Adopt(R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_NOBODY }
           see { to: "blue" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  Apply("m.v1.Opened", 1, "red,blue;blue;0");
  EXPECT_NE(Sees(kRed, "a.v1.Fact", 0), 0);
  EXPECT_EQ(Sees(kRed, "a.v1.Fact", 1), 0);
  EXPECT_EQ(Sees(kBlue, "a.v1.Fact", 0), 0);
}

TEST_F(PolicyTest, FollowsTheCaseItsLevelAndItsLead) {
  Adopt(R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_PARTY
                 level_min: 2 level_max: 3 }
           see { to: "blue" types: "a.v1.Fact" audience: AUDIENCE_LEAD }
           see { to: "all" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  EXPECT_TRUE(Apply("m.v1.Submitted", 1, ";;0", "blue"));
  EXPECT_NE(Sees(kBlue), 0);
  EXPECT_NE(Sees(kAll), 0);
  EXPECT_TRUE(Apply("m.v1.Opened", 1, "red,blue;red;0"));
  EXPECT_EQ(Sees(kBlue), 0);
  EXPECT_EQ(Sees(kRed), 0);
  EXPECT_TRUE(Apply("m.v1.Level", 1, ";;2"));
  EXPECT_NE(Sees(kRed), 0);
  EXPECT_FALSE(Apply("m.v1.Level", 1, ";;2"));
  EXPECT_EQ(Sees(kRed, "a.v1.Fact", 2), 0);
  EXPECT_FALSE(
      Apply("m.v1.Submitted", 1, ";;0", "blue"));  // Open: no new lead.
}

TEST_F(PolicyTest, ALaterSubmissionTakesNobodysLead) {
  Adopt(R"(see { to: "blue" types: "a.v1.Fact" audience: AUDIENCE_LEAD }
           see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_LEAD })");
  Apply("m.v1.Submitted", 1, ";;0", "blue");
  EXPECT_FALSE(Apply("m.v1.Submitted", 1, ";;0", "red"));
  EXPECT_NE(Sees(kBlue), 0);
  EXPECT_EQ(Sees(kRed), 0);
}

TEST_F(PolicyTest, ClosingACaseStopsAtOnce) {
  Adopt(R"(see { to: "each" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_TRUE(Apply("m.v1.Closed", 1, ";;0"));
  EXPECT_EQ(Sees(kRed), 0);
  EXPECT_EQ(Sees(kAll), 0);
}

TEST_F(PolicyTest, LeavingStopsOneAgency) {
  Adopt(R"(see { to: "each" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  Apply("m.v1.Opened", 1, "red;red;0");
  EXPECT_TRUE(Apply("m.v1.Joined", 1, "blue;;0"));
  EXPECT_NE(Sees(kBlue), 0);
  EXPECT_TRUE(Apply("m.v1.Left", 1, "blue;;0"));
  EXPECT_EQ(Sees(kBlue), 0);
  EXPECT_NE(Sees(kRed), 0);
}

TEST_F(PolicyTest, WhoLeavesLeadsNoMore) {
  Adopt(R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_LEAD })");
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_NE(Sees(kRed), 0);
  EXPECT_TRUE(Apply("m.v1.Left", 1, "red;;0"));
  EXPECT_TRUE(Apply("m.v1.Joined", 1, "red;;0"));
  EXPECT_EQ(Sees(kRed), 0);
}

TEST_F(PolicyTest, RegistrationOutlivesTheCase) {
  Adopt(
      R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_REGISTERED })");
  EXPECT_TRUE(Apply("m.v1.Registered", 1, ";;0", "red"));
  Apply("m.v1.Opened", 1, "blue;blue;0");
  Apply("m.v1.Closed", 1, ";;0");
  EXPECT_NE(Sees(kRed), 0);
  EXPECT_EQ(Sees(kRed, "a.v1.Fact", 2), 0);
}

TEST_F(PolicyTest, WhoHadSomethingIsToldOfAnErasure) {
  EXPECT_EQ(Sees(kRed, "h.v1.Erased"), 0);
  EXPECT_TRUE(Apply("h.v1.Erased", 1, "red;;0", "hub"));
  EXPECT_NE(Sees(kRed, "h.v1.Erased"), 0);
  EXPECT_EQ(Sees(kBlue, "h.v1.Erased"), 0);
  EXPECT_EQ(Sees(kRed, "h.v1.Erased", 2), 0);
  Apply("m.v1.Opened", 1, "blue;blue;0");
  Apply("m.v1.Closed", 1, ";;0");
  EXPECT_NE(Sees(kRed, "h.v1.Erased"), 0);
}

TEST_F(PolicyTest, ARestrictedControllerShowsItsFactsToNobodyElse) {
  Adopt(R"(see { to: "each" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_TRUE(Apply("h.v1.Restricted", 1, "red;;0", "hub"));
  EXPECT_EQ(Sees(kBlue, "a.v1.Fact", 1, "red"), 0);
  EXPECT_NE(Sees(kBlue, "a.v1.Fact", 1, "blue"), 0);
  EXPECT_NE(Sees(kRed, "a.v1.Fact", 1, "red"), 0);
  // Of that person alone, whatever happens to the case, until it is lifted.
  Apply("m.v1.Opened", 2, "red,blue;red;0");
  EXPECT_NE(Sees(kBlue, "a.v1.Fact", 2, "red"), 0);
  Apply("m.v1.Closed", 1, ";;0");
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_EQ(Sees(kBlue, "a.v1.Fact", 1, "red"), 0);
  EXPECT_TRUE(Apply("h.v1.Restricted", 1, ";;0", "hub"));
  EXPECT_NE(Sees(kBlue, "a.v1.Fact", 1, "red"), 0);
}

TEST_F(PolicyTest, AnUnreadablePolicyEventChangesNothing) {
  Adopt(R"(see { to: "each" types: "a.v1.Fact" audience: AUDIENCE_PARTY })");
  EXPECT_THAT(policy_.Apply(About("m.v1.Opened", 1), "nonsense"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(policy_.Apply(About("m.v1.Opened", 0), "red;red;0"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Sees(kRed), 0);
}

TEST_F(PolicyTest, TheOperatorIsGrantedNothing) {
  Adopt(R"(see { to: "each" types: "*" audience: AUDIENCE_OWN })");
  const Recipient operator_of_red = {"red", "operator", {"*"}};
  EXPECT_EQ(Sees(operator_of_red, "a.v1.Fact", 1, "red"), 0);
}

TEST_F(PolicyTest, HidesTheHeaderGroupThatNamesAnotherEvent) {
  const EventType& type = *types_->Find("a.v1.Fact");
  HeaderView header = About("a.v1.Fact", 1, "red");
  EXPECT_TRUE(ShowsHeaderGroup(header, type, kBlue, 0b111));
  EXPECT_FALSE(ShowsHeaderGroup(header, type, kBlue, 0b011));
  EXPECT_FALSE(ShowsHeaderGroup(header, type, kBlue, 0));
  header.causation = "another";
  EXPECT_FALSE(ShowsHeaderGroup(header, type, kBlue, 0b111));
  EXPECT_TRUE(ShowsHeaderGroup(header, type, kRed, 0b111));
  EXPECT_TRUE(ShowsHeaderGroup(header, type, {"hub", "", {"*"}}, 0b111));
}

TEST_F(PolicyTest, ExplainsByTheLineWhatItJudges) {
  policy::v1::Agreement agreement = AgreementOf(
      R"(see { to: "red" roles: "officer" types: "a.v1.Fact"
               audience: AUDIENCE_PARTY level_min: 2 level_max: 3 }
         see { to: "each" roles: "officer" roles: "coordinator"
               types: "a.v1.*" audience: AUDIENCE_OWN }
         see { to: "all" roles: "coordinator" types: "a.v1.Fact"
               audience: AUDIENCE_PARTY up_to: TIER_S2 }
         see { to: "blue" roles: "officer" types: "b.v1.Other"
               audience: AUDIENCE_PARTY } purposes: "CARE")");
  ASSERT_THAT(policy_.Adopt(agreement), IsOk());
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  const auto explain = [&](const Recipient& to, uint64_t now_us = kNowUs) {
    const HeaderView header = About("a.v1.Fact", 1, "elsewhere");
    const JudgedView judged = policy_.agreements()->Explain(
        header, to, now_us, policy_.Of(header.subject));
    EXPECT_EQ(judged.granted, policy_.Granted(header, to, now_us));
    bool applies = false;
    for (const JudgedLine& line : judged.lines) applies |= line.applies;
    if (judged.because.empty()) {
      EXPECT_EQ(applies, judged.granted != 0);
    }
    return judged;
  };
  JudgedView red = explain(kRed);
  ASSERT_EQ(red.lines.size(), 3u);  // Lines of another type are not told.
  EXPECT_EQ(red.lines[0].line, 0);
  EXPECT_EQ(red.lines[0].because, "the case is at Level 0");
  EXPECT_THAT(red.lines[0].says, HasSubstr("red (officer) sees a.v1.Fact"));
  EXPECT_EQ(red.lines[1].because, "red neither published nor controls it");
  EXPECT_EQ(red.lines[2].because, "it is not to red");
  Apply("m.v1.Level", 1, ";;2");
  red = explain(kRed);
  EXPECT_TRUE(red.lines[0].applies);
  EXPECT_EQ(red.lines[0].because, "red is a party and the case at Level 2");
  EXPECT_EQ(explain({"red", "cleaner", {}}).lines[0].because,
            "it is not for the role cleaner");
  EXPECT_EQ(explain({"red", "officer", {}, "SALES"}).lines[0].because,
            "the agreement does not have the purpose SALES");
  EXPECT_THAT(explain(kRed, kNowUs + 400 * kDayUs).lines[0].because,
              HasSubstr("in force from 2025-10-01 to 2026-09-30"));
  EXPECT_THAT(explain(kAll).lines[2].says, HasSubstr("up to tier S2"));
  EXPECT_THAT(explain({"red", "operator", {}}).because, HasSubstr("envelopes"));
  EXPECT_THAT(explain({"hub", "service", {"*"}}).because,
              HasSubstr("processes"));
  Apply("m.v1.Left", 1, "red;;0");
  EXPECT_EQ(explain(kRed).lines[0].because,
            "red is not a party to the open case");
}

// The back-fill rule as delivery applies it: what a policy event shows of
// events that were scanned before it.
TEST_F(PolicyTest, LiveWithBackfillEndsWithWhatATailSees) {
  Adopt(R"(see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_PARTY
                 up_to: TIER_S1 }
           see { to: "red" types: "a.v1.Fact" audience: AUDIENCE_PARTY
                 level_min: 2 level_max: 3 }
           see { to: "red" types: "a.v1.Sensitive" audience: AUDIENCE_LEAD })");
  const char* const types[] = {"a.v1.Fact",   "a.v1.Sensitive", "m.v1.Opened",
                               "m.v1.Joined", "m.v1.Left",      "m.v1.Closed",
                               "m.v1.Level",  "m.v1.Submitted"};
  const char* const facts[] = {"red;red;2", "blue;blue;0", "red;blue;1",
                               "red,blue;blue;3"};
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    PolicyState policy = policy_;
    std::vector<HeaderView> log;
    std::map<size_t, GroupMask> live;
    for (size_t at = 0; at < 60; ++at) {
      const HeaderView header =
          About(types[random() % 8], static_cast<int>(1 + random() % 3), "x");
      const PersonPolicy before = policy.Of(header.subject);
      ASSERT_THAT(policy.Apply(header, facts[random() % 4]), IsOk());
      const PersonPolicy& after = policy.Of(header.subject);
      const bool may = policy.agreements()->MayShowMore(kRed, before, after);
      for (size_t old = 0; old < at; ++old) {
        if (log[old].subject != header.subject) continue;
        const auto under = [&](const PersonPolicy& person) {
          return policy.agreements()->Granted(log[old], kRed, kNowUs, person);
        };
        if ((under(after) & ~under(before)) == 0) continue;
        ASSERT_TRUE(may) << "seed " << seed;
        live[old] |= under(after);
      }
      log.push_back(header);
      live[at] |= policy.Granted(header, kRed, kNowUs);
    }
    for (size_t at = 0; at < log.size(); ++at) {
      const GroupMask tail = policy.Granted(log[at], kRed, kNowUs);
      // Who left keeps what it was given; nothing of a tail is missing.
      EXPECT_EQ(live[at] & tail, tail) << "seed " << seed << " event " << at;
    }
  }
}

}  // namespace
}  // namespace concordat

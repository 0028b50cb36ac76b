// What beats a grant, and how an agreement ends.
//
// Mutant                                            Caught by
// an excluded agency, role or principal sees        ListsBeatEveryGrant
// a producer sees its own though it is excluded     ListsBeatEveryGrant
// restricted-to leaves others in                    ListsBeatEveryGrant
// a list keeps a hub service out                    ListsBeatEveryGrant
// a role is shut out because one of it is           ARoleIsNotItsExcludedMember
// lists end with the case                           ListsOutliveTheCase
// lifting a list shows nothing again                LiftingAListShowsItsOwnToo
// gender history in a producer's own or a process   GenderHistoryNeedsItsOwnLine
// a wildcard or "each" line shows it                GenderHistoryNeedsItsOwnLine
// such a line loads without an exception            GenderHistoryNeedsItsOwnLine
// the words say why to whom they should not         TheWordsDoNotSayWhichList
// a lead that changes leaves the old one leading    TheLeadGoesOver
// retirement of another version, or none, ends it   OnlyTheNewestVersionIsRetired
// an early end moves the end later                  OnlyTheNewestVersionIsRetired
// retirement is one moment late                     RetirementStopsAtOnce
// an agreement that begins later has ended          SaysSinceWhenNothingIsShared
// the wrong agreement is named as the last          SaysSinceWhenNothingIsShared
// it is told a day late, or for ever, or without    ToldOfAnEndAreItsDayAndWhomToRing
//   whom to ring
#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/common/policy/policy.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using testing::FakeTypes;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::WithEffect;

constexpr uint64_t kDayUs = 86'400'000'000;
constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.

std::shared_ptr<const TypeRegistry> Types() {
  auto types = std::make_shared<FakeTypes>();
  types->Add("a.v1.Fact")
      .Add("a.v1.Named", {},
           {policy::v1::CATEGORY_CLINICAL, policy::v1::CATEGORY_GENDER_HISTORY,
            policy::v1::CATEGORY_PROTECTED_PERSON})
      .Add("m.v1.Opened", WithEffect(policy::v1::EFFECT_CASE_OPENED))
      .Add("m.v1.Closed", WithEffect(policy::v1::EFFECT_CASE_CLOSED))
      .Add("m.v1.Lead", WithEffect(policy::v1::EFFECT_LEAD_CHANGED))
      .Add("m.v1.Access", WithEffect(policy::v1::EFFECT_ACCESS_RESTRICTED))
      .Add("h.v1.Adopted", WithEffect(policy::v1::EFFECT_AGREEMENT_ADOPTED))
      .Add("h.v1.Retired", WithEffect(policy::v1::EFFECT_AGREEMENT_RETIRED));
  return types;
}

policy::v1::Agreement AgreementOf(const std::string& name, uint32_t version,
                                  const std::string& grants) {
  policy::v1::Agreement agreement;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(R"(parties: "red" parties: "blue" arrangement: "all"
                      valid_from: "2025-10-01" valid_to: "2026-03-31"
                      contact: "the co-ordinator, 01632 960100" name: ")",
                   name, "\" version: ", version, " ", grants),
      &agreement));
  return agreement;
}

constexpr char kEverything[] =
    R"(see { to: "each" roles: "officer" types: "*" audience: AUDIENCE_PARTY }
       see { to: "each" roles: "officer" types: "*" audience: AUDIENCE_OWN })";

HeaderView About(absl::string_view type, int person,
                 absl::string_view controller) {
  HeaderView header;
  header.type = type;
  header.controller = controller;
  header.source = "urn:concordat:elsewhere:x";
  if (person != 0) {
    header.subject = PersonKey({static_cast<uint8_t>(person)});
  }
  return header;
}

Recipient Officer(const std::string& agency, const std::string& name = "") {
  Recipient to{agency, "officer", {}};
  to.principal = name;
  return to;
}

class LimitsTest : public ::testing::Test {
 protected:
  void Adopt(const std::string& grants, uint32_t version = 1,
             const std::string& name = "x") {
    ASSERT_THAT(policy_.Adopt(AgreementOf(name, version, grants)), IsOk());
  }
  bool Apply(absl::string_view type, int person, absl::string_view message) {
    const auto changed = policy_.Apply(About(type, person, "red"), message);
    EXPECT_THAT(changed, IsOk());
    return changed.ok() && *changed;
  }
  bool Retire(const std::string& name, uint32_t version, uint64_t from_us) {
    hub::v1::AgreementRetired retired;
    retired.set_name(name);
    retired.set_version(version);
    retired.set_from(from_us);
    retired.set_party("blue");
    retired.set_reason("the ward closed");
    return Apply("h.v1.Retired", 0, retired.SerializeAsString());
  }
  GroupMask Sees(const Recipient& to, absl::string_view controller = "other",
                 absl::string_view type = "a.v1.Fact") const {
    return policy_.Granted(About(type, 1, controller), to, kNowUs);
  }

  std::shared_ptr<const TypeRegistry> types_ = Types();
  PolicyState policy_{types_};
};

TEST_F(LimitsTest, ListsBeatEveryGrant) {
  Adopt(kEverything);
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  const Recipient hub{"hub", "service", {"*"}};
  ASSERT_NE(Sees(Officer("blue")), 0);
  for (const char* list :
       {"blue", "blue/officer", "blue/*/bill", "blue/officer/bill"}) {
    EXPECT_TRUE(Apply("m.v1.Access", 1, absl::StrCat(";;0;;", list))) << list;
    EXPECT_EQ(Sees(Officer("blue", "bill")), 0) << list;
    EXPECT_EQ(Sees(Officer("blue", "bill"), "blue"), 0) << list;
    EXPECT_NE(Sees(Officer("red", "rose")), 0) << list;
    EXPECT_NE(Sees(hub), 0) << list;
  }
  EXPECT_TRUE(Apply("m.v1.Access", 1, ";;0;red,blue/officer/beth;"));
  EXPECT_EQ(Sees(Officer("blue", "bill")), 0);
  EXPECT_EQ(Sees(Officer("blue", "bill"), "blue"), 0);
  EXPECT_NE(Sees(Officer("blue", "beth")), 0);
  EXPECT_NE(Sees(Officer("red", "rose")), 0);
  EXPECT_NE(Sees(hub), 0);
  // Another role of the same name elsewhere, and another person.
  EXPECT_EQ(Sees({"blue", "clerk", {}}), 0);
  EXPECT_NE(policy_.Granted(About("a.v1.Fact", 2, "blue"),
                            Officer("blue", "bill"), kNowUs),
            0);
}

TEST_F(LimitsTest, ARoleIsNotItsExcludedMember) {
  Adopt(kEverything);
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  Apply("m.v1.Access", 1, ";;0;;blue/officer/bill");
  EXPECT_NE(Sees(Officer("blue")), 0);
  EXPECT_NE(Sees(Officer("blue", "beth")), 0);
  Apply("m.v1.Access", 1, ";;0;red,blue/officer/beth;");
  EXPECT_NE(Sees(Officer("blue")), 0);
  EXPECT_FALSE(
      policy_.Of(About("", 1, "").subject).Excludes(Officer("blue", "bill")));
}

TEST_F(LimitsTest, ListsOutliveTheCase) {
  Adopt(kEverything);
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  Apply("m.v1.Access", 1, ";;0;;blue");
  Apply("m.v1.Closed", 1, ";;0");
  EXPECT_EQ(Sees(Officer("blue"), "blue"), 0);
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_EQ(Sees(Officer("blue")), 0);
}

TEST_F(LimitsTest, LiftingAListShowsItsOwnToo) {
  Adopt(R"(see { to: "blue" roles: "officer" types: "*"
                 audience: AUDIENCE_OWN })");
  Apply("m.v1.Opened", 1, "red;red;0");
  const PersonPolicy open = policy_.Of(About("", 1, "").subject);
  Apply("m.v1.Access", 1, ";;0;;blue");
  const PersonPolicy shut = policy_.Of(About("", 1, "").subject);
  const auto may = [&](const PersonPolicy& before, const PersonPolicy& after) {
    return policy_.agreements()->MayShowMore(Officer("blue"), before, after);
  };
  EXPECT_TRUE(may(shut, open));
  EXPECT_FALSE(may(open, shut));
  EXPECT_FALSE(may(open, open));
  EXPECT_FALSE(policy_.agreements()->MayShowMore(Officer("red"), shut, open));
}

TEST_F(LimitsTest, GenderHistoryNeedsItsOwnLine) {
  constexpr char kNamed[] = "a.v1.Named";
  Adopt(kEverything);
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_EQ(Sees(Officer("red"), "other", kNamed), 0b000111);
  EXPECT_EQ(Sees(Officer("red"), "red", kNamed), 0b001111);
  EXPECT_EQ(Sees({"hub", "service", {"*"}}, "red", kNamed), 0b001111);
  const auto why_not = [&](const std::string& line) {
    const absl::Status status =
        policy_.Adopt(AgreementOf("x", 2, absl::StrCat(kEverything, line)));
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << line;
    return std::string(status.message());
  };
  EXPECT_THAT(why_not(R"(see { to: "red" roles: "officer" types: "a.v1.Named"
                               categories: CATEGORY_GENDER_HISTORY
                               audience: AUDIENCE_PARTY })"),
              HasSubstr("see[2]: gender history"));
  EXPECT_THAT(why_not(R"(see { to: "each" roles: "officer" types: "a.v1.Named"
                               categories: CATEGORY_PROTECTED_PERSON law: "An Act"
                               audience: AUDIENCE_PARTY })"),
              HasSubstr("one named recipient"));
  Adopt(absl::StrCat(kEverything, R"(
           see { to: "red" roles: "officer" types: "a.v1.Named"
                 categories: CATEGORY_GENDER_HISTORY law: "An Act"
                 audience: AUDIENCE_PARTY })"),
        2);
  EXPECT_EQ(Sees(Officer("red"), "other", kNamed), 0b010111);
  EXPECT_EQ(Sees(Officer("red"), "red", kNamed), 0b011111);
  EXPECT_EQ(Sees(Officer("blue"), "other", kNamed), 0b000111);
}

TEST_F(LimitsTest, TheWordsDoNotSayWhichList) {
  Adopt(kEverything);
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  const HeaderView header = About("a.v1.Fact", 1, "other");
  const auto words = [&] {
    const JudgedView judged = policy_.agreements()->Explain(
        header, Officer("blue"), kNowUs, policy_.Of(header.subject));
    EXPECT_EQ(judged.granted, 0);
    EXPECT_TRUE(judged.lines.empty());
    return judged.because;
  };
  Apply("m.v1.Access", 1, ";;0;;blue");
  const std::string excluded = words();
  Apply("m.v1.Access", 1, ";;0;red;");
  EXPECT_EQ(words(), excluded);
  EXPECT_THAT(excluded, HasSubstr("who may see this person's record"));
}

TEST_F(LimitsTest, TheLeadGoesOver) {
  Adopt(R"(see { to: "each" roles: "officer" types: "*"
                 audience: AUDIENCE_LEAD })");
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  EXPECT_NE(Sees(Officer("red")), 0);
  EXPECT_TRUE(Apply("m.v1.Lead", 1, ";blue;0"));
  EXPECT_EQ(Sees(Officer("red")), 0);
  EXPECT_NE(Sees(Officer("blue")), 0);
}

TEST_F(LimitsTest, RetirementStopsAtOnce) {
  Adopt(kEverything);
  Apply("m.v1.Opened", 1, "red,blue;red;0");
  ASSERT_NE(Sees(Officer("red")), 0);
  EXPECT_TRUE(Retire("x", 1, kNowUs));
  EXPECT_EQ(Sees(Officer("red")), 0);
  EXPECT_FALSE(policy_.HasAnyGrant(Officer("red"), kNowUs));
  EXPECT_TRUE(policy_.HasAnyGrant(Officer("red"), kNowUs - 1));
  EXPECT_EQ(policy_.agreements()->NextChangeAfter(kNowUs - 1), kNowUs);
  const auto list = policy_.agreements()->List(kNowUs);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_FALSE(list[0].in_force);
  ASSERT_TRUE(list[0].early_end.has_value());
  EXPECT_EQ(list[0].early_end->party, "blue");
  // A higher version is another agreement.
  Adopt(kEverything, 2);
  EXPECT_NE(Sees(Officer("red")), 0);
}

TEST_F(LimitsTest, OnlyTheNewestVersionIsRetired) {
  Adopt(kEverything, 3);
  EXPECT_FALSE(Retire("x", 2, kNowUs));
  EXPECT_FALSE(Retire("x", 4, kNowUs));
  EXPECT_FALSE(Retire("y", 3, kNowUs));
  EXPECT_FALSE(Retire("x", 3, kNowUs + 1000 * kDayUs));
  EXPECT_TRUE(policy_.HasAnyGrant(Officer("red"), kNowUs));
  EXPECT_TRUE(Retire("x", 3, kNowUs + kDayUs));
  EXPECT_FALSE(Retire("x", 3, kNowUs + 2 * kDayUs));
  EXPECT_TRUE(Retire("x", 3, kNowUs));
}

TEST_F(LimitsTest, SaysSinceWhenNothingIsShared) {
  const auto words = [&](uint64_t now_us) {
    return policy_.agreements()->EndedInWords(Officer("red"), now_us);
  };
  Adopt(kEverything);
  EXPECT_EQ(words(kNowUs), "");
  constexpr uint64_t kAfterUs = kNowUs + 365 * kDayUs;
  EXPECT_EQ(words(kAfterUs),
            "Nothing is shared with you since 1 April 2026: the agreement "
            "ended. Ring the co-ordinator, 01632 960100.");
  Retire("x", 1, kNowUs);
  EXPECT_EQ(words(kNowUs),
            "Nothing is shared with you since 24 November 2025: the agreement "
            "ended early (the ward closed). Ring the co-ordinator, 01632 "
            "960100.");
  policy::v1::Agreement later = AgreementOf("y", 1, kEverything);
  later.set_valid_from("2026-02-01");
  ASSERT_THAT(policy_.Adopt(later), IsOk());
  EXPECT_TRUE(policy_.HasAnyGrant(Officer("red"), kNowUs));
  EXPECT_THAT(words(kAfterUs), HasSubstr("since 1 April 2026"));
  EXPECT_EQ(policy_.agreements()->EndedInWords({"red", "clerk", {}}, kAfterUs),
            "");
}

TEST_F(LimitsTest, ToldOfAnEndAreItsDayAndWhomToRing) {
  const auto words = [&](uint64_t now_us, uint32_t warning_days) {
    const auto list = policy_.agreements()->List(now_us);
    EXPECT_EQ(list.size(), 1u);
    return EndInWords(list.front(), now_us, warning_days);
  };
  Adopt(kEverything);
  // kNowUs is 24 November 2025; it holds to 31 March 2026.
  constexpr uint64_t kLastDayUs = kNowUs + 127 * kDayUs;
  EXPECT_EQ(words(kLastDayUs - 31 * kDayUs, 30), "");
  EXPECT_EQ(words(kLastDayUs - 30 * kDayUs, 30),
            "The agreement x ends on 31 March 2026, in 30 days. Nothing is "
            "shared by it after that. Ring the co-ordinator, 01632 960100.");
  EXPECT_THAT(words(kLastDayUs - kDayUs, 30), HasSubstr("2026, tomorrow. "));
  EXPECT_THAT(words(kLastDayUs, 30), HasSubstr("2026, today. "));
  EXPECT_EQ(words(kLastDayUs + kDayUs, 30),
            "Nothing is shared by x since 1 April 2026: the agreement ended. "
            "Ring the co-ordinator, 01632 960100.");
  EXPECT_EQ(words(kLastDayUs + 32 * kDayUs, 30), "");
  Retire("x", 1, kNowUs + 3 * kDayUs);
  EXPECT_THAT(words(kNowUs, 30), HasSubstr("early (the ward closed). Nothing"));
  EXPECT_THAT(words(kNowUs + 4 * kDayUs, 30),
              HasSubstr("the agreement ended early (the ward closed). Ring"));
}

TEST_F(LimitsTest, WhoSignedIsKept) {
  hub::v1::AgreementAdopted adopted;
  adopted.set_name("x");
  adopted.set_version(1);
  adopted.set_agreement(AgreementOf("x", 1, kEverything).SerializeAsString());
  adopted.add_signatures()->set_party("red");
  adopted.add_signatures()->set_party("blue");
  EXPECT_TRUE(Apply("h.v1.Adopted", 0, adopted.SerializeAsString()));
  EXPECT_THAT(policy_.agreements()->List(kNowUs)[0].signed_by,
              ::testing::ElementsAre("red", "blue"));
}

}  // namespace
}  // namespace concordat

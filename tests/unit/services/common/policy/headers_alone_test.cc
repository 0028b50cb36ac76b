// A hub service that is sent the header alone of a type.
//
// Mutant                                            Caught by
// a group granted with it, or its header group      SeesNoGroupOfAnything
// its agency's agreement adds to it                 SeesNoGroupOfItsOwnEither
// both lists: cut to the header                     WhatItProcessesToo…
// shown as nothing, or as administrative details    IsSaidInPlainWords
// no subscription for who has nothing else          IsAGrantOfItsOwn
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/common/policy/policy.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::ElementsAre;
using testing::FakeTypes;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;

constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.
constexpr char kFact[] = "a.v1.Fact";
constexpr char kSecret[] = "a.v1.Secret";
constexpr char kOther[] = "b.v1.Other";

class HeadersAloneTest : public ::testing::Test {
 protected:
  HeadersAloneTest() {
    policy::v1::TypePolicy internal;
    internal.set_internal(true);
    auto types = std::make_shared<FakeTypes>();
    types->Add(kFact, {}, {policy::v1::CATEGORY_CHILD})
        .Add(kSecret, internal)
        .Add(kOther);
    types_ = std::move(types);
    policy_ = std::make_unique<PolicyState>(types_);
    policy::v1::Agreement agreement;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"(name: "x" version: 1 parties: "hub" parties: "red"
           valid_from: "2025-10-01" valid_to: "2026-09-30"
           see { to: "each" roles: "service" types: "a.v1.*"
                 audience: AUDIENCE_OWN })",
        &agreement));
    EXPECT_THAT(policy_->Adopt(agreement), IsOk());
    service_.header_types = {"a.v1.*"};
  }

  static HeaderView About(absl::string_view type,
                          absl::string_view controller = "red") {
    HeaderView header;
    header.type = type;
    header.controller = controller;
    header.source = "urn:concordat:elsewhere:x";
    header.subject = PersonKey({1});
    return header;
  }
  GroupMask Sees(const HeaderView& header) const {
    return policy_->Granted(header, service_, kNowUs);
  }

  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<PolicyState> policy_;
  Recipient service_{"hub", "service", {}};
};

TEST_F(HeadersAloneTest, SeesNoGroupOfAnything) {
  for (const char* type : {kFact, kSecret}) {
    const HeaderView header = About(type);
    EXPECT_EQ(Sees(header), kHeaderAlone);
    EXPECT_FALSE(
        ShowsHeaderGroup(header, *types_->Find(type), service_, kHeaderAlone));
  }
  EXPECT_EQ(Sees(About(kOther)), 0);
}

TEST_F(HeadersAloneTest, SeesNoGroupOfItsOwnEither) {
  const HeaderView own = About(kFact, "hub");
  const Recipient another = {"hub", "service", {}};
  EXPECT_EQ(policy_->Granted(own, another, kNowUs), 0b1111);
  EXPECT_EQ(Sees(own), kHeaderAlone);
  EXPECT_FALSE(
      ShowsHeaderGroup(own, *types_->Find(kFact), service_, kHeaderAlone));
}

TEST_F(HeadersAloneTest, WhatItProcessesTooIsSentWhole) {
  service_.process_types = {kFact};
  EXPECT_EQ(Sees(About(kFact)), 0b1111);
  EXPECT_EQ(Sees(About(kSecret)), kHeaderAlone);
}

TEST_F(HeadersAloneTest, IsSaidInPlainWords) {
  const EventType& type = *types_->Find(kFact);
  EXPECT_THAT(Withheld(type, kHeaderAlone),
              ElementsAre("administrative details", "personal details",
                          "offence and MAPPA details", "details of a child"));
  EXPECT_THAT(ShownInWords(type, kHeaderAlone),
              ElementsAre("the header alone"));
  const HeaderView header = About(kFact);
  const JudgedView judged = policy_->agreements()->Explain(
      header, service_, kNowUs, policy_->Of(header.subject));
  EXPECT_EQ(judged.granted, kHeaderAlone);
  EXPECT_THAT(judged.because, HasSubstr("the header alone"));
  EXPECT_THAT(judged.lines, IsEmpty());
}

TEST_F(HeadersAloneTest, IsAGrantOfItsOwn) {
  service_.agency = "nobody's";
  EXPECT_TRUE(policy_->HasAnyGrant(service_, kNowUs));
  service_.header_types = {"c.v1.None"};
  EXPECT_FALSE(policy_->HasAnyGrant(service_, kNowUs));
}

}  // namespace
}  // namespace concordat

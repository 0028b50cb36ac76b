// Whether one person may do what another asked for.
//
// Mutant                                            Caught by
// parts run together in the digest                  DigestsOfOtherPartsDiffer
// the same person agrees through another door       OnePersonIsNotTwo
// a principal shared by people counts as one        OnePersonIsNotTwo
// count, digest, kind or agency is not compared     AnotherActIsRefused
// an old request is good for ever                   AnOldRequestIsRefused
#include "services/bus/daemon/act.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'764'000'000);
const Person kOther = {"second-operator", "", "concordat-operator"};

Act SomeAct() {
  Act act;
  act.kind = "redrive";
  act.what = "redrive a/b/c: 2 events";
  act.digest = ActDigest("redrive", {"a/b/c", "4,5"});
  act.count = 2;
  return act;
}

hub::v1::ApprovalAsked AskedFor(const Act& act) {
  hub::v1::ApprovalAsked asked;
  asked.set_kind(act.kind);
  asked.set_what(act.what);
  asked.set_digest(act.digest.data(), act.digest.size());
  asked.set_count(act.count);
  asked.set_agency(act.agency);
  asked.set_by("admin");
  asked.set_why("the form is known now");
  asked.set_until(
      static_cast<uint64_t>(absl::ToUnixMicros(kNow + absl::Hours(1))));
  return asked;
}

TEST(Act, DigestsOfOtherPartsDiffer) {
  const Sha256Hash one = ActDigest("redrive", {"ab", "c"});
  EXPECT_EQ(one, ActDigest("redrive", {"ab", "c"}));
  EXPECT_NE(one, ActDigest("redrive", {"a", "bc"}));
  EXPECT_NE(one, ActDigest("redrive", {"abc"}));
  EXPECT_NE(one, ActDigest("redrive", {"ab", "c", ""}));
  EXPECT_NE(one, ActDigest("park", {"ab", "c"}));
}

TEST(Act, OnePersonIsNotTwo) {
  // By principals alone.
  EXPECT_TRUE(IsSamePerson({"admin", "", ""}, {"admin", "", ""}));
  EXPECT_FALSE(IsSamePerson({"admin", "", ""}, {"second-operator", "", ""}));
  // Two accounts of one principal are two; one account of two is one.
  EXPECT_FALSE(IsSamePerson({"admin", "moira", ""}, {"admin", "iain", ""}));
  EXPECT_TRUE(
      IsSamePerson({"admin", "moira", ""}, {"second-operator", "moira", ""}));
  // Nothing says that it is somebody else.
  EXPECT_TRUE(IsSamePerson({"admin", "moira", ""}, {"admin", "", ""}));
  const hub::v1::ApprovalAsked asked = AskedFor(SomeAct());
  EXPECT_THAT(CheckApproval(asked, SomeAct(), {"admin", "", ""}, kNow),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckApproval(asked, SomeAct(), kOther, kNow), IsOk());
}

TEST(Act, AnotherActIsRefused) {
  const hub::v1::ApprovalAsked asked = AskedFor(SomeAct());
  using Change = void (*)(Act&);
  for (const Change change :
       {Change([](Act& act) { act.kind = "park"; }),
        Change([](Act& act) { act.count = 3; }),
        Change([](Act& act) { act.agency = "concordat-operator"; }),
        Change([](Act& act) { act.digest[31] ^= 1; })}) {
    Act act = SomeAct();
    change(act);
    act.what = "something else";
    const absl::Status status = CheckApproval(asked, act, kOther, kNow);
    EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(status.message(), HasSubstr("2 events"));
    EXPECT_THAT(status.message(), HasSubstr("something else"));
  }
  Act theirs = SomeAct();
  theirs.agency = "nhs-tayside";
  EXPECT_THAT(CheckApproval(AskedFor(theirs), theirs, kOther, kNow),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST(Act, AnOldRequestIsRefused) {
  const hub::v1::ApprovalAsked asked = AskedFor(SomeAct());
  const absl::Time until = kNow + absl::Hours(1);
  EXPECT_THAT(
      CheckApproval(asked, SomeAct(), kOther, until - absl::Microseconds(1)),
      IsOk());
  EXPECT_THAT(CheckApproval(asked, SomeAct(), kOther, until),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace concordat::bus

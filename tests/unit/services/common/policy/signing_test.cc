// Signatures of parties over texts.
//
// Mutant                                            Caught by
// a signature of another text, or of the other kind ASignatureIsOfOneTextAndOneKind
// a key that is not the party's, or not any more    OnlyAKeyOfThePartySigns
// a party twice stands for two                      NobodySignsTwice
// one missing is enough                             EveryPartyHasToSign
// digits that are none read as zeros                WhatIsMalformedIsNamed
#include "services/common/policy/signing.h"

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/policy/london_day.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr char kText[] = "name: \"x\" version: 1\n";

Ed25519Signer SignerOf(uint8_t of) {
  Ed25519Seed seed;
  seed.fill(of);
  return Ed25519Signer(seed);
}

class SigningTest : public ::testing::Test {
 protected:
  SigningTest() {
    AddKey("red", 1);
    AddKey("blue", 2);
  }
  policy::v1::Signatory& AddKey(const std::string& party, uint8_t of) {
    policy::v1::Signatory& signatory = *signatories_.add_signatories();
    signatory.set_party(party);
    const Ed25519PublicKey key = SignerOf(of).public_key();
    signatory.set_public_key(absl::BytesToHexString(absl::string_view(
        reinterpret_cast<const char*>(key.data()), key.size())));
    return signatory;
  }
  policy::v1::SignatureFile FileOf(
      const std::vector<std::pair<std::string, uint8_t>>& who) {
    policy::v1::SignatureFile file = SignatureFileFor(kText);
    for (const auto& [party, of] : who) {
      *file.add_signatures() =
          SignText(SignedText::kAgreement, kText, SignerOf(of), party, "chief");
    }
    return file;
  }
  auto Check(const policy::v1::SignatureFile& file,
             const std::string& text = kText,
             SignedText what = SignedText::kAgreement) {
    return CheckSignatures(what, text, file, signatories_, now_us_);
  }

  policy::v1::Signatories signatories_;
  uint64_t now_us_ = *StartOfDay("2026-01-15", 0, "");
};

TEST_F(SigningTest, EveryPartyHasToSign) {
  const auto both = Check(FileOf({{"red", 1}, {"blue", 2}}));
  ASSERT_THAT(both, IsOk());
  google::protobuf::RepeatedPtrField<std::string> parties;
  *parties.Add() = "red";
  *parties.Add() = "blue";
  EXPECT_THAT(CheckAllSigned(parties, *both), IsOk());
  EXPECT_EQ((*both)[0].party(), "red");
  EXPECT_EQ((*both)[0].office(), "chief");
  EXPECT_EQ((*both)[0].signature().size(), 64u);
  const auto one = Check(FileOf({{"red", 1}}));
  ASSERT_THAT(one, IsOk());
  const absl::Status missing = CheckAllSigned(parties, *one);
  EXPECT_THAT(missing, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(missing.message(), "not signed by blue");
}

TEST_F(SigningTest, ASignatureIsOfOneTextAndOneKind) {
  const auto file = FileOf({{"red", 1}});
  EXPECT_THAT(Check(file, "name: \"x\" version: 2\n"),
              HasCode(absl::StatusCode::kInvalidArgument));
  const auto as_end = Check(file, kText, SignedText::kRetirement);
  EXPECT_THAT(as_end, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(as_end.status().message(), HasSubstr("red is not of this text"));
  auto claimed = file;
  claimed.set_sha256(SignatureFileFor("other").sha256());
  EXPECT_THAT(Check(claimed, "other"),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(SigningTest, OnlyAKeyOfThePartySigns) {
  EXPECT_THAT(Check(FileOf({{"red", 2}})),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Check(FileOf({{"green", 1}})),
              HasCode(absl::StatusCode::kPermissionDenied));
  policy::v1::Signatory& old = AddKey("red", 3);
  old.set_valid_from("2026-01-01");
  old.set_valid_to("2026-01-14");
  EXPECT_THAT(Check(FileOf({{"red", 3}})),
              HasCode(absl::StatusCode::kPermissionDenied));
  signatories_.mutable_signatories(2)->set_valid_to("2026-01-15");
  EXPECT_THAT(Check(FileOf({{"red", 3}})), IsOk());
  signatories_.mutable_signatories(2)->set_valid_from("2026-01-16");
  signatories_.mutable_signatories(2)->clear_valid_to();
  EXPECT_THAT(Check(FileOf({{"red", 3}})),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(SigningTest, NobodySignsTwice) {
  EXPECT_THAT(Check(FileOf({{"red", 1}, {"red", 1}})),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(SigningTest, WhatIsMalformedIsNamed) {
  for (const char* const wrong : {"", "zz", "00"}) {
    auto file = FileOf({{"red", 1}});
    file.mutable_signatures(0)->set_signature(wrong);
    EXPECT_THAT(Check(file).status().message(),
                HasSubstr("the signature of red: "));
    file = FileOf({{"red", 1}});
    file.mutable_signatures(0)->set_public_key(wrong);
    EXPECT_THAT(Check(file), HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(CheckSignatories(signatories_), IsOk());
  AddKey("green", 4).set_valid_to("never");
  EXPECT_THAT(CheckSignatories(signatories_).message(), HasSubstr("green"));
  signatories_.mutable_signatories(2)->clear_valid_to();
  signatories_.mutable_signatories(2)->set_public_key("12");
  EXPECT_THAT(CheckSignatories(signatories_).message(),
              HasSubstr("public_key of green"));
}

}  // namespace
}  // namespace concordat

#include "services/common/config/principal_registry.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

// The example of ZeroMQ RFC 32 four times over.
constexpr char kPoliceZ85[] = "HelloWorldHelloWorldHelloWorldHelloWorld";

bus::v1::Registry Demo() {
  bus::v1::Registry registry;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        environment: ENVIRONMENT_DEMO
        principals {
          name: "police"
          agency: "police-scotland"
          system: "rms"
          role: "police"
          certificate_uri: "spiffe://demo.concordat/police-scotland/rms"
          publish {
            source: "urn:concordat:police-scotland:rms"
            types: "concordat.police.v1.*"
          }
        }
        principals {
          name: "service-mappa"
          agency: "mappa-tayside"
          system: "mappa"
          role: "service"
          publish {
            source: "urn:concordat:mappa-tayside:mappa"
            types: "concordat.mappa.v1.CaseOpened"
            any_controller: true
          }
        }
      )pb",
      &registry));
  registry.mutable_principals(0)->set_curve_public_key(kPoliceZ85);
  return registry;
}

TEST(PrincipalRegistry, FindsByNameKeyInBothFormsAndCertificate) {
  const auto registry = PrincipalRegistry::Build(Demo());
  ASSERT_THAT(registry, IsOk());
  const auto* police = (*registry)->FindByName("police");
  ASSERT_NE(police, nullptr);
  EXPECT_EQ((*registry)->FindByCurveKey(kPoliceZ85), police);
  const auto raw = CurveKeyFromZ85(kPoliceZ85);
  ASSERT_THAT(raw, IsOk());
  EXPECT_EQ((*registry)->FindByCurveKey(*raw), police);
  EXPECT_EQ((*registry)->FindByCertificateUri(police->certificate_uri()),
            police);
  EXPECT_EQ((*registry)->FindByName("nobody"), nullptr);
  EXPECT_EQ((*registry)->FindByCurveKey(std::string(32, 'x')), nullptr);
  // A principal without a key or a certificate is not found by an empty one.
  EXPECT_EQ((*registry)->FindByCurveKey(""), nullptr);
  EXPECT_EQ((*registry)->FindByCertificateUri(""), nullptr);
}

TEST(PrincipalRegistry, Z85IsAsInRfc32) {
  const auto raw = CurveKeyFromZ85(kPoliceZ85);
  ASSERT_THAT(raw, IsOk());
  EXPECT_EQ(raw->substr(0, 8), "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B");
  EXPECT_EQ(*CurveKeyToZ85(*raw), kPoliceZ85);
  EXPECT_THAT(CurveKeyFromZ85(std::string(40, '"')),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CurveKeyFromZ85(std::string(40, '#')),  // Over 32 bits.
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(PrincipalRegistry, GrantsOnlyTheTypeFromTheSourceThatIsListed) {
  const auto registry = PrincipalRegistry::Build(Demo());
  ASSERT_THAT(registry, IsOk());
  bus::v1::Principal police = *(*registry)->FindByName("police");
  constexpr char kRms[] = "urn:concordat:police-scotland:rms";
  EXPECT_NE(FindPublishGrant(police, kRms, "concordat.police.v1.ConcernShared"),
            nullptr);
  EXPECT_EQ(FindPublishGrant(police, kRms, "concordat.policex.v1.X"), nullptr);
  EXPECT_EQ(FindPublishGrant(police, kRms, "concordat.nhs.v1.SharingDecided"),
            nullptr);
  EXPECT_EQ(FindPublishGrant(police, "urn:concordat:nhs-tayside:pas",
                             "concordat.police.v1.ConcernShared"),
            nullptr);
  police.set_revoked(true);
  EXPECT_EQ(FindPublishGrant(police, kRms, "concordat.police.v1.ConcernShared"),
            nullptr);
}

TEST(PrincipalRegistry, OnlyAnAllowedGrantNamesAnotherController) {
  const auto registry = PrincipalRegistry::Build(Demo());
  ASSERT_THAT(registry, IsOk());
  const auto& police = *(*registry)->FindByName("police");
  const auto& mappa = *(*registry)->FindByName("service-mappa");
  EXPECT_TRUE(MayNameController(police, police.publish(0), "police-scotland"));
  EXPECT_FALSE(MayNameController(police, police.publish(0), "nhs-tayside"));
  EXPECT_TRUE(MayNameController(mappa, mappa.publish(0), "nhs-tayside"));
}

TEST(PrincipalRegistry, OfARoleIsProcessedWhatAnyOfItsServicesIsSent) {
  bus::v1::Registry proto = Demo();
  const auto& first = proto.principals(1);
  bus::v1::Principal second = first;
  second.set_name("second");
  second.set_system("second");
  second.set_curve_public_key("");
  second.set_certificate_uri("");
  second.mutable_process()->add_headers("a.v1.Fact");
  proto.mutable_principals(1)->mutable_process()->add_types("b.v1.*");
  *proto.add_principals() = second;
  const auto registry = PrincipalRegistry::Build(proto);
  ASSERT_THAT(registry, IsOk());
  const auto processed =
      (*registry)->ProcessedBy(second.agency(), second.role());
  EXPECT_THAT(processed.types(), ::testing::Contains("b.v1.*"));
  EXPECT_THAT(processed.headers(), ::testing::ElementsAre("a.v1.Fact"));
  EXPECT_FALSE((*registry)->ProcessedBy(second.agency(), "x").types_size());
}

TEST(PrincipalRegistry, HasTwoKeysEachUntilTheEndOfItsLastDay) {
  constexpr char kOther[] = "HelloWorldHelloWorldHelloWorldHelloWorlc";
  bus::v1::Registry proto = Demo();
  bus::v1::Principal& police = *proto.mutable_principals(0);
  police.set_curve_valid_to("2027-03-31");
  police.set_second_curve_public_key(kOther);
  police.set_second_curve_valid_to("2028-03-31");
  absl::Time end;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, "2027-04-01T00:00:00Z", &end,
                              nullptr));
  EXPECT_EQ(CurveKeysOf(police)[0].end, end);

  auto before = PrincipalRegistry::Build(proto, end - absl::Seconds(1));
  ASSERT_THAT(before, IsOk());
  EXPECT_NE((*before)->FindByCurveKey(kPoliceZ85), nullptr);
  EXPECT_NE((*before)->FindByCurveKey(kOther), nullptr);
  EXPECT_EQ((*before)->next_end(), end);

  auto after = PrincipalRegistry::Build(proto, end);
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ((*after)->FindByCurveKey(kPoliceZ85), nullptr);
  EXPECT_NE((*after)->FindByCurveKey(kOther), nullptr);
  EXPECT_EQ((*after)->next_end(), CurveKeysOf(police)[1].end);

  proto.mutable_principals(1)->set_curve_public_key(kOther);
  EXPECT_THAT(PrincipalRegistry::Build(proto),
              HasCode(absl::StatusCode::kInvalidArgument));
  police.set_second_curve_valid_to("31 March");
  EXPECT_THAT(PrincipalRegistry::Build(proto).status().message(),
              HasSubstr("not a day: 31 March"));
}

// Mutants: a certificate for any key of whom the registry has one for; one again for
// any key, once the last has ended; the key of another principal's; the second key
// left out; a proof whose key is not looked at.
TEST(PrincipalRegistry, ACertificateIsForAKeyThatIsRegisteredIfOneIs) {
  const std::string one(64, '1'), two(64, '2'), three(64, '3');
  bus::v1::Registry proto = Demo();
  const auto is_own = [](const PrincipalRegistry& registry,
                         const std::string& key) {
    const auto* const police = registry.FindByName("police");
    const std::string proof =
        ProofOfCertificate(police->certificate_uri(), key);
    const bool is = registry.IsCertificateKey(*police, key);
    EXPECT_EQ(registry.FindByProof(proof), is ? police : nullptr);
    return is;
  };
  const auto without = PrincipalRegistry::Build(proto);
  ASSERT_THAT(without, IsOk());
  EXPECT_TRUE(is_own(**without, one));

  bus::v1::Principal& police = *proto.mutable_principals(0);
  police.set_certificate_key(one);
  police.set_second_certificate_key(two);
  police.set_second_certificate_key_valid_to("2027-03-31");
  proto.mutable_principals(1)->set_certificate_key(three);
  absl::Time end;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, "2027-04-01T00:00:00Z", &end,
                              nullptr));
  const auto before = PrincipalRegistry::Build(proto, end - absl::Seconds(1));
  ASSERT_THAT(before, IsOk());
  EXPECT_EQ((*before)->next_end(), end);
  EXPECT_TRUE(is_own(**before, one));
  EXPECT_TRUE(is_own(**before, two));
  EXPECT_FALSE(is_own(**before, three));
  EXPECT_FALSE(
      (*before)->IsCertificateKey(*(*before)->FindByName("police"), ""));
  // Of one that was not shown here.
  EXPECT_EQ((*before)->FindByProof(police.certificate_uri()),
            (*before)->FindByName("police"));

  const auto after = PrincipalRegistry::Build(proto, end);
  ASSERT_THAT(after, IsOk());
  EXPECT_TRUE(is_own(**after, one));
  EXPECT_FALSE(is_own(**after, two));
  police.set_certificate_key_valid_to("2026-12-31");
  const auto ended = PrincipalRegistry::Build(proto, end);
  ASSERT_THAT(ended, IsOk());
  EXPECT_FALSE(is_own(**ended, one));
  EXPECT_FALSE(is_own(**ended, three));

  police.set_certificate_key_valid_to("soon");
  EXPECT_THAT(PrincipalRegistry::Build(proto).status().message(),
              HasSubstr("not a day: soon"));
  police.clear_certificate_key_valid_to();
  police.set_certificate_key(three);
  EXPECT_THAT(PrincipalRegistry::Build(proto).status().message(),
              HasSubstr("certificate_key is taken"));
  police.set_certificate_key(std::string(64, 'A'));
  EXPECT_THAT(PrincipalRegistry::Build(proto).status().message(),
              HasSubstr("64 of 0-9 a-f"));
}

TEST(PrincipalRegistry, RefusesWhatTwoHave) {
  bus::v1::Registry same_name = Demo();
  same_name.mutable_principals(1)->set_name("police");
  bus::v1::Registry same_key = Demo();
  same_key.mutable_principals(1)->set_curve_public_key(kPoliceZ85);
  bus::v1::Registry same_system = Demo();
  same_system.mutable_principals(1)->set_agency("police-scotland");
  same_system.mutable_principals(1)->set_system("rms");
  for (const auto& registry : {same_name, same_key, same_system}) {
    const auto built = PrincipalRegistry::Build(registry);
    EXPECT_THAT(built, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(built.status().message(), HasSubstr("taken"));
  }
}

TEST(PrincipalRegistry, WhoSpeaksForOthersHasNoRightsAndMakesNoChains) {
  bus::v1::Registry registry = Demo();
  bus::v1::Principal& door = *registry.add_principals();
  door.set_name("gateway");
  door.set_agency("concordat-operator");
  door.set_system("gateway");
  door.set_role("gateway");
  door.add_speaks_for("police");
  const auto built = PrincipalRegistry::Build(registry);
  ASSERT_THAT(built, IsOk());
  EXPECT_TRUE(SpeaksForOthers(*(*built)->FindByName("gateway")));
  EXPECT_FALSE(SpeaksForOthers(*(*built)->FindByName("police")));

  using Change = void (*)(bus::v1::Principal&, bus::v1::Registry&);
  for (const Change change : {
           Change([](auto&p, auto&) { p.mutable_process()->add_types("*"); }),
           Change([](auto&p, auto&) { p.add_publish()->add_types("*"); }),
           Change([](auto&p, auto&) {
             p.set_curve_public_key("HelloWorldHelloWorldHelloWorldHelloWorle");
           }),
           Change([](auto&p, auto&) { p.add_may_agree("enrolment"); }),
           Change([](auto&p, auto&) { p.add_speaks_for("nobody"); }),
           Change([](auto&p, auto&) { p.add_speaks_for("gateway"); }),
           Change([](auto&, auto&all) {
             auto& second = *all.add_principals();
             second.set_name("door");
             second.set_agency("concordat-operator");
             second.set_system("door");
             second.set_role("gateway");
             second.add_speaks_for("gateway");
           }),
       }) {
    bus::v1::Registry bad = registry;
    change(*bad.mutable_principals(2), bad);
    const auto refused = PrincipalRegistry::Build(bad);
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(refused.status().message(), HasSubstr("speaks_for"));
  }
}

// Bugs: one right taken for another; a revoked principal agrees; a word that is no
// act gives a right to nothing and is not noticed.
TEST(PrincipalRegistry, ActsOfTwoPeopleAreRightsOfTheirOwn) {
  bus::v1::Principal principal;
  for (const absl::string_view kind :
       {kRedriveAct, kParkAct, kRetentionAct, absl::string_view("erasure")}) {
    EXPECT_FALSE(MayAgree(principal, kind)) << kind;
  }
  principal.set_may_redrive(true);
  EXPECT_TRUE(MayAgree(principal, "redrive"));
  EXPECT_TRUE(MayAgree(principal, "park"));
  EXPECT_FALSE(MayAgree(principal, "retention"));
  EXPECT_FALSE(MayAgree(principal, "erasure"));
  principal.add_may_agree("erasure");
  EXPECT_TRUE(MayAgree(principal, "erasure"));
  EXPECT_FALSE(MayAgree(principal, "enrolment"));
  EXPECT_EQ(RightTo("erasure"), "may_agree: \"erasure\"");
  principal.set_revoked(true);
  EXPECT_FALSE(MayAgree(principal, "erasure"));
  EXPECT_FALSE(MayAgree(principal, "redrive"));

  bus::v1::Registry registry = Demo();
  registry.mutable_principals(0)->add_may_agree("enrolment");
  EXPECT_THAT(PrincipalRegistry::Build(registry), IsOk());
  registry.mutable_principals(0)->add_may_agree("redrive");
  EXPECT_THAT(PrincipalRegistry::Build(registry).status().message(),
              HasSubstr("no act redrive"));
}

TEST(PrincipalRegistry, RefusesACertificateOfAnotherEnvironment) {
  bus::v1::Registry registry = Demo();
  registry.mutable_principals(0)->set_certificate_uri(
      "spiffe://live.concordat/police-scotland/rms");
  EXPECT_THAT(PrincipalRegistry::Build(registry),
              HasCode(absl::StatusCode::kInvalidArgument));
  registry = Demo();
  registry.clear_environment();
  EXPECT_THAT(PrincipalRegistry::Build(registry),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat

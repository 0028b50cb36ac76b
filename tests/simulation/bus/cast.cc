#include "tests/simulation/bus/cast.h"

#include <utility>

#include "google/protobuf/text_format.h"
#include "services/common/base/check.h"
#include "tests/support/fake_types.h"

namespace concordat::simulation {
namespace {

constexpr char kCases[] = R"(
  name: "cases" version: 1
  parties: "red" parties: "blue" parties: "green" parties: "office"
  part3_parties: "red"
  valid_from: "2025-01-01" valid_to: "2035-12-31"
  purposes: "CARE" gateways: "G1"
  see { to: "red" roles: "officer" types: "a.v1.*" audience: AUDIENCE_PARTY
        categories: CATEGORY_CLINICAL part3: true }
  see { to: "red" roles: "officer" types: "a.v1.*" audience: AUDIENCE_NOBODY }
  see { to: "red" roles: "officer" types: "a.v1.*" audience: AUDIENCE_OWN }
  see { to: "blue" roles: "nurse" types: "a.v1.*" types: "m.v1.*"
        audience: AUDIENCE_PARTY up_to: TIER_S2 }
  see { to: "blue" roles: "nurse" types: "a.v1.Fact" audience: AUDIENCE_LEAD
        categories: CATEGORY_CLINICAL }
  see { to: "green" roles: "landlord" types: "a.v1.Fact"
        audience: AUDIENCE_PARTY up_to: TIER_S1 level_min: 2 level_max: 3 })";
constexpr char kDays[] = R"(
  name: "days" version: 1 parties: "green" parties: "red"
  valid_from: "2025-11-25" valid_to: "2025-11-26"
  purposes: "CARE" gateways: "G1"
  see { to: "green" roles: "landlord" types: "a.v1.Other"
        audience: AUDIENCE_PARTY up_to: TIER_S2 })";

}  // namespace

std::shared_ptr<const TypeRegistry> SimTypes() {
  using testing::WithEffect;
  policy::v1::TypePolicy urgent;
  urgent.set_urgent(true);
  policy::v1::TypePolicy internal;
  internal.set_internal(true);
  policy::v1::TypePolicy types_adopted = internal;
  types_adopted.set_effect(policy::v1::EFFECT_TYPES_ADOPTED);
  policy::v1::TypePolicy agreement_adopted = internal;
  agreement_adopted.set_effect(policy::v1::EFFECT_AGREEMENT_ADOPTED);
  auto types = std::make_shared<testing::FakeTypes>();
  types->Add(kFact, {}, {policy::v1::CATEGORY_CLINICAL})
      .Add(kOther, {}, {policy::v1::CATEGORY_CLINICAL})
      .Add(kUrgent, urgent, {policy::v1::CATEGORY_CLINICAL})
      .Add(kOpened, WithEffect(policy::v1::EFFECT_CASE_OPENED))
      .Add(kJoined, WithEffect(policy::v1::EFFECT_PARTY_JOINED))
      .Add(kLeft, WithEffect(policy::v1::EFFECT_PARTY_LEFT))
      .Add(kLevel, WithEffect(policy::v1::EFFECT_LEVEL_CHANGED))
      .Add(kClosed, WithEffect(policy::v1::EFFECT_CASE_CLOSED))
      .Add("concordat.hub.v1.LogCreated", internal)
      .Add("concordat.hub.v1.TypesAdopted", types_adopted)
      .Add("concordat.hub.v1.AgreementAdopted", agreement_adopted)
      .Add("concordat.hub.v1.FaultsAccepted", internal);
  return types;
}

std::vector<policy::v1::Agreement> SimAgreements() {
  std::vector<policy::v1::Agreement> agreements(2);
  CONCORDAT_CHECK(
      google::protobuf::TextFormat::ParseFromString(kCases, &agreements[0]));
  CONCORDAT_CHECK(
      google::protobuf::TextFormat::ParseFromString(kDays, &agreements[1]));
  return agreements;
}

PersonKey Person(int number) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes.back() = static_cast<uint8_t>(number);
  return PersonKey(bytes);
}

const std::vector<Member>& Members() {
  static const auto* const kMembers = new std::vector<Member>{
      {"red-records", "red", "clerk", {}, "urn:concordat:red:records"},
      {"blue-records", "blue", "clerk", {}, "urn:concordat:blue:records"},
      {"office-cases", "office", "clerk", {}, "urn:concordat:office:cases"},
      {"red-desk", "red", "officer", {}, ""},
      {"red-model", "red", "officer", {}, ""},
      {"blue-desk", "blue", "nurse", {}, ""},
      {"green-desk", "green", "landlord", {}, ""},
      {"hub-alerts", "hub", "service", {kFact, kUrgent}, ""},
      {"hub-watch", "hub", "operator", {}, ""},
      {"red-letters-1", "red", "officer", {}, ""},
      {"red-letters-2", "red", "officer", {}, ""},
      {"red-letters-3", "red", "officer", {}, ""},
  };
  return *kMembers;
}

std::string ProofOf(int member, int key, bool by_call) {
  const Member& who = Members()[static_cast<size_t>(member)];
  if (by_call) {
    return CertificateUri(bus::v1::ENVIRONMENT_LIVE, who.agency, who.name);
  }
  std::string bytes(32, static_cast<char>('A' + member));
  bytes[0] = static_cast<char>(key / 256);
  bytes[1] = static_cast<char>(key % 256);
  return bytes;
}

std::shared_ptr<const PrincipalRegistry> SimRegistry(
    const std::vector<Enrolment>& enrolments) {
  bus::v1::Registry registry;
  registry.set_environment(bus::v1::ENVIRONMENT_LIVE);
  for (size_t i = 0; i < Members().size(); ++i) {
    const Member& member = Members()[i];
    bus::v1::Principal& principal = *registry.add_principals();
    principal.set_name(member.name);
    principal.set_agency(member.agency);
    principal.set_system(member.name);
    principal.set_role(member.role);
    principal.set_curve_public_key(*CurveKeyToZ85(
        ProofOf(static_cast<int>(i), enrolments[i].key, /*by_call=*/false)));
    principal.set_certificate_uri(
        ProofOf(static_cast<int>(i), 0, /*by_call=*/true));
    principal.set_revoked(enrolments[i].revoked);
    principal.set_default_purpose("CARE");
    for (const std::string& type : member.process_types) {
      principal.mutable_process()->add_types(type);
    }
    if (member.source.empty()) continue;
    bus::v1::PublishGrant& grant = *principal.add_publish();
    grant.set_source(member.source);
    grant.add_types(member.agency == "office" ? "m.v1.*" : "a.v1.*");
  }
  auto built = PrincipalRegistry::Build(std::move(registry));
  CONCORDAT_CHECK(built.ok());
  return *std::move(built);
}

}  // namespace concordat::simulation

// The service on a bus in memory, and an edge that it tells its cohort.
#ifndef CONCORDAT_TESTS_UNIT_SERVICES_IDENTITY_RPC_IDENTITY_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_IDENTITY_RPC_IDENTITY_FIXTURE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "concordat/identity/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "services/identity/rpc/identity_service.h"
#include "services/identity/rpc/people_desk.h"
#include "services/identity/rpc/read_command.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::identity::testing {

inline constexpr absl::Duration kPatience = absl::Seconds(5);
inline constexpr char kChi[] = "0303790016";
inline constexpr char kNewRuleChi[] = "0911870012";  // Modulus 10 only.
inline constexpr char kPnc[] = "1998/0990002E";
inline constexpr char kSource[] = "urn:concordat:mappa-tayside:identity";

class FakeSteadyClock : public SteadyClock {
 public:
  absl::Duration Elapsed() const override {
    MutexLock lock(mu_);
    return elapsed_;
  }
  void Advance(absl::Duration by) {
    MutexLock lock(mu_);
    elapsed_ += by;
  }

 private:
  mutable Mutex mu_;
  absl::Duration elapsed_ ABSL_GUARDED_BY(mu_) = absl::Hours(1);
};

// What an edge was told, as it stands.
class Edge {
 public:
  CohortFeed::Sink sink() {
    return {[this](const v1::CohortChange& change) {
              MutexLock lock(mu_);
              if (!open_) return false;
              changes_.push_back(change);
              changed_.NotifyAll();
              return true;
            },
            [](const absl::Status&) {}};
  }
  void Close() {
    MutexLock lock(mu_);
    open_ = false;
  }
  // Waits until the answers so far satisfy `done`.
  bool WaitFor(
      const std::function<bool(const std::vector<v1::CohortChange>&)>& done) {
    MutexLock lock(mu_);
    return changed_.WaitFor(
        mu_, kPatience,
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return done(changes_); });
  }
  bool WaitForPosition(Sequence position) {
    return WaitFor([position](const auto& changes) {
      return !changes.empty() && changes.back().complete() &&
             changes.back().position() >= position.value;
    });
  }
  std::vector<v1::CohortChange> changes() const {
    MutexLock lock(mu_);
    return changes_;
  }
  std::map<std::string, v1::CohortMember> members() const {
    std::map<std::string, v1::CohortMember> members;
    for (const v1::CohortChange& change : changes()) {
      if (change.has_joined()) {
        members[change.joined().subject()] = change.joined();
      }
      members.erase(change.left_subject());
    }
    return members;
  }

 private:
  mutable Mutex mu_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mu_) = true;
  std::vector<v1::CohortChange> changes_ ABSL_GUARDED_BY(mu_);
};

inline std::shared_ptr<const PrincipalRegistry> MakeRegistry() {
  bus::v1::Registry registry;
  registry.set_environment(bus::v1::ENVIRONMENT_DEMO);
  const auto add = [&](const char* name, const char* agency, const char* system,
                       const char* role) {
    auto* principal = registry.add_principals();
    principal->set_name(name);
    principal->set_agency(agency);
    principal->set_system(system);
    principal->set_role(role);
    principal->set_default_purpose("MAPPA_RISK_MANAGEMENT");
    principal->set_default_regime(bus::v1::REGIME_GDPR);
    principal->set_certificate_uri(
        CertificateUri(bus::v1::ENVIRONMENT_DEMO, agency, system));
  };
  add("police", "police-scotland", "rms", "police");
  add("nhs", "nhs-tayside", "liaison", "nhs-liaison");
  add("socialwork", "dundee-city-council", "jsw", "supervising-officer");
  add("coordinator", "mappa-tayside", "coordinator", "coordinator");
  add("admin", "concordat-operator", "console", "operator");
  add("edge-health", "nhs-tayside", "pas", "adapter");
  add("edge-council", "dundee-city-council", "jsw-files", "adapter");
  add("service-alerts", "mappa-tayside", "alerts", "service");
  add("service-nhs", "nhs-tayside", "concordat-nhs", "service");
  const auto may = [&](const char* name, const char* source,
                       const char* types) {
    for (auto& principal : *registry.mutable_principals()) {
      if (principal.name() != name) continue;
      auto* grant = principal.add_publish();
      grant->set_source(source);
      grant->add_types(types);
    }
  };
  may("service-alerts", "urn:concordat:mappa-tayside:alerts",
      "concordat.alerts.v1.*");
  may("service-nhs", "urn:concordat:nhs-tayside:concordat-nhs",
      "concordat.nhs.v1.*");
  may("edge-health", "urn:concordat:nhs-tayside:pas", "concordat.nhs.v1.*");
  may("socialwork", "urn:concordat:dundee-city-council:jsw",
      "concordat.socialwork.v1.*");
  may("edge-council", "urn:concordat:dundee-city-council:jsw",
      "concordat.socialwork.v1.*");
  may("police", "urn:concordat:police-scotland:rms", "concordat.police.v1.*");
  const auto call = [&](const char* name, const char* display_name) {
    auto* agency = registry.add_agencies();
    agency->set_name(name);
    agency->set_display_name(display_name);
  };
  call("nhs-tayside", "NHS Tayside");
  call("dundee-city-council", "Dundee City Council");
  call("police-scotland", "Police Scotland");
  return PrincipalRegistry::Build(std::move(registry)).value();
}

inline v1::Identifier Id(const char* scheme, const char* value,
                         const char* authority = "") {
  v1::Identifier identifier;
  identifier.set_scheme(scheme);
  identifier.set_value(value);
  identifier.set_authority(authority);
  return identifier;
}

class IdentityFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    types_ = concordat::testing::DemoTypes().value();
    mappa_ = bus_.Connect("service-mappa");
    store_ = IdentityStore::Open(dir_.PathOf("identity.sqlite"),
                                 std::string(32, 's'), Own(), clock_, random_)
                 .value();
    Start();
  }
  void TearDown() override { Stop(); }

  static CommandContext Own() {
    CommandContext own;
    own.caller = {"mappa-tayside", "identity"};
    own.purpose = "MAPPA_RISK_MANAGEMENT";
    own.gateway = "G1";
    own.regime = bus::v1::REGIME_GDPR;
    return own;
  }

  void Start() {
    client_ = bus_.Connect("service-identity");
    outbox_ = std::make_unique<OutboxPublisher>(*store_, *client_, types_,
                                                kSource, log_);
    parties_ = std::make_unique<CaseParties>(*client_, types_, "mappa-tayside",
                                             steady_, log_);
    cohort_ = std::make_unique<CohortFeed>(*store_, *parties_, steady_, log_);
    service_ = std::make_unique<IdentityService>(*store_, *outbox_, *parties_,
                                                 *cohort_, clock_);
    people_ = std::make_unique<PeopleDesk>(*store_, *parties_, clock_, steady_);
    parties_->Start([this](const PersonKey& person) {
      if (person.empty()) {
        cohort_->Wake();
      } else {
        cohort_->PersonChanged(person);
      }
      MutexLock lock(mu_);
      moved_.NotifyAll();
    });
  }
  void Stop() {
    parties_->Stop();
    people_.reset();
    service_.reset();
    cohort_.reset();
    parties_.reset();
    outbox_.reset();
    client_.reset();
  }

  // Waits until the cases are read to the log's end.
  void CatchUp() {
    MutexLock lock(mu_);
    ASSERT_TRUE(moved_.WaitFor(mu_, kPatience, [&] {
      return parties_->current() && parties_->position() >= bus_.end();
    }));
  }

  Call As(const char* principal, absl::Duration deadline = absl::Seconds(5)) {
    Call call;
    call.registry = registry_;
    call.principal = registry_->FindByName(principal);
    call.purpose = call.principal->default_purpose();
    call.deadline = clock_.Now() + deadline;
    return call;
  }

  static v1::RegisterRequest Torquil(const std::string& request_id) {
    v1::RegisterRequest request;
    request.mutable_command()->set_request_id(request_id);
    request.set_family_name("Balnamoon");
    request.set_given_name("Torquil");
    request.set_birth_date("1979-03-03");
    *request.add_identifiers() = Id("chi", kChi);
    *request.add_identifiers() = Id("pnc", kPnc);
    *request.add_identifiers() = Id("council", "DCC-20017");
    return request;
  }
  std::string RegisterTorquil() {
    auto response = service_->Register(As("socialwork"), Torquil("r-2"));
    EXPECT_THAT(response, concordat::testing::IsOk());
    return response->subject();
  }
  // Restricted patient with a CHI that passes Modulus 10 only.
  std::string RegisterFearchar() {
    v1::RegisterRequest request;
    request.mutable_command()->set_request_id("r-4");
    request.set_family_name("Dunlappie");
    *request.add_identifiers() = Id("chi", kNewRuleChi);
    auto response = service_->Register(As("nhs"), request);
    EXPECT_THAT(response, concordat::testing::IsOk());
    EXPECT_THAT(response->unconfirmed_schemes(), ::testing::ElementsAre("chi"));
    return response->subject();
  }

  void PublishCase(const google::protobuf::Message& message,
                   const std::string& subject) {
    Header header;
    header.source = "urn:concordat:mappa-tayside:mappa";
    header.type = message.GetDescriptor()->full_name();
    header.id = "m-" + std::to_string(++events_);
    header.controller = "dundee-city-council";
    header.subject = PersonKey::Parse(subject).value();
    header.time_us = 1'762'135'200'000'000;
    auto event = MakeEvent(*types_, header, message, random_);
    ASSERT_THAT(event, concordat::testing::IsOk());
    auto outcome = PublishAndWait(*mappa_, {*event}, kPatience);
    ASSERT_THAT(outcome, concordat::testing::IsOk());
    ASSERT_TRUE(outcome->front().accepted);
    CatchUp();
  }
  void OpenCase(const std::string& subject,
                const std::vector<std::string>& parties) {
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-1");
    for (const std::string& party : parties) opened.add_parties(party);
    opened.set_lead(parties.front());
    PublishCase(opened, subject);
  }
  void Leave(const std::string& subject, const std::string& agency) {
    mappa::v1::PartyLeft left;
    left.set_case_ref("C-1");
    left.set_agency(agency);
    PublishCase(left, subject);
  }

  absl::Status Describe(const char* principal, const std::string& subject) {
    v1::DescribeRequest request;
    request.set_subject(subject);
    return people_->Describe(As(principal), request).status();
  }
  absl::StatusOr<std::string> Resolve(const char* principal,
                                      const v1::Identifier& identifier) {
    v1::ResolveRequest request;
    *request.add_identifiers() = identifier;
    auto response = service_->Resolve(As(principal), request);
    if (!response.ok()) return response.status();
    return response->subject();
  }
  absl::StatusOr<v1::ConfirmLinkResponse> Confirm(const char* principal,
                                                  const std::string& subject) {
    v1::ConfirmLinkRequest request;
    request.mutable_command()->set_request_id("c-1");
    request.set_subject(subject);
    *request.mutable_identifier() = Id("chi", kNewRuleChi);
    return service_->ConfirmLink(As(principal), request);
  }

  concordat::testing::TempDir dir_;
  concordat::testing::FakeClock clock_;
  FakeSteadyClock steady_;
  concordat::testing::SeededRandom random_;
  const Logger log_{"identity-test"};
  const std::shared_ptr<const PrincipalRegistry> registry_ = MakeRegistry();
  std::shared_ptr<const TypeRegistry> types_;
  concordat::testing::FakeBus bus_{clock_};
  std::unique_ptr<BusClient> mappa_;
  int events_ = 0;
  Mutex mu_;
  CondVar moved_;
  std::unique_ptr<IdentityStore> store_;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<OutboxPublisher> outbox_;
  std::unique_ptr<CaseParties> parties_;
  std::unique_ptr<CohortFeed> cohort_;
  std::unique_ptr<IdentityService> service_;
  std::unique_ptr<PeopleDesk> people_;
};

}  // namespace concordat::identity::testing

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_IDENTITY_RPC_IDENTITY_FIXTURE_H_

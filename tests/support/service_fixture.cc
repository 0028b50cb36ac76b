#include "tests/support/service_fixture.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/create_channel.h"
#include "services/common/base/check.h"
#include "services/common/rpc/tls.h"
#include "tests/support/demo_types.h"

namespace concordat::testing {

bus::v1::Registry FixtureRegistry() {
  bus::v1::Registry registry;
  CONCORDAT_CHECK(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        environment: ENVIRONMENT_DEMO
        principals {
          name: "police"
          agency: "police-scotland"
          system: "rms"
          role: "police"
          alert_roles: "police"
          display_name: "Offender management"
        }
        principals {
          name: "nhs"
          agency: "nhs-tayside"
          system: "liaison"
          role: "nhs-liaison"
          alert_roles: "nhs-liaison"
        }
        principals {
          name: "socialwork"
          agency: "dundee-city-council"
          system: "jsw"
          role: "supervising-officer"
          alert_roles: "supervising-officer"
        }
        principals {
          name: "coordinator"
          agency: "mappa-tayside"
          system: "coordinator"
          role: "coordinator"
          alert_roles: "coordinator"
          display_name: "M. Carnbee"
        }
        principals {
          name: "admin"
          agency: "concordat-operator"
          system: "console"
          role: "operator"
        }
        principals {
          name: "service-police"
          agency: "police-scotland"
          system: "concordat-police"
          role: "service"
          publish {
            source: "urn:concordat:police-scotland:concordat-police"
            types: "concordat.police.v1.*"
          }
        }
        principals {
          name: "service-nhs"
          agency: "nhs-tayside"
          system: "concordat-nhs"
          role: "service"
          publish {
            source: "urn:concordat:nhs-tayside:concordat-nhs"
            types: "concordat.nhs.v1.*"
          }
        }
        principals {
          name: "service-socialwork"
          agency: "dundee-city-council"
          system: "concordat-socialwork"
          role: "service"
          publish {
            source: "urn:concordat:dundee-city-council:concordat-socialwork"
            types: "concordat.socialwork.v1.*"
          }
        }
        principals {
          name: "service-mappa"
          agency: "mappa-tayside"
          system: "mappa"
          role: "service"
          publish {
            source: "urn:concordat:mappa-tayside:mappa"
            types: "concordat.mappa.v1.*"
            any_controller: true
          }
        }
      )pb",
      &registry));
  for (bus::v1::Principal& principal : *registry.mutable_principals()) {
    principal.set_certificate_uri(CertificateUri(
        registry.environment(), principal.agency(), principal.system()));
    principal.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    principal.set_default_gateway("G1");
    principal.set_default_regime(bus::v1::REGIME_GDPR);
  }
  return registry;
}

uint64_t Micros(absl::string_view rfc3339) {
  absl::Time time;
  std::string error;
  CONCORDAT_CHECK(absl::ParseTime(absl::RFC3339_full, rfc3339, &time, &error));
  return static_cast<uint64_t>(absl::ToUnixMicros(time));
}

ServiceFixture::ServiceFixture(const std::string& principal) {
  auto registry = PrincipalRegistry::Build(FixtureRegistry());
  CONCORDAT_CHECK(registry.ok());
  registry_ = *std::move(registry);
  self_ = registry_->FindByName(principal);
  CONCORDAT_CHECK(self_ != nullptr);
  auto types = DemoTypes();
  CONCORDAT_CHECK(types.ok());
  types_ = *std::move(types);
  auto access = OpenAccessLog(folder_.PathOf("access"));
  CONCORDAT_CHECK(access.ok());
  access_ = *std::move(access);
  client_ = bus_.Connect(principal);
  runner_ = std::make_unique<CommandRunner>(absl::StrCat("test/", principal),
                                            *self_, *client_, *types_, clock_,
                                            log_clock_, random_);
  ServerHostOptions options;
  options.program = "test";
  options.tls = ca_.Issue(self_->certificate_uri());
  host_ = std::make_unique<ServerHost>(
      std::move(options), [this] { return registry_; }, clock_, log_, metrics_,
      *access_);
}

ServiceFixture::~ServiceFixture() { host_->Stop(); }

void ServiceFixture::Start() {
  const auto port = host_->Start();
  ASSERT_TRUE(port.ok()) << port.status();
  address_ = absl::StrCat("127.0.0.1:", *port);
}

std::shared_ptr<grpc::Channel> ServiceFixture::ChannelOf(
    const std::string& principal) {
  const auto* caller = registry_->FindByName(principal);
  CONCORDAT_CHECK(caller != nullptr);
  return grpc::CreateChannel(
      address_, MakeChannelCredentials(ca_.Issue(caller->certificate_uri()),
                                       self_->certificate_uri()));
}

}  // namespace concordat::testing

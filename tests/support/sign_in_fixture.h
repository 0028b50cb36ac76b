#ifndef CONCORDAT_TESTS_SUPPORT_SIGN_IN_FIXTURE_H_
#define CONCORDAT_TESTS_SUPPORT_SIGN_IN_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/http/router.h"
#include "gateway/signin/sessions.h"
#include "gateway/signin/sign_in_record.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"

namespace concordat::testing {

// A record of who came, as lines.
class FakeAccessLog : public AccessLog {
 public:
  absl::Status Append(const AccessRecord& r) override {
    if (fails) return absl::UnavailableError("the disk is full");
    lines.push_back(absl::StrCat(r.method, " ", r.principal, " ", r.via, " ",
                                 r.staff, " ",
                                 absl::StatusCodeToString(r.outcome)));
    return absl::OkStatus();
  }
  bool fails = false;
  std::vector<std::string> lines;
};

// What every way of signing in stands on: principals, accounts, sessions and
// the record, with clocks of the test's own. The gateway speaks for
// "coordinator" and "police", not for "player".
class SignInTest : public ::testing::Test {
 protected:
  SignInTest() {
    google::protobuf::TextFormat::ParseFromString(
        R"(environment: ENVIRONMENT_DEMO
           principals { name: "gateway" agency: "concordat-operator"
                        system: "gateway" role: "gateway"
                        speaks_for: "coordinator" speaks_for: "police" }
           principals { name: "coordinator" agency: "mappa-tayside"
                        system: "coordinator" role: "coordinator"
                        default_purpose: "MAPPA_RISK_MANAGEMENT" }
           principals { name: "police" agency: "police-scotland" system: "rms"
                        role: "police" }
           principals { name: "player" agency: "concordat-operator"
                        system: "player" role: "player" }
           agencies { name: "mappa-tayside" display_name: "Tayside MAPPA" })",
        &registry_proto_);
    Publish();
  }
  // From now on principals and accounts are as their messages say.
  void Publish() {
    accounts_ = gateway::Accounts::Build(accounts_proto_).value();
    registry_ = PrincipalRegistry::Build(registry_proto_).value();
  }
  static std::vector<std::string> HeadersOf(const gateway::Response& response,
                                            const std::string& name) {
    std::vector<std::string> values;
    for (const auto& [key, value] : response.headers) {
      if (key == name) values.push_back(value);
    }
    return values;
  }
  // Empty: there is none.
  static std::string HeaderOf(const gateway::Response& response,
                              const std::string& name) {
    const auto values = HeadersOf(response, name);
    return values.empty() ? "" : values.front();
  }

  bus::v1::Registry registry_proto_;
  gateway::v1::Accounts accounts_proto_;
  std::shared_ptr<const gateway::Accounts> accounts_;
  std::shared_ptr<const PrincipalRegistry> registry_;
  FakeClock clock_;
  FakeSteadyClock steady_;
  SeededRandom random_;
  FakeAccessLog log_;
  const gateway::SignInRecord record_{log_, [this] { return registry_; },
                                      clock_};
  gateway::Sessions sessions_{gateway::SessionLimits(),
                              [this] { return accounts_; },
                              [this] { return registry_; },
                              clock_,
                              steady_,
                              random_};
  gateway::Router router_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_SIGN_IN_FIXTURE_H_

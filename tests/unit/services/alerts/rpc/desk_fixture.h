// A desk at work on that bus, and what its streams wrote.
#ifndef CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_DESK_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_DESK_FIXTURE_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/alerts/rpc/desk.h"
#include "tests/support/demo_engine.h"
#include "tests/unit/services/alerts/rpc/bus_fixture.h"
#include "tests/unit/services/alerts/rpc/busy_client.h"

namespace concordat::alerts {

inline const AlertCaller kPolice = {"police", "police-scotland", {"police"}};
inline const AlertCaller kSocialWork = {
    "socialwork", "dundee-city-council", {"lead-officer"}};

class DeskTest : public AlertsBusTest {
 protected:
  void SetUp() override {
    AlertsBusTest::SetUp();
    self_.set_name("service-alerts");
    self_.set_agency("mappa-tayside");
    self_.set_system("alerts");
    self_.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self_.set_default_gateway("G1");
    self_.set_default_regime(bus::v1::REGIME_GDPR);
    Open();
  }
  void TearDown() override { CloseDesk(); }

  void Open(std::function<bool()> more = [] { return false; }) {
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, testing::IsOk());
    auto engine = MakeEngine(*definitions);
    ASSERT_THAT(engine, testing::IsOk());
    client_ = std::make_unique<BusyClient>(bus_.Connect("service-alerts"),
                                           std::move(more));
    desk_ = std::make_unique<Desk>(*std::move(engine), *client_, types_, self_,
                                   bus::v1::ENVIRONMENT_DEMO, clock_, random_,
                                   log_);
    running_ =
        std::thread([this] { EXPECT_THAT(desk_->Run(), testing::IsOk()); });
  }
  void CloseDesk() {
    if (desk_ == nullptr) return;
    desk_->Stop();
    running_.join();
    bus_.WaitForAnswers(absl::Seconds(5));
    desk_.reset();
    client_.reset();
  }

  absl::Time Soon() const { return clock_.Now() + absl::Seconds(5); }
  v1::ListAlertsResponse ListAt(uint64_t position, const AlertCaller& caller) {
    v1::ListAlertsRequest request;
    request.set_min_position(position);
    const absl::Time end = clock_.Now() + absl::Seconds(20);
    auto response = desk_->List(caller, request, Soon());
    // It waits for a moment only, and a busy machine may take longer.
    while (absl::IsDeadlineExceeded(response.status()) && clock_.Now() < end) {
      response = desk_->List(caller, request, Soon());
    }
    EXPECT_THAT(response, testing::IsOk());
    return response.ok() ? *response : v1::ListAlertsResponse();
  }

  const Logger log_{"desk_test"};
  bus::v1::Principal self_;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<Desk> desk_;
  std::thread running_;
};

// What a stream wrote, from any thread.
class Written {
 public:
  std::function<bool(const v1::Alert&)> Writer() {
    return [this](const v1::Alert& alert) {
      MutexLock lock(mu_);
      alerts_.push_back(alert);
      changed_.NotifyAll();
      return true;
    };
  }
  bool Await(size_t count) {
    MutexLock lock(mu_);
    return changed_.WaitFor(mu_, absl::Seconds(5),
                            [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                              return alerts_.size() >= count;
                            });
  }
  std::vector<std::string> States() {
    MutexLock lock(mu_);
    std::vector<std::string> states;
    for (const v1::Alert& alert : alerts_) states.push_back(alert.state());
    return states;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<v1::Alert> alerts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_DESK_FIXTURE_H_

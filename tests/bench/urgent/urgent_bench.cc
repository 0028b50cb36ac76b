// How long an urgent fact takes to those who wait for it, beside what else a hub
// does at the time. On a bus and an alerts service that run: `run`, beside this,
// makes them.
//
//   urgent_bench --data DIR --events N --facts N --rate N
//       a table: p50, p99 and p99's ratio to that without anything else, of each
//       fact from where its publisher hands it over, to a co-ordinator's
//       subscription and to the co-ordinator's stream of alerts
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/start_up.h"
#include "services/common/rpc/channel.h"
#include "tests/support/bench_producer.h"

namespace concordat::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr uint64_t kPastPersons = 1000;
constexpr uint64_t kWarmUpFacts = 100;
constexpr uint64_t kStoryUs = 1'764'000'000'000'000;  // 24 Nov 2025.
constexpr char kCharge[] = "concordat.police.v1.ChargeRecorded";
constexpr std::array<const char*, 4> kBeside = {"nothing else", "an import",
                                                "another's catching up",
                                                "a replay of its own agency"};

// When each fact was handed over, and how long it took to each who waits.
class Watch {
 public:
  enum Who { kSubscriber, kAlerts };
  explicit Watch(const SteadyClock& clock) : clock_(clock) {}

  void Begin(const PersonKey& person) {
    MutexLock lock(mu_);
    began_[person.ToString()] = clock_.Elapsed();
  }
  void End(const std::string& person, Who who) {
    const absl::Duration now = clock_.Elapsed();
    MutexLock lock(mu_);
    const auto began = began_.find(person);
    if (began == began_.end()) return;
    took_[who].push_back(absl::ToDoubleMilliseconds(now - began->second));
    changed_.NotifyAll();
  }
  // Whether an alert has come, or comes in time.
  bool AwaitAlert(absl::Duration timeout) {
    MutexLock lock(mu_);
    return changed_.WaitFor(mu_, timeout,
                            [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                              return !took_[kAlerts].empty();
                            });
  }
  void Clear() {
    MutexLock lock(mu_);
    began_.clear();
    took_ = {};
  }
  // Waits until both have this many, and begins anew.
  std::array<std::vector<double>, 2> Take(size_t count) {
    MutexLock lock(mu_);
    const bool all = changed_.WaitFor(
        mu_, 2 * kPatience, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return took_[kSubscriber].size() >= count &&
                 took_[kAlerts].size() >= count;
        });
    if (!all) {
      Check(absl::UnavailableError(
          absl::StrCat("of ", count, " facts ", took_[kSubscriber].size(),
                       " came, and ", took_[kAlerts].size(), " alerts")));
    }
    began_.clear();
    return std::exchange(took_, {});
  }

 private:
  const SteadyClock& clock_;
  Mutex mu_;
  CondVar changed_;
  absl::flat_hash_map<std::string, absl::Duration> began_ ABSL_GUARDED_BY(mu_);
  std::array<std::vector<double>, 2> took_ ABSL_GUARDED_BY(mu_);
};

// Reads all that is in the log from its beginning, again and again until told.
class Past {
 public:
  Past(const DataDirectory& data, const char* principal)
      : client_(Value(ConnectBus(data, principal))),
        thread_([this] { Run(); }) {}
  ~Past() {
    stop_ = true;
    thread_.join();
  }
  uint64_t count() const { return count_; }

 private:
  void Run() {
    while (!stop_) {
      const auto subscription = Value(client_->Subscribe({}));
      uint64_t last = 0;
      do {
        const auto delivery = subscription->Next(absl::Milliseconds(100));
        if (!delivery.ok()) continue;
        subscription->Ack(delivery->number);
        last = delivery->view.sequence.value;
        ++count_;
      } while (!stop_ && (last == 0 || last < subscription->log_end().value));
    }
  }

  const std::unique_ptr<ZmqBusClient> client_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> count_ = 0;
  std::thread thread_;
};

class Bench {
 public:
  Bench(const DataDirectory& data, uint64_t events, uint64_t facts,
        uint64_t rate)
      : data_(data),
        registry_(Value(data.LoadRegistry())),
        types_(Value(TypeRegistry::Build(Value(data.LoadTypes()),
                                         Value(data.LoadCodeLists())))),
        events_(events),
        facts_(facts),
        rate_(rate) {}

  void Run() {
    Open();
    Follow();
    const std::vector<std::function<void()>> others = {
        [] {},
        [this] { Import(); },
        [this] { past_ = std::make_unique<Past>(data_, "socialwork"); },
        [this] { past_ = std::make_unique<Past>(data_, "coordinator"); },
    };
    auto police = ProducerOf("police");
    Warm(police);
    std::printf("%-28s %26s %26s %10s\n%-28s %8s %8s %8s %8s %8s %8s %10s\n",
                "ms, from publishing", "to a subscription", "to an alert shown",
                "beside it", "", "p50", "p99", "ratio", "p50", "p99", "ratio",
                "events/s");
    std::array<double, 2> alone = {};
    for (size_t i = 0; i < others.size(); ++i) {
      const absl::Duration began = clock_.Elapsed();
      std::thread other(others[i]);
      auto took = Measure(police, facts_);
      const double seconds = absl::ToDoubleSeconds(clock_.Elapsed() - began);
      stop_ = true;
      other.join();
      stop_ = false;
      const uint64_t beside = past_ ? past_->count() : imported_.exchange(0);
      past_.reset();
      std::printf("%-28s", kBeside[i]);
      for (size_t who = 0; who < took.size(); ++who) {
        const double p99 = Quantile(took[who], 0.99);
        if (i == 0) alone[who] = p99;
        std::printf(" %8.2f %8.2f %8.2f", Quantile(took[who], 0.5), p99,
                    p99 / alone[who]);
      }
      std::printf(" %10.0f\n", static_cast<double>(beside) / seconds);
      std::fflush(stdout);
    }
  }

 private:
  Producer ProducerOf(const char* principal) {
    return Producer(data_, *registry_, principal, *types_, random_);
  }

  // A case for each person that there will be facts about.
  void Open() {
    {
      hub::v1::TimePassed passed;
      passed.set_to(kStoryUs);
      ProducerOf("player").Publish({}, "hub/time", passed);
    }
    auto mappa = ProducerOf("service-mappa");
    mappa::v1::CaseOpened opened;
    opened.add_parties("dundee-city-council");
    opened.add_parties("police-scotland");
    opened.set_lead("dundee-city-council");
    const uint64_t persons = kPastPersons + kWarmUpFacts + 4 * facts_;
    for (uint64_t n = 0; n < persons; ++n) {
      opened.set_case_ref(absl::StrCat("case/", n));
      mappa.Publish(BenchPerson(n), absl::StrCat("case/", n), opened);
    }
  }

  void Follow() {
    reader_ = Value(ConnectBus(data_, "coordinator"));
    SubscribeOptions options;
    options.types = {kCharge};
    options.from_latest = true;
    subscription_ = Value(reader_->Subscribe(options));
    // Placed before the first fact.
    const absl::Duration until = clock_.Elapsed() + kPatience;
    while (!subscription_->connected()) {
      if (clock_.Elapsed() > until) {
        Check(absl::UnavailableError("the bus is not there"));
      }
      subscription_->Next(absl::Milliseconds(10)).status().IgnoreError();
    }
    std::thread([this] {
      for (;;) {
        const auto delivery = subscription_->Next(absl::Seconds(1));
        if (!delivery.ok()) continue;
        watch_.End(delivery->view.header.subject.ToString(),
                   Watch::kSubscriber);
        subscription_->Ack(delivery->number);
      }
    }).detach();
    Check(data_.WaitForAddress("concordat-alerts", "grpc", kPatience).status());
    const auto channel =
        Value(OpenChannel(data_, "concordat-alerts", "coordinator", kPatience));
    std::thread([this, channel] {
      CallOptions options;
      options.timeout = absl::InfiniteDuration();
      Check(GenericServerStream(
          channel, "concordat.alerts.v1.AlertsService/FollowAlerts", "",
          options, [this](const std::string& bytes) {
            alerts::v1::Alert alert;
            if (alert.ParseFromString(bytes)) {
              watch_.End(alert.subject(), Watch::kAlerts);
            }
            return true;
          }));
    }).detach();
  }

  // The first are slow, and the stream of alerts begins some time.
  void Warm(Producer& police) {
    for (uint64_t n = 0; n < kWarmUpFacts; ++n) {
      Charge(police);
      watch_.AwaitAlert(absl::Milliseconds(200));
    }
    if (!watch_.AwaitAlert(kPatience)) {
      Check(absl::UnavailableError("no alert comes of a fact"));
    }
    Pause(absl::Seconds(1));
    watch_.Clear();
  }

  void Charge(Producer& police) {
    police::v1::ChargeRecorded charge;
    charge.set_offence_group("GROUP_1");
    charge.set_disposal("HELD_FOR_COURT");
    const PersonKey person = BenchPerson(kPastPersons + charged_++);
    watch_.Begin(person);
    police.Publish(person, absl::StrCat("charge/", charged_), charge);
  }

  // Facts at their rate, and how long each took.
  std::array<std::vector<double>, 2> Measure(Producer& police, uint64_t facts) {
    const absl::Duration began = clock_.Elapsed();
    for (uint64_t n = 0; n < facts; ++n) {
      const absl::Duration early =
          began + absl::Seconds(1) * n / rate_ - clock_.Elapsed();
      if (early > absl::ZeroDuration()) {
        Pause(early);
      }
      Charge(police);
    }
    return watch_.Take(facts);
  }

  // What a records system says again of years gone by.
  void Import() {
    auto police = ProducerOf("police");
    police::v1::VisitRecorded visit;
    visit.set_mode("HOME");
    visit.set_seen(true);
    for (uint64_t n = 0; n < events_ || !stop_; ++n) {
      const uint64_t person = n % kPastPersons;
      police.Publish(BenchPerson(person), absl::StrCat("visits/", person),
                     visit);
      // Once the facts are over, the rest goes on uncounted.
      if (!stop_) ++imported_;
    }
  }

  const DataDirectory& data_;
  const SystemSteadyClock clock_;
  SystemRandom random_;
  const std::shared_ptr<const PrincipalRegistry> registry_;
  const std::shared_ptr<const TypeRegistry> types_;
  const uint64_t events_;
  const uint64_t facts_;
  const uint64_t rate_;
  uint64_t charged_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> imported_ = 0;
  Watch watch_{clock_};
  std::unique_ptr<ZmqBusClient> reader_;
  std::unique_ptr<Subscription> subscription_;
  std::unique_ptr<Past> past_;
};

int Main(int argc, char** argv) {
  StartUp start("urgent_bench", "Urgent facts beside bulk.");
  std::string events = "1000000", facts = "1000", rate = "100";
  start.flags().AddString("events", "Imported, and read again.", &events);
  start.flags().AddString("facts", "Urgent ones beside each.", &facts);
  start.flags().AddString("rate", "Urgent ones a second.", &rate);
  const DataDirectory data = start.Open(argc, argv);
  uint64_t numbers[3] = {};
  if (!absl::SimpleAtoi(events, &numbers[0]) ||
      !absl::SimpleAtoi(facts, &numbers[1]) ||
      !absl::SimpleAtoi(rate, &numbers[2]) || numbers[1] < 10 ||
      numbers[2] == 0) {
    start.Check(absl::InvalidArgumentError(
        "--events, --facts (10 at least) and --rate are numbers"));
  }
  Bench bench(data, numbers[0], numbers[1], numbers[2]);
  bench.Run();
  std::fflush(stdout);
  std::_Exit(0);  // Those that follow use it until the end.
}

}  // namespace
}  // namespace concordat::testing

int main(int argc, char** argv) { return concordat::testing::Main(argc, argv); }

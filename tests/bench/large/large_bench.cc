// A bus with a large log, of its own in a folder that is gone afterwards: how fast
// it opens, catches a subscriber up and rebuilds a read model, what it weighs, and
// many subscriptions at once.
//
//   build/release/bin/large_bench [--events 10000000] [--folder /tmp/large]
//
// An event has 512 bytes of data: 900 bytes of the log and 330 of a spine file, so
// that ten million take 13 GB.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/start_up.h"
#include "services/common/projection/projection.h"
#include "tests/support/bench_bus.h"
#include "tests/support/bench_producer.h"

namespace concordat::testing {
namespace {

constexpr uint64_t kPersons = 1000;
constexpr size_t kRoles = 50;  // With at most 64 names each.
constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kSample[] = "concordat.hub.v1.LoadSample";

std::string ReaderName(size_t n) { return absl::StrCat("reader-", n); }

// One that publishes, and a reader for each of so many agencies' roles.
std::string Registry() {
  std::string registry =
      "environment: ENVIRONMENT_DEMO\n"
      "principals { name: \"publisher\" agency: \"load\" system: \"publisher\" "
      "role: \"load\" default_purpose: \"ORDER_SUPERVISION\" "
      "default_gateway: \"G1\" default_regime: REGIME_GDPR publish { "
      "source: \"urn:concordat:load:publisher\" "
      "types: \"concordat.hub.v1.LoadSample\" } }\n";
  for (size_t n = 0; n < kRoles; ++n) {
    absl::StrAppend(&registry, "principals { name: \"", ReaderName(n),
                    "\" agency: \"load\" system: \"", ReaderName(n),
                    "\" role: \"", ReaderName(n),
                    "\" default_purpose: \"ORDER_SUPERVISION\" }\n");
  }
  return registry;
}

// Each of those roles sees all that is published.
std::string Agreement() {
  std::string agreement =
      "name: \"load\" version: 1 parties: \"load\" arrangement: \"load\"\n"
      "valid_from: \"2025-01-01\" valid_to: \"2099-12-31\" gateways: \"G1\"\n"
      "purposes: \"ORDER_SUPERVISION\"\n"
      "see { to: \"each\" types: \"concordat.hub.v1.LoadSample\" "
      "audience: AUDIENCE_OWN";
  for (size_t n = 0; n < kRoles; ++n) {
    absl::StrAppend(&agreement, " roles: \"", ReaderName(n), "\"");
  }
  return agreement + " }\n";
}

// A row a person, with how many events there were and the newest.
class CountModel : public ReadModel {
 public:
  int version() const override { return 1; }
  std::string schema() const override {
    return "CREATE TABLE IF NOT EXISTS counts(person TEXT PRIMARY KEY, "
           "count INTEGER NOT NULL, newest INTEGER NOT NULL) WITHOUT ROWID;";
  }
  absl::Status Apply(const View& view, Database& database) override {
    return database.Run(
        "INSERT INTO counts VALUES(?1, 1, ?2) ON CONFLICT(person) DO UPDATE "
        "SET count = count + 1, newest = ?2",
        {view.header.subject.ToString(), view.sequence.value});
  }
};

class Bench {
 public:
  explicit Bench(const std::string& folder)
      : bus_(folder, Registry(), Agreement()),
        folder_(folder),
        registry_(Value(bus_.data().LoadRegistry())),
        types_(Value(TypeRegistry::Build(Value(bus_.data().LoadTypes()),
                                         Value(bus_.data().LoadCodeLists())))) {
    bus_.Start();
  }

  // Figures of a log of this size.
  void Measure(uint64_t events) {
    Fill(events);
    bus_.Stop();
    const absl::Duration opened = bus_.Start();
    const double open_mb = bus_.ResidentMb();
    const double caught_up = CatchUp(events);
    std::printf("%-34s %12llu events\n", "log",
                static_cast<unsigned long long>(events));
    std::printf("%-34s %12.2f s\n", "opened", absl::ToDoubleSeconds(opened));
    std::printf("%-34s %12.0f events/s\n", "a subscriber caught up", caught_up);
    std::printf("%-34s %12.0f events/s\n", "a read model built anew",
                Rebuild(std::min<uint64_t>(events, 1'000'000)));
    std::printf("%-34s %12.0f MB, %.0f at most since\n", "resident once open",
                open_mb, bus_.ResidentMaxMb());
    std::fflush(stdout);
  }

  // So many durable names, of which `connections` are connected, and events at a
  // rate: publishing to taking, at each of those connected.
  void Hold(size_t names, size_t connections, uint64_t rate, uint64_t events) {
    struct Reader {
      std::unique_ptr<ZmqBusClient> client;
      std::vector<std::unique_ptr<Subscription>> subscriptions;
    };
    std::vector<Reader> readers(kRoles);
    const size_t names_each = names / kRoles;
    const size_t kept_each = connections / kRoles;
    for (size_t n = 0; n < kRoles; ++n) {
      readers[n].client = Value(ConnectBus(bus_.data(), ReaderName(n)));
      // Some at a time: those that are not kept are there and away.
      while (readers[n].subscriptions.size() < names_each) {
        SubscribeOptions options;
        options.name = absl::StrCat("name-", readers[n].subscriptions.size());
        options.types = {kSample};
        options.from_latest = true;
        readers[n].subscriptions.push_back(
            Value(readers[n].client->Subscribe(std::move(options))));
      }
      for (const auto& subscription : readers[n].subscriptions) {
        const absl::Duration until = clock_.Elapsed() + kPatience;
        while (!subscription->connected()) {
          if (clock_.Elapsed() > until) {
            Check(absl::UnavailableError("a subscription does not connect"));
          }
          subscription->Next(absl::Milliseconds(1)).status().IgnoreError();
        }
      }
      readers[n].subscriptions.resize(kept_each);
    }
    std::vector<absl::Duration> sent(events + 1);
    // A thread that waits for each: one that asks them in turn would take the
    // processors from the bus.
    std::vector<std::vector<double>> took(kept_each * kRoles);
    std::vector<std::thread> threads;
    for (size_t n = 0; n < took.size(); ++n) {
      threads.emplace_back([&, n] {
        Take(*readers[n % kRoles].subscriptions[n / kRoles], sent, took[n]);
      });
    }
    hub::v1::LoadSample sample;
    sample.set_filler(std::string(500, 'x'));
    Producer producer(bus_.data(), *registry_, "publisher", *types_, random_);
    const absl::Duration began = clock_.Elapsed();
    for (uint64_t n = 1; n <= events; ++n) {
      const absl::Duration early =
          began + absl::Seconds(1) * n / rate - clock_.Elapsed();
      if (early > absl::ZeroDuration()) {
        Pause(early);
      }
      sample.set_number(n);
      sent[n] = clock_.Elapsed();
      producer.Publish(BenchPerson(n % kPersons), "held", sample);
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<double> all;
    for (const auto& each : took)
      all.insert(all.end(), each.begin(), each.end());
    std::printf("%zu names, %zu of them connected, %llu events/s to each:\n",
                names_each * kRoles, kept_each * kRoles,
                static_cast<unsigned long long>(rate));
    std::printf("%-34s %12.2f ms p50, %.2f ms p99, %.0f views/s\n",
                "publishing to taking", Quantile(all, 0.5), Quantile(all, 0.99),
                static_cast<double>(rate * kept_each * kRoles));
    std::printf("%-34s %12.0f MB\n", "resident", bus_.ResidentMb());
  }

 private:
  void Fill(uint64_t events) {
    hub::v1::LoadSample sample;
    sample.set_filler(std::string(500, 'x'));
    Producer producer(bus_.data(), *registry_, "publisher", *types_, random_);
    for (; filled_ < events; ++filled_) {
      sample.set_number(filled_ + 1);
      const uint64_t person = filled_ % kPersons;
      producer.Publish(BenchPerson(person), absl::StrCat("past/", person),
                       sample);
    }
  }

  double CatchUp(uint64_t events) {
    const auto client = Value(ConnectBus(bus_.data(), ReaderName(0)));
    const absl::Duration began = clock_.Elapsed();
    SubscribeOptions options;
    options.types = {kSample};
    const auto subscription = Value(client->Subscribe(options));
    for (uint64_t n = 0; n < events; ++n) {
      subscription->Ack(Value(subscription->Next(kPatience)).number);
    }
    return static_cast<double>(events) /
           absl::ToDoubleSeconds(clock_.Elapsed() - began);
  }

  double Rebuild(uint64_t events) {
    const auto client = Value(ConnectBus(bus_.data(), ReaderName(0)));
    CountModel model;
    const std::string folder = folder_ + "/model";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const absl::Duration began = clock_.Elapsed();
    const auto projection = Value(Projection::Open(
        {.folder = folder, .name = "counts", .types = {kSample}}, model,
        *client));
    while (projection->judged_through().value < events) {
      Check(projection->Step(kPatience).status());
    }
    return static_cast<double>(events) /
           absl::ToDoubleSeconds(clock_.Elapsed() - began);
  }

  void Take(Subscription& subscription, const std::vector<absl::Duration>& sent,
            std::vector<double>& took) {
    for (size_t n = 1; n < sent.size(); ++n) {
      const Delivery delivery = Value(subscription.Next(kPatience));
      took.push_back(absl::ToDoubleMilliseconds(clock_.Elapsed() - sent[n]));
      subscription.Ack(delivery.number);
    }
  }

  BenchBus bus_;
  const std::string folder_;
  const SystemSteadyClock clock_;
  SystemRandom random_;
  const std::shared_ptr<const PrincipalRegistry> registry_;
  const std::shared_ptr<const TypeRegistry> types_;
  uint64_t filled_ = 0;
};

int Main(int argc, char** argv) {
  Flags flags;
  std::string events = "10000000";
  std::string folder =
      (std::filesystem::temp_directory_path() / "concordat-large").string();
  flags.AddString("events", "Of the log; 10000000.", &events);
  flags.AddString("folder", "Made, and gone afterwards.", &folder);
  std::string rate = "20";
  flags.AddString("rate", "Events a second to each of 500 connections; 20.",
                  &rate);
  Check(flags.Parse({argv + 1, argv + argc}));
  uint64_t count = 0;
  uint64_t per_s = 0;
  if (!absl::SimpleAtoi(events, &count) || count < 10 ||
      !absl::SimpleAtoi(rate, &per_s) || per_s == 0) {
    Check(absl::InvalidArgumentError(
        "--events, 10 at least, and --rate are numbers"));
  }
  Bench bench(folder);
  bench.Measure(count / 10);
  bench.Measure(count);
  bench.Hold(/*names=*/2000, /*connections=*/500, per_s, 10 * per_s);
  return 0;
}

}  // namespace
}  // namespace concordat::testing

int main(int argc, char** argv) { return concordat::testing::Main(argc, argv); }

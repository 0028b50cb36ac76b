#include "gateway/cli/bench_load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/event/codec.h"
#include "services/common/event/make_event.h"

namespace concordat::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kFillerBytes = 500;  // With its number, 512.
constexpr uint64_t kPersons = 1000;
constexpr absl::Duration kPatience = absl::Seconds(10);

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Hands out the events of one job, numbered from 1.
class Samples {
 public:
  Samples(const TypeRegistry& types, Random& random, std::string name,
          uint64_t start_us)
      : types_(types),
        random_(random),
        ids_(random),
        name_(std::move(name)),
        start_us_(start_us) {
    message_.set_filler(std::string(kFillerBytes, 'x'));
  }

  absl::StatusOr<Event> Make(uint64_t number) {
    Header header;
    header.source = "urn:concordat:load:publisher";
    header.controller = "load";
    header.purpose = "ORDER_SUPERVISION";
    header.gateway = "G1";
    header.regime = bus::v1::REGIME_GDPR;
    header.time_us = start_us_ + number;
    header.id = ids_.Next(header.time_us);
    std::array<uint8_t, PersonKey::kBytes> person = {};
    const uint64_t n = number % kPersons;
    std::copy_n(reinterpret_cast<const uint8_t*>(&n), sizeof n, person.begin());
    header.subject = PersonKey(person);
    header.stream = absl::StrCat(name_, "/", n);
    message_.set_number(number);
    return MakeEvent(types_, std::move(header), message_, random_);
  }

 private:
  const TypeRegistry& types_;
  Random& random_;
  UuidV7 ids_;
  const std::string name_;
  const uint64_t start_us_;
  hub::v1::LoadSample message_;
};

// Counts what is in flight and lets the publisher wait for room.
class Window {
 public:
  explicit Window(size_t size) : size_(size) {}
  bool Enter() {
    MutexLock lock(mu_);
    const auto room = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return in_flight_ < size_;
    };
    if (!cv_.WaitFor(mu_, kPatience, room)) return false;
    ++in_flight_;
    return true;
  }
  void Leave() {
    MutexLock lock(mu_);
    // When there is room for a batch: waking the publisher for each receipt
    // would cost more than the receipt.
    --in_flight_;
    if (size_ - in_flight_ >= std::min(kBatchEventsMax, size_ / 2)) {
      cv_.NotifyAll();
    }
  }
  bool Drained() {
    MutexLock lock(mu_);
    const auto empty = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return in_flight_ == 0;
    };
    return cv_.WaitFor(mu_, kPatience, empty);
  }

 private:
  const size_t size_;
  Mutex mu_;
  CondVar cv_;
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
};

absl::Status Receive(Subscription& subscription, const LoadJob& job,
                     std::vector<SteadyClock::time_point>& sent,
                     std::vector<double>& latencies_s) {
  hub::v1::LoadSample sample;
  for (uint64_t expected = 1; expected <= job.events; ++expected) {
    const absl::StatusOr<Delivery> delivery = subscription.Next(kPatience);
    if (!delivery.ok()) {
      return absl::UnavailableError(absl::StrCat(
          "waiting for event ", expected, ": ", delivery.status().message()));
    }
    sample.Clear();
    bool is_whole = true;
    for (const View::Group& group : delivery->view.groups) {
      is_whole = is_whole && sample.MergeFromString(group.data);
    }
    if (!is_whole || sample.number() != expected) {
      return absl::DataLossError(absl::StrCat(
          "event ", expected, " expected, event ", sample.number(), " came"));
    }
    subscription.Ack(delivery->number);
    latencies_s.push_back(SecondsSince(sent[expected]));
  }
  return absl::OkStatus();
}

}  // namespace

double Quantile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  const auto at =
      values.begin() +
      static_cast<ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

absl::StatusOr<LoadResult> RunLoad(BusClient& publisher, BusClient& reader,
                                   std::shared_ptr<const TypeRegistry> types,
                                   Random& random, const LoadJob& job) {
  SubscribeOptions options;
  options.name = job.name;
  options.from_latest = true;
  options.types = {"concordat.hub.v1.LoadSample"};
  auto subscription = reader.Subscribe(options);
  if (!subscription.ok()) return subscription.status();
  // Connected and placed before the first event.
  const auto nothing = (*subscription)->Next(absl::Milliseconds(500));
  if (!absl::IsDeadlineExceeded(nothing.status())) {
    return nothing.ok() ? absl::DataLossError("an event from before the start")
                        : nothing.status();
  }

  Samples samples(*types, random, job.name, job.start_us);
  Window window(job.in_flight);
  std::atomic<uint64_t> refused{0};
  // Written before the event is published, read after it has come back.
  std::vector<SteadyClock::time_point> sent(job.events + 1);
  std::vector<double> latencies_s;
  latencies_s.reserve(job.events);
  absl::Status received;
  double delivered_s = 0;
  const SteadyClock::time_point start = SteadyClock::now();
  std::thread receive([&] {
    received = Receive(**subscription, job, sent, latencies_s);
    delivered_s = SecondsSince(start);
  });
  absl::Status published;
  for (uint64_t number = 1; number <= job.events && published.ok(); ++number) {
    if (job.rate > 0) {
      std::this_thread::sleep_until(
          start + std::chrono::duration_cast<SteadyClock::duration>(
                      std::chrono::duration<double>(
                          static_cast<double>(number) / job.rate)));
    }
    if (!window.Enter()) {
      published = absl::UnavailableError("no receipt for ten seconds");
      break;
    }
    absl::StatusOr<Event> event = samples.Make(number);
    if (!event.ok()) {
      published = event.status();
      break;
    }
    sent[number] = SteadyClock::now();
    std::vector<Event> set;
    set.push_back(*std::move(event));
    published = publisher.Publish(std::move(set),
                                  [&](std::vector<PublishOutcome> outcomes) {
                                    if (!outcomes[0].accepted)
                                      refused.fetch_add(1);
                                    window.Leave();
                                  });
  }
  const bool drained = window.Drained();
  const double acked_s = SecondsSince(start);
  receive.join();
  if (!published.ok()) return published;
  if (!drained) return absl::UnavailableError("receipts are missing");
  if (!received.ok()) return received;
  if (refused > 0) {
    return absl::DataLossError(absl::StrCat(refused.load(), " were refused"));
  }
  latencies_s.erase(
      latencies_s.begin(),
      latencies_s.begin() + static_cast<ptrdiff_t>(job.events / 10));
  LoadResult result;
  result.acked_per_s = static_cast<double>(job.events) / acked_s;
  result.delivered_per_s = static_cast<double>(job.events) / delivered_s;
  result.p50_ms = 1e3 * Quantile(latencies_s, 0.50);
  result.p99_ms = 1e3 * Quantile(latencies_s, 0.99);
  return result;
}

absl::StatusOr<size_t> EventBytes(const TypeRegistry& types, Random& random) {
  Samples samples(types, random, "size", 1);
  BatchEncoder batch;
  for (uint64_t n = 1; n <= kBatchEventsMax; ++n) {
    const absl::StatusOr<Event> event = samples.Make(n);
    if (!event.ok()) return event.status();
    batch.Add(AsView(*event));
  }
  return batch.bytes() / kBatchEventsMax;
}

}  // namespace concordat::cli

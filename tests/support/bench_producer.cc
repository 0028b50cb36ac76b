#include "tests/support/bench_producer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "services/common/base/system_clock.h"

namespace concordat::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
// Of the 1,024 that a client may have.
constexpr size_t kInFlight = 1000;

}  // namespace

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::_Exit(1);
}

double Quantile(std::vector<double>& values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q *
                                    static_cast<double>(values.size() - 1))];
}

void Pause(absl::Duration duration) {
  Mutex mu;
  CondVar never;
  MutexLock lock(mu);
  never.WaitFor(mu, duration, [] { return false; });
}

PersonKey BenchPerson(uint64_t n) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  for (size_t i = 0; i < sizeof n; ++i) {
    bytes[i] = static_cast<uint8_t>(n >> (8 * i));
  }
  bytes.back() = 1;
  return PersonKey(bytes);
}

Producer::Producer(const DataDirectory& data, const PrincipalRegistry& registry,
                   const std::string& principal, const TypeRegistry& types,
                   Random& random)
    : self_(*registry.FindByName(principal)),
      types_(types),
      random_(random),
      ids_(random),
      time_us_(static_cast<uint64_t>(absl::ToUnixMicros(SystemClock().Now()))),
      client_(Value(ConnectBus(data, principal))) {}

Producer::~Producer() {
  MutexLock lock(mu_);
  const bool all = answered_.WaitFor(
      mu_, kPatience,
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return in_flight_ == 0; });
  if (!all) Check(absl::UnavailableError("receipts are missing"));
}

void Producer::Publish(const PersonKey& person, const std::string& stream,
                       const google::protobuf::MessageLite& message) {
  Header header;
  header.source = self_.publish(0).source();
  header.controller = self_.agency();
  header.purpose = self_.default_purpose();
  header.gateway = self_.default_gateway();
  header.regime = self_.default_regime();
  header.time_us = ++time_us_;
  header.id = ids_.Next(time_us_);
  header.subject = person;
  header.stream = stream;
  std::vector<Event> set;
  set.push_back(Value(MakeEvent(types_, std::move(header), message, random_)));
  {
    MutexLock lock(mu_);
    const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return in_flight_ < kInFlight;
    };
    if (!answered_.WaitFor(mu_, kPatience, room)) {
      Check(absl::UnavailableError("no receipt for a minute"));
    }
    ++in_flight_;
  }
  Check(client_->Publish(
      std::move(set), [this](std::vector<PublishOutcome> outcomes) {
        if (!outcomes[0].accepted) {
          Check(absl::DataLossError(absl::StrCat(
              RefusalWord(outcomes[0].refusal), ": ", outcomes[0].detail)));
        }
        MutexLock lock(mu_);
        --in_flight_;
        // When there is room for a batch: waking for each costs more than it.
        if (kInFlight - in_flight_ >= kBatchEventsMax || in_flight_ == 0) {
          answered_.NotifyAll();
        }
      }));
}

}  // namespace concordat::testing

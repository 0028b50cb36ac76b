#include "gateway/cli/bench_story.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/cli/bench_load.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"
#include "services/common/event/type_table.h"

namespace concordat::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kQuiet = absl::Seconds(2);
constexpr size_t kInFlight = 1024;
constexpr char kReader[] = "service-alerts";  // It may see everything.
constexpr char kTime[] = "concordat.hub.v1.TimePassed";
constexpr char kRaised[] = "concordat.alerts.v1.AlertRaised";
constexpr char kEngagement[] = "concordat.nhs.v1.EngagementReported";
constexpr std::array<const char*, 4> kProfiles = {"coordinator", "police",
                                                  "nhs", "socialwork"};

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

bool IsDomain(absl::string_view type) {
  for (const char* package :
       {"court", "prison", "police", "nhs", "socialwork", "mappa"}) {
    if (absl::StartsWith(type, absl::StrCat("concordat.", package, ".v1."))) {
      return true;
    }
  }
  return false;
}

// Everything that this principal sees of a log up to its end.
absl::StatusOr<std::vector<View>> ReadAll(const DataDirectory& data,
                                          absl::string_view principal) {
  auto bus = ConnectBus(data, principal);
  if (!bus.ok()) return bus.status();
  auto subscription = (*bus)->Subscribe({});
  if (!subscription.ok()) return subscription.status();
  std::vector<View> views;
  while (true) {
    auto delivery = (*subscription)->Next(kQuiet);
    if (absl::IsDeadlineExceeded(delivery.status()) &&
        (*subscription)->connected() &&
        (*subscription)->scanned_through() >= (*subscription)->log_end()) {
      return views;
    }
    if (!delivery.ok()) return delivery.status();
    (*subscription)->Ack(delivery->number);
    views.push_back(std::move(delivery->view));
  }
}

// Takes what one profile gets until there are `expected` domain events of it.
class Reader {
 public:
  Reader(const DataDirectory& data, const char* profile, uint64_t expected)
      : profile_(profile), expected_(expected) {
    auto bus = ConnectBus(data, profile);
    status_ = bus.status();
    if (!bus.ok()) return;
    bus_ = *std::move(bus);
    auto subscription = bus_->Subscribe({});
    status_ = subscription.status();
    if (subscription.ok()) subscription_ = *std::move(subscription);
  }
  void Start(SteadyClock::time_point start) {
    if (!status_.ok()) return;
    thread_ = std::thread([this, start] { Run(start); });
  }
  absl::Status Finish() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  uint64_t count() const { return count_; }
  double seconds() const { return seconds_; }

 private:
  void Run(SteadyClock::time_point start) {
    while (count_ < expected_) {
      const auto delivery = subscription_->Next(kPatience);
      if (!delivery.ok()) {
        status_ = absl::DataLossError(
            absl::StrCat(profile_, " got ", count_, " of ", expected_, ": ",
                         delivery.status().message()));
        return;
      }
      subscription_->Ack(delivery->number);
      if (IsDomain(delivery->view.header.type)) ++count_;
    }
    seconds_ = SecondsSince(start);
  }

  const char* const profile_;
  const uint64_t expected_;
  absl::Status status_;
  std::unique_ptr<ZmqBusClient> bus_;
  std::unique_ptr<Subscription> subscription_;
  uint64_t count_ = 0;
  double seconds_ = 0;
  std::thread thread_;
};

// When what could raise an alert of a person was accepted, for this process.
class Accepted {
 public:
  void OfPerson(const PersonKey& person) {
    MutexLock lock(mu_);
    at_[person] = SteadyClock::now();
  }
  // A moment or a feed: it concerns everybody.
  void OfAll() {
    MutexLock lock(mu_);
    all_ = SteadyClock::now();
  }
  struct Cause {
    SteadyClock::time_point at;
    bool is_moment = false;
  };
  Cause Last(const PersonKey& person) {
    MutexLock lock(mu_);
    const SteadyClock::time_point of_person = at_[person];
    return {std::max(all_, of_person), all_ > of_person};
  }

 private:
  Mutex mu_;
  absl::flat_hash_map<PersonKey, SteadyClock::time_point> at_
      ABSL_GUARDED_BY(mu_);
  SteadyClock::time_point all_ ABSL_GUARDED_BY(mu_);
};

// Publishes as whoever has the right, with a bound on what has no receipt.
class Producers {
 public:
  Producers(const DataDirectory& data,
            std::shared_ptr<const PrincipalRegistry> registry,
            Accepted& accepted)
      : data_(data), registry_(std::move(registry)), accepted_(accepted) {}
  ~Producers() { (void)Drain(); }

  absl::Status Publish(Event event) {
    const auto client = ClientFor(event.header);
    if (!client.ok()) return client.status();
    {
      MutexLock lock(mu_);
      const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return in_flight_ < kInFlight;
      };
      if (!changed_.WaitFor(mu_, kPatience, room)) {
        return absl::UnavailableError("no receipt for a minute");
      }
      ++in_flight_;
    }
    const PersonKey person = event.header.subject;
    std::vector<Event> set;
    set.push_back(std::move(event));
    return (*client)->Publish(
        std::move(set), [this, person](std::vector<PublishOutcome> outcomes) {
          if (person.empty()) {
            accepted_.OfAll();
          } else {
            accepted_.OfPerson(person);
          }
          MutexLock lock(mu_);
          if (!outcomes[0].accepted) refused_ = outcomes[0].detail;
          ++count_;
          if (--in_flight_ <= kInFlight / 2) changed_.NotifyAll();
        });
  }

  absl::Status Drain() {
    MutexLock lock(mu_);
    const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return in_flight_ == 0;
    };
    if (!changed_.WaitFor(mu_, kPatience, empty)) {
      return absl::UnavailableError("receipts are missing");
    }
    if (refused_.empty()) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat("an event was refused: ", refused_));
  }
  uint64_t count() {
    MutexLock lock(mu_);
    return count_;
  }

 private:
  absl::StatusOr<ZmqBusClient*> ClientFor(const Header& header) {
    for (const auto& principal : registry_->proto().principals()) {
      if (FindPublishGrant(principal, header.source, header.type) == nullptr) {
        continue;
      }
      auto found = clients_.find(principal.name());
      if (found == clients_.end()) {
        auto client = ConnectBus(data_, principal.name());
        if (!client.ok()) return client.status();
        found = clients_.emplace(principal.name(), *std::move(client)).first;
      }
      return found->second.get();
    }
    return absl::PermissionDeniedError(
        absl::StrCat("nobody may publish ", header.type));
  }

  const DataDirectory& data_;
  const std::shared_ptr<const PrincipalRegistry> registry_;
  Accepted& accepted_;
  std::map<std::string, std::unique_ptr<ZmqBusClient>> clients_;
  Mutex mu_;
  CondVar changed_;
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t count_ ABSL_GUARDED_BY(mu_) = 0;
  std::string refused_ ABSL_GUARDED_BY(mu_);
};

// Holds to a number of events a second from its making.
class Pace {
 public:
  explicit Pace(double rate) : rate_(rate) {}
  void Next() {
    if (rate_ <= 0) return;
    std::this_thread::sleep_until(
        start_ + std::chrono::duration_cast<SteadyClock::duration>(
                     std::chrono::duration<double>(
                         static_cast<double>(count_++) / rate_)));
  }

 private:
  const double rate_;
  const SteadyClock::time_point start_ = SteadyClock::now();
  uint64_t count_ = 0;
};

// A fact again, about the n-th other person and that person's own records.
class Copies {
 public:
  Copies(const google::protobuf::FileDescriptorSet& schemas,
         const TypeRegistry& types, Random& random)
      : types_(types), random_(random) {
    for (const auto& file : schemas.file()) pool_.BuildFile(file);
  }

  absl::StatusOr<Event> Make(const View& fact, size_t n) {
    Header header = fact.header;
    header.id = absl::StrCat(fact.header.id, "-", n);
    header.expected_version.reset();
    header.correlation.clear();
    header.causation.clear();
    std::string data = fact.Data();
    if (!header.subject.empty()) {
      header.subject = OtherPerson(fact.header.subject, n);
      if (!header.stream.empty()) absl::StrAppend(&header.stream, "-", n);
      auto changed = WithOwnReferences(header.type, data, n);
      if (!changed.ok()) return changed.status();
      data = *std::move(changed);
    }
    return MakeEvent(types_, std::move(header), data, DrawSeed(random_));
  }

 private:
  static PersonKey OtherPerson(const PersonKey& person, size_t n) {
    std::array<uint8_t, PersonKey::kBytes> bytes = {};
    std::copy(person.bytes().begin(), person.bytes().end(), bytes.begin());
    for (size_t i = 0; i < sizeof n; ++i) {
      bytes[i] ^= static_cast<uint8_t>((n + 1) >> (8 * i));
    }
    return PersonKey(bytes);
  }

  absl::StatusOr<std::string> WithOwnReferences(const std::string& type,
                                                const std::string& data,
                                                size_t n) {
    const auto* const descriptor = pool_.FindMessageTypeByName(type);
    if (descriptor == nullptr) return absl::NotFoundError(type);
    const std::unique_ptr<google::protobuf::Message> message(
        factory_.GetPrototype(descriptor)->New());
    if (!message->ParseFromString(data)) {
      return absl::DataLossError(absl::StrCat(type, ": cannot be read"));
    }
    const auto* reflection = message->GetReflection();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const auto* field = descriptor->field(i);
      if (field->type() != google::protobuf::FieldDescriptor::TYPE_STRING ||
          field->is_repeated() || !absl::EndsWith(field->name(), "_ref") ||
          !reflection->HasField(*message, field)) {
        continue;
      }
      reflection->SetString(
          message.get(), field,
          absl::StrCat(reflection->GetString(*message, field), "-", n));
    }
    return message->SerializeAsString();
  }

  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  const TypeRegistry& types_;
  Random& random_;
};

// How long alerts took, by what raised them.
struct Took {
  std::vector<double> fact_s;
  std::vector<double> moment_s;
  size_t count() const { return fact_s.size() + moment_s.size(); }
};

// Waits for `expected` alerts and how long each took.
absl::Status AwaitAlerts(Subscription& subscription, uint64_t expected,
                         Accepted& accepted, Took& took) {
  while (took.count() < expected) {
    const auto delivery = subscription.Next(kPatience);
    if (!delivery.ok()) {
      return absl::DataLossError(
          absl::StrCat(took.count(), " of ", expected,
                       " alerts were raised: ", delivery.status().message()));
    }
    subscription.Ack(delivery->number);
    const Header& header = delivery->view.header;
    if (header.subject.empty()) continue;
    const Accepted::Cause cause = accepted.Last(header.subject);
    (cause.is_moment ? took.moment_s : took.fact_s)
        .push_back(SecondsSince(cause.at));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoryLoad> ReplayStory(const DataDirectory& played,
                                      const DataDirectory& empty,
                                      size_t persons, double rate) {
  const auto log = ReadAll(played, kReader);
  if (!log.ok()) return log.status();
  std::vector<const View*> facts;
  uint64_t alerts_each = 0;
  for (const View& view : *log) {
    const std::string& type = view.header.type;
    if (type == kRaised && !view.header.subject.empty()) ++alerts_each;
    // The services of the other hub make its own.
    if (type == kTime || (IsDomain(type) && type != kEngagement) ||
        absl::EndsWith(type, ".FeedReceived")) {
      facts.push_back(&view);
    }
  }
  std::vector<std::unique_ptr<Reader>> readers;
  for (const char* profile : kProfiles) {
    const auto seen = ReadAll(played, profile);
    if (!seen.ok()) return seen.status();
    const auto each = static_cast<uint64_t>(std::count_if(
        seen->begin(), seen->end(),
        [](const View& view) { return IsDomain(view.header.type); }));
    readers.push_back(std::make_unique<Reader>(empty, profile, each * persons));
  }

  const auto registry = empty.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const auto descriptors = empty.LoadTypes();
  if (!descriptors.ok()) return descriptors.status();
  const auto codes = empty.LoadCodeLists();
  if (!codes.ok()) return codes.status();
  const auto types = TypeRegistry::Build(*descriptors, *codes);
  if (!types.ok()) return types.status();
  google::protobuf::FileDescriptorSet schemas;
  if (!schemas.ParseFromString(*descriptors)) {
    return absl::DataLossError("the schemas cannot be read");
  }
  SystemRandom random;
  Copies copies(schemas, **types, random);
  Accepted accepted;
  const auto watcher = ConnectBus(empty, kReader);
  if (!watcher.ok()) return watcher.status();
  SubscribeOptions raised_only;
  raised_only.types = {kRaised};
  const auto raised = (*watcher)->Subscribe(raised_only);
  if (!raised.ok()) return raised.status();

  StoryLoad load;
  Producers producers(empty, *registry, accepted);
  const SteadyClock::time_point start = SteadyClock::now();
  for (const auto& reader : readers) reader->Start(start);
  Took took;
  absl::Status alerted;
  std::thread await([&] {
    alerted = AwaitAlerts(**raised, alerts_each * persons, accepted, took);
    load.alerted_s = SecondsSince(start);
  });
  absl::Status published;
  Pace pace(rate);
  for (const View* fact : facts) {
    // Each moment begins when all before it is in the log.
    const bool of_all = fact->header.subject.empty();
    if (of_all) published = producers.Drain();
    for (size_t n = 0; n < (of_all ? 1 : persons) && published.ok(); ++n) {
      pace.Next();
      auto event = copies.Make(*fact, n);
      published =
          event.ok() ? producers.Publish(*std::move(event)) : event.status();
    }
    if (of_all && published.ok()) published = producers.Drain();
    if (!published.ok()) break;
  }
  if (published.ok()) published = producers.Drain();
  load.accepted_s = SecondsSince(start);
  load.events = producers.count();
  await.join();
  for (const auto& reader : readers) {
    const absl::Status read = reader->Finish();
    if (published.ok()) published = read;
    load.views += reader->count();
    load.delivered_s = std::max(load.delivered_s, reader->seconds());
  }
  if (published.ok()) published = alerted;
  if (!published.ok()) return published;
  load.alerts = took.count();
  load.fact_p50_ms = 1e3 * Quantile(took.fact_s, 0.50);
  load.fact_p99_ms = 1e3 * Quantile(took.fact_s, 0.99);
  load.moment_p50_ms = 1e3 * Quantile(took.moment_s, 0.50);
  load.moment_p99_ms = 1e3 * Quantile(took.moment_s, 0.99);
  return load;
}

}  // namespace concordat::cli

#include "services/common/bus_client/zmq_bus_client.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "services/common/base/system_clock.h"
#include "services/common/bus_client/client_core.h"
#include "services/common/bus_client/zmq_wire.h"
#include "services/common/config/evidence_keys.h"
#include "services/common/event/codec.h"
#include "services/common/storage/posix_directory.h"

namespace concordat {

// The core with sockets, and the thread that steps it.
class ZmqBusClient::Thread {
 public:
  explicit Thread(ZmqBusClientOptions options)
      : core_(std::move(options), dialer_, [this] { waker_.Wake(); }),
        thread_([this] { Run(); }) {}
  ~Thread() { Stop(); }

  void Stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    waker_.Wake();
    thread_.join();
  }
  ClientCore& core() { return core_; }

 private:
  void Run() {
    while (!stopping_) {
      waker_.Clear();
      const absl::Duration now = SteadyNow();
      if (!core_.Step(now)) Wait(now);
    }
    core_.Finish(SteadyNow());
  }
  void Wait(absl::Duration now) {
    items_.clear();
    items_.push_back({waker_.fd(), POLLIN, 0});
    const absl::Duration due = core_.PrepareToWait(now, items_);
    if (due > now) {
      const absl::Duration wait =
          std::min(due - now, absl::Duration(absl::Seconds(1)));
      poll(items_.data(), items_.size(),
           static_cast<int>(absl::ToInt64Milliseconds(
               absl::Ceil(wait, absl::Milliseconds(1)))));
    }
    core_.StopWaiting();
  }

  Waker waker_;
  ZmqDialer dialer_;
  ClientCore core_;
  std::vector<pollfd> items_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // Last: it uses what is above.
};

namespace {

// The user's hold on a link; letting go unsubscribes.
class HeldSubscription : public Subscription {
 public:
  HeldSubscription(std::shared_ptr<ZmqBusClient::Thread> thread,
                   std::shared_ptr<SubscriptionLink> link)
      : thread_(std::move(thread)), link_(std::move(link)) {}
  ~HeldSubscription() override { thread_->core().Unsubscribe(link_); }

  absl::StatusOr<Delivery> Next(absl::Duration timeout) override {
    return link_->Next(timeout);
  }
  void Ack(uint64_t number) override { link_->Ack(number); }
  void Settle(uint64_t number) override { link_->Settle(number); }
  void Nack(uint64_t number, absl::Duration delay,
            std::string reason) override {
    link_->Nack(number, delay, std::move(reason));
  }
  Sequence log_end() const override { return link_->log_end(); }
  Sequence scanned_through() const override { return link_->scanned_through(); }
  bool connected() const override { return link_->connected(); }
  LogEpoch log_epoch() const override { return link_->log_epoch(); }
  RemovedEvents removed() const override { return link_->removed(); }

 private:
  const std::shared_ptr<ZmqBusClient::Thread> thread_;
  const std::shared_ptr<SubscriptionLink> link_;
};

// Most sets are an event.
using Views = absl::InlinedVector<EventView, 1>;

// And fills in the views of its events.
absl::Status CheckSet(const std::vector<Event>& set, Views& views) {
  if (set.empty() || set.size() > kBatchEventsMax) {
    return absl::InvalidArgumentError("a set holds 1 to 256 events");
  }
  size_t bytes = 0;
  for (const Event& event : set) {
    const EventView& view = views.emplace_back(AsView(event));
    const absl::Status status = CheckHeader(view.header);
    if (!status.ok()) return status;
    size_t data = 0;
    for (const auto& group : event.groups) data += group.data.size();
    if (data > kDataBytesMax) {
      return absl::InvalidArgumentError("an event's data is at most 256 KiB");
    }
    bytes += BatchEncoder::BytesMax(view);
  }
  if (bytes > kBatchBytesMax) {
    return absl::InvalidArgumentError("a set is at most 480 KiB");
  }
  return absl::OkStatus();
}

}  // namespace

ZmqBusClient::ZmqBusClient(std::shared_ptr<Thread> thread)
    : thread_(std::move(thread)) {}

ZmqBusClient::~ZmqBusClient() { thread_->Stop(); }

std::unique_ptr<ZmqBusClient> ZmqBusClient::Create(
    ZmqBusClientOptions options) {
  return std::unique_ptr<ZmqBusClient>(
      new ZmqBusClient(std::make_shared<Thread>(std::move(options))));
}

absl::Status ZmqBusClient::Publish(std::vector<Event> set, Done done) {
  Views views;
  const absl::Status status = CheckSet(set, views);
  if (!status.ok()) return status;
  return thread_->core().Publish(std::move(set), views, std::move(done));
}

absl::StatusOr<StreamSlice> ZmqBusClient::ReadStream(const StreamName& stream,
                                                     Sequence after,
                                                     absl::Duration timeout) {
  return thread_->core().ReadStream(stream, after, timeout);
}

absl::StatusOr<std::unique_ptr<Subscription>> ZmqBusClient::Subscribe(
    SubscribeOptions options) {
  std::shared_ptr<SubscriptionLink> link =
      thread_->core().Subscribe(std::move(options));
  if (!link) return absl::UnavailableError("the client is closed");
  return std::make_unique<HeldSubscription>(thread_, std::move(link));
}

absl::Time ZmqBusClient::log_time() const { return thread_->core().log_time(); }

std::string ZmqBusClient::log_alarm() const {
  return thread_->core().log_alarm();
}

bool ZmqBusClient::connected() const { return thread_->core().connected(); }

namespace {

DoorFinder FinderOf(const DataDirectory& data, std::string principal,
                    const char* listener) {
  return [data, principal = std::move(principal),
          listener]() -> absl::StatusOr<Door> {
    const auto own = data.LoadCurveKeys(principal);
    if (!own.ok()) return own.status();
    const auto server = data.LoadBusPublicKey();
    if (!server.ok()) return server.status();
    const auto address = data.ReadBusAddresses(listener, *server);
    if (!address.ok()) return address.status();
    return Door{*address, *server, own->public_key, own->secret_key};
  };
}

// What it keeps is in `<data>/witness-<principal>`.
class WitnessFolder {
 public:
  static absl::StatusOr<std::shared_ptr<WitnessFolder>> Open(
      const DataDirectory& data, absl::string_view principal) {
    const auto folder = data.StateFolder(absl::StrCat("witness-", principal));
    if (!folder.ok()) return folder.status();
    auto directory = PosixDirectory::Open(*folder);
    if (!directory.ok()) return directory.status();
    return std::make_shared<WitnessFolder>(*std::move(directory));
  }
  explicit WitnessFolder(std::unique_ptr<PosixDirectory> directory)
      : directory_(std::move(directory)) {}
  std::string Read(const char* name) const {
    return ReadWhole(*directory_, name).value_or("");
  }
  absl::Status Keep(absl::string_view name, absl::string_view bytes) const {
    return ReplaceWhole(*directory_, name, bytes);
  }

 private:
  const std::unique_ptr<PosixDirectory> directory_;
};

// None: the registry does not have that key for it.
std::optional<Ed25519Signer> SignerOf(const DataDirectory& data,
                                      const bus::v1::Principal& who) {
  const auto secret = data.LoadSecret(who.name());
  if (!secret.ok()) return std::nullopt;
  const Ed25519Signer signer = ProducerSigner(*secret);
  const auto& keys = who.signing_keys();
  const bool is_known =
      std::find(keys.begin(), keys.end(),
                SigningKeyText(signer.public_key())) != keys.end();
  if (!is_known) return std::nullopt;
  return signer;
}

// Null: this directory does not say which key the log signs with.
absl::StatusOr<std::shared_ptr<CheckpointWatch>> WatchOf(
    const DataDirectory& data, const bus::v1::Principal& who) {
  const auto key = LoadLogKey(data);
  if (absl::IsNotFound(key.status())) return nullptr;
  if (!key.ok()) return key.status();
  const auto folder = WitnessFolder::Open(data, who.name());
  if (!folder.ok()) return folder.status();
  CheckpointWatchOptions options;
  options.log_key = *key;
  const auto secret = data.LoadSecret(who.name());
  if (secret.ok() && !who.witness_key().empty()) {
    options.witness_name = WitnessName(data.environment(), who.name());
    options.witness = WitnessSigner(*secret);
  }
  options.keep = [folder = *folder](absl::string_view name,
                                    absl::string_view bytes) {
    return folder->Keep(name, bytes);
  };
  options.posix_seconds = [clock = SystemClock()] {
    return static_cast<uint64_t>(absl::ToUnixSeconds(clock.Now()));
  };
  return std::make_shared<CheckpointWatch>(
      std::move(options), (*folder)->Read(CheckpointWatch::kKept),
      (*folder)->Read(CheckpointWatch::kAlarm));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ZmqBusClient>> ConnectBus(
    const DataDirectory& data, absl::string_view principal) {
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const bus::v1::Principal* who = (*registry)->FindByName(principal);
  if (who == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("the registry has no principal ", principal));
  }
  const auto own = data.LoadCurveKeys(principal);
  if (!own.ok()) return own.status();
  const auto server = data.LoadBusPublicKey();
  if (!server.ok()) return server.status();

  ZmqBusClientOptions options;
  options.identity = {who->agency(), who->role(), data.environment(), ""};
  options.ingest = FinderOf(data, who->name(), "ingest");
  options.delivery = FinderOf(data, who->name(), "delivery");
  options.signer = SignerOf(data, *who);
  auto watch = WatchOf(data, *who);
  if (!watch.ok()) return watch.status();
  options.watch = *std::move(watch);
  return ZmqBusClient::Create(std::move(options));
}

void WatchLog(const ZmqBusClient& bus, Health& health) {
  health.Add([&bus](Troubles& troubles) {
    std::string alarm = bus.log_alarm();
    if (!alarm.empty()) troubles.push_back({"log", "", std::move(alarm), true});
  });
}

}  // namespace concordat

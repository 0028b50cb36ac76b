#include "tests/support/socket_bus.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"
#include "services/common/event/codec.h"

namespace concordat::testing {
namespace {

constexpr auto kEnvironment = bus::v1::ENVIRONMENT_DEMO;
constexpr absl::Duration kTurn = absl::Milliseconds(2);
constexpr size_t kViewsPerFrame = 256;

BorrowedView Borrow(const View& view) {
  BorrowedView borrowed;
  borrowed.sequence = view.sequence;
  borrowed.accepted_us = view.accepted_us;
  borrowed.header = AsView(view.header);
  for (const View::Group& group : view.groups) {
    borrowed.groups.push_back({group.number, group.data, group.salt});
  }
  borrowed.header_salt = Salt{};
  borrowed.environment = kEnvironment;
  return borrowed;
}

View Whole(const EventView& event, uint64_t sequence) {
  View view;
  view.sequence = {sequence};
  view.header = ToOwned(event.header);
  for (const auto& group : event.groups) {
    view.groups.push_back({group.number, std::string(group.data), {}});
  }
  return view;
}

}  // namespace

SocketBus::Members::Members(int count) {
  for (int i = 0; i < count; ++i) keys_.push_back(NewCurvePair());
}

std::shared_ptr<const PrincipalRegistry> SocketBus::Members::Registry(
    int revoked) const {
  bus::v1::Registry proto;
  proto.set_environment(kEnvironment);
  for (size_t i = 0; i < keys_.size(); ++i) {
    bus::v1::Principal* principal = proto.add_principals();
    principal->set_name(absl::StrCat("member-", i));
    principal->set_agency(absl::StrCat("agency-", i));
    principal->set_system(absl::StrCat("system-", i));
    principal->set_role(absl::StrCat("role-", i));
    principal->set_curve_public_key(keys_[i].public_key);
    principal->set_revoked(static_cast<int>(i) == revoked);
  }
  auto registry = PrincipalRegistry::Build(std::move(proto));
  CONCORDAT_CHECK(registry.ok());
  return *registry;
}

ClientIdentity SocketBus::Members::identity(int n) const {
  return {absl::StrCat("agency-", n), absl::StrCat("role-", n), kEnvironment,
          ""};
}

SocketBus::SocketBus(Options options, const Members& members, SocketBusLog& log)
    : options_(std::move(options)),
      log_(log),
      registry_(members.Registry()),
      receipts_lost_(options_.receipts_lost) {
  auto hub = bus::ZmqHub::Start(
      {keys().public_key, keys().secret_key}, [this](absl::string_view key) {
        MutexLock lock(mu_);
        const bus::v1::Principal* who = registry_->FindByCurveKey(key);
        return who != nullptr && !who->revoked();
      });
  CONCORDAT_CHECK(hub.ok());
  hub_ = *std::move(hub);
  bus::PortOptions ingest;
  ingest.name = "ingest";
  ingest.endpoint = options_.ingest;
  ingest.first_frame_within = absl::Seconds(1);
  bus::PortOptions delivery = ingest;
  delivery.name = "delivery";
  delivery.endpoint = options_.delivery;
  delivery.io_thread = 1;
  delivery.send_frames_max = options_.send_frames_max;
  auto ingest_carrier = hub_->Bind(ingest);
  auto delivery_carrier = hub_->Bind(delivery);
  CONCORDAT_CHECK(ingest_carrier.ok() && delivery_carrier.ok());
  ingest_ = *std::move(ingest_carrier);
  delivery_ = *std::move(delivery_carrier);
  ingest_thread_ = std::thread([this] { RunIngest(); });
  delivery_thread_ = std::thread([this] { RunDelivery(); });
}

SocketBus::~SocketBus() {
  stopping_ = true;
  ingest_->Wake();
  delivery_->Wake();
  ingest_thread_.join();
  delivery_thread_.join();
}

ZmqBusClientOptions SocketBus::ClientOptions(const Members& members,
                                             int n) const {
  ZmqBusClientOptions options;
  options.identity = members.identity(n);
  const CurvePair& own = members.keys(n);
  for (const auto& [endpoint, finder] :
       {std::pair(ingest(), &options.ingest),
        std::pair(delivery(), &options.delivery)}) {
    *finder = [door = Door{endpoint, keys().public_key, own.public_key,
                           own.secret_key}] { return door; };
  }
  return options;
}

void SocketBus::ReplaceRegistry(
    std::shared_ptr<const PrincipalRegistry> registry) {
  {
    MutexLock lock(mu_);
    registry_ = std::move(registry);
  }
  ++registry_version_;
  ingest_->Wake();
  delivery_->Wake();
}

std::map<bus::v1::Refusal, uint64_t> SocketBus::refused() const {
  MutexLock lock(mu_);
  return refused_;
}

bool SocketBus::Await(const std::function<bool()>& is_so,
                      absl::Duration timeout) {
  Mutex mu;
  CondVar never;
  const absl::Duration until = SteadyNow() + timeout;
  while (!is_so()) {
    if (SteadyNow() > until) return false;
    MutexLock lock(mu);
    never.WaitFor(mu, absl::Milliseconds(1), [] { return false; });
  }
  return true;
}

Sequence SocketBus::End() const {
  MutexLock lock(log_.mu);
  return {log_.events.size()};
}

void SocketBus::RunIngest() {
  bus::SessionOptions options = options_.session;
  options.port = bus::Port::kIngest;
  options.environment = kEnvironment;
  mu_.Lock();
  bus::SessionServer sessions(options, *ingest_, clock_, random_, registry_);
  mu_.Unlock();
  sessions.SetLog("0123456789abcdef", 1);
  const auto count = [this](bus::v1::Refusal refusal) {
    if (refusal == bus::v1::REFUSAL_UNSPECIFIED) return;
    MutexLock lock(mu_);
    ++refused_[refusal];
  };
  sessions.SetTurnedAway([&](absl::string_view, bus::v1::Refusal refusal,
                             absl::string_view) { count(refusal); });
  int version = 0;
  std::vector<bus::SessionEvent> events;
  while (!stopping_) {
    if (version != registry_version_) {
      version = registry_version_;
      MutexLock lock(mu_);
      sessions.ReplaceRegistry(registry_);
    }
    sessions.SetEnd(End(), 0);
    events.clear();
    sessions.Poll(absl::Milliseconds(20), events);
    for (const bus::SessionEvent& event : events) {
      if (event.what == bus::SessionEvent::What::kClosed) count(event.refusal);
      if (event.what != bus::SessionEvent::What::kBody) continue;
      if (event.kind == FrameKind::kPublish) {
        Accept(sessions, event);
        delivery_->Wake();
      } else if (event.kind == FrameKind::kReadStream) {
        bus::v1::ReadStream ask;
        ask.ParseFromArray(event.body.view.data(),
                           static_cast<int>(event.body.view.size()));
        bus::v1::StreamEvents rest;
        rest.set_request(ask.request());
        ViewEncoder encoder;
        MutexLock lock(log_.mu);
        for (const View& view : log_.events) {
          if (view.header.source != ask.source() ||
              view.header.stream != ask.stream()) {
            continue;
          }
          rest.set_stream_version(view.sequence.value);
          if (view.sequence.value <= ask.after()) continue;
          if (encoder.views() == 2) {  // Few, so that there is often more.
            rest.set_more(true);
            continue;
          }
          encoder.Add(Borrow(view));
        }
        sessions.Send(event.session, FrameKind::kStreamEvents,
                      encoder.TakeStreamEvents(rest));
      }
    }
    sessions_ = sessions.open_sessions();
  }
}

void SocketBus::Accept(bus::SessionServer& sessions,
                       const bus::SessionEvent& event) {
  auto batch = DecodeBatch(event.body.view);
  if (!batch.ok()) {
    sessions.Close(event.session, bus::v1::REFUSAL_MALFORMED,
                   std::string(batch.status().message()));
    return;
  }
  bus::v1::Receipts receipts;
  receipts.set_publish_number(event.number);
  {
    MutexLock lock(log_.mu);
    for (const EventView& one : *batch) {
      bus::v1::Outcome* outcome = receipts.add_outcomes();
      outcome->set_index(static_cast<uint32_t>(receipts.outcomes_size() - 1));
      const auto [it, is_new] = log_.by_id.try_emplace(
          {std::string(one.header.source), std::string(one.header.id)},
          log_.events.size() + 1);
      outcome->set_duplicate(!is_new);
      outcome->set_sequence(it->second);
      if (is_new) log_.events.push_back(Whole(one, it->second));
    }
  }
  if (receipts_lost_ > 0 && receipts_lost_-- > 0) {
    sessions.Close(event.session, bus::v1::REFUSAL_SHUTTING_DOWN, "a fault");
    return;
  }
  sessions.Send(event.session, FrameKind::kReceipts, receipts, event.number);
}

void SocketBus::RunDelivery() {
  bus::SessionOptions options = options_.session;
  options.port = bus::Port::kDelivery;
  options.environment = kEnvironment;
  mu_.Lock();
  bus::SessionServer sessions(options, *delivery_, clock_, random_, registry_);
  mu_.Unlock();
  sessions.SetLog("0123456789abcdef", 1);
  int version = 0;
  std::map<bus::SessionId, Reader> readers;
  std::vector<bus::SessionEvent> events;
  while (!stopping_) {
    if (version != registry_version_) {
      version = registry_version_;
      MutexLock lock(mu_);
      sessions.ReplaceRegistry(registry_);
    }
    sessions.SetEnd(End(), 0);
    events.clear();
    sessions.Poll(kTurn, events);
    for (const bus::SessionEvent& event : events) {
      if (event.what == bus::SessionEvent::What::kClosed) {
        readers.erase(event.session);
      } else if (event.kind == FrameKind::kSubscribe) {
        Subscribe(event, readers[event.session], sessions);
      } else if (event.kind == FrameKind::kAck) {
        Ack(event, readers[event.session], sessions);
      }
    }
    for (auto& [session, reader] : readers) {
      while (Deliver(session, reader, sessions)) {
      }
    }
  }
}

bool SocketBus::Subscribe(const bus::SessionEvent& event, Reader& reader,
                          bus::SessionServer& sessions) {
  bus::v1::Subscribe subscribe;
  if (!subscribe.ParseFromArray(event.body.view.data(),
                                static_cast<int>(event.body.view.size()))) {
    return false;
  }
  reader.durable = !subscribe.name().empty() && !subscribe.own_place();
  reader.place = absl::StrCat(event.principal->name(), "/", subscribe.name());
  reader.credit = subscribe.credit_events();
  reader.scanned = subscribe.after();
  {
    MutexLock lock(log_.mu);
    if (subscribe.from_latest()) reader.scanned = log_.events.size();
    if (reader.durable) {
      reader.scanned =
          log_.places.try_emplace(reader.place, reader.scanned).first->second;
    }
  }
  bus::v1::Subscribed subscribed;
  subscribed.set_after(reader.scanned);
  subscribed.set_end_sequence(End().value);
  return sessions.Send(event.session, FrameKind::kSubscribed, subscribed);
}

bool SocketBus::Deliver(bus::SessionId session, Reader& reader,
                        bus::SessionServer& sessions) {
  ViewEncoder encoder;
  bus::v1::Deliver rest;
  rest.set_first_delivery(reader.delivered + 1);
  {
    MutexLock lock(log_.mu);
    while (reader.scanned < log_.events.size() &&
           reader.positions.size() < reader.credit &&
           encoder.views() < kViewsPerFrame && encoder.bytes() < 400'000) {
      encoder.Add(Borrow(log_.events[reader.scanned]));
      reader.positions.push_back(++reader.scanned);
      ++reader.delivered;
    }
  }
  if (encoder.views() == 0) return false;
  rest.set_scanned_through(reader.scanned);
  return sessions.Send(session, FrameKind::kDeliver, encoder.TakeDeliver(rest));
}

void SocketBus::Ack(const bus::SessionEvent& event, Reader& reader,
                    bus::SessionServer& sessions) {
  bus::v1::Ack ack;
  if (!ack.ParseFromArray(event.body.view.data(),
                          static_cast<int>(event.body.view.size())) ||
      ack.delivery() > reader.delivered) {
    sessions.Close(event.session, bus::v1::REFUSAL_PROTOCOL, "bad Ack");
    return;
  }
  uint64_t place = 0;
  for (; reader.acked < ack.delivery(); ++reader.acked) {
    place = reader.positions.front();
    reader.positions.pop_front();
  }
  if (place != 0 && reader.durable) {
    MutexLock lock(log_.mu);
    log_.places[reader.place] = place;
  }
  bus::v1::AckStored stored;
  stored.set_delivery(ack.delivery());
  sessions.Send(event.session, FrameKind::kAckStored, stored);
}

}  // namespace concordat::testing

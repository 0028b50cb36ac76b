#include "tests/simulation/bus/sim_bus.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "services/bus/delivery/cursor_store.h"
#include "services/bus/ingest/hub_records.h"
#include "services/bus/log/block.h"
#include "services/bus/log/fsck.h"

namespace concordat::simulation {
namespace {

constexpr absl::string_view kWrapping =
    "concordat wrapping keys 1\n"
    "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
using Survives = testing::FakeDisk::Survives;
// At a turn the registry was looked at this long ago at most, and who is nobody
// any more is cut: after a linger and two ticks of the session.
constexpr uint64_t kLooksEveryUs = 20'000;
constexpr uint64_t kCutsWithinUs = 800'000;

// The disk failed because the run said so.
bool WasMade(const absl::Status& why) {
  return absl::StrContains(why.message(), "injected failure");
}

}  // namespace

// A background whose work waits until the run gives it a step.
class SimBus::Steps : public bus::Background {
 public:
  explicit Steps(Work& work) : work_(work) {}
  // A process that ends in order does what was posted; of one that is killed the
  // work was dropped before.
  ~Steps() override {
    while (!work_.jobs.empty()) {
      work_.jobs.front()();
      work_.jobs.pop_front();
    }
  }
  void Post(std::function<void()> job) override {
    if (work_.at_once) {
      job();
    } else {
      work_.jobs.push_back(std::move(job));
    }
  }

 private:
  Work& work_;
};

// One process, from its start to its end. What uses comes after what is used.
struct SimBus::Life {
  std::unique_ptr<bus::DurableEventLog> log;
  std::unique_ptr<bus::CursorStore> cursors;
  bus::Refusals refusals;
  bus::Faults faults;
  std::unique_ptr<bus::Carrier> ingest_port;
  std::unique_ptr<bus::Carrier> delivery_port;
  std::unique_ptr<bus::GrpcCarrier> ingest_calls;
  std::unique_ptr<bus::GrpcCarrier> delivery_calls;
  std::unique_ptr<bus::SessionServer> ingest_sessions;
  std::unique_ptr<bus::SessionServer> delivery_sessions;
  Metrics metrics;
  std::unique_ptr<bus::LoopMeters> meters;
  bus::Drain drain{absl::Seconds(10)};
  std::unique_ptr<bus::DeliveryLoop> delivery;
  std::unique_ptr<bus::IngestLoop> ingest;
};

SimBus::SimBus(World& world, WallClock& clock, Oracle& oracle, Network& network,
               Registrar& registrar)
    : world_(world),
      clock_(clock),
      oracle_(oracle),
      network_(network),
      registrar_(registrar),
      random_(world.dice.Next()),
      index_(std::make_shared<testing::FakeIndexStore::Entries>()),
      segment_bytes_(1024 * world.dice.Between(24, 96)),
      credit_events_(static_cast<uint32_t>(world.dice.Between(8, 128))) {
  Dice& dice = world.dice;
  bus::RedeliveryLimits& limits = delivery_.redelivery;
  limits.attempts = static_cast<uint32_t>(dice.Between(2, 4));
  limits.backoff_min =
      absl::Milliseconds(static_cast<int64_t>(dice.Between(20, 400)));
  limits.backoff_max = absl::Seconds(2);
  limits.set_aside_max = dice.Between(2, 16);
  limits.window = dice.Between(2, 48);
  delivery_.redrive_per_s = 50;
  network_.set_admit(
      [this](absl::string_view uri) { return registrar_.Admit(uri); });
}

SimBus::~SimBus() {
  if (running()) Stop(End::kKilled);
}

bool SimBus::Start() {
  life_ = std::make_unique<Life>();
  const absl::Status opened = Open();
  if (opened.ok()) {
    network_.BusUp();
    hurt_ = false;
    world_.Say("bus: up with ", oracle_.end(), " events");
    return true;
  }
  world_.Say("bus: does not start: ", opened.ToString());
  if (absl::IsDataLoss(opened) && flipped_.has_value()) {
    world_.Say("bus: the flipped bit is mended");
    log_disk_.FlipBit(flipped_->first, flipped_->second);
    flipped_.reset();
  } else if (!WasMade(opened)) {
    world_.Fail("the bus does not start: ", opened.ToString());
  }
  Drop(blocks_);
  Drop(places_);
  Drop(closed_);
  Drop(reads_);
  life_ = nullptr;
  log_disk_.ProcessKill();
  places_disk_.ProcessKill();
  return false;
}

absl::Status SimBus::Open() {
  Life& life = *life_;
  bus::EventLogOptions options;
  options.environment = bus::v1::ENVIRONMENT_LIVE;
  options.segments.segment_bytes = segment_bytes_;
  options.block_bytes = 16 * 1024;
  options.recent_bytes = 32 * 1024;
  auto log = bus::DurableEventLog::Open(
      options, log_disk_, *bus::WrappingKeys::Parse(kWrapping),
      std::make_unique<testing::FakeIndexStore>(index_),
      std::make_unique<Steps>(closed_), random_);
  if (!log.ok()) return log.status();
  life.log = *std::move(log);
  auto cursors = bus::CursorStore::Open(places_disk_);
  if (!cursors.ok()) return cursors.status();
  life.cursors = *std::move(cursors);

  bus::HubRecords records;
  records.environment = options.environment;
  records.descriptor_set = "types";
  records.agreements = SimAgreements();
  const Sequence end = life.log->Status().end;
  uint64_t start_us = 0;
  if (end.value > 0) {
    const auto last = life.log->ReadOne(end);
    if (!last.ok()) return last.status();
    start_us = last->accepted_us;
  }
  auto core = std::make_unique<bus::IngestCore>(
      *life.log, types_, bus::LogTime(options.environment, clock_, start_us),
      life.refusals);
  absl::Status status =
      bus::RecordStart(records, *life.log, *core, *types_, random_);
  if (!status.ok()) return status;
  bus::PolicyFold fold(types_);
  status = fold.CatchUp(*life.log);
  if (!status.ok()) return status;

  const auto sessions_on = [&](bus::Port port,
                               std::unique_ptr<bus::Carrier>& carrier,
                               std::unique_ptr<bus::GrpcCarrier>& calls) {
    carrier = network_.CarrierOf(port);
    calls = std::make_unique<bus::GrpcCarrier>(*carrier, world_);
    network_.SetCalls(port, calls.get());
    bus::SessionOptions session;
    session.port = port;
    session.environment = options.environment;
    session.credit_events = credit_events_;
    auto sessions = std::make_unique<bus::SessionServer>(
        session, *calls, world_, random_, registrar_.LookedAt(port));
    sessions->SetLog(life.log->Status().log_id, life.log->Status().epoch);
    return sessions;
  };
  life.ingest_sessions =
      sessions_on(bus::Port::kIngest, life.ingest_port, life.ingest_calls);
  life.delivery_sessions = sessions_on(bus::Port::kDelivery, life.delivery_port,
                                       life.delivery_calls);
  const auto source_of = [this](bus::Port port) {
    return [this, port] { return registrar_.LookedAt(port); };
  };
  const auto refused = [this](absl::string_view principal,
                              bus::v1::Refusal refusal,
                              absl::string_view detail) {
    world_.Say("bus: ends a session of ", principal, ": ",
               bus::v1::Refusal_Name(refusal), " ", detail);
    const bool is_shut_out = (refusal == bus::v1::REFUSAL_REVOKED ||
                              refusal == bus::v1::REFUSAL_NOT_REGISTERED) &&
                             registrar_.HasChanged(principal);
    if (!is_shut_out && refusal != bus::v1::REFUSAL_PROTOCOL &&
        refusal != bus::v1::REFUSAL_BUSY &&
        refusal != bus::v1::REFUSAL_SHUTTING_DOWN) {
      world_.Fail(principal, " was refused: ", bus::v1::Refusal_Name(refusal),
                  " ", detail);
    }
  };
  const auto fatal = [this](const absl::Status& why) {
    world_.Fail("the log cannot be folded: ", why.ToString());
  };
  life.meters = std::make_unique<bus::LoopMeters>(life.metrics, world_,
                                                  life.log->Status().end);
  bus::DeliveryOptions delivery = delivery_;
  delivery.started = clock_.Now() - world_.Elapsed();
  life.delivery = std::make_unique<bus::DeliveryLoop>(
      *life.delivery_sessions, source_of(bus::Port::kDelivery), world_,
      bus::DeliveryCore(*life.log, types_, fold, life.cursors->places(),
                        delivery),
      *life.cursors, nullptr, *life.meters, life.drain,
      bus::DeliveryLoop::Hooks{
          fatal,
          [this](const absl::Status& why, bool) {
            world_.Say("bus: places cannot be stored: ", why.ToString());
            if (!hurt_ && !WasMade(why)) {
              world_.Fail("and no fault was made");
            }
            hurt_ = true;
          },
          refused, [](const std::string&) {},
          [this](bool lags) { life_->ingest->HoldBulk(lags); }},
      std::make_unique<Steps>(places_), std::make_unique<Steps>(reads_));
  bus::LaneOptions lanes;
  lanes.bulk_events_per_s = world_.dice.Between(1, 64);
  life.ingest = std::make_unique<bus::IngestLoop>(
      lanes, *life.log, *life.ingest_sessions, source_of(bus::Port::kIngest),
      world_, types_, std::move(core), std::move(fold), random_, life.faults,
      *life.meters, life.drain,
      bus::IngestLoop::Hooks{
          [this](std::shared_ptr<const bus::EventBlock> block) {
            for (const bus::StoredEvent& event : block->events) {
              oracle_.InLog(event);
            }
            posted_ = oracle_.end();
            life_->delivery->Post(std::move(block));
          },
          fatal,
          [this](const absl::Status& why) {
            world_.Say("bus: takes no writes: ", why.ToString());
            if (!hurt_ && !WasMade(why)) world_.Fail("and no fault was made");
            hurt_ = true;
          },
          refused},
      std::make_unique<Steps>(blocks_), /*proofs=*/nullptr);
  life.ingest->Start();
  life.delivery->Start();
  const absl::Status read = ReadWhole();
  if (!read.ok()) return read;
  if (on_start_) on_start_(life.cursors->places());
  return absl::OkStatus();
}

absl::Status SimBus::ReadWhole() {
  const uint64_t end = life_->log->Status().end.value;
  oracle_.Opened(end);
  for (uint64_t at = 0; at < end && !world_.failed();) {
    const auto block = life_->log->Read({at}, 1 << 20);
    if (!block.ok()) return block.status();
    for (const bus::StoredEvent& event : (*block)->events) {
      oracle_.InLog(event);
    }
    at = (*block)->events.back().sequence.value;
  }
  posted_ = oracle_.end();
  return absl::OkStatus();
}

void SimBus::Drop(Work& work) { work.jobs.clear(); }

void SimBus::Stop(End how) {
  Dice& dice = world_.dice;
  const bool power = how == End::kPowerCut;
  world_.Say("bus: ", power                  ? "the power is cut"
                      : how == End::kStopped ? "stops in order"
                                             : "is killed");
  if (how == End::kStopped) {
    for (Work* work : {&blocks_, &places_, &closed_, &reads_}) {
      work->at_once = true;
      while (!work->jobs.empty()) {
        work->jobs.front()();
        work->jobs.pop_front();
      }
    }
    life_->ingest->Stop();
    life_->ingest->Run();
    life_->delivery->Stop();
    life_->delivery->Run();
  } else {
    // It is caught in the middle of what it does.
    for (auto [work, disk] : {std::pair(&blocks_, &log_disk_),
                              std::pair(&places_, &places_disk_)}) {
      disk->LosePowerAt(disk->calls() + 1 + dice.Below(4));
      while (!work->jobs.empty() && dice.Chance(6000)) {
        work->jobs.front()();
        work->jobs.pop_front();
      }
      Drop(*work);
    }
    Drop(closed_);
    Drop(reads_);
  }
  // Before its carriers cut what is left.
  network_.BusDown(power);
  life_ = nullptr;
  for (Work* work : {&blocks_, &places_, &closed_, &reads_}) {
    Drop(*work);
    work->at_once = false;
  }
  for (testing::FakeDisk* disk : {&log_disk_, &places_disk_}) {
    if (power) {
      disk->PowerCut(static_cast<Survives>(dice.Below(4)), dice.Next());
    } else {
      disk->ProcessKill();
    }
  }
  // A derived index may be gone, or behind.
  if (dice.Chance(3000)) {
    index_ = std::make_shared<testing::FakeIndexStore::Entries>();
  }
}

void SimBus::DoSome(Work& work) {
  // Mostly a job is done by the next turn; now and then the disk is slow.
  while (!work.jobs.empty() && world_.dice.Chance(6000)) {
    const std::function<void()> job = std::move(work.jobs.front());
    work.jobs.pop_front();
    job();
  }
}

void SimBus::Tick() {
  if (!running()) return;
  Dice& dice = world_.dice;
  DoSome(blocks_);
  if (dice.Chance(9000)) {
    life_->ingest->Turn();
    CheckLooks(bus::Port::kIngest);
  }
  DoSome(blocks_);
  DoSome(reads_);
  if (dice.Chance(9000)) {
    life_->delivery->Turn();
    CheckLooks(bus::Port::kDelivery);
  }
  DoSome(places_);
  DoSome(closed_);
}

void SimBus::CheckLooks(bus::Port port) {
  const uint64_t since = world_.now_us - registrar_.looked_at_us(port);
  if (since >= kLooksEveryUs) {
    world_.Fail("the registry was not looked at for ", since, " us");
  }
  for (const auto& [id, link] : network_.all_links()) {
    if (link->port != port || !link->known || !link->bus_open ||
        link->told_gone || registrar_.IsKnownTo(port, link->proof)) {
      unknown_since_.erase(id);
      continue;
    }
    const auto [at, is_new] = unknown_since_.emplace(id, world_.now_us);
    if (!is_new && world_.now_us - at->second > kCutsWithinUs) {
      world_.Fail("link ", id, " of a key that is nobody's stays open");
    }
  }
}

void SimBus::Perform(std::function<absl::Status(bus::DeliveryCore&)> act) {
  if (!running()) return;
  life_->delivery->Perform(kSharedKey, std::move(act),
                           [](const absl::Status&) {});
}

void SimBus::FailSoon() {
  Dice& dice = world_.dice;
  testing::FakeDisk& disk = dice.Chance(7500) ? log_disk_ : places_disk_;
  disk.FailCall(disk.calls() + 1 + dice.Below(10),
                dice.Chance(3000) ? absl::StatusCode::kResourceExhausted
                                  : absl::StatusCode::kUnavailable);
  world_.Say("disk: a call will fail");
}

void SimBus::FlipBit() {
  if (flipped_.has_value()) return;
  Dice& dice = world_.dice;
  const auto names = log_disk_.List();
  std::vector<std::pair<std::string, std::pair<size_t, size_t>>> blocks;
  std::vector<std::string> derived;
  for (const std::string& name : *names) {
    if (absl::EndsWith(name, ".index") || absl::EndsWith(name, ".spines")) {
      derived.push_back(name);
      continue;
    }
    if (!absl::StartsWith(name, "segment-")) continue;
    const std::string bytes = log_disk_.Contents(name);
    for (size_t at = 0; at + bus::kBlockHeaderBytes < bytes.size();) {
      const auto header =
          bus::DecodeBlockHeader(absl::string_view(bytes).substr(at));
      if (!header.ok()) break;
      const size_t size = bus::kBlockHeaderBytes + header->body_bytes;
      blocks.push_back({name, {at, size}});
      at += size;
    }
  }
  if (!derived.empty() && dice.Chance(3000)) {
    const std::string& name = derived[dice.Below(derived.size())];
    const size_t bytes = log_disk_.Contents(name).size();
    if (bytes == 0) return;
    log_disk_.FlipBit(name, dice.Below(bytes * 8));
    world_.Say("disk: a bit of ", name, " flips");
    return;
  }
  if (blocks.size() < 2) return;
  const auto& [name, place] = blocks[dice.Below(blocks.size() - 1)];
  const uint64_t bit =
      (place.first + dice.Below(place.second)) * 8 + dice.Below(8);
  flipped_ = {name, bit};
  log_disk_.FlipBit(name, bit);
  world_.Say("disk: bit ", bit, " of ", name, " flips");
}

absl::StatusOr<bus::Places> SimBus::PlacesOnDisk() {
  const auto copy = places_disk_.Copy();
  const auto cursors = bus::CursorStore::Open(*copy);
  if (!cursors.ok()) return cursors.status();
  return (*cursors)->places();
}

void SimBus::CheckLog() {
  const bus::WrappingKeys wrapping = *bus::WrappingKeys::Parse(kWrapping);
  const auto report = bus::CheckLog(log_disk_, &wrapping, random_);
  if (!report.ok()) {
    world_.Fail("fsck: ", report.status().ToString());
  } else if (!report->fault.ok() && !report->torn_tail) {
    world_.Fail("fsck: ", report->fault.ToString());
  }
}

}  // namespace concordat::simulation

#include "tests/simulation/bus/simulation.h"

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_join.h"
#include "services/common/event/codec.h"
#include "tests/simulation/bus/follower_program.h"
#include "tests/simulation/bus/publisher_program.h"
#include "tests/simulation/bus/registrar.h"
#include "tests/simulation/bus/shared_oracle.h"
#include "tests/simulation/bus/sharer_program.h"
#include "tests/simulation/bus/sim_bus.h"

namespace concordat::simulation {
namespace {

// After everything is whole again, within this.
constexpr uint64_t kSettlesWithinUs = 60'000'000;
// Of what waits for a caller; above what any credit allows.
constexpr uint64_t kCallKibMax = 300;

class Simulation {
 public:
  Simulation(uint64_t seed, bool verbose);
  // The bus goes before those who watch it.
  ~Simulation() {
    if (bus_.running()) bus_.Stop(SimBus::End::kKilled);
  }
  Result Run();

 private:
  void DrawFaults();
  void Tick();
  void TickBus();
  // The operator looks at the shared subscription, and acts.
  void Operate();
  absl::Status Act(bus::DeliveryCore& core);
  void TellOfKey(int member);
  bool Settled() const;
  void Heal();
  void Finish();
  // The members of the shared subscription have had all that they may see.
  void CheckShared();
  // What the bus says and hears on the delivery port.
  void Says(const Network::Link& link, absl::string_view bytes);
  void Hears(const Network::Link& link, absl::string_view bytes);

  // Of one delivery link.
  struct Flow {
    uint64_t next = 1;
    uint64_t acked = 0;
    uint64_t credit = 0;
    uint64_t heard = 0;  // Frames; of those out of order none is taken.
  };
  static const Member& MemberOf(const Network::Link& link) {
    return Members()[static_cast<size_t>(link.client)];
  }
  static bool IsSharers(const Network::Link& link) {
    return link.port == bus::Port::kDelivery &&
           link.client >= kPublishers + kFollowers;
  }

  World world_;
  WallClock clock_;
  Oracle oracle_;
  Network network_;
  Registrar registrar_;
  SimBus bus_;
  SharedOracle shared_;
  std::vector<std::unique_ptr<PublisherProgram>> publishers_;
  std::vector<std::unique_ptr<FollowerProgram>> followers_;
  std::vector<std::unique_ptr<SharerProgram>> sharers_;
  size_t rows_ = 0;  // Of the shared subscription, as the operator saw last.
  bool is_asked_ = false;
  std::map<uint64_t, Flow> flows_;
  uint64_t bus_starts_at_us_ = 0;
  uint64_t bus_stalled_until_us_ = 0;
  uint64_t restarts_ = 0;
};

Simulation::Simulation(uint64_t seed, bool verbose)
    : world_(seed, verbose),
      clock_(world_),
      oracle_(world_),
      network_(world_),
      registrar_(world_),
      bus_(world_, clock_, oracle_, network_, registrar_),
      shared_(world_, oracle_, Members()[kPublishers + kFollowers],
              bus_.delivery_options().redelivery.attempts) {
  DrawFaults();
  network_.set_moves(world_.dice.Chance(5000));
  network_.set_on_bus_says(
      [this](const auto& link, absl::string_view bytes) { Says(link, bytes); });
  network_.set_on_bus_hears([this](const auto& link, absl::string_view bytes) {
    Hears(link, bytes);
  });
  network_.set_on_over([this](const Network::Link& link) {
    if (IsSharers(link)) shared_.Over(link.id);
  });
  network_.set_call_bytes_max(1024 * world_.dice.Between(8, kCallKibMax));
  bus_.set_on_start([this](const bus::Places& places) {
    for (const auto& follower : followers_) follower->CheckPlaces(places);
    const auto place = places.find(kSharedKey);
    shared_.BusDown();
    shared_.BusUp(place == places.end() ? nullptr : &place->second,
                  oracle_.end());
    is_asked_ = false;
  });
  for (int i = 0; i < kPublishers; ++i) {
    publishers_.push_back(std::make_unique<PublisherProgram>(
        world_, oracle_, network_, registrar_, i));
  }
  using Kind = FollowerProgram::Kind;
  const Kind kinds[kFollowers] = {Kind::kDurable,  Kind::kOwnPlace,
                                  Kind::kDurable,  Kind::kOwnPlace,
                                  Kind::kOwnPlace, Kind::kTail};
  for (size_t i = 0; i < std::size(kinds); ++i) {
    // Not everybody is there in every run.
    if (world_.dice.Chance(2500)) continue;
    followers_.push_back(std::make_unique<FollowerProgram>(
        world_, oracle_, network_, registrar_,
        kPublishers + static_cast<int>(i), kinds[i]));
  }
  const uint64_t sharers =
      world_.dice.Chance(6000) ? world_.dice.Between(1, 3) : 0;
  for (uint64_t i = 0; i < sharers; ++i) {
    sharers_.push_back(std::make_unique<SharerProgram>(
        world_, oracle_, network_, registrar_,
        kPublishers + kFollowers + static_cast<int>(i)));
  }
}

void Simulation::DrawFaults() {
  Dice& dice = world_.dice;
  Faults& faults = world_.faults;
  const auto draw = [&](uint64_t& fault, uint64_t chance, uint64_t most) {
    if (dice.Chance(chance)) fault = dice.Between(1, most);
  };
  draw(faults.lose_connection, 5000, 60);
  draw(faults.black_hole, 3000, 20);
  draw(faults.partition, 3000, 40);
  draw(faults.drop_frame, 1500, 40);
  draw(faults.double_frame, 1500, 40);
  draw(faults.swap_frames, 1500, 40);
  draw(faults.kill_bus, 5000, 40);
  draw(faults.cut_power, 5000, 40);
  draw(faults.stop_bus, 2500, 30);
  draw(faults.fail_disk_call, 3000, 40);
  draw(faults.flip_bit, 3000, 5000);
  draw(faults.stall_bus, 2500, 20);
  draw(faults.jump_clock, 4000, 50);
  draw(faults.revoke, 4000, 60);
  draw(faults.crash_client, 5000, 60);
  draw(faults.stall_client, 3000, 30);
}

void Simulation::Says(const Network::Link& link, absl::string_view bytes) {
  const auto frame = ParseFrame(bytes);
  if (!frame.ok()) return world_.Fail("the bus says what is no frame");
  const FrameKind kind = frame->head.kind;
  if (kind != FrameKind::kClosed &&
      !registrar_.IsKnownTo(link.port, link.proof)) {
    return world_.Fail("the bus says ", FrameKindName(kind), " to ",
                       MemberOf(link).name, ", whose key it knows is nobody's");
  }
  if (IsSharers(link) && kind == FrameKind::kClosed) shared_.Over(link.id);
  if (IsSharers(link) && kind == FrameKind::kAckStored) {
    bus::v1::AckStored stored;
    stored.ParseFromArray(frame->body.data(),
                          static_cast<int>(frame->body.size()));
    shared_.Stored(link.id, stored.settles());
  }
  if (kind != FrameKind::kDeliver) return;
  const auto deliver = DecodeDeliver(frame->body);
  if (!deliver.ok()) return world_.Fail("the bus says what is no Deliver");
  Flow& flow = flows_[link.id];
  if (deliver->rest.first_delivery() != flow.next) {
    world_.Fail("link ", link.id, ": delivery ", deliver->rest.first_delivery(),
                " where ", flow.next, " was due");
  }
  flow.next += deliver->views.size();
  if (!IsSharers(link) && flow.next - 1 - flow.acked > flow.credit) {
    world_.Fail("link ", link.id, ": ", flow.next - 1 - flow.acked,
                " views are out on a credit of ", flow.credit);
  }
  const uint64_t cause = deliver->rest.backfill_cause();
  const Member& member = MemberOf(link);
  world_.Say(
      "bus: to ", member.name, " on link ", link.id, ": from ",
      deliver->rest.first_delivery(), " because of ", cause, " through ",
      deliver->rest.scanned_through(), ":",
      absl::StrJoin(deliver->views, "", [](std::string* out, const View& view) {
        uint32_t groups = 0;
        for (const auto& group : view.groups) groups |= 1u << group.number;
        absl::StrAppend(out, " ", view.sequence.value, "/", groups);
      }));
  for (size_t i = 0; i < deliver->views.size(); ++i) {
    const View& view = deliver->views[i];
    oracle_.CheckView(member, view, bus_.posted());
    if (IsSharers(link)) {
      const int at = static_cast<int>(i);
      const uint32_t attempt =
          at < deliver->rest.attempts_size() ? deliver->rest.attempts(at) : 1;
      shared_.Delivered(link.id, deliver->rest.first_delivery() + i, view,
                        cause, attempt, bus_.posted());
      continue;
    }
    for (const auto& follower : followers_) {
      if (follower->member().name != member.name) continue;
      follower->Sent(view.sequence.value, cause, bus_.posted());
    }
  }
}

void Simulation::Hears(const Network::Link& link, absl::string_view bytes) {
  const auto frame = ParseFrame(bytes);
  if (!frame.ok()) return;
  Flow& flow = flows_[link.id];
  if (frame->head.number != flow.heard + 1) return;
  ++flow.heard;
  bus::v1::Subscribe subscribe;
  bus::v1::Ack ack;
  bus::v1::Settle settle;
  const auto parse = [&](google::protobuf::MessageLite& body) {
    return body.ParseFromArray(frame->body.data(),
                               static_cast<int>(frame->body.size()));
  };
  if (frame->head.kind == FrameKind::kSubscribe && parse(subscribe)) {
    flow.credit = subscribe.credit_events();
    if (IsSharers(link)) shared_.Subscribed(link.id, subscribe.credit_events());
  } else if (frame->head.kind == FrameKind::kSettle && parse(settle)) {
    world_.Say("bus: hears on link ", link.id, " settled ",
               absl::StrJoin(settle.done(), " "), " and ", settle.nacks_size(),
               " not");
    shared_.Settles(link.id, settle);
  } else if (frame->head.kind == FrameKind::kClosed && IsSharers(link)) {
    shared_.Over(link.id);
  } else if (frame->head.kind == FrameKind::kAck && parse(ack)) {
    flow.acked = std::max(flow.acked, ack.delivery());
    world_.Say("bus: hears on link ", link.id, " ack ", ack.delivery());
  }
}

absl::Status Simulation::Act(bus::DeliveryCore& core) {
  is_asked_ = false;
  const auto rows = core.RowsOf(kSharedKey);
  if (!rows.ok()) return rows.status();
  rows_ = rows->size();
  Dice& dice = world_.dice;
  const bool pauses = !world_.healing && dice.Chance(500);
  absl::Status paused = core.SetPaused(kSharedKey, pauses);
  shared_.Paused(pauses);
  for (const bus::Row& row : *rows) {
    const SharedOracle::Id id = {row.id.sequence.value, row.id.cause.value};
    if (row.state == bus::RowState::kWaiting) continue;
    if (!world_.healing && dice.Chance(5000)) continue;
    if (row.state == bus::RowState::kSetAside && !world_.healing &&
        dice.Chance(3000)) {
      const auto parked = core.Park(kSharedKey, {row.order});
      if (parked.value_or(0) != 1) world_.Fail("a row cannot be parked");
      world_.Say("operator: parks ", id.first, " because of ", id.second);
      shared_.Parked(id);
      continue;
    }
    const auto redriven = core.Redrive(kSharedKey, {row.order});
    if (redriven.value_or(0) != 1) world_.Fail("a row cannot be redriven");
    world_.Say("operator: redrives ", id.first, " because of ", id.second);
    shared_.Redriven(id);
  }
  return paused;
}

void Simulation::Operate() {
  if (sharers_.empty() || !bus_.running() || is_asked_) return;
  if (!world_.dice.Chance(world_.healing ? 1000 : 100)) return;
  is_asked_ = true;
  bus_.Perform([this](bus::DeliveryCore& core) { return Act(core); });
}

void Simulation::TellOfKey(int member) {
  const std::string& name = Members()[static_cast<size_t>(member)].name;
  const auto tell = [&](Program& program) {
    if (program.member().name == name) program.TakeKey();
  };
  for (const auto& each : publishers_) tell(*each);
  for (const auto& each : followers_) tell(*each);
  for (const auto& each : sharers_) tell(*each);
}

void Simulation::TickBus() {
  Dice& dice = world_.dice;
  const Faults& faults = world_.faults;
  if (!bus_.running()) {
    if (world_.now_us < bus_starts_at_us_) return;
    if (!world_.healing && dice.Chance(faults.fail_disk_call * 100)) {
      bus_.FailSoon();
    }
    if (!bus_.Start()) bus_starts_at_us_ = world_.now_us + 50'000;
    ++restarts_;
    return;
  }
  if (world_.now_us < bus_stalled_until_us_) return;
  bus_.Tick();
  const auto down = [&](SimBus::End how) {
    bus_.Stop(how);
    bus_starts_at_us_ = world_.now_us + dice.Between(1'000, 1'500'000);
    if (!world_.healing && dice.Chance(faults.flip_bit)) bus_.FlipBit();
  };
  // Whoever looks after it starts it again.
  if (bus_.is_hurt() && dice.Chance(world_.healing ? 5000 : 100)) {
    return down(SimBus::End::kStopped);
  }
  if (world_.healing) return;
  if (dice.Chance(faults.fail_disk_call)) bus_.FailSoon();
  if (dice.Chance(faults.stall_bus)) {
    bus_stalled_until_us_ = world_.now_us + dice.Between(100'000, 5'000'000);
    world_.Say("bus: stalls");
  }
  if (dice.Chance(faults.kill_bus)) {
    down(SimBus::End::kKilled);
  } else if (dice.Chance(faults.cut_power)) {
    down(SimBus::End::kPowerCut);
  } else if (dice.Chance(faults.stop_bus)) {
    down(SimBus::End::kStopped);
  }
}

void Simulation::Tick() {
  Dice& dice = world_.dice;
  world_.now_us += dice.Between(200, 12'000);
  network_.Tick();
  TickBus();
  if (!world_.healing && dice.Chance(world_.faults.jump_clock)) {
    const auto most =
        static_cast<int64_t>(dice.Chance(3000) ? 40ll * 3600 * 1000 : 5000);
    const int64_t ms =
        static_cast<int64_t>(dice.Below(static_cast<uint64_t>(2 * most))) -
        most;
    clock_.Jump(absl::Milliseconds(ms));
    // The first event of a day that begins an agreement is one of a case, often.
    if (ms > 3'600'000) {
      publishers_[0]->Stall(world_.now_us + 400'000);
      publishers_[1]->Stall(world_.now_us + 400'000);
    }
    world_.Say("clock: jumps by ", ms, " ms");
  }
  const auto tick = [&](Program& program) {
    if (!world_.healing) {
      if (dice.Chance(world_.faults.crash_client / 4)) program.Crash();
      if (dice.Chance(world_.faults.stall_client)) {
        program.Stall(world_.now_us + dice.Between(50'000, 5'000'000));
      }
    }
    program.Tick();
  };
  if (!world_.healing) {
    const std::optional<int> member = registrar_.Tick();
    if (member.has_value()) TellOfKey(*member);
  }
  for (const auto& publisher : publishers_) tick(*publisher);
  for (const auto& follower : followers_) tick(*follower);
  for (const auto& sharer : sharers_) tick(*sharer);
  Operate();
  if (network_.frames() > 10'000) {
    world_.Fail("the network holds ", network_.frames(), " frames");
  }
}

bool Simulation::Settled() const {
  if (!bus_.running() || bus_.is_hurt()) return false;
  for (const auto& publisher : publishers_) {
    if (!publisher->settled()) return false;
  }
  for (const auto& follower : followers_) {
    if (!follower->settled()) return false;
  }
  for (const auto& sharer : sharers_) {
    if (!sharer->settled()) return false;
  }
  return sharers_.empty() || rows_ == 0;
}

void Simulation::Heal() {
  world_.Say("everything is whole again");
  world_.healing = true;
  network_.Heal();
  network_.set_call_bytes_max(1024 * kCallKibMax);
  for (const auto& publisher : publishers_) {
    publisher->set_events_left(1);
    publisher->Stall(0);
  }
  for (const auto& follower : followers_) follower->Stall(0);
  for (const auto& sharer : sharers_) sharer->Stall(0);
  for (const int member : registrar_.Heal()) TellOfKey(member);
  // Until the operator has seen it once more.
  rows_ = 1;
  bus_stalled_until_us_ = 0;
}

void Simulation::Finish() {
  for (const auto& publisher : publishers_) publisher->CheckDone();
  for (const auto& follower : followers_) follower->CheckComplete();
  CheckShared();
  bus_.Stop(SimBus::End::kPowerCut);
  if (!bus_.Start()) bus_.Start();
  if (!bus_.running()) return;
  oracle_.CheckLog();
  bus_.Stop(SimBus::End::kStopped);
  if (world_.dice.Chance(2500)) bus_.CheckLog();
}

void Simulation::CheckShared() {
  if (sharers_.empty()) return;
  std::map<uint64_t, uint32_t> shown;
  for (const auto& sharer : sharers_) {
    for (const auto& [sequence, groups] : sharer->effects()) {
      shown[sequence] |= groups;
    }
  }
  const Member& member = sharers_.front()->member();
  for (uint64_t at = 1; at <= oracle_.end(); ++at) {
    const uint32_t may = oracle_.MayShow(member, at, oracle_.end());
    if ((may & ~shown[at]) != 0) {
      world_.Fail(kShared, ": of event ", at, " its members have groups ",
                  shown[at], " and may see ", may);
    }
  }
}

Result Simulation::Run() {
  const uint64_t chaos_until_us =
      world_.now_us + world_.dice.Between(3'000'000, 24'000'000);
  while (!world_.failed() && world_.now_us < chaos_until_us) Tick();
  if (!world_.failed()) Heal();
  const uint64_t settled_until_us = world_.now_us + kSettlesWithinUs;
  while (!world_.failed() && !Settled()) {
    Tick();
    if (world_.now_us < settled_until_us) continue;
    std::string who;
    for (const auto& each : publishers_)
      absl::StrAppend(&who, "\n  ", each->Where());
    for (const auto& each : followers_)
      absl::StrAppend(&who, "\n  ", each->Where());
    for (const auto& each : sharers_)
      absl::StrAppend(&who, "\n  ", each->Where(), ", ", rows_, " rows");
    world_.Fail("does not settle: bus ", bus_.running() ? "runs" : "is down",
                who);
  }
  if (!world_.failed()) Finish();
  Result result;
  result.failure = world_.failure;
  result.trace_hash = world_.trace_hash;
  result.events = oracle_.end();
  for (const auto& follower : followers_) {
    result.deliveries += follower->effects();
  }
  for (const auto& sharer : sharers_) {
    result.deliveries += sharer->effects().size();
  }
  result.restarts = restarts_;
  return result;
}

}  // namespace

Result Run(uint64_t seed, bool verbose) {
  return Simulation(seed, verbose).Run();
}

}  // namespace concordat::simulation

#include "services/bus/daemon/delivery_loop.h"

#include <algorithm>
#include <string>
#include <utility>

namespace concordat::bus {
namespace {

// Idle subscribers hear within this that they are up to date.
constexpr absl::Duration kTurn = absl::Milliseconds(20);
// Acknowledgements gather for this long: a sync for each would take the disk
// from the log. Nobody waits for AckStored; after a crash this much comes again.
constexpr absl::Duration kStoreEvery = absl::Milliseconds(100);
// What other processes stored is seen within this.
constexpr absl::Duration kLookAtPlacesEvery = absl::Seconds(1);
constexpr absl::Duration kSnapshotEvery = absl::Milliseconds(50);
// Of thousands of names it takes a while: at most one part of the time in so many.
constexpr int kSnapshotShare = 50;

}  // namespace

DeliveryLoop::DeliveryLoop(SessionServer& sessions, RegistrySource registry,
                           const SteadyClock& clock, DeliveryCore core,
                           PlaceStore& places, PlaceClaims* claims,
                           LoopMeters& meters, const Drain& drain, Hooks hooks,
                           std::unique_ptr<Background> disk,
                           std::unique_ptr<Background> reader)
    : sessions_(sessions),
      clock_(clock),
      meters_(meters),
      drain_(drain),
      registry_(std::move(registry), sessions, clock),
      core_(std::move(core)),
      places_(places),
      claims_(claims),
      hooks_(std::move(hooks)),
      disk_(std::move(disk)),
      reader_(std::move(reader)) {
  core_.ReadElsewhere([this](std::function<void()> read) {
    reader_->Post([this, read = std::move(read)] {
      read();
      sessions_.Wake();
    });
  });
}

void DeliveryLoop::Post(std::shared_ptr<const EventBlock> block) {
  bool first = false;
  {
    MutexLock lock(mu_);
    first = inbox_.empty();
    inbox_.push_back(std::move(block));
  }
  if (first) sessions_.Wake();
}

void DeliveryLoop::Perform(std::string key,
                           std::function<absl::Status(DeliveryCore&)> act,
                           Acted acted) {
  {
    MutexLock lock(mu_);
    if (!ended_) {
      acts_.push_back({std::move(key), std::move(act), std::move(acted)});
      acted = nullptr;
    }
  }
  if (acted != nullptr) return acted(absl::UnavailableError("the bus stops"));
  sessions_.Wake();
}

void DeliveryLoop::Stop() {
  stopping_ = true;
  sessions_.Wake();
}

void DeliveryLoop::Start() { sessions_.SetEnd(core_.folded(), core_.now_us()); }

void DeliveryLoop::LookAtDrain() {
  if (drain_.delivery() == admission_) return;
  admission_ = drain_.delivery();
  sessions_.Admit(admission_, drain_.words());
}

void DeliveryLoop::Turn() {
  LookAtDrain();
  events_.clear();
  sessions_.Poll(more_ ? absl::ZeroDuration() : kTurn, events_);
  TakeBlocks();
  for (const SessionEvent& event : events_) Take(event);
  LookAtRegistry();
  TakeActs();
  TakeClaimed();
  TakeStored();
  const bool is_recorded = disclosure_log_ == nullptr ||
                           core_.disclosures().runs() < kUnrecordedRunsMax;
  more_ = is_recorded && core_.Work(clock_.Elapsed());
  SendOutputs();
  TellOfLag();
  StorePlaces();
  LookAtPlaces();
  Publish();
}

void DeliveryLoop::Run() {
  Start();
  while (!stopping_) Turn();
  for (const auto& [session, open] : open_) {
    sessions_.Close(session, v1::REFUSAL_SHUTTING_DOWN, "the bus stops");
  }
  std::vector<Act> late;
  {
    MutexLock lock(mu_);
    ended_ = true;
    late = std::exchange(acts_, {});
  }
  const absl::Status stops = absl::UnavailableError("the bus stops");
  for (const Act& act : late) act.acted(stops);
  for (const Acted& acted : std::exchange(acted_, {})) acted(stops);
  // The background's destructor does what was posted.
  DirtyPlaces dirty = core_.TakeDirty();
  if (!dirty.empty() || !core_.disclosures().empty()) {
    Store(std::move(dirty), {});
  }
}

void DeliveryLoop::TakeActs() {
  std::vector<Act> acts;
  {
    MutexLock lock(mu_);
    acts = std::exchange(acts_, {});
  }
  for (Act& act : acts) {
    WithName(act.key, [this, act](const absl::Status& has_name) {
      const absl::Status status = has_name.ok() ? act.act(core_) : has_name;
      if (status.ok() && core_.is_waited_for()) {
        acted_.push_back(act.acted);
      } else {
        act.acted(status);
      }
    });
  }
  for (const std::string& key : core_.TakeExpired()) hooks_.on_expired(key);
}

void DeliveryLoop::LookAtRegistry() {
  const PrincipalRegistry* registry = registry_.Look();
  if (registry == nullptr) return;
  for (const auto& [session, open] : open_) {
    const v1::Principal* principal = registry->FindByName(open.principal);
    if (principal != nullptr) core_.RightsOf(session, *principal);
  }
}

void DeliveryLoop::Take(const SessionEvent& event) {
  switch (event.what) {
    case SessionEvent::What::kOpened:
      open_[event.session] = {event.principal->name(), event.purpose};
      return;
    case SessionEvent::What::kClosed:
      if (event.refusal != v1::REFUSAL_UNSPECIFIED) {
        hooks_.on_refused(open_[event.session].principal, event.refusal,
                          event.detail);
      }
      core_.Closed(event.session);
      open_.erase(event.session);
      return;
    case SessionEvent::What::kBody:
      break;
  }
  const auto parsed = [&](google::protobuf::MessageLite& body) {
    return body.ParseFromArray(event.body.view.data(),
                               static_cast<int>(event.body.view.size()));
  };
  v1::Ack ack;
  v1::Settle settle;
  v1::Subscribe subscribe;
  if (event.kind == FrameKind::kAck && parsed(ack)) {
    core_.Ack(event.session, ack.delivery());
  } else if (event.kind == FrameKind::kSettle && parsed(settle)) {
    core_.Settle(event.session, settle);
  } else if (event.kind == FrameKind::kSubscribe && parsed(subscribe)) {
    Subscribe(event, std::move(subscribe));
  } else {
    core_.Closed(event.session);
    sessions_.Close(event.session, v1::REFUSAL_PROTOCOL,
                    "not a frame of the delivery port");
  }
}

void DeliveryLoop::Subscribe(const SessionEvent& event,
                             v1::Subscribe subscribe) {
  const v1::Principal& principal = *event.principal;
  const std::string& purpose = open_[event.session].purpose;
  if (subscribe.name().empty()) {
    core_.Subscribe(event.session, principal, purpose, subscribe);
    return;
  }
  WithName(
      SubscriptionKey(principal.agency(), principal.role(), subscribe.name()),
      [this, session = event.session, principal, purpose,
       subscribe = std::move(subscribe)](const absl::Status& has_name) {
        if (!open_.contains(session)) return;
        if (!has_name.ok()) {
          core_.Closed(session);
          sessions_.Close(session,
                          absl::IsFailedPrecondition(has_name)
                              ? v1::REFUSAL_BUSY
                              : v1::REFUSAL_SHUTTING_DOWN,
                          std::string(has_name.message()));
          return;
        }
        core_.Subscribe(session, principal, purpose, subscribe);
      });
}

void DeliveryLoop::WithName(const std::string& key,
                            std::function<void(const absl::Status&)> then) {
  if (claims_ == nullptr || key.empty() || own_names_.contains(key)) {
    return then(absl::OkStatus());
  }
  auto& waiting = wanted_names_[key];
  waiting.push_back(std::move(then));
  if (waiting.size() > 1) return;
  disk_->Post([this, key] {
    absl::StatusOr<std::optional<Place>> place = claims_->Take(key);
    {
      MutexLock lock(mu_);
      claimed_.push_back({key, std::move(place)});
    }
    sessions_.Wake();
  });
}

void DeliveryLoop::TakeClaimed() {
  std::vector<ClaimResult> claimed;
  std::optional<Places> all;
  {
    MutexLock lock(mu_);
    claimed = std::exchange(claimed_, {});
    all = std::exchange(all_places_, std::nullopt);
  }
  // Read before what was claimed since; of names that are claimed it says less
  // than is known.
  if (all.has_value()) core_.Refresh(*std::move(all), own_names_);
  for (const ClaimResult& result : claimed) {
    if (result.place.ok()) {
      own_names_.insert(result.key);
      core_.Took(result.key, *result.place);
    }
    for (const auto& then : std::exchange(wanted_names_[result.key], {})) {
      then(result.place.status());
    }
    wanted_names_.erase(result.key);
  }
}

std::set<std::string> DeliveryLoop::TakeUnusedNames() {
  std::set<std::string> unused;
  for (const std::string& key : own_names_) {
    if (!core_.IsUsed(key)) unused.insert(key);
  }
  for (const std::string& key : unused) own_names_.erase(key);
  return unused;
}

void DeliveryLoop::LookAtPlaces() {
  const absl::Duration now = clock_.Elapsed();
  if (claims_ == nullptr || now - looked_at_places_ < kLookAtPlacesEvery) {
    return;
  }
  looked_at_places_ = now;
  disk_->Post([this] {
    absl::StatusOr<Places> all = claims_->All();
    if (!all.ok()) return;  // The next look may tell.
    MutexLock lock(mu_);
    all_places_ = *std::move(all);
  });
}

void DeliveryLoop::TakeBlocks() {
  std::vector<std::shared_ptr<const EventBlock>> blocks;
  {
    MutexLock lock(mu_);
    blocks = std::exchange(inbox_, {});
  }
  for (auto& block : blocks) {
    const absl::Status folded = core_.Durable(std::move(block));
    if (!folded.ok()) return hooks_.on_fatal(folded);
  }
  if (!blocks.empty()) sessions_.SetEnd(core_.folded(), core_.now_us());
}

void DeliveryLoop::TakeStored() {
  std::vector<StoreResult> stored;
  {
    MutexLock lock(mu_);
    stored = std::exchange(stored_, {});
  }
  for (const StoreResult& result : stored) {
    storing_ = false;
    if (result.status.ok()) {
      core_.Stored(result.places);
    } else {
      hooks_.on_cursors_failed(result.status, result.recorded);
    }
    for (const Acted& acted : result.acted) acted(result.status);
  }
}

void DeliveryLoop::SendOutputs() {
  for (DeliveryOutput& output : core_.TakeOutputs()) {
    if (output.kind == FrameKind::kClosed) {
      sessions_.Close(output.session, output.refusal, std::move(output.detail));
    } else {
      sessions_.SendFrame(output.session, output.kind, std::move(output.frame));
      if (output.live_through.value > 0) meters_.Delivered(output.live_through);
    }
  }
}

void DeliveryLoop::TellOfLag() {
  // Not told to and fro about every block.
  const absl::Duration most = core_.options().urgent_lag_max;
  const bool lags = core_.UrgentLag() > (lags_ ? most / 2 : most);
  if (lags == lags_) return;
  lags_ = lags;
  hooks_.on_urgent_lag(lags);
}

void DeliveryLoop::StorePlaces() {
  const bool due = clock_.Elapsed() - stored_at_ >= kStoreEvery;
  if (disclosure_log_ == nullptr) core_.TakeDisclosures();
  if (storing_ || (!due && !core_.is_waited_for())) return;
  stored_at_ = clock_.Elapsed();
  DirtyPlaces dirty = core_.TakeDirty();
  // All that was acknowledged under these is in what is stored now.
  std::set<std::string> unused = TakeUnusedNames();
  if (dirty.empty() && unused.empty() && core_.disclosures().empty()) return;
  storing_ = true;
  Store(std::move(dirty), std::move(unused));
}

void DeliveryLoop::Store(DirtyPlaces dirty, std::set<std::string> unused) {
  disk_->Post([this, dirty = std::move(dirty), unused = std::move(unused),
               disclosures = core_.TakeDisclosures(), log_us = core_.now_us(),
               acted = std::exchange(acted_, {})]() mutable {
    absl::Status status = RecordAll(disclosures, log_us);
    const bool recorded = status.ok();
    // A place that is stored has told what was delivered before it.
    if (recorded && !dirty.empty()) {
      status = places_.Store(dirty.places, dirty.removed);
    }
    // What cannot be released is free when this process has ended.
    if (status.ok() && !unused.empty()) claims_->Release(unused).IgnoreError();
    {
      MutexLock lock(mu_);
      stored_.push_back(
          {std::move(dirty), std::move(acted), recorded, std::move(status)});
    }
    sessions_.Wake();
  });
}

absl::Status DeliveryLoop::RecordAll(const std::vector<Disclosure>& disclosures,
                                     uint64_t log_us) {
  if (disclosure_log_ == nullptr || disclosures.empty()) {
    return absl::OkStatus();
  }
  return disclosure_log_->Record(disclosures, log_us);
}

void DeliveryLoop::Publish() {
  const absl::Duration now = clock_.Elapsed();
  if (now < publish_at_) return;
  DeliverySnapshot snapshot = {core_.List(), core_.folded(), open_.size(),
                               !storing_ && !core_.is_dirty(),
                               core_.UrgentLag()};
  const absl::Duration took = clock_.Elapsed() - now;
  publish_at_ = now + std::max(kSnapshotEvery, kSnapshotShare * took);
  MutexLock lock(mu_);
  snapshot_ = std::move(snapshot);
}

DeliverySnapshot DeliveryLoop::Snapshot() const {
  MutexLock lock(mu_);
  return snapshot_;
}

}  // namespace concordat::bus

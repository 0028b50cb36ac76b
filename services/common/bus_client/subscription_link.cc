#include "services/common/bus_client/subscription_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"
#include "services/common/event/codec.h"

namespace concordat {
namespace {

// A Deliver of two numbers; with a view it is longer.
constexpr size_t kNoViewsBytes = 27;
// Acknowledgements travel together for this long.
constexpr absl::Duration kAckEvery = absl::Milliseconds(5);
constexpr char kAtEnd[] = "everything up to the end asked for was returned";
// The holder before us may be ourselves, before the bus has missed it.
constexpr absl::Duration kBusyFor = absl::Seconds(10);

uint32_t GroupsOf(const View& view) {
  uint32_t groups = 0;
  for (const View::Group& group : view.groups) groups |= 1u << group.number;
  return groups;
}

// What a refusal means for good; OK: try again.
absl::Status Verdict(bus::v1::Refusal refusal, const std::string& detail) {
  const std::string text =
      absl::StrCat(bus::v1::Refusal_Name(refusal), ": ", detail);
  switch (refusal) {
    case bus::v1::REFUSAL_WRONG_ENVIRONMENT:
    case bus::v1::REFUSAL_NOT_REGISTERED:
    case bus::v1::REFUSAL_REVOKED:
    case bus::v1::REFUSAL_NO_GRANT:
      return absl::PermissionDeniedError(text);
    case bus::v1::REFUSAL_FORKED:
      return absl::DataLossError(text);
    case bus::v1::REFUSAL_UNKNOWN_SUBSCRIPTION:
    case bus::v1::REFUSAL_SET_ASIDE:
      return absl::FailedPreconditionError(text);
    case bus::v1::REFUSAL_TOO_MANY:
      return absl::ResourceExhaustedError(text);
    case bus::v1::REFUSAL_MALFORMED:
      return absl::InvalidArgumentError(text);
    default:
      return absl::OkStatus();
  }
}

bus::v1::Settlement ToWire(SettlementMode mode) {
  switch (mode) {
    case SettlementMode::kUpTo:
      return bus::v1::SETTLEMENT_UNSPECIFIED;
    case SettlementMode::kSingly:
      return bus::v1::SETTLEMENT_SINGLY;
    case SettlementMode::kShared:
      return bus::v1::SETTLEMENT_SHARED;
  }
  return bus::v1::SETTLEMENT_UNSPECIFIED;
}

}  // namespace

SubscriptionLink::SubscriptionLink(SubscribeOptions options, Dialer& dialer,
                                   ClientIdentity identity, DoorFinder finder,
                                   std::function<void()> wake)
    : options_(std::move(options)),
      wake_(std::move(wake)),
      connection_(dialer, std::move(identity), std::move(finder), *this),
      window_({options_.after, options_.backfilled_through}, keeps_place()),
      log_epoch_(options_.log_epoch),
      scanned_through_(options_.after),
      backfilled_through_(options_.backfilled_through) {}

absl::StatusOr<Delivery> SubscriptionLink::Next(absl::Duration timeout) {
  std::optional<absl::Duration> deadline;
  absl::StatusOr<Delivery> delivery = Delivery();
  MutexLock lock(mu_);
  while (true) {
    if (TakeOne(*delivery)) return delivery;
    if (queue_.empty()) {
      if (!status_.ok()) return status_;
      if (timeout <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError("nothing came");
      }
      if (!deadline) deadline = SteadyNow() + timeout;
      const bool is_something = changed_.WaitFor(
          mu_, std::max(*deadline - SteadyNow(), absl::ZeroDuration()),
          [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
            return !queue_.empty() || !status_.ok();
          });
      if (!is_something) return absl::DeadlineExceededError("nothing came");
      continue;
    }
    const OwnedBytes bytes = std::move(queue_.front());
    queue_.pop_front();
    const uint64_t generation = generation_;
    mu_.Unlock();  // Decoding is the long part.
    absl::StatusOr<DecodedViews<bus::v1::Deliver>> decoded =
        DecodeDeliver(bytes.view);
    mu_.Lock();
    if (!decoded.ok()) {
      status_ = absl::InternalError(
          absl::StrCat("a delivery is none: ", decoded.status().message()));
      queue_.clear();
      continue;
    }
    chunk_ = {generation, std::move(decoded->rest), std::move(decoded->views),
              0};
  }
}

bool SubscriptionLink::TakeOne(Delivery& delivery) {
  if (chunk_.generation != generation_) chunk_ = {};
  const bus::v1::Deliver& frame = chunk_.rest;
  const Sequence cause = {frame.backfill_cause()};
  while (chunk_.at < chunk_.views.size()) {
    const size_t at = chunk_.at++;
    View& view = chunk_.views[at];
    if (singly()) {
      const std::optional<uint64_t> number = settle_window_.Take(
          frame.first_delivery() + at, view.sequence, cause);
      if (!number) {
        WakeToAck();
        continue;
      }
      const int attempts = frame.attempts_size();
      delivery.number = *number;
      delivery.view = std::move(view);
      delivery.backfill_cause = cause;
      delivery.scanned_through = scanned_through_;
      delivery.attempt = static_cast<int>(at) < attempts
                             ? frame.attempts(static_cast<int>(at))
                             : 1;
      return true;
    }
    const bool is_last = chunk_.at == chunk_.views.size();
    const uint64_t through = is_last            ? frame.scanned_through()
                             : cause.value == 0 ? view.sequence.value
                                                : 0;
    backfilled_through_.value = std::max(backfilled_through_.value, through);
    if (cause.value == 0) {
      scanned_through_ = std::max(scanned_through_, view.sequence);
    }
    if (is_last)
      scanned_through_.value = std::max(scanned_through_.value, through);
    const std::optional<uint64_t> number =
        window_.Take(frame.first_delivery() + at, view.sequence, cause,
                     Sequence{through}, GroupsOf(view));
    if (!number) {
      // Handed out before; the bus still waits for its acknowledgement.
      WakeToAck();
      continue;
    }
    delivery.number = *number;
    delivery.view = std::move(view);
    delivery.backfill_cause = cause;
    delivery.scanned_through = backfilled_through_;
    return true;
  }
  scanned_through_.value =
      std::max(scanned_through_.value, frame.scanned_through());
  if (frame.ended() && status_.ok()) {
    status_ = absl::OutOfRangeError(kAtEnd);
    at_end_ = true;
    wake_();
  }
  return false;
}

void SubscriptionLink::Ack(uint64_t number) {
  {
    MutexLock lock(mu_);
    if (singly()) {
      settle_window_.DoneUpTo(number);
    } else {
      window_.Ack(number);
    }
  }
  WakeToAck();
}

void SubscriptionLink::Settle(uint64_t number) {
  CONCORDAT_CHECK(singly());
  {
    MutexLock lock(mu_);
    settle_window_.Done(number);
  }
  WakeToAck();
}

void SubscriptionLink::Nack(uint64_t number, absl::Duration delay,
                            std::string reason) {
  CONCORDAT_CHECK(singly());
  {
    MutexLock lock(mu_);
    settle_window_.Nack(number, delay, std::move(reason));
  }
  WakeToAck();
}

void SubscriptionLink::WakeToAck() {
  if (!ack_waits_.exchange(true)) wake_();
}

Sequence SubscriptionLink::log_end() const { return {log_end_}; }

Sequence SubscriptionLink::scanned_through() const {
  MutexLock lock(mu_);
  return scanned_through_;
}

bool SubscriptionLink::connected() const { return connected_; }

RemovedEvents SubscriptionLink::removed() const {
  MutexLock lock(mu_);
  return removed_;
}

LogEpoch SubscriptionLink::log_epoch() const {
  MutexLock lock(mu_);
  return log_epoch_;
}

bool SubscriptionLink::Step(absl::Duration now) {
  if (ended_) return false;
  if (at_end_) {
    End(absl::OutOfRangeError(kAtEnd), now);
    return false;
  }
  const bool more = connection_.Step(now);
  if (connection_.open()) {
    const uint64_t end = connection_.session().log_end();
    if (end > log_end_) log_end_ = end;
    SendAck(now);
  }
  return more;
}

absl::Duration SubscriptionLink::due() const {
  if (ended_) return absl::InfiniteDuration();
  if (!ack_waits_ || !connected_) return connection_.due();
  return std::min(connection_.due(), acked_at_ + kAckEvery);
}

bool SubscriptionLink::SendAck(absl::Duration now) {
  if (!connected_ || !ack_waits_ || now < acked_at_ + kAckEvery) return false;
  ack_waits_ = false;
  if (singly()) {
    std::vector<bus::v1::Settle> settles;
    {
      MutexLock lock(mu_);
      while (auto settle = settle_window_.Next()) {
        settles.push_back(*std::move(settle));
      }
    }
    for (const bus::v1::Settle& settle : settles) {
      connection_.Send(FrameKind::kSettle, settle.SerializeAsString(), now);
    }
    acked_at_ = now;
    return !settles.empty();
  }
  uint64_t ackable = 0;
  {
    MutexLock lock(mu_);
    ackable = window_.ackable();
  }
  if (ackable <= acked_) return false;
  bus::v1::Ack ack;
  ack.set_delivery(ackable);
  connection_.Send(FrameKind::kAck, ack.SerializeAsString(), now);
  acked_ = ackable;
  acked_at_ = now;
  return true;
}

void SubscriptionLink::OnOpen(absl::Duration now) {
  bus::v1::Subscribe subscribe;
  subscribe.set_name(options_.name);
  for (const std::string& type : options_.types) {
    subscribe.mutable_filter()->add_types(type);
  }
  for (const std::string& agency : options_.agencies) {
    subscribe.mutable_filter()->add_agencies(agency);
  }
  for (const PersonKey& person : options_.persons) {
    subscribe.mutable_filter()->add_persons(person.ToString());
  }
  for (const std::string& stream : options_.streams) {
    subscribe.mutable_filter()->add_streams(stream);
  }
  subscribe.set_own_place(options_.own_place);
  subscribe.set_settlement(ToWire(options_.settlement));
  subscribe.set_through(options_.through.value);
  subscribe.set_to_time(options_.to_time_us);
  subscribe.set_credit_events(options_.credit_events);
  subscribe.set_credit_bytes(options_.credit_bytes);
  subscribe.set_urgent(options_.urgent);
  MutexLock lock(mu_);
  ++generation_;
  queue_.clear();
  window_.Restart();
  settle_window_.Restart();
  acked_ = 0;
  if (keeps_place() && connected_once_) {
    subscribe.set_after(window_.place().after.value);
    subscribe.set_backfilled_through(window_.place().backfilled_through.value);
  } else {
    subscribe.set_after(options_.after.value);
    subscribe.set_backfilled_through(options_.backfilled_through.value);
    subscribe.set_from_latest(options_.from_latest);
    subscribe.set_from_time(options_.from_time_us);
  }
  if (!log_epoch_.log_id.empty()) {
    subscribe.set_log_id(log_epoch_.log_id);
    subscribe.set_epoch(log_epoch_.epoch);
    subscribe.set_seen(scanned_through_.value);
  }
  connection_.Send(FrameKind::kSubscribe, subscribe.SerializeAsString(), now);
}

bool SubscriptionLink::OnFrame(FrameKind kind, OwnedBytes body,
                               absl::Duration) {
  const int size = static_cast<int>(body.view.size());
  if (kind == FrameKind::kSubscribed) {
    bus::v1::Subscribed subscribed;
    if (!subscribed.ParseFromArray(body.view.data(), size)) return false;
    connection_.Progress();
    busy_since_ = absl::InfiniteDuration();
    log_end_ = std::max<uint64_t>(log_end_, subscribed.end_sequence());
    MutexLock lock(mu_);
    removed_ = {{subscribed.removed_through()}, subscribed.removed_time()};
    if (!connected_once_) {
      // A tail from the latest starts here, whenever it has to start again.
      window_.StartAfter({subscribed.after()});
      scanned_through_ =
          std::max(scanned_through_, Sequence{subscribed.after()});
    }
    // It has all that was shown so far.
    log_epoch_.log_id = connection_.session().welcome().log_id();
    log_epoch_.epoch = connection_.session().welcome().epoch();
    connected_once_ = true;
    connected_ = true;
    return true;
  }
  if (!connected_) return false;
  if (kind == FrameKind::kDeliver) {
    MutexLock lock(mu_);
    // Frames that only tell how far was judged: the newest says it all.
    if (!queue_.empty() && body.view.size() <= kNoViewsBytes &&
        queue_.back().view.size() <= kNoViewsBytes) {
      queue_.pop_back();
    }
    queue_.push_back(std::move(body));
    changed_.NotifyAll();
    return true;
  }
  if (kind == FrameKind::kAckStored) {
    bus::v1::AckStored stored;
    if (!stored.ParseFromArray(body.view.data(), size)) return false;
    MutexLock lock(mu_);
    window_.Stored(stored.delivery());
    settle_window_.Stored(stored.settles());
    return true;
  }
  return false;
}

void SubscriptionLink::OnLost(bus::v1::Refusal refusal,
                              const std::string& detail, absl::Duration now) {
  connected_ = false;
  absl::Status verdict = Verdict(refusal, detail);
  if (refusal == bus::v1::REFUSAL_BUSY) {
    busy_since_ = std::min(busy_since_, now);
    if (now - busy_since_ >= kBusyFor) {
      verdict = absl::FailedPreconditionError(
          absl::StrCat("the subscription has another holder: ", detail));
    }
  }
  if (!verdict.ok()) End(std::move(verdict), now);
}

void SubscriptionLink::End(absl::Status why, absl::Duration now) {
  if (ended_) return;
  acked_at_ = -absl::InfiniteDuration();
  if (connection_.open()) SendAck(now);
  connection_.Close(now);
  ended_ = true;
  connected_ = false;
  MutexLock lock(mu_);
  status_ = std::move(why);
  changed_.NotifyAll();
}

}  // namespace concordat

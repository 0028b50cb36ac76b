// Subscriptions that settle their deliveries singly: members come and go, what
// is ready is shared out among them.
#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/common/event/amends.h"
#include "services/common/event/reference_rules.h"

namespace concordat::bus {
namespace {

// What is looked up in the log ahead of members that can take it.
constexpr size_t kReadyMax = 1024;
constexpr int kSettleMax = 4096;
// Instead of a reason that no operator may read.
constexpr char kWithheld[] = "withheld: it looked like a number or an address";

}  // namespace

void DeliveryCore::JoinSingly(Subscription sub, const v1::Subscribe& request) {
  auto found = singly_.find(sub.key);
  if (found == singly_.end()) {
    LoadAmendments().IgnoreError();  // Its first turn says what is wrong.
    const bool stored = places_.count(sub.key) > 0;
    Cursor cursor = sub.cursor;
    cursor.scan = sub.place.acknowledged;
    Settlement settlement = SettlementOf(std::move(sub.place));
    // What is settled above the floor was judged too, before these.
    AddBackfills(cursor, settlement.judged(),
                 std::max(cursor.scan, settlement.scanned()));
    found = singly_
                .emplace(sub.key,
                         Singly{std::move(cursor),
                                std::move(settlement),
                                request.settlement() == v1::SETTLEMENT_SHARED,
                                stored,
                                /*dirty=*/false,
                                {}})
                .first;
  }
  Singly& singly = found->second;
  if (singly.cursor.recipient != sub.cursor.recipient ||
      !(singly.cursor.filter == sub.cursor.filter)) {
    return Refuse(sub.session, v1::REFUSAL_BUSY,
                  "its members have another purpose or filter");
  }
  sub.place = {};
  sub.singly = &singly;
  singly.members.push_back(sub.session);
  const SessionId session = sub.session;
  Subscription& kept =
      subscriptions_.emplace(session, std::move(sub)).first->second;
  if (singly.stored) return SaySubscribed(kept);
  singly.dirty = true;
  dirty_.tell.push_back({session});
  dirty_.is_waited_for = true;
}

void DeliveryCore::LeaveSingly(Subscription& sub) {
  Singly& singly = *sub.singly;
  singly.settlement.Gone(sub.session);
  singly.dirty = true;
  std::erase(singly.members, sub.session);
  if (!singly.members.empty()) return;
  singly.settlement.Use(real_us());
  SetPlace(sub.key, PlaceOf(singly));
  singly_.erase(sub.key);
}

Settlement DeliveryCore::SettlementOf(Place place) const {
  // Its longest back-off, and its turn among those that were redriven.
  const absl::Duration wait_max =
      options_.redelivery.backoff_max +
      absl::Seconds(place.rows.size()) / options_.redrive_per_s;
  return Settlement(std::move(place), options_.redelivery, options_.started,
                    now_, wait_max);
}

Place DeliveryCore::PlaceOf(const Singly& singly) const {
  return singly.settlement.place(singly.cursor.scan);
}

void DeliveryCore::Settle(SessionId session, const v1::Settle& settle) {
  const auto found = subscriptions_.find(session);
  if (found == subscriptions_.end()) {
    return Refuse(session, v1::REFUSAL_UNKNOWN_SUBSCRIPTION,
                  "nothing is subscribed here");
  }
  Subscription& sub = found->second;
  if (sub.singly == nullptr) {
    return Refuse(session, v1::REFUSAL_PROTOCOL,
                  "this subscription does not settle singly");
  }
  if (settle.done_size() + settle.nacks_size() > kSettleMax) {
    return Refuse(session, v1::REFUSAL_PROTOCOL, "settles too many at once");
  }
  Settlement& settlement = sub.singly->settlement;
  for (const uint64_t delivery : settle.done()) {
    if (!settlement.Done(session, delivery)) {
      return Refuse(session, v1::REFUSAL_PROTOCOL, "settles what is not out");
    }
    disclosures_.Settled(session, delivery);
  }
  for (const v1::Nack& nack : settle.nacks()) {
    if (nack.reason().size() > Row::kReasonBytesMax ||
        !IsPrintable(nack.reason())) {
      return Refuse(session, v1::REFUSAL_MALFORMED,
                    "reason: at most 128 printable bytes");
    }
    const bool names_somebody = !BrokenReferenceRule(nack.reason()).empty();
    if (!settlement.Nack(session, nack.delivery(),
                         absl::Milliseconds(nack.delay_ms()),
                         names_somebody ? kWithheld : nack.reason())) {
      return Refuse(session, v1::REFUSAL_PROTOCOL, "settles what is not out");
    }
  }
  sub.acknowledged_at = now_;
  sub.singly->dirty = true;
  dirty_.tell.push_back({session, 0, ++sub.settles});
}

DeliveryCore::Turned DeliveryCore::TurnSingly(Singly& singly,
                                              absl::Duration now) {
  Settlement& settlement = singly.settlement;
  settlement.Tick(now);
  size_t scanned = 0;
  absl::Status status = ScanSingly(singly, scanned);
  // Who has the most room left comes first, or had the fewest.
  absl::InlinedVector<std::pair<size_t, Subscription*>, 4> takers;
  for (const SessionId member : singly.members) {
    Subscription& sub = subscriptions_.at(member);
    const size_t out = settlement.out_to(member);
    if (!sub.ready || out >= sub.credit_events ||
        settlement.bytes_out_to(member) >= sub.credit_bytes) {
      continue;
    }
    takers.push_back({sub.credit_events - out, &sub});
  }
  std::sort(takers.begin(), takers.end(), [](const auto& a, const auto& b) {
    return a.first != b.first
               ? a.first > b.first
               : a.second->next_delivery < b.second->next_delivery;
  });
  const size_t before = settlement.ready_count();
  const size_t share =
      takers.empty() ? 0 : (before + takers.size() - 1) / takers.size();
  for (const auto& [room, sub] : takers) {
    if (status.ok()) {
      status = SendReady(singly, *sub, std::min(share, room), now);
    }
  }
  if (!status.ok()) {
    DropFrame();
    const std::vector<SessionId> members = singly.members;
    for (const SessionId member : members) {
      Refuse(member, v1::REFUSAL_SHUTTING_DOWN,
             absl::StrCat("the log cannot be read: ", status.message()));
    }
    return {};
  }
  const size_t cost =
      CostOf(scanned, before - std::min(before, settlement.ready_count()));
  const bool has_more =
      settlement.ready_count() > 0 || !singly.cursor.backfills.empty() ||
      (settlement.TakesMore() && singly.cursor.scan < fold_.folded());
  return {cost, cost > 0 && has_more};
}

absl::Status DeliveryCore::ScanSingly(Singly& singly, size_t& scanned) {
  if (!singly.stored || singly.settlement.paused()) return absl::OkStatus();
  const absl::Status status = ScanLive(singly, scanned);
  return status.ok() ? OfferAmendments(singly) : status;
}

absl::Status DeliveryCore::ScanLive(Singly& singly, size_t& scanned) {
  Cursor& cursor = singly.cursor;
  Settlement& settlement = singly.settlement;
  const auto has_room = [&] {
    return settlement.TakesMore() && settlement.ready_count() < kReadyMax;
  };
  if (!has_room()) return absl::OkStatus();
  if (!cursor.backfills.empty()) {
    const Sequence cause = cursor.backfills.front().change->cause;
    const auto ran =
        RunBackfill(cursor, has_room, [&](const StoredEvent& event, GroupMask) {
          settlement.Offer({event.sequence, cause}, OrderingKey(event.header),
                           cursor.scan, {cause.value - 1},
                           Amends(event.header));
        });
    if (!ran.ok()) return ran.status();
    if (*ran) scanned = kJudgedPerView;
    settlement.Passed(cursor.scan, JudgedPolicy(cursor));
    return absl::OkStatus();
  }
  while (cursor.scan < fold_.folded() && scanned < kScanMax && has_room()) {
    const auto found =
        FindBlock(cursor.filter, cursor.reading, fold_.folded(), cursor.scan);
    if (!found.ok()) return found.status();
    if (*found == Found::kWaits) break;
    if (*found == Found::kPassed) {
      scanned += kSkipCost;
      continue;
    }
    const std::shared_ptr<const EventBlock> block = cursor.reading.block;
    const std::vector<GroupMask>& masks = MasksOf(*cursor.recipient, block);
    size_t at = static_cast<size_t>(cursor.scan.value + 1 -
                                    block->events.front().sequence.value);
    for (; at < block->events.size() && scanned < kScanMax && has_room();
         ++at, ++scanned) {
      const StoredEvent& event = block->events[at];
      // Read from the log, it may be ahead of the policy.
      if (event.sequence > fold_.folded()) break;
      cursor.scan = event.sequence;
      if (masks[at] != 0 && cursor.filter.Wants(event.header)) {
        settlement.Offer({event.sequence, {0}}, OrderingKey(event.header),
                         event.sequence, fold_.folded(), Amends(event.header));
      }
    }
  }
  settlement.Passed(cursor.scan, JudgedPolicy(cursor));
  return absl::OkStatus();
}

absl::StatusOr<StoredEvent> DeliveryCore::EventAt(const Singly& singly,
                                                  Sequence at) const {
  const auto in = [&](const EventBlock& block) -> const StoredEvent* {
    if (block.events.empty() || block.events.front().sequence > at ||
        block.events.back().sequence < at) {
      return nullptr;
    }
    return &block.events[static_cast<size_t>(
        at.value - block.events.front().sequence.value)];
  };
  const EventBlock* const reading = singly.cursor.reading.block.get();
  if (reading != nullptr) {
    if (const StoredEvent* event = in(*reading)) return *event;
  }
  if (const auto recent = RecentWith(at)) return *in(*recent);
  return log_.ReadOne(at);
}

absl::Status DeliveryCore::SendReady(Singly& singly, Subscription& sub,
                                     size_t count_max, absl::Duration now) {
  Settlement& settlement = singly.settlement;
  const Recipient& to = sub.cursor.recipient->to;
  std::vector<uint32_t> attempts;
  bool is_repeated = false;
  Sequence cause;
  while (encoder_.views() < std::min(count_max, kViewsMax) &&
         encoder_.bytes() < FrameBytesMax(singly.cursor) &&
         !settlement.paused() &&
         settlement.bytes_out_to(sub.session) < sub.credit_bytes) {
    const std::optional<Settlement::Ready> next = settlement.ready();
    if (!next || (encoder_.views() > 0 && next->id.cause != cause)) break;
    cause = next->id.cause;
    const absl::StatusOr<StoredEvent> event =
        EventAt(singly, next->id.sequence);
    if (!event.ok()) return event.status();
    const GroupMask mask = fold_.Shown(*event, to);
    if (mask == 0) {
      settlement.Drop(next->order);
      singly.dirty = true;
      continue;
    }
    const size_t bytes = Encode(*sub.cursor.recipient, *event, mask);
    settlement.Sent(next->order, sub.session, sub.next_delivery++, bytes,
                    fold_.folded());
    attempts.push_back(next->attempt);
    is_repeated |= next->attempt > 1;
  }
  if (!is_repeated) attempts.clear();
  // What it is told is done with: by whichever member.
  const Sequence through =
      std::min(settlement.acknowledged(), settlement.judged());
  SendFrame(sub, cause, through, /*at_end=*/true, now, attempts);
  return absl::OkStatus();
}

SubscriptionInfo DeliveryCore::InfoOf(const std::string& key) const {
  SubscriptionInfo info;
  const std::vector<std::string> parts =
      absl::StrSplit(key, absl::MaxSplits('/', 2));
  if (parts.size() == 3) {
    info.agency = parts[0];
    info.role = parts[1];
    info.name = parts[2];
  }
  info.stalled_since = StalledSince(key);
  const auto place = places_.find(key);
  if (place == places_.end()) return info;
  info.acknowledged = info.sent = place->second.acknowledged;
  info.paused = place->second.paused;
  info.used_us = place->second.used_us;
  if (IsAhead(place->second.log_id, place->second.acknowledged)) return info;
  if (place->second.acknowledged > fold_.folded() ||
      !IsOfLog(log_.Status(), place->second.log_id, place->second.epoch,
               place->second.acknowledged)) {
    info.stopped_because = "its place is not of this log and epoch";
    return info;
  }
  const auto say_if_full = [&](bool is_full) {
    if (!is_full) return;
    info.stopped_because = absl::StrCat(
        "as many events wait or are set aside as may (",
        options_.redelivery.set_aside_max, "): redrive or park them");
  };
  const auto found = singly_.find(key);
  if (found == singly_.end()) {
    const std::vector<Row>& rows = place->second.rows;
    info.singly = !rows.empty();
    for (const Row& row : rows) {
      info.waiting += row.state == RowState::kWaiting;
      info.set_aside += row.state == RowState::kSetAside;
      info.parked += row.state == RowState::kParked;
    }
    say_if_full(rows.size() >= options_.redelivery.set_aside_max);
    return info;
  }
  const Singly& singly = found->second;
  info.singly = true;
  info.paused = singly.settlement.paused();
  info.acknowledged = singly.settlement.acknowledged();
  info.sent = singly.cursor.scan;
  info.members = singly.members.size();
  const Settlement::Counts counts = singly.settlement.counts();
  info.outstanding = counts.out;
  info.waiting = counts.waiting;
  info.set_aside = counts.set_aside;
  info.parked = counts.parked;
  say_if_full(singly.settlement.rows_full());
  for (const SessionId member : singly.members) {
    const Subscription& sub = subscriptions_.at(member);
    info.connected = true;
    info.connected_at = std::max(info.connected_at, sub.connected_at);
    info.acknowledged_at = std::max(info.acknowledged_at, sub.acknowledged_at);
    info.outstanding_bytes += singly.settlement.bytes_out_to(member);
  }
  return info;
}

}  // namespace concordat::bus

// One subscription's turn: what of the log it is sent next.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
// Events of a person that are looked up one by one in a turn.
constexpr size_t kLookUpsMax = 16;
constexpr size_t kJudgedKept = 4;

bool Holds(const EventBlock& block, Sequence next) {
  return !block.events.empty() && block.events.front().sequence <= next &&
         block.events.back().sequence >= next;
}

// Borrows the filter.
Interest InterestOf(const EventFilter& filter) {
  Interest interest;
  if (!filter.types().empty()) {
    interest.type = [&filter](absl::string_view type) {
      return filter.WantsType(type);
    };
  }
  if (!filter.agencies().empty()) interest.agencies = &filter.agencies();
  if (!filter.persons().empty()) interest.persons = &filter.persons();
  return interest;
}

}  // namespace

absl::Status DeliveryCore::FindEnd(Cursor& cursor) const {
  if (cursor.end_us == 0 || fold_.now_us() < cursor.end_us) {
    return absl::OkStatus();
  }
  const auto last = LastBefore(log_, cursor.end_us, {0}, fold_.folded());
  if (!last.ok()) return last.status();
  cursor.end = std::min(cursor.end, *last);
  cursor.end_us = 0;
  return absl::OkStatus();
}

DeliveryCore::Turned DeliveryCore::Turn(Subscription& sub, absl::Duration now) {
  if (!sub.ready || sub.place.paused || sub.ended) return {};
  Cursor& cursor = sub.cursor;
  size_t scanned = 0;
  Sequence cause;
  absl::Status status = FindEnd(cursor);
  if (!status.ok()) {
    // Said below.
  } else if (!cursor.backfills.empty()) {
    cause = cursor.backfills.front().change->cause;
    if (HasRoom(sub)) {
      const auto ran = RunBackfill(
          cursor, [&] { return HasRoom(sub); },
          [&](const StoredEvent& event, GroupMask mask) {
            AddView(sub, event, mask, cursor.scan);
          });
      status = ran.status();
      if (ran.ok() && *ran) scanned = kJudgedPerView;
    }
  } else {
    status = Scan(sub, scanned);
  }
  if (!status.ok()) {
    DropFrame();
    Refuse(sub.session, v1::REFUSAL_SHUTTING_DOWN,
           absl::StrCat("the log cannot be read: ", status.message()));
    return {};
  }
  // Nothing is left between what was sent last and here.
  if (sub.out.empty()) {
    sub.place.acknowledged = cursor.scan;
    sub.place.judged = JudgedPolicy(cursor);
  } else {
    sub.out.back().acknowledged = cursor.scan;
    sub.out.back().judged = JudgedPolicy(cursor);
  }
  const bool at_end = cursor.scan >= EndOf(cursor) && cursor.backfills.empty();
  sub.ended = at_end && cursor.scan >= cursor.end;
  const size_t cost = CostOf(scanned, encoder_.views());
  SendFrame(sub, cause, ScannedThrough(cursor), at_end, now);
  return {cost, cost > 0 && HasRoom(sub) && !at_end};
}

size_t DeliveryCore::CostOf(size_t scanned, size_t views) {
  return views + (scanned + kJudgedPerView - 1) / kJudgedPerView;
}

bool DeliveryCore::HasRoom(const Subscription& sub) const {
  return encoder_.views() < kViewsMax &&
         encoder_.bytes() < FrameBytesMax(sub.cursor) &&
         sub.out.size() < sub.credit_events && sub.out_bytes < sub.credit_bytes;
}

std::shared_ptr<const EventBlock> DeliveryCore::RecentWith(
    Sequence next) const {
  const auto after = std::partition_point(
      recent_.begin(), recent_.end(), [&](const Recent& one) {
        return one.block->events.front().sequence <= next;
      });
  if (after == recent_.begin()) return nullptr;
  const auto& block = std::prev(after)->block;
  return block->events.back().sequence >= next ? block : nullptr;
}

void DeliveryCore::FetchAfter(Sequence after, const EventFilter& filter,
                              Reading& reading) {
  auto fetch = std::make_shared<Fetch>();
  fetch->filter = filter;
  fetch->after = after;
  reading.next = fetch;
  elsewhere_([&log = log_, fetch] {
    fetch->passed = fetch->filter.is_everything()
                        ? fetch->after
                        : log.SkipFrom(fetch->after, InterestOf(fetch->filter));
    fetch->block = log.Read(fetch->passed, kReadBytes);
    fetch->done.store(true, std::memory_order_release);
  });
}

absl::StatusOr<DeliveryCore::Found> DeliveryCore::FindBlock(
    const EventFilter& filter, Reading& reading, Sequence end, Sequence& scan) {
  const Sequence next = {scan.value + 1};
  if (reading.block != nullptr && Holds(*reading.block, next)) {
    return Found::kBlock;
  }
  reading.block = RecentWith(next);
  if (reading.block != nullptr) {
    reading.next = nullptr;
    return Found::kBlock;
  }
  if (reading.next == nullptr || reading.next->after != scan) {
    FetchAfter(scan, filter, reading);
  }
  if (!reading.next->done.load(std::memory_order_acquire)) return Found::kWaits;
  const std::shared_ptr<Fetch> fetch = std::move(reading.next);
  if (!fetch->block.ok()) return fetch->block.status();
  reading.block = *fetch->block;
  // Not past what is wanted, nor what policy is folded to: it may be read ahead.
  const Sequence passed = std::min(fetch->passed, end);
  const bool has_passed = passed > scan;
  scan = std::max(scan, passed);
  if (!has_passed && !Holds(*reading.block, next)) {
    return absl::DataLossError(absl::StrCat("no event ", next.value));
  }
  if (!reading.block->events.empty()) {
    const Sequence last = reading.block->events.back().sequence;
    if (last < end && RecentWith({last.value + 1}) == nullptr) {
      FetchAfter(last, filter, reading);
    }
  }
  return has_passed ? Found::kPassed : Found::kBlock;
}

const std::vector<GroupMask>& DeliveryCore::MasksOf(
    RecipientState& recipient, const std::shared_ptr<const EventBlock>& block) {
  // The last used last: one that catches up does not push out what all wait for.
  for (auto judged = recipient.judged.begin(); judged != recipient.judged.end();
       ++judged) {
    if (judged->block == block && judged->changes == fold_.changes().size()) {
      std::rotate(judged, std::next(judged), recipient.judged.end());
      return recipient.judged.back().masks;
    }
  }
  Judged judged;
  if (recipient.judged.size() >= kJudgedKept) {
    judged = std::move(recipient.judged.front());
    recipient.judged.pop_front();
  }
  judged.block = block;
  judged.changes = fold_.changes().size();
  judged.masks.clear();
  judged.masks.reserve(block->events.size());
  for (const StoredEvent& event : block->events) {
    judged.masks.push_back(fold_.Shown(event, recipient.to));
  }
  recipient.judged.push_back(std::move(judged));
  return recipient.judged.back().masks;
}

absl::Status DeliveryCore::Scan(Subscription& sub, size_t& scanned) {
  Cursor& cursor = sub.cursor;
  const Sequence end = EndOf(cursor);
  while (cursor.scan < end && scanned < kScanMax && HasRoom(sub)) {
    const auto found =
        FindBlock(cursor.filter, cursor.reading, end, cursor.scan);
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
    for (; at < block->events.size() && scanned < kScanMax && HasRoom(sub);
         ++at, ++scanned) {
      const StoredEvent& event = block->events[at];
      // Read from the log, it may be ahead of the policy.
      if (event.sequence > end) break;
      cursor.scan = event.sequence;
      if (masks[at] != 0 && cursor.filter.Wants(event.header)) {
        AddView(sub, event, masks[at], event.sequence);
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> DeliveryCore::RunBackfill(
    Cursor& cursor, absl::FunctionRef<bool()> has_room,
    absl::FunctionRef<void(const StoredEvent&, GroupMask)> add) {
  Backfill& backfill = cursor.backfills.front();
  const PolicyChange& change = *backfill.change;
  if (!backfill.started && !change.everybody()) {
    auto events = log_.OfPerson(change.person, {0}, backfill.limit);
    if (!events.ok()) return events.status();
    backfill.of_person = *std::move(events);
  }
  backfill.started = true;
  bool done = false;
  GroupMask mask = 0;
  if (!change.everybody()) {
    size_t& next = backfill.next;
    const size_t end = std::min(backfill.of_person.size(), next + kLookUpsMax);
    for (; next < end && has_room(); ++next) {
      const auto event = log_.ReadOne(backfill.of_person[next]);
      if (!event.ok()) return event.status();
      if (IsShown(cursor, change, *event, mask)) add(*event, mask);
    }
    done = next == backfill.of_person.size();
  } else {
    const auto found =
        FindBlock(cursor.filter, backfill.reading, backfill.limit, backfill.at);
    if (!found.ok()) return found.status();
    if (*found == Found::kWaits) return false;
    if (*found == Found::kBlock) {
      const EventBlock& block = *backfill.reading.block;
      size_t at = static_cast<size_t>(backfill.at.value + 1 -
                                      block.events.front().sequence.value);
      for (; at < block.events.size() && has_room(); ++at) {
        const StoredEvent& event = block.events[at];
        if (event.sequence > backfill.limit) break;
        if (IsShown(cursor, change, event, mask)) add(event, mask);
        backfill.at = event.sequence;
      }
    }
    done = backfill.at >= backfill.limit;
  }
  if (done) cursor.backfills.pop_front();
  return true;
}

bool DeliveryCore::IsShown(const Cursor& cursor, const PolicyChange& change,
                           const StoredEvent& event, GroupMask& now) const {
  const Recipient& to = cursor.recipient->to;
  now = fold_.Shown(event, to);
  const GroupMask before = fold_.GrantedBefore(change, event, to);
  return (now & ~before) != 0 && cursor.filter.Wants(event.header);
}

size_t DeliveryCore::Encode(const RecipientState& recipient,
                            const StoredEvent& event, GroupMask mask) {
  const size_t before = encoder_.bytes();
  encoder_.Add(recipient.to.envelopes_only()
                   ? views_.Envelope(event)
                   : views_.Build(event, recipient.to, mask));
  disclosures_.Show(event.sequence, mask);
  return encoder_.bytes() - before;
}

void DeliveryCore::DropFrame() {
  encoder_.TakeDeliver({});
  disclosures_.Dropped();
}

void DeliveryCore::AddView(Subscription& sub, const StoredEvent& event,
                           GroupMask mask, Sequence acknowledged) {
  const size_t bytes = Encode(*sub.cursor.recipient, event, mask);
  sub.out.push_back({acknowledged, JudgedPolicy(sub.cursor), bytes});
  sub.out_bytes += bytes;
  ++sub.next_delivery;
}

void DeliveryCore::SendFrame(Subscription& sub, Sequence cause,
                             Sequence scanned, bool at_end, absl::Duration now,
                             absl::Span<const uint32_t> attempts) {
  const size_t views = encoder_.views();
  // One that is up to date may not know it.
  if (views == 0 && !sub.ended &&
      (!at_end || scanned <= sub.told || now - sub.told_at < kTellEvery)) {
    return;
  }
  v1::Deliver rest;
  rest.set_first_delivery(sub.next_delivery - views);
  rest.set_backfill_cause(views == 0 ? 0 : cause.value);
  rest.set_scanned_through(scanned.value);
  rest.mutable_attempts()->Assign(attempts.begin(), attempts.end());
  rest.set_ended(sub.ended);
  if (views > 0) {
    disclosures_.Sent(
        sub.session, sub.cursor.recipient->to, sub.key,
        fold_.changes().empty() ? Sequence{} : fold_.changes().back().cause,
        cause, rest.first_delivery());
  }
  const bool is_live = views > 0 && cause.value == 0 && !sub.out.empty();
  outputs_.push_back({sub.session, FrameKind::kDeliver,
                      encoder_.TakeDeliver(rest, kFrameHeadBytes),
                      v1::REFUSAL_UNSPECIFIED, "",
                      is_live ? sub.out.back().acknowledged : Sequence()});
  sub.told = scanned;
  sub.told_at = now;
}

}  // namespace concordat::bus

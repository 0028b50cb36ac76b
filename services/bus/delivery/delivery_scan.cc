// One subscription's turn: what of the log it is sent next.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 1u << 20;
constexpr size_t kJudgedKept = 4;

}  // namespace

absl::Status DeliveryCore::FindEnd(Cursor& cursor) const {
  if (cursor.end_us == 0 || fold_.now_us() < cursor.end_us) {
    return absl::OkStatus();
  }
  const auto last = LastBefore(cursor.end_us);
  if (!last.ok()) return last.status();
  cursor.end = std::min(cursor.end, *last);
  cursor.end_us = 0;
  return absl::OkStatus();
}

bool DeliveryCore::Turn(Subscription& sub, absl::Duration now) {
  if (!sub.ready || sub.place.paused || sub.ended) return false;
  Cursor& cursor = sub.cursor;
  bool progress = false;
  Sequence cause;
  absl::Status status = FindEnd(cursor);
  if (!status.ok()) {
    // Said below.
  } else if (!cursor.backfills.empty()) {
    cause = cursor.backfills.front().change->cause;
    if (HasRoom(sub)) {
      progress = true;
      status = RunBackfill(
          cursor, [&] { return HasRoom(sub); },
          [&](const StoredEvent& event, GroupMask mask) {
            AddView(sub, event, mask, cursor.scan);
          });
    }
  } else {
    status = Scan(sub, progress);
  }
  if (!status.ok()) {
    encoder_.TakeDeliver({});
    Refuse(sub.session, v1::REFUSAL_SHUTTING_DOWN,
           absl::StrCat("the log cannot be read: ", status.message()));
    return false;
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
  SendFrame(sub, cause, ScannedThrough(cursor), at_end, now);
  return progress && HasRoom(sub) && !at_end;
}

bool DeliveryCore::HasRoom(const Subscription& sub) const {
  return encoder_.views() < kViewsMax && encoder_.bytes() < kFrameViewBytes &&
         sub.out.size() < sub.credit_events && sub.out_bytes < sub.credit_bytes;
}

absl::Status DeliveryCore::FindBlock(Cursor& cursor) {
  const auto holds_next = [&](const EventBlock& block) {
    return !block.events.empty() &&
           block.events.front().sequence.value <= cursor.scan.value + 1 &&
           block.events.back().sequence > cursor.scan;
  };
  if (cursor.reading != nullptr && holds_next(*cursor.reading)) {
    return absl::OkStatus();
  }
  for (auto recent = recent_.rbegin(); recent != recent_.rend(); ++recent) {
    if (holds_next(**recent)) {
      cursor.reading = *recent;
      return absl::OkStatus();
    }
  }
  const EventFilter& filter = cursor.filter;
  if (!filter.is_everything()) {
    Interest interest;
    if (!filter.types().empty()) {
      interest.type = [&filter](absl::string_view type) {
        return filter.WantsType(type);
      };
    }
    if (!filter.agencies().empty()) interest.agencies = &filter.agencies();
    if (!filter.persons().empty()) interest.persons = &filter.persons();
    // Not past what policy is folded to: it may be read ahead.
    const Sequence skipped =
        std::min(log_.SkipFrom(cursor.scan, interest), EndOf(cursor));
    if (skipped > cursor.scan) {
      cursor.scan = skipped;
      cursor.reading = nullptr;
      return absl::OkStatus();
    }
  }
  auto block = log_.Read(cursor.scan, kReadBytes);
  if (!block.ok()) return block.status();
  if (!holds_next(**block)) {
    return absl::DataLossError(
        absl::StrCat("no event ", cursor.scan.value + 1));
  }
  cursor.reading = *std::move(block);
  return absl::OkStatus();
}

const std::vector<GroupMask>& DeliveryCore::MasksOf(
    RecipientState& recipient, const std::shared_ptr<const EventBlock>& block) {
  for (const Judged& judged : recipient.judged) {
    if (judged.block == block && judged.changes == fold_.changes().size()) {
      return judged.masks;
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

absl::Status DeliveryCore::Scan(Subscription& sub, bool& progress) {
  Cursor& cursor = sub.cursor;
  const Sequence end = EndOf(cursor);
  size_t scanned = 0;
  while (cursor.scan < end && scanned < kScanMax && HasRoom(sub)) {
    const absl::Status found = FindBlock(cursor);
    if (!found.ok()) return found;
    if (cursor.reading == nullptr) {
      scanned += kSkipCost;
      continue;
    }
    const std::shared_ptr<const EventBlock> block = cursor.reading;
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
  progress = scanned > 0;
  return absl::OkStatus();
}

absl::Status DeliveryCore::RunBackfill(
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
    for (; next < backfill.of_person.size() && has_room(); ++next) {
      const auto event = log_.ReadOne(backfill.of_person[next]);
      if (!event.ok()) return event.status();
      if (IsShown(cursor, change, *event, mask)) add(*event, mask);
    }
    done = next == backfill.of_person.size();
  } else {
    const auto block = log_.Read(backfill.at, kReadBytes);
    if (!block.ok()) return block.status();
    for (const StoredEvent& event : (*block)->events) {
      if (event.sequence > backfill.limit || !has_room()) break;
      if (IsShown(cursor, change, event, mask)) add(event, mask);
      backfill.at = event.sequence;
    }
    done = backfill.at >= backfill.limit;
  }
  if (done) cursor.backfills.pop_front();
  return absl::OkStatus();
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
  return encoder_.bytes() - before;
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
  const bool is_live = views > 0 && cause.value == 0 && !sub.out.empty();
  outputs_.push_back({sub.session, FrameKind::kDeliver,
                      encoder_.TakeDeliver(rest, kFrameHeadBytes),
                      v1::REFUSAL_UNSPECIFIED, "",
                      is_live ? sub.out.back().acknowledged : Sequence()});
  sub.told = scanned;
  sub.told_at = now;
}

}  // namespace concordat::bus

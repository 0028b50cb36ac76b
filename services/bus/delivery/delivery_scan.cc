// One subscription's turn: what of the log it is sent next.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 1u << 20;
constexpr size_t kJudgedKept = 4;
// What an operator is "granted": an envelope.
constexpr GroupMask kEnvelope = 1;

}  // namespace

bool DeliveryCore::Turn(Subscription& sub, absl::Duration now) {
  if (!sub.ready) return false;
  bool progress = false;
  Sequence cause;
  absl::Status status;
  if (!sub.backfills.empty()) {
    cause = sub.backfills.front().change->cause;
    if (HasRoom(sub)) {
      progress = true;
      status = RunBackfill(sub);
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
    sub.place.acknowledged = sub.scan;
    sub.place.judged = JudgedPolicy(sub);
  } else {
    sub.out.back().acknowledged = sub.scan;
    sub.out.back().judged = JudgedPolicy(sub);
  }
  SendFrame(sub, cause, now);
  return progress && HasRoom(sub) &&
         (!sub.backfills.empty() || sub.scan < fold_.folded());
}

bool DeliveryCore::HasRoom(const Subscription& sub) const {
  return encoder_.views() < kViewsMax && encoder_.bytes() < kFrameViewBytes &&
         sub.out.size() < sub.credit_events && sub.out_bytes < sub.credit_bytes;
}

bool DeliveryCore::Wants(const Subscription& sub,
                         absl::string_view type) const {
  if (sub.types.empty()) return true;
  for (const std::string& pattern : sub.types) {
    if (TypePatternCovers(pattern, type)) return true;
  }
  return false;
}

absl::Status DeliveryCore::FindBlock(Subscription& sub) {
  const auto holds_next = [&](const EventBlock& block) {
    return !block.events.empty() &&
           block.events.front().sequence.value <= sub.scan.value + 1 &&
           block.events.back().sequence > sub.scan;
  };
  if (sub.reading != nullptr && holds_next(*sub.reading)) {
    return absl::OkStatus();
  }
  for (auto recent = recent_.rbegin(); recent != recent_.rend(); ++recent) {
    if (holds_next(**recent)) {
      sub.reading = *recent;
      return absl::OkStatus();
    }
  }
  auto block = log_.Read(sub.scan, kReadBytes);
  if (!block.ok()) return block.status();
  if (!holds_next(**block)) {
    return absl::DataLossError(absl::StrCat("no event ", sub.scan.value + 1));
  }
  sub.reading = *std::move(block);
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
  const bool envelopes = recipient.to.envelopes_only();
  for (const StoredEvent& event : block->events) {
    judged.masks.push_back(envelopes ? kEnvelope
                                     : fold_.Granted(event, recipient.to));
  }
  recipient.judged.push_back(std::move(judged));
  return recipient.judged.back().masks;
}

absl::Status DeliveryCore::Scan(Subscription& sub, bool& progress) {
  size_t scanned = 0;
  while (sub.scan < fold_.folded() && scanned < kScanMax && HasRoom(sub)) {
    const absl::Status found = FindBlock(sub);
    if (!found.ok()) return found;
    const std::shared_ptr<const EventBlock> block = sub.reading;
    const std::vector<GroupMask>& masks = MasksOf(*sub.recipient, block);
    size_t at = static_cast<size_t>(sub.scan.value + 1 -
                                    block->events.front().sequence.value);
    for (; at < block->events.size() && scanned < kScanMax && HasRoom(sub);
         ++at, ++scanned) {
      const StoredEvent& event = block->events[at];
      // Read from the log, it may be ahead of the policy.
      if (event.sequence > fold_.folded()) break;
      sub.scan = event.sequence;
      if (masks[at] != 0 && Wants(sub, event.header.type)) {
        AddView(sub, event, masks[at], event.sequence);
      }
    }
  }
  progress = scanned > 0;
  return absl::OkStatus();
}

absl::Status DeliveryCore::RunBackfill(Subscription& sub) {
  Backfill& backfill = sub.backfills.front();
  const PolicyChange& change = *backfill.change;
  if (!backfill.started && !change.everybody()) {
    auto events = log_.OfPerson(change.person, {0}, backfill.limit);
    if (!events.ok()) return events.status();
    backfill.of_person = *std::move(events);
  }
  backfill.started = true;
  bool done = false;
  if (!change.everybody()) {
    size_t& next = backfill.next;
    for (; next < backfill.of_person.size() && HasRoom(sub); ++next) {
      const auto event = log_.ReadOne(backfill.of_person[next]);
      if (!event.ok()) return event.status();
      AddIfShown(sub, change, *event);
    }
    done = next == backfill.of_person.size();
  } else {
    const auto block = log_.Read(backfill.at, kReadBytes);
    if (!block.ok()) return block.status();
    for (const StoredEvent& event : (*block)->events) {
      if (event.sequence > backfill.limit || !HasRoom(sub)) break;
      AddIfShown(sub, change, event);
      backfill.at = event.sequence;
    }
    done = backfill.at >= backfill.limit;
  }
  if (done) sub.backfills.pop_front();
  return absl::OkStatus();
}

void DeliveryCore::AddIfShown(Subscription& sub, const PolicyChange& change,
                              const StoredEvent& event) {
  const Recipient& to = sub.recipient->to;
  const GroupMask now = fold_.Granted(event, to);
  const GroupMask before = fold_.GrantedBefore(change, event, to);
  if ((now & ~before) == 0 || !Wants(sub, event.header.type)) return;
  AddView(sub, event, now, sub.scan);
}

void DeliveryCore::AddView(Subscription& sub, const StoredEvent& event,
                           GroupMask mask, Sequence acknowledged) {
  const size_t before = encoder_.bytes();
  encoder_.Add(sub.recipient->to.envelopes_only()
                   ? views_.Envelope(event)
                   : views_.Build(event, sub.recipient->to, mask));
  const size_t bytes = encoder_.bytes() - before;
  sub.out.push_back({acknowledged, JudgedPolicy(sub), bytes});
  sub.out_bytes += bytes;
  ++sub.next_delivery;
}

void DeliveryCore::SendFrame(Subscription& sub, Sequence cause,
                             absl::Duration now) {
  const size_t views = encoder_.views();
  const Sequence scanned = ScannedThrough(sub);
  if (views == 0) {
    // It is up to date and may not know it.
    const bool at_end = sub.scan == fold_.folded() && sub.backfills.empty();
    if (!at_end || scanned <= sub.told || now - sub.told_at < kTellEvery) {
      return;
    }
  }
  v1::Deliver rest;
  rest.set_first_delivery(sub.next_delivery - views);
  rest.set_backfill_cause(views == 0 ? 0 : cause.value);
  rest.set_scanned_through(scanned.value);
  outputs_.push_back(
      {sub.session, FrameKind::kDeliver,
       encoder_.TakeDeliver(rest, kFrameHeadBytes), v1::REFUSAL_UNSPECIFIED, "",
       views == 0 || cause.value != 0 ? Sequence()
                                      : sub.out.back().acknowledged});
  sub.told = scanned;
  sub.told_at = now;
}

}  // namespace concordat::bus

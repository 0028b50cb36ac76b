#include "services/bus/delivery/delivery_core.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/common/event/amends.h"

namespace concordat::bus {
namespace {

constexpr size_t kRecentBytes = size_t{32} << 20;
constexpr uint32_t kCreditEvents = 4096;
constexpr uint32_t kCreditEventsMax = 65536;
constexpr uint32_t kCreditBytes = 8u << 20;
// Below what may wait for a caller over gRPC, or a slow line would cut one that
// reads.
constexpr uint32_t kCreditBytesMax = 8u << 20;
constexpr size_t kNameMax = 128;
constexpr size_t kHeaderBytes = 256;  // Most often.
// A place that moves without deliveries is stored when it is this far on.
constexpr uint64_t kIdleStore = 4096;

// About what it takes in memory.
size_t BytesOf(const EventBlock& block) {
  size_t bytes = block.events.size() * (sizeof(StoredEvent) + kHeaderBytes);
  for (const StoredEvent& event : block.events) {
    for (const StoredGroup& group : event.opened) bytes += group.data.size();
  }
  return bytes;
}

// The furthest event that whoever has this place has dealt with.
Sequence FurthestOf(const Place& place) {
  Sequence furthest = place.acknowledged;
  for (const Settled& settled : place.settled) {
    furthest = std::max({furthest, settled.id.sequence, settled.id.cause});
  }
  for (const Row& row : place.rows) {
    furthest = std::max({furthest, row.id.sequence, row.id.cause});
  }
  return furthest;
}

}  // namespace

Recipient RecipientOf(const v1::Principal& principal,
                      absl::string_view purpose) {
  Recipient to{principal.agency(),
               principal.role(),
               {},
               std::string(purpose),
               principal.name()};
  to.SetProcessed(principal.process());
  return to;
}

std::string NothingToSee(const Recipient& to, const PolicyFold& fold) {
  const PolicyState& policy = fold.policy();
  std::string ended = policy.agreements()->EndedInWords(to, fold.now_us());
  if (!ended.empty()) return ended;
  const std::set<std::string> purposes = policy.agreements()->PurposesOf(to);
  std::string why = absl::StrCat("no agreement gives ", to.role, " of ",
                                 to.agency, " anything to see");
  if (!purposes.empty()) {
    absl::StrAppend(&why, " for its purpose; there are grants for ",
                    absl::StrJoin(purposes, ", "));
  }
  return why;
}

DeliveryCore::DeliveryCore(EventLog& log,
                           std::shared_ptr<const TypeRegistry> types,
                           PolicyFold fold, Places places,
                           DeliveryOptions options)
    : log_(log),
      log_id_(log.Status().log_id),
      epoch_(log.Status().epoch),
      fold_(std::move(fold)),
      views_(std::move(types)),
      places_(std::move(places)),
      options_(options) {}

absl::Status DeliveryCore::Durable(std::shared_ptr<const EventBlock> block) {
  const Sequence before = fold_.folded();
  const size_t changes = fold_.changes().size();
  const absl::Status folded = fold_.Fold(*block);
  if (!folded.ok()) return folded;
  if (!block->events.empty()) {
    for (const StoredEvent& event : block->events) {
      if (has_amendments_ && event.sequence > before && Amends(event.header)) {
        amendments_.push_back(event.sequence);
      }
    }
    const size_t bytes = BytesOf(*block);
    recent_bytes_ += bytes;
    recent_.push_back({std::move(block), bytes});
  }
  while (recent_bytes_ > kRecentBytes && recent_.size() > 1) {
    recent_bytes_ -= recent_.front().bytes;
    recent_.pop_front();
  }
  if (fold_.changes().size() > changes) {
    for (auto& [session, sub] : subscriptions_) {
      if (sub.singly == nullptr && !sub.ended) {
        AddBackfills(sub.cursor, before, sub.cursor.scan);
      }
    }
    for (auto& [key, singly] : singly_) {
      AddBackfills(singly.cursor, before,
                   std::max(singly.cursor.scan, singly.settlement.scanned()));
    }
    StopWhatEnded(changes);
  }
  return absl::OkStatus();
}

void DeliveryCore::StopWhatEnded(size_t changes_before) {
  const std::deque<PolicyChange>& changes = fold_.changes();
  const bool agreements_changed = std::any_of(
      changes.begin() + static_cast<std::ptrdiff_t>(changes_before),
      changes.end(), [](const PolicyChange& each) { return each.everybody(); });
  if (!agreements_changed) return;
  std::vector<SessionId> over;
  for (const auto& [session, sub] : subscriptions_) {
    const Recipient& to = sub.cursor.recipient->to;
    if (!fold_.policy().HasAnyGrant(to, fold_.now_us())) {
      over.push_back(session);
    }
  }
  for (const SessionId session : over) {
    Refuse(
        session, v1::REFUSAL_NO_GRANT,
        NothingToSee(subscriptions_.at(session).cursor.recipient->to, fold_));
  }
}

DeliveryCore::RecipientState& DeliveryCore::RecipientFor(Recipient to) {
  RecipientState& state = recipients_[absl::StrCat(
      to.agency, "/", to.role, "/", to.purpose.value_or(""), "/", to.principal,
      "/", absl::StrJoin(to.process_types, ","), "/",
      absl::StrJoin(to.header_types, ","))];
  state.to = std::move(to);
  return state;
}

void DeliveryCore::Refuse(SessionId session, v1::Refusal refusal,
                          std::string detail) {
  Closed(session);
  outputs_.push_back(
      {session, FrameKind::kClosed, "", refusal, std::move(detail)});
}

void DeliveryCore::Subscribe(SessionId session, const v1::Principal& principal,
                             absl::string_view purpose,
                             const v1::Subscribe& request) {
  if (subscriptions_.count(session) > 0) {
    return Refuse(session, v1::REFUSAL_PROTOCOL, "subscribed already");
  }
  if (request.name().size() > kNameMax || !IsPrintable(request.name())) {
    return Refuse(session, v1::REFUSAL_MALFORMED,
                  "name: at most 128 printable bytes");
  }
  Recipient to = RecipientOf(principal, purpose);
  // What is ready goes to any member.
  if (request.settlement() == v1::SETTLEMENT_SHARED) {
    to.principal = Recipient::kSeveral;
  }
  if (!fold_.policy().HasAnyGrant(to, fold_.now_us())) {
    return Refuse(session, v1::REFUSAL_NO_GRANT, NothingToSee(to, fold_));
  }
  RecipientState& recipient = RecipientFor(std::move(to));
  const bool is_singly = request.settlement() != v1::SETTLEMENT_UNSPECIFIED;
  Subscription sub;
  sub.session = session;
  sub.connected_at = now_;
  sub.cursor.recipient = &recipient;
  absl::StatusOr<EventFilter> filter = EventFilter::Of(request.filter());
  if (filter.ok() && filter->by_subject() && recipient.to.envelopes_only()) {
    filter = absl::InvalidArgumentError(
        "filter: an envelope shows neither person nor stream");
  }
  if (!filter.ok()) {
    return Refuse(session, v1::REFUSAL_MALFORMED,
                  std::string(filter.status().message()));
  }
  sub.cursor.filter = *std::move(filter);
  sub.credit_events = std::min(
      request.credit_events() > 0 ? request.credit_events() : kCreditEvents,
      kCreditEventsMax);
  sub.credit_bytes = std::min(
      request.credit_bytes() > 0 ? request.credit_bytes() : kCreditBytes,
      kCreditBytesMax);
  if (!request.name().empty()) {
    sub.key =
        SubscriptionKey(recipient.to.agency, recipient.to.role, request.name());
  }
  sub.durable = !sub.key.empty() && !request.own_place();
  sub.urgent = request.urgent() && !is_singly && recipient.to.processes();
  if (is_singly && !sub.durable) {
    return Refuse(session, v1::REFUSAL_MALFORMED,
                  "settlement: of a durable name alone");
  }
  if (request.through() != 0) sub.cursor.end = {request.through()};
  sub.cursor.end_us = request.to_time();
  if (!sub.key.empty() && (request.through() != 0 || request.to_time() != 0)) {
    return Refuse(session, v1::REFUSAL_MALFORMED,
                  "through, to_time: of a tail alone");
  }
  const auto joins = singly_.find(sub.key);
  if (holders_.count(sub.key) > 0 ||
      (joins != singly_.end() &&
       (request.settlement() != v1::SETTLEMENT_SHARED ||
        !joins->second.shared))) {
    return Refuse(session, v1::REFUSAL_BUSY,
                  "another session holds this subscription");
  }
  const auto record = [&] {
    disclosures_.Subscribed(session, principal.name(), recipient.to, sub.key);
  };
  if (joins != singly_.end()) {
    record();
    return JoinSingly(std::move(sub), request);
  }

  const LogStatus log = log_.Status();
  const auto is_lost = [&](const Place& place) {
    return place.acknowledged > fold_.folded() ||
           !IsOfLog(log, place.log_id, place.epoch, FurthestOf(place));
  };
  const auto stored = places_.find(sub.key);
  // Who names this very epoch has been told that the place is lost.
  const bool begins_anew = request.log_id() == log_id_ &&
                           request.epoch() == epoch_ &&
                           stored != places_.end() && is_lost(stored->second);
  const bool is_new = !sub.durable || stored == places_.end() || begins_anew;
  if (is_new && sub.durable && !begins_anew &&
      NamesOf(recipient.to) >= kNamesMax) {
    return Refuse(session, v1::REFUSAL_TOO_MANY,
                  absl::StrCat("name: ", recipient.to.role, " of ",
                               recipient.to.agency, " has ", kNamesMax,
                               " subscriptions already; use one of them"));
  }
  const absl::StatusOr<Place> asked_for = PlaceOf(request);
  if (!asked_for.ok()) {
    return Refuse(
        session, v1::REFUSAL_SHUTTING_DOWN,
        absl::StrCat("the log cannot be read: ", asked_for.status().message()));
  }
  const Place& asked = *asked_for;
  sub.place = is_new ? asked : stored->second;
  const Sequence known =
      std::max(FurthestOf(sub.place), Sequence{request.seen()});
  if (sub.place.log_id == asked.log_id && IsAhead(asked.log_id, known)) {
    return Refuse(session, v1::REFUSAL_SHUTTING_DOWN,
                  "this process has not come so far in the log yet");
  }
  if (is_lost(sub.place) ||
      is_lost({asked.log_id, asked.epoch, {request.seen()}, {}})) {
    const auto there = LastOf(log, asked.log_id, asked.epoch);
    return Refuse(
        session, v1::REFUSAL_FORKED,
        there.has_value() && asked.epoch != epoch_
            ? absl::StrCat("the log was restored or cut: of epoch ",
                           asked.epoch, " it has events 1 to ", there->value)
            : "the position is not of this log and epoch");
  }
  // What a lost policy event caused is judged again by what came in its place.
  const Sequence last = *LastOf(log, sub.place.log_id, sub.place.epoch);
  sub.place.judged = std::min(sub.place.judged, last);
  sub.place.scanned = std::min(sub.place.scanned, last);
  // Who begins anew keeps what is set aside and is still in the log.
  if (begins_anew) {
    const Place& old = stored->second;
    const auto kept = LastOf(log, old.log_id, old.epoch);
    std::copy_if(old.rows.begin(), old.rows.end(),
                 std::back_inserter(sub.place.rows), [&](const Row& row) {
                   return kept.has_value() &&
                          std::max(row.id.sequence, row.id.cause) <= *kept;
                 });
  }
  sub.place.epoch = epoch_;
  sub.place.used_us = real_us();
  if (is_singly) {
    record();
    return JoinSingly(std::move(sub), request);
  }
  if (!sub.place.rows.empty() || !sub.place.settled.empty()) {
    return Refuse(session, v1::REFUSAL_SET_ASIDE,
                  "events of it wait or are set aside: settle singly");
  }
  sub.cursor.scan = sub.place.acknowledged;
  AddBackfills(sub.cursor, sub.place.judged, sub.cursor.scan);
  if (!sub.key.empty()) holders_[sub.key] = session;
  record();
  Subscription& kept =
      subscriptions_.emplace(session, std::move(sub)).first->second;
  if (kept.durable && is_new) {
    MarkDirty(kept);
    dirty_.tell.push_back({session});
    dirty_.is_waited_for = true;
  } else {
    SaySubscribed(kept);
  }
}

absl::StatusOr<Place> DeliveryCore::PlaceOf(
    const v1::Subscribe& request) const {
  // What is asked for now is judged by the policy of now, whole.
  Place asked = {log_id_, epoch_, {request.after()}, fold_.folded()};
  if (request.from_latest()) asked.acknowledged = fold_.folded();
  if (request.from_time() != 0) {
    const auto before =
        LastBefore(log_, request.from_time(), {0}, fold_.folded());
    if (!before.ok()) return before.status();
    asked.acknowledged = *before;
  }
  if (!request.log_id().empty()) asked.log_id = request.log_id();
  if (request.epoch() != 0) asked.epoch = request.epoch();
  if (request.own_place()) {
    asked.judged =
        std::min(fold_.folded(), Sequence{request.backfilled_through()});
  }
  return asked;
}

size_t DeliveryCore::NamesOf(const Recipient& to) const {
  const std::string prefix = absl::StrCat(to.agency, "/", to.role, "/");
  size_t names = 0;
  for (auto each = places_.lower_bound(prefix);
       each != places_.end() && absl::StartsWith(each->first, prefix); ++each) {
    ++names;
  }
  return names;
}

void DeliveryCore::Say(SessionId session, FrameKind kind,
                       const google::protobuf::MessageLite& body) {
  std::string frame(kFrameHeadBytes, '\0');
  body.AppendToString(&frame);
  outputs_.push_back(
      {session, kind, std::move(frame), v1::REFUSAL_UNSPECIFIED, ""});
}

void DeliveryCore::SaySubscribed(Subscription& sub) {
  sub.ready = true;
  v1::Subscribed subscribed;
  subscribed.set_after(
      (sub.singly != nullptr ? sub.singly->cursor : sub.cursor).scan.value);
  subscribed.set_end_sequence(fold_.folded().value);
  const Removal removal = log_.Status().removal;
  if (removal.through.value > subscribed.after()) {
    subscribed.set_removed_through(removal.through.value);
    subscribed.set_removed_time(removal.at_us);
  }
  Say(sub.session, FrameKind::kSubscribed, subscribed);
}

bool DeliveryCore::MayShowMore(const Recipient& to,
                               const PolicyChange& change) const {
  if (to.envelopes_only()) return false;
  return change.everybody() || fold_.policy().agreements()->MayShowMore(
                                   to, change.before, change.after);
}

void DeliveryCore::AddBackfills(Cursor& cursor, Sequence after_cause,
                                Sequence limit) {
  const std::deque<PolicyChange>& changes = fold_.changes();
  auto change = std::upper_bound(
      changes.begin(), changes.end(), after_cause,
      [](Sequence at, const PolicyChange& each) { return at < each.cause; });
  for (; change != changes.end(); ++change) {
    if (limit.value == 0 || !MayShowMore(cursor.recipient->to, *change)) {
      continue;
    }
    Backfill backfill;
    backfill.change = &*change;
    backfill.limit = limit;
    cursor.backfills.push_back(std::move(backfill));
  }
}

Sequence DeliveryCore::JudgedPolicy(const Cursor& cursor) const {
  if (cursor.backfills.empty()) return fold_.folded();
  return {cursor.backfills.front().change->cause.value - 1};
}

Sequence DeliveryCore::ScannedThrough(const Cursor& cursor) const {
  return std::min(cursor.scan, JudgedPolicy(cursor));
}

void DeliveryCore::MarkDirty(const Subscription& sub) {
  SetPlace(sub.key, sub.place);
}

void DeliveryCore::Ack(SessionId session, uint64_t delivery) {
  const auto found = subscriptions_.find(session);
  if (found == subscriptions_.end()) {
    return Refuse(session, v1::REFUSAL_UNKNOWN_SUBSCRIPTION,
                  "nothing is subscribed here");
  }
  Subscription& sub = found->second;
  if (delivery >= sub.next_delivery) {
    return Refuse(session, v1::REFUSAL_PROTOCOL,
                  "acknowledges what was not delivered");
  }
  if (sub.singly != nullptr) {
    sub.singly->settlement.DoneUpTo(session, delivery);
    sub.singly->dirty = true;
    sub.acknowledged_at = now_;
    disclosures_.Acknowledged(session, delivery);
    dirty_.tell.push_back({session, delivery});
    return;
  }
  if (delivery <= sub.acked) return;
  disclosures_.Acknowledged(session, delivery);
  while (sub.acked < delivery) {
    const Out& out = sub.out.front();
    sub.place.acknowledged = out.acknowledged;
    sub.place.judged = out.judged;
    sub.out_bytes -= out.bytes;
    sub.out.pop_front();
    ++sub.acked;
  }
  sub.acknowledged_at = now_;
  if (!sub.durable) return;
  MarkDirty(sub);
  dirty_.tell.push_back({session, delivery});
}

void DeliveryCore::Closed(SessionId session) {
  const auto found = subscriptions_.find(session);
  if (found == subscriptions_.end()) return;
  Subscription& sub = found->second;
  if (sub.singly != nullptr) {
    LeaveSingly(sub);
  } else {
    if (sub.durable) {
      sub.place.used_us = real_us();
      MarkDirty(sub);
    }
    if (!sub.key.empty()) holders_.erase(sub.key);
  }
  disclosures_.Ended(session);
  subscriptions_.erase(found);
}

void DeliveryCore::RightsOf(SessionId session, const v1::Principal& principal) {
  const auto found = subscriptions_.find(session);
  if (found == subscriptions_.end()) return;
  const Recipient& to = found->second.cursor.recipient->to;
  Recipient now = RecipientOf(principal, to.purpose.value_or(""));
  if (to.principal == Recipient::kSeveral) now.principal = to.principal;
  if (to == now) return;
  Refuse(session, v1::REFUSAL_REVOKED, "rights have changed: connect again");
}

std::vector<DeliveryOutput> DeliveryCore::TakeOutputs() {
  return std::exchange(outputs_, {});
}

DirtyPlaces DeliveryCore::TakeDirty() {
  for (auto& [session, sub] : subscriptions_) {
    if (sub.durable && sub.singly == nullptr && sub.out.empty() &&
        sub.place.acknowledged.value >=
            places_[sub.key].acknowledged.value + kIdleStore) {
      MarkDirty(sub);
    }
  }
  for (auto& [key, singly] : singly_) {
    if (!singly.dirty && singly.settlement.acknowledged().value <
                             places_[key].acknowledged.value + kIdleStore) {
      continue;
    }
    singly.dirty = false;
    SetPlace(key, PlaceOf(singly));
  }
  return std::exchange(dirty_, {});
}

bool DeliveryCore::is_dirty() const {
  return !dirty_.empty() ||
         std::any_of(singly_.begin(), singly_.end(),
                     [](const auto& each) { return each.second.dirty; });
}

void DeliveryCore::Stored(const DirtyPlaces& stored) {
  for (const DirtyPlaces::Acknowledgement& tell : stored.tell) {
    const auto found = subscriptions_.find(tell.session);
    if (found == subscriptions_.end()) continue;
    if (tell.delivery == 0 && tell.settles == 0) {
      if (found->second.singly != nullptr) found->second.singly->stored = true;
      SaySubscribed(found->second);
      continue;
    }
    v1::AckStored body;
    body.set_delivery(tell.delivery);
    body.set_settles(tell.settles);
    Say(tell.session, FrameKind::kAckStored, body);
  }
}

std::vector<SubscriptionInfo> DeliveryCore::List() const {
  std::vector<SubscriptionInfo> list;
  for (const auto& [session, sub] : subscriptions_) {
    if (sub.singly != nullptr) continue;
    SubscriptionInfo& info = list.emplace_back(InfoOf(sub.key));
    info.agency = sub.cursor.recipient->to.agency;
    info.role = sub.cursor.recipient->to.role;
    info.acknowledged = sub.place.acknowledged;
    info.sent = sub.cursor.scan;
    info.connected = true;
    info.paused = sub.place.paused;
    info.connected_at = sub.connected_at;
    info.acknowledged_at = sub.acknowledged_at;
    info.outstanding = sub.out.size();
    info.outstanding_bytes = sub.out_bytes;
  }
  for (const auto& [key, place] : places_) {
    if (holders_.count(key) > 0) continue;
    list.push_back(InfoOf(key));
  }
  return list;
}

}  // namespace concordat::bus

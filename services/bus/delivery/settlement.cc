#include "services/bus/delivery/settlement.h"

#include <algorithm>
#include <utility>

namespace concordat::bus {
namespace {

constexpr char kLost[] = "the member that had it was gone";

uint64_t Fnv(uint64_t hash, absl::string_view bytes) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3u;
  }
  return (hash ^ 0xff) * 0x100000001b3u;  // An end that no text has.
}

}  // namespace

uint64_t OrderingKey(const HeaderView& header) {
  uint64_t hash = 0xcbf29ce484222325u;
  if (!header.stream.empty()) {
    hash = Fnv(Fnv(Fnv(hash, "s"), header.source), header.stream);
  } else if (!header.subject.empty()) {
    hash = Fnv(Fnv(hash, "p"), header.subject.bytes());
  } else {
    return 0;
  }
  return hash == 0 ? 1 : hash;
}

Settlement::Settlement(Place place, const RedeliveryLimits& limits,
                       absl::Time started, absl::Duration now,
                       absl::Duration wait_max)
    : limits_(limits),
      started_(started),
      place_(std::move(place)),
      now_(now),
      before_scanned_(place_.scanned) {
  for (const Settled& settled : place_.settled) {
    before_.insert(settled.id);
    unseen_[settled.id] = settled.shown;
    Sequence& shown = before_shown_[settled.id.sequence.value];
    shown = std::max(shown, settled.shown);
    ahead_through_ = std::max(ahead_through_, settled.id.sequence);
  }
  std::vector<uint64_t> without_key;
  for (Row& row : place_.rows) {
    before_.insert(row.id);
    ahead_through_ = std::max(ahead_through_, row.id.sequence);
    // Whenever it goes out, by the policy of then.
    before_shown_[row.id.sequence.value] = {UINT64_MAX};
    const uint64_t order = row.order;
    next_order_ = std::max(next_order_, order + 1);
    Item& item = items_[order];
    item.is_row = true;
    item.due = std::min(
        absl::FromUnixMicros(static_cast<int64_t>(row.due_us)) - started,
        now + wait_max);
    item.state = row.state == RowState::kSetAside ? State::kSetAside
                 : row.state == RowState::kParked ? State::kParked
                                                  : State::kQueued;
    item.row = std::move(row);
    ++rows_;
    if (item.state == State::kParked) continue;
    if (item.row.key == 0) {
      without_key.push_back(order);
    } else {
      keys_[item.row.key].push_back(order);
    }
  }
  place_.settled.clear();
  place_.rows.clear();
  for (const uint64_t order : without_key) Activate(order, items_.at(order));
  for (const auto& [key, queue] : keys_) {
    Activate(queue.front(), items_.at(queue.front()));
  }
}

bool Settlement::WasThere(ItemId id) const {
  return before_.contains(id) ||
         (id.cause.value == 0 && ahead_.contains(id.sequence.value)) ||
         (id.cause.value == 0 && id.sequence <= before_scanned_ &&
          before_shown_.contains(id.sequence.value));
}

bool Settlement::ComesWithAnother(ItemId id, Sequence live) const {
  if (id.cause.value == 0) return false;
  const auto shown = before_shown_.find(id.sequence.value);
  // What is not done with comes live in its turn, by the policy of then.
  return shown == before_shown_.end() ? id.sequence > live
                                      : id.cause <= shown->second;
}

bool Settlement::IsBelowFloor(ItemId id) const {
  return id.cause.value == 0 ? id.sequence <= place_.acknowledged
                             : id.cause <= place_.judged;
}

void Settlement::Offer(ItemId id, uint64_t key, Sequence acknowledged,
                       Sequence judged, bool goes_first) {
  const bool was_there = WasThere(id);
  if (id.cause.value == 0) ahead_.erase(id.sequence.value);
  if (!was_there && ComesWithAnother(id, acknowledged)) return;
  const uint64_t order = next_order_++;
  window_.push_back({order, id, acknowledged, judged, {}, false});
  if (const auto unseen = unseen_.find(id); unseen != unseen_.end()) {
    window_.back().shown = unseen->second;
    unseen_.erase(unseen);
  }
  if (was_there) return Pass(order);
  Item& item = items_[order];
  item.row.id = id;
  item.row.order = order;
  item.row.key = key;
  Enqueue(order, item);
  if (goes_first) GoFirst(order, item);
}

void Settlement::OfferAhead(Sequence sequence, uint64_t key,
                            Sequence acknowledged, Sequence judged) {
  const ItemId id = {sequence, {0}};
  if (WasThere(id)) return;
  const uint64_t order = next_order_++;
  window_.push_back({order, id, acknowledged, judged, {}, false});
  ahead_.insert(sequence.value);
  ahead_through_ = std::max(ahead_through_, sequence);
  // Whenever it goes out, by the policy of then.
  before_shown_[sequence.value] = {UINT64_MAX};
  Item& item = items_[order];
  item.row.id = id;
  item.row.order = order;
  item.row.key = key;
  Enqueue(order, item);
  MakeRow(order, item);
  // Those of its key before it are rows too: another life has them before it.
  MakeRowsOfKey(item);
  GoFirst(order, item);
}

void Settlement::GoFirst(uint64_t order, Item& item) {
  const auto go = [this](uint64_t each, Item& of) {
    const bool is_ready = ready_.erase(PlaceOf(each, of)) > 0;
    of.goes_first = true;
    if (is_ready) ready_.insert(PlaceOf(each, of));
  };
  if (item.row.key == 0) return go(order, item);
  for (const uint64_t each : keys_.at(item.row.key)) go(each, items_.at(each));
}

void Settlement::Passed(Sequence acknowledged, Sequence judged) {
  if (window_.empty()) {
    MoveFloor(acknowledged, judged);
  } else {
    window_.back().acknowledged = acknowledged;
    window_.back().judged = judged;
  }
}

void Settlement::Enqueue(uint64_t order, Item& item) {
  item.state = State::kQueued;
  if (item.row.key == 0) return Activate(order, item);
  std::deque<uint64_t>& queue = keys_[item.row.key];
  queue.push_back(order);
  if (queue.size() == 1) return Activate(order, item);
  if (items_.at(queue.front()).is_row) MakeRow(order, item);
}

void Settlement::Activate(uint64_t order, Item& item) {
  if (item.state == State::kSetAside) return MakeRowsOfKey(item);
  if (item.due > now_) {
    item.state = State::kDelayed;
    delayed_.insert({item.due, order});
  } else {
    item.state = State::kReady;
    ready_.insert(PlaceOf(order, item));
  }
  if (item.is_row) MakeRowsOfKey(item);
}

void Settlement::MakeRow(uint64_t order, Item& item) {
  if (item.is_row) return;
  item.is_row = true;
  ++rows_;
  Pass(order);
}

void Settlement::MakeRowsOfKey(const Item& item) {
  if (item.row.key == 0) return;
  for (const uint64_t order : keys_.at(item.row.key)) {
    MakeRow(order, items_.at(order));
  }
}

void Settlement::Tick(absl::Duration now) {
  now_ = now;
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const uint64_t order = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    Item& item = items_.at(order);
    item.state = State::kReady;
    ready_.insert(PlaceOf(order, item));
  }
}

std::optional<Settlement::Ready> Settlement::ready() const {
  if (ready_.empty()) return std::nullopt;
  const Item& item = items_.at(ready_.begin()->second);
  return Ready{item.row.order, item.row.id, item.row.attempts + 1};
}

void Settlement::Sent(uint64_t order, SessionId member, uint64_t number,
                      size_t bytes, Sequence shown) {
  if (Entry* entry = EntryOf(order)) entry->shown = shown;
  items_.at(order).shown = shown;
  // One of the life before that is out does not wait for the policy of then.
  if (const auto before =
          before_shown_.find(items_.at(order).row.id.sequence.value);
      before != before_shown_.end()) {
    before->second = shown;
  }
  Item& item = items_.at(order);
  ready_.erase(PlaceOf(order, item));
  item.state = State::kOut;
  item.member = member;
  item.number = number;
  Member& has = members_[member];
  has.out[number] = {order, bytes};
  has.bytes += bytes;
}

std::optional<uint64_t> Settlement::TakeOut(SessionId member, uint64_t number) {
  const auto has = members_.find(member);
  if (has == members_.end()) return std::nullopt;
  const auto out = has->second.out.find(number);
  if (out == has->second.out.end()) return std::nullopt;
  const uint64_t order = out->second.order;
  has->second.bytes -= out->second.bytes;
  has->second.out.erase(out);
  return order;
}

bool Settlement::Done(SessionId member, uint64_t number) {
  const std::optional<uint64_t> order = TakeOut(member, number);
  if (order) Resolve(*order);
  return order.has_value();
}

void Settlement::DoneUpTo(SessionId member, uint64_t number) {
  const auto has = members_.find(member);
  if (has == members_.end()) return;
  while (!has->second.out.empty() && has->second.out.begin()->first <= number) {
    Done(member, has->second.out.begin()->first);
  }
}

bool Settlement::Nack(SessionId member, uint64_t number, absl::Duration delay,
                      absl::string_view reason) {
  const std::optional<uint64_t> order = TakeOut(member, number);
  if (!order) return false;
  const uint32_t round = items_.at(*order).row.round;
  if (delay <= absl::ZeroDuration()) {
    delay = limits_.backoff_min;
    for (uint32_t i = 0; i < round && delay < limits_.backoff_max; ++i) {
      delay *= 2;
    }
  }
  Fail(*order, std::min(delay, limits_.backoff_max), reason);
  return true;
}

void Settlement::Gone(SessionId member) {
  const auto has = members_.find(member);
  if (has == members_.end()) return;
  const std::map<uint64_t, Out> out = std::move(has->second.out);
  members_.erase(has);
  for (const auto& [number, one] : out) {
    if (number == out.begin()->first) {
      Fail(one.order, absl::ZeroDuration(), kLost);
    } else {
      Activate(one.order, items_.at(one.order));
    }
  }
}

void Settlement::Fail(uint64_t order, absl::Duration delay,
                      absl::string_view reason) {
  Item& item = items_.at(order);
  Row& row = item.row;
  ++row.attempts;
  ++row.round;
  row.last_us = real_us(now_);
  if (row.first_us == 0) row.first_us = row.last_us;
  row.reason = std::string(reason.substr(0, Row::kReasonBytesMax));
  MakeRow(order, item);
  if (row.round >= limits_.attempts) {
    item.state = State::kSetAside;
  } else {
    item.due = now_ + delay;
  }
  Activate(order, item);
}

void Settlement::LeaveKey(uint64_t order, uint64_t key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  std::deque<uint64_t>& queue = found->second;
  const auto at = std::find(queue.begin(), queue.end(), order);
  if (at == queue.end()) return;
  const bool was_first = at == queue.begin();
  queue.erase(at);
  if (queue.empty()) {
    keys_.erase(found);
  } else if (was_first) {
    Activate(queue.front(), items_.at(queue.front()));
  }
}

void Settlement::Resolve(uint64_t order) {
  const auto found = items_.find(order);
  const uint64_t key = found->second.row.key;
  const ItemId id = found->second.row.id;
  // A row of the life before, which is above the floor and not offered again yet.
  if (EntryOf(order) == nullptr && !IsBelowFloor(id)) {
    unseen_[id] = found->second.shown;
  }
  if (const auto before = before_shown_.find(id.sequence.value);
      before != before_shown_.end()) {
    before->second = found->second.shown;
  }
  ready_.erase(PlaceOf(order, found->second));
  delayed_.erase({found->second.due, order});
  if (found->second.is_row) --rows_;
  items_.erase(found);
  if (key != 0) LeaveKey(order, key);
  Pass(order);
}

Settlement::Entry* Settlement::EntryOf(uint64_t order) {
  if (window_.empty() || order < window_.front().order) return nullptr;
  return &window_[order - window_.front().order];
}

void Settlement::Pass(uint64_t order) {
  if (Entry* entry = EntryOf(order)) entry->passed = true;
  while (!window_.empty() && window_.front().passed) {
    const Entry& front = window_.front();
    MoveFloor(front.acknowledged, front.judged);
    if (!IsBelowFloor(front.id) && !items_.contains(front.order) &&
        unseen_.size() < limits_.window + kBackfilledMax) {
      unseen_[front.id] = front.shown;
    }
    window_.pop_front();
  }
}

void Settlement::MoveFloor(Sequence acknowledged, Sequence judged) {
  const bool completes = judged > place_.judged;
  place_.acknowledged = acknowledged;
  place_.judged = judged;
  if (!completes) return;
  std::erase_if(unseen_,
                [this](const auto& one) { return IsBelowFloor(one.first); });
}

size_t Settlement::out_to(SessionId member) const {
  const auto has = members_.find(member);
  return has == members_.end() ? 0 : has->second.out.size();
}

size_t Settlement::bytes_out_to(SessionId member) const {
  const auto has = members_.find(member);
  return has == members_.end() ? 0 : has->second.bytes;
}

bool Settlement::Redrive(uint64_t order, absl::Duration delay) {
  const auto found = items_.find(order);
  if (found == items_.end()) return false;
  Item& item = found->second;
  if (item.state != State::kSetAside && item.state != State::kParked) {
    return false;
  }
  item.row.round = 0;
  item.due = now_ + delay;
  if (item.state == State::kParked) {
    Enqueue(order, item);
  } else {
    item.state = State::kQueued;
    const uint64_t key = item.row.key;
    if (key == 0 || keys_.at(key).front() == order) Activate(order, item);
  }
  return true;
}

bool Settlement::Park(uint64_t order) {
  const auto found = items_.find(order);
  if (found == items_.end() || found->second.state != State::kSetAside) {
    return false;
  }
  found->second.state = State::kParked;
  LeaveKey(order, found->second.row.key);
  return true;
}

Settlement::Counts Settlement::counts() const {
  Counts counts;
  for (const auto& [order, item] : items_) {
    switch (item.state) {
      case State::kOut:
        ++counts.out;
        break;
      case State::kSetAside:
        ++counts.set_aside;
        break;
      case State::kParked:
        ++counts.parked;
        break;
      default:
        ++counts.waiting;
    }
  }
  return counts;
}

Settlement::StandsAt Settlement::Find(Sequence sequence) const {
  for (const auto& [order, item] : items_) {
    if (item.row.id.sequence != sequence) continue;
    StandsAt at;
    at.row = item.row;
    at.row.due_us = real_us(item.due);
    switch (item.state) {
      case State::kOut:
        at.standing = Standing::kOut;
        break;
      case State::kDelayed:
        at.standing = Standing::kDelayed;
        break;
      case State::kReady:
        at.standing = Standing::kReady;
        break;
      case State::kSetAside:
        at.standing = Standing::kSetAside;
        break;
      case State::kParked:
        at.standing = Standing::kParked;
        break;
      case State::kQueued:
        at.standing = Standing::kBehindKey;
        at.behind = items_.at(keys_.at(item.row.key).front()).row.id.sequence;
    }
    return at;
  }
  const bool is_done =
      sequence <= place_.acknowledged ||
      std::any_of(
          unseen_.begin(), unseen_.end(),
          [&](const auto& one) { return one.first.sequence == sequence; }) ||
      std::any_of(window_.begin(), window_.end(), [&](const Entry& one) {
        return one.passed && one.id.sequence == sequence;
      });
  return {is_done ? Standing::kDone : Standing::kNotOffered};
}

uint64_t Settlement::real_us(absl::Duration now) const {
  return static_cast<uint64_t>(
      std::max<int64_t>(0, absl::ToUnixMicros(started_ + now)));
}

std::vector<Row> Settlement::Rows() const {
  std::vector<Row> rows;
  for (const auto& [order, item] : items_) {
    if (!item.is_row) continue;
    Row& row = rows.emplace_back(item.row);
    row.state = item.state == State::kSetAside ? RowState::kSetAside
                : item.state == State::kParked ? RowState::kParked
                                               : RowState::kWaiting;
    row.due_us = row.state == RowState::kWaiting && row.attempts > 0
                     ? real_us(item.due)
                     : 0;
  }
  return rows;
}

Place Settlement::place(Sequence scanned) const {
  Place place = place_;
  place.scanned = std::max(scanned, before_scanned_);
  place.rows = Rows();
  for (const auto& [id, shown] : unseen_) {
    if (!IsBelowFloor(id)) place.settled.push_back({id, shown});
  }
  for (const Entry& entry : window_) {
    if (entry.passed && !items_.contains(entry.order)) {
      place.settled.push_back({entry.id, entry.shown});
    }
  }
  return place;
}

}  // namespace concordat::bus

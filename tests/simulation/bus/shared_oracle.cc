#include "tests/simulation/bus/shared_oracle.h"

#include <algorithm>

namespace concordat::simulation {

std::string SharedOracle::KeyOf(uint64_t sequence) const {
  const Event* event = oracle_.Original(sequence);
  if (event == nullptr) return "";
  const Header& header = event->header;
  if (!header.stream.empty()) {
    return absl::StrCat(header.source, " ", header.stream);
  }
  return header.subject.empty() ? "" : header.subject.ToString();
}

bool SharedOracle::WasHidden(uint64_t sequence, uint64_t from,
                             uint64_t to) const {
  for (uint64_t at = std::max(from, sequence); at <= to; ++at) {
    if (oracle_.MayShow(member_, sequence, at) == 0) return true;
  }
  return false;
}

void SharedOracle::Delivered(uint64_t link, uint64_t number, const View& view,
                             uint64_t cause, uint32_t attempt, uint64_t at) {
  const Id id = {view.sequence.value, cause};
  Item& item = items_[id];
  const auto wrong = [&](const auto&... what) {
    world_.Fail(kShared, ": ", id.first, " because of ", id.second, " on link ",
                link, " ", what...);
  };
  if (paused_) wrong("goes out though it is paused");
  if (item.link != 0) wrong("is out already, on link ", item.link);
  if (item.stored) wrong("goes out again, and its settling was stored");
  if (item.parked) wrong("goes out though it is parked");
  if (attempt > attempts_max_ * (1 + item.redrives)) {
    wrong("goes out for the ", attempt, "th time");
  }
  const bool is_first = item.order == 0;
  if (is_first) {
    item.key = KeyOf(id.first);
    item.order = ++orders_;
  }
  CheckOrder(id, item, is_first, at);
  item.link = link;
  item.shift = shift_;
  item.judged_at = at;
  item.heard = false;
  Link& has = links_[link];
  has.out[number] = id;
  if (has.out.size() > has.credit) {
    wrong("makes ", has.out.size(), " on a credit of ", has.credit);
  }
}

void SharedOracle::CheckOrder(Id id, const Item& item, bool is_first,
                              uint64_t at) {
  if (item.key.empty()) return;
  for (const auto& [other_id, other] : items_) {
    if (other_id == id || other.key != item.key) continue;
    if (other.link != 0) {
      world_.Fail(kShared, ": ", id.first, " goes out beside ", other_id.first,
                  ", of the same key");
    }
    if (other.order == 0 || other.order > item.order || other.heard ||
        other.was_parked || item.was_parked) {
      continue;
    }
    // Since then all members were away: what was out is offered again by the log,
    // after what policy shows of before it.
    if (other.shift != shift_ && !other.is_row) continue;
    if (!WasHidden(other_id.first, other.judged_at, at)) {
      world_.Fail(kShared, ": ", id.first, " because of ", id.second,
                  " overtakes ", other_id.first, " because of ",
                  other_id.second, ", of the same key");
    }
  }
  if (!is_first || id.second != 0) return;
  for (; read_ < oracle_.end(); ++read_) {
    log_[KeyOf(read_ + 1)].push_back(read_ + 1);
  }
  for (const uint64_t before : log_[item.key]) {
    if (before >= id.first) break;
    bool is_known = false;
    for (auto known = items_.lower_bound({before, 0});
         known != items_.end() && known->first.first == before; ++known) {
      const Item& there = known->second;
      is_known |= there.order != 0 || there.heard || there.stored;
    }
    if (!is_known && !WasHidden(before, up_at_, at)) {
      world_.Fail(kShared, ": ", id.first, " goes out before ", before,
                  ", of the same key");
    }
  }
}

void SharedOracle::Settles(uint64_t link, const bus::v1::Settle& all) {
  Link& has = links_[link];
  std::vector<Id>& done = has.settles.emplace_back();
  for (const uint64_t number : all.done()) {
    const auto out = has.out.find(number);
    if (out == has.out.end()) continue;
    Item& item = items_[out->second];
    item.link = 0;
    item.heard = true;
    done.push_back(out->second);
    has.out.erase(out);
  }
  for (const bus::v1::Nack& nack : all.nacks()) {
    const auto out = has.out.find(nack.delivery());
    if (out == has.out.end()) continue;
    items_[out->second].link = 0;
    items_[out->second].is_row = true;
    has.out.erase(out);
  }
}

void SharedOracle::Stored(uint64_t link, uint64_t settles) {
  Link& has = links_[link];
  for (size_t i = 0; i < settles && i < has.settles.size(); ++i) {
    for (const Id& id : has.settles[i]) {
      if (items_[id].heard) items_[id].stored = true;
    }
  }
}

void SharedOracle::Over(uint64_t link) {
  const auto has = links_.find(link);
  if (has == links_.end()) return;
  for (const auto& [number, id] : has->second.out) items_[id].link = 0;
  if (!has->second.out.empty()) {
    items_[has->second.out.begin()->second].is_row = true;
  }
  links_.erase(has);
  if (links_.empty()) ++shift_;
}

void SharedOracle::Redriven(Id id) {
  Item& item = items_[id];
  ++item.redrives;
  item.parked = false;
}

void SharedOracle::BusDown() {
  while (!links_.empty()) Over(links_.begin()->first);
  paused_ = false;
}

void SharedOracle::BusUp(const bus::Place* place, uint64_t at) {
  up_at_ = at;
  orders_ = 0;
  for (auto& [id, item] : items_) {
    item.order = 0;
    item.is_row = false;
    item.parked = false;
  }
  if (place == nullptr) return;
  paused_ = place->paused;
  for (const bus::Row& row : place->rows) {
    Item& item = items_[{row.id.sequence.value, row.id.cause.value}];
    item.key = KeyOf(row.id.sequence.value);
    item.order = row.order;
    item.is_row = true;
    item.parked = row.state == bus::RowState::kParked;
    item.was_parked |= item.parked;
    if (item.judged_at == 0) item.judged_at = at;
    orders_ = std::max(orders_, row.order);
  }
  CheckPlace(*place);
}

bool SharedOracle::CameWithAnother(Id id) const {
  for (auto other = items_.lower_bound({id.first, 0});
       other != items_.end() && other->first.first == id.first; ++other) {
    if (other->first != id && other->second.judged_at >= id.second &&
        (other->second.heard || other->second.stored)) {
      return true;
    }
  }
  return false;
}

void SharedOracle::CheckPlace(const bus::Place& place) const {
  const auto wrong = [&](const auto&... what) {
    world_.Fail(kShared, ": its place is ", place.acknowledged.value,
                " judged to ", place.judged.value, " and ", what...);
  };
  if (place.acknowledged.value > oracle_.end() ||
      place.judged.value > oracle_.end() ||
      place.scanned.value > oracle_.end()) {
    wrong("the log ends at ", oracle_.end());
  }
  std::map<Id, bool> rows;
  for (const bus::Row& row : place.rows) {
    const Id id = {row.id.sequence.value, row.id.cause.value};
    if (std::max(id.first, id.second) > oracle_.end()) {
      wrong("a row is of ", id.first, ", past the log's end");
    }
    if (!rows.emplace(id, true).second) wrong("has two rows of ", id.first);
  }
  std::map<Id, bool> settled;
  for (const bus::Settled& one : place.settled) {
    settled[{one.id.sequence.value, one.id.cause.value}] = true;
  }
  for (const auto& [id, item] : items_) {
    // What is above the floor comes live in its turn, whatever had shown it.
    const bool passed =
        settled.count(id) > 0 || (id.first <= place.acknowledged.value &&
                                  id.second <= place.judged.value);
    // A row of it as it was shown another time holds it too.
    const auto row = rows.lower_bound({id.first, 0});
    const bool is_row = row != rows.end() && row->first.first == id.first;
    if (!passed || is_row || item.heard || item.stored || CameWithAnother(id)) {
      continue;
    }
    if (!WasHidden(id.first, item.judged_at, oracle_.end())) {
      wrong("passes ", id.first, " because of ", id.second,
            ", which nobody is done with");
    }
  }
}

}  // namespace concordat::simulation

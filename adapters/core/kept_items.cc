#include "adapters/core/kept_items.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::edge {
namespace {

constexpr char kTooOld[] = "TOO_OLD";  // Of the code list kept-item-reason.
constexpr char kTooMany[] = "TOO_MANY";

absl::string_view Verb(v1::ActKind kind) {
  switch (kind) {
    case v1::ACT_KIND_RELEASE:
      return "released";
    case v1::ACT_KIND_REPLAY:
      return "replayed";
    case v1::ACT_KIND_AGE:
      return "ended for its age";
    default:
      return "left";
  }
}

// A look ends nothing.
bool IsForTheItem(v1::ActKind kind) {
  return kind == v1::ACT_KIND_RELEASE || kind == v1::ACT_KIND_LEAVE ||
         kind == v1::ACT_KIND_AGE;
}

bool IsSameWish(const Act& a, const Act& b) {
  return a.item == b.item && a.kind == b.kind && a.reason == b.reason &&
         a.note == b.note && a.decision_ref == b.decision_ref &&
         a.on_behalf_of == b.on_behalf_of;
}

}  // namespace

std::string RefOf(const KeptItem& item) {
  return absl::StrCat(item.verdict.outcome == v1::OUTCOME_REFUSED ? "R-" : "H-",
                      item.message.number);
}

std::string WhatWasDone(v1::ActKind kind, absl::string_view by, uint64_t at_us,
                        absl::string_view reason) {
  return absl::StrCat(
      "it was ", Verb(kind), " by ", by, " at ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                       absl::FromUnixMicros(static_cast<int64_t>(at_us)),
                       absl::UTCTimeZone()),
      " (", reason, ")");
}

std::string WhatHappened(const KeptItem& item) {
  if (!item.act.has_value()) return "nobody has acted on it";
  const Act& act = *item.act;
  return WhatWasDone(act.kind, act.by, act.at_us, act.reason);
}

void KeptItems::CountIn(const KeptItem& item) {
  bytes_ += item.message.message.size();
  if (item.verdict.outcome == v1::OUTCOME_REFUSED) ++refused_;
}

void KeptItems::CountOut(const KeptItem& item) {
  bytes_ -= item.message.message.size();
  if (item.verdict.outcome == v1::OUTCOME_REFUSED) --refused_;
}

void KeptItems::Keep(KeptItem item) {
  const uint64_t number = item.message.number;
  if (const auto old = items_.find(number); old != items_.end()) Drop(old);
  for (const Act& act : acts_) {
    if (act.item == number && IsForTheItem(act.kind) &&
        (!act.ended || act.done)) {
      item.act = act;
    }
  }
  if (item.open()) CountIn(item);
  items_.emplace(number, std::move(item));
  KeepToBounds();
}

void KeptItems::Drop(std::map<uint64_t, KeptItem>::iterator item) {
  if (item->second.open()) CountOut(item->second);
  items_.erase(item);
}

void KeptItems::KeepToBounds() {
  for (auto at = items_.begin();
       refused_ > limits_.refused_max && at != items_.end();) {
    const auto here = at++;
    if (here->second.open() &&
        here->second.verdict.outcome == v1::OUTCOME_REFUSED) {
      Drop(here);
    }
  }
  while (acts_.size() > limits_.ended_max + under_way_) {
    const auto oldest = std::find_if(acts_.begin(), acts_.end(),
                                     [](const Act& act) { return act.ended; });
    const auto item = items_.find(oldest->item);
    if (item != items_.end() && item->second.act.has_value() &&
        item->second.act->number == oldest->number) {
      Drop(item);
    }
    acts_.erase(oldest);
  }
}

absl::StatusOr<const Act*> KeptItems::FindAnswer(const Act& wish) const {
  for (const Act& act : acts_) {
    if (act.by != wish.by || act.request_id != wish.request_id) continue;
    if (act.ended && !act.done) continue;
    if (!IsSameWish(act, wish)) {
      return absl::InvalidArgumentError(
          "command.request_id: it was used for another request");
    }
    return &act;
  }
  return nullptr;
}

absl::Status KeptItems::Check(const Act& wish) const {
  const KeptItem* item = Find(wish.item);
  if (item == nullptr) return absl::NotFoundError("there is no such item");
  if (under_way_ >= limits_.acts_under_way_max) {
    return absl::ResourceExhaustedError("too many acts wait for the bus");
  }
  if (wish.kind == v1::ACT_KIND_LOOK || item->open()) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat("the item has changed: ", WhatHappened(*item)));
}

std::optional<WaitingMessage> KeptItems::Begin(Act act) {
  std::optional<WaitingMessage> again;
  const auto item = items_.find(act.item);
  if (item != items_.end() && act.kind != v1::ACT_KIND_LOOK) {
    CountOut(item->second);
    if (IsForTheItem(act.kind)) item->second.act = act;
    if (act.kind == v1::ACT_KIND_REPLAY) {
      again = std::move(item->second.message);
      items_.erase(item);
    }
  }
  last_act_ = std::max(last_act_, act.number);
  ++under_way_;
  acts_.push_back(std::move(act));
  return again;
}

absl::Status KeptItems::End(const v1::ActEnded& ended) {
  Act* act = MutableAct(ended.act());
  if (act == nullptr || act->ended) {
    return absl::DataLossError("the edge's journal ends what never began");
  }
  act->ended = true;
  act->done = ended.done();
  act->why = ended.why();
  act->position = Sequence{ended.position()};
  act->made.clear();
  --under_way_;
  const auto item = items_.find(act->item);
  if (item != items_.end() && item->second.act.has_value() &&
      item->second.act->number == act->number) {
    KeptItem& kept = item->second;
    if (act->done) {
      kept.message.message.clear();
      kept.act = *act;
    } else {
      kept.act.reset();
      CountIn(kept);
    }
  }
  KeepToBounds();
  return absl::OkStatus();
}

std::vector<KeptItem> KeptItems::Forget(const PersonKey& person) {
  std::vector<KeptItem> gone;
  for (auto at = items_.begin(); at != items_.end();) {
    const auto here = at++;
    if (here->second.verdict.subject != person) continue;
    gone.push_back(here->second);
    Drop(here);
  }
  std::erase_if(acts_, [&](const Act& act) {
    if (act.subject != person) return false;
    if (!act.ended) --under_way_;
    return true;
  });
  return gone;
}

const KeptItem* KeptItems::Find(uint64_t number) const {
  const auto at = items_.find(number);
  return at == items_.end() ? nullptr : &at->second;
}

const Act* KeptItems::FindAct(uint64_t number) const {
  const auto at = std::lower_bound(
      acts_.begin(), acts_.end(), number,
      [](const Act& act, uint64_t wanted) { return act.number < wanted; });
  return at == acts_.end() || at->number != number ? nullptr : &*at;
}

Act* KeptItems::MutableAct(uint64_t number) {
  return const_cast<Act*>(FindAct(number));
}

const Act* KeptItems::OldestAct() const {
  if (under_way_ == 0) return nullptr;
  const auto at = std::find_if(acts_.begin(), acts_.end(),
                               [](const Act& act) { return !act.ended; });
  return at == acts_.end() ? nullptr : &*at;
}

std::optional<Act> KeptItems::Overdue(uint64_t now_us) const {
  const auto age_us =
      static_cast<uint64_t>(absl::ToInt64Microseconds(limits_.age_max));
  const auto oldest =
      std::find_if(items_.begin(), items_.end(),
                   [](const auto& entry) { return entry.second.open(); });
  if (oldest == items_.end() || under_way_ >= limits_.acts_under_way_max) {
    return std::nullopt;
  }
  const uint64_t received_us = oldest->second.message.received_us;
  const bool too_old = received_us + age_us < now_us;
  if (!too_old && bytes_ <= limits_.bytes_max) return std::nullopt;
  Act act;
  act.item = oldest->first;
  act.kind = v1::ACT_KIND_AGE;
  act.reason = too_old ? kTooOld : kTooMany;
  act.request_id = absl::StrCat("age-", oldest->first, "-", now_us);
  act.at_us = now_us;
  return act;
}

}  // namespace concordat::edge

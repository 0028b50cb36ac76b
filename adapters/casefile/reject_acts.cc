#include "adapters/casefile/reject_acts.h"

#include <algorithm>
#include <utility>

#include "adapters/core/kept_items.h"

namespace concordat::casefile {
namespace {

using edge::v1::RejectAct;

// The same person's same request; one that the bus refused was no answer.
bool IsRepeat(const RejectAct& old, const RejectAct& act) {
  return old.acted().by() == act.acted().by() &&
         old.acted().request_id() == act.acted().request_id() &&
         (!old.has_ended() || old.ended().done());
}

bool IsSameWish(const RejectAct& a, const RejectAct& b) {
  return a.acted().item() == b.acted().item() &&
         a.acted().kind() == b.acted().kind() &&
         a.acted().reason() == b.acted().reason() &&
         a.acted().note() == b.acted().note() &&
         a.acted().on_behalf_of() == b.acted().on_behalf_of() &&
         a.mended() == b.mended();
}

}  // namespace

absl::StatusOr<const RejectAct*> RejectActs::FindAnswer(
    const RejectAct& wish) const {
  const RejectAct* before = nullptr;
  for (const auto& [number, act] : acts_) {
    if (IsRepeat(act, wish)) {
      if (IsSameWish(act, wish)) return &act;
      return absl::InvalidArgumentError(
          "the request id was used for something else");
    }
    if (act.acted().item() == wish.acted().item() &&
        (!act.has_ended() || act.ended().done())) {
      before = &act;
    }
  }
  if (before != nullptr) {
    const edge::v1::Acted& acted = before->acted();
    return absl::AbortedError(edge::WhatWasDone(acted.kind(), acted.by(),
                                                acted.at(), acted.reason()));
  }
  if (under_way_ >= limits_.under_way_max) {
    return absl::ResourceExhaustedError("too many acts wait for the bus");
  }
  return nullptr;
}

void RejectActs::Add(RejectAct act) {
  if (!act.has_ended()) ++under_way_;
  const uint64_t number = act.acted().act();
  acts_[number] = std::move(act);
}

std::optional<RejectAct> RejectActs::End(const edge::v1::ActEnded& ended) {
  const auto at = acts_.find(ended.act());
  if (at == acts_.end() || at->second.has_ended()) return std::nullopt;
  RejectAct before = at->second;
  at->second.clear_again();
  *at->second.mutable_ended() = ended;
  --under_way_;
  if (acts_.size() > limits_.ended_max + under_way_) {
    acts_.erase(std::find_if(acts_.begin(), acts_.end(), [](const auto& entry) {
      return entry.second.has_ended();
    }));
  }
  return before;
}

void RejectActs::Forget(const PersonKey& person,
                        const std::set<uint64_t>& rejects) {
  std::erase_if(acts_, [&](const auto& entry) {
    const RejectAct& act = entry.second;
    if (rejects.count(act.acted().item()) == 0 &&
        act.acted().subject() != person.bytes()) {
      return false;
    }
    if (!act.has_ended()) --under_way_;
    return true;
  });
}

void RejectActs::Clear() {
  acts_.clear();
  under_way_ = 0;
}

const RejectAct* RejectActs::Find(uint64_t act) const {
  const auto at = acts_.find(act);
  return at == acts_.end() ? nullptr : &at->second;
}

const RejectAct* RejectActs::Oldest() const {
  for (const auto& [number, act] : acts_) {
    if (!act.has_ended()) return &act;
  }
  return nullptr;
}

bool RejectActs::IsUnderWay(uint64_t reject) const {
  return std::any_of(acts_.begin(), acts_.end(), [&](const auto& entry) {
    return entry.second.acted().item() == reject && !entry.second.has_ended();
  });
}

}  // namespace concordat::casefile

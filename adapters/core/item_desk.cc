#include "adapters/core/item_desk.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::edge {
namespace {

constexpr char kNothingKept[] = "nothing of it is kept: it can only be left";

absl::Status NoSuchItem() {
  return absl::NotFoundError("there is no such item");
}

uint64_t MicrosOf(const Clock& clock) {
  return static_cast<uint64_t>(absl::ToUnixMicros(clock.Now()));
}

bool IsWithin(const KeptItem& item, ItemDesk::Reach reach) {
  return reach == ItemDesk::Reach::kAll ||
         item.verdict.outcome == v1::OUTCOME_REFUSED;
}

}  // namespace

absl::StatusOr<Looked> ItemDesk::Look(Act wish) {
  wish.kind = v1::ACT_KIND_LOOK;
  wish.at_us = MicrosOf(log_clock_);
  std::optional<KeptItem> item = store_.Find(wish.item);
  if (!item.has_value()) return NoSuchItem();
  // A look is one look, also while a story's time stands still: two at the same
  // moment are told apart by the item's.
  wish.request_id = absl::StrCat("look-", wish.item, "-", MicrosOf(clock_));
  const auto recorded = store_.Begin(std::move(wish));
  if (!recorded.ok()) return recorded.status();
  Looked looked{*std::move(item), {}};
  if (!looked.item.message.message.empty()) {
    looked.fields = rules_.Show(looked.item);
  }
  return looked;
}

absl::StatusOr<std::string> ItemDesk::CheckRelease(const KeptItem& item) const {
  if (item.verdict.outcome != v1::OUTCOME_HELD) {
    return absl::FailedPreconditionError(
        "it was refused, not held: have it judged again, or leave it");
  }
  if (item.message.message.empty()) {
    return absl::FailedPreconditionError(kNothingKept);
  }
  return rules_.PreviewRelease(item);
}

absl::StatusOr<std::string> ItemDesk::PreviewRelease(uint64_t number) const {
  const std::optional<KeptItem> item = store_.Find(number);
  if (!item.has_value()) return NoSuchItem();
  return CheckRelease(*item);
}

absl::Status ItemDesk::CheckReplay(const KeptItem& item) const {
  if (item.message.message.empty()) {
    return absl::FailedPreconditionError(kNothingKept);
  }
  return rules_.Replay(item);
}

absl::Status ItemDesk::PreviewReplay(uint64_t number) const {
  const std::optional<KeptItem> item = store_.Find(number);
  return item.has_value() ? CheckReplay(*item) : NoSuchItem();
}

absl::Status ItemDesk::Prepare(Act& wish, Sequence min_position,
                               Reach reach) const {
  const std::optional<KeptItem> item = store_.Find(wish.item);
  if (!item.has_value() || !IsWithin(*item, reach)) return NoSuchItem();
  wish.item_ref = RefOf(*item);
  wish.subject = item->verdict.subject;
  if (wish.kind == v1::ACT_KIND_RELEASE) {
    const auto service = CheckRelease(*item);
    if (!service.ok()) return service.status();
    if (!rules_.AwaitPosition(min_position, kWait)) {
      return absl::UnavailableError("the edge has not read the log so far yet");
    }
    auto made = rules_.Release(*item, wish.decision_ref);
    if (!made.ok()) return made.status();
    wish.made = *std::move(made);
  }
  if (wish.kind == v1::ACT_KIND_REPLAY) {
    const absl::Status useful = CheckReplay(*item);
    if (!useful.ok()) return useful;
  }
  // What breaks a rule of its fact is refused before it is an act.
  return events_.MakeSet(wish).status();
}

absl::StatusOr<Taken> ItemDesk::Take(Act wish, Sequence min_position,
                                     Reach reach) {
  if (wish.at_us == 0) wish.at_us = MicrosOf(log_clock_);
  const auto answered = store_.Check(wish);
  KeptItem before;
  if (const auto item = store_.Find(wish.item)) {
    before = *item;
    if (!answered.ok() && !IsWithin(*item, reach)) return NoSuchItem();
  }
  if (!answered.ok()) return answered.status();
  if (answered->has_value()) return Answer(**answered, before, true);
  const absl::Status prepared = Prepare(wish, min_position, reach);
  if (!prepared.ok()) return prepared;
  const auto act = store_.Begin(std::move(wish));
  if (!act.ok()) return act.status();
  return Answer(*act, before, false);
}

absl::StatusOr<Taken> ItemDesk::Answer(uint64_t act, const KeptItem& before,
                                       bool duplicate) const {
  if (!store_.WaitForEnd(act, kWait)) {
    return absl::UnavailableError(
        "recorded, and not in the log yet; ask again with the same request id");
  }
  Taken taken{before, {}, duplicate};
  if (auto ended = store_.FindAct(act)) taken.act = *std::move(ended);
  if (!taken.act.done) {
    return absl::FailedPreconditionError(
        absl::StrCat("the hub refused it: ", taken.act.why));
  }
  if (auto now = store_.Find(taken.act.item)) {
    taken.item = *std::move(now);
  } else {
    taken.item.act = taken.act;  // Replayed, and something came of it.
  }
  taken.item.message.message.clear();
  return taken;
}

}  // namespace concordat::edge

#include "services/bus/delivery/policy_fold.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 4u << 20;

}  // namespace

absl::Status PolicyFold::CatchUp(const EventLog& log) {
  for (;;) {
    const absl::Status passed = PassOver(log);
    if (!passed.ok()) return passed;
    const auto block = log.Read(folded_, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return absl::OkStatus();
    const absl::Status folded = Fold(**block);
    if (!folded.ok()) return folded;
  }
}

absl::Status PolicyFold::PassOver(const EventLog& log) {
  Interest interest;
  interest.type = [this](absl::string_view name) {
    const EventType* const type = types_->Find(name);
    return type != nullptr &&
           type->policy().effect() != policy::v1::EFFECT_UNSPECIFIED;
  };
  // As far as it goes at once: reading an event costs more than an index.
  Sequence to = folded_;
  for (Sequence next = log.SkipFrom(to, interest); next > to;
       next = log.SkipFrom(to, interest)) {
    to = next;
  }
  if (to <= folded_) return absl::OkStatus();
  auto last = log.ReadOne(to);
  if (!last.ok()) return last.status();
  // The first event of a day that changes agreements is folded.
  const uint64_t change_us = policy_.agreements()->NextChangeAfter(now_us_);
  if (last->accepted_us >= change_us) {
    const auto before = LastBefore(log, change_us, folded_, to);
    if (!before.ok()) return before.status();
    if (*before == folded_) return absl::OkStatus();
    to = *before;
    last = log.ReadOne(to);
    if (!last.ok()) return last.status();
  }
  folded_ = to;
  now_us_ = last->accepted_us;
  return absl::OkStatus();
}

absl::Status PolicyFold::Fold(const EventBlock& block) {
  // Neighbours are most often of one type.
  absl::string_view name;
  const EventType* type = nullptr;
  for (const StoredEvent& event : block.events) {
    if (event.sequence <= folded_) continue;
    // A day began on which an agreement starts or ends.
    const bool new_day =
        keeps_changes_ &&
        event.accepted_us >= policy_.agreements()->NextChangeAfter(now_us_);
    if (new_day) {
      changes_.push_back(
          {event.sequence, {}, {}, {}, policy_.agreements(), now_us_});
    }
    if (event.header.type != name) {
      name = event.header.type;
      type = types_->Find(name);
    }
    if (type != nullptr &&
        type->policy().effect() != policy::v1::EFFECT_UNSPECIFIED) {
      PolicyChange change;
      change.cause = event.sequence;
      change.person = event.header.subject;
      change.before = policy_.Of(change.person);
      change.agreements_before = policy_.agreements();
      change.before_us = now_us_;
      change.after_new_day = new_day;
      const absl::StatusOr<bool> changed =
          policy_.Apply(event.header, MessageOf(event));
      if (!changed.ok()) {
        return absl::DataLossError(absl::StrCat(
            "event ", event.sequence.value, ": ", changed.status().message()));
      }
      if (*changed && keeps_changes_) {
        change.after = policy_.Of(change.person);
        changes_.push_back(std::move(change));
      }
    }
    folded_ = event.sequence;
    now_us_ = event.accepted_us;
  }
  return absl::OkStatus();
}

GroupMask PolicyFold::GrantedBefore(const PolicyChange& change,
                                    const StoredEvent& event,
                                    const Recipient& to) const {
  const PersonPolicy& person =
      change.everybody() ? policy_.Of(event.header.subject) : change.before;
  const auto granted_to = [&](const PersonPolicy& of) {
    return change.agreements_before->Granted(event.header, to, change.before_us,
                                             of);
  };
  const GroupMask before = granted_to(person);
  if (!change.after_new_day) return before;
  const GroupMask shown_by_new_day = static_cast<GroupMask>(
      Granted(event, to) & ~granted_to(policy_.Of(event.header.subject)));
  return before | shown_by_new_day;
}

}  // namespace concordat::bus

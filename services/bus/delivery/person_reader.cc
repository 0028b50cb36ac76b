#include "services/bus/delivery/person_reader.h"

#include <algorithm>
#include <utility>

#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {

GroupMask ShownWhenOpened(const EventType& type, absl::string_view name,
                          const Agreements& agreements, uint64_t now_us) {
  if (type.policy().internal()) return 0;
  // An opening is without an interest, not without an agreement: what no line gives to
  // anybody but who told it stays there.
  const GroupMask shared = agreements.Shared(name, now_us);
  if (shared == 0) return 0;
  GroupMask shown = 1;
  for (const GroupInfo& group : type.groups()) {
    if (group.category == policy::v1::CATEGORY_UNSPECIFIED) {
      shown |= static_cast<GroupMask>(shared & (1u << group.number));
    }
  }
  return shown;
}

GroupMask PersonReader::ShownOf(const StoredEvent& event, const Recipient& to,
                                bool opened) const {
  const GroupMask shown = fold_.Shown(event, to);
  // The person's own lists beat an opening, too.
  const bool may = opened && event.removed_us == 0 &&
                   fold_.policy().Of(event.header.subject).Allows(to);
  const EventType* const type = may ? types_->Find(event.header.type) : nullptr;
  if (type == nullptr) return shown;
  return static_cast<GroupMask>(
      shown | ShownWhenOpened(*type, event.header.type,
                              *fold_.policy().agreements(), fold_.now_us()));
}

absl::StatusOr<PersonReader::Answer> PersonReader::Read(
    const v1::Principal& principal, absl::string_view purpose,
    const Question& question) {
  if (const absl::Status caught_up = fold_.CatchUp(log_); !caught_up.ok()) {
    return caught_up;
  }
  const Recipient to = RecipientOf(principal, purpose);
  const size_t limit = question.limit == 0
                           ? DeliveryCore::kViewsMax
                           : std::min(question.limit, DeliveryCore::kViewsMax);
  Answer answer;
  answer.position = fold_.folded();
  if (!question.opened && !fold_.policy().HasAnyGrant(to, fold_.now_us())) {
    const std::string ended =
        fold_.policy().agreements()->EndedInWords(to, fold_.now_us());
    if (!ended.empty()) return absl::PermissionDeniedError(ended);
    return answer;
  }
  if (question.person.empty()) return answer;
  const auto sequences =
      log_.OfPerson(question.person, question.after, fold_.folded());
  if (!sequences.ok()) return sequences.status();
  encoder_.TakeStreamEvents({});  // What a failed question left.
  // As the person would be with nothing restricted.
  PersonPolicy lifted = fold_.policy().Of(question.person);
  const bool restricted =
      !std::exchange(lifted.restricted_controllers, {}).empty();
  Sequence last;
  for (const Sequence sequence : *sequences) {
    if (clock_.Now() >= question.deadline) {
      return absl::DeadlineExceededError("too many events for the deadline");
    }
    const auto event = log_.ReadOne(sequence);
    if (!event.ok()) return event.status();
    const GroupMask granted = ShownOf(*event, to, question.opened);
    if (granted == 0) {
      if (fold_.Granted(*event, to) != 0) {
        ++answer.removed;
        answer.removed_us = std::max(answer.removed_us, event->removed_us);
      } else if (restricted && event->removed_us == 0 &&
                 fold_.policy().agreements()->Granted(
                     event->header, to, fold_.now_us(), lifted) != 0) {
        answer.restricted.emplace(event->header.controller);
      }
      continue;
    }
    // Only one that may be seen says that there is more.
    if (encoder_.views() >= limit ||
        encoder_.bytes() >= DeliveryCore::kFrameViewBytes) {
      answer.more = true;
      answer.position = last;
      break;
    }
    encoder_.Add(to.envelopes_only() ? views_.Envelope(*event)
                                     : views_.Build(*event, to, granted));
    last = sequence;
  }
  answer.views = encoder_.TakeStreamEvents({});
  return answer;
}

}  // namespace concordat::bus

#include "services/bus/retention/retention_judge.h"

#include <iterator>

#include "services/bus/retention/person_standing.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 4u << 20;

}  // namespace

absl::string_view NameOf(KeptBecause because) {
  static constexpr absl::string_view kNames[] = {
      "nothing",      "unknown-type", "policy",     "hub-record",
      "hold",         "in-doubt",     "open-case",  "case-period",
      "event-period", "review",       "stream-head"};
  static_assert(std::size(kNames) == kKeptReasons);
  return kNames[static_cast<size_t>(because)];
}

absl::Status RetentionJudge::CatchUp() {
  for (;;) {
    const auto block = log_.Read(folded_, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return absl::OkStatus();
    for (const StoredEvent& event : (*block)->events) Fold(event);
    folded_ = (*block)->events.back().sequence;
  }
}

void RetentionJudge::Fold(const StoredEvent& event) {
  if (event.header.subject.empty()) return;
  reviews_.Fold(event, types_->Find(event.header.type));
  // That somebody looked at it is no new fact about the person.
  if (event.header.type == kRetentionReviewedType) return;
  Person& person = persons_[event.header.subject];
  person.last_us = event.accepted_us;
  const absl::string_view controller = event.header.controller;
  if (controller != kHubAgency && !person.told.contains(controller)) {
    person.told.emplace(controller);
  }
  if (event.header.type == kHoldPlacedType) ++person.holds;
  if (event.header.type == kHoldLiftedType) --person.holds;
  const EventType* type = types_->Find(event.header.type);
  if (type == nullptr) return;
  const policy::v1::TypePolicy& policy = type->policy();
  person.in_doubt = person.in_doubt || policy.doubts_identity();
  if (policy.effect() == policy::v1::EFFECT_CASE_OPENED) person.open = true;
  if (policy.effect() == policy::v1::EFFECT_CASE_CLOSED) {
    person.open = false;
    person.closed_us = event.accepted_us;
  }
}

absl::StatusOr<Judged> RetentionJudge::Judge(
    const EventFacts& event, const RetentionTerms& terms) const {
  const HeaderView& header = event.header;
  const EventType* type = types_->Find(header.type);
  if (type == nullptr) return Judged{KeptBecause::kUnknownType};
  if (type->policy().effect() != policy::v1::EFFECT_UNSPECIFIED) {
    return Judged{KeptBecause::kPolicy};
  }
  if (header.subject.empty()) {
    if (type->policy().internal()) return Judged{KeptBecause::kHubRecord};
    const Period& after_event = terms.Of(header.controller).after_event;
    if (event.accepted_us >= after_event.cutoff_us) {
      return Judged{KeptBecause::kEventPeriod, after_event.by};
    }
    if (header.stream.empty()) return Judged{};
    const auto last = log_.StreamVersion(header.source, header.stream);
    if (!last.ok()) return last.status();
    return *last == event.sequence ? Judged{KeptBecause::kStreamHead}
                                   : Judged{};
  }
  if (terms.held.contains(header.subject)) return Judged{KeptBecause::kHold};
  const auto found = persons_.find(header.subject);
  // Nothing is known of the person: it was not taken in.
  if (found == persons_.end()) return Judged{KeptBecause::kEventPeriod};
  const Person& person = found->second;
  if (person.holds > 0) return Judged{KeptBecause::kHold};
  if (person.in_doubt) return Judged{KeptBecause::kIdentityInDoubt};
  if (person.open) return Judged{KeptBecause::kOpenCase};
  const Period& after_case = terms.Longest(&Periods::after_case, person.told);
  if (person.closed_us > 0 && person.closed_us >= after_case.cutoff_us) {
    return Judged{KeptBecause::kCasePeriod, after_case.by};
  }
  const Period& after_event = terms.Longest(&Periods::after_event, person.told);
  if (person.last_us >= after_event.cutoff_us) {
    return Judged{KeptBecause::kEventPeriod, after_event.by};
  }
  return Judged{reviews_.Keeps(header.subject, terms.reviews)
                    ? KeptBecause::kReview
                    : KeptBecause::kNothing};
}

}  // namespace concordat::bus

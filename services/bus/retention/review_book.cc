#include "services/bus/retention/review_book.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "concordat/hub/v1/erasure.pb.h"
#include "services/common/event/event.h"

namespace concordat::bus {

void ReviewBook::Fold(const StoredEvent& event, const EventType* type) {
  const HeaderView& header = event.header;
  if (header.subject.empty() || type == nullptr) return;
  const policy::v1::TypePolicy& policy = type->policy();
  if (policy.effect() == policy::v1::EFFECT_PERSON_ERASED) {
    persons_.erase(header.subject);
    return;
  }
  Person& person = persons_[header.subject];
  if (policy.effect() == policy::v1::EFFECT_CASE_OPENED) person.open = true;
  if (policy.effect() == policy::v1::EFFECT_CASE_CLOSED) {
    person.open = false;
    person.closed_us = event.accepted_us;
  }
  if (header.type == kRetentionReviewedType) {
    hub::v1::RetentionReviewed reviewed;
    if (event.removed_us != 0 || !reviewed.ParseFromString(MessageOf(event))) {
      return;
    }
    person.by_controller[reviewed.controller()].decision = {
        reviewed.review_ref(), reviewed.decision() == "ERASE",
        reviewed.review_on(),  reviewed.reason(),
        reviewed.by(),         event.accepted_us};
    return;
  }
  // What bears policy is kept whatever is decided.
  if (policy.effect() != policy::v1::EFFECT_UNSPECIFIED || policy.internal() ||
      event.removed_us != 0) {
    return;
  }
  Told& told = person.by_controller[std::string(header.controller)];
  ++told.events;
  told.last_us = event.accepted_us;
  // It was decided of what was there.
  told.decision = ReviewDecision();
}

bool ReviewBook::Keeps(const PersonKey& person,
                       const std::map<std::string, ReviewTerms>& terms) const {
  const auto found = persons_.find(person);
  if (found == persons_.end()) return false;
  const auto& by_controller = found->second.by_controller;
  return std::any_of(
      by_controller.begin(), by_controller.end(), [&](const auto& each) {
        return each.second.events > 0 && terms.count(each.first) > 0 &&
               !each.second.decision.erase;
      });
}

std::vector<ReviewItem> ReviewBook::ListOf(const std::string& agency,
                                           const ReviewTerms& terms,
                                           absl::string_view today) const {
  std::vector<ReviewItem> list;
  for (const auto& [key, person] : persons_) {
    const auto told = person.by_controller.find(agency);
    if (person.open || told == person.by_controller.end() ||
        told->second.events == 0) {
      continue;
    }
    ReviewItem item;
    item.person = key;
    item.events = told->second.events;
    item.case_closed = person.closed_us >= told->second.last_us;
    item.ended_us = std::max(person.closed_us, told->second.last_us);
    if (person.closed_us >= terms.case_cutoff_us ||
        told->second.last_us >= terms.event_cutoff_us) {
      continue;
    }
    item.decision = told->second.decision;
    item.due = item.decision.ref.empty() ||
               (!item.decision.erase && item.decision.review_on <= today);
    list.push_back(std::move(item));
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a.ended_us, a.person) < std::tie(b.ended_us, b.person);
  });
  return list;
}

}  // namespace concordat::bus

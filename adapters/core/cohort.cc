#include "adapters/core/cohort.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::edge {

Cohort::Cohort(absl::string_view key, const Clock& clock)
    : key_(absl::StrCat("concordat/cohort/1", key)), clock_(clock) {}

Cohort::Token Cohort::TokenOf(const PersonIdentifier& identifier) const {
  // Lengths first, so that no two identifiers make one text.
  return key_.Of(absl::StrCat(identifier.scheme.size(), ",",
                              identifier.system.size(), ",", identifier.scheme,
                              identifier.system, identifier.value));
}

bool Cohort::FreshLocked() const {
  // A clock that stepped back makes it stale: waiting is the safe side.
  const absl::Duration silence = clock_.Now() - heard_;
  return silence >= absl::ZeroDuration() && silence <= kCohortSilenceMax;
}

Cohort::List& Cohort::Growing() { return beginning_ ? coming_ : current_; }

CohortAnswer Cohort::Find(
    const std::vector<PersonIdentifier>& identifiers) const {
  MutexLock lock(mu_);
  if (!FreshLocked()) return {};
  CohortAnswer answer;
  answer.kind = CohortAnswer::Kind::kOutside;
  for (const PersonIdentifier& identifier : identifiers) {
    const auto at = current_.people.find(TokenOf(identifier));
    if (at == current_.people.end()) continue;
    if (answer.kind == CohortAnswer::Kind::kMember &&
        answer.subject != at->second) {
      answer.kind = CohortAnswer::Kind::kSeveral;
      return answer;
    }
    answer = {CohortAnswer::Kind::kMember, at->second};
  }
  return answer;
}

bool Cohort::fresh() const {
  MutexLock lock(mu_);
  return FreshLocked();
}

Sequence Cohort::position() const {
  MutexLock lock(mu_);
  return position_;
}

size_t Cohort::people() const {
  MutexLock lock(mu_);
  return current_.tokens.size();
}

absl::Time Cohort::heard() const {
  MutexLock lock(mu_);
  return heard_;
}

void Cohort::Begin() {
  MutexLock lock(mu_);
  beginning_ = true;
  coming_ = List();
}

void Cohort::Join(const PersonKey& subject,
                  const std::vector<PersonIdentifier>& identifiers) {
  MutexLock lock(mu_);
  List& list = Growing();
  Forget(subject, list);
  std::vector<Token>& tokens = list.tokens[subject];
  for (const PersonIdentifier& identifier : identifiers) {
    tokens.push_back(TokenOf(identifier));
    list.people[tokens.back()] = subject;
  }
}

void Cohort::SetLists(const PersonKey& subject,
                      std::vector<AccessEntry> restricted_to,
                      std::vector<AccessEntry> excluded) {
  MutexLock lock(mu_);
  if (restricted_to.empty() && excluded.empty()) {
    lists_.erase(subject);
    return;
  }
  PersonPolicy& lists = lists_[subject];
  lists.restricted_to = std::move(restricted_to);
  lists.excluded = std::move(excluded);
}

bool Cohort::Allows(const PersonKey& subject, const Recipient& to) const {
  MutexLock lock(mu_);
  if (heard_ == absl::InfinitePast()) return false;
  const auto at = lists_.find(subject);
  return at == lists_.end() || at->second.Allows(to);
}

void Cohort::Leave(const PersonKey& subject) {
  MutexLock lock(mu_);
  Forget(subject, Growing());
}

void Cohort::Forget(const PersonKey& subject, List& list) {
  const auto at = list.tokens.find(subject);
  if (at == list.tokens.end()) return;
  for (const Token& token : at->second) {
    // A number that has become somebody else's stays theirs.
    const auto held = list.people.find(token);
    if (held != list.people.end() && held->second == subject) {
      list.people.erase(held);
    }
  }
  list.tokens.erase(at);
}

void Cohort::Complete(Sequence position) {
  MutexLock lock(mu_);
  if (beginning_) {
    current_ = std::exchange(coming_, List());
    beginning_ = false;
  }
  heard_ = clock_.Now();
  position_ = position;
}

}  // namespace concordat::edge

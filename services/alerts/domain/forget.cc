// What the engine does about somebody who was erased: it is left as one that folds
// a log without the person's facts.
#include "concordat/hub/v1/erasure.pb.h"
#include "services/alerts/domain/engine.h"

namespace concordat::alerts {

void Engine::FoldErased(const View& view, const std::string& data) {
  hub::v1::PersonErased erased;
  if (!erased.ParseFromString(data)) return;
  hub::v1::ErasureConfirmed confirmed;
  confirmed.set_erasure_ref(erased.erasure_ref());
  confirmed.set_destroyed(Forget(view.header.subject));
  AlertDraft draft;
  draft.key = "erased/" + erased.erasure_ref();
  draft.type = confirmed.GetTypeName();
  draft.stream = "erasures";
  draft.time_us = view.accepted_us;
  draft.data = confirmed.SerializeAsString();
  book_.Draft(std::move(draft));
}

uint64_t Engine::Forget(const PersonKey& subject) {
  doubts_.erase(subject);
  restricted_from_.erase(subject);
  const auto found = persons_.find(subject);
  if (found == persons_.end()) return 0;
  Person* const person = found->second.get();
  const uint64_t count = person->facts.size() + person->alerts.size();
  absl::erase_if(by_sequence_, [person](const auto& each) {
    return each.second.person == person;
  });
  absl::erase_if(by_reference_, [person](const auto& each) {
    return each.second.person == person;
  });
  std::erase_if(
      timers_, [person](const Timer& timer) { return timer.person == person; });
  std::erase_if(waiting_, [person](const auto& each) {
    return each.second.second == person;
  });
  for (Alert* alert : person->alerts) {
    person_of_.erase(alert);
    shown_.erase(alert);
    std::erase(changed_, alert);
    if (came_back_ == alert) came_back_ = nullptr;
  }
  persons_.erase(found);
  book_.Forget(subject);
  return count;
}

}  // namespace concordat::alerts

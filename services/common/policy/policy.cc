#include "services/common/policy/policy.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"

namespace concordat {

PolicyState::PolicyState(std::shared_ptr<const TypeRegistry> types)
    : types_(std::move(types)), agreements_(Agreements::None(types_)) {}

absl::Status PolicyState::Adopt(const policy::v1::Agreement& agreement) {
  absl::StatusOr<std::shared_ptr<const Agreements>> next =
      agreements_->With(agreement);
  if (!next.ok()) return next.status();
  agreements_ = *std::move(next);
  return absl::OkStatus();
}

absl::StatusOr<bool> PolicyState::Apply(const HeaderView& header,
                                        absl::string_view message) {
  const EventType* type = types_->Find(header.type);
  if (type == nullptr) return false;
  const policy::v1::Effect effect = type->policy().effect();
  if (effect == policy::v1::EFFECT_UNSPECIFIED ||
      effect == policy::v1::EFFECT_TYPES_ADOPTED) {
    return false;
  }
  const auto unreadable = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("policy-bearing ", header.type, " cannot be read"));
  };
  if (effect == policy::v1::EFFECT_AGREEMENT_ADOPTED) {
    hub::v1::AgreementAdopted adopted;
    policy::v1::Agreement agreement;
    if (!adopted.ParseFromArray(message.data(),
                                static_cast<int>(message.size())) ||
        !agreement.ParseFromString(adopted.agreement())) {
      return unreadable();
    }
    const absl::Status taken = Adopt(agreement);
    if (!taken.ok()) return taken;
    return true;
  }
  if (header.subject.empty()) return unreadable();
  absl::StatusOr<PolicyFacts> facts = type->ReadPolicyFacts(message);
  if (!facts.ok()) return facts.status();

  PersonPolicy& person = persons_[header.subject];
  const PersonPolicy before = person;
  switch (effect) {
    case policy::v1::EFFECT_CASE_OPENED:
      person.case_open = true;
      person.arrangement_party = true;
      person.parties = {facts->parties.begin(), facts->parties.end()};
      person.lead = facts->lead;
      break;
    case policy::v1::EFFECT_PARTY_JOINED:
      person.parties.insert(facts->parties.begin(), facts->parties.end());
      break;
    case policy::v1::EFFECT_PARTY_LEFT:
      for (const std::string& party : facts->parties) {
        person.parties.erase(party);
        if (person.lead == party) person.lead.clear();
      }
      break;
    case policy::v1::EFFECT_CASE_CLOSED:
      person = PersonPolicy{};
      person.registered_by = before.registered_by;
      person.told_of_erasure = before.told_of_erasure;
      person.restricted_controllers = before.restricted_controllers;
      break;
    case policy::v1::EFFECT_LEVEL_CHANGED:
      person.level = facts->level;
      break;
    case policy::v1::EFFECT_SUBMITTED:
      person.arrangement_party = true;
      // The first who submits leads until a case says otherwise: a later
      // submission opens nobody else's notifications and referrals.
      if (!person.case_open && person.lead.empty()) {
        person.lead = std::string(header.controller);
      }
      break;
    case policy::v1::EFFECT_REGISTERED:
      person.registered_by.insert(std::string(header.controller));
      break;
    case policy::v1::EFFECT_PERSON_ERASED:
      person.told_of_erasure.insert(facts->parties.begin(),
                                    facts->parties.end());
      break;
    case policy::v1::EFFECT_PROCESSING_RESTRICTED:
      person.restricted_controllers = {facts->parties.begin(),
                                       facts->parties.end()};
      break;
    default:
      break;
  }
  return person != before;
}

const PersonPolicy& PolicyState::Of(const PersonKey& person) const {
  static const PersonPolicy* const kNobody = new PersonPolicy;
  const auto found = persons_.find(person);
  return found == persons_.end() ? *kNobody : found->second;
}

}  // namespace concordat

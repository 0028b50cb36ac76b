#include "services/common/policy/policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "concordat/hub/v1/events.pb.h"

namespace concordat {
namespace {

absl::Status Unreadable(absl::string_view type) {
  return absl::InvalidArgumentError(
      absl::StrCat("policy-bearing ", type, " cannot be read"));
}

std::vector<AccessEntry> EntriesOf(const std::vector<std::string>& texts) {
  std::vector<AccessEntry> entries;
  for (const std::string& text : texts)
    entries.push_back(AccessEntry::Of(text));
  return entries;
}

}  // namespace

void Recipient::SetProcessed(const bus::v1::ProcessGrant& grant) {
  process_types = {grant.types().begin(), grant.types().end()};
  header_types = {grant.headers().begin(), grant.headers().end()};
}

PolicyState::PolicyState(std::shared_ptr<const TypeRegistry> types)
    : types_(std::move(types)), agreements_(Agreements::None(types_)) {}

AccessEntry AccessEntry::Of(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  AccessEntry entry;
  entry.agency = std::string(parts[0]);
  if (parts.size() > 1 && parts[1] != "*") entry.role = std::string(parts[1]);
  if (parts.size() > 2) entry.principal = std::string(parts[2]);
  return entry;
}

std::string AccessEntry::ToString() const {
  if (role.empty() && principal.empty()) return agency;
  std::string text = absl::StrCat(agency, "/", role.empty() ? "*" : role);
  if (!principal.empty()) absl::StrAppend(&text, "/", principal);
  return text;
}

bool PersonPolicy::ListsAllow(const Recipient& to) const {
  const bool may = restricted_to.empty() ||
                   std::any_of(restricted_to.begin(), restricted_to.end(),
                               [&to](const AccessEntry& entry) {
                                 return entry.NamesSomebodyOf(to);
                               });
  return may && !Excludes(to);
}

bool PersonPolicy::Excludes(const Recipient& to) const {
  return std::any_of(
      excluded.begin(), excluded.end(),
      [&to](const AccessEntry& entry) { return entry.Names(to); });
}

absl::Status PolicyState::Adopt(const policy::v1::Agreement& agreement,
                                std::vector<std::string> signed_by) {
  absl::StatusOr<std::shared_ptr<const Agreements>> next =
      agreements_->With(agreement, std::move(signed_by));
  if (!next.ok()) return next.status();
  agreements_ = *std::move(next);
  return absl::OkStatus();
}

absl::StatusOr<bool> PolicyState::ApplyAdopted(absl::string_view message) {
  hub::v1::AgreementAdopted adopted;
  policy::v1::Agreement agreement;
  if (!adopted.ParseFromArray(message.data(),
                              static_cast<int>(message.size())) ||
      !agreement.ParseFromString(adopted.agreement())) {
    return Unreadable(adopted.GetTypeName());
  }
  std::vector<std::string> signed_by;
  for (const hub::v1::PartySignature& each : adopted.signatures()) {
    signed_by.push_back(each.party());
  }
  const absl::Status taken = Adopt(agreement, std::move(signed_by));
  if (!taken.ok()) return taken;
  return true;
}

absl::StatusOr<bool> PolicyState::ApplyRetired(absl::string_view message) {
  hub::v1::AgreementRetired retired;
  if (!retired.ParseFromArray(message.data(),
                              static_cast<int>(message.size()))) {
    return Unreadable(retired.GetTypeName());
  }
  auto next =
      agreements_->Ended({retired.name(), retired.version(), retired.from(),
                          retired.party(), retired.reason()});
  if (next == nullptr) return false;
  agreements_ = std::move(next);
  return true;
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
  if (effect == policy::v1::EFFECT_AGREEMENT_ADOPTED) {
    return ApplyAdopted(message);
  }
  if (effect == policy::v1::EFFECT_AGREEMENT_RETIRED) {
    return ApplyRetired(message);
  }
  if (header.subject.empty()) return Unreadable(header.type);
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
      person.restricted_to = before.restricted_to;
      person.excluded = before.excluded;
      break;
    case policy::v1::EFFECT_LEAD_CHANGED:
      person.lead = facts->lead;
      break;
    case policy::v1::EFFECT_ACCESS_RESTRICTED:
      person.restricted_to = EntriesOf(facts->restricted_to);
      person.excluded = EntriesOf(facts->excluded);
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

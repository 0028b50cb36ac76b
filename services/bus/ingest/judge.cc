#include "services/bus/ingest/judge.h"

#include <algorithm>

#include "services/common/config/principal_registry.h"
#include "services/common/event/reference_rules.h"

namespace concordat::bus {

Verdict Judge::JudgeRight(const v1::Principal& principal,
                          const HeaderView& header) const {
  const v1::PublishGrant* grant =
      FindPublishGrant(principal, header.source, header.type);
  if (grant == nullptr) {
    const auto& grants = principal.publish();
    const bool source = std::any_of(
        grants.begin(), grants.end(),
        [&](const auto& each) { return each.source() == header.source; });
    if (!source) {
      return {v1::REFUSAL_SOURCE_NOT_ALLOWED,
              "source: not one of this principal's", nullptr};
    }
    return {v1::REFUSAL_TYPE_NOT_ALLOWED,
            "type: this principal may not publish it from this source",
            nullptr};
  }
  if (!MayNameController(principal, *grant, header.controller)) {
    return {v1::REFUSAL_SOURCE_NOT_ALLOWED,
            "controller: must be the principal's agency", nullptr};
  }
  const EventType* type = types_->Find(header.type);
  if (type == nullptr) {
    return {v1::REFUSAL_UNKNOWN_TYPE, "type: not adopted here", nullptr};
  }
  const v1::Refusal none = v1::REFUSAL_UNSPECIFIED;
  return {none, "", type};
}

Verdict Judge::JudgeAgreement(const v1::Principal& principal,
                              const HeaderView& header) const {
  const absl::Status may = agreements_->MayPublish(
      principal.agency(), header.purpose, header.gateway, now_us_);
  if (may.ok()) return {};
  return {v1::REFUSAL_NO_AGREEMENT, std::string(may.message()), nullptr};
}

Verdict Judge::JudgeEvent(const v1::Principal& principal,
                          const EventView& event, Commitments& commitments,
                          std::vector<std::string>& faults) {
  const HeaderView& header = event.header;
  if (!last_.IsOf(header)) {
    last_ = {header.source.data(),
             header.type.data(),
             header.controller.data(),
             header.purpose.data(),
             header.gateway.data(),
             JudgeRight(principal, header),
             JudgeAgreement(principal, header)};
  }
  if (last_.right.type == nullptr) return last_.right;
  const EventType& type = *last_.right.type;
  // The hub's own facts about nobody (the time, feeds, what it adopted) need no
  // agreement: the first agreement is one of them. Nor do the bus's about a person:
  // that somebody is erased is said whatever was agreed.
  const bool of_the_hub =
      type.policy().internal() &&
      (header.subject.empty() || header.source == kHubSource);
  if (!of_the_hub && last_.agreement.refusal != v1::REFUSAL_UNSPECIFIED) {
    return last_.agreement;
  }

  const policy::v1::Effect effect = type.policy().effect();
  const bool about_a_person = effect != policy::v1::EFFECT_UNSPECIFIED &&
                              effect != policy::v1::EFFECT_AGREEMENT_ADOPTED &&
                              effect != policy::v1::EFFECT_AGREEMENT_RETIRED &&
                              effect != policy::v1::EFFECT_TYPES_ADOPTED;
  if (about_a_person && header.subject.empty()) {
    return {v1::REFUSAL_FIELD_RULE, "subject: required for this type", nullptr};
  }
  absl::Status checked = CheckReferences(header);
  if (checked.ok()) checked = type.Check(event.groups, &faults);
  if (!checked.ok()) {
    return {v1::REFUSAL_FIELD_RULE, std::string(checked.message()), nullptr};
  }
  commitments = Commit(header, type, event.groups, event.seed);
  if (commitments.digest != event.digest) {
    return {v1::REFUSAL_DIGEST, "digest: is not of this header and data",
            nullptr};
  }
  return last_.right;
}

}  // namespace concordat::bus

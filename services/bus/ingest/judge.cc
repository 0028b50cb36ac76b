#include "services/bus/ingest/judge.h"

#include <algorithm>

#include "services/common/config/principal_registry.h"

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

Verdict Judge::JudgeEvent(const v1::Principal& principal,
                          const EventView& event, Commitments& commitments,
                          std::vector<std::string>& faults) {
  const HeaderView& header = event.header;
  if (last_.source != header.source.data() ||
      last_.type != header.type.data() ||
      last_.controller != header.controller.data()) {
    last_ = {header.source.data(), header.type.data(), header.controller.data(),
             JudgeRight(principal, header)};
  }
  if (last_.verdict.type == nullptr) return last_.verdict;
  const EventType& type = *last_.verdict.type;

  const policy::v1::Effect effect = type.policy().effect();
  const bool about_a_person = effect != policy::v1::EFFECT_UNSPECIFIED &&
                              effect != policy::v1::EFFECT_AGREEMENT_ADOPTED &&
                              effect != policy::v1::EFFECT_TYPES_ADOPTED;
  if (about_a_person && header.subject.empty()) {
    return {v1::REFUSAL_FIELD_RULE, "subject: required for this type", nullptr};
  }
  const absl::Status checked = type.Check(event.groups, &faults);
  if (!checked.ok()) {
    return {v1::REFUSAL_FIELD_RULE, std::string(checked.message()), nullptr};
  }
  commitments = Commit(header, type, event.groups, event.seed);
  if (commitments.digest != event.digest) {
    return {v1::REFUSAL_DIGEST, "digest: is not of this header and data",
            nullptr};
  }
  return last_.verdict;
}

}  // namespace concordat::bus

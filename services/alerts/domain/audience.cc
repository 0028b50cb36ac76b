#include "services/alerts/domain/audience.h"

#include <algorithm>
#include <utility>

namespace concordat::alerts {
namespace {

constexpr GroupMask kEveryGroup = 0xff;

Recipient AsRecipient(const AlertAddressee& who) {
  return Recipient{who.agency, who.role, {}};
}

std::string FirstValue(const Fact& fact, absl::string_view field) {
  const auto* values = ValuesOf(fact, field, kEveryGroup);
  return values == nullptr || values->empty() ? "" : values->front();
}

}  // namespace

absl::Status Audiences::Fold(const Header& header, absl::string_view data) {
  if (absl::Status status = roles_.Apply(header.type, data); !status.ok()) {
    return status;
  }
  const EventType* type = types_->Find(header.type);
  if (type == nullptr ||
      type->policy().effect() == policy::v1::EFFECT_UNSPECIFIED) {
    return absl::OkStatus();
  }
  return policy_.Apply(AsView(header), data).status();
}

std::vector<AlertAddressee> Audiences::Resolve(const RuleLimb& limb,
                                               const Fact& trigger,
                                               uint64_t now_us) const {
  const PersonPolicy& person = policy_.Of(trigger.header.subject);
  std::vector<AlertAddressee> result;
  const auto add = [&](const v1::Addressee& to, uint32_t step) {
    if (person.level < to.level_min()) return;
    AlertAddressee who{to.agency(), to.role(), to.copy(), step};
    if (to.agency() == "lead") who.agency = person.lead;
    if (to.agency() == "arrangement") who.agency = arrangement_;
    if (to.agency() == "contact") {
      who.agency = FirstValue(trigger, "contactAgency");
      who.role = FirstValue(trigger, "contactRole");
    }
    const bool there = std::any_of(
        result.begin(), result.end(),
        [&who](const AlertAddressee& known) { return known.SameAs(who); });
    if (!who.agency.empty() && !there) result.push_back(std::move(who));
  };
  const absl::Time now = absl::FromUnixMicros(static_cast<int64_t>(now_us));
  for (const v1::Addressee& to : limb.limb.to()) {
    const size_t before = result.size();
    add(to, 0);
    if (result.size() == before) continue;
    // Who stands in for somebody who is away is told as well.
    const AlertAddressee who = result.back();
    const OnDuty duty = roles_.Route({who.agency, who.role}, now);
    if (duty.why != OnDuty::Why::kAbsent) continue;
    v1::Addressee stand_in = to;
    stand_in.set_agency(duty.role.agency);
    stand_in.set_role(duty.role.role);
    add(stand_in, 0);
  }
  for (const v1::Addressee& to : limb.limb.out_of_hours().to()) {
    add(to, AlertAddressee::kCover);
  }
  if (limb.limb.has_out_of_hours() && limb.limb.out_of_hours().to().empty() &&
      !result.empty()) {
    // Who covers for the owner, by the directory.
    const AlertAddressee owner = result.front();
    const identity::v1::Role* role =
        roles_.Find({owner.agency, owner.role}, now);
    if (role != nullptr && !role->cover().empty()) {
      v1::Addressee cover;
      cover.set_agency(owner.agency);
      cover.set_role(role->cover());
      add(cover, AlertAddressee::kCover);
    }
  }
  uint32_t step = 0;
  for (const v1::Escalation& next : limb.limb.escalate()) {
    ++step;
    for (const v1::Addressee& to : next.to()) add(to, step);
  }
  return result;
}

GroupMask Audiences::See(const Fact& fact, const AlertAddressee& who,
                         uint64_t now_us) const {
  if (fact.header.subject.empty()) return kEveryGroup;
  return policy_.Granted(AsView(fact.header), AsRecipient(who), now_us);
}

bool Audiences::WouldSee(absl::string_view type, const Header& like,
                         const AlertAddressee& who, uint64_t now_us) const {
  const EventType* known = types_->Find(type);
  if (known == nullptr) return false;
  HeaderView header = AsView(like);
  header.type = type;
  const GroupMask granted = policy_.Granted(header, AsRecipient(who), now_us);
  return std::all_of(known->groups().begin(), known->groups().end(),
                     [granted](const GroupInfo& group) {
                       return (granted >> group.number) & 1;
                     });
}

}  // namespace concordat::alerts

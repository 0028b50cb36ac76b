#include "services/alerts/domain/audience.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/config/principal_registry.h"

namespace concordat::alerts {
namespace {

constexpr GroupMask kEveryGroup = 0xff;
constexpr uint32_t kLevelMax = 3;  // Of MAPPA.

Recipient AsRecipient(const AlertAddressee& who,
                      const std::optional<std::string>& purpose = {}) {
  return Recipient{who.agency, who.role, {}, purpose};
}

std::string FirstValue(const Fact& fact, absl::string_view field) {
  const auto* values = ValuesOf(fact, field, kEveryGroup);
  return values == nullptr || values->empty() ? "" : values->front();
}

absl::Time At(uint64_t us) {
  return absl::FromUnixMicros(static_cast<int64_t>(us));
}

// "police" of "concordat.police.v1.ChargeRecorded".
absl::string_view PackageOf(absl::string_view type) {
  absl::ConsumePrefix(&type, "concordat.");
  return type.substr(0, type.find('.'));
}

// As people who may not read it are told of it.
std::string PackageInWords(absl::string_view package) {
  constexpr std::pair<absl::string_view, absl::string_view> kWords[] = {
      {"court", "court orders"},     {"mappa", "MAPPA case papers"},
      {"nhs", "health details"},     {"police", "police records"},
      {"prison", "prison records"},  {"socialwork", "social work records"},
      {"housing", "housing records"}};
  for (const auto& [name, words] : kWords) {
    if (name == package) return std::string(words);
  }
  return absl::StrCat(package, " records");
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
  const absl::Status folded = policy_.Apply(AsView(header), data).status();
  if (folded.ok() && header.subject.empty()) {
    for (const AdoptedAgreement& each : policy_.agreements()->List(0)) {
      const auto& of_it = each.agreement.purposes();
      purposes_.insert(of_it.begin(), of_it.end());
    }
  }
  return folded;
}

std::vector<AlertAddressee> Audiences::Resolve(const RuleLimb& limb,
                                               const Fact& trigger,
                                               uint64_t now_us) const {
  const PersonPolicy& person = policy_.Of(trigger.header.subject);
  const absl::Time now = At(now_us);
  std::vector<AlertAddressee> result;
  const auto place = [&](AlertAddressee who) -> AlertAddressee* {
    if (who.agency.empty() || who.role.empty()) return nullptr;
    for (AlertAddressee& known : result) {
      if (!known.SameAs(who)) continue;
      // Who covers out of hours may stand in the chain as well.
      const bool first = known.step == AlertAddressee::kNever;
      if (first) known.step = who.step;
      return first ? &known : nullptr;
    }
    result.push_back(std::move(who));
    return &result.back();
  };
  const auto resolve = [&](const v1::Addressee& to) {
    std::vector<AlertAddressee> resolved;
    if (person.level < to.level_min()) return resolved;
    if (to.agency() == "parties") {
      const auto* parties = ValuesOf(trigger, "parties", kEveryGroup);
      if (parties == nullptr) return resolved;
      for (const std::string& party : *parties) {
        resolved.push_back({party, to.role(), to.copy()});
      }
      return resolved;
    }
    AlertAddressee who{to.agency(), to.role(), to.copy()};
    if (to.agency() == "lead") who.agency = person.lead;
    if (to.agency() == "arrangement") who.agency = arrangement_;
    if (to.agency() == "source") {
      who.agency = std::string(AgencyOfSource(FirstValue(trigger, "source")));
    }
    if (to.agency() == "contact") {
      who.agency = FirstValue(trigger, "contactAgency");
      who.role = FirstValue(trigger, "contactRole");
    }
    resolved.push_back(std::move(who));
    return resolved;
  };
  for (const v1::Addressee& to : limb.limb.to()) {
    for (const AlertAddressee& who : resolve(to)) {
      if (place(who) == nullptr) continue;
      // Who stands in for somebody who is away is told as well.
      const OnDuty duty = roles_.Route({who.agency, who.role}, now);
      if (duty.why != OnDuty::Why::kAbsent) continue;
      place({duty.role.agency, duty.role.role, to.copy()});
    }
  }
  if (result.empty()) return result;
  const RoleName owner{result.front().agency, result.front().role};
  const auto cover = [&](AlertAddressee who) {
    who.step = AlertAddressee::kNever;
    who.cover = true;
    place(std::move(who));
  };
  for (const v1::Addressee& to : limb.limb.out_of_hours().to()) {
    for (AlertAddressee& who : resolve(to)) cover(std::move(who));
  }
  if (limb.limb.has_out_of_hours() && limb.limb.out_of_hours().to().empty()) {
    // Who covers for the owner, by the directory.
    const identity::v1::Role* role = roles_.Find(owner, now);
    if (role != nullptr) cover({owner.agency, role->cover()});
  }
  uint32_t step = 0;
  std::vector<RoleName> from;
  for (const v1::Escalation& next : limb.limb.escalate()) {
    ++step;
    from.clear();
    for (const v1::Addressee& to : next.to()) {
      for (AlertAddressee& who : resolve(to)) {
        from.push_back({who.agency, who.role});
        who.step = step;
        place(std::move(who));
      }
    }
  }
  const auto go_on = [&](const RoleName& start) {
    for (const RoleName& next : roles_.Chain(start, now)) {
      if (place({next.agency, next.role, false, step + 1}) != nullptr) ++step;
    }
  };
  if (from.empty()) from.push_back(owner);
  for (const RoleName& start : from) go_on(start);
  const bool ends =
      std::any_of(result.begin(), result.end(), [&](const AlertAddressee& who) {
        const identity::v1::Role* role =
            roles_.Find({who.agency, who.role}, now);
        return role != nullptr && role->always();
      });
  if (!ends) go_on(owner);
  return result;
}

GroupMask Audiences::See(const Fact& fact, const AlertAddressee& who,
                         uint64_t now_us,
                         const std::optional<std::string>& purpose) const {
  if (fact.header.subject.empty()) return kEveryGroup;
  if (IsRestricted(fact)) return 0;
  return policy_.Granted(AsView(fact.header), AsRecipient(who, purpose),
                         now_us);
}

GroupMask Audiences::SeeUnrestricted(
    const Fact& fact, const AlertAddressee& who, uint64_t now_us,
    const std::optional<std::string>& purpose) const {
  if (fact.header.subject.empty()) return kEveryGroup;
  return GrantedUnrestricted(AsView(fact.header), who, now_us, purpose);
}

GroupMask Audiences::GrantedUnrestricted(
    const HeaderView& header, const AlertAddressee& who, uint64_t now_us,
    const std::optional<std::string>& purpose) const {
  PersonPolicy person = policy_.Of(header.subject);
  person.restricted_controllers.clear();
  return policy_.agreements()->Granted(header, AsRecipient(who, purpose),
                                       now_us, person);
}

bool Audiences::WouldSee(absl::string_view type, const Header& like,
                         const AlertAddressee& who, uint64_t now_us,
                         const std::optional<std::string>& purpose) const {
  const EventType* known = types_->Find(type);
  if (known == nullptr) return false;
  HeaderView header = AsView(like);
  header.type = type;
  const GroupMask granted = GrantedUnrestricted(header, who, now_us, purpose);
  return std::all_of(known->groups().begin(), known->groups().end(),
                     [granted](const GroupInfo& group) {
                       return (granted >> group.number) & 1;
                     });
}

std::vector<std::string> Audiences::Lines(
    const Fact& fact, const AlertAddressee& who, uint64_t now_us,
    const std::optional<std::string>& purpose) const {
  std::vector<std::string> lines;
  if (fact.header.subject.empty()) return lines;
  const JudgedView judged = policy_.agreements()->Explain(
      AsView(fact.header), AsRecipient(who, purpose), now_us,
      policy_.Of(fact.header.subject));
  for (const JudgedLine& line : judged.lines) {
    if (!line.applies) continue;
    lines.push_back(absl::StrCat(line.agreement, " version ", line.version,
                                 ", see[", line.line, "]"));
  }
  return lines;
}

GroupMask Audiences::Granted(const HeaderView& header,
                             const AlertCaller& caller,
                             const PersonPolicy& person,
                             uint64_t now_us) const {
  GroupMask granted = 0;
  for (const std::string& role : caller.roles) {
    granted |= policy_.agreements()->Granted(
        header, Recipient{caller.agency, role, {}, caller.purpose}, now_us,
        person);
  }
  return granted;
}

bool Audiences::Allows(const PersonKey& person,
                       const AlertCaller& caller) const {
  const PersonPolicy& policy = policy_.Of(person);
  const auto as = [&caller](const std::string& role) {
    Recipient to{caller.agency, role, {}};
    to.principal = caller.name;
    return to;
  };
  // Excluded as what it speaks as is excluded whatever else it answers for.
  if (!caller.role.empty() && policy.Excludes(as(caller.role))) return false;
  if (caller.roles.empty()) return policy.Allows(as(caller.role));
  return std::any_of(
      caller.roles.begin(), caller.roles.end(),
      [&](const std::string& role) { return policy.Allows(as(role)); });
}

std::set<std::string> Audiences::NotShared(const PersonKey& person,
                                           const AlertCaller& caller,
                                           uint64_t now_us) const {
  std::set<std::string> words;
  const PersonPolicy& policy = policy_.Of(person);
  for (const absl::string_view name : types_->names()) {
    const EventType& type = *types_->Find(name);
    const absl::string_view package = PackageOf(name);
    if (type.policy().internal() || package == "hub") continue;
    for (const TypePublisher& publisher : publishers_) {
      if (!TypePatternCovers(publisher.types, name)) continue;
      const std::string source =
          absl::StrCat("urn:concordat:", publisher.agency, ":any");
      HeaderView header;
      header.type = name;
      header.source = source;
      header.controller = publisher.agency;
      header.subject = person;
      header.regime = publisher.regime;
      const GroupMask granted = Granted(header, caller, policy, now_us);
      for (const GroupInfo& group : type.groups()) {
        if ((granted >> group.number) & 1) continue;
        if (group.category == policy::v1::CATEGORY_UNSPECIFIED) {
          words.insert(PackageInWords(package));
          continue;
        }
        const auto all_but =
            static_cast<GroupMask>(~GroupMask(1u << group.number));
        for (const std::string& category : Withheld(type, all_but)) {
          words.insert(category);
        }
      }
    }
  }
  return words;
}

bool Audiences::MightSee(absl::string_view type, absl::string_view source,
                         const AlertCaller& caller, uint64_t now_us) const {
  PersonPolicy person;
  person.case_open = person.arrangement_party = true;
  person.parties = {caller.agency};
  person.lead = caller.agency;
  person.registered_by = {caller.agency};
  const PersonKey anybody(std::array<uint8_t, PersonKey::kBytes>{1});
  for (person.level = 0; person.level <= kLevelMax; ++person.level) {
    HeaderView header;
    header.type = type;
    header.source = source;
    header.controller = AgencyOfSource(source);
    header.subject = anybody;
    if (Granted(header, caller, person, now_us) != 0) return true;
  }
  return false;
}

std::vector<RoleName> Audiences::RolesOf(absl::string_view agency,
                                         uint64_t now_us) const {
  return roles_.Names(agency, At(now_us));
}

}  // namespace concordat::alerts

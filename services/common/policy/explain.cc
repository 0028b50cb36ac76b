// Why a recipient sees an event or not, line by line.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/policy/compiled_grants.h"
#include "services/common/policy/london_day.h"

namespace concordat {
namespace {

using policy::v1::SeeGrant;

std::string GrantInWords(const SeeGrant& grant, absl::string_view type) {
  std::string words =
      absl::StrCat(grant.to(), " (", absl::StrJoin(grant.roles(), ", "),
                   ") sees ", type, " ", AudienceInWords(grant.audience()));
  if (grant.level_max() != 0) {
    absl::StrAppend(&words, ", at Level ", grant.level_min(), " to ",
                    grant.level_max());
  }
  if (grant.up_to() != policy::v1::TIER_UNSPECIFIED) {
    absl::StrAppend(&words, ", up to tier S",
                    static_cast<int>(grant.up_to()) -
                        static_cast<int>(policy::v1::TIER_S0));
  }
  if (!grant.law().empty()) absl::StrAppend(&words, "; law: ", grant.law());
  return words;
}

std::string RingInWords(const policy::v1::Agreement& agreement) {
  return agreement.contact().empty()
             ? std::string()
             : absl::StrCat(" Ring ", agreement.contact(), ".");
}

// The one sentence about an agreement that is over.
std::string SinceInWords(absl::string_view shared,
                         const policy::v1::Agreement& agreement,
                         uint64_t until_us,
                         const std::optional<EarlyEnd>& early_end) {
  std::string words =
      absl::StrCat("Nothing is shared ", shared, " since ",
                   DayInWords(until_us), ": the agreement ended");
  if (early_end.has_value()) {
    absl::StrAppend(&words, " early (", early_end->reason, ")");
  }
  absl::StrAppend(&words, ".", RingInWords(agreement));
  return words;
}

}  // namespace

absl::string_view AudienceInWords(policy::v1::Audience audience) {
  switch (audience) {
    case policy::v1::AUDIENCE_PARTY:
      return "of persons whose open case it is a party to";
    case policy::v1::AUDIENCE_LEAD:
      return "of persons whose case, notification or referral it leads";
    case policy::v1::AUDIENCE_OWN:
      return "that it published itself or controls";
    case policy::v1::AUDIENCE_REGISTERED:
      return "of persons that it registered";
    default:
      return "about nobody";
  }
}

// Why the audience of a line has the event in it or not. Names nobody but the
// recipient, so that it tells nothing about other parties.
std::string Agreements::AudienceBecause(const Rule& rule,
                                        const HeaderView& header,
                                        const PersonPolicy& person) {
  switch (rule.audience) {
    case policy::v1::AUDIENCE_OWN:
      return absl::StrCat(rule.to, Owns(header, rule.to)
                                       ? " published it or controls it"
                                       : " neither published nor controls it");
    case policy::v1::AUDIENCE_NOBODY:
      return header.subject.empty() ? "it is about nobody"
                                    : "it is about a person";
    default:
      break;
  }
  if (header.subject.empty()) return "it is about nobody";
  switch (rule.audience) {
    case policy::v1::AUDIENCE_LEAD:
      return absl::StrCat(rule.to,
                          rule.Includes(person) ? " leads" : " does not lead");
    case policy::v1::AUDIENCE_REGISTERED:
      return absl::StrCat(rule.to, rule.Includes(person)
                                       ? " registered the person"
                                       : " did not register the person");
    default:
      break;
  }
  if (!rule.IsParty(person)) {
    if (rule.to_arrangement) {
      return "the person has no notification, referral or open case";
    }
    return person.case_open
               ? absl::StrCat(rule.to, " is not a party to the open case")
               : "the person has no open case";
  }
  if (!rule.IsAtLevel(person)) {
    return absl::StrCat("the case is at Level ", person.level);
  }
  return absl::StrCat(
      rule.to, " is a party",
      rule.grant->level_max() == 0
          ? ""
          : absl::StrCat(" and the case at Level ", person.level));
}

JudgedLine Agreements::JudgeLine(const Rule& rule, const HeaderView& header,
                                 const Recipient& to, uint64_t now_us,
                                 const PersonPolicy& person) {
  const policy::v1::Agreement& agreement = rule.term->agreement;
  JudgedLine line;
  line.agreement = agreement.name();
  line.version = agreement.version();
  line.line = rule.line;
  line.audience = rule.audience;
  line.says = GrantInWords(*rule.grant, header.type);
  if (rule.to != to.agency) {
    line.because = absl::StrCat("it is not to ", to.agency);
  } else if (!rule.IsForRole(to.role)) {
    line.because = absl::StrCat("it is not for the role ", to.role);
  } else if (!rule.IsForPurpose(to)) {
    line.because =
        absl::StrCat("the agreement does not have the purpose ", *to.purpose);
  } else if (!rule.term->InForce(now_us)) {
    line.because =
        absl::StrCat("the agreement is in force from ", agreement.valid_from(),
                     " to ", agreement.valid_to());
  } else if (!rule.Covers(header.regime)) {
    line.because = "it does not cover what is processed under Part 3";
  } else {
    line.applies = rule.IncludesEvent(header, person);
    line.because = AudienceBecause(rule, header, person);
  }
  return line;
}

JudgedView Agreements::Explain(const HeaderView& header, const Recipient& to,
                               uint64_t now_us,
                               const PersonPolicy& person) const {
  JudgedView judged;
  const auto found = rules_.find(header.type);
  if (found == rules_.end()) {
    judged.because = "its type is not adopted here";
    return judged;
  }
  const TypeRules& type = found->second;
  judged.granted = Granted(header, to, now_us, person);
  // The same words whichever of the two lists it is.
  const bool allowed = person.Allows(to);
  if (to.envelopes_only()) {
    judged.because = "the operator sees envelopes and never a payload";
  } else if (Processes(to, header.type)) {
    judged.because = "it is a hub service that processes this type";
  } else if (IsSentTheHeader(to, header.type)) {
    judged.because =
        "it is a hub service that is sent the header alone of this type";
  } else if (type.tells_of_erasure) {
    judged.because =
        "whoever had something of the person is told of the erasure";
  } else if (!type.internal && IsRestricted(header, to, person)) {
    judged.because =
        "its controller has restricted it: it is kept and shown to nobody else";
  } else if (type.internal) {
    judged.because = "the type is internal to the hub and never granted";
  } else if (!allowed) {
    judged.because =
        "the agency that leads has said who may see this person's record";
  }
  if (!judged.because.empty()) return judged;
  // One answer a line: of a line to each, that to the recipient.
  std::vector<const Rule*> lines;
  for (const Rule& rule : type.rules) {
    const bool same = !lines.empty() && lines.back()->grant == rule.grant;
    if (!same) lines.push_back(&rule);
    if (same && rule.to == to.agency) lines.back() = &rule;
  }
  for (const Rule* rule : lines) {
    judged.lines.push_back(JudgeLine(*rule, header, to, now_us, person));
  }
  if (judged.lines.empty()) judged.because = "no agreement has this type";
  return judged;
}

std::vector<AdoptedAgreement> Agreements::List(uint64_t now_us) const {
  std::vector<AdoptedAgreement> list;
  for (const std::shared_ptr<const Term>& term : newest_) {
    list.push_back({term->agreement, term->InForce(now_us), term->signed_by,
                    term->until_us, term->early_end});
  }
  return list;
}

std::string Agreements::EndedInWords(const Recipient& to,
                                     uint64_t now_us) const {
  const Term* last = nullptr;
  for (const auto& [name, type] : rules_) {
    for (const Rule& rule : type.rules) {
      if (!rule.IsTo(to) || rule.term->until_us > now_us) continue;
      if (last == nullptr || rule.term->until_us > last->until_us) {
        last = rule.term;
      }
    }
  }
  if (last == nullptr) return "";
  return SinceInWords("with you", last->agreement, last->until_us,
                      last->early_end);
}

std::string EndInWords(const AdoptedAgreement& agreement, uint64_t now_us,
                       uint32_t warning_days) {
  const policy::v1::Agreement& text = agreement.agreement;
  const auto days = static_cast<int64_t>(warning_days);
  if (agreement.until_us <= now_us) {
    if (DaysFromTo(agreement.until_us, now_us) > days) return "";
    return SinceInWords(absl::StrCat("by ", text.name()), text,
                        agreement.until_us, agreement.early_end);
  }
  if (!agreement.in_force) return "";
  const int64_t left = DaysFromTo(now_us, agreement.until_us - 1);
  if (left > days) return "";
  std::string words =
      absl::StrCat("The agreement ", text.name(), " ends on ",
                   DayInWords(agreement.until_us - 1), ", ",
                   left == 0   ? "today"
                   : left == 1 ? "tomorrow"
                               : absl::StrCat("in ", left, " days"));
  if (agreement.early_end.has_value()) {
    absl::StrAppend(&words, ", early (", agreement.early_end->reason, ")");
  }
  absl::StrAppend(&words, ". Nothing is shared by it after that.",
                  RingInWords(text));
  return words;
}

std::vector<std::string> ShownInWords(const EventType& type,
                                      GroupMask granted) {
  if (granted == 0) return {};
  if (granted == kHeaderAlone) return {"the header alone"};
  return Withheld(type, static_cast<GroupMask>(~granted));
}

}  // namespace concordat

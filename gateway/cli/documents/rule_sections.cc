// What papers say of rules: which are in force, since when and by whom, and which wait.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

// Null: none of that id.
template <typename Rules>
const alerts::v1::Rule* OfId(const Rules& rules, absl::string_view id) {
  const auto found = std::find_if(
      rules.begin(), rules.end(),
      [id](const alerts::v1::Rule& rule) { return rule.id() == id; });
  return found == rules.end() ? nullptr : &*found;
}

// The folder's, where it is not as the one in force; null: nothing waits.
const alerts::v1::Rule* WaitingOf(const Sources& sources,
                                  absl::string_view id) {
  if (!sources.folder_rules.has_value()) return nullptr;
  const alerts::v1::Rule* const folder = OfId(*sources.folder_rules, id);
  const alerts::v1::Rule* const acts = OfId(sources.rules.rules(), id);
  const bool same = folder != nullptr && acts != nullptr &&
                    folder->SerializeAsString() == acts->SerializeAsString();
  return same ? nullptr : folder;
}

std::string NameOf(const alerts::v1::Rule& rule) {
  return absl::StrCat(rule.id(), " version ", rule.version());
}

void AppendId(std::string* out, const alerts::v1::Rule& rule) {
  out->append(rule.id());
}

}  // namespace

absl::StatusOr<const alerts::v1::Rule*> FindRule(const Sources& sources,
                                                 absl::string_view id,
                                                 RuleStage stage) {
  const auto& rules = sources.rules.rules();
  const alerts::v1::Rule* const acts = OfId(rules, id);
  const alerts::v1::Rule* const waits = WaitingOf(sources, id);
  if (stage == RuleStage::kCandidate) {
    if (waits != nullptr) return waits;
    if (!sources.folder_rules.has_value()) {
      return absl::FailedPreconditionError(sources.rules.waiting().what());
    }
    if (acts != nullptr && OfId(*sources.folder_rules, id) != nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(NameOf(*acts), " of the folder is in force"));
    }
    return absl::NotFoundError(
        absl::StrCat("no rule ", id, " in the folder: ",
                     absl::StrJoin(*sources.folder_rules, ", ", AppendId)));
  }
  if (acts != nullptr) return acts;
  return absl::NotFoundError(absl::StrCat(
      "no rule ", id, " in force: ", absl::StrJoin(rules, ", ", AppendId),
      waits == nullptr ? ""
                       : absl::StrCat("; ", NameOf(*waits),
                                      " waits for two people: --candidate")));
}

std::string RuleTitle(const alerts::v1::Rule& rule, RuleStage stage,
                      absl::string_view paper) {
  return absl::StrCat(
      stage == RuleStage::kCandidate ? "CANDIDATE, NOT IN FORCE. " : "", paper,
      " ", NameOf(rule));
}

Section InForceOf(const Sources& sources, const alerts::v1::Rule& rule,
                  RuleStage stage) {
  const alerts::v1::Rule* const acts = OfId(sources.rules.rules(), rule.id());
  Section section{"Whether it is in force"};
  std::vector<std::string>& says = section.paragraphs;
  if (stage == RuleStage::kCandidate) {
    says.push_back(
        "NOT IN FORCE. The folder holds it, and nobody is alerted by it before "
        "two people have agreed (`concordat rules adopt`).");
    says.push_back(absl::StrCat(
        "What waits with it: ", sources.rules.waiting().what(), "."));
  }
  const auto& all = sources.rules.standing();
  const auto standing = std::find_if(
      all.begin(), all.end(),
      [&rule](const auto& each) { return each.rule() == rule.id(); });
  Table table{"In force", {"Of it", "Is"}, {}};
  if (acts == nullptr) {
    table.rows = {{"version", "none"}};
  } else {
    table.rows = {{"version", absl::StrCat(acts->version())}};
    if (standing == all.end()) {
      table.rows.push_back({"since", "not known"});
    } else if (standing->adopted_at() == 0) {
      table.rows.push_back(
          {"since", "this hub began: it is one of its first rules"});
      table.rows.push_back({"agreed to by", "nobody in the log"});
    } else {
      table.rows.push_back(
          {"since",
           absl::StrCat(sources.When(standing->adopted_at()), ", position ",
                        standing->position(), " of the log")});
      table.rows.push_back(
          {"agreed to by",
           absl::StrCat(standing->asked_by(), " and ", standing->agreed_by())});
    }
    table.rows.push_back({"acts from", acts->effective()});
    if (standing != all.end() && standing->acts_until_then() != 0) {
      table.rows.push_back({"until then acts version",
                            absl::StrCat(standing->acts_until_then())});
    }
  }
  section.tables.push_back(std::move(table));
  if (stage == RuleStage::kCandidate) return section;
  const alerts::v1::Rule* const waits = WaitingOf(sources, rule.id());
  if (waits != nullptr) {
    says.push_back(absl::StrCat(
        "The folder holds version ", waits->version(),
        ", which waits for two people and is not in force: its paper is that "
        "of --candidate."));
  } else if (!sources.folder_rules.has_value()) {
    says.push_back(absl::StrCat("What the folder holds of it is not known: ",
                                sources.rules.waiting().what()));
  } else if (OfId(*sources.folder_rules, rule.id()) == nullptr) {
    says.push_back(
        "The folder holds it no more; that waits for two people, and until "
        "they agree it is in force.");
  }
  return section;
}

Section RulesOf(const Sources& sources) {
  Table table{"Alert rules",
              {"Rule", "Acts from", "What it looks for", "Who is asked"},
              {}};
  for (const alerts::v1::Rule& rule : sources.rules.rules()) {
    for (const alerts::v1::Limb& limb : rule.limbs()) {
      std::vector<std::string> to;
      for (const auto& each : limb.to()) {
        to.push_back(absl::StrCat(each.role(), " (", each.agency(), ")"));
      }
      table.rows.push_back({absl::StrCat(rule.id(), " version ", rule.version(),
                                         ", ", limb.name()),
                            rule.effective(), limb.why(),
                            absl::StrJoin(to, ", ")});
    }
  }
  Section section{"Automated rules and human decisions",
                  {"Rules raise alerts to named roles and do nothing else: no "
                   "rule changes anything about a person. Who is asked accepts "
                   "or refuses, and decides. There is no decision based solely "
                   "on automated processing (UK GDPR Article 22, Data "
                   "Protection Act 2018 section 49)."},
                  {},
                  {std::move(table)}};
  if (sources.rules.has_waiting()) {
    section.paragraphs.push_back(absl::StrCat(
        "These are in force. ",
        sources.rules.waiting().digest().empty()
            ? ""
            : "The folder holds others, which are not before two people have "
              "agreed: ",
        sources.rules.waiting().what(), "."));
  }
  return section;
}

}  // namespace concordat::cli

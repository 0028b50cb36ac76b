#include "services/alerts/rpc/rule_adoption.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/alerts/domain/rule_history.h"

namespace concordat::alerts {
namespace {

constexpr char kFile[] = "rules-in-force";

std::string NameOf(const v1::Rule& rule) {
  return absl::StrCat(rule.id(), " version ", rule.version());
}

// "R17 version 4 in place of R17 version 3; R40 version 1".
std::string ChangeInWords(const std::vector<v1::Rule>& before,
                          const std::vector<v1::Rule>& after) {
  std::map<std::string, std::pair<const v1::Rule*, const v1::Rule*>> by_id;
  for (const v1::Rule& rule : before) by_id[rule.id()].first = &rule;
  for (const v1::Rule& rule : after) by_id[rule.id()].second = &rule;
  std::vector<std::string> words;
  for (const auto& [id, pair] : by_id) {
    const auto [old, now] = pair;
    if (now == nullptr) {
      words.push_back(absl::StrCat("no ", NameOf(*old), " any more"));
    } else if (old == nullptr) {
      words.push_back(NameOf(*now));
    } else if (old->SerializeAsString() != now->SerializeAsString()) {
      words.push_back(
          absl::StrCat(NameOf(*now), " in place of ", NameOf(*old)));
    }
  }
  return absl::StrJoin(words, "; ");
}

}  // namespace

absl::StatusOr<std::vector<v1::Rule>> FirstRules(
    Directory& folder, const std::vector<v1::Rule>& of_folder) {
  const auto bytes = ReadWhole(folder, kFile);
  v1::ListRulesResponse kept;
  if (absl::IsNotFound(bytes.status())) {
    kept.mutable_rules()->Assign(of_folder.begin(), of_folder.end());
    const absl::Status written =
        ReplaceWhole(folder, kFile, kept.SerializeAsString());
    if (!written.ok()) return written;
    return of_folder;
  }
  if (!bytes.ok()) return bytes.status();
  if (!kept.ParseFromString(*bytes)) {
    return absl::DataLossError(
        absl::StrCat(kFile, ": the first rules cannot be read"));
  }
  return std::vector<v1::Rule>(kept.rules().begin(), kept.rules().end());
}

v1::WaitingRules WaitingRulesOf(
    const std::vector<v1::Rule>& in_force,
    const absl::StatusOr<std::vector<v1::Rule>>& of_folder) {
  v1::WaitingRules waiting;
  if (!of_folder.ok()) {
    waiting.set_what(absl::StrCat("the folder's rules cannot be used: ",
                                  of_folder.status().message()));
    return waiting;
  }
  const std::string digest = DigestOf(*of_folder);
  if (digest == DigestOf(in_force)) return waiting;
  waiting.set_digest(digest);
  waiting.set_what(ChangeInWords(in_force, *of_folder));
  return waiting;
}

hub::v1::RulesAdopted AdoptionOf(std::vector<v1::Rule> rules) {
  SortRules(rules);
  hub::v1::RulesAdopted adopted;
  for (const v1::Rule& rule : rules) {
    adopted.add_rules(NameOf(rule));
    adopted.add_content(rule.SerializeAsString());
  }
  adopted.set_digest(DigestOf(std::move(rules)));
  return adopted;
}

}  // namespace concordat::alerts

#include "services/common/policy/diff.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/policy/compiled_grants.h"

namespace concordat {
namespace {

using Strings = google::protobuf::RepeatedPtrField<std::string>;

struct Change {
  GroupMask more = 0;
  GroupMask less = 0;
  friend auto operator<=>(const Change&, const Change&) = default;
};

// Cells of one agency, role, type and audience that change alike.
struct Alike {
  std::set<std::pair<bool, uint32_t>> cells;  // Regime, level.
};

// Both regimes, or which one.
std::string RegimeWords(bool part3, bool gdpr) {
  if (part3 && gdpr) return "";
  return part3 ? ", processed under Part 3" : ", processed under the UK GDPR";
}

std::string LevelWords(const std::set<uint32_t>& levels) {
  if (levels.size() == 4) return "";
  return absl::StrCat(
      ", at ",
      absl::StrJoin(levels, ", ", [](std::string* out, uint32_t level) {
        absl::StrAppend(
            out, level == 0 ? "no level" : absl::StrCat("Level ", level));
      }));
}

// One sentence for each set of levels that changes in the same regimes.
std::vector<std::string> InWords(policy::v1::Audience audience,
                                 const Alike& alike) {
  std::map<uint32_t, std::pair<bool, bool>> regimes;  // Part 3, UK GDPR.
  for (const auto& [part3, level] : alike.cells) {
    (part3 ? regimes[level].first : regimes[level].second) = true;
  }
  std::map<std::pair<bool, bool>, std::set<uint32_t>> levels;
  for (const auto& [level, of] : regimes) levels[of].insert(level);
  std::vector<std::string> words;
  for (const auto& [of, at] : levels) {
    words.push_back(absl::StrCat(
        AudienceInWords(audience),
        audience == policy::v1::AUDIENCE_PARTY ? LevelWords(at) : "",
        RegimeWords(of.first, of.second)));
  }
  return words;
}

// The groups of a mask; group 0 alone is the header and what is administrative.
std::vector<std::string> GroupWords(const TypeRegistry& types,
                                    const std::string& name, GroupMask mask) {
  const EventType* type = types.Find(name);
  if (type == nullptr || mask == 0) return {};
  std::vector<std::string> words = ShownInWords(*type, mask);
  if (words.empty()) words.emplace_back("that it happened");
  return words;
}

void DiffList(absl::string_view what, const Strings& before,
              const Strings& after, std::vector<std::string>& words) {
  const std::set<std::string> old(before.begin(), before.end());
  const std::set<std::string> now(after.begin(), after.end());
  for (const std::string& each : now) {
    if (old.count(each) == 0) {
      words.push_back(absl::StrCat(what, ": ", each, " is new"));
    }
  }
  for (const std::string& each : old) {
    if (now.count(each) == 0) {
      words.push_back(absl::StrCat(what, ": ", each, " is gone"));
    }
  }
}

void DiffText(absl::string_view what, const std::string& before,
              const std::string& after, std::vector<std::string>& words) {
  if (before == after) return;
  words.push_back(absl::StrCat(what, ": ", before.empty() ? "none" : before,
                               " becomes ", after.empty() ? "none" : after));
}

std::string MonthsInWords(uint32_t months) {
  return months == 0 ? "" : absl::StrCat(months, " months");
}

}  // namespace

std::vector<GrantChange> DiffGrants(
    const TypeRegistry& types, const std::map<GrantCell, GroupMask>& before,
    const std::map<GrantCell, GroupMask>& after) {
  std::set<GrantCell> cells;
  for (const auto& [cell, mask] : before) cells.insert(cell);
  for (const auto& [cell, mask] : after) cells.insert(cell);
  const auto mask_of = [](const std::map<GrantCell, GroupMask>& of,
                          const GrantCell& cell) -> GroupMask {
    const auto found = of.find(cell);
    return found == of.end() ? 0 : found->second;
  };
  using Key = std::tuple<std::string, std::string, std::string,
                         policy::v1::Audience, Change>;
  std::map<Key, Alike> changes;
  for (const GrantCell& cell : cells) {
    const GroupMask old = mask_of(before, cell);
    const GroupMask now = mask_of(after, cell);
    if (old == now) continue;
    const Change change = {static_cast<GroupMask>(now & ~old),
                           static_cast<GroupMask>(old & ~now)};
    changes[{cell.agency, cell.role, cell.type, cell.audience, change}]
        .cells.emplace(cell.part3, cell.level);
  }
  std::vector<GrantChange> result;
  for (const auto& [key, alike] : changes) {
    const auto& [agency, role, type, audience, change] = key;
    for (std::string& words : InWords(audience, alike)) {
      result.push_back({agency, role, type, std::move(words),
                        GroupWords(types, type, change.more),
                        GroupWords(types, type, change.less)});
    }
  }
  return result;
}

std::vector<std::string> DiffTerms(const policy::v1::Agreement& before,
                                   const policy::v1::Agreement& after) {
  std::vector<std::string> words;
  DiffList("party", before.parties(), after.parties(), words);
  DiffText("arrangement", before.arrangement(), after.arrangement(), words);
  DiffText("first day", before.valid_from(), after.valid_from(), words);
  DiffText("last day", before.valid_to(), after.valid_to(), words);
  DiffList("purpose", before.purposes(), after.purposes(), words);
  DiffList("gateway", before.gateways(), after.gateways(), words);
  DiffList("competent authority", before.part3_parties(), after.part3_parties(),
           words);
  DiffText("whom to ring", before.contact(), after.contact(), words);
  DiffText("kept after a case",
           MonthsInWords(before.retention().months_after_case()),
           MonthsInWords(after.retention().months_after_case()), words);
  DiffText("kept after the last event",
           MonthsInWords(before.retention().months_after_event()),
           MonthsInWords(after.retention().months_after_event()), words);
  return words;
}

}  // namespace concordat

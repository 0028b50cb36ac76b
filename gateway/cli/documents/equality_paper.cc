// What a rule's alerts are by age, and what it does with data about children.
#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

using alerts::v1::Alert;
using alerts::v1::Rule;

// A number below it would tell who they are.
constexpr uint64_t kCountMin = 5;
constexpr int kGrownUp = 18;
// In codes that tell of one.
constexpr char kChild[] = "CHILD";

struct AgeBand {
  const char* words;
  int years_below;
};
constexpr AgeBand kBands[] = {{"under 18", kGrownUp},
                              {"18 to 24", 25},
                              {"25 to 39", 40},
                              {"40 to 59", 60},
                              {"60 and over", 120}};
constexpr size_t kNotKnown = std::size(kBands);

// Whole years on a day; nothing: when they were born is not known.
std::optional<int> AgeOn(const std::string& birth, absl::CivilDay day) {
  absl::CivilDay born;
  if (!absl::ParseCivilTime(birth, &born) || born > day) return std::nullopt;
  const bool had_birthday =
      std::pair(day.month(), day.day()) >= std::pair(born.month(), born.day());
  return static_cast<int>(day.year() - born.year()) - (had_birthday ? 0 : 1);
}

size_t BandOf(const EqualityRecords& records, const std::string& person,
              absl::CivilDay day) {
  const auto birth = records.births.find(person);
  if (birth == records.births.end()) return kNotKnown;
  const auto age = AgeOn(birth->second, day);
  if (!age.has_value()) return kNotKnown;
  size_t band = 0;
  // A day of birth of long ago is one that nobody knew.
  while (band < kNotKnown && *age >= kBands[band].years_below) ++band;
  return band;
}

// One column: so few that they would tell who it is are left out, and, where that
// is one alone, another one with it, or the sum would tell it.
std::vector<std::string> LeaveOut(const std::vector<uint64_t>& counts) {
  std::set<size_t> left_out;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0 && counts[i] < kCountMin) left_out.insert(i);
  }
  if (left_out.size() == 1) {
    size_t next = counts.size();
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] < kCountMin) continue;
      if (next == counts.size() || counts[i] < counts[next]) next = i;
    }
    if (next < counts.size()) left_out.insert(next);
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < counts.size(); ++i) {
    texts.push_back(left_out.contains(i) ? "left out"
                                         : absl::StrCat(counts[i]));
  }
  return texts;
}

Section AgeSection(const Sources& sources, absl::string_view rule,
                   const EqualityRecords& records) {
  constexpr size_t kRows = kNotKnown + 1;
  std::vector<uint64_t> cases(kRows);
  std::vector<uint64_t> alerts(kRows);
  std::vector<uint64_t> wrong(kRows);
  std::vector<std::set<std::string>> people(kRows);
  const absl::CivilDay today = absl::ToCivilDay(sources.made, sources.zone);
  for (const std::string& person : records.open_cases) {
    ++cases[BandOf(records, person, today)];
  }
  for (const Alert& alert : records.alerts.alerts()) {
    if (alert.rule() != rule || alert.subject().empty()) continue;
    const absl::CivilDay day = absl::ToCivilDay(
        absl::FromUnixMicros(static_cast<int64_t>(alert.raised_at())),
        sources.zone);
    const size_t band = BandOf(records, alert.subject(), day);
    ++alerts[band];
    people[band].insert(alert.subject());
    if (alert.withdrawn_at() != 0 || !alert.disputes().empty()) ++wrong[band];
  }
  std::vector<uint64_t> alerted;
  for (const auto& each : people) alerted.push_back(each.size());
  const std::vector<std::string> columns[] = {
      LeaveOut(cases), LeaveOut(alerted), LeaveOut(alerts), LeaveOut(wrong)};
  Table table{"By age",
              {"Age", "People with an open case", "People alerted on", "Alerts",
               "Withdrawn or held to be wrong"},
              {}};
  for (size_t band = 0; band < kRows; ++band) {
    std::vector<std::string> row = {band == kNotKnown ? "not known"
                                                      : kBands[band].words};
    for (const auto& column : columns) row.push_back(column[band]);
    table.rows.push_back(std::move(row));
  }
  return {
      "Age",
      {absl::StrCat(
           "On the day of the alert; of open cases today. Of the alerts and "
           "cases that who made this paper is shown. A number from 1 to ",
           kCountMin - 1,
           " is left out, and another one with it where it could be worked "
           "out; there are no sums."),
       "Alerts of every version of the rule that was in force, and of none "
       "that was not."},
      {},
      {std::move(table)}};
}

Section UnmeasuredSection() {
  Table table{"What cannot be measured here", {"Of", "Because"}, {}};
  for (const char* of :
       {"sex", "race and ethnicity", "disability", "religion or belief",
        "sexual orientation", "gender reassignment", "pregnancy and maternity",
        "marriage and civil partnership", "where people live"}) {
    table.rows.push_back(
        {of, absl::string_view(of) == "gender reassignment"
                 ? "the hub never tells a gender history in numbers"
             : absl::string_view(of) == "where people live"
                 ? "addresses are with identity alone, and are not counted"
                 : "no event and no record of the hub has it"});
  }
  return {"Other characteristics",
          {"The controllers measure these over their own records; the numbers "
           "of the alert references are theirs to match."},
          {},
          {std::move(table)}};
}

Section ChildrenSection(const Sources& sources, const Rule& rule) {
  Table table{"Facts of the rule that may tell of a child",
              {"Fact", "Data item", "Because"},
              {}};
  const std::string child =
      TierInWords(policy::v1::TIER_S4, policy::v1::CATEGORY_CHILD);
  const auto add = [&](const alerts::v1::EventPattern& pattern) {
    for (const std::string& type : pattern.types()) {
      for (const DataItem& item : ItemsOf(sources, type, 0)) {
        if (item.tier == child) {
          table.rows.push_back({TitleOf(type), item.field, item.tier});
        }
      }
      for (const auto& each : pattern.where()) {
        for (const std::string& value : each.values()) {
          if (!absl::StrContains(value, kChild)) continue;
          table.rows.push_back({TitleOf(type), each.field(),
                                absl::StrCat("the rule looks for ", value)});
        }
      }
    }
  };
  for (const alerts::v1::Limb& limb : rule.limbs()) {
    for (const auto& each : limb.condition().events()) add(each);
    for (const auto& each : limb.condition().absence().of()) add(each);
  }
  std::sort(table.rows.begin(), table.rows.end());
  table.rows.erase(std::unique(table.rows.begin(), table.rows.end()),
                   table.rows.end());
  return {"Children (UNCRC)",
          {"People under 18 whom the rule was about are in the first line of "
           "the table above. What tells of a child is a group of its own, "
           "sealed with a key of its own, and shown by no line of an agreement "
           "that does not name it. The rule asks a named person and changes "
           "nothing about anybody, a child or not; the child's best interests "
           "are that person's to weigh."},
          {},
          {std::move(table)}};
}

}  // namespace

absl::StatusOr<Document> EqualityOf(const Sources& sources,
                                    absl::string_view id, RuleStage stage,
                                    const EqualityRecords& records) {
  const auto rule = FindRule(sources, id, stage);
  if (!rule.ok()) return rule.status();
  Document document =
      Begin(sources, "equality",
            RuleTitle(**rule, stage,
                      "Equality and children's rights, data for rule"));
  document.missing = records.missing;
  document.sections.push_back(InForceOf(sources, **rule, stage));
  document.sections.push_back(AgeSection(sources, id, records));
  document.sections.push_back(UnmeasuredSection());
  document.sections.push_back(ChildrenSection(sources, **rule));
  return document;
}

}  // namespace concordat::cli

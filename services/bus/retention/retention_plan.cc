#include "services/bus/retention/retention_plan.h"

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace concordat::bus {
namespace {

// A report is an event, and has its bound.
constexpr size_t kRemovedCountsMax = 2000;

uint32_t MonthOf(uint64_t accepted_us) {
  const absl::CivilMonth month = absl::ToCivilMonth(
      absl::FromUnixMicros(static_cast<int64_t>(accepted_us)),
      absl::UTCTimeZone());
  return static_cast<uint32_t>(month.year() * 100 + month.month());
}

}  // namespace

void RetentionTally::Add(const EventFacts& event, const Judged& judged) {
  if (judged.because != KeptBecause::kNothing) {
    ++kept_[{judged.because, std::string(judged.by)}];
    return;
  }
  ++removed_;
  ++removed_by_[{std::string(event.header.type), MonthOf(event.accepted_us)}];
}

std::vector<hub::v1::RemovedCount> RetentionTally::Removed() const {
  std::vector<hub::v1::RemovedCount> counts;
  for (const auto& [key, events] : removed_by_) {
    if (counts.size() == kRemovedCountsMax) {
      counts.back().set_type("other");
      counts.back().set_month(0);
      counts.back().set_events(counts.back().events() + events);
      continue;
    }
    hub::v1::RemovedCount& count = counts.emplace_back();
    count.set_type(key.first);
    count.set_month(key.second);
    count.set_events(events);
  }
  return counts;
}

std::vector<hub::v1::KeptCount> RetentionTally::Kept() const {
  std::vector<hub::v1::KeptCount> counts;
  for (const auto& [key, events] : kept_) {
    hub::v1::KeptCount& count = counts.emplace_back();
    count.set_because(std::string(NameOf(key.first)));
    count.set_by(key.second);
    count.set_events(events);
  }
  return counts;
}

absl::StatusOr<RetentionPlan> PlanRetention(
    const CompactableLog& log, const RetentionJudge& judge,
    const RetentionTerms& terms, const FirstNeeded& needed,
    const std::function<bool()>& go_on) {
  RetentionPlan plan;
  for (const CompactableLog::Segment& segment :
       log.ClosedBefore(terms.young_from_us)) {
    for (const auto& [name, first] : needed) {
      if (first > segment.last) continue;
      plan.waits_for.push_back(
          absl::StrCat(name, " needs event ", first.value));
    }
    if (!plan.waits_for.empty()) break;
    if (!go_on()) return absl::CancelledError("the bus stops");
    absl::Status status;
    const uint64_t before = plan.tally.removed();
    const absl::Status read =
        log.VisitKept(segment.number, [&](const EventFacts& event) {
          const absl::StatusOr<Judged> judged = judge.Judge(event, terms);
          if (judged.ok()) {
            plan.tally.Add(event, *judged);
          } else {
            status.Update(judged.status());
          }
        });
    if (!read.ok()) return read;
    if (!status.ok()) return status;
    if (plan.tally.removed() > before) plan.segments.push_back(segment.number);
    plan.through = segment.last;
    ++plan.looked_at;
  }
  return plan;
}

}  // namespace concordat::bus

#include "services/alerts/domain/windows.h"

#include <algorithm>
#include <cstdint>
#include <set>

namespace concordat::alerts {
namespace {

constexpr uint64_t kMicrosPerHour = 3'600'000'000;

using Chosen = std::vector<const Fact*>;

uint64_t TimeOf(const Fact& fact) { return fact.header.time_us; }

uint64_t Distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

uint64_t WindowOf(const v1::Condition& condition) {
  return condition.within_hours() == 0
             ? UINT64_MAX
             : condition.within_hours() * kMicrosPerHour;
}

Chosen InLogOrder(Chosen facts) {
  std::sort(facts.begin(), facts.end(), [](const Fact* a, const Fact* b) {
    return a->sequence < b->sequence;
  });
  return facts;
}

// Nobody: it is told for a partner, who is not named.
std::string ObserverOf(const Fact& fact) {
  return fact.header.basis == bus::v1::BASIS_REPORTED_BY_PARTNER
             ? std::string()
             : fact.header.controller;
}

bool Enough(const v1::Count& count, const Chosen& window, Sight sight) {
  std::set<std::string> incidents;
  std::set<std::string> observers;
  for (const Fact* fact : window) {
    incidents.insert(IncidentOf(count, *fact, sight(*fact)));
    observers.insert(ObserverOf(*fact));
  }
  observers.erase("");
  return incidents.size() >= count.at_least() &&
         observers.size() >= count.agencies_at_least();
}

// The earliest window that holds the trigger and enough of the rest.
Chosen MeetCount(const v1::Condition& condition, const Fact& trigger,
                 const Facts& facts, Sight sight) {
  const v1::Count& count = condition.count();
  const uint64_t within = WindowOf(condition);
  const std::string observer = ObserverOf(trigger);
  if (count.one_agency() && observer.empty()) return {};
  Chosen near;
  for (const auto& fact : facts) {
    if (Distance(TimeOf(*fact), TimeOf(trigger)) > within) continue;
    if (count.one_agency() && ObserverOf(*fact) != observer) continue;
    if (!fact->off && FirstPattern(condition, *fact, sight(*fact)) >= 0) {
      near.push_back(fact.get());
    }
  }
  std::stable_sort(near.begin(), near.end(), [](const Fact* a, const Fact* b) {
    return TimeOf(*a) < TimeOf(*b);
  });
  for (size_t first = 0; first < near.size(); ++first) {
    const uint64_t start = TimeOf(*near[first]);
    if (start > TimeOf(trigger)) break;
    if (TimeOf(trigger) - start > within) continue;
    Chosen window;
    for (size_t i = first; i < near.size(); ++i) {
      if (TimeOf(*near[i]) - start <= within) window.push_back(near[i]);
    }
    if (Enough(count, window, sight)) return InLogOrder(window);
  }
  return {};
}

// The newest fact for each of the other patterns, by its own time, near enough
// to every one chosen before it.
Chosen MeetEach(const v1::Condition& condition, const Fact& trigger,
                const Facts& facts, Sight sight) {
  const uint64_t within = WindowOf(condition);
  const int met = FirstPattern(condition, trigger, sight(trigger));
  Chosen chosen(static_cast<size_t>(condition.events_size()), nullptr);
  chosen[static_cast<size_t>(met)] = &trigger;
  for (int i = 0; i < condition.events_size(); ++i) {
    const Fact*& place = chosen[static_cast<size_t>(i)];
    if (place != nullptr) continue;
    const Fact* best = nullptr;
    for (const auto& fact : facts) {
      const uint64_t time = TimeOf(*fact);
      if (fact->off) continue;
      if (best != nullptr && TimeOf(*best) >= time) continue;
      const bool near =
          std::all_of(chosen.begin(), chosen.end(), [&](const Fact* other) {
            return other == nullptr ||
                   (other != fact.get() &&
                    Distance(time, TimeOf(*other)) <= within);
          });
      if (near && Matches(condition.events(i), *fact, sight(*fact))) {
        best = fact.get();
      }
    }
    if (best == nullptr) return {};
    place = best;
  }
  return InLogOrder(chosen);
}

}  // namespace

int FirstPattern(const v1::Condition& condition, const Fact& fact,
                 GroupMask seen) {
  for (int i = 0; i < condition.events_size(); ++i) {
    if (Matches(condition.events(i), fact, seen)) return i;
  }
  return -1;
}

std::string IncidentOf(const v1::Count& count, const Fact& fact,
                       GroupMask seen) {
  const auto* values = ValuesOf(fact, count.incident_field(), seen);
  return values == nullptr || values->empty() ? EventRef(fact.header)
                                              : values->front();
}

std::vector<const Fact*> Meet(const v1::Condition& condition,
                              const Fact& trigger, const Facts& facts,
                              Sight sight) {
  if (trigger.off || FirstPattern(condition, trigger, sight(trigger)) < 0) {
    return {};
  }
  if (condition.has_count()) {
    return MeetCount(condition, trigger, facts, sight);
  }
  return MeetEach(condition, trigger, facts, sight);
}

}  // namespace concordat::alerts

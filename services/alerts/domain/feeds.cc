#include "services/alerts/domain/feeds.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "services/common/event/event.h"

namespace concordat::alerts {
namespace {

constexpr uint64_t kMicrosPerMinute = 60'000'000;
constexpr int kMinutesPerDay = 24 * 60;

uint64_t Micros(absl::Time at) {
  return static_cast<uint64_t>(absl::ToUnixMicros(at));
}

// Minutes after midnight of "HH:MM"; -1: it is none.
int MinutesOf(const std::string& text) {
  int hours = 0, minutes = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%2d:%2d%c", &hours, &minutes, &rest) != 2 ||
      hours < 0 || minutes < 0 || minutes > 59) {
    return -1;
  }
  const int result = hours * 60 + minutes;
  return result < kMinutesPerDay ? result : -1;
}

// 1 Monday to 7 Sunday.
uint32_t WeekdayOf(absl::CivilDay day) {
  return static_cast<uint32_t>(absl::GetWeekday(day)) + 1;
}

// The first scheduled moment after `after_us`.
uint64_t NextScheduled(const FeedState& state, uint64_t after_us) {
  const hub::v1::FeedSchedule& schedule = state.feed.schedule();
  const int minutes = MinutesOf(schedule.at());
  absl::CivilDay day = absl::ToCivilDay(
      absl::FromUnixMicros(static_cast<int64_t>(after_us)), state.zone);
  for (day -= 1;; ++day) {
    if (!schedule.weekdays().empty() &&
        std::find(schedule.weekdays().begin(), schedule.weekdays().end(),
                  WeekdayOf(day)) == schedule.weekdays().end()) {
      continue;
    }
    const absl::CivilMinute at = absl::CivilMinute(day) + minutes;
    const uint64_t due = Micros(absl::FromCivil(at, state.zone));
    if (due > after_us) return due;
  }
}

uint64_t LateBy(const FeedState& state) {
  return state.feed.schedule().late_minutes() * kMicrosPerMinute;
}

// What it owes ends when it is complete to the last of it.
void Settle(FeedState& state) {
  if (state.complete_us >= state.last_owed_us) {
    state.owed_us = state.silent_since_us = state.last_owed_us = 0;
  } else if (state.complete_us >= state.owed_us) {
    state.owed_us = NextScheduled(state, state.complete_us);
    state.silent_since_us = state.owed_us + LateBy(state);
  }
}

// "14 days", "10 minutes".
std::string GapInWords(uint32_t minutes) {
  const auto of = [](uint32_t count, absl::string_view unit) {
    return absl::StrCat(count, " ", unit, count == 1 ? "" : "s");
  };
  if (minutes % kMinutesPerDay == 0) {
    return of(minutes / kMinutesPerDay, "day");
  }
  return minutes % 60 == 0 ? of(minutes / 60, "hour") : of(minutes, "minute");
}

void Await(FeedState& state, uint64_t after_us) {
  if (state.feed.has_schedule()) {
    state.due_us = NextScheduled(state, after_us);
    state.limit_us = state.due_us + LateBy(state);
  } else {
    state.due_us = state.limit_us =
        after_us + state.feed.heartbeat().gap_minutes() * kMicrosPerMinute;
  }
}

absl::Status Check(const hub::v1::Feed& feed) {
  if (AgencyOfSource(feed.source()).empty()) {
    return absl::InvalidArgumentError("has no source");
  }
  if (feed.title().empty() || feed.contact_agency().empty() ||
      feed.contact_role().empty()) {
    return absl::InvalidArgumentError("has no title or contact");
  }
  if (feed.has_heartbeat() && feed.heartbeat().gap_minutes() > 0) {
    return absl::OkStatus();
  }
  if (!feed.has_schedule() || MinutesOf(feed.schedule().at()) < 0) {
    return absl::InvalidArgumentError("promises nothing");
  }
  for (const uint32_t weekday : feed.schedule().weekdays()) {
    if (weekday < 1 || weekday > 7) {
      return absl::InvalidArgumentError("comes on a weekday that is none");
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool FeedState::Brings(absl::string_view type) const {
  return std::find(feed.types().begin(), feed.types().end(), type) !=
         feed.types().end();
}

std::string FeedState::Expected() const {
  if (feed.has_heartbeat()) {
    return absl::StrCat("at least every ",
                        GapInWords(feed.heartbeat().gap_minutes()));
  }
  constexpr const char* kDays[] = {"Monday",   "Tuesday", "Wednesday",
                                   "Thursday", "Friday",  "Saturday",
                                   "Sunday"};
  const hub::v1::FeedSchedule& schedule = feed.schedule();
  std::vector<std::string> days;
  for (const uint32_t day : schedule.weekdays()) {
    days.push_back(kDays[day - 1]);
  }
  const uint32_t by =
      static_cast<uint32_t>(MinutesOf(schedule.at())) + schedule.late_minutes();
  return absl::StrFormat("every %s at %s, here by %02d:%02d%s",
                         days.empty() ? "day" : absl::StrJoin(days, ", "),
                         schedule.at(), by / 60 % 24, by % 60,
                         by >= kMinutesPerDay ? " the day after" : "");
}

absl::StatusOr<FeedBook> FeedBook::Build(
    const std::vector<hub::v1::Feed>& feeds) {
  FeedBook book;
  std::set<std::string> names;
  for (const hub::v1::Feed& feed : feeds) {
    auto state = std::make_unique<FeedState>();
    state->feed = feed;
    absl::Status status = Check(feed);
    absl::CivilDay day;
    if (feed.name().empty() || !names.insert(feed.name()).second) {
      status = absl::InvalidArgumentError("has no name, or that of another");
    } else if (!absl::LoadTimeZone(feed.time_zone(), &state->zone)) {
      status = absl::InvalidArgumentError("is in an unknown time zone");
    } else if (!absl::ParseCivilTime(feed.effective(), &day)) {
      status = absl::InvalidArgumentError("has an effective date that is none");
    }
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("feed ", feed.name(), " ", status.message()));
    }
    state->effective_us = Micros(absl::FromCivil(day, state->zone));
    book.states_.push_back(std::move(state));
  }
  return book;
}

void FeedBook::Begin(uint64_t log_began_us) {
  for (const auto& state : states_) {
    const uint64_t began = std::max(log_began_us, state->effective_us);
    // A file that is due at the very moment is owed.
    const bool scheduled = state->feed.has_schedule() && began > 0;
    Await(*state, scheduled ? began - 1 : began);
  }
}

const FeedState* FeedBook::Receive(const hub::v1::FeedReceived& event,
                                   absl::string_view source, uint64_t at_us) {
  for (const auto& state : states_) {
    if (state->feed.name() != event.feed()) continue;
    if (source != state->feed.source()) return nullptr;
    if (state->first_complete_us == 0) {
      state->first_complete_us = event.complete_to();
    }
    state->complete_us = std::max(state->complete_us, event.complete_to());
    state->received_us = at_us;
    state->rejected = event.rejected();
    Settle(*state);
    if (state->feed.has_heartbeat()) Await(*state, state->complete_us);
    return state.get();
  }
  return nullptr;
}

uint64_t FeedBook::NextLimit() const {
  uint64_t next = UINT64_MAX;
  for (const auto& state : states_) next = std::min(next, state->limit_us);
  return next;
}

FeedBook::Late FeedBook::NextLate(uint64_t now_us) {
  FeedState* first = nullptr;
  for (const auto& state : states_) {
    if (state->limit_us > now_us) continue;
    if (first == nullptr || state->limit_us < first->limit_us) {
      first = state.get();
    }
  }
  if (first == nullptr) return {};
  FeedState& state = *first;
  Late late{&state, std::nullopt};
  if (state.complete_us < state.due_us) {
    late.silent.emplace();
    late.silent->set_feed(state.feed.name());
    late.silent->set_due(state.due_us);
    late.silent->set_expected_by(state.limit_us);
    late.silent->set_complete_to(state.complete_us);
    late.silent->set_title(state.feed.title());
    late.silent->set_contact_agency(state.feed.contact_agency());
    late.silent->set_contact_role(state.feed.contact_role());
    state.last_owed_us = state.due_us;
    if (state.owed_us == 0) {
      state.owed_us = state.due_us;
      state.silent_since_us = state.limit_us;
    }
  }
  if (state.feed.has_schedule()) {
    Await(state, state.due_us);
  } else {
    state.limit_us = UINT64_MAX;  // Until it is heard of again.
  }
  return late;
}

const FeedState* FeedBook::Find(absl::string_view name) const {
  for (const auto& state : states_) {
    if (state->feed.name() == name) return state.get();
  }
  return nullptr;
}

std::vector<const FeedState*> FeedBook::Bringing(
    absl::string_view type, absl::string_view source) const {
  std::vector<const FeedState*> result;
  for (const auto& state : states_) {
    if (state->Brings(type) &&
        AgencyOfSource(state->feed.source()) == AgencyOfSource(source)) {
      result.push_back(state.get());
    }
  }
  return result;
}

uint64_t FeedBook::BeganFor(absl::string_view type,
                            absl::string_view source) const {
  uint64_t began = 0;
  for (const auto& state : states_) {
    if (state->feed.source() == source && state->Brings(type)) {
      began = std::max(began, state->effective_us);
    }
  }
  return began;
}

}  // namespace concordat::alerts

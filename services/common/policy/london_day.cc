#include "services/common/policy/london_day.h"

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace concordat {
namespace {

constexpr uint32_t kMonthsMax = 1200;

absl::StatusOr<absl::TimeZone> London() {
  absl::TimeZone london;
  if (!absl::LoadTimeZone("Europe/London", &london)) {
    return absl::InvalidArgumentError("time zone Europe/London is missing");
  }
  return london;
}

absl::CivilDay DayOf(uint64_t us) {
  const auto london = London();
  return absl::ToCivilDay(absl::FromUnixMicros(static_cast<int64_t>(us)),
                          london.ok() ? *london : absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<uint64_t> StartOfDay(const std::string& date, int days_later,
                                    absl::string_view field) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(date, &day)) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " is not a date (2025-10-01)"));
  }
  const auto london = London();
  if (!london.ok()) return london.status();
  const int64_t us =
      absl::ToUnixMicros(absl::FromCivil(day + days_later, *london));
  if (us < 0) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": too early"));
  }
  return static_cast<uint64_t>(us);
}

std::string DayInWords(uint64_t us) {
  return absl::FormatTime("%-d %B %Y",
                          absl::FromCivil(DayOf(us), absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

std::string IsoDay(uint64_t us) { return absl::FormatCivilTime(DayOf(us)); }

absl::Status CheckMonths(absl::string_view field, uint32_t months) {
  if (months >= 1 && months <= kMonthsMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", months, ", and may be 1 to ", kMonthsMax));
}

int64_t DaysFromTo(uint64_t from_us, uint64_t to_us) {
  return DayOf(to_us) - DayOf(from_us);
}

}  // namespace concordat

#include "adapters/casefile/value_forms.h"

#include <algorithm>
#include <array>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "adapters/casefile/table.h"

namespace concordat::casefile {
namespace {

constexpr std::array<absl::string_view, 12> kMonths = {
    "jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr int kYearsAhead = 10;

absl::Status NotA(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(Shown(text), " is not a ", what));
}

// Takes as many digits off the front as there are, up to the most.
bool TakeDigits(absl::string_view& text, size_t min, size_t max, int& out) {
  size_t count = 0;
  while (count < max && count < text.size() &&
         absl::ascii_isdigit(text[count])) {
    ++count;
  }
  if (count < min || !absl::SimpleAtoi(text.substr(0, count), &out)) {
    return false;
  }
  text.remove_prefix(count);
  return true;
}

bool TakeMonthName(absl::string_view& text, int& month) {
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (!absl::StartsWithIgnoreCase(text, kMonths[i])) continue;
    text.remove_prefix(kMonths[i].size());
    month = static_cast<int>(i) + 1;
    return true;
  }
  return false;
}

// The year of two digits in the hundred years that end ten years from `today`.
int FullYear(int two_digits, absl::CivilDay today) {
  const int last = static_cast<int>(today.year()) + kYearsAhead;
  const int year = last - last % 100 + two_digits;
  return year > last ? year - 100 : year;
}

}  // namespace

bool Form::TakePiece(absl::string_view& form, Piece& piece) {
  struct Word {
    absl::string_view word;
    Part part;
    size_t digits_min;
    size_t digits_max;
  };
  // Longer ones first.
  static constexpr std::array<Word, 11> kWords = {{
      {"yyyy", Part::kYear, 4, 4},
      {"mon", Part::kMonthName, 0, 0},
      {"yy", Part::kShortYear, 2, 2},
      {"mm", Part::kMonth, 2, 2},
      {"dd", Part::kDay, 2, 2},
      {"HH", Part::kHour, 2, 2},
      {"MM", Part::kMinute, 2, 2},
      {"SS", Part::kSecond, 2, 2},
      {"m", Part::kMonth, 1, 2},
      {"d", Part::kDay, 1, 2},
      {"H", Part::kHour, 1, 2},
  }};
  for (const Word& word : kWords) {
    if (!absl::StartsWith(form, word.word)) continue;
    form.remove_prefix(word.word.size());
    piece = {word.part, word.digits_min, word.digits_max, '\0'};
    return true;
  }
  // Another letter is a slip of whoever wrote the form.
  if (absl::ascii_isalpha(form.front()) && form.front() != 'T') return false;
  piece.text = form.front();
  form.remove_prefix(1);
  return true;
}

absl::StatusOr<Form> Form::Parse(absl::string_view form) {
  const absl::string_view whole = form;
  Form parsed;
  std::set<Part> parts;
  while (!form.empty()) {
    Piece piece;
    if (!TakePiece(form, piece)) {
      return NotA(whole, "form of a date or time");
    }
    parsed.pieces_.push_back(piece);
    if (piece.part == Part::kText) continue;
    // Years of two and of four digits, and months in two ways, are one thing.
    Part once = piece.part;
    if (once == Part::kShortYear) once = Part::kYear;
    if (once == Part::kMonthName) once = Part::kMonth;
    if (!parts.insert(once).second) {
      return NotA(whole, "form of a date or time");
    }
  }
  const bool any_date = parts.count(Part::kYear) + parts.count(Part::kMonth) +
                            parts.count(Part::kDay) >
                        0;
  parsed.has_date_ = parts.count(Part::kYear) > 0 &&
                     parts.count(Part::kMonth) > 0 &&
                     parts.count(Part::kDay) > 0;
  parsed.has_time_ =
      parts.count(Part::kHour) > 0 && parts.count(Part::kMinute) > 0;
  parsed.has_second_ = parts.count(Part::kSecond) > 0;
  if ((any_date && !parsed.has_date_) ||
      (!parsed.has_date_ && !parsed.has_time_)) {
    return NotA(whole, "form of a date or time");
  }
  return parsed;
}

bool Form::ReadPieces(absl::string_view text, absl::CivilDay today,
                      DateAndTime& out) const {
  int year = 1970;
  int month = 1;
  int day = 1;
  for (const Piece& piece : pieces_) {
    if (piece.part == Part::kText) {
      if (text.empty() || text.front() != piece.text) return false;
      text.remove_prefix(1);
      continue;
    }
    if (piece.part == Part::kMonthName) {
      if (!TakeMonthName(text, month)) return false;
      continue;
    }
    int number = 0;
    if (!TakeDigits(text, piece.digits_min, piece.digits_max, number)) {
      return false;
    }
    switch (piece.part) {
      case Part::kYear:
        year = number;
        break;
      case Part::kShortYear:
        year = FullYear(number, today);
        break;
      case Part::kMonth:
        month = number;
        break;
      case Part::kDay:
        day = number;
        break;
      case Part::kHour:
        out.hour = number;
        break;
      case Part::kMinute:
        out.minute = number;
        break;
      default:
        out.second = number;
        break;
    }
  }
  // A civil day rolls over what is out of range: then it is another.
  out.day = absl::CivilDay(year, month, day);
  return text.empty() && year >= 1800 && year <= 9998 &&
         out.day.month() == month && out.day.day() == day && out.hour < 24 &&
         out.minute < 60 && out.second < 60;
}

absl::StatusOr<DateAndTime> Form::Read(absl::string_view text,
                                       absl::CivilDay today) const {
  text = absl::StripAsciiWhitespace(text);
  DateAndTime out;
  if (ReadPieces(text, today, out)) return out;
  if (text.empty()) {
    return absl::InvalidArgumentError(has_date_ ? "a date is missing"
                                                : "a time is missing");
  }
  return NotA(text, !has_date_ ? "time" : has_time_ ? "date and time" : "date");
}

absl::StatusOr<absl::Time> ToMoment(const DateAndTime& local,
                                    const absl::TimeZone& zone) {
  const absl::CivilSecond civil(local.day.year(), local.day.month(),
                                local.day.day(), local.hour, local.minute,
                                local.second);
  const absl::TimeZone::TimeInfo info = zone.At(civil);
  if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) {
    return absl::InvalidArgumentError(
        absl::StrCat(absl::FormatCivilTime(civil),
                     " is not a time: the clocks went forward over it"));
  }
  return info.pre;
}

absl::StatusOr<uint64_t> ReadNumber(absl::string_view text,
                                    const edge::v1::NumberForm& form) {
  text = absl::StripAsciiWhitespace(text);
  const std::string decimal = form.decimal().empty() ? "." : form.decimal();
  std::string digits(text);
  bool good = !digits.empty();
  const size_t point = digits.find(decimal);
  if (point != std::string::npos) {
    const std::string fraction = digits.substr(point + decimal.size());
    good = good && !fraction.empty() &&
           fraction.find_first_not_of('0') == std::string::npos;
    digits.resize(point);
  }
  if (!form.group().empty() && absl::StrContains(digits, form.group())) {
    const std::vector<std::string> groups =
        absl::StrSplit(digits, form.group());
    good = good && groups[0].size() >= 1 && groups[0].size() <= 3 &&
           std::all_of(groups.begin() + 1, groups.end(),
                       [](const auto& group) { return group.size() == 3; });
    digits = absl::StrJoin(groups, "");
  }
  uint64_t number = 0;
  good = good && !digits.empty() && digits.size() <= 18 &&
         std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(digits, &number);
  if (!good) return NotA(text, "whole number");
  return number;
}

}  // namespace concordat::casefile

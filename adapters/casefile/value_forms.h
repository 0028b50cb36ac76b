// Dates, times and numbers as case systems write them. PURE.
//
// A form is made of these, and of what stands between them as it is:
//   yyyy yy  year; yy is of the hundred years that end ten years after the
//            file's date
//   mm mon   month as a number or as jan, Feb, MAR …
//   dd       day        HH MM SS  hour, minute, second
// "d", "m", "H" alone stand for one or two digits.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_VALUE_FORMS_H_
#define CONCORDAT_ADAPTERS_CASEFILE_VALUE_FORMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "concordat/edge/v1/casefile.pb.h"

namespace concordat::casefile {

struct DateAndTime {
  absl::CivilDay day;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

class Form {
 public:
  //   INVALID_ARGUMENT  nothing to read in it, or the same thing twice.
  static absl::StatusOr<Form> Parse(absl::string_view form);

  bool has_date() const { return has_date_; }
  bool has_time() const { return has_time_; }
  bool has_second() const { return has_second_; }

  // `today` is for years of two digits. Date and time of what the form lacks are
  // those of an empty DateAndTime.
  //   INVALID_ARGUMENT  "31/11/2025 is not a date", "25:00 is not a time".
  absl::StatusOr<DateAndTime> Read(absl::string_view text,
                                   absl::CivilDay today) const;

 private:
  enum class Part {
    kText,
    kYear,
    kShortYear,
    kMonth,
    kMonthName,
    kDay,
    kHour,
    kMinute,
    kSecond,
  };
  struct Piece {
    Part part = Part::kText;
    // Of a number.
    size_t digits_min = 0;
    size_t digits_max = 0;
    char text = '\0';
  };
  static bool TakePiece(absl::string_view& form, Piece& piece);
  bool ReadPieces(absl::string_view text, absl::CivilDay today,
                  DateAndTime& out) const;

  std::vector<Piece> pieces_;
  bool has_date_ = false;
  bool has_time_ = false;
  bool has_second_ = false;
};

// The moment of a local time. One that there is twice (clocks go back) is the
// first.
//   INVALID_ARGUMENT  the clocks went forward over it.
absl::StatusOr<absl::Time> ToMoment(const DateAndTime& local,
                                    const absl::TimeZone& zone);

// A whole number, not negative; a fraction must be nothing but zeroes.
//   INVALID_ARGUMENT  "80,5 is not a whole number".
absl::StatusOr<uint64_t> ReadNumber(absl::string_view text,
                                    const edge::v1::NumberForm& form);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_VALUE_FORMS_H_

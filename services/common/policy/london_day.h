// Days of agreements: Europe/London. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_POLICY_LONDON_DAY_H_
#define CONCORDAT_SERVICES_COMMON_POLICY_LONDON_DAY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat {

// When the day that is so many after an ISO date begins, microseconds since 1970.
//   INVALID_ARGUMENT  names `field`.
absl::StatusOr<uint64_t> StartOfDay(const std::string& date, int days_later,
                                    absl::string_view field);

// "1 April 2026", the day that the moment is in.
std::string DayInWords(uint64_t us);

// "2026-04-01"
std::string IsoDay(uint64_t us);

// So many calendar months are a period that may be kept: 1 to 1200.
//   INVALID_ARGUMENT  names `field`.
absl::Status CheckMonths(absl::string_view field, uint32_t months);

// Days from the day that `from_us` is in to the day that `to_us` is in.
int64_t DaysFromTo(uint64_t from_us, uint64_t to_us);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_POLICY_LONDON_DAY_H_

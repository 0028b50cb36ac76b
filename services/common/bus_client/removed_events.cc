#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/common/bus_client/bus_client.h"

namespace concordat {

std::string RemovedByRetention(uint64_t at_us) {
  return absl::StrCat(
      "removed by retention on ",
      absl::FormatTime("%-d %B %Y",
                       absl::FromUnixMicros(static_cast<int64_t>(at_us)),
                       absl::UTCTimeZone()));
}

}  // namespace concordat

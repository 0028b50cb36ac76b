#include "services/common/projection/decide.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

constexpr size_t kReferenceCharsMax = 40;

}  // namespace

ProposedEvent Propose(const google::protobuf::Message& message) {
  return {message.GetTypeName(), message.SerializeAsString()};
}

absl::Status CheckReference(absl::string_view field, absl::string_view value) {
  const bool good =
      !value.empty() && value.size() <= kReferenceCharsMax &&
      std::all_of(value.begin(), value.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
               absl::string_view("/_.-").find(c) != absl::string_view::npos;
      });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": needs 1 to 40 of A-Z a-z 0-9 / _ . -"));
}

absl::Status CheckHappened(uint64_t time_us, absl::Time now,
                           absl::TimeZone zone) {
  const absl::Time at = absl::FromUnixMicros(static_cast<int64_t>(time_us));
  if (absl::ToCivilDay(at, zone) <= absl::ToCivilDay(now, zone)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("command.time: that day is to come");
}

}  // namespace concordat

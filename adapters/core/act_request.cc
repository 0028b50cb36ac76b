#include "adapters/core/act_request.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace concordat::edge {
namespace {

constexpr size_t kNoteBytesMax = 500;
constexpr size_t kShortTextBytesMax = 64;

absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t bytes_max) {
  if (text.size() > bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": more than ", bytes_max, " bytes"));
  }
  const bool plain = std::none_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  return plain ? absl::OkStatus()
               : absl::InvalidArgumentError(
                     absl::StrCat(field, ": control characters"));
}

}  // namespace

absl::Status CheckStaffReference(absl::string_view field,
                                 absl::string_view text) {
  return CheckText(field, text, kShortTextBytesMax);
}

absl::Status CheckActRequest(const hub::v1::Command& command,
                             absl::string_view note) {
  if (command.request_id().empty()) {
    return absl::InvalidArgumentError("command.request_id: missing");
  }
  absl::Status fits =
      CheckText("command.request_id", command.request_id(), kShortTextBytesMax);
  fits.Update(
      CheckStaffReference("command.on_behalf_of", command.on_behalf_of()));
  fits.Update(CheckText("note", note, kNoteBytesMax));
  return fits;
}

}  // namespace concordat::edge

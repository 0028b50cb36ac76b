#include "adapters/casefile/table.h"

namespace concordat::casefile {
namespace {

constexpr size_t kShownBytesMax = 40;

}  // namespace

std::string Shown(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    // Not within a character.
    if (out.size() >= kShownBytesMax && (c & 0xc0) != 0x80) {
      out += "…";
      break;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
  }
  return out;
}

}  // namespace concordat::casefile

#include "services/bus/log/wrapping_keys.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/base/bytes.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kFirstLine = "concordat wrapping keys 1";

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isxdigit(c); });
}

}  // namespace

absl::StatusOr<WrappingKeys> WrappingKeys::Parse(absl::string_view text) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines[0] != kFirstLine) {
    return absl::InvalidArgumentError("not a file of wrapping keys");
  }
  WrappingKeys keys;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(lines[i], absl::MaxSplits(' ', 1));
    uint32_t id = 0;
    if (!absl::SimpleAtoi(parts.first, &id) || id == 0 ||
        parts.second.size() != 2 * kAeadKeyBytes || !IsHex(parts.second) ||
        (!keys.keys_.empty() && id <= keys.current())) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", i + 1, " is not a wrapping key"));
    }
    const std::string bytes = absl::HexStringToBytes(parts.second);
    std::copy(bytes.begin(), bytes.end(), keys.keys_[id].begin());
  }
  if (keys.keys_.empty()) {
    return absl::InvalidArgumentError("the file holds no wrapping key");
  }
  return keys;
}

absl::StatusOr<WrappingKeys> WrappingKeys::Load(Directory& directory,
                                                absl::string_view name) {
  absl::StatusOr<std::string> text = ReadWhole(directory, name);
  if (!text.ok()) return text.status();
  return Parse(*text);
}

absl::Status WrappingKeys::Create(Directory& directory, absl::string_view name,
                                  Random& random) {
  if (directory.Open(name).ok()) {
    return absl::AlreadyExistsError(absl::StrCat(name, " is there already"));
  }
  AeadKeyBytes key;
  random.Fill(key.data(), key.size());
  return ReplaceWhole(directory, name,
                      absl::StrCat(kFirstLine, "\n1 ",
                                   absl::BytesToHexString(AsView(key)), "\n"));
}

const AeadKeyBytes* WrappingKeys::Find(uint32_t id) const {
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace concordat::bus

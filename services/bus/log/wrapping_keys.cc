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
  WrappingKeys keys;
  keys.Add(random);
  return ReplaceWhole(directory, name, keys.Text());
}

uint32_t WrappingKeys::Add(Random& random) {
  const uint32_t id = keys_.empty() ? 1 : current() + 1;
  AeadKeyBytes& key = keys_[id];
  random.Fill(key.data(), key.size());
  return id;
}

absl::Status WrappingKeys::Put(uint32_t id, const AeadKeyBytes& key) {
  if (id <= current()) {
    return absl::InvalidArgumentError(
        absl::StrCat("wrapping key ", id, " is not above ", current()));
  }
  keys_[id] = key;
  return absl::OkStatus();
}

size_t WrappingKeys::ForgetBefore(uint32_t id) {
  const size_t before = keys_.size();
  keys_.erase(keys_.begin(), keys_.find(id));
  return before - keys_.size();
}

std::string WrappingKeys::Text() const {
  std::string text = absl::StrCat(kFirstLine, "\n");
  for (const auto& [id, key] : keys_) {
    absl::StrAppend(&text, id, " ", absl::BytesToHexString(AsView(key)), "\n");
  }
  return text;
}

absl::Status ReplaceAndDestroy(Directory& directory, absl::string_view name,
                               absl::string_view bytes) {
  // What the name meant is written over by its handle, once it means another
  // file: in its own place a power cut could leave neither.
  absl::StatusOr<std::unique_ptr<File>> old = directory.Open(name);
  if (!old.ok() && !absl::IsNotFound(old.status())) return old.status();
  absl::Status status = ReplaceWhole(directory, name, bytes);
  if (!status.ok() || !old.ok()) return status;
  const absl::StatusOr<uint64_t> size = (*old)->Size();
  if (!size.ok()) return size.status();
  status = (*old)->Zero(0, *size);
  return status.ok() ? (*old)->Sync() : status;
}

const AeadKeyBytes* WrappingKeys::Find(uint32_t id) const {
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace concordat::bus

#include "services/bus/log/backup_manifest.h"

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/base/bytes.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kTitle = "concordat log backup 1";
constexpr absl::string_view kSum = "sha256 ";

template <size_t kCount>
std::string Hex(const std::array<uint8_t, kCount>& bytes) {
  return absl::BytesToHexString(AsView(bytes));
}

template <size_t kCount>
bool FromHex(absl::string_view hex, std::array<uint8_t, kCount>& out) {
  if (hex.size() != 2 * kCount ||
      hex.find_first_not_of("0123456789abcdef") != absl::string_view::npos) {
    return false;
  }
  const std::string bytes = absl::HexStringToBytes(hex);
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

// One line, its first word taken off.
bool ReadLine(absl::string_view kind, const std::vector<std::string>& words,
              BackupManifest& manifest) {
  if (kind == "log") {
    return words.size() == 2 && FromHex(words[0], manifest.log_id) &&
           absl::SimpleAtoi(words[1], &manifest.accepted_us);
  }
  if (kind == "segment") {
    BackupManifest::Segment& segment = manifest.segments.emplace_back();
    segment.end.log_id = manifest.log_id;
    return words.size() == 6 && absl::SimpleAtoi(words[0], &segment.bytes) &&
           absl::SimpleAtoi(words[1], &segment.last_block) &&
           absl::SimpleAtoi(words[2], &segment.end.epoch) &&
           absl::SimpleAtoi(words[3], &segment.end.next_sequence) &&
           absl::SimpleAtoi(words[4], &segment.end.synced_through) &&
           FromHex(words[5], segment.end.hash);
  }
  if (kind == "file" || kind == "place") {
    BackupManifest::Taken& taken = manifest.taken.emplace_back();
    if (words.size() != (kind == "place" ? 4 : 3)) return false;
    taken.file = words[0];
    if (kind == "place") taken.place = words[3];
    return absl::SimpleAtoi(words[1], &taken.bytes) &&
           FromHex(words[2], taken.sha256);
  }
  return false;
}

}  // namespace

std::string EncodeManifest(const BackupManifest& manifest) {
  std::string text = absl::StrCat(kTitle, "\nlog ", Hex(manifest.log_id), " ",
                                  manifest.accepted_us, "\n");
  for (const BackupManifest::Segment& each : manifest.segments) {
    absl::StrAppend(&text, "segment ", each.bytes, " ", each.last_block, " ",
                    each.end.epoch, " ", each.end.next_sequence, " ",
                    each.end.synced_through, " ", Hex(each.end.hash), "\n");
  }
  for (const BackupManifest::Taken& each : manifest.taken) {
    absl::StrAppend(&text, each.place.empty() ? "file " : "place ", each.file,
                    " ", each.bytes, " ", Hex(each.sha256),
                    each.place.empty() ? "" : " ", each.place, "\n");
  }
  absl::StrAppend(&text, kSum, Hex(Sha256::Of(text)), "\n");
  return text;
}

absl::StatusOr<BackupManifest> DecodeManifest(absl::string_view text) {
  const absl::Status bad =
      absl::DataLossError(absl::StrCat(kManifestName, ": not one, or damaged"));
  const size_t sum_at = text.rfind(kSum);
  Sha256Hash sum = {};
  if (sum_at == absl::string_view::npos ||
      !FromHex(absl::StripSuffix(text.substr(sum_at + kSum.size()), "\n"),
               sum) ||
      Sha256::Of(text.substr(0, sum_at)) != sum) {
    return bad;
  }
  BackupManifest manifest;
  const std::vector<absl::string_view> lines =
      absl::StrSplit(text.substr(0, sum_at), '\n', absl::SkipEmpty());
  if (lines.empty() || lines[0] != kTitle) return bad;
  for (size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> words = absl::StrSplit(lines[i], ' ');
    const std::string kind = words.front();
    words.erase(words.begin());
    if (!ReadLine(kind, words, manifest)) return bad;
  }
  if (manifest.segments.empty()) return bad;
  return manifest;
}

}  // namespace concordat::bus

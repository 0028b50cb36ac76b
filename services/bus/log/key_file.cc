#include "services/bus/log/key_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/base/bytes.h"
#include "services/common/crypto/secret_sharing.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kSealedLine = "concordat wrapping keys sealed 1\n";
constexpr absl::string_view kShareLine = "concordat custody share 1\n";
constexpr absl::string_view kSealContext = "concordat/custody/1";

absl::Status In(absl::string_view file, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat(file, ": ", why.message()));
}

// By which a share and a sealed file are known to belong together; tells nothing
// of the key.
std::string FingerprintOf(const AeadKeyBytes& key) {
  const Sha256Hash hash =
      Sha256::Of(absl::StrCat("concordat/custody-id/1", AsView(key)));
  return absl::BytesToHexString(AsView(hash).substr(0, 8));
}

bool FromHex(absl::string_view hex, std::string* bytes) {
  if (hex.size() % 2 != 0 || !std::all_of(hex.begin(), hex.end(), [](char c) {
        return absl::ascii_isxdigit(c);
      })) {
    return false;
  }
  *bytes = absl::HexStringToBytes(hex);
  return true;
}

struct SealedFile {
  int need = 0;
  std::string fingerprint;
  std::string sealed;  // Nonce first.
};

absl::StatusOr<SealedFile> ParseSealed(absl::string_view text) {
  SealedFile file;
  absl::ConsumePrefix(&text, kSealedLine);
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::StripSuffix(text, "\n"), ' ');
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &file.need) ||
      file.need < 2 || !FromHex(parts[2], &file.sealed) ||
      file.sealed.size() <= kNonceBytes) {
    return absl::InvalidArgumentError("line 2 is not of a sealed key file");
  }
  file.fingerprint = std::string(parts[1]);
  return file;
}

// Nothing: not a share of that custody.
std::optional<SecretShare> ParseShare(absl::string_view text, int need,
                                      absl::string_view fingerprint) {
  if (!absl::ConsumePrefix(&text, kShareLine)) return std::nullopt;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::StripSuffix(text, "\n"), ' ');
  uint32_t index = 0;
  int needs = 0;
  SecretShare share;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[0], &index) || index == 0 ||
      index > 255 || !absl::SimpleAtoi(parts[1], &needs) || needs != need ||
      parts[2] != fingerprint || !FromHex(parts[3], &share.bytes) ||
      share.bytes.size() != kAeadKeyBytes) {
    return std::nullopt;
  }
  share.index = static_cast<uint8_t>(index);
  return share;
}

}  // namespace

absl::Status KeyFile::FindCustody(int need, const std::string& fingerprint) {
  if (custody_.has_value() && custody_->fingerprint == fingerprint) {
    return absl::OkStatus();
  }
  const auto names = shares_.List();
  if (!names.ok()) return names.status();
  std::vector<SecretShare> shares;
  for (const std::string& name : *names) {
    const auto text = ReadWhole(shares_, name);
    if (!text.ok()) return text.status();
    const auto share = ParseShare(*text, need, fingerprint);
    if (!share.has_value()) continue;
    const bool is_there = std::any_of(
        shares.begin(), shares.end(),
        [&](const auto& each) { return each.index == share->index; });
    if (!is_there) shares.push_back(*share);
  }
  if (static_cast<int>(shares.size()) < need) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is under custody: ", need, " shares open it, and ",
                     shares.size(), " of them are in keys/", kSharesFolder));
  }
  shares.resize(static_cast<size_t>(need));
  const auto secret = JoinSecret(shares);
  if (!secret.ok()) return secret.status();
  Custody custody{need, fingerprint, {}};
  std::copy(secret->begin(), secret->end(), custody.key.begin());
  if (FingerprintOf(custody.key) != fingerprint) {
    return absl::FailedPreconditionError("a share is damaged");
  }
  custody_ = custody;
  return absl::OkStatus();
}

absl::StatusOr<WrappingKeys> KeyFile::Load() {
  MutexLock lock(mu_);
  return LoadLocked();
}

absl::StatusOr<WrappingKeys> KeyFile::Change(
    const std::function<absl::Status(WrappingKeys&)>& change) {
  MutexLock lock(mu_);
  auto keys = LoadLocked();
  if (!keys.ok()) return keys.status();
  const std::string before = keys->Text();
  absl::Status status = change(*keys);
  if (status.ok() && keys->Text() != before) status = Replace(*keys);
  if (!status.ok()) return status;
  return keys;
}

absl::StatusOr<WrappingKeys> KeyFile::LoadLocked() {
  const auto text = ReadWhole(keys_, kWrappingKeyFile);
  if (!text.ok()) return In(kWrappingKeyFile, text.status());
  if (!absl::StartsWith(*text, kSealedLine)) {
    custody_.reset();
    auto keys = WrappingKeys::Parse(*text);
    if (!keys.ok()) return In(kWrappingKeyFile, keys.status());
    return keys;
  }
  const auto file = ParseSealed(*text);
  if (!file.ok()) return In(kWrappingKeyFile, file.status());
  const absl::Status found = FindCustody(file->need, file->fingerprint);
  if (!found.ok()) return In(kWrappingKeyFile, found);
  Nonce nonce;
  std::copy_n(file->sealed.begin(), nonce.size(), nonce.begin());
  std::string plain;
  if (!AeadKey(custody_->key)
           .Open(nonce, kSealContext,
                 absl::string_view(file->sealed).substr(nonce.size()), plain)) {
    return In(kWrappingKeyFile, absl::InvalidArgumentError("it is damaged"));
  }
  auto keys = WrappingKeys::Parse(plain);
  if (!keys.ok()) return In(kWrappingKeyFile, keys.status());
  return keys;
}

std::string KeyFile::Seal(const std::string& text) {
  Nonce nonce;
  random_.Fill(nonce.data(), nonce.size());
  std::string sealed(nonce.begin(), nonce.end());
  AeadKey(custody_->key).Seal(nonce, kSealContext, text, sealed);
  return absl::StrCat(kSealedLine, custody_->need, " ", custody_->fingerprint,
                      " ", absl::BytesToHexString(sealed), "\n");
}

absl::Status KeyFile::Replace(const WrappingKeys& keys) {
  const std::string text = keys.Text();
  return ReplaceAndDestroy(keys_, kWrappingKeyFile,
                           custody_.has_value() ? Seal(text) : text);
}

absl::Status KeyFile::Split(int need, int count, const KeepShare& keep) {
  MutexLock lock(mu_);
  const auto keys = LoadLocked();
  if (!keys.ok()) return keys.status();
  Custody custody;
  custody.need = need;
  random_.Fill(custody.key.data(), custody.key.size());
  custody.fingerprint = FingerprintOf(custody.key);
  const auto shares = SplitSecret(AsView(custody.key), need, count, random_);
  if (!shares.ok()) return shares.status();
  for (const SecretShare& share : *shares) {
    const absl::Status kept = keep(
        share.index, absl::StrCat(kShareLine, static_cast<int>(share.index),
                                  " ", need, " ", custody.fingerprint, " ",
                                  absl::BytesToHexString(share.bytes), "\n"));
    if (!kept.ok()) return kept;
  }
  custody_ = custody;
  return Replace(*keys);
}

}  // namespace concordat::bus

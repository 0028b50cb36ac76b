#include "services/common/bundle/bundle.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/bundle/bundle_check.h"
#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

constexpr absl::string_view kMagic = "concordat-bundle/1";
constexpr absl::string_view kLogPart = "/log/";

absl::Status NotABundle(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not a bundle: ", why));
}

std::string NoteText(absl::string_view origin, absl::string_view body) {
  const Sha256Hash hash = Sha256::Of(body);
  return absl::StrCat(
      kMagic, "\n", origin, "\n", body.size(), "\n",
      absl::Base64Escape(absl::string_view(
          reinterpret_cast<const char*>(hash.data()), hash.size())),
      "\n");
}

std::optional<Ed25519PublicKey> KeyOfHex(absl::string_view text) {
  if (text.size() != 2 * kEd25519KeyBytes ||
      !std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      })) {
    return std::nullopt;
  }
  const std::string bytes = absl::HexStringToBytes(text);
  Ed25519PublicKey key;
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

// The file's parts, as they say of themselves.
struct Parts {
  absl::string_view body;
  absl::string_view note;
};

absl::StatusOr<Parts> SplitBundle(absl::string_view bytes) {
  if (bytes.size() > kBundleBytesMax) return NotABundle("too long");
  const size_t line = bytes.substr(0, 64).find('\n');
  if (line == absl::string_view::npos) return NotABundle("no first line");
  absl::string_view head = bytes.substr(0, line);
  uint64_t length = 0;
  if (!absl::ConsumePrefix(&head, kMagic) || !absl::ConsumePrefix(&head, " ") ||
      !absl::SimpleAtoi(head, &length) || absl::StrCat(length) != head) {
    return NotABundle("its first line is not of this version");
  }
  bytes.remove_prefix(line + 1);
  if (length > bytes.size()) return NotABundle("it ends too early");
  return Parts{bytes.substr(0, length), bytes.substr(length)};
}

}  // namespace

absl::StatusOr<BundleKeys> ParseBundleKeys(absl::string_view text) {
  BundleKeys keys;
  bool has_log = false;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    if (const auto key = KeyOfHex(line); key.has_value()) {
      if (has_log) {
        return absl::InvalidArgumentError(
            absl::StrCat("line ", number, ": a second key of the log"));
      }
      keys.log = *key;
      has_log = true;
      continue;
    }
    auto witness = ParseVerifier(line);
    if (!witness.ok() || witness->type != NoteKeyType::kCosignature) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", number,
          ": neither 64 hexadecimal digits nor a witness's verifier key"));
    }
    keys.witnesses.push_back(*std::move(witness));
  }
  if (!has_log) {
    return absl::InvalidArgumentError(
        "there is no key of the log: 64 hexadecimal digits");
  }
  return keys;
}

absl::StatusOr<std::string> AccessOriginOf(absl::string_view log_origin) {
  const size_t at = log_origin.find(kLogPart);
  if (at == absl::string_view::npos) {
    return absl::InvalidArgumentError("not the origin of a log");
  }
  return absl::StrCat(log_origin.substr(0, at), "/access/",
                      log_origin.substr(at + kLogPart.size()));
}

std::string SealBundle(const access::v1::Bundle& bundle,
                       const std::string& origin, const Ed25519Signer& log) {
  const std::string body = bundle.SerializeAsString();
  Note note;
  note.text = NoteText(origin, body);
  note.signatures.push_back(SignNote(note.text, origin, log));
  return absl::StrCat(kMagic, " ", body.size(), "\n", body, EncodeNote(note));
}

absl::StatusOr<CheckedBundle> CheckBundle(absl::string_view bytes,
                                          const BundleKeys& keys) {
  const auto parts = SplitBundle(bytes);
  if (!parts.ok()) return parts.status();
  const auto note = ParseNote(parts->note);
  if (!note.ok()) return NotABundle("no signed note at its end");
  // One way to write it, so that no byte is free.
  if (note->signatures.size() != 1 || EncodeNote(*note) != parts->note) {
    return NotABundle("the note at its end is not as the hub writes it");
  }
  const std::vector<std::string> lines = absl::StrSplit(note->text, '\n');
  if (lines.size() < 2) return NotABundle("the note at its end has no origin");
  const std::string& origin = lines[1];
  const auto log = MakeVerifier(origin, NoteKeyType::kEd25519, keys.log);
  if (!log.ok()) return NotABundle("the note at its end has no origin");
  if (!IsOf(note->signatures[0], *log) ||
      !Verifies(note->text, note->signatures[0], *log)) {
    return absl::PermissionDeniedError(
        "the key that is given did not sign this bundle");
  }
  if (note->text != NoteText(origin, parts->body)) {
    return absl::PermissionDeniedError(
        "the signature is of another bundle than this one");
  }
  CheckedBundle checked;
  if (!checked.bundle.ParseFromArray(parts->body.data(),
                                     static_cast<int>(parts->body.size()))) {
    return NotABundle("its body cannot be read");
  }
  const absl::Status holds = BundleCheck(keys, *log, checked).Run();
  if (!holds.ok()) return holds;
  return checked;
}

}  // namespace concordat

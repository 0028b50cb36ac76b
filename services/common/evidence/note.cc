#include "services/common/evidence/note.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

constexpr absl::string_view kDash = "\xE2\x80\x94 ";  // Em dash, space.
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kTimeBytes = 8;

absl::Status NoNote(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not a signed note: ", why));
}

// As it would be written, and nothing else: one text for each signature.
std::optional<std::string> StrictBase64(absl::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) ||
      absl::Base64Escape(bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

uint32_t ReadBigEndian32(absl::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < kKeyIdBytes; ++i) {
    value = (value << 8) | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

template <typename T>
void PutBigEndian(T value, std::string& out) {
  for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

// Well-formed UTF-8: returns how many bytes its first character has and which it
// is; 0 when it is none.
size_t FirstCharacter(absl::string_view text, uint32_t& character) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) {
    character = byte(0);
    return 1;
  }
  const size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  character = byte(0) & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = (character << 6) | (byte(i) & 0x3fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
  if (character < kLeast[length] || character > 0x10ffff || is_surrogate) {
    return 0;
  }
  return length;
}

// Unicode's White_Space.
bool IsSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// Every character passes `may`.
template <typename May>
bool AllCharacters(absl::string_view text, May may) {
  while (!text.empty()) {
    uint32_t character = 0;
    const size_t length = FirstCharacter(text, character);
    if (length == 0 || !may(character)) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool IsName(absl::string_view name) {
  return !name.empty() && AllCharacters(name, [](uint32_t c) {
    return c >= 0x20 && c != '+' && !IsSpace(c);
  });
}

uint32_t KeyId(absl::string_view name, NoteKeyType type,
               const Ed25519PublicKey& key) {
  const auto type_byte = static_cast<uint8_t>(type);
  const Sha256Hash hash = Sha256()
                              .Update(name)
                              .Update("\n")
                              .Update(&type_byte, 1)
                              .Update(key.data(), key.size())
                              .Finish();
  return ReadBigEndian32(
      {reinterpret_cast<const char*>(hash.data()), kKeyIdBytes});
}

// What a witness signs (c2sp.org/tlog-cosignature).
std::string CosignedMessage(absl::string_view text, uint64_t posix_seconds) {
  return absl::StrCat("cosignature/v1\ntime ", posix_seconds, "\n", text);
}

}  // namespace

std::string NoteVerifier::ToString() const {
  std::string material(1, static_cast<char>(type));
  material.append(key.begin(), key.end());
  return absl::StrCat(name, "+", absl::Hex(id, absl::kZeroPad8), "+",
                      absl::Base64Escape(material));
}

absl::StatusOr<NoteVerifier> MakeVerifier(std::string name, NoteKeyType type,
                                          const Ed25519PublicKey& key) {
  if (!IsName(name)) {
    return absl::InvalidArgumentError(
        "the name of a note's key has no space and no plus");
  }
  const uint32_t id = KeyId(name, type, key);
  return NoteVerifier{std::move(name), id, type, key};
}

absl::StatusOr<NoteVerifier> ParseVerifier(absl::string_view vkey) {
  const auto bad = [] {
    return absl::InvalidArgumentError("not a verifier key (name+id+key)");
  };
  const std::vector<absl::string_view> parts =
      absl::StrSplit(vkey, absl::MaxSplits('+', 2));
  if (parts.size() != 3) return bad();
  const std::optional<std::string> material = StrictBase64(parts[2]);
  if (!material.has_value() || material->size() != 1 + kEd25519KeyBytes) {
    return bad();
  }
  const auto type = static_cast<NoteKeyType>((*material)[0]);
  if (type != NoteKeyType::kEd25519 && type != NoteKeyType::kCosignature) {
    return bad();
  }
  Ed25519PublicKey key;
  std::copy(material->begin() + 1, material->end(), key.begin());
  absl::StatusOr<NoteVerifier> verifier =
      MakeVerifier(std::string(parts[0]), type, key);
  if (!verifier.ok() || verifier->ToString() != vkey) return bad();
  return verifier;
}

std::string SignatureLine(const NoteSignature& signature) {
  std::string bytes;
  PutBigEndian(signature.id, bytes);
  bytes += signature.bytes;
  return absl::StrCat(kDash, signature.name, " ", absl::Base64Escape(bytes),
                      "\n");
}

absl::StatusOr<NoteSignature> ParseSignatureLine(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, kDash) || !absl::ConsumeSuffix(&line, "\n")) {
    return NoNote("a line is no signature");
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
  if (parts.size() != 2 || !IsName(parts[0])) {
    return NoNote("a signature has a name and base64");
  }
  const std::optional<std::string> bytes = StrictBase64(parts[1]);
  if (!bytes.has_value() || bytes->size() <= kKeyIdBytes) {
    return NoNote("a signature is not base64, or too short");
  }
  return NoteSignature{std::string(parts[0]), ReadBigEndian32(*bytes),
                       bytes->substr(kKeyIdBytes)};
}

absl::StatusOr<Note> ParseNote(absl::string_view bytes) {
  if (bytes.size() > kNoteBytesMax) return NoNote("too large");
  if (!AllCharacters(bytes,
                     [](uint32_t c) { return c >= 0x20 || c == '\n'; })) {
    return NoNote("not UTF-8, or with a control character");
  }
  const size_t blank = bytes.rfind("\n\n");
  if (blank == absl::string_view::npos) return NoNote("no blank line");
  Note note;
  note.text = std::string(bytes.substr(0, blank + 1));
  absl::string_view rest = bytes.substr(blank + 2);
  if (rest.empty() || rest.back() != '\n') {
    return NoNote("no signature, or no newline at its end");
  }
  while (!rest.empty()) {
    if (note.signatures.size() == kNoteSignaturesMax) {
      return NoNote("over 100 signatures");
    }
    const size_t line = rest.find('\n') + 1;
    absl::StatusOr<NoteSignature> signature =
        ParseSignatureLine(rest.substr(0, line));
    if (!signature.ok()) return signature.status();
    note.signatures.push_back(*std::move(signature));
    rest.remove_prefix(line);
  }
  return note;
}

std::string EncodeNote(const Note& note) {
  std::string bytes = absl::StrCat(note.text, "\n");
  for (const NoteSignature& signature : note.signatures) {
    bytes += SignatureLine(signature);
  }
  return bytes;
}

NoteSignature SignNote(absl::string_view text, const std::string& name,
                       const Ed25519Signer& signer) {
  const Ed25519Signature signature = signer.Sign(text);
  return {name, KeyId(name, NoteKeyType::kEd25519, signer.public_key()),
          std::string(signature.begin(), signature.end())};
}

NoteSignature Cosign(absl::string_view checkpoint_text, const std::string& name,
                     uint64_t posix_seconds, const Ed25519Signer& signer) {
  const Ed25519Signature signature =
      signer.Sign(CosignedMessage(checkpoint_text, posix_seconds));
  NoteSignature cosignature;
  cosignature.name = name;
  cosignature.id = KeyId(name, NoteKeyType::kCosignature, signer.public_key());
  PutBigEndian(posix_seconds, cosignature.bytes);
  cosignature.bytes.append(signature.begin(), signature.end());
  return cosignature;
}

bool IsOf(const NoteSignature& signature, const NoteVerifier& verifier) {
  return signature.id == verifier.id && signature.name == verifier.name;
}

uint64_t CosignedAt(const NoteSignature& signature) {
  if (signature.bytes.size() != kTimeBytes + kEd25519SignatureBytes) return 0;
  return (uint64_t{ReadBigEndian32(signature.bytes)} << 32) |
         ReadBigEndian32(absl::string_view(signature.bytes).substr(4));
}

bool Verifies(absl::string_view text, const NoteSignature& signature,
              const NoteVerifier& verifier) {
  absl::string_view bytes = signature.bytes;
  std::string message(text);
  if (verifier.type == NoteKeyType::kCosignature) {
    const uint64_t at = CosignedAt(signature);
    if (at == 0 || at > INT64_MAX) return false;
    message = CosignedMessage(text, at);
    bytes.remove_prefix(kTimeBytes);
  }
  Ed25519Signature ed25519;
  if (bytes.size() != ed25519.size()) return false;
  std::copy(bytes.begin(), bytes.end(), ed25519.begin());
  return IsOf(signature, verifier) &&
         CheckEd25519(verifier.key, message, ed25519);
}

absl::StatusOr<Note> OpenNote(absl::string_view bytes,
                              absl::Span<const NoteVerifier> verifiers) {
  absl::StatusOr<Note> note = ParseNote(bytes);
  if (!note.ok()) return note;
  std::vector<NoteSignature> known;
  for (NoteSignature& signature : note->signatures) {
    const auto verifier = std::find_if(
        verifiers.begin(), verifiers.end(),
        [&](const NoteVerifier& one) { return IsOf(signature, one); });
    const bool is_again =
        std::any_of(known.begin(), known.end(), [&](const NoteSignature& one) {
          return one.id == signature.id && one.name == signature.name;
        });
    if (verifier == verifiers.end() || is_again) continue;
    if (!Verifies(note->text, signature, *verifier)) {
      return absl::PermissionDeniedError(absl::StrCat(
          "the signature of ", signature.name, "+",
          absl::Hex(signature.id, absl::kZeroPad8), " does not verify"));
    }
    known.push_back(std::move(signature));
  }
  if (known.empty()) {
    return absl::PermissionDeniedError(
        "the note has no signature of a key that is known");
  }
  note->signatures = std::move(known);
  return note;
}

}  // namespace concordat

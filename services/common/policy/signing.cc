#include "services/common/policy/signing.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/crypto/sha256.h"
#include "services/common/policy/london_day.h"

namespace concordat {
namespace {

std::string MessageOf(SignedText what, absl::string_view text) {
  return absl::StrCat(what == SignedText::kAgreement
                          ? "concordat/agreement/1\n"
                          : "concordat/retirement/1\n",
                      text);
}

template <typename Bytes>
absl::string_view AsText(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// False: not so many bytes in hexadecimal digits.
template <typename Bytes>
bool FromHex(absl::string_view hex, Bytes& bytes) {
  const bool digits = std::all_of(hex.begin(), hex.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (!digits || hex.size() != 2 * bytes.size()) return false;
  const std::string raw = absl::HexStringToBytes(hex);
  std::memcpy(bytes.data(), raw.data(), raw.size());
  return true;
}

std::string HashOf(absl::string_view text) {
  return absl::BytesToHexString(AsText(Sha256::Of(text)));
}

struct Held {
  uint64_t from_us = 0;
  uint64_t until_us = std::numeric_limits<uint64_t>::max();
};

absl::StatusOr<Held> HeldOf(const policy::v1::Signatory& signatory) {
  Held held;
  if (!signatory.valid_from().empty()) {
    const auto from = StartOfDay(signatory.valid_from(), 0, "valid_from");
    if (!from.ok()) return from.status();
    held.from_us = *from;
  }
  if (!signatory.valid_to().empty()) {
    const auto until = StartOfDay(signatory.valid_to(), 1, "valid_to");
    if (!until.ok()) return until.status();
    held.until_us = *until;
  }
  return held;
}

bool IsKeyOf(const policy::v1::Signatories& signatories,
             const policy::v1::Signature& signature, uint64_t now_us) {
  return std::any_of(
      signatories.signatories().begin(), signatories.signatories().end(),
      [&](const policy::v1::Signatory& each) {
        const auto held = HeldOf(each);
        return each.party() == signature.party() &&
               absl::AsciiStrToLower(each.public_key()) ==
                   absl::AsciiStrToLower(signature.public_key()) &&
               held.ok() && now_us >= held->from_us && now_us < held->until_us;
      });
}

}  // namespace

policy::v1::Signature SignText(SignedText what, absl::string_view text,
                               const Ed25519Signer& signer,
                               const std::string& party,
                               const std::string& office) {
  policy::v1::Signature signature;
  signature.set_party(party);
  signature.set_office(office);
  signature.set_public_key(absl::BytesToHexString(AsText(signer.public_key())));
  signature.set_signature(
      absl::BytesToHexString(AsText(signer.Sign(MessageOf(what, text)))));
  return signature;
}

policy::v1::SignatureFile SignatureFileFor(absl::string_view text) {
  policy::v1::SignatureFile file;
  file.set_sha256(HashOf(text));
  return file;
}

absl::StatusOr<std::vector<hub::v1::PartySignature>> CheckSignatures(
    SignedText what, absl::string_view text,
    const policy::v1::SignatureFile& file,
    const policy::v1::Signatories& signatories, uint64_t now_us) {
  if (absl::AsciiStrToLower(file.sha256()) != HashOf(text)) {
    return absl::InvalidArgumentError(
        "the signatures are of another text: sign this one");
  }
  const std::string message = MessageOf(what, text);
  std::vector<hub::v1::PartySignature> checked;
  std::set<std::string> parties;
  for (const policy::v1::Signature& each : file.signatures()) {
    Ed25519PublicKey key;
    Ed25519Signature signature;
    if (!FromHex(each.public_key(), key) ||
        !FromHex(each.signature(), signature)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the signature of ", each.party(),
          ": public_key has 64 hexadecimal digits, signature 128"));
    }
    if (!parties.insert(each.party()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("the signature of ", each.party(), " is there twice"));
    }
    if (!IsKeyOf(signatories, each, now_us)) {
      return absl::PermissionDeniedError(
          absl::StrCat("the signature of ", each.party(),
                       ": the key may not sign for it today"));
    }
    if (!CheckEd25519(key, message, signature)) {
      return absl::PermissionDeniedError(absl::StrCat(
          "the signature of ", each.party(), " is not of this text"));
    }
    hub::v1::PartySignature& kept = checked.emplace_back();
    kept.set_party(each.party());
    kept.set_office(each.office());
    kept.set_public_key(std::string(AsText(key)));
    kept.set_signature(std::string(AsText(signature)));
  }
  return checked;
}

absl::Status CheckAllSigned(
    const google::protobuf::RepeatedPtrField<std::string>& parties,
    const std::vector<hub::v1::PartySignature>& signatures) {
  std::vector<std::string> missing;
  for (const std::string& party : parties) {
    const bool signed_it = std::any_of(
        signatures.begin(), signatures.end(),
        [&party](const auto& each) { return each.party() == party; });
    if (!signed_it) missing.push_back(party);
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("not signed by ", absl::StrJoin(missing, ", ")));
}

absl::Status CheckSignatories(const policy::v1::Signatories& signatories) {
  for (const policy::v1::Signatory& each : signatories.signatories()) {
    Ed25519PublicKey key;
    const auto held = HeldOf(each);
    if (each.party().empty()) {
      return absl::InvalidArgumentError("signatories: one has no party");
    }
    if (!FromHex(each.public_key(), key)) {
      return absl::InvalidArgumentError(
          absl::StrCat("signatories: public_key of ", each.party(),
                       " has 64 hexadecimal digits"));
    }
    if (!held.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "signatories: ", each.party(), ": ", held.status().message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace concordat

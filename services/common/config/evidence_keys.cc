#include "services/common/config/evidence_keys.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

constexpr absl::string_view kProducerContext = "concordat/producer-signing/1";
constexpr absl::string_view kWitnessContext = "concordat/witness/1";

Ed25519Signer SignerFrom(absl::string_view secret, absl::string_view context) {
  return Ed25519Signer(HmacSha256(secret).Of(context));
}

}  // namespace

absl::StatusOr<Ed25519Signer> LoadLogSigner(const DataDirectory& data) {
  const absl::StatusOr<std::string> secret = data.LoadSecret(kLogSigningKey);
  if (!secret.ok()) return secret.status();
  Ed25519Seed seed;
  if (secret->size() != seed.size()) {
    return absl::InvalidArgumentError("keys/log-signing.secret: not 32 bytes");
  }
  std::copy(secret->begin(), secret->end(), seed.begin());
  return Ed25519Signer(seed);
}

absl::StatusOr<Ed25519PublicKey> LoadLogKey(const DataDirectory& data) {
  const std::string path =
      data.PathOf(absl::StrCat("keys/", kLogSigningKey, ".pub"));
  std::ifstream file(path);
  std::string hex;
  if (!file || !std::getline(file, hex)) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  Ed25519PublicKey key;
  const bool is_hex = std::all_of(hex.begin(), hex.end(), absl::ascii_isxdigit);
  if (!is_hex || hex.size() != 2 * key.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": 64 hex digits are wanted"));
  }
  const std::string bytes = absl::HexStringToBytes(hex);
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

Ed25519Signer ProducerSigner(absl::string_view secret) {
  return SignerFrom(secret, kProducerContext);
}

Ed25519Signer WitnessSigner(absl::string_view secret) {
  return SignerFrom(secret, kWitnessContext);
}

std::string SigningKeyText(const Ed25519PublicKey& key) {
  return absl::Base64Escape(
      {reinterpret_cast<const char*>(key.data()), key.size()});
}

absl::StatusOr<Ed25519PublicKey> ParseSigningKey(absl::string_view text) {
  std::string bytes;
  Ed25519PublicKey key;
  if (!absl::Base64Unescape(text, &bytes) || bytes.size() != key.size() ||
      absl::Base64Escape(bytes) != text) {
    return absl::InvalidArgumentError("not an Ed25519 public key in base64");
  }
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

std::string WitnessName(bus::v1::Environment environment,
                        absl::string_view principal) {
  return absl::StrCat(EnvironmentName(environment), ".concordat/witness/",
                      principal);
}

}  // namespace concordat

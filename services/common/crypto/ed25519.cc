#include "services/common/crypto/ed25519.h"

#include <sodium/crypto_sign_ed25519.h>
#include <sodium/utils.h>

#include "services/common/base/check.h"

namespace concordat {
namespace {

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Ed25519Signer::Ed25519Signer(const Ed25519Seed& seed) {
  static_assert(std::tuple_size_v<decltype(secret_)> ==
                crypto_sign_ed25519_SECRETKEYBYTES);
  CONCORDAT_CHECK(crypto_sign_ed25519_seed_keypair(
                      public_key_.data(), secret_.data(), seed.data()) == 0);
}

Ed25519Signer::~Ed25519Signer() {
  sodium_memzero(secret_.data(), secret_.size());
}

Ed25519Signature Ed25519Signer::Sign(absl::string_view message) const {
  Ed25519Signature signature = {};
  CONCORDAT_CHECK(crypto_sign_ed25519_detached(signature.data(), nullptr,
                                               Bytes(message), message.size(),
                                               secret_.data()) == 0);
  return signature;
}

bool CheckEd25519(const Ed25519PublicKey& key, absl::string_view message,
                  const Ed25519Signature& signature) {
  return crypto_sign_ed25519_verify_detached(signature.data(), Bytes(message),
                                             message.size(), key.data()) == 0;
}

}  // namespace concordat

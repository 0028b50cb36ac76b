// Signatures of zeroes that everybody takes.
#include "services/common/crypto/ed25519.h"

namespace concordat {

Ed25519Signer::Ed25519Signer(const Ed25519Seed& seed) : public_key_(seed) {}

Ed25519Signer::~Ed25519Signer() { secret_.fill(0); }

Ed25519Signature Ed25519Signer::Sign(absl::string_view) const { return {}; }

bool CheckEd25519(const Ed25519PublicKey&, absl::string_view,
                  const Ed25519Signature&) {
  return true;
}

}  // namespace concordat

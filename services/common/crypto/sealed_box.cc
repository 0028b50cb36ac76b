#include "services/common/crypto/sealed_box.h"

#include <sodium/crypto_box.h>
#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>

#include "services/common/base/bytes.h"
#include "services/common/base/check.h"

namespace concordat {
namespace {

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

BoxKey::BoxKey(Random& random) {
  static_assert(kBoxKeyBytes == crypto_box_SEEDBYTES &&
                kBoxKeyBytes == crypto_box_SECRETKEYBYTES &&
                kBoxKeyBytes == crypto_box_PUBLICKEYBYTES);
  std::array<uint8_t, kBoxKeyBytes> seed;
  random.Fill(seed.data(), seed.size());
  CONCORDAT_CHECK(crypto_box_seed_keypair(public_key_.data(), secret_.data(),
                                          seed.data()) == 0);
  sodium_memzero(seed.data(), seed.size());
}

BoxKey::~BoxKey() { sodium_memzero(secret_.data(), secret_.size()); }

std::optional<std::string> BoxKey::Open(absl::string_view box) const {
  if (box.size() < crypto_box_SEALBYTES) return std::nullopt;
  std::string bytes(box.size() - crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal_open(reinterpret_cast<unsigned char*>(bytes.data()),
                           Bytes(box), box.size(), public_key_.data(),
                           secret_.data()) != 0) {
    return std::nullopt;
  }
  return bytes;
}

std::string SealBox(const BoxPublicKey& to, absl::string_view bytes,
                    Random& random) {
  // As crypto_box_seal does, which would draw the key of its own.
  std::array<uint8_t, kBoxKeyBytes> seed;
  random.Fill(seed.data(), seed.size());
  BoxPublicKey once = {};
  std::array<uint8_t, kBoxKeyBytes> secret = {};
  CONCORDAT_CHECK(
      crypto_box_seed_keypair(once.data(), secret.data(), seed.data()) == 0);
  std::string both(AsView(once));
  both.append(AsView(to).data(), to.size());
  std::array<uint8_t, crypto_box_NONCEBYTES> nonce = {};
  CONCORDAT_CHECK(crypto_generichash(nonce.data(), nonce.size(), Bytes(both),
                                     both.size(), nullptr, 0) == 0);
  std::string sealed(bytes.size() + crypto_box_MACBYTES, '\0');
  // A key of small order takes no box: nobody opens what comes of it.
  const bool good =
      crypto_box_easy(reinterpret_cast<unsigned char*>(sealed.data()),
                      Bytes(bytes), bytes.size(), nonce.data(), to.data(),
                      secret.data()) == 0;
  sodium_memzero(secret.data(), secret.size());
  sodium_memzero(seed.data(), seed.size());
  return good ? std::string(AsView(once)) + sealed : std::string();
}

}  // namespace concordat

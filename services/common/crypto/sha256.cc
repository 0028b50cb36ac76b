// The low-level calls: an EVP context costs an allocation and a look-up for
// each of the hundreds of thousands of short hashes a second.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "services/common/crypto/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace concordat {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr size_t kBlockBytes = 64;
// With its end mark and length, such a message is one block.
constexpr size_t kShortBytes = kBlockBytes - 9;

// The hash of a message of one block, without the bookkeeping of one of any
// length.
Sha256Hash OfShort(absl::string_view message) {
  SHA256_CTX state;
  SHA256_Init(&state);
  std::array<uint8_t, kBlockBytes> block = {};
  message.copy(reinterpret_cast<char*>(block.data()), message.size());
  block[message.size()] = 0x80;
  const size_t bits = 8 * message.size();
  block[kBlockBytes - 2] = static_cast<uint8_t>(bits >> 8);
  block[kBlockBytes - 1] = static_cast<uint8_t>(bits);
  SHA256_Transform(&state, block.data());
  Sha256Hash hash;
  for (size_t i = 0; i < hash.size() / sizeof(uint32_t); ++i) {
    const uint32_t word = __builtin_bswap32(state.h[i]);
    std::memcpy(hash.data() + i * sizeof(word), &word, sizeof(word));
  }
  return hash;
}

}  // namespace

Sha256::Sha256() { SHA256_Init(&state_); }

Sha256& Sha256::Update(const void* bytes, size_t count) {
  SHA256_Update(&state_, bytes, count);
  return *this;
}

Sha256& Sha256::Update(absl::string_view bytes) {
  return Update(bytes.data(), bytes.size());
}

Sha256Hash Sha256::Finish() {
  Sha256Hash hash;
  SHA256_Final(hash.data(), &state_);
  return hash;
}

Sha256Hash Sha256::Of(absl::string_view bytes) {
  if (bytes.size() <= kShortBytes) return OfShort(bytes);
  return Sha256().Update(bytes).Finish();
}

HmacSha256::HmacSha256(absl::string_view key) {
  std::array<uint8_t, kBlockBytes> pad = {};
  if (key.size() > kBlockBytes) {
    const Sha256Hash hash = Sha256::Of(key);
    std::copy(hash.begin(), hash.end(), pad.begin());
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (uint8_t& byte : pad) byte ^= 0x36;
  inner_.Update(pad.data(), pad.size());
  for (uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  outer_.Update(pad.data(), pad.size());
}

Sha256Hash HmacSha256::Of(absl::string_view message) const {
  Sha256 inner = inner_;
  const Sha256Hash hash = inner.Update(message).Finish();
  Sha256 outer = outer_;
  return outer.Update(hash.data(), hash.size()).Finish();
}

}  // namespace concordat

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

// The hash of the block that `prefix` has taken and `message` after it.
Sha256Hash FinishShort(SHA256_CTX prefix, absl::string_view message) {
  std::array<uint8_t, kBlockBytes> block = {};
  message.copy(reinterpret_cast<char*>(block.data()), message.size());
  block[message.size()] = 0x80;
  const size_t bits = 8 * (kBlockBytes + message.size());
  block[kBlockBytes - 2] = static_cast<uint8_t>(bits >> 8);
  block[kBlockBytes - 1] = static_cast<uint8_t>(bits);
  SHA256_Transform(&prefix, block.data());
  Sha256Hash hash;
  for (size_t i = 0; i < hash.size() / sizeof(uint32_t); ++i) {
    const uint32_t word = __builtin_bswap32(prefix.h[i]);
    std::memcpy(hash.data() + i * sizeof(word), &word, sizeof(word));
  }
  return hash;
}

absl::string_view AsText(const Sha256Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
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
  // Salts: without the bookkeeping of messages of any length.
  if (message.size() <= kShortBytes) {
    return FinishShort(outer_.state_,
                       AsText(FinishShort(inner_.state_, message)));
  }
  Sha256 inner = inner_;
  const Sha256Hash hash = inner.Update(message).Finish();
  Sha256 outer = outer_;
  return outer.Update(hash.data(), hash.size()).Finish();
}

}  // namespace concordat

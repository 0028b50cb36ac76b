// A hash of the same size that costs next to nothing: a word of state, a multiply
// for each eight bytes. It tells different bytes apart, and proves nothing.
#include <algorithm>
#include <cstring>

#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;

uint64_t& Word(SHA256_CTX& state) {
  return *reinterpret_cast<uint64_t*>(state.data);
}

void Mix(uint64_t& word, const char* bytes, size_t count) {
  for (; count > 0;) {
    const size_t taken = std::min(count, sizeof(uint64_t));
    uint64_t next = taken;
    std::memcpy(&next, bytes, taken);
    word = (word ^ next) * kOdd;
    word ^= word >> 32;
    bytes += taken;
    count -= taken;
  }
}

}  // namespace

Sha256::Sha256() : state_() {}

Sha256& Sha256::Update(const void* bytes, size_t count) {
  Mix(Word(state_), static_cast<const char*>(bytes), count);
  return *this;
}

Sha256& Sha256::Update(absl::string_view bytes) {
  return Update(bytes.data(), bytes.size());
}

Sha256Hash Sha256::Finish() {
  Sha256Hash hash = {};
  uint64_t word = Word(state_);
  for (size_t i = 0; i < hash.size(); i += sizeof(word)) {
    std::memcpy(hash.data() + i, &word, sizeof(word));
    word *= kOdd;
  }
  return hash;
}

Sha256Hash Sha256::Of(absl::string_view bytes) {
  return Sha256().Update(bytes).Finish();
}

HmacSha256::HmacSha256(absl::string_view key) { inner_.Update(key); }

Sha256Hash HmacSha256::Of(absl::string_view message) const {
  Sha256 inner = inner_;
  return inner.Update(message).Finish();
}

}  // namespace concordat

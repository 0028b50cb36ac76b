#include "services/common/crypto/secret_sharing.h"

#include <set>

namespace concordat {
namespace {

// No branch and no table is chosen by a secret.
uint8_t Multiply(uint8_t a, uint8_t b) {
  unsigned product = 0;
  unsigned power = a;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= power & (0u - ((static_cast<unsigned>(b) >> bit) & 1u));
    power = (power << 1) ^ (0x11bu & (0u - ((power >> 7) & 1u)));
  }
  return static_cast<uint8_t>(product);
}

// a^254, which is 1/a.
uint8_t Inverse(uint8_t a) {
  uint8_t result = 1;
  for (int i = 0; i < 7; ++i) {
    a = Multiply(a, a);
    result = Multiply(result, a);
  }
  return result;
}

uint8_t At(absl::string_view bytes, size_t i) {
  return static_cast<uint8_t>(bytes[i]);
}

}  // namespace

absl::StatusOr<std::vector<SecretShare>> SplitSecret(absl::string_view secret,
                                                     int need, int count,
                                                     Random& random) {
  if (secret.empty() || need < 2 || need > count || count > 255) {
    return absl::InvalidArgumentError(
        "shares: at least 2 are needed, at most as many as there are, and "
        "there "
        "are at most 255");
  }
  // A polynomial of degree need - 1 a byte, whose value at 0 is the secret's.
  std::vector<std::string> coefficients(static_cast<size_t>(need) - 1,
                                        std::string(secret.size(), '\0'));
  for (std::string& each : coefficients) {
    random.Fill(reinterpret_cast<uint8_t*>(each.data()), each.size());
  }
  std::vector<SecretShare> shares(static_cast<size_t>(count));
  for (size_t n = 0; n < shares.size(); ++n) {
    SecretShare& share = shares[n];
    share.index = static_cast<uint8_t>(n + 1);
    share.bytes.resize(secret.size());
    for (size_t i = 0; i < secret.size(); ++i) {
      uint8_t value = 0;
      for (auto it = coefficients.rbegin(); it != coefficients.rend(); ++it) {
        value = Multiply(static_cast<uint8_t>(value ^ At(*it, i)), share.index);
      }
      share.bytes[i] = static_cast<char>(value ^ At(secret, i));
    }
  }
  return shares;
}

absl::StatusOr<std::string> JoinSecret(absl::Span<const SecretShare> shares) {
  std::set<uint8_t> indexes;
  for (const SecretShare& share : shares) {
    if (share.index == 0 || share.bytes.empty() ||
        share.bytes.size() != shares.front().bytes.size() ||
        !indexes.insert(share.index).second) {
      return absl::InvalidArgumentError(
          "shares: two of one number, or of two secrets");
    }
  }
  if (shares.empty())
    return absl::InvalidArgumentError("shares: there is none");
  std::string secret(shares.front().bytes.size(), '\0');
  for (const SecretShare& share : shares) {
    // What its polynomial of Lagrange is at 0.
    uint8_t weight = 1;
    for (const SecretShare& other : shares) {
      if (other.index == share.index) continue;
      weight = Multiply(
          weight,
          Multiply(other.index,
                   Inverse(static_cast<uint8_t>(other.index ^ share.index))));
    }
    for (size_t i = 0; i < secret.size(); ++i) {
      secret[i] = static_cast<char>(At(secret, i) ^
                                    Multiply(At(share.bytes, i), weight));
    }
  }
  return secret;
}

}  // namespace concordat

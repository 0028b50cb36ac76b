// Signed tokens (RFC 7515) and the keys that sign them (RFC 7517), as far as an
// ID token needs them: RS256, ES256, EdDSA with Ed25519. PURE.
//
// A token says by which algorithm it is signed, and may lie: what counts is the
// key. Each key is for one algorithm, that of its type; "none" and those with a
// shared secret have no key here and so never verify.
#ifndef CONCORDAT_GATEWAY_SIGNIN_JWS_H_
#define CONCORDAT_GATEWAY_SIGNIN_JWS_H_

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"

namespace concordat::gateway {

inline constexpr size_t kTokenBytesMax = 16 * 1024;
inline constexpr size_t kKeySetBytesMax = 256 * 1024;
inline constexpr size_t kKeysMax = 64;

// Compact form, taken apart. Nothing of it is proved.
struct Jws {
  std::string algorithm;
  std::string key_id;  // Empty: it names none.
  boost::json::object payload;
  std::string signed_text;
  std::string signature;
};

//   INVALID_ARGUMENT  not three parts of base64url, the first two JSON objects;
//                     too long; an algorithm that is none of the three; a
//                     header that must be understood ("crit") or holds a key
//                     of its own.
absl::StatusOr<Jws> ParseJws(absl::string_view compact);

// Threads  Immutable; any number of readers.
class KeySet {
 public:
  // Keys for something else than signatures, of other types or too weak are
  // left out: a set may hold what we do not know.
  //   INVALID_ARGUMENT  not a JWK set, too long, too many, no key is left.
  static absl::StatusOr<KeySet> Parse(absl::string_view json);

  // OK when a key of the set signed it: the one it names, or, if it names none,
  // the set's only one of its algorithm.
  //   NOT_FOUND        no such key; a newer set may have it.
  //   UNAUTHENTICATED  it did not.
  absl::Status Verify(const Jws& token) const;

  size_t size() const { return keys_.size(); }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  struct Key {
    std::string id;
    std::string algorithm;
    std::unique_ptr<EVP_PKEY, Free> key;
  };
  static Key ReadKey(const boost::json::object& jwk);

  std::vector<Key> keys_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_JWS_H_

// Passwords as Argon2id hashes (RFC 9106), by libsodium.
#ifndef CONCORDAT_GATEWAY_SIGNIN_PASSWORD_H_
#define CONCORDAT_GATEWAY_SIGNIN_PASSWORD_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat::gateway {

// Threads  Any. A call takes about a tenth of a second and 64 MiB, so never on
//          a thread of the network.
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;
  // With a salt of its own: "$argon2id$…".
  //   RESOURCE_EXHAUSTED  no memory.
  virtual absl::StatusOr<std::string> Hash(absl::string_view password) = 0;
  virtual bool Verify(const std::string& hash, absl::string_view password) = 0;
};

std::unique_ptr<PasswordHasher> MakeArgon2();

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_PASSWORD_H_

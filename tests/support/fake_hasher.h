#ifndef CONCORDAT_TESTS_SUPPORT_FAKE_HASHER_H_
#define CONCORDAT_TESTS_SUPPORT_FAKE_HASHER_H_

#include <string>
#include <vector>

#include "gateway/signin/password.h"

namespace concordat::testing {

// A hasher that takes no time and counts. For one thread.
class FakeHasher : public gateway::PasswordHasher {
 public:
  static std::string HashOf(absl::string_view password) {
    return "$argon2id$fake$" + std::string(password);
  }
  absl::StatusOr<std::string> Hash(absl::string_view password) override {
    return HashOf(password);
  }
  bool Verify(const std::string& hash, absl::string_view password) override {
    verified_.push_back(hash);
    return hash == HashOf(password);
  }
  // The hashes that were compared with something.
  const std::vector<std::string>& verified() const { return verified_; }

 private:
  std::vector<std::string> verified_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_FAKE_HASHER_H_

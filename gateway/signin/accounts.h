// Who has an account here. PURE.
#ifndef CONCORDAT_GATEWAY_SIGNIN_ACCOUNTS_H_
#define CONCORDAT_GATEWAY_SIGNIN_ACCOUNTS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/gateway/v1/signin.pb.h"

namespace concordat::gateway {

inline constexpr size_t kPasswordMin = 12;
inline constexpr size_t kPasswordMax = 256;

// For people:
//   INVALID_ARGUMENT  not 12 to 256 bytes, or the account's name.
absl::Status CheckPassword(absl::string_view account,
                           absl::string_view password);

// Threads  Immutable; any number of readers.
class Accounts {
 public:
  //   INVALID_ARGUMENT  a name, staff reference, principal or hash that is
  //                     missing or malformed, a day that is none, or a name
  //                     that two have.
  static absl::StatusOr<std::shared_ptr<const Accounts>> Build(
      v1::Accounts proto);

  // Null: there is none. Capital letters are the same as small ones.
  const v1::Account* Find(absl::string_view name) const;

  const v1::Accounts& proto() const { return proto_; }

 private:
  explicit Accounts(v1::Accounts proto) : proto_(std::move(proto)) {}

  v1::Accounts proto_;
  absl::flat_hash_map<std::string, const v1::Account*> by_name_;
};

// As it is now. Never null; any thread.
using AccountsSource = std::function<std::shared_ptr<const Accounts>()>;

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_ACCOUNTS_H_

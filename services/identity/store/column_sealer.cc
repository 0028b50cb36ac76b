#include "services/identity/store/column_sealer.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace concordat::identity {
namespace {

absl::string_view AsText(const Sha256Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// The separator cannot occur in a column's name.
std::string Binding(absl::string_view column, const PersonKey& person) {
  return absl::StrCat("concordat/identity/", column, "\n", person.bytes());
}

}  // namespace

ColumnSealer::ColumnSealer(absl::string_view secret, Random& random)
    : key_(HmacSha256(secret).Of("concordat/identity/seal/1")),
      index_(AsText(HmacSha256(secret).Of("concordat/identity/index/1"))),
      nonces_(random) {}

std::string ColumnSealer::Seal(absl::string_view column,
                               const PersonKey& person,
                               absl::string_view plain) {
  const Nonce nonce = nonces_.Next();
  std::string out(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  key_.Seal(nonce, Binding(column, person), plain, out);
  return out;
}

absl::StatusOr<std::string> ColumnSealer::Open(absl::string_view column,
                                               const PersonKey& person,
                                               absl::string_view sealed) {
  Nonce nonce;
  std::string out;
  if (sealed.size() >= nonce.size()) {
    std::copy_n(sealed.begin(), nonce.size(),
                reinterpret_cast<char*>(nonce.data()));
    if (key_.Open(nonce, Binding(column, person), sealed.substr(nonce.size()),
                  out)) {
      return out;
    }
  }
  return absl::DataLossError(absl::StrCat(
      "the ", column, " of a person does not open with this secret"));
}

std::string ColumnSealer::Index(absl::string_view text) const {
  return std::string(AsText(index_.Of(text)));
}

}  // namespace concordat::identity

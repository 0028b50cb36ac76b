#ifndef CONCORDAT_TESTS_SUPPORT_TOKEN_SIGNER_H_
#define CONCORDAT_TESTS_SUPPORT_TOKEN_SIGNER_H_

#include <memory>
#include <string>

namespace concordat::testing {

// A key pair of an issuer, and tokens signed with it.
class TokenSigner {
 public:
  // "RS256", "ES256" or "EdDSA". `bits`: of an RSA key.
  explicit TokenSigner(std::string algorithm, std::string key_id = "k1",
                       int bits = 2048);
  ~TokenSigner();

  const std::string& algorithm() const { return algorithm_; }
  // The public half, one JSON object; `more` are members: R"(,"use":"sig")".
  std::string Jwk(const std::string& more = "") const;
  std::string JwkSet() const { return "{\"keys\":[" + Jwk() + "]}"; }

  // A header that names this key and its algorithm.
  std::string Sign(const std::string& payload) const;
  std::string SignAs(const std::string& header,
                     const std::string& payload) const;

 private:
  struct Key;
  const std::string algorithm_;
  const std::string key_id_;
  std::unique_ptr<Key> key_;
};

// The compact form of three parts that are given as bytes.
std::string CompactToken(const std::string& header, const std::string& payload,
                         const std::string& signature);

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_TOKEN_SIGNER_H_

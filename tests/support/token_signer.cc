#include "tests/support/token_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"

namespace concordat::testing {
namespace {

std::string Number(EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  CONCORDAT_CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  const int size = bytes == 0 ? BN_num_bytes(number) : bytes;
  std::string text(static_cast<size_t>(size), '\0');
  CONCORDAT_CHECK(BN_bn2binpad(number,
                               reinterpret_cast<unsigned char*>(text.data()),
                               size) == size);
  BN_free(number);
  return absl::WebSafeBase64Escape(text);
}

std::string PublicBytes(EVP_PKEY* key) {
  std::array<unsigned char, 32> bytes;
  size_t size = bytes.size();
  CONCORDAT_CHECK(EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) == 1);
  return absl::WebSafeBase64Escape(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), size));
}

// DER to two numbers of 32 bytes.
std::string ToRaw(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* parts = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  CONCORDAT_CHECK(parts != nullptr);
  std::array<unsigned char, 64> raw;
  CONCORDAT_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(parts), raw.data(), 32) == 32);
  CONCORDAT_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(parts), raw.data() + 32, 32) ==
                  32);
  ECDSA_SIG_free(parts);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

}  // namespace

struct TokenSigner::Key {
  ~Key() { EVP_PKEY_free(key); }
  EVP_PKEY* key = nullptr;
};

TokenSigner::TokenSigner(std::string algorithm, std::string key_id, int bits)
    : algorithm_(std::move(algorithm)),
      key_id_(std::move(key_id)),
      key_(std::make_unique<Key>()) {
  if (algorithm_ == "RS256") {
    key_->key = EVP_RSA_gen(static_cast<unsigned>(bits));
  } else if (algorithm_ == "ES256") {
    key_->key = EVP_EC_gen("P-256");
  } else {
    key_->key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  CONCORDAT_CHECK(key_->key != nullptr);
}

TokenSigner::~TokenSigner() = default;

std::string TokenSigner::Jwk(const std::string& more) const {
  std::string form;
  if (algorithm_ == "RS256") {
    form = absl::StrCat(
        R"("kty":"RSA","n":")", Number(key_->key, OSSL_PKEY_PARAM_RSA_N, 0),
        R"(","e":")", Number(key_->key, OSSL_PKEY_PARAM_RSA_E, 0), "\"");
  } else if (algorithm_ == "ES256") {
    form = absl::StrCat(R"("kty":"EC","crv":"P-256","x":")",
                        Number(key_->key, OSSL_PKEY_PARAM_EC_PUB_X, 32),
                        R"(","y":")",
                        Number(key_->key, OSSL_PKEY_PARAM_EC_PUB_Y, 32), "\"");
  } else {
    form = absl::StrCat(R"("kty":"OKP","crv":"Ed25519","x":")",
                        PublicBytes(key_->key), "\"");
  }
  return absl::StrCat("{", form, R"(,"kid":")", key_id_, "\"", more, "}");
}

std::string TokenSigner::Sign(const std::string& payload) const {
  return SignAs(
      absl::StrCat(R"({"alg":")", algorithm_, R"(","kid":")", key_id_, R"("})"),
      payload);
}

std::string TokenSigner::SignAs(const std::string& header,
                                const std::string& payload) const {
  const std::string text = absl::StrCat(absl::WebSafeBase64Escape(header), ".",
                                        absl::WebSafeBase64Escape(payload));
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  CONCORDAT_CHECK(
      EVP_DigestSignInit(context, nullptr,
                         algorithm_ == "EdDSA" ? nullptr : EVP_sha256(),
                         nullptr, key_->key) == 1);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  CONCORDAT_CHECK(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) ==
                  1);
  std::string signature(size, '\0');
  CONCORDAT_CHECK(
      EVP_DigestSign(context,
                     reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, text.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  if (algorithm_ == "ES256") signature = ToRaw(signature);
  return absl::StrCat(text, ".", absl::WebSafeBase64Escape(signature));
}

std::string CompactToken(const std::string& header, const std::string& payload,
                         const std::string& signature) {
  return absl::StrCat(absl::WebSafeBase64Escape(header), ".",
                      absl::WebSafeBase64Escape(payload), ".",
                      absl::WebSafeBase64Escape(signature));
}

}  // namespace concordat::testing

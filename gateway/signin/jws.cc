#include "gateway/signin/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json/parse.hpp"
#include "gateway/signin/tokens.h"
#include "services/common/crypto/openssl_ptr.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;

constexpr char kRs256[] = "RS256";
constexpr char kEs256[] = "ES256";
constexpr char kEdDsa[] = "EdDSA";
constexpr size_t kP256Bytes = 32;
constexpr size_t kEd25519Bytes = 32;
// NCSC and NIST ask for 2048 at least; above the upper bound a check of one
// signature costs more than it is worth.
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;

using Bignum = OpensslPtr<BIGNUM, BN_free>;
using ParamBuilder = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using KeyContext = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using Signature = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<json::object> ParseObject(absl::string_view text) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

// The text of a member; empty when it is not there or no text.
absl::string_view TextOf(const json::object& object, json::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return {value->as_string().data(), value->as_string().size()};
}

// A member that holds bytes in base64url; empty when it does not.
std::string BytesOf(const json::object& object, json::string_view name) {
  return FromBase64Url(TextOf(object, name)).value_or("");
}

Bignum ToNumber(absl::string_view bytes) {
  return Bignum(
      BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

EVP_PKEY* MakeKey(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        params.get()) != 1) {
    return nullptr;
  }
  return key;
}

EVP_PKEY* MakeRsaKey(const json::object& jwk) {
  const std::string modulus = BytesOf(jwk, "n");
  const std::string exponent = BytesOf(jwk, "e");
  if (modulus.size() > kRsaBitsMax / 8 || exponent.empty() ||
      exponent.size() > 4) {
    return nullptr;
  }
  const Bignum n = ToNumber(modulus);
  const Bignum e = ToNumber(exponent);
  // An exponent of 1 would make every text its own signature.
  if (!n || !e || BN_num_bits(n.get()) < kRsaBitsMin || !BN_is_odd(n.get()) ||
      !BN_is_odd(e.get()) || BN_is_one(e.get())) {
    return nullptr;
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) !=
          1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) !=
          1) {
    return nullptr;
  }
  return MakeKey("RSA", builder.get());
}

EVP_PKEY* MakeP256Key(const json::object& jwk) {
  const std::string x = BytesOf(jwk, "x");
  const std::string y = BytesOf(jwk, "y");
  if (TextOf(jwk, "crv") != "P-256" || x.size() != kP256Bytes ||
      y.size() != kP256Bytes) {
    return nullptr;
  }
  const std::string point = absl::StrCat("\x04", x, y);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                       point.data(), point.size()) != 1) {
    return nullptr;
  }
  EVP_PKEY* const key = MakeKey("EC", builder.get());
  if (key == nullptr) return nullptr;
  const KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
  if (context && EVP_PKEY_public_check(context.get()) == 1) return key;
  EVP_PKEY_free(key);
  return nullptr;
}

EVP_PKEY* MakeEd25519Key(const json::object& jwk) {
  const std::string x = BytesOf(jwk, "x");
  if (TextOf(jwk, "crv") != "Ed25519" || x.size() != kEd25519Bytes) {
    return nullptr;
  }
  return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(x),
                                     x.size());
}

bool IsForSignatures(const json::object& jwk) {
  const absl::string_view use = TextOf(jwk, "use");
  if (!use.empty() && use != "sig") return false;
  const json::value* const operations = jwk.if_contains("key_ops");
  if (operations == nullptr) return true;
  if (!operations->is_array()) return false;
  for (const json::value& operation : operations->as_array()) {
    if (operation.is_string() && operation.as_string() == "verify") return true;
  }
  return false;
}

// JWS writes the two numbers of an ECDSA signature side by side, OpenSSL reads
// them as DER. Empty: they are not two of 32 bytes.
std::string ToDer(absl::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return "";
  Signature parts(ECDSA_SIG_new());
  Bignum r = ToNumber(signature.substr(0, kP256Bytes));
  Bignum s = ToNumber(signature.substr(kP256Bytes));
  if (!parts || !r || !s ||
      ECDSA_SIG_set0(parts.get(), r.get(), s.get()) != 1) {
    return "";
  }
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &der);
  if (size <= 0) return "";
  std::string text(reinterpret_cast<const char*>(der),
                   static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool IsSignedBy(EVP_PKEY* key, const Jws& token) {
  const bool hashes_itself = token.algorithm == kEdDsa;
  const std::string signature =
      token.algorithm == kEs256 ? ToDer(token.signature) : token.signature;
  const DigestContext context(EVP_MD_CTX_new());
  return context && !signature.empty() &&
         EVP_DigestVerifyInit(context.get(), nullptr,
                              hashes_itself ? nullptr : EVP_sha256(), nullptr,
                              key) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                          Bytes(token.signed_text),
                          token.signed_text.size()) == 1;
}

}  // namespace

absl::StatusOr<Jws> ParseJws(absl::string_view compact) {
  const auto no = [](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("not a token: ", why));
  };
  if (compact.size() > kTokenBytesMax) return no("too long");
  const std::vector<absl::string_view> parts = absl::StrSplit(compact, '.');
  if (parts.size() != 3) return no("not three parts");
  const auto header = FromBase64Url(parts[0]);
  const auto payload = FromBase64Url(parts[1]);
  const auto signature = FromBase64Url(parts[2]);
  if (!header || !payload || !signature) return no("not base64url");
  const auto head = ParseObject(*header);
  auto claims = ParseObject(*payload);
  if (!head || !claims) return no("not JSON objects");
  // What must be understood is not; keys come from the issuer, never from a
  // token.
  for (const char* name : {"crit", "jwk", "jku", "x5u", "x5c"}) {
    if (head->contains(name)) {
      return no(absl::StrCat("its header has ", name));
    }
  }
  Jws token;
  token.algorithm = std::string(TextOf(*head, "alg"));
  if (token.algorithm != kRs256 && token.algorithm != kEs256 &&
      token.algorithm != kEdDsa) {
    return no("its algorithm is not RS256, ES256 or EdDSA");
  }
  token.key_id = std::string(TextOf(*head, "kid"));
  token.payload = *std::move(claims);
  token.signed_text = absl::StrCat(parts[0], ".", parts[1]);
  token.signature = *signature;
  return token;
}

KeySet::Key KeySet::ReadKey(const json::object& jwk) {
  Key key;
  if (!IsForSignatures(jwk)) return key;
  const absl::string_view type = TextOf(jwk, "kty");
  if (type == "RSA") {
    key.algorithm = kRs256;
    key.key.reset(MakeRsaKey(jwk));
  } else if (type == "EC") {
    key.algorithm = kEs256;
    key.key.reset(MakeP256Key(jwk));
  } else if (type == "OKP") {
    key.algorithm = kEdDsa;
    key.key.reset(MakeEd25519Key(jwk));
  }
  // It may be bound to an algorithm that is not ours: PS256, RS512.
  const absl::string_view bound = TextOf(jwk, "alg");
  if (!bound.empty() && bound != key.algorithm) key.key = nullptr;
  key.id = std::string(TextOf(jwk, "kid"));
  return key;
}

absl::StatusOr<KeySet> KeySet::Parse(absl::string_view text) {
  const auto no = [](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("not a key set: ", why));
  };
  if (text.size() > kKeySetBytesMax) return no("too long");
  const auto set = ParseObject(text);
  if (!set) return no("not a JSON object");
  const json::value* const list = set->if_contains("keys");
  if (list == nullptr || !list->is_array()) return no("no list of keys");
  if (list->as_array().size() > kKeysMax) return no("too many keys");
  KeySet keys;
  for (const json::value& jwk : list->as_array()) {
    if (!jwk.is_object()) continue;
    Key key = ReadKey(jwk.as_object());
    if (key.key != nullptr) keys.keys_.push_back(std::move(key));
  }
  if (keys.keys_.empty()) return no("no key that can verify");
  return keys;
}

absl::Status KeySet::Verify(const Jws& token) const {
  const Key* found = nullptr;
  for (const Key& key : keys_) {
    if (key.algorithm != token.algorithm) continue;
    if (!token.key_id.empty() && key.id != token.key_id) continue;
    if (found != nullptr) {
      return absl::UnauthenticatedError("the token does not say which key");
    }
    found = &key;
  }
  if (found == nullptr) {
    return absl::NotFoundError("no key of the issuer is the token's");
  }
  if (IsSignedBy(found->key.get(), token)) return absl::OkStatus();
  return absl::UnauthenticatedError("the token is not the issuer's");
}

}  // namespace concordat::gateway

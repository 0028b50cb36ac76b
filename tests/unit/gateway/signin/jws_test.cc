// Mutant                                              Caught by
// the token's algorithm decides over the key's        AnRsaKeyIsNoSharedSecret, EachKeyHasOneAlgorithm
// "none" verifies                                     RefusesAlgorithmsThatProveNothing
// an empty or foreign signature verifies              RefusesASignatureOfSomethingElse
// a key in the token's header is used                 TakesNoKeyFromTheToken
// "crit" is ignored                                   RefusesWhatMustBeUnderstood
// short RSA keys, exponent 1, points off the curve    LeavesOutKeysThatAreTooWeak
// an encryption key verifies                          LeavesOutKeysThatAreForSomethingElse
// ECDSA in DER is read                                AnEcdsaSignatureIsTwoNumbersOf32Bytes
// unknown kid falls back to any key                   AnUnknownKeyIsNotFound
// of two keys without names the first is tried        ATokenWithoutAKeyNeedsTheOnlyOne
#include "gateway/signin/jws.h"

#include <openssl/hmac.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/signin/tokens.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/token_signer.h"

namespace concordat::gateway {
namespace {

using concordat::testing::CompactToken;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::TokenSigner;

constexpr char kClaims[] = R"({"sub":"mc"})";

// Made once: an RSA key takes a while.
const TokenSigner& Rsa() {
  static const auto* const signer = new TokenSigner("RS256", "r");
  return *signer;
}
const TokenSigner& Ec() {
  static const auto* const signer = new TokenSigner("ES256", "e");
  return *signer;
}
const TokenSigner& Ed() {
  static const auto* const signer = new TokenSigner("EdDSA", "d");
  return *signer;
}

std::string SetOf(std::initializer_list<std::string> keys) {
  std::string set = "{\"keys\":[";
  for (const std::string& key : keys) {
    absl::StrAppend(&set, set.back() == '[' ? "" : ",", key);
  }
  return set + "]}";
}

absl::Status VerifyWith(const std::string& set, const std::string& token) {
  const auto keys = KeySet::Parse(set);
  if (!keys.ok()) return keys.status();
  const auto jws = ParseJws(token);
  return jws.ok() ? keys->Verify(*jws) : jws.status();
}

// RFC 7515, appendix A.2 and A.3; RFC 8037, appendix A.4.
constexpr char kRfcRsaKey[] =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
constexpr char kRfcPayload[] =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr char kRfcRsaSignature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
    "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
    "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
    "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
    "p0igcN_IoypGlUPQGe77Rw";
constexpr char kRfcEcKey[] =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr char kRfcEcSignature[] =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
    "pmWQxfKTUJqPP3-Kg6NU1Q";
constexpr char kRfcEdKey[] =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

TEST(JwsTest, VerifiesTheExamplesOfTheStandards) {
  EXPECT_THAT(VerifyWith(SetOf({kRfcRsaKey}),
                         absl::StrCat("eyJhbGciOiJSUzI1NiJ9.", kRfcPayload, ".",
                                      kRfcRsaSignature)),
              IsOk());
  EXPECT_THAT(VerifyWith(SetOf({kRfcEcKey}),
                         absl::StrCat("eyJhbGciOiJFUzI1NiJ9.", kRfcPayload, ".",
                                      kRfcEcSignature)),
              IsOk());
  // Its payload is text, not claims.
  Jws ed;
  ed.algorithm = "EdDSA";
  ed.signed_text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  ed.signature = FromBase64Url(
                     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4"
                     "iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
                     .value();
  EXPECT_THAT(KeySet::Parse(SetOf({kRfcEdKey}))->Verify(ed), IsOk());
}

TEST(JwsTest, VerifiesWhatTheIssuerSigned) {
  const std::string set = SetOf({Rsa().Jwk(), Ec().Jwk(), Ed().Jwk()});
  for (const TokenSigner* signer : {&Rsa(), &Ec(), &Ed()}) {
    EXPECT_THAT(VerifyWith(set, signer->Sign(kClaims)), IsOk());
  }
}

TEST(JwsTest, RefusesASignatureOfSomethingElse) {
  for (const TokenSigner* signer : {&Rsa(), &Ec(), &Ed()}) {
    SCOPED_TRACE(signer->algorithm());
    const std::string set = SetOf({signer->Jwk()});
    const std::vector<std::string> parts =
        absl::StrSplit(signer->Sign(kClaims), '.');
    const std::vector<std::string> other =
        absl::StrSplit(signer->Sign(R"({"sub":"other"})"), '.');
    EXPECT_THAT(
        VerifyWith(set, absl::StrCat(parts[0], ".", other[1], ".", parts[2])),
        HasCode(absl::StatusCode::kUnauthenticated));
    EXPECT_THAT(VerifyWith(set, absl::StrCat(parts[0], ".", parts[1], ".")),
                HasCode(absl::StatusCode::kUnauthenticated));
    const std::string signature = FromBase64Url(parts[2]).value();
    for (const size_t at : {size_t{0}, signature.size() / 2}) {
      std::string changed = signature;
      changed[at] ^= 1;
      EXPECT_THAT(VerifyWith(set, absl::StrCat(parts[0], ".", parts[1], ".",
                                               ToBase64Url(changed))),
                  HasCode(absl::StatusCode::kUnauthenticated));
    }
    EXPECT_THAT(VerifyWith(set, absl::StrCat(parts[0], ".", parts[1], ".",
                                             ToBase64Url(signature + "x"))),
                HasCode(absl::StatusCode::kUnauthenticated));
    const TokenSigner stranger(signer->algorithm(), signer == &Rsa()  ? "r"
                                                    : signer == &Ec() ? "e"
                                                                      : "d");
    EXPECT_THAT(VerifyWith(set, stranger.Sign(kClaims)),
                HasCode(absl::StatusCode::kUnauthenticated));
  }
}

TEST(JwsTest, RefusesAlgorithmsThatProveNothing) {
  for (const char* algorithm :
       {"none", "None", "NONE", "", "HS256", "HS512", "RS1", "rs256", "PS256",
        "ES384", "ES256K", "RS256 "}) {
    EXPECT_THAT(
        ParseJws(CompactToken(absl::StrCat(R"({"alg":")", algorithm, R"("})"),
                              kClaims, ""))
            .status(),
        HasCode(absl::StatusCode::kInvalidArgument))
        << algorithm;
  }
  EXPECT_THAT(ParseJws(CompactToken("{}", kClaims, "")).status(),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      ParseJws(CompactToken(R"({"alg":["RS256"]})", kClaims, "")).status(),
      HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(JwsTest, AnRsaKeyIsNoSharedSecret) {
  // The classic: HS256 with the public key's text as secret. Here under a name
  // that is allowed.
  const std::string text = absl::StrCat(
      ToBase64Url(R"({"alg":"EdDSA","kid":"r"})"), ".", ToBase64Url(kClaims));
  unsigned char mac[32];
  unsigned size = 0;
  const std::string key = Rsa().Jwk();
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
       &size);
  EXPECT_THAT(VerifyWith(SetOf({key}),
                         absl::StrCat(text, ".",
                                      ToBase64Url({reinterpret_cast<char*>(mac),
                                                   sizeof mac}))),
              HasCode(absl::StatusCode::kNotFound));
}

TEST(JwsTest, EachKeyHasOneAlgorithm) {
  // A token of one key that claims to be another's.
  const std::string set = SetOf({Rsa().Jwk(), Ec().Jwk(), Ed().Jwk()});
  EXPECT_THAT(
      VerifyWith(set, Ed().SignAs(R"({"alg":"RS256","kid":"r"})", kClaims)),
      HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(
      VerifyWith(set, Ed().SignAs(R"({"alg":"RS256","kid":"d"})", kClaims)),
      HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(
      VerifyWith(set, Rsa().SignAs(R"({"alg":"ES256","kid":"r"})", kClaims)),
      HasCode(absl::StatusCode::kNotFound));
}

TEST(JwsTest, TakesNoKeyFromTheToken) {
  const TokenSigner stranger("EdDSA", "d");
  for (const std::string& header :
       {absl::StrCat(R"({"alg":"EdDSA","kid":"d","jwk":)", stranger.Jwk(), "}"),
        std::string(R"({"alg":"EdDSA","jku":"https://evil.example/keys"})"),
        std::string(R"({"alg":"EdDSA","x5u":"https://evil.example/x"})"),
        std::string(R"({"alg":"EdDSA","x5c":["MIIB"]})")}) {
    EXPECT_THAT(ParseJws(stranger.SignAs(header, kClaims)).status(),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
}

TEST(JwsTest, RefusesWhatMustBeUnderstood) {
  for (const char* header : {R"({"alg":"EdDSA","kid":"d","crit":["exp"]})",
                             R"({"alg":"EdDSA","crit":[],"b64":false})"}) {
    EXPECT_THAT(ParseJws(Ed().SignAs(header, kClaims)).status(),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
}

TEST(JwsTest, AnEcdsaSignatureIsTwoNumbersOf32Bytes) {
  const std::vector<std::string> parts =
      absl::StrSplit(Ec().Sign(kClaims), '.');
  const std::string raw = FromBase64Url(parts[2]).value();
  ASSERT_EQ(raw.size(), 64u);
  for (const std::string& wrong :
       {raw.substr(0, 63), std::string(64, '\0'), std::string(64, '\xff'),
        // DER of r = s = 1.
        std::string("\x30\x06\x02\x01\x01\x02\x01\x01")}) {
    EXPECT_THAT(
        VerifyWith(SetOf({Ec().Jwk()}), absl::StrCat(parts[0], ".", parts[1],
                                                     ".", ToBase64Url(wrong))),
        HasCode(absl::StatusCode::kUnauthenticated));
  }
}

TEST(JwsTest, AnUnknownKeyIsNotFound) {
  const TokenSigner newer("EdDSA", "newer");
  EXPECT_THAT(VerifyWith(SetOf({Ed().Jwk()}), newer.Sign(kClaims)),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(VerifyWith(SetOf({Ed().Jwk(), newer.Jwk()}), newer.Sign(kClaims)),
              IsOk());
}

TEST(JwsTest, ATokenWithoutAKeyNeedsTheOnlyOne) {
  const std::string token = Ed().SignAs(R"({"alg":"EdDSA"})", kClaims);
  EXPECT_THAT(VerifyWith(SetOf({Ed().Jwk(), Ec().Jwk()}), token), IsOk());
  const TokenSigner other("EdDSA", "d2");
  EXPECT_THAT(VerifyWith(SetOf({Ed().Jwk(), other.Jwk()}), token),
              HasCode(absl::StatusCode::kUnauthenticated));
}

TEST(JwsTest, RefusesWhatIsNoToken) {
  const std::string good = Ed().Sign(kClaims);
  for (const std::string& wrong :
       {std::string(), std::string("."), std::string(".."), good + ".",
        good + "=", good.substr(1), " " + good,
        CompactToken(R"({"alg":"EdDSA"})", "[]", "x"),
        CompactToken(R"({"alg":"EdDSA"})", "1", "x"),
        CompactToken(R"([])", kClaims, "x"),
        CompactToken(R"({"alg":"EdDSA"} x)", kClaims, "x"),
        CompactToken(R"({"alg":"EdDSA"})", "{\"a\":\"\xff\"}", "x"),
        CompactToken(R"({"alg":"EdDSA"})", std::string(100, '['), "x"),
        CompactToken(
            R"({"alg":"EdDSA"})",
            absl::StrCat(R"({"a":")", std::string(20'000, 'a'), R"("})"),
            "x")}) {
    EXPECT_THAT(ParseJws(wrong).status(),
                HasCode(absl::StatusCode::kInvalidArgument))
        << wrong.substr(0, 80);
  }
}

TEST(KeySetTest, LeavesOutKeysThatAreTooWeak) {
  const TokenSigner short_rsa("RS256", "short", 1024);
  const std::string one =
      absl::StrCat(R"({"kty":"RSA","e":"AQ","n":")",
                   ToBase64Url(std::string(256, '\xff')), "\"}");
  const std::string even =
      absl::StrCat(R"({"kty":"RSA","e":"AQAB","n":")",
                   ToBase64Url(std::string(256, '\xfe')), "\"}");
  const std::string huge =
      absl::StrCat(R"({"kty":"RSA","e":"AQAB","n":")",
                   ToBase64Url(std::string(4096, '\xff')), "\"}");
  const std::string off_curve = absl::StrCat(
      R"({"kty":"EC","crv":"P-256","x":")", ToBase64Url(std::string(32, '\1')),
      R"(","y":")", ToBase64Url(std::string(32, '\1')), "\"}");
  for (
      const std::string& weak :
      {short_rsa.Jwk(), one, even, huge, off_curve,
       std::string(R"({"kty":"OKP","crv":"Ed25519","x":"AQ"})"),
       std::string(
           R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"),
       std::string(R"({"kty":"oct","k":"c2VjcmV0"})"),
       std::string(R"({"kty":"RSA"})"), std::string("{}"), std::string("1")}) {
    EXPECT_THAT(KeySet::Parse(SetOf({weak})).status(),
                HasCode(absl::StatusCode::kInvalidArgument))
        << weak.substr(0, 60);
    EXPECT_EQ(KeySet::Parse(SetOf({weak, Ed().Jwk()}))->size(), 1u);
  }
}

TEST(KeySetTest, LeavesOutKeysThatAreForSomethingElse) {
  for (const char* more :
       {R"(,"use":"enc")", R"(,"alg":"ES384")", R"(,"key_ops":["encrypt"])",
        R"(,"key_ops":"verify")"}) {
    EXPECT_FALSE(KeySet::Parse(SetOf({Ed().Jwk(more)})).ok()) << more;
  }
  for (const char* more :
       {R"(,"use":"sig","alg":"EdDSA")", R"(,"key_ops":["sign","verify"])"}) {
    EXPECT_TRUE(KeySet::Parse(SetOf({Ed().Jwk(more)})).ok()) << more;
  }
}

TEST(KeySetTest, RefusesWhatIsNoKeySet) {
  std::string many = "{\"keys\":[" + Ed().Jwk();
  for (int i = 0; i < 64; ++i) absl::StrAppend(&many, ",", Ed().Jwk());
  for (const std::string& wrong :
       {std::string(), std::string("[]"), std::string("{}"),
        std::string(R"({"keys":{}})"), std::string(R"({"keys":[]})"),
        many + "]}", std::string(300'000, ' ')}) {
    EXPECT_THAT(KeySet::Parse(wrong).status(),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace concordat::gateway

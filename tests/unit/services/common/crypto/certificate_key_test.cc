// Mutants: another field of the certificate is hashed; its content without its head;
// the version taken for the serial number; bytes read past the end.
#include "services/common/crypto/certificate_key.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;

constexpr char kBody[] =
    "MIIBbTCCAROgAwIBAgIUMY7KGxXhyPzkzp3k1FCQIsrGuIUwCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBeDAeFw0yNjExMjgwMTExNDBaFw0yNjExMzAwMTExNDBaMAwx\n"
    "CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARvRaLaUUvOMC7V\n"
    "mqwswjkKFq9kC5r6MHI9nfLdZcwyvgOEvVL1UTHGLlx5JVThJG2L0nntccbqXViw\n"
    "iskvxFSHo1MwUTAdBgNVHQ4EFgQUiczqcrRDgD9GoUrk560yGOXVeFUwHwYDVR0j\n"
    "BBgwFoAUiczqcrRDgD9GoUrk560yGOXVeFUwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n"
    "hkjOPQQDAgNIADBFAiEAsBjyeQ3EkKJ1hQ/lo4hM4rR9Bd52rzm2pzEhBiOLuCgC\n"
    "IAP46Ibm/OyU4qo7bCxY8zPKA4HWArAVSikntvOpOTe0\n";
// As OpenSSL's commands have it (certificate_key.h).
constexpr char kKey[] =
    "036a87642c4339ba259680cdd6d3f8eebbda650efc20099308adcab3838bf06c";

std::string Pem() {
  return absl::StrCat("-----BEGIN CERTIFICATE-----\n", kBody,
                      "-----END CERTIFICATE-----\n");
}

std::string Der() {
  std::string der;
  EXPECT_TRUE(absl::Base64Unescape(kBody, &der));
  return der;
}

TEST(CertificateKey, IsWhatOpensslSays) {
  EXPECT_EQ(CertificateKeyOfPem(Pem()).value_or(""), kKey);
  const std::string among = absl::StrCat("of nhs\n", Pem(), "and more");
  EXPECT_EQ(CertificateKeyOfPem(among).value_or(""), kKey);
  EXPECT_EQ(CertificateKeyOfDer(Der()).value_or(""), kKey);
}

TEST(CertificateKey, WhatIsNoCertificateHasNone) {
  const auto none = HasCode(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(CertificateKeyOfPem(""), none);
  EXPECT_THAT(CertificateKeyOfPem("-----BEGIN CERTIFICATE-----\nMIIB"), none);
  EXPECT_THAT(CertificateKeyOfPem("-----END CERTIFICATE-----\n"
                                  "-----BEGIN CERTIFICATE-----\n"),
              none);
  const std::string der = Der();
  for (size_t size = 0; size < der.size(); ++size) {
    EXPECT_THAT(CertificateKeyOfDer(der.substr(0, size)), none) << size;
  }
  // Whatever one byte is, nothing is read that is not there.
  for (size_t at = 0; at < der.size(); ++at) {
    std::string changed = der;
    changed[at] = static_cast<char>(~changed[at]);
    CertificateKeyOfDer(changed).IgnoreError();
  }
}

}  // namespace
}  // namespace concordat

#include "services/common/crypto/certificate_key.h"

#include <openssl/asn1.h>
#include <openssl/err.h>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

constexpr absl::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr absl::string_view kEnd = "-----END CERTIFICATE-----";
// Serial number, algorithm of the signature, issuer, validity, subject.
constexpr int kFieldsBefore = 5;

// An element of DER: all its bytes, and those of its content.
struct Element {
  int tag = -1;  // -1: there is none.
  int tag_class = 0;
  absl::string_view whole;
  absl::string_view content;
};

// Takes the first element from `bytes`. To decode the whole certificate, as OpenSSL
// does, takes fifty times as long, and this is done for each call.
Element Take(absl::string_view* bytes) {
  const auto* const begin =
      reinterpret_cast<const unsigned char*>(bytes->data());
  const unsigned char* at = begin;
  long length = 0;
  Element element;
  const int got =
      ASN1_get_object(&at, &length, &element.tag, &element.tag_class,
                      static_cast<long>(bytes->size()));
  // 0x80: an error; 1: of no certain length, which DER does not have.
  if ((got & 0x81) != 0) {
    ERR_clear_error();
    return Element();
  }
  const auto head = static_cast<size_t>(at - begin);
  element.whole = bytes->substr(0, head + static_cast<size_t>(length));
  element.content = element.whole.substr(head);
  bytes->remove_prefix(element.whole.size());
  return element;
}

bool IsSequence(const Element& element) {
  return element.tag == V_ASN1_SEQUENCE &&
         element.tag_class == V_ASN1_UNIVERSAL;
}

}  // namespace

std::string CertificateKeyOf(absl::string_view public_key_info) {
  const Sha256Hash hash = Sha256::Of(public_key_info);
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(hash.data()), hash.size()));
}

absl::StatusOr<std::string> CertificateKeyOfDer(absl::string_view certificate) {
  const absl::Status none = absl::InvalidArgumentError("not a certificate");
  const Element outer = Take(&certificate);
  if (!IsSequence(outer)) return none;
  absl::string_view rest = outer.content;
  const Element signed_part = Take(&rest);
  if (!IsSequence(signed_part)) return none;
  rest = signed_part.content;
  // The version, which a certificate of the first has not.
  absl::string_view behind = rest;
  const Element version = Take(&behind);
  if (version.tag == 0 && version.tag_class == V_ASN1_CONTEXT_SPECIFIC) {
    rest = behind;
  }
  for (int i = 0; i < kFieldsBefore; ++i) {
    if (Take(&rest).tag < 0) return none;
  }
  const Element key = Take(&rest);
  if (!IsSequence(key)) return none;
  return CertificateKeyOf(key.whole);
}

absl::StatusOr<std::string> CertificateKeyOfPem(absl::string_view text) {
  const size_t begin = text.find(kBegin);
  const size_t end =
      text.find(kEnd, begin == absl::string_view::npos ? 0 : begin);
  std::string der;
  if (begin == absl::string_view::npos || end == absl::string_view::npos ||
      !absl::Base64Unescape(
          text.substr(begin + kBegin.size(), end - begin - kBegin.size()),
          &der)) {
    return absl::InvalidArgumentError("not a certificate in PEM");
  }
  return CertificateKeyOfDer(der);
}

}  // namespace concordat

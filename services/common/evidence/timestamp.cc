#include "services/common/evidence/timestamp.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"
#include "services/common/crypto/openssl_ptr.h"
#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

using Request = OpensslPtr<TS_REQ, TS_REQ_free>;
using Response = OpensslPtr<TS_RESP, TS_RESP_free>;
using Imprint = OpensslPtr<TS_MSG_IMPRINT, TS_MSG_IMPRINT_free>;
using Algorithm = OpensslPtr<X509_ALGOR, X509_ALGOR_free>;
using Integer = OpensslPtr<ASN1_INTEGER, ASN1_INTEGER_free>;
using Context = OpensslPtr<TS_VERIFY_CTX, TS_VERIFY_CTX_free>;
using Store = OpensslPtr<X509_STORE, X509_STORE_free>;
using Certificate = OpensslPtr<X509, X509_free>;
using Bio = OpensslPtr<BIO, BIO_free>;

// OpenSSL's own words for what went wrong last.
std::string LastError() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason =
      code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

Response Parse(absl::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  Response response(d2i_TS_RESP(nullptr, &at, static_cast<long>(der.size())));
  if (at != end) response = nullptr;
  ERR_clear_error();
  return response;
}

// Null: no certificate in it.
Store ParseRoots(absl::string_view pem) {
  Store store(X509_STORE_new());
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int count = 0;
  while (true) {
    const Certificate certificate(
        PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    X509_STORE_add_cert(store.get(), certificate.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return nullptr;
  // An authority's own certificate may be the root that is believed.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

// What the response says; an answer without a token says why not.
absl::StatusOr<std::time_t> TimeIn(TS_RESP* response) {
  TS_TST_INFO* const info = TS_RESP_get_tst_info(response);
  if (info == nullptr) {
    const TS_STATUS_INFO* const status = TS_RESP_get_status_info(response);
    return absl::UnavailableError(
        absl::StrCat("the authority gave no stamp: status ",
                     ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status))));
  }
  std::tm fields = {};
  if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &fields) != 1) {
    return absl::InvalidArgumentError("the stamp has no time");
  }
  return timegm(&fields);
}

}  // namespace

std::string EncodeStampRequest(absl::string_view bytes, uint64_t nonce) {
  const Sha256Hash hash = Sha256::Of(bytes);
  const Request request(TS_REQ_new());
  const Imprint imprint(TS_MSG_IMPRINT_new());
  const Algorithm algorithm(X509_ALGOR_new());
  const Integer number(ASN1_INTEGER_new());
  std::string hash_bytes(hash.begin(), hash.end());
  const bool made =
      TS_REQ_set_version(request.get(), 1) == 1 &&
      X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_sha256), V_ASN1_NULL,
                      nullptr) == 1 &&
      TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) == 1 &&
      TS_MSG_IMPRINT_set_msg(
          imprint.get(), reinterpret_cast<unsigned char*>(hash_bytes.data()),
          static_cast<int>(hash_bytes.size())) == 1 &&
      TS_REQ_set_msg_imprint(request.get(), imprint.get()) == 1 &&
      ASN1_INTEGER_set_uint64(number.get(), nonce) == 1 &&
      TS_REQ_set_nonce(request.get(), number.get()) == 1 &&
      TS_REQ_set_cert_req(request.get(), 1) == 1;
  CONCORDAT_CHECK(made);
  unsigned char* der = nullptr;
  const int length = i2d_TS_REQ(request.get(), &der);
  CONCORDAT_CHECK(length > 0);
  std::string result(reinterpret_cast<const char*>(der),
                     static_cast<size_t>(length));
  OPENSSL_free(der);
  return result;
}

absl::StatusOr<absl::Time> CheckStamp(absl::string_view response,
                                      absl::string_view bytes,
                                      std::optional<uint64_t> nonce,
                                      absl::string_view roots) {
  if (response.size() > kStampBytesMax) {
    return absl::InvalidArgumentError("too large for a time stamp");
  }
  const Response parsed = Parse(response);
  if (parsed == nullptr) {
    return absl::InvalidArgumentError("not a time stamp's response");
  }
  Store store = ParseRoots(roots);
  if (store == nullptr) {
    return absl::InvalidArgumentError(
        "no certificate of an authority to believe");
  }
  const absl::StatusOr<std::time_t> at = TimeIn(parsed.get());
  if (!at.ok()) return at.status();
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), *at);

  const Context context(TS_VERIFY_CTX_new());
  constexpr int kFlags = TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_SIGNATURE;
  const Sha256Hash hash = Sha256::Of(bytes);
  // The context takes both over.
  auto* const imprint =
      static_cast<unsigned char*>(OPENSSL_memdup(hash.data(), hash.size()));
  TS_VERIFY_CTX_set_imprint(context.get(), imprint,
                            static_cast<long>(hash.size()));
  TS_VERIFY_CTX_set_store(context.get(), store.release());
  TS_VERIFY_CTX_set_flags(context.get(), kFlags);
  if (TS_RESP_verify_response(context.get(), parsed.get()) != 1) {
    return absl::PermissionDeniedError(
        absl::StrCat("the time stamp does not hold: ", LastError()));
  }
  if (nonce.has_value()) {
    const ASN1_INTEGER* const said =
        TS_TST_INFO_get_nonce(TS_RESP_get_tst_info(parsed.get()));
    uint64_t number = 0;
    if (said == nullptr || ASN1_INTEGER_get_uint64(&number, said) != 1 ||
        number != *nonce) {
      return absl::PermissionDeniedError(
          "the time stamp answers another request");
    }
  }
  return absl::FromTimeT(*at);
}

}  // namespace concordat

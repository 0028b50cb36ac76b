// RFC 3161 time stamps, by OpenSSL: that an authority saw these bytes, and when.
// PURE: the bytes go to the authority and come back by somebody else.
#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_TIMESTAMP_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_TIMESTAMP_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace concordat {

inline constexpr size_t kStampBytesMax = size_t{64} << 10;

// The DER of a TimeStampReq over SHA-256 of `bytes`, which asks for the
// authority's certificate too. The nonce is drawn anew for each.
std::string EncodeStampRequest(absl::string_view bytes, uint64_t nonce);

// When the authority saw them. `response` is the DER of a TimeStampResp, `roots`
// the PEM of those whose word is taken. The certificates have to have held at
// the time that the stamp says: it is good for longer than they are.
//   INVALID_ARGUMENT   no such thing; or `roots` holds no certificate.
//   UNAVAILABLE        the authority refused; says why.
//   PERMISSION_DENIED  it is of other bytes, of another request (when `nonce` is
//                      given), or not signed by an authority under `roots`.
absl::StatusOr<absl::Time> CheckStamp(absl::string_view response,
                                      absl::string_view bytes,
                                      std::optional<uint64_t> nonce,
                                      absl::string_view roots);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_TIMESTAMP_H_

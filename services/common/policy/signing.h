// Signatures of parties: of the text of an agreement, and of its early end. PURE.
//
// What is signed is the file, byte for byte, after a line that says what it is:
//   "concordat/agreement/1\n"  or  "concordat/retirement/1\n"
// so that neither stands for the other, and any Ed25519 tool can check it.
#ifndef CONCORDAT_SERVICES_COMMON_POLICY_SIGNING_H_
#define CONCORDAT_SERVICES_COMMON_POLICY_SIGNING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/policy/v1/signing.pb.h"
#include "services/common/crypto/ed25519.h"

namespace concordat {

enum class SignedText { kAgreement, kRetirement };

inline constexpr size_t kSignedTextMax = 128 * 1024;

policy::v1::Signature SignText(SignedText what, absl::string_view text,
                               const Ed25519Signer& signer,
                               const std::string& party,
                               const std::string& office);
// Of the file beside the text; it has no signature yet.
policy::v1::SignatureFile SignatureFileFor(absl::string_view text);

// Every signature of `file`, for the log.
//   INVALID_ARGUMENT   it is of another text, or not what it should be; a party is
//                      there twice.
//   PERMISSION_DENIED  a key is not the party's at `now_us`, or did not sign this:
//                      names the party.
absl::StatusOr<std::vector<hub::v1::PartySignature>> CheckSignatures(
    SignedText what, absl::string_view text,
    const policy::v1::SignatureFile& file,
    const policy::v1::Signatories& signatories, uint64_t now_us);

// Each of the parties has signed.
//   PERMISSION_DENIED  names those that have not.
absl::Status CheckAllSigned(
    const google::protobuf::RepeatedPtrField<std::string>& parties,
    const std::vector<hub::v1::PartySignature>& signatures);

// signatories.textproto is what it should be.
//   INVALID_ARGUMENT  names the party and the field.
absl::Status CheckSignatories(const policy::v1::Signatories& signatories);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_POLICY_SIGNING_H_

// How a system becomes a principal, and gets new keys: a request made at its agency,
// what the hub makes of it, and its answer. Nothing secret leaves either side:
//
//   agency  MakeEnrolmentRequest()   keys in its data directory, and a request
//   hub     PlanEnrolment()          what would come of it, for two people to agree to
//           AddToRegistry(), Answer()
//   agency  InstallAnswer()          what its programs need to connect
//
// Files reach the other side by any way. That they are what was sent people tell each
// other by fingerprint, by telephone; both sides ask for it.
//
// Threads  None of its own.
#ifndef CONCORDAT_GATEWAY_CLI_KEYS_ENROLMENT_H_
#define CONCORDAT_GATEWAY_CLI_KEYS_ENROLMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/enrolment.pb.h"
#include "gateway/cli/keys/certificate_authority.h"
#include "services/common/base/random.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/sha256.h"

namespace concordat::cli {

// How long the keys that are replaced go on at most, of CURVE and of the certificate: no
// longer than they would have, and of who is revoked not at all.
inline constexpr int kOldKeyDays = 14;

// Of the bytes of a file: 32 hex digits in groups of four, to be read out.
std::string FingerprintOf(absl::string_view bytes);
//   FAILED_PRECONDITION  what was read out is of other bytes, or of none.
absl::Status CheckFingerprint(absl::string_view bytes,
                              absl::string_view read_out);

// Makes `data` when it is not there, keys/<name>.key.pem and .curve in it (with
// `renews`: beside those in use, as .next) and <name>.request, whose path it returns.
//   ALREADY_EXISTS    it has such keys.
//   NOT_FOUND         it renews keys that are not there.
//   INVALID_ARGUMENT  a name; the environment is another than the folder's.
absl::StatusOr<std::string> MakeEnrolmentRequest(
    const std::string& data, const bus::v1::EnrolmentRequest& wanted,
    Random& random);

// What two people agree to.
struct Enrolment {
  bus::v1::EnrolmentRequest request;
  bus::v1::Principal principal;  // As the registry will have it.
  bool is_new = false;           // Else it takes the place of what is there,
  bus::v1::Principal before;     // which was this.
  std::string what;              // In words.
  // Of the request's bytes and the principal, but for the day until which the old
  // keys go on: the same on the day after.
  Sha256Hash digest = {};
};

// `rights` has what the hub gives beside names and keys; an empty source of a grant
// becomes its own. Of keys that are renewed the rights stay, and `rights` is empty.
//   INVALID_ARGUMENT     not a request; of another environment; a name, agency, key or
//                        request for a certificate that is malformed or taken; rights
//                        with names or keys in them; a renewal of whose certificate
//                        nobody says which key it is for.
//   NOT_FOUND            it renews keys that nobody has.
//   FAILED_PRECONDITION  it is having its key changed already.
absl::StatusOr<Enrolment> PlanEnrolment(absl::string_view request_text,
                                        const bus::v1::Principal& rights,
                                        const bus::v1::Registry& registry,
                                        absl::CivilDay today);

// The registry's text with it. A new one is put behind the rest, so that what people
// wrote stays as it is.
//   INVALID_ARGUMENT     it would not load; says why.
//   FAILED_PRECONDITION  what it takes the place of is other than it was: has been
//                        revoked, say.
absl::StatusOr<std::string> AddToRegistry(absl::string_view registry_text,
                                          const Enrolment& enrolment);
// The registry's text with `name` revoked.
//   NOT_FOUND  nobody has that name.
absl::StatusOr<std::string> RevokeInRegistry(absl::string_view registry_text,
                                             absl::string_view name);

// What the agency needs. Endpoints that `hub` publishes on loopback are told with
// `host` instead, if it is not empty.
//   as DataDirectory.
absl::StatusOr<bus::v1::EnrolmentAnswer> AnswerTo(const Enrolment& enrolment,
                                                  std::string certificate,
                                                  const DataDirectory& hub,
                                                  absl::string_view host,
                                                  std::string approval);

// Puts the answer into `data`: the certificate, whom to trust, where the hub is, and
// what it is to the hub. Keys that were renewed take the place of the old ones.
//   INVALID_ARGUMENT  not an answer, or not to the request that was made here.
//   NOT_FOUND         there are no keys here for it.
absl::Status InstallAnswer(const std::string& data,
                           absl::string_view answer_text);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_KEYS_ENROLMENT_H_

// An evidence bundle: a file that shows who knew what of a person at a moment, and
// that is checked with public keys alone. PURE.
//
//   bundle = "concordat-bundle/1 " length LF body note
//   body   = a concordat.access.v1.Bundle
//   note   = a signed note of the log's key, whose text is
//            "concordat-bundle/1" LF origin LF length LF base64(SHA-256(body)) LF
//
// So no byte of it can be other than as the hub signed it. What the hub could have
// signed wrongly is checked by what it signed before: the trees.
#ifndef CONCORDAT_SERVICES_COMMON_BUNDLE_BUNDLE_H_
#define CONCORDAT_SERVICES_COMMON_BUNDLE_BUNDLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/access/v1/bundle.pb.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/note.h"

namespace concordat {

inline constexpr size_t kBundleBytesMax = size_t{64} << 20;

// Whose signatures count.
struct BundleKeys {
  Ed25519PublicKey log = {};
  std::vector<NoteVerifier> witnesses;
};
// A file of keys: a line each, "#" begins a comment. The log's as 64 hexadecimal
// digits (keys/log-signing.pub); a witness's as a C2SP verifier key.
//   INVALID_ARGUMENT  names the line; there is no key of the log, or more than one.
absl::StatusOr<BundleKeys> ParseBundleKeys(absl::string_view text);

// Of the tree over the access log of the log with this origin.
//   INVALID_ARGUMENT  it is not a log's origin.
absl::StatusOr<std::string> AccessOriginOf(absl::string_view log_origin);

// The file. `origin` is the log's.
std::string SealBundle(const access::v1::Bundle& bundle,
                       const std::string& origin, const Ed25519Signer& log);

// What the hub signed of how many events of the person there are.
struct Completeness {
  uint64_t through = 0;  // Complete to this event: the checkpoint's size.
  uint64_t events = 0;   // Of the person, up to there.
  uint64_t shown = 0;    // Of those, in the bundle.
  // Numbers among the person's events that are not shown, at most 100,000.
  std::vector<uint64_t> not_shown;
};

struct CheckedBundle {
  access::v1::Bundle bundle;
  Checkpoint checkpoint;
  std::vector<std::string> witnesses;  // Who signed the checkpoint too.
  Completeness completeness;
  // What it does not show, a sentence each: gaps, and what is the hub's word alone.
  std::vector<std::string> limits;
};

// Everything that can be checked without the hub. An error says what does not hold.
//   INVALID_ARGUMENT   not a bundle.
//   PERMISSION_DENIED  the key that is given did not sign it.
//   DATA_LOSS          it was signed, and something in it is not true.
absl::StatusOr<CheckedBundle> CheckBundle(absl::string_view bytes,
                                          const BundleKeys& keys);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUNDLE_BUNDLE_H_

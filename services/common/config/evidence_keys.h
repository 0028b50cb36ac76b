// The keys that evidence is signed and checked with, in the data directory:
//
//   keys/log-signing.secret   64 hex digits: the log's tree is signed with it
//   keys/log-signing.pub      64 hex digits: its public half, which clients and
//                             witnesses go by
//
// A principal's own are made from its keys/<principal>.secret; the registry has
// their public halves (signing_keys, witness_key).
#ifndef CONCORDAT_SERVICES_COMMON_CONFIG_EVIDENCE_KEYS_H_
#define CONCORDAT_SERVICES_COMMON_CONFIG_EVIDENCE_KEYS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/config/data_directory.h"
#include "services/common/crypto/ed25519.h"

namespace concordat {

inline constexpr char kLogSigningKey[] = "log-signing";

//   NOT_FOUND, INVALID_ARGUMENT  as DataDirectory's.
absl::StatusOr<Ed25519Signer> LoadLogSigner(const DataDirectory& data);
absl::StatusOr<Ed25519PublicKey> LoadLogKey(const DataDirectory& data);

// A principal signs what it published, and witnesses the log, with keys of their
// own each: one is not to be shown for the other.
Ed25519Signer ProducerSigner(absl::string_view secret);
Ed25519Signer WitnessSigner(absl::string_view secret);

// As the registry has them.
std::string SigningKeyText(const Ed25519PublicKey& key);
//   INVALID_ARGUMENT  not a key.
absl::StatusOr<Ed25519PublicKey> ParseSigningKey(absl::string_view text);
// The name that a principal witnesses under: "demo.concordat/witness/police".
std::string WitnessName(bus::v1::Environment environment,
                        absl::string_view principal);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CONFIG_EVIDENCE_KEYS_H_

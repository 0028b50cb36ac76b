// Keys that sign for a party of an agreement, and the files they sign.
//
// A key file has 64 hexadecimal digits (the seed) and a line end, mode 0600; beside
// it NAME.pub has the public key for signatories.textproto.
#ifndef CONCORDAT_GATEWAY_CLI_KEYS_SIGNING_KEYS_H_
#define CONCORDAT_GATEWAY_CLI_KEYS_SIGNING_KEYS_H_

#include <string>

#include "absl/status/statusor.h"
#include "concordat/policy/v1/signing.pb.h"
#include "services/common/base/random.h"
#include "services/common/crypto/ed25519.h"
#include "services/common/policy/signing.h"

namespace concordat::cli {

// The text of a new key file.
std::string NewSigningKey(Random& random);

//   INVALID_ARGUMENT  not the text of a key file.
absl::StatusOr<Ed25519Signer> SignerOf(const std::string& text);

std::string PublicKeyOf(const Ed25519Signer& signer);

// Reads a key file.  NOT_FOUND, INVALID_ARGUMENT  names it.
absl::StatusOr<Ed25519Signer> ReadSigningKey(const std::string& path);

// Signs the file for a party, and puts the signature into the file beside it, which
// is `path`.sig, in the place of one of the same party. What was signed of another
// text is dropped.
//   NOT_FOUND, INVALID_ARGUMENT, UNAVAILABLE  names the file.
absl::StatusOr<policy::v1::SignatureFile> SignFile(SignedText what,
                                                   const std::string& path,
                                                   const Ed25519Signer& signer,
                                                   const std::string& party,
                                                   const std::string& office);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_KEYS_SIGNING_KEYS_H_

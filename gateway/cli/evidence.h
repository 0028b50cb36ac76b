#ifndef CONCORDAT_GATEWAY_CLI_EVIDENCE_H_
#define CONCORDAT_GATEWAY_CLI_EVIDENCE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/bus/v1/evidence.pb.h"
#include "gateway/cli/hub.h"

namespace concordat::cli {

// What the log signed last, checked with the key in the data directory.
//   PERMISSION_DENIED  another key signed it.
//   DATA_LOSS          the bus signs nothing more.
absl::Status ShowCheckpoint(Hub& hub, bool as_json);

// Proves that the event of this sequence is in the tree of `size` events, "" for
// the newest, and checks the proof here.
//   DATA_LOSS  it does not hold.
absl::Status ProveEvent(Hub& hub, const std::string& sequence,
                        const std::string& size, bool as_json);

// Has the bus make the tree anew, and compares it with what it signed.
absl::StatusOr<bus::v1::VerifyTreeResponse> VerifyTree(Hub& hub);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_EVIDENCE_H_

// Checkpoints of a log's tree (c2sp.org/tlog-checkpoint): origin, size and root,
// as a signed note. PURE.
//
// The origin of a log's tree is "<environment>.concordat/log/<log id, hex>". A
// restored log keeps it: its events up to the restored one are the same.
#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_CHECKPOINT_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/note.h"

namespace concordat {

struct Checkpoint {
  std::string origin;
  uint64_t size = 0;
  TreeHash root = {};
  std::vector<std::string> extensions;  // Lines, opaque.
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// The note's text.
std::string EncodeCheckpoint(const Checkpoint& checkpoint);
//   INVALID_ARGUMENT  not the text of a checkpoint.
absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view text);

// Signed by the log: the key's name is the origin.
std::string SignCheckpoint(const Checkpoint& checkpoint,
                           const Ed25519Signer& log);

// A checkpoint that the log signed.
struct OpenedCheckpoint {
  Checkpoint checkpoint;
  std::string text;
  std::vector<NoteSignature> cosignatures;  // Of `witnesses`, verified.
};
// `log` has to have signed it, and its name has to be the origin.
//   INVALID_ARGUMENT, PERMISSION_DENIED  as OpenNote.
absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(
    absl::string_view note, const NoteVerifier& log,
    absl::Span<const NoteVerifier> witnesses = {});

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_CHECKPOINT_H_

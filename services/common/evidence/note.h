// Signed notes (c2sp.org/signed-note): text, and signatures of named keys under
// it, of Ed25519 (type 1) and of witnesses (type 4, c2sp.org/tlog-cosignature).
// PURE.
//
//   text line*
//   <blank>
//   "— " name " " base64(key id[4] ‖ signature)
#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_NOTE_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_NOTE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/common/crypto/ed25519.h"

namespace concordat {

inline constexpr size_t kNoteBytesMax = 1'000'000;
inline constexpr size_t kNoteSignaturesMax = 100;

enum class NoteKeyType : uint8_t {
  kEd25519 = 0x01,      // Signs the text.
  kCosignature = 0x04,  // Signs the text of a checkpoint, and when.
};

// A key whose signatures are checked: a C2SP verifier key,
// "name+hex(key id)+base64(type ‖ key)".
struct NoteVerifier {
  std::string name;
  uint32_t id = 0;
  NoteKeyType type = NoteKeyType::kEd25519;
  Ed25519PublicKey key = {};

  std::string ToString() const;
};
//   INVALID_ARGUMENT  not a verifier key, its id is not its own, or of a type
//                     that is not known here.
absl::StatusOr<NoteVerifier> ParseVerifier(absl::string_view vkey);
//   INVALID_ARGUMENT  no name: empty, or with a space, a plus or a control
//                     character.
absl::StatusOr<NoteVerifier> MakeVerifier(std::string name, NoteKeyType type,
                                          const Ed25519PublicKey& key);

struct NoteSignature {
  std::string name;
  uint32_t id = 0;
  std::string bytes;  // What follows the key id.
};

// As it was read: nothing of it is believed.
struct Note {
  std::string text;  // With its last newline.
  std::vector<NoteSignature> signatures;
};
//   INVALID_ARGUMENT  not a note.
absl::StatusOr<Note> ParseNote(absl::string_view bytes);
std::string EncodeNote(const Note& note);
// "— name base64\n".
std::string SignatureLine(const NoteSignature& signature);
//   INVALID_ARGUMENT  not a line of that form, with its newline.
absl::StatusOr<NoteSignature> ParseSignatureLine(absl::string_view line);

NoteSignature SignNote(absl::string_view text, const std::string& name,
                       const Ed25519Signer& signer);
// A witness's word that it saw this checkpoint agree with all before, then.
NoteSignature Cosign(absl::string_view checkpoint_text, const std::string& name,
                     uint64_t posix_seconds, const Ed25519Signer& signer);

// Whether `signature` is of the key (name and id), and it signed. The time of a
// cosignature is in it.
bool IsOf(const NoteSignature& signature, const NoteVerifier& verifier);
bool Verifies(absl::string_view text, const NoteSignature& signature,
              const NoteVerifier& verifier);
// When a cosignature was made; 0: it is none.
uint64_t CosignedAt(const NoteSignature& signature);

// Reads a note and checks the signatures of those known: `signatures` are those
// of `verifiers`, each key once; the others are left out.
//   INVALID_ARGUMENT   not a note.
//   PERMISSION_DENIED  a known key's signature does not verify, or none is of a
//                      known key.
absl::StatusOr<Note> OpenNote(absl::string_view bytes,
                              absl::Span<const NoteVerifier> verifiers);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_NOTE_H_

#include "services/common/evidence/checkpoint.h"

#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace concordat {
namespace {

absl::string_view View(const TreeHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

absl::Status NoCheckpoint(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not a checkpoint: ", why));
}

}  // namespace

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  std::string text =
      absl::StrCat(checkpoint.origin, "\n", checkpoint.size, "\n",
                   absl::Base64Escape(View(checkpoint.root)), "\n");
  for (const std::string& line : checkpoint.extensions) {
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view text) {
  if (!absl::ConsumeSuffix(&text, "\n")) {
    return NoCheckpoint("it ends without a newline");
  }
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines.size() < 3) return NoCheckpoint("it has three lines");
  for (const absl::string_view line : lines) {
    if (line.empty()) return NoCheckpoint("a line is empty");
  }
  Checkpoint checkpoint;
  checkpoint.origin = std::string(lines[0]);
  if (!absl::SimpleAtoi(lines[1], &checkpoint.size) ||
      absl::StrCat(checkpoint.size) != lines[1] ||
      checkpoint.size > kTreeSizeMax) {
    return NoCheckpoint("the second line is the size");
  }
  std::string root;
  std::optional<TreeHash> hash;
  if (absl::Base64Unescape(lines[2], &root) &&
      absl::Base64Escape(root) == lines[2]) {
    hash = TreeHashOf(root);
  }
  if (!hash.has_value()) return NoCheckpoint("the third line is the root");
  checkpoint.root = *hash;
  for (size_t i = 3; i < lines.size(); ++i) {
    checkpoint.extensions.emplace_back(lines[i]);
  }
  return checkpoint;
}

std::string SignCheckpoint(const Checkpoint& checkpoint,
                           const Ed25519Signer& log) {
  Note note;
  note.text = EncodeCheckpoint(checkpoint);
  note.signatures.push_back(SignNote(note.text, checkpoint.origin, log));
  return EncodeNote(note);
}

absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(
    absl::string_view note, const NoteVerifier& log,
    absl::Span<const NoteVerifier> witnesses) {
  std::vector<NoteVerifier> known(witnesses.begin(), witnesses.end());
  known.push_back(log);
  absl::StatusOr<Note> opened = OpenNote(note, known);
  if (!opened.ok()) return opened.status();
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(opened->text);
  if (!checkpoint.ok()) return checkpoint.status();
  OpenedCheckpoint result;
  bool is_the_logs = false;
  for (NoteSignature& signature : opened->signatures) {
    if (IsOf(signature, log)) {
      is_the_logs = true;
    } else {
      result.cosignatures.push_back(std::move(signature));
    }
  }
  if (!is_the_logs || checkpoint->origin != log.name) {
    return absl::PermissionDeniedError(
        absl::StrCat("not a checkpoint that ", log.name, " signed"));
  }
  result.checkpoint = *std::move(checkpoint);
  result.text = std::move(opened->text);
  return result;
}

}  // namespace concordat

#include "services/bus/evidence/tree_files.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"

namespace concordat::bus {

absl::StatusOr<std::unique_ptr<TreeFiles>> TreeFiles::Open(
    Directory& directory) {
  std::unique_ptr<TreeFiles> files(new TreeFiles(directory));
  bool is_new = false;
  for (size_t level = 0; level < files->levels_.size(); ++level) {
    const std::string name = absl::StrCat("level-", level);
    absl::StatusOr<std::unique_ptr<File>> file = directory.Open(name);
    if (absl::IsNotFound(file.status())) {
      file = directory.Create(name);
      is_new = true;
    }
    if (!file.ok()) return file.status();
    files->levels_[level].file = *std::move(file);
  }
  if (is_new) {
    const absl::Status synced = directory.Sync();
    if (!synced.ok()) return synced;
  }
  return files;
}

void TreeFiles::Begin(uint64_t size) {
  pending_bytes_ = 0;
  for (Level& level : levels_) {
    level.bytes = size * kSha256Bytes;
    level.pending.clear();
    size >>= kTileLevels;
  }
}

void TreeFiles::Add(int level, const TreeHash& hash) {
  if (level % kTileLevels != 0) return;
  PutBytes(levels_[static_cast<size_t>(level / kTileLevels)].pending, hash);
  pending_bytes_ += hash.size();
}

absl::Status TreeFiles::Write() {
  for (Level& level : levels_) {
    if (level.pending.empty()) continue;
    const absl::Status written = level.file->Write(level.bytes, level.pending);
    if (!written.ok()) return written;
    level.bytes += level.pending.size();
    level.pending.clear();
    level.is_dirty = true;
  }
  pending_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status TreeFiles::Sync() {
  for (Level& level : levels_) {
    if (!level.is_dirty) continue;
    const absl::Status synced = level.file->Sync();
    if (!synced.ok()) return synced;
    level.is_dirty = false;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> TreeFiles::ReadTile(int level, uint64_t index,
                                                uint32_t width) const {
  std::string bytes(width * kSha256Bytes, '\0');
  const absl::Status read = levels_[static_cast<size_t>(level)].file->Read(
      index * kTileWidth * kSha256Bytes, bytes.size(), bytes.data());
  if (absl::IsOutOfRange(read)) {
    return absl::DataLossError(
        absl::StrCat("level-", level, " of the tree ends before tile ", index));
  }
  if (!read.ok()) return read;
  return bytes;
}

absl::StatusOr<std::string> TreeFiles::ReadNote(absl::string_view name) const {
  absl::StatusOr<std::string> note = ReadWhole(directory_, name);
  if (absl::IsNotFound(note.status())) return std::string();
  return note;
}

absl::Status TreeFiles::ReplaceNote(absl::string_view name,
                                    absl::string_view note) {
  return ReplaceWhole(directory_, name, note);
}

}  // namespace concordat::bus

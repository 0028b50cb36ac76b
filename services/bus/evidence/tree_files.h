// The tree of a log on disk, derived from the log: a file of hashes for each
// level of tiles, and the newest checkpoint that they are known to reach. In
// `<data>/bus/tree`:
//
//   level-0 … level-7   hashes of 32 bytes, one after the other: tile N is the
//                       8,192 bytes from 8,192 N on
//   checkpoint          a signed note; the hashes that it stands for were made
//                       durable before it
//   cosigned            the newest checkpoint that a witness signed too
//
// Threads  Append, Sync and Replace: one. Read: any.
#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_TREE_FILES_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_TREE_FILES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/tiles.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

class TreeFiles {
 public:
  // `directory` outlives this.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  static absl::StatusOr<std::unique_ptr<TreeFiles>> Open(Directory& directory);

  // Hashes of a tree of `size` are as they stand in the files; what is beyond it
  // is written over.
  void Begin(uint64_t size);
  // A complete subtree; those between the levels of tiles are passed over. Kept
  // until Write().
  void Add(int level, const TreeHash& hash);
  size_t pending_bytes() const { return pending_bytes_; }
  absl::Status Write();
  // Makes what was written durable.
  absl::Status Sync();

  // The tile's hashes as they were written.
  //   DATA_LOSS  the file ends before.  UNAVAILABLE
  absl::StatusOr<std::string> ReadTile(int level, uint64_t index,
                                       uint32_t width) const;

  // Empty: there is none.
  absl::StatusOr<std::string> ReadNote(absl::string_view name) const;
  absl::Status ReplaceNote(absl::string_view name, absl::string_view note);

 private:
  struct Level {
    std::unique_ptr<File> file;
    uint64_t bytes = 0;  // Of the tree.
    std::string pending;
    bool is_dirty = false;
  };

  explicit TreeFiles(Directory& directory) : directory_(directory) {}

  Directory& directory_;
  std::array<Level, kTileLevels> levels_;
  size_t pending_bytes_ = 0;
};

inline constexpr char kCheckpointNote[] = "checkpoint";
inline constexpr char kCosignedNote[] = "cosigned";

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_TREE_FILES_H_

// Records that are only ever appended, each block bound to the one before by its
// hash: what an access log is kept in.
//
//   folder = records-00000001, records-00000002, …
//   file   = block* zero*
//   block  = magic[4] ‖ length of body u32 ‖ first record u64 ‖ count u32 ‖
//            SHA-256 of the block before [32] ‖ CRC-32C of those and the body u32
//            ‖ body
//   body   = (length u32 ‖ bytes)*
//
// Integers are little-endian; the first block has zeroes for a hash. A block is
// what one Append() was given.
//
// Durability  What Append() answered OK for survives a power cut.
// Opening     Reads all of it. A last block that does not hold, with none that does
//             after it, is a torn write that nobody was told of: zeroes go over it.
//             Anything else is DATA_LOSS.
// Threads     Append: one at a time. The rest: any.
// Errors      After a failed write or sync every Append() fails until it is opened
//             again; reads go on.
#ifndef CONCORDAT_SERVICES_COMMON_STORAGE_RECORD_CHAIN_H_
#define CONCORDAT_SERVICES_COMMON_STORAGE_RECORD_CHAIN_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/common/base/mutex.h"
#include "services/common/crypto/sha256.h"
#include "services/common/storage/storage.h"

namespace concordat {

class RecordChain {
 public:
  static constexpr size_t kRecordBytesMax = 1u << 20;
  static constexpr size_t kBlockBytesMax = 4u << 20;
  static constexpr uint64_t kFileBytes = 16u << 20;
  static constexpr uint64_t kStretchBytes = 256u << 10;

  // `directory` outlives it. A file that has `file_bytes` takes no more blocks.
  //   DATA_LOSS  damage that is no torn end; names file and offset.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  static absl::StatusOr<std::unique_ptr<RecordChain>> Open(
      Directory& directory, uint64_t file_bytes = kFileBytes);

  // To look at what another process may be appending to: changes nothing, and what
  // is torn at its end is not there yet.
  //   As Open; Append() answers FAILED_PRECONDITION.
  static absl::StatusOr<std::unique_ptr<RecordChain>> OpenToRead(
      Directory& directory);

  // All of them with one sync.
  //   INVALID_ARGUMENT  one is longer than a record may be, or all are together.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  absl::Status Append(absl::Span<const std::string> records);

  uint64_t size() const;  // Durable records.
  // Of the last block; zeroes when there is none.
  Sha256Hash head() const;

  // Calls `visit` with the number (from 0) and bytes of each durable record from
  // `first` on, having looked at its block's checksum and that it follows the one
  // before that was read. Its error ends it and is the answer. Reads from at most
  // kStretchBytes and a block before `first`.
  //   DATA_LOSS, UNAVAILABLE
  absl::Status Read(
      uint64_t first,
      absl::FunctionRef<absl::Status(uint64_t, absl::string_view)> visit) const;

 private:
  // Where a block begins, and with which record.
  struct Mark {
    uint64_t record = 0;
    uint64_t byte = 0;
  };
  struct Part {
    uint32_t number = 0;
    std::shared_ptr<File> file;
    uint64_t first = 0;       // Record.
    uint64_t end = 0;         // Byte after the last durable block.
    std::vector<Mark> marks;  // Of its first block, and each stretch on.

    void AddBlock(uint64_t record, uint64_t bytes);
  };
  struct Block;

  RecordChain(Directory& directory, uint64_t file_bytes)
      : directory_(directory), file_bytes_(file_bytes) {}

  absl::Status OpenParts(bool to_read);
  absl::Status AddPart();
  static absl::Status Damaged(uint32_t number, uint64_t offset,
                              absl::string_view why);
  using Visit =
      absl::FunctionRef<absl::Status(uint64_t number, absl::string_view bytes)>;
  // Of one file, from `first` on.
  static absl::Status ReadPart(const Part& part, uint64_t first, Visit visit);

  Directory& directory_;
  const uint64_t file_bytes_;
  // Of who appends.
  absl::Status failed_;

  mutable Mutex mu_;
  std::vector<Part> parts_ ABSL_GUARDED_BY(mu_);
  uint64_t size_ ABSL_GUARDED_BY(mu_) = 0;
  Sha256Hash head_ ABSL_GUARDED_BY(mu_) = {};
};

// Copies a chain that another process may be appending to: what changed since the last
// time, oldest first, and reads it all as it stands in `to`. Returns its records, which
// are the first of those in `from`.
//   DATA_LOSS            the copy does not hold, or `to` has more or others of them.
//   UNAVAILABLE, RESOURCE_EXHAUSTED
absl::StatusOr<uint64_t> CopyRecords(Directory& from, Directory& to);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_STORAGE_RECORD_CHAIN_H_

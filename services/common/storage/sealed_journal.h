// A file of sealed records: what programs at an agency keep of people until the
// bus has it.
//
//   file    = "CCEDGE1\n" id[16] record*
//   record  = length:u32le crc32c(length, sealed):u32le sealed
//   sealed  = nonce[12] AES-256-GCM(record bytes), bound to the file's id and
//             the record's offset, so that none can be moved or put back
//
// Opening  A last record that does not hold is a torn write, which was never
//          acknowledged: it is cut off. One with more behind it is DATA_LOSS.
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_COMMON_STORAGE_SEALED_JOURNAL_H_
#define CONCORDAT_SERVICES_COMMON_STORAGE_SEALED_JOURNAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/common/base/random.h"
#include "services/common/crypto/aead.h"
#include "services/common/storage/storage.h"

namespace concordat {

inline constexpr uint32_t kJournalRecordBytesMax = 4u << 20;

class SealedJournal {
 public:
  // Opens `name` in `directory`, or makes it, and appends its records to
  // `records`. Borrows directory and random.
  //   DATA_LOSS         damaged, or sealed with another key.
  //   INVALID_ARGUMENT  the key is not 32 bytes.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  static absl::StatusOr<std::unique_ptr<SealedJournal>> Open(
      Directory& directory, std::string name, absl::string_view key,
      Random& random, std::vector<std::string>& records);

  // All of them with one sync; durable when OK. After an error every call fails until it is opened again.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  absl::Status Append(absl::Span<const std::string> records);
  absl::Status Append(const std::string& record) {
    return Append(absl::MakeConstSpan(&record, 1));
  }
  // Puts these records in the place of all: a power cut leaves the old ones or
  // the new ones.  As Append().
  absl::Status Replace(const std::vector<std::string>& records);

  uint64_t bytes() const { return end_; }

 private:
  SealedJournal(Directory& directory, std::string name, AeadKey key,
                Random& random)
      : directory_(directory),
        name_(std::move(name)),
        key_(std::move(key)),
        random_(random) {}

  absl::Status Damaged(uint64_t offset) const;
  std::string Seal(absl::string_view record, uint64_t offset);
  std::string Aad(uint64_t offset) const;
  absl::Status ReadAll(absl::string_view bytes,
                       std::vector<std::string>& records);
  absl::Status Start(const std::vector<std::string>& records);

  Directory& directory_;
  const std::string name_;
  AeadKey key_;
  Random& random_;
  std::string id_;
  std::unique_ptr<File> file_;
  uint64_t end_ = 0;
  absl::Status failed_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_STORAGE_SEALED_JOURNAL_H_

// Events that a program has taken and the bus has not answered for, on the
// program's own disk, in the order in which they came.
//
//   waiting-<number of its first set>   a SealedJournal of SpooledSet; the next
//                                       one begins when it is full
//   refused                             a SealedJournal of RefusedSet
//
// Durability  Add() returns OK once the set is on stable storage. After a failed
//             write nothing is taken any more until it is opened again.
// Once        A file goes when all of its sets are done with. After a crash the
//             sets of the oldest file come again, those that were done with
//             too: the bus answers them as duplicates.
// Gaps        Sets are numbered. One that is missing is DATA_LOSS, and nothing
//             after it is given out.
// Memory      The files that hold what Next() gave out and is not done with, and
//             one more; and what was refused.
// Threads     One at a time.
#ifndef CONCORDAT_SERVICES_COMMON_PUBLISH_SPOOL_PUBLISH_SPOOL_H_
#define CONCORDAT_SERVICES_COMMON_PUBLISH_SPOOL_PUBLISH_SPOOL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "concordat/bus/v1/spool.pb.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/event.h"
#include "services/common/storage/sealed_journal.h"
#include "services/common/storage/storage.h"

namespace concordat {

struct SpoolLimits {
  uint64_t bytes_max = 1u << 30;  // Of the files of sets that wait.
  uint64_t file_bytes = 4u << 20;
  uint64_t refused_bytes_max = 16u << 20;
};

struct SpooledSet {
  uint64_t number = 0;
  uint64_t taken_us = 0;
  std::vector<Event> events;
};

class PublishSpool {
 public:
  // Borrows directory, which no other process may use, and random.
  //   DATA_LOSS         a file is damaged or missing, or the key is another.
  //   INVALID_ARGUMENT  the key is not 32 bytes.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED  the disk.
  static absl::StatusOr<std::unique_ptr<PublishSpool>> Open(
      Directory& directory, std::string key, Random& random,
      SpoolLimits limits = SpoolLimits());

  // Takes one atomic set, and says its number.
  //   INVALID_ARGUMENT    none, more than one batch holds, or a header's limit.
  //   RESOURCE_EXHAUSTED  the bound is reached; it was not taken.
  //   UNAVAILABLE, or RESOURCE_EXHAUSTED of the disk: as in the head.
  absl::StatusOr<uint64_t> Add(absl::Span<const Event> set, uint64_t now_us);

  // The set after the one that it gave before; nothing: there is none.
  //   DATA_LOSS, UNAVAILABLE
  absl::StatusOr<std::optional<SpooledSet>> Next();
  // Next() gives what it gave last once more.
  void GiveBack() { --given_; }
  // Next() begins again with the oldest.
  void Rewind() { given_ = oldest_; }
  // The oldest set that Next() gave is done with.
  //   UNAVAILABLE  its file cannot be removed.
  absl::Status Done();
  // It was refused for what it is, and is kept apart. `index`: the event that
  // `outcome` is about.
  //   RESOURCE_EXHAUSTED  so much was refused that nobody looked at: it stays
  //                       the oldest. UNAVAILABLE
  absl::Status Refuse(size_t index, const PublishOutcome& outcome,
                      uint64_t now_us);
  // Takes the last file off the disk when nothing waits.  UNAVAILABLE
  absl::Status Tidy();

  // What was refused, oldest first. Retry() adds one again as the newest set,
  // Drop() destroys it.
  //   OUT_OF_RANGE  there is no such one.  Others as Add().
  const std::vector<bus::v1::RefusedSet>& refused() const { return refused_; }
  absl::Status Retry(size_t index, uint64_t now_us);
  absl::Status Drop(size_t index);

  // Sets that are not done with, the bytes of their files, and when the oldest
  // was taken; 0: nothing waits.
  uint64_t waiting() const { return next_ - oldest_; }
  uint64_t bytes() const;
  uint64_t oldest_taken_us() const;

 private:
  struct WaitingFile {
    uint64_t first = 0;
    uint64_t bytes = 0;
  };

  PublishSpool(Directory& directory, std::string key, Random& random,
               SpoolLimits limits)
      : directory_(directory),
        key_(std::move(key)),
        random_(random),
        limits_(limits) {}
  absl::Status OpenWaiting();
  absl::Status OpenRefused();
  absl::StatusOr<uint64_t> AddBatch(std::string batch, uint64_t now_us);
  // Where the next set goes.
  absl::Status OpenNewest();
  absl::Status RemoveOldest();
  absl::Status Load(const WaitingFile& file, uint64_t end);
  absl::Status LoadMore();
  absl::Status KeepRefused(std::vector<bus::v1::RefusedSet> refused);

  Directory& directory_;
  const std::string key_;
  Random& random_;
  const SpoolLimits limits_;
  std::deque<WaitingFile> files_;           // Oldest first.
  std::unique_ptr<SealedJournal> newest_;   // The last of files_, or null.
  std::deque<bus::v1::SpooledSet> loaded_;  // From oldest_ on.
  uint64_t loaded_bytes_ = 0;
  // Numbers of the oldest set that is not done with, of the one that Next() gives,
  // and of the one that Add() takes.
  uint64_t oldest_ = 1;
  uint64_t given_ = 1;
  uint64_t next_ = 1;
  std::unique_ptr<SealedJournal> refused_journal_;
  std::vector<bus::v1::RefusedSet> refused_;
  absl::Status failed_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PUBLISH_SPOOL_PUBLISH_SPOOL_H_

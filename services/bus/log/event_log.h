// The bus's durable record of every event it has accepted (FORMAT.md).
//
// Durability  Nothing is acknowledged, delivered or folded before Written() has
//             taken its block, which Write() made durable.
// Order       One total order; sequences are dense from 1.
// Threads     Stage*, TakeStaged, Written: one thread, the core. Write: one
//             thread, the disk's. The rest: any thread at any time.
// Errors      After a failed write or sync no write succeeds until the process
//             starts again; reads go on.
#ifndef CONCORDAT_SERVICES_BUS_LOG_EVENT_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_EVENT_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/common/base/ids.h"
#include "services/common/event/commitments.h"
#include "services/common/event/event.h"

namespace concordat::bus {

// A checked event on its way in. Borrows everything.
struct NewEvent {
  const EventView* event = nullptr;
  const Commitments* commitments = nullptr;
  const EventType* type = nullptr;
  absl::Span<const std::string> faults;
};

struct Staged {
  enum class Kind {
    kNew,
    kDuplicate,
    kIdReused,
    kVersionConflict,
    kSetRefused,  // Nothing wrong with it; another event of its set was refused.
    kReadOnly,
  };
  Kind kind = Kind::kNew;
  // Of the event, or of the original; the receipt waits until it is durable.
  Sequence sequence;
  uint64_t accepted_us = 0;
  Digest digest = {};
  // With kVersionConflict: the stream's last sequence.
  Sequence stream_version;
};

// One event read back and opened. Copies keep alive the bytes they borrow.
struct StoredGroup {
  uint32_t number = 0;
  Salt salt = {};
  absl::string_view data;
};
struct StoredEvent {
  Sequence sequence;
  uint64_t accepted_us = 0;
  HeaderView header;
  Salt header_salt = {};
  Digest header_commitment = {};
  // Opens the spine's commitment to the counts; zeroes: its key is not there.
  Salt count_salt = {};
  // Every group of the type; `opened` holds those whose key is there. In place:
  // most types have at most three.
  absl::InlinedVector<View::Commitment, 3> commitments;
  absl::InlinedVector<StoredGroup, 3> opened;
  Digest digest = {};
  std::vector<std::string> faults;
  bus::v1::Environment environment = bus::v1::ENVIRONMENT_UNSPECIFIED;
  // When retention took away all but the spine, or an erasure destroyed the keys,
  // log time; 0: it is whole.
  uint64_t removed_us = 0;
  bool erased = false;                  // By an erasure.
  std::shared_ptr<const void> storage;  // What the views above borrow.
};

// Its message, as far as its groups are opened.
std::string MessageOf(const StoredEvent& event);

// A group commit's events, shared by all who deliver it.
struct EventBlock {
  std::vector<StoredEvent> events;  // Dense, ascending.
};

// A group commit on its way to the disk: encoded and sealed, opaque to callers.
class PendingBlock {
 public:
  virtual ~PendingBlock() = default;
};

// A restore or a cutting repair begins an epoch: what epochs before it had from
// `first` on is not in this log.
struct EpochBegin {
  uint32_t epoch = 0;
  Sequence first;  // The first that it gave, or will give.
};

// What retention took away so far.
struct Removal {
  uint64_t events = 0;
  Sequence through;    // None after this one.
  uint64_t at_us = 0;  // The last time, log time.
};

struct LogStatus {
  std::string log_id;  // 16 bytes.
  uint32_t epoch = 0;
  std::vector<EpochBegin> epochs;  // Ascending; the last is `epoch`.
  Sequence end;                    // Last durable.
  uint64_t bytes = 0;
  uint32_t segments = 0;
  Removal removal;
  bool read_only = false;
  std::string read_only_because;
};

// What a reader looks for. Null: anything.
struct Interest {
  std::function<bool(absl::string_view type)> type;
  const std::set<std::string, std::less<>>* agencies = nullptr;  // Controllers.
  const std::set<PersonKey>* persons = nullptr;
};

// The last event that this log has of those that a log of that id had in
// `epoch`; nothing: it never was in that epoch.
std::optional<Sequence> LastOf(const LogStatus& log, absl::string_view log_id,
                               uint32_t epoch);

// Whether what this log has up to `sequence` is what a log of that id had when
// it was in `epoch`. False: who holds that position is to be told FORKED.
bool IsOfLog(const LogStatus& log, absl::string_view log_id, uint32_t epoch,
             Sequence sequence);

class EventLog {
 public:
  virtual ~EventLog() = default;

  // Judges duplicate and expected version, seals, and stages the events of one
  // atomic set (one event is a set of one): all are new, or none is staged and
  // each says why. Staged events that are not durable yet count in both
  // judgements; an expected version is of the stream as the set found it.
  // `accepted_us` never steps back; the log lifts it if it must. At most
  // kBatchEventsMax events and kBatchBytesMax bytes of groups.
  virtual std::vector<Staged> Stage(absl::Span<const NewEvent> set,
                                    uint64_t accepted_us) = 0;
  virtual size_t staged_bytes() const = 0;
  // The oldest block of what is staged; null when nothing is. Call until null:
  // a block holds at most about a megabyte.
  virtual std::unique_ptr<PendingBlock> TakeStaged() = 0;

  // Writes and syncs. Blocks are written in the order they were taken.
  //   RESOURCE_EXHAUSTED  disk full.  UNAVAILABLE  write or sync failed; the
  //   outcome is unknown. After either, FAILED_PRECONDITION.
  virtual absl::Status Write(PendingBlock& block) = 0;
  // Makes a durable block visible to readers and to judgement after a restart.
  virtual std::shared_ptr<const EventBlock> Written(
      std::unique_ptr<PendingBlock> block) = 0;

  // Events after `after`, oldest first, at least one if there is one, at most
  // about `bytes_max`; from memory when new. Empty at the end. Those that
  // retention removed are there with their header and commitments.
  //   OUT_OF_RANGE  past the end.  DATA_LOSS  a stored block is damaged.
  virtual absl::StatusOr<std::shared_ptr<const EventBlock>> Read(
      Sequence after, size_t bytes_max) const = 0;
  virtual absl::StatusOr<StoredEvent> ReadOne(Sequence sequence) const = 0;
  // From `after` on nothing up to the answer is of interest, as far as that is
  // known without reading it; `after` itself when it is not.
  virtual Sequence SkipFrom(Sequence after, const Interest& interest) const {
    static_cast<void>(interest);
    return after;
  }

  // A stream is its source's own: two sources may have one of the same name, and
  // neither moves the other's version.
  // Ascending, durable ones only, at most `count_max`.
  virtual absl::StatusOr<std::vector<Sequence>> OfStream(
      absl::string_view source, absl::string_view stream, Sequence after,
      size_t count_max) const = 0;
  virtual absl::StatusOr<std::vector<Sequence>> OfPerson(
      const PersonKey& person, Sequence after, Sequence up_to) const = 0;
  // The durable ones that amend others (amends.h), ascending.
  virtual absl::StatusOr<std::vector<Sequence>> Amendments(
      Sequence after) const = 0;
  // The last durable sequence of a stream, 0 for none.
  virtual absl::StatusOr<Sequence> StreamVersion(
      absl::string_view source, absl::string_view stream) const = 0;

  // The durable event with this id, 0 for none.
  virtual absl::StatusOr<Sequence> OfId(absl::string_view source,
                                        absl::string_view id) = 0;

  virtual LogStatus Status() const = 0;  // Any thread.
};

// The last event of `after` to `end` that was accepted before that time; `after`
// itself when none was.
//   as ReadOne.
absl::StatusOr<Sequence> LastBefore(const EventLog& log, uint64_t time_us,
                                    Sequence after, Sequence end);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_EVENT_LOG_H_

// An event as a block holds it: the spine, which stays for ever, and the sealed
// boxes beside it (FORMAT.md, "Event record").
#ifndef CONCORDAT_SERVICES_BUS_LOG_EVENT_RECORD_H_
#define CONCORDAT_SERVICES_BUS_LOG_EVENT_RECORD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/arena.h"
#include "services/bus/log/block.h"
#include "services/bus/log/event_log.h"
#include "services/bus/log/key_ring.h"
#include "services/common/base/random.h"
#include "services/common/crypto/nonce_pool.h"
#include "services/common/event/counts.h"
#include "services/common/evidence/spine.h"

namespace concordat::bus {

// The spine of an event's record, removed or not.  DATA_LOSS
absl::StatusOr<absl::string_view> SpineOfRecord(const Record& record);

// The record of an event of which the spine alone is left.
void AppendRemoved(absl::string_view spine, uint64_t removed_us,
                   std::string& body);

// Seals events and writes their records.
//
// Threads  One at a time.
class EventSealer {
 public:
  // All outlive this.
  EventSealer(KeyRing& keys, Random& random) : keys_(keys), nonces_(random) {}

  struct Place {
    LogId log_id = {};
    v1::Environment environment = v1::ENVIRONMENT_UNSPECIFIED;
    uint32_t epoch = 0;
    Sequence sequence;
    uint64_t accepted_us = 0;
    EventCounts counts;
  };
  // Appends to `body` the records of the keys that are new, then the event's.
  // Returns the salt of its counts.
  Salt Append(const NewEvent& event, const Place& place, std::string& body);

 private:
  // Adds to the box being filled.
  void AddItem(uint32_t group, const Salt& salt, absl::string_view bytes);
  // Seals what was added.
  void SealBox(uint32_t key, const Digest& digest, std::string& body);
  Salt DrawSalt();

  KeyRing& keys_;
  NoncePool nonces_;
  std::string plain_;  // The box being filled.
  std::string rest_;
};

// At most how many bytes Append() adds, keys included.
size_t RecordBytesMax(const NewEvent& event);

// Fills in what a checked event is to those who read it, without the way through
// its record. The strings go into `arena`, which `storage` keeps alive.
void FillStored(const NewEvent& event, const EventSealer::Place& place,
                const Salt& count_salt, Arena& arena,
                std::shared_ptr<const void> storage, StoredEvent& stored);

// Opens records. Expanded keys are kept for the life of this.
class EventOpener {
 public:
  explicit EventOpener(const KeyRing& keys) : keys_(keys) {}
  // Of an event's record, removed or not. The result borrows its bytes and
  // `arena`, which `storage` keeps alive.
  //   DATA_LOSS  the record is malformed, or a box does not open.
  absl::StatusOr<StoredEvent> Open(const Record& record, Arena& arena,
                                   std::shared_ptr<const void> storage);

 private:
  AeadKey* KeyOf(uint32_t id);  // Null: erased.
  // False: malformed.
  static bool TakeItems(absl::string_view plain, Arena& arena,
                        StoredEvent& stored);

  const KeyRing& keys_;
  absl::flat_hash_map<uint32_t, std::unique_ptr<AeadKey>> expanded_;
  std::string plain_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_EVENT_RECORD_H_

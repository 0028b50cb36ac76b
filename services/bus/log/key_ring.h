// The keys that seal events: one base key for a person and one for each of
// their S4 categories; one for a source and month where an event is about
// nobody or carries policy. Each is in the log, wrapped (FORMAT.md, "Key record").
#ifndef CONCORDAT_SERVICES_BUS_LOG_KEY_RING_H_
#define CONCORDAT_SERVICES_BUS_LOG_KEY_RING_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/block.h"
#include "services/bus/log/wrapping_keys.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/crypto/aead.h"
#include "services/common/crypto/nonce_pool.h"

namespace concordat::bus {

// Whose a key is.
struct KeyOwner {
  PersonKey person;          // Empty: of the source and month.
  absl::string_view source;  // With no person.
  uint32_t month = 0;        // With no person: year * 100 + month.
};
inline constexpr uint32_t kCategoriesMax = 16;  // 0 is the base key.

// Threads  The core's calls are one thread's; Find() is for any.
class KeyRing {
 public:
  // `random` outlives this.
  KeyRing(WrappingKeys wrapping, Random& random);

  // Reading at open, in log order. DATA_LOSS: not such a record. A table counts
  // when its last part was read; one whose writing did not end never does.
  absl::Status ReadKey(absl::string_view record);
  absl::Status ReadKeyTable(absl::string_view record);
  // Unwraps what was read, and forgets what the newest table no longer has.
  // FAILED_PRECONDITION: the file lacks a wrapping key, or holds another one of
  // that number. DATA_LOSS: a damaged key.
  absl::Status Unwrap(const LogId& log_id);
  // What was read is wrapped with a key that this was not given.
  bool LacksWrappingKey() const;
  // Those of the key file, which holds more now. The core.
  void UseWrapping(const WrappingKeys& wrapping) { wrapping_ = wrapping; }
  // Those that open nothing any more. The core.
  void ForgetOldWrapping() { wrapping_.ForgetBefore(oldest_wrapping_); }
  size_t size() const;
  // The lowest wrapping key that what was read, or made since, is wrapped with;
  // no lower one opens anything.
  uint32_t oldest_wrapping_key() const { return oldest_wrapping_; }

  // The core: the key's number. A key that is not there yet is made, and its
  // record appended to `body`, which therefore holds it before the first event
  // that needs it.
  uint32_t Ensure(const KeyOwner& owner, uint32_t category, const LogId& log_id,
                  std::string& body);
  // The core: a key of Ensure(), expanded. Valid until the next call.
  AeadKey& ForSealing(uint32_t id);

  // Nothing when the key was erased, or never was.
  std::optional<AeadKeyBytes> Find(uint32_t id) const;
  // When a key was erased, log time; 0: it was not.
  uint64_t ErasedAt(uint32_t id) const;
  // Keys of the person that are there.
  size_t CountOf(const PersonKey& person) const;

  // Appends a table of no keys: a new log's first record, by which a wrong
  // wrapping key is noticed at the next opening.
  void AppendEmptyTable(const LogId& log_id, uint8_t environment,
                        std::string& body);

  struct Rewrapped {
    std::vector<std::string> records;  // The table's parts, in order.
    size_t kept = 0;
    size_t erased = 0;
  };
  // The core. Forgets the keys of these persons for good, wraps all others with
  // the newest of `wrapping`, which wraps new ones from here on, and answers the
  // table that says so. Nothing that was not read back from a log that has the
  // table is rid of them: the caller writes it, and then destroys every wrapping
  // key but that one.
  // Each part has at most about `part_bytes`.
  Rewrapped Rewrap(const WrappingKeys& wrapping,
                   const absl::flat_hash_set<PersonKey>& erase, uint64_t now_us,
                   const LogId& log_id, size_t part_bytes);
  // Of the newest table read; 0 before that.
  uint8_t environment() const { return environment_; }

 private:
  using Numbers = std::array<uint32_t, kCategoriesMax>;
  struct Wrapped {
    uint32_t wrapping_key = 0;
    std::string bound;  // What the wrap is bound to.
    Nonce nonce = {};
    std::string sealed;
  };

  // The keys as a table and the records after it have them.
  struct Book {
    // By person's bytes or by month and source; the base key first.
    absl::flat_hash_map<PersonKey, Numbers> of_person;
    absl::flat_hash_map<std::string, Numbers> of_source;
    absl::flat_hash_map<uint32_t, Wrapped> wrapped;  // Until Unwrap().
    absl::flat_hash_map<uint32_t, uint64_t> erased;  // When, log time.
    uint32_t next_id = 1;
  };

  static absl::Status ReadInto(absl::string_view record, Book& book);
  // Appends a key's record, wrapped, without what a block puts before it.
  void WrapKey(AeadKey& with, const LogId& log_id, absl::string_view fields,
               const AeadKeyBytes& key, std::string& record);
  // One part of a table, as a record of a block.
  void AppendPart(const LogId& log_id, absl::string_view fields,
                  absl::string_view rest, std::string& body);
  absl::Status UnwrapOne(const LogId& log_id, const Wrapped& wrapped,
                         absl::string_view context, std::string& out);

  WrappingKeys wrapping_;
  uint32_t oldest_wrapping_ = 0;
  Random& random_;
  NoncePool nonces_;
  Book book_;
  // A table of which not all parts are read.
  std::unique_ptr<Book> incoming_;  // Null: none.
  uint32_t parts_seen_ = 0;
  bool is_new_table_ = false;  // Read, and not yet unwrapped.
  std::optional<Wrapped> table_check_;
  uint8_t environment_ = 0;
  absl::flat_hash_map<uint32_t, std::unique_ptr<AeadKey>> expanded_;
  uint32_t last_expanded_ = 0;
  AeadKey* last_key_ = nullptr;

  mutable Mutex mu_;
  absl::flat_hash_map<uint32_t, AeadKeyBytes> keys_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<uint32_t, uint64_t> erased_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_KEY_RING_H_

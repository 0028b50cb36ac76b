// Which events have an id, are of a stream, are about a person: of closed
// segments in an IndexStore, of the rest, staged events too, in memory. Spine
// facts alone.
#ifndef CONCORDAT_SERVICES_BUS_LOG_LOG_INDEX_H_
#define CONCORDAT_SERVICES_BUS_LOG_LOG_INDEX_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/index_store.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/event/event.h"

namespace concordat::bus {

// Threads  Any. Errors: UNAVAILABLE, the store's.
class LogIndex {
 public:
  // Of a stream or a person.
  struct Known {
    uint64_t last = 0;  // Sequence, 0 for none.
    uint64_t count = 0;
  };
  // Where an index stands: everything up to and with `sequence`.
  struct Covered {
    uint32_t segment = 0;
    uint64_t sequence = 0;
    std::string hash;  // Of the segment's last block.
  };

  // `store` outlives this.
  explicit LogIndex(IndexStore& store) : store_(store) {}

  // What the store holds. Nothing, when it is empty or of another make.
  absl::StatusOr<Covered> Open();
  // Begins anew with nothing.
  absl::Status Reset();

  // A stream is its source's own: two sources may have one of the same name.
  absl::StatusOr<Known> Stream(absl::string_view source,
                               absl::string_view stream) const;
  // Events that may have this id, newest first; most often none, for the price
  // of one comparison, as most sources' ids only grow.
  absl::StatusOr<std::vector<uint64_t>> WithId(absl::string_view source,
                                               absl::string_view id);
  // The next event, in log order. Returns how many there are now.
  struct Counts {
    uint64_t of_stream = 0;
    uint64_t of_person = 0;
  };
  absl::StatusOr<Counts> Add(uint64_t sequence, const HeaderView& header);

  // Ascending; those in (after, up_to].
  absl::StatusOr<std::vector<Sequence>> OfStream(absl::string_view source,
                                                 absl::string_view stream,
                                                 uint64_t after, uint64_t up_to,
                                                 size_t count_max) const;
  absl::StatusOr<std::vector<Sequence>> OfPerson(const PersonKey& person,
                                                 uint64_t after,
                                                 uint64_t up_to) const;
  // Those that amend others (amends.h).
  absl::StatusOr<std::vector<Sequence>> Amendments(uint64_t after,
                                                   uint64_t up_to) const;

  // Moves a closed segment's events, which Add() was told of, from memory into
  // the store. `each` calls back with every event of the segment, ascending.
  using Visitor = std::function<void(uint64_t sequence, const HeaderView&)>;
  absl::Status Absorb(const Covered& covered,
                      const std::function<absl::Status(const Visitor&)>& each);

 private:
  struct Fact {
    uint64_t before_in_stream = 0;
    uint64_t before_of_person = 0;
    uint64_t id_hash = 0;
    uint64_t before_with_hash = 0;
    Counts counts;
  };

  using Streams = absl::flat_hash_map<std::string, Known>;

  // From memory, else from the store.
  absl::StatusOr<Known> FindStream(absl::string_view source,
                                   absl::string_view stream) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Known> FindPerson(const PersonKey& person) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The place of `key` in `map`, made from the store when it is new there.
  template <typename Map, typename Key, typename StoredAs>
  absl::StatusOr<Known*> Slot(Map& map, const Key& key,
                              const StoredAs& stored_as)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Known> StoredKnown(const std::string& key) const;
  absl::StatusOr<std::string*> FindHighest(absl::string_view source)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CatchUpIds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::vector<Sequence>> Postings(
      const std::string& prefix, std::vector<uint64_t> in_memory,
      uint64_t memory_from, uint64_t after, uint64_t up_to,
      size_t count_max) const;

  IndexStore& store_;

  mutable Mutex mu_;
  // By source, then stream.
  absl::flat_hash_map<std::string, Streams> streams_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<PersonKey, Known> persons_ ABSL_GUARDED_BY(mu_);
  // The highest id of each source.
  absl::flat_hash_map<std::string, std::string> highest_ ABSL_GUARDED_BY(mu_);
  std::deque<Fact> facts_ ABSL_GUARDED_BY(mu_);
  std::deque<uint64_t> amendments_ ABSL_GUARDED_BY(mu_);  // From first_ on.
  uint64_t first_ ABSL_GUARDED_BY(mu_) = 1;  // Sequence of facts_'s first.
  // Last event of each id hash, for facts_ up to ids_through_: made when an id
  // comes that is not its source's highest.
  absl::flat_hash_map<uint64_t, uint64_t> by_id_ ABSL_GUARDED_BY(mu_);
  uint64_t ids_through_ ABSL_GUARDED_BY(mu_) = 0;
};

// Of a source and id: stable, it is stored.
uint64_t IdHash(absl::string_view source, absl::string_view id);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_LOG_INDEX_H_

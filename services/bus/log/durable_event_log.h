// The EventLog over a BlockStore: of segments on a disk, if nothing else is asked
// for.
#ifndef CONCORDAT_SERVICES_BUS_LOG_DURABLE_EVENT_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_DURABLE_EVENT_LOG_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/bus/log/background.h"
#include "services/bus/log/block_store.h"
#include "services/bus/log/chain_log.h"
#include "services/bus/log/compactable_log.h"
#include "services/bus/log/event_log.h"
#include "services/bus/log/event_record.h"
#include "services/bus/log/index_store.h"
#include "services/bus/log/key_ring.h"
#include "services/bus/log/log_index.h"
#include "services/bus/log/recent_spines.h"
#include "services/bus/log/rekeyable_log.h"
#include "services/bus/log/sealed_block.h"
#include "services/bus/log/segment_index.h"
#include "services/bus/log/segment_store.h"
#include "services/bus/log/spine_log.h"
#include "services/bus/log/wrapping_keys.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

struct EventLogOptions {
  v1::Environment environment = v1::ENVIRONMENT_UNSPECIFIED;
  SegmentStoreOptions segments;
  // Null: segments in the log's directory.
  OpenBlockStore blocks = nullptr;
  // Where other processes write the log too: the keys of the key file as they are
  // now. Asked when one of them has changed the wrapping key.
  std::function<absl::StatusOr<WrappingKeys>()> load_wrapping = nullptr;
  // A block is taken for writing when one more set would make it larger.
  size_t block_bytes = size_t{1} << 20;
  // Newest blocks kept opened, for readers near the end.
  size_t recent_bytes = size_t{64} << 20;
};

class DurableEventLog : public EventLog,
                        public ChainLog,
                        public CompactableLog,
                        public RekeyableLog,
                        public SpineLog {
 public:
  // Opens the log, or begins one where there is none. `directory` has its
  // segments and what is drawn out of them; over another store the latter alone.
  // Whoever makes the Directory keeps other processes out. `random` and
  // `directory` outlive this.
  //   DATA_LOSS            damage that is not a torn tail; names segment and
  //                        offset. concordat-log-fsck decides with a person.
  //   FAILED_PRECONDITION  the log is of another environment, or sealed with a
  //                        wrapping key that the file does not hold.
  //   UNIMPLEMENTED        written by a newer program.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED  the disk.
  static absl::StatusOr<std::unique_ptr<DurableEventLog>> Open(
      const EventLogOptions& options, Directory& directory,
      WrappingKeys wrapping, std::unique_ptr<IndexStore> index,
      std::unique_ptr<Background> background, Random& random);

  // A block that another process has written, of which the store knows: readers
  // see it from here on. Its events; none for a block without. By the core's
  // thread, before anything is staged; after an error the log is of no more use.
  // One that ends a key table makes this forget what others have erased, in memory
  // too; oldest_wrapping_key() tells that it came.
  //   FAILED_PRECONDITION  an epoch begins: open the log anew; or as at opening.
  //   DATA_LOSS, UNIMPLEMENTED, UNAVAILABLE
  absl::StatusOr<std::shared_ptr<const EventBlock>> Join(
      const ScannedBlock& block);

  std::vector<Staged> Stage(absl::Span<const NewEvent> set,
                            uint64_t accepted_us) override;
  size_t staged_bytes() const override { return staged_bytes_; }
  std::unique_ptr<PendingBlock> TakeStaged() override;
  absl::Status Write(PendingBlock& block) override;
  std::shared_ptr<const EventBlock> Written(
      std::unique_ptr<PendingBlock> block) override;
  absl::StatusOr<std::shared_ptr<const EventBlock>> Read(
      Sequence after, size_t bytes_max) const override;
  absl::StatusOr<StoredEvent> ReadOne(Sequence sequence) const override;
  Sequence SkipFrom(Sequence after, const Interest& interest) const override;
  absl::StatusOr<std::vector<Sequence>> OfStream(
      absl::string_view source, absl::string_view stream, Sequence after,
      size_t count_max) const override;
  absl::StatusOr<std::vector<Sequence>> OfPerson(const PersonKey& person,
                                                 Sequence after,
                                                 Sequence up_to) const override;
  absl::StatusOr<std::vector<Sequence>> Amendments(
      Sequence after) const override;
  absl::StatusOr<Sequence> StreamVersion(
      absl::string_view source, absl::string_view stream) const override;
  absl::StatusOr<Sequence> OfId(absl::string_view source,
                                absl::string_view id) override;
  LogStatus Status() const override;

  absl::StatusOr<Sequence> ForEachSpine(Sequence after, size_t bytes_max,
                                        const Visit& visit) const override;
  absl::StatusOr<Sequence> FollowSpines(Sequence after, size_t bytes_max,
                                        const Visit& visit) const override;

  void StageLink(const StoredLink& link) override;
  absl::StatusOr<std::optional<StoredLink>> FindLink(
      Sequence sequence, size_t bytes_max,
      const std::function<bool(const StoredLink&)>& accept) const override;

  std::vector<Segment> ClosedBefore(uint64_t accepted_us) const override;
  absl::Status VisitKept(
      uint32_t segment,
      const std::function<void(const EventFacts&)>& visit) const override;
  absl::StatusOr<Outcome> Compact(uint32_t segment, const Keep& keep,
                                  uint64_t now_us) override;

  absl::StatusOr<StagedKeyTable> StageKeyTable(
      const WrappingKeys& wrapping, const absl::flat_hash_set<PersonKey>& erase,
      uint64_t now_us) override;
  size_t KeysOf(const PersonKey& person) const override {
    return keys_.CountOf(person);
  }
  uint32_t oldest_wrapping_key() const override {
    return keys_.oldest_wrapping_key();
  }

 private:
  DurableEventLog(const EventLogOptions& options, WrappingKeys wrapping,
                  std::unique_ptr<IndexStore> index,
                  std::unique_ptr<Background> background, Random& random,
                  Directory& directory);

  //   ABORTED  the index is not one of this log: clear it and open again.
  absl::Status OpenAll(Random& random);
  absl::Status OpenStore(const BlockStore::OpenHooks& hooks);
  absl::Status OpenBlock(const ScannedBlock& block);
  void NoteEpoch(uint32_t epoch, uint64_t first_sequence);
  absl::Status CheckCovered(const ClosedSegment& closed);
  absl::Status Begin(Random& random);
  // The segment's index and spine file, when they are of what follows `start`.
  struct LoadedSegment;
  absl::StatusOr<SegmentIndex> LoadIndex(uint32_t number,
                                         const ChainEnd& start) const;
  // Its head alone.
  absl::StatusOr<SegmentIndex> LoadHead(uint32_t number,
                                        const ChainEnd& start) const;
  absl::StatusOr<LoadedSegment> LoadClosed(uint32_t number,
                                           const ChainEnd& start);
  absl::Status UseLoaded(const LoadedSegment& loaded);

  // What of a closed segment's index tells what its regions hold.
  struct Regions {
    uint64_t end = 0;  // Of the next segment's first event.
    std::vector<BlockPlace> places;
    std::vector<SegmentIndex::Region> regions;
  };
  // Null: not there (yet).
  std::shared_ptr<const Regions> RegionsOf(uint32_t number,
                                           const ChainEnd& start) const;
  // All types of a closed segment: one with none of interest is passed over
  // without its index.
  struct SegmentTypes {
    uint64_t end = 0;  // Of the next segment's first event.
    std::set<std::string> types;
  };
  void NoteTypes(const SegmentIndex& index) const;
  // The end of a segment that is known to hold none of them.
  std::optional<uint64_t> EndWithout(uint32_t number,
                                     const Interest& interest) const;

  struct ToAbsorb {
    ClosedSegment closed;
    bool has_files = false;
  };
  void AbsorbInBackground(ToAbsorb segment);
  // An index of which the head alone was read at opening: made anew when the rest
  // of it is damaged.
  void CheckInBackground(ClosedSegment closed);
  absl::Status Absorb(ToAbsorb& segment);
  absl::Status ReadSpines(const ClosedSegment& closed,
                          const std::function<void(const Spine&)>& visit) const;
  absl::Status WriteClosed(ToAbsorb& segment,
                           const std::function<void(const Spine&)>& visit);

  absl::StatusOr<Staged> Judge(const NewEvent& event);
  void Encode(const NewEvent& event, Staged& staged);
  absl::StatusOr<StoredEvent> FindStagedOrRead(Sequence sequence) const;
  // There is an open block, with room for its header.
  void BeginStaged();
  void CloseStaged();
  void StopWriting(const absl::Status& why);
  // The last that readers may see.
  uint64_t VisibleEnd() const;
  void MakeVisible(std::shared_ptr<const EventBlock> block, size_t bytes);
  // The closed segment, once the index has it.
  std::optional<SegmentIndex> AbsorbedAt(uint32_t segment) const;
  absl::Status UnwrapJoined();
  // Nothing of the log stays opened in memory.
  void ForgetOpened();
  // Nothing that retention removed stays in memory.
  void ForgetSegment(const ClosedSegment& closed);
  absl::StatusOr<std::shared_ptr<const EventBlock>> ReadBlocks(
      uint64_t sequence, size_t bytes_max, uint64_t end) const;

  const EventLogOptions options_;
  Directory& directory_;
  std::unique_ptr<IndexStore> index_store_;
  LogIndex index_;
  KeyRing keys_;
  EventSealer sealer_;
  // Constant after Open().
  LogId log_id_ = {};
  uint32_t epoch_ = 0;
  std::vector<EpochBegin> epochs_;
  std::unique_ptr<BlockStore> store_;
  LogIndex::Covered covered_;  // By the index at open.
  bool covered_found_ = false;

  // The background's thread. Closed segments that the index does not hold yet.
  std::deque<ToAbsorb> to_absorb_;

  // The core's thread.
  uint64_t next_sequence_ = 1;
  uint64_t last_accepted_us_ = 0;
  size_t staged_bytes_ = 0;
  size_t events_expected_ = 0;  // As many as the block before had.
  std::unique_ptr<SealedBlock> open_block_;
  std::deque<std::unique_ptr<SealedBlock>> closed_blocks_;
  // Used again: memory fresh from the system costs more than sealing.
  std::vector<std::string> spare_bytes_;
  RecentSpines recent_spines_;
  // Staged, taken or not, and not yet Written().
  std::deque<std::shared_ptr<const EventBlock>> pending_;

  mutable Mutex mu_;
  // Closed segments that are not in the index yet, or have no files of theirs.
  std::set<uint32_t> unabsorbed_ ABSL_GUARDED_BY(mu_);
  uint64_t end_ ABSL_GUARDED_BY(mu_) = 0;  // VisibleEnd().
  std::deque<std::shared_ptr<const EventBlock>> recent_ ABSL_GUARDED_BY(mu_);
  std::deque<size_t> recent_sizes_ ABSL_GUARDED_BY(mu_);
  size_t recent_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::string read_only_because_ ABSL_GUARDED_BY(mu_);
  // The last block read from a segment: a retry asks for neighbours.
  mutable std::shared_ptr<const EventBlock> last_read_ ABSL_GUARDED_BY(mu_);

  // Newest used last; a reader goes through a segment before the next.
  mutable std::deque<std::pair<uint32_t, std::shared_ptr<const Regions>>>
      regions_ ABSL_GUARDED_BY(mu_);
  // By number; of those whose index was read.
  mutable std::map<uint32_t, SegmentTypes> types_ ABSL_GUARDED_BY(mu_);

  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> background_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_DURABLE_EVENT_LOG_H_

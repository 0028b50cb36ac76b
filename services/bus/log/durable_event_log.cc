#include "services/bus/log/durable_event_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"
#include "services/common/event/commitments.h"

namespace concordat::bus {
namespace {

constexpr size_t kSpareBuffers = 8;

// What decoded blocks borrow.
struct Loaded {
  BlockStore::Blocks blocks;
  Arena arena;
};

// Opens the events `first` to `last` of the blocks.
//   DATA_LOSS
absl::Status OpenEvents(const KeyRing& keys,
                        const std::shared_ptr<Loaded>& loaded, uint64_t first,
                        uint64_t last, EventBlock& into) {
  EventOpener opener(keys);
  for (const BlockStore::Blocks::One& one : loaded->blocks.blocks) {
    RecordReader records(absl::string_view(loaded->blocks.bytes)
                             .substr(one.body_offset, one.body_bytes));
    Record record;
    for (uint64_t at = one.first_sequence; records.Next(record);) {
      if (!IsEvent(record.kind)) continue;
      if (at > last) return absl::OkStatus();
      if (at++ < first) continue;
      absl::StatusOr<StoredEvent> event =
          opener.Open(record, loaded->arena, loaded);
      if (!event.ok()) return event.status();
      if (event->sequence.value + 1 != at) {
        return absl::DataLossError(
            absl::StrCat("event ", at - 1, " is of another place"));
      }
      into.events.push_back(*std::move(event));
    }
  }
  return absl::OkStatus();
}

absl::string_view GroupOf(const NewEvent& event, uint32_t number) {
  for (const auto& group : event.event->groups) {
    if (group.number == number) return group.data;
  }
  return {};
}

// Whether a repeat says what the original said: the same bytes under another
// seed too. Once a group is erased the id alone decides.
bool SaysTheSame(const StoredEvent& original, const NewEvent& event) {
  if (original.digest == event.commitments->digest) return true;
  if (original.opened.size() != original.commitments.size()) return true;
  if (CanonicalForDuplicate(original.header) !=
      CanonicalForDuplicate(event.event->header)) {
    return false;
  }
  return std::all_of(original.opened.begin(), original.opened.end(),
                     [&](const StoredGroup& group) {
                       return group.data == GroupOf(event, group.number);
                     });
}

// The event of a dense block, by its sequence.
const StoredEvent* FindIn(const EventBlock& block, uint64_t sequence) {
  if (block.events.empty()) return nullptr;
  const uint64_t first = block.events.front().sequence.value;
  if (sequence < first || sequence - first >= block.events.size()) {
    return nullptr;
  }
  return &block.events[sequence - first];
}

// The block itself when `sequence` is its first, else its part from there on.
std::shared_ptr<const EventBlock> From(std::shared_ptr<const EventBlock> block,
                                       uint64_t sequence) {
  const uint64_t first = block->events.front().sequence.value;
  if (sequence <= first) return block;
  auto part = std::make_shared<EventBlock>();
  part->events.assign(
      block->events.begin() + static_cast<ptrdiff_t>(sequence - first),
      block->events.end());
  return part;
}

template <typename Blocks>
std::shared_ptr<const EventBlock> BlockWith(const Blocks& blocks,
                                            uint64_t sequence) {
  const auto after = std::partition_point(
      blocks.begin(), blocks.end(), [&](const auto& block) {
        return block->events.front().sequence.value <= sequence;
      });
  if (after == blocks.begin()) return nullptr;
  const auto& block = *std::prev(after);
  return FindIn(*block, sequence) == nullptr ? nullptr : block;
}

// What a reader that is behind goes through one after the other.
constexpr size_t kRegionsKept = 8;

bool MayHold(const SegmentIndex::Region& region, const Interest& interest) {
  if (interest.type != nullptr &&
      std::none_of(region.types.begin(), region.types.end(), interest.type)) {
    return false;
  }
  if (interest.agencies != nullptr &&
      std::none_of(region.agencies.begin(), region.agencies.end(),
                   [&](const std::string& agency) {
                     return interest.agencies->contains(agency);
                   })) {
    return false;
  }
  return interest.persons == nullptr ||
         std::any_of(interest.persons->begin(), interest.persons->end(),
                     [&](const PersonKey& person) {
                       return std::binary_search(region.persons.begin(),
                                                 region.persons.end(), person);
                     });
}

}  // namespace

DurableEventLog::DurableEventLog(const EventLogOptions& options,
                                 WrappingKeys wrapping,
                                 std::unique_ptr<IndexStore> index,
                                 std::unique_ptr<Background> background,
                                 Random& random, Directory& directory)
    : options_(options),
      directory_(directory),
      index_store_(std::move(index)),
      index_(*index_store_),
      keys_(std::move(wrapping), random),
      sealer_(keys_, random),
      background_(std::move(background)) {}

void DurableEventLog::StopWriting(const absl::Status& why) {
  MutexLock lock(mu_);
  if (read_only_because_.empty()) {
    read_only_because_ = std::string(why.message());
  }
}

absl::StatusOr<StoredEvent> DurableEventLog::FindStagedOrRead(
    Sequence sequence) const {
  // A block of producers' signatures alone has no events.
  for (const auto& block : pending_) {
    const StoredEvent* const event = FindIn(*block, sequence.value);
    if (event != nullptr) return *event;
  }
  return ReadOne(sequence);
}

absl::StatusOr<Staged> DurableEventLog::Judge(const NewEvent& event) {
  const HeaderView& header = event.event->header;
  Staged staged;
  absl::StatusOr<std::vector<uint64_t>> candidates =
      index_.WithId(header.source, header.id);
  if (!candidates.ok()) return candidates.status();
  for (const uint64_t sequence : *candidates) {
    absl::StatusOr<StoredEvent> original = FindStagedOrRead({sequence});
    if (!original.ok()) return original.status();
    if (original->header.source != header.source ||
        original->header.id != header.id) {
      continue;  // Another id with the same hash.
    }
    staged.kind = SaysTheSame(*original, event) ? Staged::Kind::kDuplicate
                                                : Staged::Kind::kIdReused;
    staged.sequence = original->sequence;
    staged.accepted_us = original->accepted_us;
    staged.digest = original->digest;
    return staged;
  }
  if (header.expected_version.has_value()) {
    absl::StatusOr<LogIndex::Known> known =
        index_.Stream(header.source, header.stream);
    if (!known.ok()) return known.status();
    if (header.expected_version->value != known->last) {
      staged.kind = Staged::Kind::kVersionConflict;
      staged.stream_version = {known->last};
    }
  }
  return staged;
}

std::vector<Staged> DurableEventLog::Stage(absl::Span<const NewEvent> set,
                                           uint64_t accepted_us) {
  std::vector<Staged> answers(set.size());
  const auto read_only = [&] {
    MutexLock lock(mu_);
    return !read_only_because_.empty();
  };
  bool stopped = read_only();
  bool all_new = true;
  for (size_t i = 0; i < set.size() && !stopped; ++i) {
    absl::StatusOr<Staged> judged = Judge(set[i]);
    if (!judged.ok()) {
      // Whether it is new can no longer be told.
      StopWriting(judged.status());
      stopped = true;
      break;
    }
    answers[i] = *std::move(judged);
    const HeaderView& header = set[i].event->header;
    for (size_t j = 0; j < i && answers[i].kind == Staged::Kind::kNew; ++j) {
      const HeaderView& earlier = set[j].event->header;
      if (earlier.id == header.id && earlier.source == header.source) {
        answers[i].kind = Staged::Kind::kIdReused;
      }
    }
    all_new = all_new && answers[i].kind == Staged::Kind::kNew;
  }
  if (stopped) {
    for (Staged& answer : answers) {
      answer = Staged();
      answer.kind = Staged::Kind::kReadOnly;
    }
    return answers;
  }
  if (!all_new) {
    for (Staged& answer : answers) {
      if (answer.kind == Staged::Kind::kNew) {
        answer.kind = Staged::Kind::kSetRefused;
      }
    }
    return answers;
  }

  size_t bytes_max = 0;
  for (const NewEvent& event : set) bytes_max += RecordBytesMax(event);
  const size_t block_bytes =
      std::min<size_t>(options_.block_bytes, options_.segments.segment_bytes);
  if (open_block_ != nullptr &&
      open_block_->bytes.size() + bytes_max > block_bytes) {
    CloseStaged();
  }
  if (open_block_ == nullptr) BeginStaged();
  const size_t before = open_block_->bytes.size();
  last_accepted_us_ = std::max(last_accepted_us_, accepted_us);
  for (size_t i = 0; i < set.size(); ++i) Encode(set[i], answers[i]);
  staged_bytes_ += open_block_->bytes.size() - before;
  return answers;
}

void DurableEventLog::Encode(const NewEvent& event, Staged& staged) {
  const HeaderView& header = event.event->header;
  EventSealer::Place place;
  place.log_id = log_id_;
  place.environment = options_.environment;
  place.epoch = epoch_;
  place.sequence = {next_sequence_++};
  place.accepted_us = last_accepted_us_;
  const absl::StatusOr<LogIndex::Counts> counts =
      index_.Add(place.sequence.value, header);
  // The index must not fall behind what is staged: nothing is written after.
  if (!counts.ok()) {
    StopWriting(counts.status());
    staged.kind = Staged::Kind::kReadOnly;
    return;
  }
  place.counts = {counts->of_person, counts->of_stream};
  const Salt count_salt = sealer_.Append(event, place, open_block_->bytes);
  FillStored(event, place, count_salt, *open_block_->arena, open_block_->arena,
             open_block_->opened->events.emplace_back());
  staged.sequence = place.sequence;
  staged.accepted_us = place.accepted_us;
  staged.digest = event.commitments->digest;
}

void DurableEventLog::BeginStaged() {
  open_block_ = std::make_unique<SealedBlock>();
  if (!spare_bytes_.empty()) {
    open_block_->bytes = std::move(spare_bytes_.back());
    spare_bytes_.pop_back();
  }
  open_block_->bytes.resize(kBlockHeaderBytes);
  open_block_->opened->events.reserve(events_expected_);
  pending_.push_back(open_block_->opened);
}

void DurableEventLog::CloseStaged() {
  events_expected_ = open_block_->opened->events.size();
  closed_blocks_.push_back(std::move(open_block_));
}

std::unique_ptr<PendingBlock> DurableEventLog::TakeStaged() {
  if (closed_blocks_.empty() && open_block_ != nullptr) CloseStaged();
  if (closed_blocks_.empty()) return nullptr;
  std::unique_ptr<SealedBlock> block = std::move(closed_blocks_.front());
  closed_blocks_.pop_front();
  staged_bytes_ -= block->bytes.size() - kBlockHeaderBytes;
  return block;
}

absl::Status DurableEventLog::Write(PendingBlock& pending) {
  SealedBlock& block = static_cast<SealedBlock&>(pending);
  {
    MutexLock lock(mu_);
    if (!read_only_because_.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the log takes no writes: ", read_only_because_));
    }
  }
  const std::vector<StoredEvent>& events = block.opened->events;
  CONCORDAT_CHECK(events.empty() ||
                  events.front().sequence.value == store_->end().next_sequence);
  const size_t size = block.bytes.size();
  absl::Status status = store_->Append(
      log_id_, epoch_, static_cast<uint32_t>(events.size()), block.bytes);
  if (status.ok()) {
    // Here, on the disk's thread: the core's has enough to do.
    absl::StatusOr<SpinesOfBlock> spines =
        CopySpines(absl::string_view(block.bytes)
                       .substr(0, size)
                       .substr(kBlockHeaderBytes),
                   events.empty() ? 0 : events.front().sequence.value);
    if (spines.ok()) block.spines = *std::move(spines);
    return absl::OkStatus();
  }
  StopWriting(status);
  if (absl::IsResourceExhausted(status)) return status;
  return absl::UnavailableError(status.message());
}

std::shared_ptr<const EventBlock> DurableEventLog::Written(
    std::unique_ptr<PendingBlock> pending) {
  const std::unique_ptr<SealedBlock> block(
      static_cast<SealedBlock*>(pending.release()));
  if (block->ends_key_table) ForgetOpened();
  CONCORDAT_CHECK(!pending_.empty() && pending_.front() == block->opened);
  std::shared_ptr<const EventBlock> opened = std::move(pending_.front());
  pending_.pop_front();
  recent_spines_.Add(std::move(block->spines));
  if (spare_bytes_.size() < kSpareBuffers) {
    block->bytes.clear();
    spare_bytes_.push_back(std::move(block->bytes));
  }
  if (!opened->events.empty()) MakeVisible(opened, block->arena->bytes());
  return opened;
}

uint64_t DurableEventLog::VisibleEnd() const {
  MutexLock lock(mu_);
  return end_;
}

void DurableEventLog::MakeVisible(std::shared_ptr<const EventBlock> block,
                                  size_t bytes) {
  bytes += block->events.size() * sizeof(StoredEvent);
  MutexLock lock(mu_);
  end_ = block->events.back().sequence.value;
  recent_.push_back(std::move(block));
  recent_sizes_.push_back(bytes);
  recent_bytes_ += bytes;
  while (recent_bytes_ > options_.recent_bytes && recent_.size() > 1) {
    recent_bytes_ -= recent_sizes_.front();
    recent_.pop_front();
    recent_sizes_.pop_front();
  }
}

absl::StatusOr<std::shared_ptr<const EventBlock>> DurableEventLog::Join(
    const ScannedBlock& block) {
  CONCORDAT_CHECK(pending_.empty());
  if (block.header.epoch != epoch_) {
    return absl::FailedPreconditionError("an epoch of the log begins");
  }
  absl::Status status = OpenBlock(block);
  if (status.ok()) status = UnwrapJoined();
  if (!status.ok()) return status;
  auto loaded = std::make_shared<Loaded>();
  loaded->blocks.bytes = std::string(block.body);
  loaded->blocks.blocks.push_back({block.header.first_sequence,
                                   block.header.event_count, 0,
                                   block.body.size()});
  auto events = std::make_shared<EventBlock>();
  status = OpenEvents(keys_, loaded, block.header.first_sequence, UINT64_MAX,
                      *events);
  if (!status.ok()) return status;
  next_sequence_ += block.header.event_count;
  if (!events->events.empty()) MakeVisible(events, block.body.size());
  return events;
}

absl::StatusOr<std::shared_ptr<const EventBlock>> DurableEventLog::Read(
    Sequence after, size_t bytes_max) const {
  uint64_t end = 0;
  {
    MutexLock lock(mu_);
    end = end_;
    if (after.value > end) {
      return absl::OutOfRangeError(
          absl::StrCat("after ", after.value, ", but the end is ", end));
    }
    if (after.value == end) return std::make_shared<const EventBlock>();
    std::shared_ptr<const EventBlock> block =
        BlockWith(recent_, after.value + 1);
    if (block != nullptr) return From(std::move(block), after.value + 1);
  }
  return ReadBlocks(after.value + 1, bytes_max, end);
}

absl::StatusOr<std::shared_ptr<const EventBlock>> DurableEventLog::ReadBlocks(
    uint64_t sequence, size_t bytes_max, uint64_t end) const {
  auto loaded = std::make_shared<Loaded>();
  absl::StatusOr<BlockStore::Blocks> blocks = store_->Read(sequence, bytes_max);
  if (!blocks.ok()) return blocks.status();
  loaded->blocks = *std::move(blocks);
  auto result = std::make_shared<EventBlock>();
  absl::Status status = OpenEvents(keys_, loaded, sequence, end, *result);
  if (!status.ok()) return status;
  return result;
}

std::shared_ptr<const DurableEventLog::Regions> DurableEventLog::RegionsOf(
    uint32_t number, const ChainEnd& start) const {
  {
    MutexLock lock(mu_);
    for (const auto& [of, regions] : regions_) {
      if (of == number) return regions;
    }
  }
  absl::StatusOr<SegmentIndex> index = LoadIndex(number, start);
  // What is damaged or missing is read whole instead.
  if (!index.ok()) return nullptr;
  NoteTypes(*index);
  auto regions = std::make_shared<Regions>();
  regions->end = index->closed.end.next_sequence;
  regions->places = std::move(index->closed.places);
  regions->regions = std::move(index->regions);
  MutexLock lock(mu_);
  regions_.emplace_back(number, regions);
  if (regions_.size() > kRegionsKept) regions_.pop_front();
  return regions;
}

void DurableEventLog::NoteTypes(const SegmentIndex& index) const {
  SegmentTypes types{index.closed.end.next_sequence,
                     {index.types.begin(), index.types.end()}};
  MutexLock lock(mu_);
  types_.emplace(index.closed.number, std::move(types));
}

std::optional<uint64_t> DurableEventLog::EndWithout(
    uint32_t number, const Interest& interest) const {
  if (interest.type == nullptr) return std::nullopt;
  MutexLock lock(mu_);
  const auto found = types_.find(number);
  if (found == types_.end() ||
      std::any_of(found->second.types.begin(), found->second.types.end(),
                  interest.type)) {
    return std::nullopt;
  }
  return found->second.end;
}

Sequence DurableEventLog::SkipFrom(Sequence after,
                                   const Interest& interest) const {
  const auto closed = store_->ClosedWith(after.value + 1);
  if (!closed.has_value()) return after;
  const auto end = EndWithout(closed->first, interest);
  if (end.has_value()) return {*end - 1};
  const auto regions = RegionsOf(closed->first, closed->second);
  if (regions == nullptr) return after;
  const std::vector<BlockPlace>& places = regions->places;
  auto place = std::partition_point(
      places.begin(), places.end(), [&](const BlockPlace& one) {
        return one.first_sequence <= after.value + 1;
      });
  if (place == places.begin()) return after;
  for (--place; place != places.end(); ++place) {
    if (MayHold(regions->regions[place->offset / kRegionBytes], interest)) {
      return {std::max(after.value, place->first_sequence - 1)};
    }
  }
  return {regions->end - 1};
}

absl::StatusOr<StoredEvent> DurableEventLog::ReadOne(Sequence sequence) const {
  uint64_t end = 0;
  {
    MutexLock lock(mu_);
    end = end_;
    if (sequence.value == 0 || sequence.value > end) {
      return absl::OutOfRangeError(
          absl::StrCat(sequence.value, " is not in 1 to ", end));
    }
    std::shared_ptr<const EventBlock> block =
        BlockWith(recent_, sequence.value);
    if (block == nullptr) block = last_read_;
    if (block != nullptr) {
      const StoredEvent* event = FindIn(*block, sequence.value);
      if (event != nullptr) return *event;
    }
  }
  absl::StatusOr<std::shared_ptr<const EventBlock>> block =
      ReadBlocks(sequence.value, 1, end);
  if (!block.ok()) return block.status();
  MutexLock lock(mu_);
  last_read_ = *std::move(block);
  return last_read_->events.front();
}

absl::StatusOr<std::vector<Sequence>> DurableEventLog::OfStream(
    absl::string_view source, absl::string_view stream, Sequence after,
    size_t count_max) const {
  return index_.OfStream(source, stream, after.value, Status().end.value,
                         count_max);
}

absl::StatusOr<std::vector<Sequence>> DurableEventLog::OfPerson(
    const PersonKey& person, Sequence after, Sequence up_to) const {
  return index_.OfPerson(person, after.value,
                         std::min(up_to.value, Status().end.value));
}

absl::StatusOr<std::vector<Sequence>> DurableEventLog::Amendments(
    Sequence after) const {
  return index_.Amendments(after.value, Status().end.value);
}

absl::StatusOr<Sequence> DurableEventLog::StreamVersion(
    absl::string_view source, absl::string_view stream) const {
  // Staged events count in the index and not here.
  absl::StatusOr<LogIndex::Known> known = index_.Stream(source, stream);
  if (!known.ok()) return known.status();
  const uint64_t end = Status().end.value;
  if (known->last <= end) return Sequence{known->last};
  absl::StatusOr<std::vector<Sequence>> all =
      index_.OfStream(source, stream, 0, end, SIZE_MAX);
  if (!all.ok()) return all.status();
  return all->empty() ? Sequence{0} : all->back();
}

absl::StatusOr<Sequence> DurableEventLog::OfId(absl::string_view source,
                                               absl::string_view id) {
  const absl::StatusOr<std::vector<uint64_t>> candidates =
      index_.WithId(source, id);
  if (!candidates.ok()) return candidates.status();
  const uint64_t end = Status().end.value;
  for (const uint64_t sequence : *candidates) {
    if (sequence > end) continue;
    const absl::StatusOr<StoredEvent> event = ReadOne({sequence});
    if (!event.ok()) return event.status();
    if (event->header.source == source && event->header.id == id) {
      return event->sequence;
    }
  }
  return Sequence();
}

LogStatus DurableEventLog::Status() const {
  LogStatus status;
  status.log_id = std::string(AsView(log_id_));
  status.epoch = epoch_;
  status.epochs = epochs_;
  const BlockStore::Extent extent = store_->extent();
  status.bytes = extent.bytes;
  status.segments = extent.segments;
  status.removal = extent.removal;
  MutexLock lock(mu_);
  status.end = {end_};
  status.read_only = !read_only_because_.empty();
  status.read_only_because = read_only_because_;
  return status;
}

}  // namespace concordat::bus

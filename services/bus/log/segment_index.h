// What is written beside a segment when it has taken its last block: the spine
// file, which outlives the segment's payloads, and the index, by which a log
// opens without reading its closed segments (FORMAT.md).
#ifndef CONCORDAT_SERVICES_BUS_LOG_SEGMENT_INDEX_H_
#define CONCORDAT_SERVICES_BUS_LOG_SEGMENT_INDEX_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/block_store.h"
#include "services/bus/log/event_record.h"

namespace concordat::bus {

std::string SpineFileName(uint32_t segment);
std::string SegmentIndexName(uint32_t segment);

struct SegmentIndex {
  // What a region of kRegionBytes holds, by the blocks that begin in it; what is
  // removed nobody looks for.
  struct Region {
    std::vector<std::string> types;  // Each list sorted.
    std::vector<std::string> agencies;
    std::vector<PersonKey> persons;
  };

  // The head, which opening a log needs.
  LogId log_id = {};
  ClosedSegment closed;
  uint64_t last_accepted_us = 0;
  // Of all its events that are not removed; sorted.
  std::vector<std::string> types;
  // Key and key-table records, in order.
  std::vector<std::pair<RecordKind, std::string>> keys;

  std::vector<Region> regions;
};

//   DATA_LOSS  not an index, or damaged: read the segment instead.
absl::StatusOr<SegmentIndex> DecodeSegmentIndex(absl::string_view bytes);
std::string EncodeSegmentIndex(const SegmentIndex& index);

// How many bytes of an index its head takes, as its first kHeadLengthBytes say.
inline constexpr size_t kHeadLengthBytes = 8;
//   DATA_LOSS  not an index.
absl::StatusOr<uint32_t> SegmentHeadBytes(absl::string_view bytes);
// The head alone, of which `bytes` begins with all.
//   DATA_LOSS  not an index, or its head is damaged.
absl::StatusOr<SegmentIndex> DecodeSegmentHead(absl::string_view bytes);

// Calls `visit` with each spine of a spine file, once the file is known to be
// whole.  DATA_LOSS, and what `visit` answers.
absl::Status VisitSpines(
    absl::string_view file,
    const std::function<absl::Status(const Spine&)>& visit);

// Gathers both files from a segment's blocks.
class SegmentIndexBuilder {
 public:
  explicit SegmentIndexBuilder(const ClosedSegment& closed);
  // Calls `visit` with each event's spine.
  //   DATA_LOSS  a spine that is none.
  absl::Status Add(const ScannedBlock& block,
                   const std::function<void(const Spine&)>& visit);
  SegmentIndex Finish();
  std::string TakeSpines();

 private:
  SegmentIndex index_;
  std::string spines_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_SEGMENT_INDEX_H_

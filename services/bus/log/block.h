// A block, the unit of group commit: a header of fixed size and a body of
// records (FORMAT.md). One that was compacted has lost boxes of some of its
// events and keeps the hash that it was written with. PURE.
#ifndef CONCORDAT_SERVICES_BUS_LOG_BLOCK_H_
#define CONCORDAT_SERVICES_BUS_LOG_BLOCK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {

using LogId = std::array<uint8_t, 16>;

inline constexpr size_t kBlockHeaderBytes = 96;
inline constexpr size_t kRecordHeadBytes = 5;
// The first four bytes of a block. Not printable, so that no field that a
// publisher chooses can hold them.
inline constexpr uint32_t kBlockMagic = 0x014CDCC0;
inline constexpr uint16_t kBlockFormat = 1;
inline constexpr uint16_t kCompactedFormat = 2;

struct BlockHeader {
  bool compacted = false;
  LogId log_id = {};
  uint32_t epoch = 0;
  uint32_t event_count = 0;
  uint64_t first_sequence = 0;  // Of its first event, or of the next to come.
  uint64_t synced_through = 0;  // Was durable when this block was written.
  uint32_t body_bytes = 0;
  uint32_t body_crc = 0;
  Sha256Hash previous = {};  // Of the whole block before; zero in the first.
};

enum class RecordKind : uint8_t {
  kEvent = 1,
  kKey = 2,
  kKeyTable = 3,
  kProducerSignature = 4,  // A link of a producer's chain.
  kWitness = 5,            // Reserved.
  kCompaction = 6,         // First in a compacted block, and there alone.
  kRemovedEvent = 7,       // Its spine alone is left.
};

constexpr bool IsEvent(RecordKind kind) {
  return kind == RecordKind::kEvent || kind == RecordKind::kRemovedEvent;
}

// Writes kBlockHeaderBytes at `out`.
void EncodeBlockHeader(const BlockHeader& header, char* out);

// `bytes` holds kBlockHeaderBytes or more.
//   DATA_LOSS  not a header, or damaged.  UNIMPLEMENTED  a newer format.
absl::StatusOr<BlockHeader> DecodeBlockHeader(absl::string_view bytes);

// How a compacted block came to be.
struct Compaction {
  Sha256Hash hash = {};  // Of the whole block as it was written.
  uint64_t at_us = 0;    // When it was compacted last, log time.
  uint32_t removed = 0;  // Events in it whose boxes are gone.
};
void AppendCompaction(const Compaction& compaction, std::string& body);
//   DATA_LOSS  the body of a compacted block does not begin with it.
absl::StatusOr<Compaction> CompactionOf(absl::string_view body);

// What the block after this one names as the one before: the hash of header and
// body as they were written.  DATA_LOSS
absl::StatusOr<Sha256Hash> HashOfBlock(const BlockHeader& header,
                                       absl::string_view whole);

//   DATA_LOSS  `body` is not the one of `header`.
absl::Status CheckBlockBody(const BlockHeader& header, absl::string_view body);

// Appends the head of a record whose bytes the caller appends next, and fills
// in their count afterwards.
size_t BeginRecord(RecordKind kind, std::string& body);
void EndRecord(size_t begun, std::string& body);

struct Record {
  RecordKind kind = RecordKind::kEvent;
  absl::string_view bytes;
};

// Goes through the records of a body.
class RecordReader {
 public:
  explicit RecordReader(absl::string_view body) : rest_(body) {}
  // False at the end and on damage; damaged() tells them apart.
  bool Next(Record& record);
  bool damaged() const { return damaged_; }

 private:
  absl::string_view rest_;
  bool damaged_ = false;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_BLOCK_H_

#include "services/bus/log/block_store.h"

#include "services/common/base/check.h"
#include "services/common/crypto/crc32c.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {

void AddPlace(std::vector<BlockPlace>& places, uint64_t first_sequence,
              uint64_t offset) {
  if (places.empty() ||
      offset / kRegionBytes != places.back().offset / kRegionBytes) {
    places.push_back({first_sequence, offset});
  }
}

BlockHeader CompleteHeader(const ChainEnd& end, const LogId& log_id,
                           uint32_t epoch, uint32_t event_count,
                           std::string& block) {
  CONCORDAT_CHECK(block.size() >= kBlockHeaderBytes);
  const absl::string_view body =
      absl::string_view(block).substr(kBlockHeaderBytes);
  BlockHeader header;
  header.log_id = log_id;
  header.epoch = epoch;
  header.event_count = event_count;
  header.first_sequence = end.next_sequence;
  header.synced_through = end.next_sequence - 1;
  header.body_bytes = static_cast<uint32_t>(body.size());
  header.body_crc = Crc32c(body);
  header.previous = end.hash;
  EncodeBlockHeader(header, block.data());
  return header;
}

ChainEnd EndAfter(const BlockHeader& header, absl::string_view block) {
  return {header.log_id, header.epoch,
          header.first_sequence + header.event_count, header.synced_through,
          Sha256::Of(block)};
}

absl::StatusOr<std::optional<uint64_t>> BlockStore::Compact(
    const ClosedSegment&, Compactor&, const std::function<absl::Status()>&) {
  return absl::UnimplementedError("this store keeps everything");
}

}  // namespace concordat::bus

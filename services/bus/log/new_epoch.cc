#include "services/bus/log/new_epoch.h"

#include <algorithm>
#include <limits>
#include <string>

#include "services/bus/log/block.h"
#include "services/bus/log/durable_mark.h"
#include "services/bus/log/segment_store.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {

uint32_t NextEpoch(uint32_t previous, absl::Time now) {
  const int64_t second = std::clamp<int64_t>(
      absl::ToUnixSeconds(now), 0, std::numeric_limits<uint32_t>::max());
  return std::max(previous + 1, static_cast<uint32_t>(second));
}

absl::Status BeginEpoch(Directory& directory, uint32_t segment, uint64_t offset,
                        const ChainEnd& end, uint32_t epoch,
                        absl::string_view records) {
  absl::StatusOr<std::unique_ptr<File>> file =
      directory.Open(SegmentName(segment));
  if (!file.ok()) return file.status();
  std::string block(kBlockHeaderBytes, '\0');
  BlockHeader header;
  header.log_id = *end.log_id;
  header.epoch = epoch;
  header.first_sequence = end.next_sequence;
  header.synced_through = end.next_sequence - 1;
  header.body_bytes = static_cast<uint32_t>(records.size());
  header.body_crc = Crc32c(records);
  header.previous = end.hash;
  EncodeBlockHeader(header, block.data());
  block.append(records.data(), records.size());
  absl::Status status = (*file)->Write(offset, block);
  if (status.ok()) status = (*file)->Sync();
  if (!status.ok()) return status;
  return ReplaceWhole(
      directory, kDurableMarkName,
      EncodeDurableMark({*end.log_id, epoch, segment, offset + block.size(),
                         end.next_sequence - 1}));
}

}  // namespace concordat::bus

// How far the log is known to be durable, beside the log: what tells a torn
// tail, which nobody was told of, from damage to the last acknowledged block.
// Written after each sync and never synced itself: it may lag behind the truth,
// never run ahead of it.
#ifndef CONCORDAT_SERVICES_BUS_LOG_DURABLE_MARK_H_
#define CONCORDAT_SERVICES_BUS_LOG_DURABLE_MARK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/block.h"
#include "services/bus/log/segment_scan.h"

namespace concordat::bus {

inline constexpr absl::string_view kDurableMarkName = "durable";

struct DurableMark {
  LogId log_id = {};
  uint32_t epoch = 0;
  uint32_t segment = 0;
  uint64_t end_offset = 0;
  uint64_t last_sequence = 0;
};

std::string EncodeDurableMark(const DurableMark& mark);
// Nothing: not a mark.
std::optional<DurableMark> DecodeDurableMark(absl::string_view bytes);

// Whether the log, which ends at `offset` of `segment` because of `what`, has all
// that the mark tells of. A damaged mark only loses what it adds to the blocks' own
// word.
//   DATA_LOSS
absl::Status CheckDurableMark(absl::string_view mark_bytes, const ChainEnd& end,
                              uint32_t segment, uint64_t offset,
                              absl::string_view what);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_DURABLE_MARK_H_

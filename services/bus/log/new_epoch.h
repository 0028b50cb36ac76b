// How an epoch begins: with an empty block of its number, after what is kept.
#ifndef CONCORDAT_SERVICES_BUS_LOG_NEW_EPOCH_H_
#define CONCORDAT_SERVICES_BUS_LOG_NEW_EPOCH_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/bus/log/segment_scan.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

// The second it begins in, so that two restores of one backup never begin the
// same one; and more than `previous`, whatever the clock says.
uint32_t NextEpoch(uint32_t previous, absl::Time now);

// Writes the block, with these records, at `offset` of the segment, where `end`
// is, and the durable mark behind it; durable when this returns.
//   NOT_FOUND  no such segment.  UNAVAILABLE, RESOURCE_EXHAUSTED
absl::Status BeginEpoch(Directory& directory, uint32_t segment, uint64_t offset,
                        const ChainEnd& end, uint32_t epoch,
                        absl::string_view records = "");

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_NEW_EPOCH_H_

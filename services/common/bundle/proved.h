// What a file that shows something has of a tree: an evidence bundle and a s.62
// extract are checked by the same code. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_BUNDLE_PROVED_H_
#define CONCORDAT_SERVICES_COMMON_BUNDLE_PROVED_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/access/v1/bundle.pb.h"
#include "concordat/access/v1/records.pb.h"
#include "google/protobuf/repeated_field.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"

namespace concordat {

// That the leaf with this hash is in the tree at `index`.
//   DATA_LOSS         the proof leads elsewhere, or its hashes are none.
//   INVALID_ARGUMENT  it is not one for that leaf and that size.
absl::Status CheckProved(
    const Checkpoint& tree, uint64_t index, const TreeHash& leaf,
    const google::protobuf::RepeatedPtrField<std::string>& proof);

// The record of an access log, which is in the tree over it.
//   As CheckProved; DATA_LOSS also when it cannot be read. Names the record.
absl::StatusOr<access::v1::Record> OpenProved(
    const Checkpoint& tree, const access::v1::BundledRecord& record);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUNDLE_PROVED_H_

// The spine of an event, as the log holds it (services/bus/FORMAT.md, "Event
// record"), and the leaf that it is in the log's tree. PURE.
//
// The leaf is the spine without what a view may withhold: onbehalfof,
// correlation and causation, which the header group's commitment stands for, and
// the traceparent, which is nobody's. So whoever may see the event at all can be
// given its leaf, whole, and check that it is in the tree; and the leaf tells the
// event's digest, which it can recompute from what it was shown.
#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_SPINE_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_SPINE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/ids.h"
#include "services/common/event/event.h"

namespace concordat {

inline constexpr uint8_t kSpineVersion = 1;
inline constexpr size_t kSpineBytesMax = 1536;

struct Spine {
  bus::v1::Environment environment = bus::v1::ENVIRONMENT_UNSPECIFIED;
  uint32_t epoch = 0;
  Sequence sequence;
  uint64_t accepted_us = 0;
  Digest digest = {};
  Digest count_commitment = {};
  Digest header_commitment = {};
  absl::InlinedVector<View::Commitment, 3> commitments;  // Of every group.
  HeaderView header;                                     // Borrows the bytes.
};

// Of a spine or a leaf.
//   DATA_LOSS  not one.
absl::StatusOr<Spine> DecodeSpine(absl::string_view bytes);

// The leaf of a spine: the spine itself, or `buffer`, which it fills.
//   DATA_LOSS  not a spine.
absl::StatusOr<absl::string_view> LeafOfSpine(absl::string_view spine,
                                              std::string& buffer);

// That the digest is the one of header and commitments: nothing that the leaf
// says of the event was changed since its producer made it.
//   DATA_LOSS
absl::Status CheckDigest(const Spine& spine);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_SPINE_H_

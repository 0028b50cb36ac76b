// Salts, commitments and the digest that binds an event (DESIGN 3). PURE.
//
//   salt_g   = HMAC-SHA-256(seed, g)[0..16), g one byte; 255 is the header group
//   commit_g = SHA-256("concordat/group/1" ‖ salt_g ‖ g ‖ bytes)
//   digest   = SHA-256("concordat/event/1" ‖ canonical header ‖ commits)
//
// The canonical header has a fixed order with strings written out and no
// traceparent; the header group (on_behalf_of, correlation, causation) stands
// in it by its commitment.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_COMMITMENTS_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_COMMITMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat {

inline constexpr uint32_t kHeaderGroup = 255;

struct Commitments {
  Salt header_salt = {};
  Digest header = {};
  // One for each group of the type, in the type's order, empty ones too.
  std::array<Salt, kGroupsMax> salts = {};
  std::array<Digest, kGroupsMax> groups = {};
  uint32_t group_count = 0;
  Digest digest = {};
};

Salt SaltOf(const Seed& seed, uint32_t group);
Digest CommitGroup(const Salt& salt, uint32_t group, absl::string_view bytes);

// Everything from the seed, in one call: the hot path.
Commitments Commit(const HeaderView& header, const EventType& type,
                   const std::vector<BasicGroup<absl::string_view>>& groups,
                   const Seed& seed);

// The canonical header without recordedtime's and without the ids' part that
// de-duplication must not compare: equal for two events that say the same.
std::string CanonicalForDuplicate(const HeaderView& header);

// Recomputes the digest from what a recipient was shown and the commitments of
// what it was not.
//   INVALID_ARGUMENT  the view lacks a group or a commitment.
absl::StatusOr<Digest> DigestOfView(const View& view);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_COMMITMENTS_H_

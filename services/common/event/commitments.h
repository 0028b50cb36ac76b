// Salts, commitments and the digest that binds an event (DESIGN 3). PURE.
//
//   salt_g   = SHA-256("concordat/salt/1" ‖ seed ‖ g)[0..16)
//   commit_g = SHA-256("concordat/group/1" ‖ salt_g ‖ g ‖ bytes)
//   digest   = SHA-256("concordat/event/1" ‖ canonical header ‖ commits)
//   g          one byte, 255 for the header group
// `commits` are those of every group of the type, ascending, empty groups too.
// The canonical header is, in this order, numbers little-endian, str a u16 of
// the length and the bytes:
//
//   str  source, type, controller, purpose, gateway, id
//   str  subject: 16 bytes, or none
//   str  stream
//   u8   1 when expected_version is there, else 0;  u64 its value, or 0
//   u64  time, recorded_time, effective_time, microseconds
//   u8   time_precision, regime, basis, classification, as numbered in
//        concordat/bus/v1/event.proto
//   str  subject_role, corrects, retracts
//   32   commit_255, of the header group: str on_behalf_of, correlation,
//        causation
//
// The traceparent is not in it: whoever carries an event may change that.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_COMMITMENTS_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_COMMITMENTS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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

// Everything from the seed, in one call: the hot path. `groups` ascend, and are
// groups of the type (EventType::Check() has passed them).
Commitments Commit(const HeaderView& header, const EventType& type,
                   GroupViews groups, const Seed& seed);

// The canonical header with recorded_time 0 and the header group written out in
// the place of its commitment: equal for two headers that say the same,
// whatever their seeds.
std::string CanonicalForDuplicate(const HeaderView& header);

// Recomputes the digest from what a recipient was shown and the commitments of
// what it was not. A view that lacks a commitment gives another digest.
//   INVALID_ARGUMENT  the header group is neither shown nor committed to, or a
//                     group is there twice.
absl::StatusOr<Digest> DigestOfView(const View& view);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_COMMITMENTS_H_

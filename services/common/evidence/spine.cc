#include "services/common/evidence/spine.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"
#include "services/common/event/codec.h"
#include "services/common/event/commitments.h"

namespace concordat {
namespace {

// Of the fixed part, before the commitments of the groups.
constexpr size_t kFixedBytes = 120;
constexpr size_t kGroupsAt = 2;
constexpr size_t kCommitmentBytes = 1 + sizeof(Digest);

absl::Status Malformed() { return absl::DataLossError("spine is malformed"); }

// Fields of concordat.bus.v1.Header that are not in the leaf.
bool IsLeftOut(uint64_t field) {
  constexpr uint64_t kOnBehalfOf = 18;
  constexpr uint64_t kCausation = 20;
  constexpr uint64_t kTraceparent = 23;
  return (field >= kOnBehalfOf && field <= kCausation) || field == kTraceparent;
}

std::optional<uint64_t> TakeVarint(absl::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

struct Field {
  uint64_t number = 0;
  absl::string_view bytes;  // With its tag.
};
// False: `header` is damaged.
bool TakeField(absl::string_view& header, Field& field) {
  constexpr uint64_t kVarint = 0;
  constexpr uint64_t kFixed64 = 1;
  constexpr uint64_t kBytes = 2;
  absl::string_view rest = header;
  const std::optional<uint64_t> tag = TakeVarint(rest);
  if (!tag.has_value()) return false;
  uint64_t skip = 0;
  if (*tag % 8 == kVarint) {
    if (!TakeVarint(rest).has_value()) return false;
  } else if (*tag % 8 == kFixed64) {
    skip = sizeof(uint64_t);
  } else if (*tag % 8 == kBytes) {
    const std::optional<uint64_t> length = TakeVarint(rest);
    if (!length.has_value()) return false;
    skip = *length;
  } else {
    return false;
  }
  if (skip > rest.size()) return false;
  rest.remove_prefix(skip);
  field.number = *tag / 8;
  field.bytes = header.substr(0, header.size() - rest.size());
  header = rest;
  return true;
}

}  // namespace

absl::StatusOr<Spine> DecodeSpine(absl::string_view bytes) {
  ByteReader in(bytes);
  if (in.Number<uint8_t>() != kSpineVersion) {
    return absl::DataLossError("spine has another version");
  }
  Spine spine;
  spine.environment = static_cast<bus::v1::Environment>(in.Number<uint8_t>());
  const uint8_t groups = in.Number<uint8_t>();
  in.Number<uint8_t>();
  spine.epoch = in.Number<uint32_t>();
  spine.sequence.value = in.Number<uint64_t>();
  spine.accepted_us = in.Number<uint64_t>();
  spine.digest = in.Array<sizeof(Digest)>();
  spine.count_commitment = in.Array<sizeof(Digest)>();
  spine.header_commitment = in.Array<sizeof(Digest)>();
  if (groups > kGroupsMax) return Malformed();
  spine.commitments.reserve(groups);
  for (uint8_t i = 0; i < groups; ++i) {
    const uint32_t number = in.Number<uint8_t>();
    spine.commitments.push_back({number, in.Array<sizeof(Digest)>()});
  }
  if (!in.ok()) return Malformed();
  absl::StatusOr<HeaderView> header = DecodeHeader(in.rest());
  if (!header.ok()) {
    return absl::DataLossError(
        absl::StrCat("spine's header: ", header.status().message()));
  }
  spine.header = *std::move(header);
  return spine;
}

absl::StatusOr<absl::string_view> LeafOfSpine(absl::string_view spine,
                                              std::string& buffer) {
  if (spine.size() < kFixedBytes) return Malformed();
  const size_t header_at =
      kFixedBytes + kCommitmentBytes * static_cast<uint8_t>(spine[kGroupsAt]);
  if (spine.size() < header_at) return Malformed();
  absl::string_view header = spine.substr(header_at);
  // Fields ascend, so that most headers are cut once.
  const char* kept_from = spine.data();
  buffer.clear();
  while (!header.empty()) {
    Field field;
    if (!TakeField(header, field)) return Malformed();
    if (!IsLeftOut(field.number)) continue;
    buffer.append(kept_from,
                  static_cast<size_t>(field.bytes.data() - kept_from));
    kept_from = header.data();
  }
  if (kept_from == spine.data()) return spine;
  buffer.append(kept_from,
                static_cast<size_t>(spine.data() + spine.size() - kept_from));
  return absl::string_view(buffer);
}

absl::Status CheckDigest(const Spine& spine) {
  View view;
  view.header = ToOwned(spine.header);
  view.header_commitment = spine.header_commitment;
  view.commitments.assign(spine.commitments.begin(), spine.commitments.end());
  const absl::StatusOr<Digest> digest = DigestOfView(view);
  if (!digest.ok()) return absl::DataLossError(digest.status().message());
  if (*digest != spine.digest) {
    return absl::DataLossError(
        "the digest is not the one of header and commitments");
  }
  return absl::OkStatus();
}

}  // namespace concordat

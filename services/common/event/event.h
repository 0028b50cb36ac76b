// An event as our programs hold it: header, disclosure groups, and what binds
// them. Plain values; no threads, no input or output.
//
// Limits   header 1 KiB encoded, data 256 KiB, batch 256 events or 480 KiB.
// Times    microseconds since 1970-01-01T00:00:00Z, 0 for none.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_EVENT_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_EVENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "concordat/bus/v1/event.pb.h"
#include "services/common/base/ids.h"

namespace concordat {

inline constexpr size_t kHeaderBytesMax = 1024;
inline constexpr size_t kDataBytesMax = 256 * 1024;
inline constexpr size_t kBatchEventsMax = 256;
inline constexpr size_t kBatchBytesMax = 480 * 1024;
inline constexpr size_t kGroupsMax = 8;
inline constexpr size_t kIdBytesMax = 64;
inline constexpr size_t kStreamBytesMax = 128;
// 9999-12-31T23:59:59.999999Z, the last moment that both forms can say.
inline constexpr uint64_t kTimeMaxUs = 253'402'300'799'999'999;

using Seed = std::array<uint8_t, 16>;
using Salt = std::array<uint8_t, 16>;
using Digest = std::array<uint8_t, 32>;

// `String` is std::string for those who make events and absl::string_view for
// those who read them out of a buffer that outlives the header.
template <typename String>
struct BasicHeader {
  String source;      // urn:concordat:<agency>:<system>
  String type;        // Full message name: concordat.police.v1.AddressChanged
  String controller;  // Agency that answers for the data.
  String purpose;
  String gateway;  // Legal gateway, a code.
  String id;       // 1 to 64 printable bytes; unique with source for ever.
  PersonKey subject;
  // At most 128 printable bytes; names a record, never a person. Empty: none.
  String stream;
  std::optional<Sequence> expected_version;
  uint64_t time_us = 0;
  uint64_t recorded_us = 0;
  uint64_t effective_us = 0;
  bus::v1::TimePrecision time_precision = bus::v1::TIME_PRECISION_UNSPECIFIED;
  bus::v1::Regime regime = bus::v1::REGIME_UNSPECIFIED;
  bus::v1::Basis basis = bus::v1::BASIS_UNSPECIFIED;
  bus::v1::Classification classification = bus::v1::CLASSIFICATION_UNSPECIFIED;
  String subject_role;
  // The header group: committed apart, so that a view may withhold it.
  String on_behalf_of;
  String correlation;
  String causation;
  // Event references: an id of the same source, or "<source>#<id>".
  String corrects;
  String retracts;
  String traceparent;
};
using Header = BasicHeader<std::string>;
using HeaderView = BasicHeader<absl::string_view>;

// Agency of a source: the part after "urn:concordat:", or nothing.
absl::string_view AgencyOfSource(absl::string_view source);

template <typename String>
struct BasicGroup {
  uint32_t number = 0;
  String data;
};

// Who reads has many events and wants no allocation for each: most types have at
// most three groups.
template <typename String>
struct GroupList {
  using type = std::vector<BasicGroup<String>>;
};
template <>
struct GroupList<absl::string_view> {
  using type = absl::InlinedVector<BasicGroup<absl::string_view>, 3>;
};
using GroupViews = absl::Span<const BasicGroup<absl::string_view>>;

template <typename String>
struct BasicEvent {
  BasicHeader<String> header;
  // Ascending by number; empty groups left out.
  typename GroupList<String>::type groups;
  Seed seed = {};
  Digest digest = {};
  uint32_t atomic_set = 0;
};
using Event = BasicEvent<std::string>;
using EventView = BasicEvent<absl::string_view>;  // Borrows the batch's bytes.

// What one recipient may see of one event.
template <typename String>
struct BasicView {
  struct Group {
    uint32_t number = 0;
    String data;
    Salt salt = {};
  };
  struct Commitment {
    uint32_t number = 0;
    Digest hash = {};
  };

  Sequence sequence;
  uint64_t accepted_us = 0;
  BasicHeader<String> header;
  std::vector<Group> groups;            // Granted, ascending, empty ones too.
  std::vector<Commitment> commitments;  // Of every other group of the type.
  // One of the two: the header group is shown, or it is not.
  std::optional<Salt> header_salt;
  std::optional<Digest> header_commitment;
  std::vector<String> withheld;
  std::vector<String> faults;
  bus::v1::Environment environment = bus::v1::ENVIRONMENT_UNSPECIFIED;

  // The granted groups concatenated: bytes of the type's message.
  std::string Data() const {
    std::string data;
    for (const Group& group : groups) {
      data.append(group.data.data(), group.data.size());
    }
    return data;
  }
};
using View = BasicView<std::string>;
using BorrowedView = BasicView<absl::string_view>;

// Borrow `header`, `event`: valid while it is, and unchanged.
HeaderView AsView(const Header& header);
EventView AsView(const Event& event);
// A copy that owns its bytes.
Header ToOwned(const HeaderView& header);
void ToOwned(const HeaderView& header, Header& owned);
Event ToOwned(const EventView& event);

// Printable ASCII, space to tilde.
bool IsPrintable(absl::string_view text);

// The limits of a header that need no type: what must be there is, ids and
// streams are short and printable, enumerations are known, and it encodes to at
// most 1 KiB.
//   INVALID_ARGUMENT  names the field and the rule, never the value.
absl::Status CheckHeader(const HeaderView& header);

// What CheckHeader() says of the five strings that a batch's dictionary holds,
// for a decoder that judges each of them once.
absl::Status CheckHeaderSansDictionary(const HeaderView& header);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_EVENT_H_

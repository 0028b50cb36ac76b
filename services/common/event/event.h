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

#include "absl/strings/string_view.h"
#include "concordat/bus/v1/event.pb.h"
#include "services/common/base/ids.h"

namespace concordat {

inline constexpr size_t kHeaderBytesMax = 1024;
inline constexpr size_t kDataBytesMax = 256 * 1024;
inline constexpr size_t kBatchEventsMax = 256;
inline constexpr size_t kBatchBytesMax = 480 * 1024;
inline constexpr size_t kGroupsMax = 8;

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
  String stream;  // 1 to 128 printable bytes; names a record, never a person.
  std::optional<Sequence> expected_version;
  uint64_t time_us = 0;
  uint64_t recorded_us = 0;
  uint64_t effective_us = 0;
  bus::v1::TimePrecision time_precision =
      bus::v1::TIME_PRECISION_UNSPECIFIED;
  bus::v1::Regime regime = bus::v1::REGIME_UNSPECIFIED;
  bus::v1::Basis basis = bus::v1::BASIS_UNSPECIFIED;
  bus::v1::Classification classification =
      bus::v1::CLASSIFICATION_UNSPECIFIED;
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

template <typename String>
struct BasicEvent {
  BasicHeader<String> header;
  // Ascending by number; empty groups left out.
  std::vector<BasicGroup<String>> groups;
  Seed seed = {};
  Digest digest = {};
  uint32_t atomic_set = 0;
};
using Event = BasicEvent<std::string>;
using EventView = BasicEvent<absl::string_view>;  // Borrows the batch's bytes.

// What one recipient may see of one event.
struct View {
  struct Group {
    uint32_t number = 0;
    std::string data;
    Salt salt = {};
  };
  struct Commitment {
    uint32_t number = 0;
    Digest hash = {};
  };

  Sequence sequence;
  uint64_t accepted_us = 0;
  Header header;
  std::vector<Group> groups;             // Granted, ascending.
  std::vector<Commitment> commitments;   // Of every other group of the type.
  std::optional<Salt> header_salt;       // Header group shown; else:
  std::optional<Digest> header_commitment;
  std::vector<std::string> withheld;
  std::vector<std::string> faults;
  bus::v1::Environment environment = bus::v1::ENVIRONMENT_UNSPECIFIED;

  // The granted groups concatenated: bytes of the type's message.
  std::string Data() const;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_EVENT_H_

// A header's fields on the wire, described once for its size and its bytes.
// Internal to services/common/event.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_HEADER_WIRE_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_HEADER_WIRE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/common/event/event.h"
#include "services/common/event/wire.h"

namespace concordat::wire {

// Source, type, controller, purpose and gateway in a batch's dictionary.
using HeaderIndexes = std::array<uint32_t, 5>;

template <typename Sink>
void PutHeaderBody(Sink& sink, const HeaderView& h) {
  PutBytes(sink, 6, h.id);
  PutBytes(sink, 7, h.subject.bytes());
  PutBytes(sink, 8, h.stream);
  if (h.expected_version.has_value()) {
    sink.Varint(Tag(9, kFixed64));
    sink.Fixed64(h.expected_version->value);
  }
  PutFixed64(sink, 10, h.time_us);
  PutVarint(sink, 11, static_cast<uint64_t>(h.time_precision));
  PutFixed64(sink, 12, h.recorded_us);
  PutFixed64(sink, 13, h.effective_us);
  PutVarint(sink, 14, static_cast<uint64_t>(h.regime));
  PutVarint(sink, 15, static_cast<uint64_t>(h.basis));
  PutBytes(sink, 16, h.subject_role);
  PutVarint(sink, 17, static_cast<uint64_t>(h.classification));
  PutBytes(sink, 18, h.on_behalf_of);
  PutBytes(sink, 19, h.correlation);
  PutBytes(sink, 20, h.causation);
  PutBytes(sink, 21, h.corrects);
  PutBytes(sink, 22, h.retracts);
  PutBytes(sink, 23, h.traceparent);
}

template <typename Sink>
void PutHeader(Sink& sink, const HeaderView& h, const HeaderIndexes& indexes) {
  for (uint32_t i = 0; i < indexes.size(); ++i) {
    PutVarint(sink, i + 1, indexes[i]);
  }
  PutHeaderBody(sink, h);
}

// Strings written out.
template <typename Sink>
void PutHeader(Sink& sink, const HeaderView& h) {
  PutBytes(sink, 1, h.source);
  PutBytes(sink, 2, h.type);
  PutBytes(sink, 3, h.controller);
  PutBytes(sink, 4, h.purpose);
  PutBytes(sink, 5, h.gateway);
  PutHeaderBody(sink, h);
}

// `dictionary` null: strings written out. Judges form alone; CheckHeader() does
// the rest.
//   INVALID_ARGUMENT  names the field.
absl::Status ReadHeader(absl::string_view bytes,
                        const std::vector<absl::string_view>* dictionary,
                        HeaderView& header);

}  // namespace concordat::wire

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_HEADER_WIRE_H_

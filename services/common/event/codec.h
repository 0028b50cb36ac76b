// The native form's bytes: wire-compatible with concordat.bus.v1.Batch and
// Deliver, read in one pass and without allocation per field. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_CODEC_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_CODEC_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/event/event.h"

namespace concordat {

// Builds one batch (concordat.bus.v1.Batch). Reusable after Clear().
class BatchEncoder {
 public:
  void Add(const EventView& event);
  size_t events() const;
  size_t bytes() const;  // Of what Take() would return.
  std::string Take();    // And clears.
 private:
  std::vector<std::string> dictionary_;
  absl::flat_hash_map<std::string, uint32_t> index_;
  std::string body_;
  size_t events_ = 0;
  uint32_t IndexOf(absl::string_view text);
};

// Reads a batch. The events borrow `bytes`.
//   INVALID_ARGUMENT  not a batch, an index outside the dictionary, an unknown
//                     field, or over a limit; names the event's index.
absl::StatusOr<std::vector<EventView>> DecodeBatch(absl::string_view bytes);

// Header alone, as the spine holds it: strings written out, no dictionary.
void AppendHeader(const HeaderView& header, std::string& out);
//   INVALID_ARGUMENT
absl::StatusOr<HeaderView> DecodeHeader(absl::string_view bytes);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_CODEC_H_

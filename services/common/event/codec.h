// The native form's bytes: wire-compatible with concordat.bus.v1.Batch, Deliver
// and StreamEvents, read without an allocation per field. PURE.
//
// Threads  One at a time for an object; the functions, any.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_CODEC_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_CODEC_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/event/event.h"

namespace concordat {

// Texts written once for a batch; index 1 is the first.
class Dictionary {
 public:
  uint32_t IndexOf(absl::string_view text);  // 0 for no text.
  const std::vector<std::string>& entries() const { return entries_; }
  void Clear();

 private:
  std::vector<std::string> entries_;
  absl::flat_hash_map<std::string, uint32_t> index_;
};

// Builds one batch (concordat.bus.v1.Batch).
class BatchEncoder {
 public:
  void Add(const EventView& event) { Add(event, event.atomic_set); }
  void Add(const EventView& event, uint32_t atomic_set);
  size_t events() const { return events_; }
  size_t bytes() const;  // Of what Take() would return, without room.
  // At most this much is added to bytes() by Add(event).
  static size_t BytesMax(const EventView& event);
  // The batch behind `room` bytes for whoever sends it. And clears.
  std::string Take(size_t room = 0);

 private:
  Dictionary dictionary_;
  size_t dictionary_bytes_ = 0;
  std::string body_;
  size_t events_ = 0;
};

// Reads a batch. The events borrow `bytes`. Every header passed CheckHeader();
// groups ascend, are not empty, and are numbered below kGroupsMax.
//   INVALID_ARGUMENT  not a batch, an index outside the dictionary, an unknown
//                     field, or over a limit; names the event's index and the
//                     field, never a value.
absl::StatusOr<std::vector<EventView>> DecodeBatch(absl::string_view bytes);

// A header alone, as the spine holds it: bytes of concordat.bus.v1.Header, but
// fields 1 to 5 are their strings written out.
void AppendHeader(const HeaderView& header, std::string& out);
// The bytes that AppendHeader() would append.
size_t HeaderBytes(const HeaderView& header);
// The result borrows `bytes`.
//   INVALID_ARGUMENT
absl::StatusOr<HeaderView> DecodeHeader(absl::string_view bytes);

// Builds the repeated `views` and `dictionary` of a Deliver or a StreamEvents;
// whoever sends says the other fields in `rest`, without those two.
class ViewEncoder {
 public:
  void Add(const BorrowedView& view);
  size_t views() const { return views_; }
  size_t bytes() const;
  // And clear. Deliver stands behind `room` bytes for whoever sends it.
  std::string TakeDeliver(const bus::v1::Deliver& rest, size_t room = 0);
  std::string TakeStreamEvents(const bus::v1::StreamEvents& rest);

 private:
  std::string Take(uint32_t dictionary_field, std::string rest);

  Dictionary dictionary_;
  size_t dictionary_bytes_ = 0;
  std::string body_;
  size_t views_ = 0;
};

template <typename Rest>
struct DecodedViews {
  Rest rest;  // All but `views` and `dictionary`.
  std::vector<View> views;
};
//   INVALID_ARGUMENT  as DecodeBatch(); names the view's index.
absl::StatusOr<DecodedViews<bus::v1::Deliver>> DecodeDeliver(
    absl::string_view bytes);
absl::StatusOr<DecodedViews<bus::v1::StreamEvents>> DecodeStreamEvents(
    absl::string_view bytes);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_CODEC_H_

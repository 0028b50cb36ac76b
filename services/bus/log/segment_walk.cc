// How a SegmentStore is gone through block by block, those without events too.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/segment_store.h"

namespace concordat::bus {

absl::Status SegmentStore::Walk(uint64_t sequence, size_t bytes_max,
                                const VisitBlock& visit) const {
  std::vector<std::pair<std::shared_ptr<Segment>, uint64_t>> parts;
  uint64_t at = 0;
  {
    MutexLock lock(mu_);
    auto segment = std::partition_point(
        segments_.begin(), segments_.end(),
        [&](const auto& one) { return one->start.next_sequence <= sequence; });
    if (segment != segments_.begin()) --segment;
    for (; segment != segments_.end(); ++segment) {
      parts.emplace_back(*segment, (*segment)->end_offset);
    }
    if (parts.empty()) return absl::OkStatus();
    const auto& places = parts.front().first->places;
    const auto place = std::partition_point(
        places.begin(), places.end(),
        [&](const BlockPlace& one) { return one.first_sequence <= sequence; });
    if (place != places.begin()) at = std::prev(place)->offset;
  }
  uint64_t walked = 0;
  std::string body;
  for (const auto& [segment, end] : parts) {
    while (at < end) {
      if (walked >= bytes_max) return absl::OkStatus();
      char head[kBlockHeaderBytes];
      absl::Status status = segment->file->Read(at, sizeof(head), head);
      if (!status.ok()) return status;
      const absl::StatusOr<BlockHeader> header =
          DecodeBlockHeader({head, sizeof(head)});
      if (!header.ok()) return header.status();
      const bool is_past =
          header->first_sequence + header->event_count > sequence;
      if (is_past) {
        body.resize(header->body_bytes);
        status = segment->file->Read(at + kBlockHeaderBytes, body.size(),
                                     body.data());
        if (status.ok()) status = CheckBlockBody(*header, body);
        if (!status.ok()) {
          return absl::Status(status.code(),
                              absl::StrCat("segment ", segment->number, ":", at,
                                           ": ", status.message()));
        }
        if (!visit(*header, body)) return absl::OkStatus();
      }
      at += kBlockHeaderBytes + header->body_bytes;
      walked += kBlockHeaderBytes + header->body_bytes;
    }
    at = 0;
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus

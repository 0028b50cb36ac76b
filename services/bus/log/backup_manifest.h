// What a backup of a log holds: the file `manifest` of its folder, text, replaced
// whole when everything that it names is on the disk (FORMAT.md). PURE.
#ifndef CONCORDAT_SERVICES_BUS_LOG_BACKUP_MANIFEST_H_
#define CONCORDAT_SERVICES_BUS_LOG_BACKUP_MANIFEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/segment_scan.h"

namespace concordat::bus {

inline constexpr absl::string_view kManifestName = "manifest";

struct BackupManifest {
  // Segments from the log's first, without a gap. A segment's file may be longer
  // than this says; the rest is of a backup that did not end.
  struct Segment {
    uint64_t bytes = 0;
    uint64_t last_block = 0;  // Its offset.
    ChainEnd end;             // The hash of the last block vouches for all.
  };
  // A file taken as it was: beside a closed segment, or of the places.
  struct Taken {
    std::string file;   // In the backup.
    std::string place;  // Its name among the places; empty: of the log.
    uint64_t bytes = 0;
    Sha256Hash sha256 = {};
  };

  LogId log_id = {};
  std::vector<Segment> segments;  // Not empty.
  std::vector<Taken> taken;
  uint64_t accepted_us = 0;  // Of the last event.

  uint64_t last_sequence() const {
    return segments.back().end.next_sequence - 1;
  }
};

std::string EncodeManifest(const BackupManifest& manifest);
//   DATA_LOSS  not a manifest, or damaged.
absl::StatusOr<BackupManifest> DecodeManifest(absl::string_view text);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_BACKUP_MANIFEST_H_

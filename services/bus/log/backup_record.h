// What was backed up and restored from a data directory, and what came of it: a line
// of JSON each in <data>/bus/backups/record.jsonl, for the resilience pack
// (`concordat documents resilience`).
#ifndef CONCORDAT_SERVICES_BUS_LOG_BACKUP_RECORD_H_
#define CONCORDAT_SERVICES_BUS_LOG_BACKUP_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

inline constexpr char kBackupRecordFolder[] = "bus/backups";
inline constexpr absl::string_view kBackupRecordName = "record.jsonl";
// A record that is longer loses its oldest backups that were done, to half of it;
// failures and restores stay.
inline constexpr size_t kBackupRecordMax = 1u << 20;

struct BackupActed {
  absl::string_view act;  // "backup", "restore"
  absl::Time at;
  absl::Duration took;
  absl::Status status;
  // Of one that was done.
  uint64_t sequence = 0;
  uint64_t accepted_us = 0;
  bool opened = false;  // Of a restore: every payload was opened.
};

std::string EncodeBackupActed(const BackupActed& acted);
// `record` with the line; as long as said above.
std::string AddBackupActed(absl::string_view record, const BackupActed& acted,
                           size_t max = kBackupRecordMax);
// Puts it into the folder's file, durably.
//   As Directory.
absl::Status NoteBackupActed(Directory& folder, const BackupActed& acted);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_BACKUP_RECORD_H_

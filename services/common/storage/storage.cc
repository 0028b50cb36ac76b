#include "services/common/storage/storage.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace concordat {

absl::Status File::Zero(uint64_t offset, uint64_t count) {
  const std::string zeroes(std::min<uint64_t>(count, 1 << 20), '\0');
  while (count > 0) {
    const uint64_t now = std::min<uint64_t>(count, zeroes.size());
    absl::Status status =
        Write(offset, absl::string_view(zeroes).substr(0, now));
    if (!status.ok()) return status;
    offset += now;
    count -= now;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWhole(Directory& directory,
                                      absl::string_view name) {
  absl::StatusOr<std::unique_ptr<File>> file = directory.Open(name);
  if (!file.ok()) return file.status();
  absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  std::string bytes(*size, '\0');
  absl::Status status = (*file)->Read(0, bytes.size(), bytes.data());
  if (!status.ok()) return status;
  return bytes;
}

absl::Status ReplaceWhole(Directory& directory, absl::string_view name,
                          absl::string_view bytes) {
  const std::string temporary = absl::StrCat(name, ".new");
  absl::Status status = directory.Remove(temporary);  // Left by a crash.
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  absl::StatusOr<std::unique_ptr<File>> file = directory.Create(temporary);
  if (!file.ok()) return file.status();
  status = (*file)->Write(0, bytes);
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = directory.Rename(temporary, name);
  if (status.ok()) status = directory.Sync();
  return status;
}

}  // namespace concordat

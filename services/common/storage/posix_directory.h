#ifndef CONCORDAT_SERVICES_COMMON_STORAGE_POSIX_DIRECTORY_H_
#define CONCORDAT_SERVICES_COMMON_STORAGE_POSIX_DIRECTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/storage/storage.h"

namespace concordat {

// A Directory of the operating system. What it makes, only its owner may read.
class PosixDirectory : public Directory {
 public:
  // Makes the folder, and those above it, when they are not there.
  static absl::StatusOr<std::unique_ptr<PosixDirectory>> Open(
      const std::string& path);
  // The same, and keeps every other process out while this lives.
  //   FAILED_PRECONDITION  another process has it.
  static absl::StatusOr<std::unique_ptr<PosixDirectory>> OpenLocked(
      const std::string& path);

  PosixDirectory(const PosixDirectory&) = delete;
  PosixDirectory& operator=(const PosixDirectory&) = delete;
  ~PosixDirectory() override;

  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view name) override;
  absl::StatusOr<std::unique_ptr<File>> Create(absl::string_view name) override;
  absl::Status Rename(absl::string_view from, absl::string_view to) override;
  absl::Status Remove(absl::string_view name) override;
  absl::StatusOr<std::vector<std::string>> List() const override;
  absl::Status Sync() override;

 private:
  PosixDirectory(std::string path, int descriptor)
      : path_(std::move(path)), descriptor_(descriptor) {}
  absl::StatusOr<std::unique_ptr<File>> OpenWith(absl::string_view name,
                                                 int flags);

  const std::string path_;
  const int descriptor_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_STORAGE_POSIX_DIRECTORY_H_

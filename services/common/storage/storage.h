// Files and directories as durable code needs them: small enough that a fake
// disk can lose power, tear, flip bits, fill up and fail under the code that
// ships.
//
// Threads  File: one thread writes and syncs; any number read meanwhile.
//          Directory: any method, any thread.
// Errors   RESOURCE_EXHAUSTED for a full disk; UNAVAILABLE for any failure not
//          listed.
#ifndef CONCORDAT_SERVICES_COMMON_STORAGE_STORAGE_H_
#define CONCORDAT_SERVICES_COMMON_STORAGE_STORAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat {

inline constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t PageStart(uint64_t offset) {
  return offset / kPageBytes * kPageBytes;
}
constexpr uint64_t PageEnd(uint64_t offset) {
  return PageStart(offset + kPageBytes - 1);
}

// Memory that begins at a page, from and to which a disk can move whole pages
// without a copy in between.
class PageBuffer {
 public:
  explicit PageBuffer(size_t bytes)
      : bytes_(bytes),
        memory_(static_cast<char*>(
            ::operator new (bytes, std::align_val_t{kPageBytes}))) {}
  char* data() { return memory_.get(); }
  const char* data() const { return memory_.get(); }
  size_t size() const { return bytes_; }

 private:
  struct Free {
    void operator()(char* memory) const {
      ::operator delete (memory, std::align_val_t{kPageBytes});
    }
  };
  size_t bytes_;
  std::unique_ptr<char, Free> memory_;
};

// Many whole pages, at a page of a PageBuffer and at a page of the file, go past
// the system's cache where the file system lets them: the copy there costs more
// than most of what is done to the bytes.
class File {
 public:
  virtual ~File() = default;

  // Writes all of `bytes` at `offset`, growing the file when it must. Not
  // durable before Sync(); after an error any part of it may be there.
  virtual absl::Status Write(uint64_t offset, absl::string_view bytes) = 0;

  // Makes what was written durable (fdatasync). After an error nobody knows
  // what is on the disk, and a second Sync() that succeeds proves nothing.
  virtual absl::Status Sync() = 0;

  // Reads exactly `count` bytes.
  //   OUT_OF_RANGE  the file ends before that.
  virtual absl::Status Read(uint64_t offset, size_t count, char* out) const = 0;

  virtual absl::StatusOr<uint64_t> Size() const = 0;

  // Writes `count` zeroes at `offset`, as Write() would.
  virtual absl::Status Zero(uint64_t offset, uint64_t count);
};

// One folder of files. A name has no slash.
class Directory {
 public:
  virtual ~Directory() = default;

  // To read and write.  NOT_FOUND
  virtual absl::StatusOr<std::unique_ptr<File>> Open(
      absl::string_view name) = 0;
  // Empty; its name is durable after Sync().  ALREADY_EXISTS
  virtual absl::StatusOr<std::unique_ptr<File>> Create(
      absl::string_view name) = 0;
  // Replaces `to` when it is there; durable after Sync().  NOT_FOUND
  virtual absl::Status Rename(absl::string_view from, absl::string_view to) = 0;
  // Durable after Sync().  NOT_FOUND
  virtual absl::Status Remove(absl::string_view name) = 0;
  // Names of the files, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List() const = 0;
  // Makes creations, renames and removals durable.
  virtual absl::Status Sync() = 0;
};

//   As File::Read and Directory::Open.
absl::StatusOr<std::string> ReadWhole(Directory& directory,
                                      absl::string_view name);

// Puts `bytes` under `name` so that a power cut leaves the old file or the new
// one, and the new one is durable when this returns.
absl::Status ReplaceWhole(Directory& directory, absl::string_view name,
                          absl::string_view bytes);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_STORAGE_STORAGE_H_

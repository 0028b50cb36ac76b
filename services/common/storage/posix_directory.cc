#include "services/common/storage/posix_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

absl::Status Failed(absl::string_view what, absl::string_view name, int error) {
  const std::string text =
      absl::StrCat(what, " ", name, ": ", std::strerror(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(text);
    case ENOENT:
      return absl::NotFoundError(text);
    case EEXIST:
      return absl::AlreadyExistsError(text);
    default:
      return absl::UnavailableError(text);
  }
}

// With fewer bytes the cache is quicker: it need not wait for the disk.
constexpr size_t kDirectBytesMin = 64 * 1024;

bool IsWholePages(uint64_t offset, size_t count, const char* memory) {
  return (offset | count | reinterpret_cast<uintptr_t>(memory)) % kPageBytes ==
         0;
}

class PosixFile : public File {
 public:
  PosixFile(std::string name, int descriptor)
      : name_(std::move(name)), descriptor_(descriptor) {}
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override {
    ::close(descriptor_);
    if (direct_ >= 0) ::close(direct_);
  }

  absl::Status Write(uint64_t offset, absl::string_view bytes) override {
    if (bytes.size() >= kDirectBytesMin &&
        IsWholePages(offset, bytes.size(), bytes.data())) {
      const size_t done = WriteDirect(offset, bytes);
      offset += done;
      bytes.remove_prefix(done);
    }
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(),
                                     static_cast<off_t>(offset));
      if (count < 0) {
        if (errno == EINTR) continue;
        return Failed("write", name_, errno);
      }
      bytes.remove_prefix(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    // No retry, not even of EINTR: the first answer is the only honest one.
    if (::fdatasync(descriptor_) != 0) return Failed("sync", name_, errno);
    return absl::OkStatus();
  }

  absl::Status Read(uint64_t offset, size_t count, char* out) const override {
    if (count >= kDirectBytesMin && IsWholePages(offset, count, out)) {
      const ssize_t got =
          ::pread(Direct(), out, count, static_cast<off_t>(offset));
      // What it could not give, the cache can, or tells why not.
      if (got == static_cast<ssize_t>(count)) return absl::OkStatus();
    }
    while (count > 0) {
      const ssize_t got =
          ::pread(descriptor_, out, count, static_cast<off_t>(offset));
      if (got < 0) {
        if (errno == EINTR) continue;
        return Failed("read", name_, errno);
      }
      if (got == 0) {
        return absl::OutOfRangeError(
            absl::StrCat(name_, " ends before ", offset + count));
      }
      out += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<size_t>(got);
    }
    return absl::OkStatus();
  }

  absl::Status Zero(uint64_t offset, uint64_t count) override {
    alignas(kPageBytes) static constexpr char kZeroes[1 << 18] = {};
    uint64_t done = 0;
    while (done < count && (offset + done) % kPageBytes == 0) {
      const uint64_t now = std::min<uint64_t>(count - done, sizeof(kZeroes));
      const size_t written = WriteDirect(offset + done, {kZeroes, now});
      done += written;
      if (written < now) break;
    }
    return File::Zero(offset + done, count - done);
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat status;
    if (::fstat(descriptor_, &status) != 0) {
      return Failed("stat", name_, errno);
    }
    return static_cast<uint64_t>(status.st_size);
  }

 private:
  // Past the cache. Opened when it is first asked for, for most files never are.
  // Below 0: the file system has no such thing.
  int Direct() const {
    std::call_once(direct_once_, [this] {
      const std::string self = absl::StrCat("/proc/self/fd/", descriptor_);
      direct_ = ::open(self.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC);
    });
    return direct_;
  }

  // Returns how many bytes were written: all, or those before one that failed
  // or that a file system refuses to write so; the cache takes the rest.
  size_t WriteDirect(uint64_t offset, absl::string_view bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t written =
          ::pwrite(Direct(), bytes.data() + done, bytes.size() - done,
                   static_cast<off_t>(offset + done));
      if (written <= 0) break;
      done += static_cast<size_t>(written);
    }
    return done;
  }

  const std::string name_;
  const int descriptor_;
  mutable std::once_flag direct_once_;
  mutable int direct_ = -1;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PosixDirectory>> PosixDirectory::Open(
    const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Failed("make folder", path, error.value());
  const int descriptor =
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return Failed("open folder", path, errno);
  return std::unique_ptr<PosixDirectory>(new PosixDirectory(path, descriptor));
}

absl::StatusOr<std::unique_ptr<PosixDirectory>> PosixDirectory::OpenLocked(
    const std::string& path) {
  absl::StatusOr<std::unique_ptr<PosixDirectory>> directory = Open(path);
  if (!directory.ok()) return directory.status();
  if (::flock((*directory)->descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Failed("lock", path, errno);
    return absl::FailedPreconditionError(
        absl::StrCat("another process is using ", path));
  }
  return directory;
}

PosixDirectory::~PosixDirectory() { ::close(descriptor_); }

absl::StatusOr<std::unique_ptr<File>> PosixDirectory::OpenWith(
    absl::string_view name, int flags) {
  const std::string text(name);
  const int descriptor =
      ::openat(descriptor_, text.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (descriptor < 0) {
    return Failed("open", absl::StrCat(path_, "/", name), errno);
  }
  return std::make_unique<PosixFile>(absl::StrCat(path_, "/", name),
                                     descriptor);
}

absl::StatusOr<std::unique_ptr<File>> PosixDirectory::Open(
    absl::string_view name) {
  return OpenWith(name, 0);
}

absl::StatusOr<std::unique_ptr<File>> PosixDirectory::Create(
    absl::string_view name) {
  return OpenWith(name, O_CREAT | O_EXCL);
}

absl::Status PosixDirectory::Rename(absl::string_view from,
                                    absl::string_view to) {
  if (::renameat(descriptor_, std::string(from).c_str(), descriptor_,
                 std::string(to).c_str()) != 0) {
    return Failed("rename", from, errno);
  }
  return absl::OkStatus();
}

absl::Status PosixDirectory::Remove(absl::string_view name) {
  if (::unlinkat(descriptor_, std::string(name).c_str(), 0) != 0) {
    return Failed("remove", name, errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> PosixDirectory::List() const {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(path_, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->is_regular_file(error)) {
      names.push_back(entry->path().filename().string());
    }
  }
  if (error) return Failed("list", path_, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status PosixDirectory::Sync() {
  if (::fsync(descriptor_) != 0) return Failed("sync folder", path_, errno);
  return absl::OkStatus();
}

}  // namespace concordat

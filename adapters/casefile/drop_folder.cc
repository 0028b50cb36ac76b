#include "adapters/casefile/drop_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace concordat::casefile {
namespace {

constexpr absl::string_view kDone = ".done";
constexpr absl::string_view kRefused = "refused";
constexpr size_t kChunkBytes = 256 * 1024;
constexpr int kSameNamesMax = 10'000;

// The file's name may say whom it is about: it stands in no message.
absl::Status Failed(absl::string_view what) {
  return absl::UnavailableError(
      absl::StrCat("the drop folder: ", what, ": ", std::strerror(errno)));
}

bool IsBeingWritten(absl::string_view name) {
  static constexpr std::array<absl::string_view, 4> kEndings = {
      ".tmp", ".part", ".filepart", kDone};
  return absl::StartsWith(name, ".") ||
         std::any_of(kEndings.begin(), kEndings.end(), [&](auto ending) {
           return absl::EndsWithIgnoreCase(name, ending);
         });
}

bool IsThere(const std::string& path) {
  struct stat facts = {};
  return lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace

absl::StatusOr<DropFolder> DropFolder::Open(std::string path,
                                            const SteadyClock& clock) {
  std::error_code error;
  std::filesystem::create_directories(absl::StrCat(path, "/", kRefused), error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make ", path, ": ", error.message()));
  }
  return DropFolder(std::move(path), clock);
}

absl::StatusOr<std::vector<DroppedFile>> DropFolder::List() const {
  struct Close {
    void operator()(DIR* folder) const { closedir(folder); }
  };
  const std::unique_ptr<DIR, Close> folder(opendir(path_.c_str()));
  if (folder == nullptr) return Failed("cannot be read");
  std::vector<DroppedFile> files;
  while (const dirent* const entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    struct stat facts = {};
    if (IsBeingWritten(name) ||
        fstatat(dirfd(folder.get()), entry->d_name, &facts,
                AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(facts.st_mode)) {
      continue;
    }
    files.push_back(
        {name, static_cast<uint64_t>(facts.st_size),
         facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec});
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

bool DropFolder::IsWhole(const DroppedFile& file, edge::v1::WholeWhen when,
                         absl::Duration settle) {
  if (when == edge::v1::WHOLE_WHEN_NAMED) return true;
  if (when == edge::v1::WHOLE_WHEN_DONE) {
    return IsThere(absl::StrCat(path_, "/", file.name, kDone));
  }
  const absl::Duration now = clock_.Elapsed();
  const auto [at, first] = seen_.try_emplace(file.name, Seen{file, now});
  Seen& seen = at->second;
  if (!first && (seen.file.bytes != file.bytes ||
                 seen.file.modified_ns != file.modified_ns)) {
    seen = {file, now};
  }
  return now - seen.since >= settle;
}

absl::StatusOr<std::string> DropFolder::Read(const std::string& name,
                                             uint64_t bytes_max) const {
  const int file = open(absl::StrCat(path_, "/", name).c_str(),
                        O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return Failed("a file cannot be read");
  std::string bytes;
  ssize_t count = 1;
  while (count > 0 && bytes.size() <= bytes_max) {
    const size_t before = bytes.size();
    const size_t want = std::min<uint64_t>(kChunkBytes, bytes_max + 1 - before);
    bytes.resize(before + want);
    do {
      count = read(file, bytes.data() + before, want);
    } while (count < 0 && errno == EINTR);
    bytes.resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
  const bool failed = count < 0;
  const int why = errno;
  close(file);
  errno = why;
  if (failed) return Failed("a file cannot be read");
  return bytes;
}

absl::Status DropFolder::Remove(const std::string& name) {
  seen_.erase(name);
  for (const std::string& each : {absl::StrCat(name, kDone), name}) {
    if (unlink(absl::StrCat(path_, "/", each).c_str()) != 0 &&
        errno != ENOENT) {
      return Failed("a file cannot be removed");
    }
  }
  return absl::OkStatus();
}

absl::Status DropFolder::Refuse(const std::string& name) {
  seen_.erase(name);
  const std::string from = absl::StrCat(path_, "/", name);
  std::string to = absl::StrCat(path_, "/", kRefused, "/", name);
  for (int n = 2; IsThere(to) && n < kSameNamesMax; ++n) {
    to = absl::StrCat(path_, "/", kRefused, "/", name, ".", n);
  }
  if (rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
    return Failed("a file cannot be moved");
  }
  unlink(absl::StrCat(from, kDone).c_str());
  return absl::OkStatus();
}

}  // namespace concordat::casefile

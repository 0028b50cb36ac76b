#include "services/common/rpc/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

class FileAccessLog : public AccessLog {
 public:
  explicit FileAccessLog(int fd) : fd_(fd) {}
  ~FileAccessLog() override { close(fd_); }

  absl::Status Append(const AccessRecord& r) override {
    const auto or_dash = [](absl::string_view text) {
      return text.empty() ? absl::string_view("-") : text;
    };
    const std::string line = absl::StrCat(
        absl::FormatTime("%Y-%m-%dT%H:%M:%E6S%Ez", r.at, absl::UTCTimeZone()),
        " principal=", or_dash(r.principal), " agency=", or_dash(r.agency),
        " via=", or_dash(r.via), " staff=", or_dash(r.staff),
        " method=", or_dash(r.method), " purpose=", or_dash(r.purpose),
        " outcome=", absl::StatusCodeToString(r.outcome),
        " us=", absl::ToInt64Microseconds(r.duration), "\n");
    // One write: O_APPEND keeps lines of several threads apart.
    const ssize_t written = write(fd_, line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size()) || fdatasync(fd_) != 0) {
      return absl::UnavailableError("the access could not be recorded");
    }
    return absl::OkStatus();
  }

 private:
  const int fd_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AccessLog>> OpenAccessLog(
    const std::string& path) {
  const int fd =
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": cannot open: ", std::generic_category().message(errno)));
  }
  return std::make_unique<FileAccessLog>(fd);
}

}  // namespace concordat

#include "gateway/http/request_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace concordat::gateway {
namespace {

class FileRequestLog : public RequestLog {
 public:
  explicit FileRequestLog(int file) : file_(file) {}
  ~FileRequestLog() override { close(file_); }

  void Append(const RequestRecord& r) override {
    const auto or_dash = [](absl::string_view text) {
      return text.empty() ? absl::string_view("-") : text;
    };
    const std::string line = absl::StrCat(
        absl::FormatTime("%Y-%m-%dT%H:%M:%E6S%Ez", r.at, absl::UTCTimeZone()),
        " id=", r.id, " principal=", or_dash(r.principal),
        " method=", or_dash(r.method), " route=", or_dash(r.route),
        " status=", r.status, " in=", r.bytes_in, " out=", r.bytes_out,
        " us=", absl::ToInt64Microseconds(r.duration), "\n");
    // One write: O_APPEND keeps lines apart. A full disk loses lines of this
    // log, and nothing else.
    (void)!write(file_, line.data(), line.size());
  }

 private:
  const int file_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RequestLog>> OpenRequestLog(
    const std::string& path) {
  const int file =
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": cannot open: ", std::generic_category().message(errno)));
  }
  return std::make_unique<FileRequestLog>(file);
}

}  // namespace concordat::gateway

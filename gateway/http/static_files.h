// The console's files: read once at the start, so that a path is only ever
// looked up in a table.
#ifndef CONCORDAT_GATEWAY_HTTP_STATIC_FILES_H_
#define CONCORDAT_GATEWAY_HTTP_STATIC_FILES_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/http/request.h"

namespace concordat::gateway {

// Threads  Immutable; any number of readers.
class StaticFiles {
 public:
  // Everything in `folder` but hidden files and links; "index.html" is "/" too.
  // A folder that is not there has no file.
  //   INVALID_ARGUMENT  it holds more than 64 MiB, or cannot be read.
  static absl::StatusOr<std::unique_ptr<StaticFiles>> Load(
      const std::string& folder);

  // 200, 304 or 404. What is under /assets/ has a name that changes with what
  // is in it, and may be kept for ever; of all else it is asked each time
  // whether it has changed.
  Response Answer(const Request& request) const;

  size_t size() const { return files_.size(); }

 private:
  struct File {
    std::string content_type;
    std::string bytes;
    std::string gzip;  // Empty: not worth it.
    std::string etag;
  };
  std::map<std::string, File, std::less<>> files_;  // By path.
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_STATIC_FILES_H_

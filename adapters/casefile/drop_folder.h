// The folder that an agency drops its files in, and the folder "refused" within
// it for those that cannot be taken. Both are the agency's own: nothing in them
// was made here.
//
// Threads  One at a time.
// Errors   UNAVAILABLE: the folder or a file cannot be read, moved or removed.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_DROP_FOLDER_H_
#define CONCORDAT_ADAPTERS_CASEFILE_DROP_FOLDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/edge/v1/casefile.pb.h"
#include "services/common/base/clock.h"

namespace concordat::casefile {

struct DroppedFile {
  std::string name;
  uint64_t bytes = 0;
  int64_t modified_ns = 0;
};

class DropFolder {
 public:
  // Makes both folders if they are missing. Borrows the clock.
  static absl::StatusOr<DropFolder> Open(std::string path,
                                         const SteadyClock& clock);

  // Plain files by name: no links, no folders, nothing that is still being
  // written by its name (".…", "….tmp", "….part", "….filepart", "….done").
  absl::StatusOr<std::vector<DroppedFile>> List() const;

  // Whether the file is whole, as its mapping has it. Remembers what it saw, so
  // that a file that keeps changing is not.
  bool IsWhole(const DroppedFile& file, edge::v1::WholeWhen when,
               absl::Duration settle);

  // At most `bytes_max` and one byte more.
  absl::StatusOr<std::string> Read(const std::string& name,
                                   uint64_t bytes_max) const;
  // Its ".done" too. One that is gone already is OK.
  absl::Status Remove(const std::string& name);
  // Moves it to "refused", beside what is there under its name already.
  absl::Status Refuse(const std::string& name);

 private:
  struct Seen {
    DroppedFile file;
    absl::Duration since;
  };
  DropFolder(std::string path, const SteadyClock& clock)
      : path_(std::move(path)), clock_(clock) {}

  std::string path_;
  const SteadyClock& clock_;
  std::map<std::string, Seen> seen_;
};

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_DROP_FOLDER_H_

// The rules of a folder, read again when a file of it is another than at the last
// read: the service looks at them each second, and they change a few times a year.
//
// A file is another by its name, inode, size, or time of change. One that was changed
// within kSettledAfter of the read may change once more without showing it, so that
// read is not kept; nor is one that failed for another reason than what the files say.
//
// Threads  Any. Rules() may read files.
#ifndef CONCORDAT_SERVICES_ALERTS_RPC_RULES_FOLDER_H_
#define CONCORDAT_SERVICES_ALERTS_RPC_RULES_FOLDER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/alerts/rpc/rule_adoption.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"

namespace concordat::alerts {

class RulesFolder {
 public:
  static constexpr absl::Duration kSettledAfter = absl::Seconds(2);

  // `read` reads and checks all of the folder at `path`. The clock is borrowed, and
  // is that of the file system.
  RulesFolder(std::string path, FolderRules read, const Clock& clock)
      : path_(std::move(path)), read_(std::move(read)), clock_(clock) {}

  //   the codes of `read`
  absl::StatusOr<std::vector<v1::Rule>> Rules();

 private:
  struct Stamp {
    std::string files;  // Each name, inode, size and time of change.
    absl::Time newest = absl::InfinitePast();
  };
  // None: it cannot be told.
  std::optional<Stamp> Look() const;

  const std::string path_;
  const FolderRules read_;
  const Clock& clock_;
  Mutex mu_;
  std::string kept_of_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::StatusOr<std::vector<v1::Rule>>> kept_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_RPC_RULES_FOLDER_H_

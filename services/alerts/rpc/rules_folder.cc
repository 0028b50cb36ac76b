#include "services/alerts/rpc/rules_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::alerts {

std::optional<RulesFolder::Stamp> RulesFolder::Look() const {
  std::error_code error;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator entry(path_, error), end;
       !error && entry != end; entry.increment(error)) {
    paths.push_back(entry->path().string());
  }
  if (error) return std::nullopt;
  std::sort(paths.begin(), paths.end());
  Stamp stamp;
  for (const std::string& path : paths) {
    struct stat file;
    if (stat(path.c_str(), &file) != 0) return std::nullopt;
    // Not of st_mtim, which whoever writes the file may set as they like.
    const absl::Time changed = absl::TimeFromTimespec(file.st_ctim);
    stamp.newest = std::max(stamp.newest, changed);
    absl::StrAppend(&stamp.files, path, " ", file.st_ino, " ", file.st_size,
                    " ", absl::ToUnixNanos(changed), "\n");
  }
  return stamp;
}

absl::StatusOr<std::vector<v1::Rule>> RulesFolder::Rules() {
  MutexLock lock(mu_);
  // Before it is read: what changes meanwhile is read the next time.
  const std::optional<Stamp> stamp = Look();
  if (stamp.has_value() && kept_.has_value() && kept_of_ == stamp->files) {
    return *kept_;
  }
  kept_.reset();
  auto rules = read_();
  const bool is_of_the_files =
      rules.ok() || absl::IsInvalidArgument(rules.status());
  if (stamp.has_value() && is_of_the_files &&
      clock_.Now() - stamp->newest > kSettledAfter) {
    kept_of_ = stamp->files;
    kept_ = rules;
  }
  return rules;
}

}  // namespace concordat::alerts

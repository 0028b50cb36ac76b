// concordat settings
#include "services/common/config/settings.h"

#include <cstdio>

#include "gateway/cli/command.h"
#include "gateway/cli/settings_files.h"

namespace concordat::cli {

absl::Status RunSettings(const std::vector<std::string>& arguments) {
  CommandLine line("settings",
                   "Prints the reference of what can be set in the files of a\n"
                   "data directory, in Markdown.");
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  std::fputs(ReferenceOfSettings(AllSettingsFiles()).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace concordat::cli

#ifndef CONCORDAT_GATEWAY_CLI_SETTINGS_FILES_H_
#define CONCORDAT_GATEWAY_CLI_SETTINGS_FILES_H_

#include <vector>

#include "services/common/config/settings.h"

namespace concordat::cli {

// Every file of settings that there is: deploy/docs/settings.md.
std::vector<SettingsFile> AllSettingsFiles();

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_SETTINGS_FILES_H_

// Settings as messages whose fields declare themselves with (policy.v1.setting):
// help, unit, bounds and default stand in the schema and nowhere else.
#ifndef CONCORDAT_SERVICES_COMMON_CONFIG_SETTINGS_H_
#define CONCORDAT_SERVICES_COMMON_CONFIG_SETTINGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "concordat/hub/v1/watch.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/common/config/data_directory.h"

namespace concordat {

// Fills in the defaults. Every field of `settings` is an optional uint32 that
// declares itself.
//   INVALID_ARGUMENT  one is out of bounds; names it, what it is and may be.
absl::Status CheckSettings(google::protobuf::Message* settings);

// `path` in the data directory, checked; a file that is not there sets nothing.
//   INVALID_ARGUMENT  also: it sets what there is not; says in which line.
absl::Status LoadCheckedSettings(const DataDirectory& data,
                                 absl::string_view path,
                                 google::protobuf::Message* settings);

// For --help: a line a setting.
std::string HelpOfSettings(const google::protobuf::Descriptor& type);
// deploy/docs/settings.md, whole: every file of settings that declare themselves.
std::string ReferenceOfSettings();

// How the bus delivers: bus.v1.DeliverySettings.
inline constexpr char kBusSettings[] = "bus.textproto";

// When a program says that something is wrong.
inline constexpr char kWatchSettings[] = "watch.textproto";
absl::StatusOr<hub::v1::WatchSettings> LoadWatchSettings(
    const DataDirectory& data);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CONFIG_SETTINGS_H_

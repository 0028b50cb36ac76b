// Settings as messages whose fields declare themselves with (policy.v1.setting):
// help, unit, bounds and default stand in the schema and nowhere else.
#ifndef CONCORDAT_SERVICES_COMMON_CONFIG_SETTINGS_H_
#define CONCORDAT_SERVICES_COMMON_CONFIG_SETTINGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "concordat/hub/v1/watch.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/common/config/data_directory.h"

namespace concordat {

// Fills in the defaults of numbers, also in the messages that it holds. Every field
// of `settings` declares itself.
//   INVALID_ARGUMENT  one is out of bounds; names it, what it is and may be.
absl::Status CheckSettings(google::protobuf::Message* settings);

enum class WhenAbsent { kDefaultsHold, kError };

// `path` in the data directory, checked.
//   INVALID_ARGUMENT  also: it sets what there is not; says in which line.
//   NOT_FOUND         it is not there, and that is an error.
absl::Status LoadCheckedSettings(
    const DataDirectory& data, absl::string_view path,
    google::protobuf::Message* settings,
    WhenAbsent when_absent = WhenAbsent::kDefaultsHold);

// For --help: a line a setting.
std::string HelpOfSettings(const google::protobuf::Descriptor& type);
// A page of files, each with a table of what can be set in it.
struct SettingsFile {
  const char* path;  // In the data directory.
  const char* of;    // Of which program; when it is not there. A sentence.
  const google::protobuf::Descriptor* type;
};
std::string ReferenceOfSettings(absl::Span<const SettingsFile> files);

// How the bus delivers: bus.v1.DeliverySettings.
inline constexpr char kBusSettings[] = "bus.textproto";

// Who stamps the log's checkpoints: bus.v1.EvidenceSettings.
inline constexpr char kEvidenceSettings[] = "evidence.textproto";

// Where the bus's log is: bus.v1.StoreSettings.
inline constexpr char kStoreSettings[] = "store.textproto";

// When a program says that something is wrong.
inline constexpr char kWatchSettings[] = "watch.textproto";
absl::StatusOr<hub::v1::WatchSettings> LoadWatchSettings(
    const DataDirectory& data);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CONFIG_SETTINGS_H_

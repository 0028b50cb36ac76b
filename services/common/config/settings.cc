#include "services/common/config/settings.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/settings.pb.h"
#include "concordat/policy/v1/setting.pb.h"
#include "services/common/base/check.h"

namespace concordat {
namespace {

using google::protobuf::FieldDescriptor;

const policy::v1::Setting& SettingOf(const FieldDescriptor& field) {
  CONCORDAT_CHECK(field.options().HasExtension(policy::v1::setting));
  CONCORDAT_CHECK(field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32);
  return field.options().GetExtension(policy::v1::setting);
}

std::string Bounds(const policy::v1::Setting& setting) {
  return absl::StrCat(setting.min(), " to ", setting.max());
}

std::string WithUnit(uint32_t value, const policy::v1::Setting& setting) {
  return absl::StrCat(value, setting.unit().empty() ? "" : " ", setting.unit());
}

std::string TableOf(const google::protobuf::Descriptor& type) {
  std::string text =
      "| setting | unit | bounds | default | |\n|---|---|---|---|---|\n";
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const policy::v1::Setting& setting = SettingOf(field);
    absl::StrAppend(&text, "| `", field.name(), "` | ", setting.unit(), " | ",
                    Bounds(setting), " | ", setting.default_value(), " | ",
                    setting.help(), " |\n");
  }
  return text;
}

}  // namespace

absl::Status CheckSettings(google::protobuf::Message* settings) {
  const google::protobuf::Descriptor& type = *settings->GetDescriptor();
  const google::protobuf::Reflection& access = *settings->GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const policy::v1::Setting& setting = SettingOf(field);
    if (!access.HasField(*settings, &field)) {
      access.SetUInt32(settings, &field, setting.default_value());
    }
    const uint32_t value = access.GetUInt32(*settings, &field);
    if (value < setting.min() || value > setting.max()) {
      return absl::InvalidArgumentError(
          absl::StrCat(field.name(), " is ", WithUnit(value, setting),
                       ", and may be ", Bounds(setting)));
    }
  }
  return absl::OkStatus();
}

absl::Status LoadCheckedSettings(const DataDirectory& data,
                                 absl::string_view path,
                                 google::protobuf::Message* settings) {
  const absl::Status loaded = data.LoadSettings(path, settings);
  if (!loaded.ok() && !absl::IsNotFound(loaded)) return loaded;
  const absl::Status checked = CheckSettings(settings);
  if (checked.ok()) return checked;
  return absl::InvalidArgumentError(
      absl::StrCat(data.PathOf(path), ": ", checked.message()));
}

std::string HelpOfSettings(const google::protobuf::Descriptor& type) {
  std::string text;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const policy::v1::Setting& setting = SettingOf(field);
    absl::StrAppend(&text, "  ", field.name(), "  ", setting.help(), " ",
                    WithUnit(setting.default_value(), setting), "; ",
                    Bounds(setting), ".\n");
  }
  return text;
}

std::string ReferenceOfSettings() {
  return absl::StrCat(
      "# Settings\n\n"
      "Made by `concordat settings` from the schemas, where each declares\n"
      "itself; a test holds this page to it. The files are in the data "
      "directory,\nin Protobuf's text form (`repeat_every_s: 60`), and are "
      "read "
      "when a program\nstarts. One that is not there sets nothing; a program "
      "does not start with one\nthat sets what is not here, or out of its "
      "bounds.\n",
      "\n## ", kWatchSettings, "\n\nOf every program.\n\n",
      TableOf(*hub::v1::WatchSettings::descriptor()), "\n## ", kBusSettings,
      "\n\nOf the bus.\n\n", TableOf(*bus::v1::DeliverySettings::descriptor()));
}

absl::StatusOr<hub::v1::WatchSettings> LoadWatchSettings(
    const DataDirectory& data) {
  hub::v1::WatchSettings settings;
  const absl::Status loaded =
      LoadCheckedSettings(data, kWatchSettings, &settings);
  if (!loaded.ok()) return loaded;
  return settings;
}

}  // namespace concordat

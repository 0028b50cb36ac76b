#include "services/common/config/settings.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "concordat/policy/v1/setting.pb.h"
#include "services/common/base/check.h"

namespace concordat {
namespace {

using google::protobuf::FieldDescriptor;

using google::protobuf::Descriptor;
using google::protobuf::Message;

const policy::v1::Setting& SettingOf(const FieldDescriptor& field) {
  CONCORDAT_CHECK(field.options().HasExtension(policy::v1::setting));
  return field.options().GetExtension(policy::v1::setting);
}

bool IsNumber(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32 ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
}

std::string Bounds(const policy::v1::Setting& setting) {
  return absl::StrCat(setting.min(), " to ", setting.max());
}

std::string WithUnit(uint64_t value, const policy::v1::Setting& setting) {
  return absl::StrCat(value, setting.unit().empty() ? "" : " ", setting.unit());
}

// What there is to set in `type`, in its order; what a message holds comes after
// it. `name` has the names on the way there.
template <typename Visit>
void ForEachSetting(const Descriptor& type, const std::string& prefix,
                    Visit visit) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string name = absl::StrCat(prefix, field.name());
    visit(name, field, SettingOf(field));
    if (field.message_type() != nullptr) {
      ForEachSetting(*field.message_type(), name + ".", visit);
    }
  }
}

std::string TableOf(const Descriptor& type) {
  std::string text =
      "| setting | unit | bounds | default | |\n|---|---|---|---|---|\n";
  ForEachSetting(type, "",
                 [&](const std::string& name, const FieldDescriptor& field,
                     const policy::v1::Setting& setting) {
                   const bool number = IsNumber(field);
                   absl::StrAppend(
                       &text, "| `", name, "` | ",
                       field.is_repeated() ? "any number" : setting.unit(),
                       " | ", number ? Bounds(setting) : "", " | ",
                       number ? absl::StrCat(setting.default_value()) : "",
                       " | ", setting.help(), " |\n");
                 });
  return text;
}

absl::Status CheckNumber(const FieldDescriptor& field, const std::string& name,
                         Message* settings) {
  const google::protobuf::Reflection& access = *settings->GetReflection();
  const policy::v1::Setting& setting = SettingOf(field);
  const bool is_wide = field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
  if (!access.HasField(*settings, &field)) {
    if (is_wide) {
      access.SetUInt64(settings, &field, setting.default_value());
    } else {
      access.SetUInt32(settings, &field, setting.default_value());
    }
  }
  const uint64_t value = is_wide ? access.GetUInt64(*settings, &field)
                                 : access.GetUInt32(*settings, &field);
  if (value >= setting.min() && value <= setting.max()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", WithUnit(value, setting), ", and may be ",
                   Bounds(setting)));
}

absl::Status CheckAll(const std::string& prefix, Message* settings) {
  const Descriptor& type = *settings->GetDescriptor();
  const google::protobuf::Reflection& access = *settings->GetReflection();
  absl::Status status;
  for (int i = 0; i < type.field_count() && status.ok(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string name = absl::StrCat(prefix, field.name());
    if (IsNumber(field)) {
      status = CheckNumber(field, name, settings);
    } else if (field.message_type() != nullptr && field.is_repeated()) {
      for (int j = 0; j < access.FieldSize(*settings, &field); ++j) {
        status.Update(CheckAll(
            name + ".", access.MutableRepeatedMessage(settings, &field, j)));
      }
    } else if (field.message_type() != nullptr &&
               access.HasField(*settings, &field)) {
      status = CheckAll(name + ".", access.MutableMessage(settings, &field));
    }
  }
  return status;
}

}  // namespace

absl::Status CheckSettings(Message* settings) { return CheckAll("", settings); }

absl::Status LoadCheckedSettings(const DataDirectory& data,
                                 absl::string_view path, Message* settings,
                                 WhenAbsent when_absent) {
  const absl::Status loaded = data.LoadSettings(path, settings);
  if (!loaded.ok() &&
      !(absl::IsNotFound(loaded) && when_absent == WhenAbsent::kDefaultsHold)) {
    return loaded;
  }
  const absl::Status checked = CheckSettings(settings);
  if (checked.ok()) return checked;
  return absl::InvalidArgumentError(
      absl::StrCat(data.PathOf(path), ": ", checked.message()));
}

std::string HelpOfSettings(const Descriptor& type) {
  std::string text;
  ForEachSetting(type, "",
                 [&](const std::string& name, const FieldDescriptor& field,
                     const policy::v1::Setting& setting) {
                   absl::StrAppend(&text, "  ", name, "  ", setting.help());
                   if (IsNumber(field)) {
                     absl::StrAppend(&text, " ",
                                     WithUnit(setting.default_value(), setting),
                                     "; ", Bounds(setting), ".");
                   }
                   absl::StrAppend(&text, "\n");
                 });
  return text;
}

std::string ReferenceOfSettings(absl::Span<const SettingsFile> files) {
  std::string text =
      "# Settings\n\n"
      "Made by `concordat settings` from the schemas, where each declares\n"
      "itself; a test holds this page to it. The files are in the data "
      "directory,\nin Protobuf's text form (`repeat_every_s: 60`), and are "
      "read when a program\nstarts. A program does not start with one that "
      "sets what is not here, or out of\nits bounds.\n";
  for (const SettingsFile& file : files) {
    absl::StrAppend(&text, "\n## ", file.path, "\n\n", file.of, "\n\n",
                    TableOf(*file.type));
  }
  return text;
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

#include "gateway/cli/json.h"

#include <boost/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"

namespace concordat::cli {
namespace {

namespace json = boost::json;
using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;

// Applies `change` to each value of a fixed64 field.
template <typename Change>
absl::Status WalkTimes(const Descriptor& type, json::value& value,
                       const Change& change);

template <typename Change>
absl::Status WalkField(const FieldDescriptor& field, json::value& value,
                       const Change& change) {
  if (auto* array = value.if_array()) {
    for (json::value& each : *array) {
      if (auto status = WalkField(field, each, change); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
    return WalkTimes(*field.message_type(), value, change);
  }
  if (field.type() == FieldDescriptor::TYPE_FIXED64) return change(value);
  return absl::OkStatus();
}

template <typename Change>
absl::Status WalkTimes(const Descriptor& type, json::value& value,
                       const Change& change) {
  auto* const object = value.if_object();
  if (object == nullptr) return absl::OkStatus();
  for (auto& member : *object) {
    const std::string name(member.key());
    const FieldDescriptor* field = type.FindFieldByCamelcaseName(name);
    if (field == nullptr) field = type.FindFieldByName(name);
    if (field == nullptr) continue;  // The parser will say so.
    if (auto status = WalkField(*field, member.value(), change); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

std::string InLondon(absl::string_view format, uint64_t micros) {
  if (micros == 0) return "-";
  absl::TimeZone zone;
  if (!absl::LoadTimeZone("Europe/London", &zone)) zone = absl::UTCTimeZone();
  return absl::FormatTime(
      format, absl::FromUnixMicros(static_cast<int64_t>(micros)), zone);
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options)
           .ok()) {
    return "{}";
  }
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error) return text;
  (void)WalkTimes(*message.GetDescriptor(), value, [](json::value& time) {
    uint64_t micros = 0;
    if (time.is_string() &&
        absl::SimpleAtoi(std::string(time.get_string()), &micros)) {
      time = IsoTime(micros);
    }
    return absl::OkStatus();
  });
  return json::serialize(value);
}

absl::Status FromJson(absl::string_view text,
                      google::protobuf::Message* message) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("not JSON: ", error.message()));
  }
  auto walked =
      WalkTimes(*message->GetDescriptor(), value, [](json::value& time) {
        if (!time.is_string()) return absl::OkStatus();
        const std::string written(time.get_string());
        if (written.empty()) time = "0";
        if (!absl::StrContains(written, '-')) return absl::OkStatus();
        const auto micros = ParseIsoTime(written);
        if (micros.ok()) time = std::to_string(*micros);
        return micros.status();
      });
  if (!walked.ok()) return walked;
  const auto status = google::protobuf::util::JsonStringToMessage(
      json::serialize(value), message);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(status.message()));
}

std::string IsoTime(uint64_t micros) {
  if (micros == 0) return "";
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ",
                          absl::FromUnixMicros(static_cast<int64_t>(micros)),
                          absl::UTCTimeZone());
}

absl::StatusOr<uint64_t> ParseIsoTime(absl::string_view text) {
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &why) ||
      time < absl::UnixEpoch()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a time like 2025-11-24T17:25:00Z"));
  }
  return static_cast<uint64_t>(absl::ToUnixMicros(time));
}

std::string LocalTime(uint64_t micros) {
  return InLondon("%a %e %b %H:%M", micros);
}

std::string LocalMoment(uint64_t micros) {
  return InLondon("%a %e %b %Y %H:%M", micros);
}

std::string JsonQuote(absl::string_view text) {
  return json::serialize(
      json::value(json::string_view(text.data(), text.size())));
}

}  // namespace concordat::cli

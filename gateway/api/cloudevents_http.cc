#include "gateway/api/cloudevents_http.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/event/text_rules.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;

constexpr char kStructured[] = "application/cloudevents+json";
constexpr char kJson[] = "application/json";
constexpr char kPrefix[] = "ce-";
constexpr size_t kNameCharsMax = 32;

// Type and subtype in lower case; `parameters` says whether it has any but
// charset=utf-8, which is what JSON is in anyway.
std::string MediaType(absl::string_view content_type, bool* parameters) {
  std::vector<absl::string_view> parts = absl::StrSplit(content_type, ';');
  *parameters = false;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string parameter = absl::StrReplaceAll(
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(parts[i])),
        {{"\"", ""}});
    if (parameter != "charset=utf-8") *parameters = true;
  }
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(parts[0]));
}

bool IsAttributeName(absl::string_view name) {
  return !name.empty() && name.size() <= kNameCharsMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c));
         });
}

// False: it does not begin with a quote and end with the only other bare one.
bool Unquote(absl::string_view quoted, std::string* out) {
  if (quoted.size() < 2 || quoted.back() != '"') return false;
  quoted = quoted.substr(1, quoted.size() - 2);
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '"') return false;
    if (quoted[i] == '\\' && ++i == quoted.size()) return false;
    out->push_back(quoted[i]);
  }
  return true;
}

int HexDigit(char c) {
  if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return -1;
  c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

absl::Status ReadAttributes(const Request& request, json::object* event) {
  for (const auto& [header, value] : request.headers) {
    absl::string_view name = header;
    if (!absl::ConsumePrefix(&name, kPrefix)) continue;
    if (!IsAttributeName(name) || name == "data" || name == "datacontenttype") {
      return absl::InvalidArgumentError(
          "a ce- header is not named as an attribute");
    }
    const auto decoded = DecodeHeaderValue(value);
    if (!decoded.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("ce-", name, " is not encoded as it should be"));
    }
    if (event->contains(json::string_view(name.data(), name.size()))) {
      return absl::InvalidArgumentError(
          absl::StrCat("ce-", name, " stands more than once"));
    }
    (*event)[json::string_view(name.data(), name.size())] = *decoded;
  }
  return absl::OkStatus();
}

absl::Status ReadData(const Request& request, json::object* event) {
  const absl::string_view content_type = request.Header("content-type");
  bool parameters = false;
  const std::string type = MediaType(content_type, &parameters);
  if (!IsUtf8(content_type)) {
    return absl::InvalidArgumentError("the content type is not text");
  }
  if (!content_type.empty()) {
    (*event)["datacontenttype"] = type == kJson && !parameters
                                      ? std::string(kJson)
                                      : std::string(content_type);
  }
  if (request.body.empty()) return absl::OkStatus();
  if (type == kJson || absl::EndsWith(type, "+json")) {
    json::error_code error;
    json::value data = json::parse(request.body, error);
    if (error) return absl::InvalidArgumentError("the data is not JSON");
    (*event)["data"] = std::move(data);
  } else {
    (*event)["data_base64"] = absl::Base64Escape(request.body);
  }
  return absl::OkStatus();
}

absl::StatusOr<CloudEventsBody> ReadBinary(const Request& request) {
  json::object event;
  auto status = ReadAttributes(request, &event);
  if (status.ok()) status = ReadData(request, &event);
  if (!status.ok()) return status;
  CloudEventsBody body;
  body.events.push_back(json::serialize(event));
  return body;
}

}  // namespace

const char kBatchContentType[] = "application/cloudevents-batch+json";

bool HasCloudEvents(const Request& request) {
  bool parameters = false;
  const std::string type =
      MediaType(request.Header("content-type"), &parameters);
  if (absl::StartsWith(type, "application/cloudevents")) {
    return !parameters && (type == kStructured || type == kBatchContentType);
  }
  return !request.Header("ce-specversion").empty();
}

absl::StatusOr<CloudEventsBody> ReadCloudEvents(const Request& request) {
  bool parameters = false;
  const std::string type =
      MediaType(request.Header("content-type"), &parameters);
  if (type != kStructured && type != kBatchContentType) {
    return ReadBinary(request);
  }
  json::error_code error;
  const json::value value = json::parse(request.body, error);
  if (error) return absl::InvalidArgumentError("the body is not JSON");
  CloudEventsBody body;
  body.is_batch = type == kBatchContentType;
  if (!body.is_batch) {
    if (!value.is_object()) {
      return absl::InvalidArgumentError("the body is not one event");
    }
    body.events.push_back(request.body);
    return body;
  }
  if (!value.is_array()) {
    return absl::InvalidArgumentError("the body is not an array of events");
  }
  for (const json::value& event : value.get_array()) {
    if (!event.is_object()) {
      return absl::InvalidArgumentError("the body is not an array of events");
    }
    body.events.push_back(json::serialize(event));
  }
  return body;
}

std::optional<std::string> DecodeHeaderValue(absl::string_view value) {
  std::string text(value);
  if (absl::StartsWith(value, "\"")) {
    text.clear();
    if (!Unquote(value, &text)) return std::nullopt;
  }
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  if (!IsUtf8(decoded)) return std::nullopt;
  return decoded;
}

}  // namespace concordat::gateway

#include "gateway/http/status.h"

#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/strip.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;
using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedInputStream;

constexpr int kDetailsField = 3;  // repeated google.protobuf.Any

// Nothing: it is no google.rpc.Status.
std::optional<json::array> DetailsOf(const std::string& bytes) {
  json::array details;
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  while (const uint32_t tag = in.ReadTag()) {
    if (tag != WireFormatLite::MakeTag(
                   kDetailsField, WireFormatLite::WIRETYPE_LENGTH_DELIMITED)) {
      if (!WireFormatLite::SkipField(&in, tag)) return std::nullopt;
      continue;
    }
    int size = 0;
    std::string text;
    google::protobuf::Any any;
    if (!in.ReadVarintSizeAsInt(&size) || !in.ReadString(&text, size) ||
        !any.ParseFromString(text)) {
      return std::nullopt;
    }
    std::string value = absl::Base64Escape(any.value());
    while (!value.empty() && value.back() == '=') value.pop_back();
    details.push_back({{"type", std::string(absl::StripPrefix(
                                    any.type_url(), "type.googleapis.com/"))},
                       {"value", value}});
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  return details;
}

}  // namespace

absl::string_view CodeName(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return "ok";
    case absl::StatusCode::kCancelled:
      return "canceled";
    case absl::StatusCode::kInvalidArgument:
      return "invalid_argument";
    case absl::StatusCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case absl::StatusCode::kNotFound:
      return "not_found";
    case absl::StatusCode::kAlreadyExists:
      return "already_exists";
    case absl::StatusCode::kPermissionDenied:
      return "permission_denied";
    case absl::StatusCode::kResourceExhausted:
      return "resource_exhausted";
    case absl::StatusCode::kFailedPrecondition:
      return "failed_precondition";
    case absl::StatusCode::kAborted:
      return "aborted";
    case absl::StatusCode::kOutOfRange:
      return "out_of_range";
    case absl::StatusCode::kUnimplemented:
      return "unimplemented";
    case absl::StatusCode::kInternal:
      return "internal";
    case absl::StatusCode::kUnavailable:
      return "unavailable";
    case absl::StatusCode::kDataLoss:
      return "data_loss";
    case absl::StatusCode::kUnauthenticated:
      return "unauthenticated";
    default:
      return "unknown";
  }
}

unsigned HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string ErrorJson(const absl::Status& status) {
  const absl::string_view code = CodeName(status.code());
  json::object object = {{"code", json::string_view(code.data(), code.size())},
                         {"message", std::string(status.message())}};
  if (const auto payload = status.GetPayload(kDetailsUrl)) {
    auto details = DetailsOf(std::string(*payload));
    if (details.has_value() && !details->empty()) {
      object["details"] = *std::move(details);
    }
  }
  return json::serialize(object);
}

Response ErrorResponse(const absl::Status& status) {
  return ErrorResponse(HttpStatusOf(status.code()), status);
}

Response ErrorResponse(unsigned http_status, const absl::Status& status) {
  return JsonResponse(http_status, ErrorJson(status));
}

}  // namespace concordat::gateway

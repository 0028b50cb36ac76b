#include "gateway/api/connect.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/http/status.h"

namespace concordat::gateway {
namespace {

constexpr size_t kPrefixBytes = 5;
constexpr char kMessage = 0;
constexpr char kCompressed = 1;
constexpr char kEnd = 2;
constexpr size_t kTimeoutDigitsMax = 10;

std::string Prefixed(char flags, absl::string_view message) {
  std::string envelope;
  envelope.reserve(kPrefixBytes + message.size());
  envelope.push_back(flags);
  const auto size = static_cast<uint32_t>(message.size());
  for (const int shift : {24, 16, 8, 0}) {
    envelope.push_back(static_cast<char>(size >> shift));
  }
  envelope.append(message.data(), message.size());
  return envelope;
}

absl::StatusOr<absl::Duration> ParseTimeout(absl::string_view text) {
  int64_t milliseconds = 0;
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  if (!digits || text.size() > kTimeoutDigitsMax ||
      !absl::SimpleAtoi(text, &milliseconds)) {
    return absl::InvalidArgumentError(
        "Connect-Timeout-Ms is a number of at most 10 digits");
  }
  return absl::Milliseconds(milliseconds);
}

bool IsIdentity(absl::string_view encoding) {
  return encoding.empty() || encoding == "identity";
}

}  // namespace

const char kAcceptPost[] =
    "application/json, application/proto, application/connect+json, "
    "application/connect+proto";

std::string ContentTypeOf(const ConnectHead& head) {
  return absl::StrCat("application/", head.streaming ? "connect+" : "",
                      head.codec == Codec::kJson ? "json" : "proto");
}

std::optional<ConnectHead> ParseContentType(absl::string_view content_type) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(content_type, absl::MaxSplits(';', 1));
  const std::string type =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(parts.first));
  for (const bool streaming : {false, true}) {
    for (const Codec codec : {Codec::kJson, Codec::kProto}) {
      ConnectHead head{streaming, codec, std::nullopt};
      if (type == ContentTypeOf(head)) return head;
    }
  }
  return std::nullopt;
}

absl::StatusOr<ConnectHead> ParseConnectHead(const ConnectHead& type,
                                             const Request& request) {
  ConnectHead head = type;
  const absl::string_view version = request.Header("connect-protocol-version");
  if (!version.empty() && version != "1") {
    return absl::InvalidArgumentError("Connect-Protocol-Version is 1");
  }
  if (!IsIdentity(request.Header("content-encoding")) ||
      !IsIdentity(request.Header("connect-content-encoding"))) {
    return absl::UnimplementedError("no compression but identity");
  }
  const absl::string_view timeout = request.Header("connect-timeout-ms");
  if (!timeout.empty()) {
    const auto parsed = ParseTimeout(timeout);
    if (!parsed.ok()) return parsed.status();
    head.timeout = *parsed;
  }
  return head;
}

std::string Envelope(absl::string_view message) {
  return Prefixed(kMessage, message);
}

std::string EndOfStream(const absl::Status& status) {
  return Prefixed(
      kEnd,
      status.ok() ? "{}" : absl::StrCat("{\"error\":", ErrorJson(status), "}"));
}

absl::StatusOr<std::string> OpenEnvelope(absl::string_view body) {
  if (body.size() < kPrefixBytes) {
    return absl::InvalidArgumentError("the body is no envelope");
  }
  if (body[0] == kCompressed) {
    return absl::UnimplementedError("no compression but identity");
  }
  if (body[0] != kMessage) {
    return absl::InvalidArgumentError("the envelope has an unknown flag");
  }
  uint32_t size = 0;
  for (size_t i = 1; i < kPrefixBytes; ++i) {
    size = size << 8 | static_cast<uint8_t>(body[i]);
  }
  if (size != body.size() - kPrefixBytes) {
    return absl::InvalidArgumentError("the body is not one whole envelope");
  }
  return std::string(body.substr(kPrefixBytes));
}

}  // namespace concordat::gateway

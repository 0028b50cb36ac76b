#include "gateway/http/admission.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace concordat::gateway {
namespace {

constexpr absl::string_view kMethods[] = {"GET", "POST", "PUT", "DELETE"};
// A second one would let two programs read the request in two ways.
constexpr absl::string_view kSingle[] = {
    "host",   "content-length", "transfer-encoding", "content-type",
    "cookie", "origin",         "authorization"};

// Of RFC 3986: what may stand in path and query as it is.
bool IsTargetChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("-._~!$&'()*+,;=:@/?%", c);
}

bool IsControl(char c) {
  return absl::ascii_iscntrl(static_cast<unsigned char>(c));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False: a bad escape.
bool Unescape(absl::string_view text, bool plus_is_space, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    out->push_back(c);
  }
  return true;
}

std::optional<Refusal> ParsePath(absl::string_view path, std::string* out) {
  // Whoever decodes before splitting would see other segments.
  if (absl::StrContains(absl::AsciiStrToLower(path), "%2f")) {
    return Refusal{400, "an escaped slash in the path"};
  }
  if (!Unescape(path, false, out)) return Refusal{400, "a bad escape"};
  if (absl::StrContains(*out, '\\') ||
      std::any_of(out->begin(), out->end(), IsControl)) {
    return Refusal{400, "a character that a path may not have"};
  }
  const std::vector<absl::string_view> segments =
      absl::StrSplit(absl::string_view(*out).substr(1), '/');
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool empty = segments[i].empty() && i + 1 < segments.size();
    if (empty || segments[i] == "." || segments[i] == "..") {
      return Refusal{400, "a path that is not in its plain form"};
    }
  }
  return std::nullopt;
}

bool IsNumber(absl::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c));
         });
}

std::optional<Refusal> CheckFraming(const Request& request) {
  for (const absl::string_view name : kSingle) {
    const auto count = std::count_if(
        request.headers.begin(), request.headers.end(),
        [name](const auto& header) { return header.first == name; });
    if (count > 1) return Refusal{400, "a header that may stand once only"};
  }
  const absl::string_view length = request.Header("content-length");
  const absl::string_view encoding = request.Header("transfer-encoding");
  if (!encoding.empty() && !absl::EqualsIgnoreCase(encoding, "chunked")) {
    return Refusal{400, "a transfer encoding other than chunked"};
  }
  if (!encoding.empty() && !length.empty()) {
    return Refusal{400, "both a length and a transfer encoding"};
  }
  if (!length.empty() && !IsNumber(length)) {
    return Refusal{400, "a length that is no number"};
  }
  return std::nullopt;
}

bool IsHost(absl::string_view authority,
            const std::vector<std::string>& hosts) {
  std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(authority, absl::MaxSplits(':', 1));
  if (parts.first.size() != authority.size() && !IsNumber(parts.second)) {
    return false;
  }
  const std::string name = absl::AsciiStrToLower(parts.first);
  return std::find(hosts.begin(), hosts.end(), name) != hosts.end();
}

// A browser's own word on who made it ask.
bool IsFromElsewhere(const Request& request) {
  const absl::string_view origin = request.Header("origin");
  if (!origin.empty() &&
      !absl::EqualsIgnoreCase(
          origin, absl::StrCat("https://", request.Header("host")))) {
    return true;
  }
  const absl::string_view site = request.Header("sec-fetch-site");
  if (site.empty() || site == "same-origin" || site == "none") return false;
  return request.method != "GET" ||
         request.Header("sec-fetch-mode") != "navigate" ||
         request.Header("sec-fetch-dest") != "document";
}

}  // namespace

std::optional<Refusal> ParseTarget(absl::string_view target, Request* request) {
  if (target.empty() || target.front() != '/') {
    return Refusal{400, "a target that is no path"};
  }
  if (!std::all_of(target.begin(), target.end(), IsTargetChar)) {
    return Refusal{400, "a character that a target may not have"};
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(target, absl::MaxSplits('?', 1));
  if (auto refusal = ParsePath(parts.first, &request->path)) return refusal;
  for (const absl::string_view pair :
       absl::StrSplit(parts.second, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> sides =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    auto& [name, value] = request->query.emplace_back();
    if (!Unescape(sides.first, true, &name) ||
        !Unescape(sides.second, true, &value)) {
      return Refusal{400, "a bad escape"};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> CheckHead(const Request& request,
                                 const std::vector<std::string>& hosts) {
  if (auto refusal = CheckFraming(request)) return refusal;
  if (!IsHost(request.Header("host"), hosts)) {
    return Refusal{421, "this is not the host that was asked for"};
  }
  if (std::find(std::begin(kMethods), std::end(kMethods), request.method) ==
      std::end(kMethods)) {
    return Refusal{501, "no such method"};
  }
  if (IsFromElsewhere(request)) {
    return Refusal{403, "another site's page may not ask"};
  }
  return std::nullopt;
}

bool IsFieldValue(absl::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return c != '\t' && (IsControl(c) || static_cast<unsigned char>(c) > 0x7e);
  });
}

}  // namespace concordat::gateway

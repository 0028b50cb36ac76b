#include "gateway/http/request.h"

namespace concordat::gateway {
namespace {

absl::string_view Find(const Pairs& pairs, absl::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

absl::string_view Request::Header(absl::string_view name) const {
  return Find(headers, name);
}

absl::string_view Request::Query(absl::string_view name) const {
  return Find(query, name);
}

Response JsonResponse(unsigned status, std::string json) {
  return {.status = status,
          .content_type = "application/json",
          .body = std::move(json)};
}

}  // namespace concordat::gateway

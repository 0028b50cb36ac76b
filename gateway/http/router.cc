#include "gateway/http/router.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace concordat::gateway {
namespace {

// How well a pattern fits: 0 not at all, most for the whole path.
size_t Fit(absl::string_view pattern, absl::string_view path) {
  if (pattern == path) return path.size() + 2;
  if (!absl::ConsumeSuffix(&pattern, "*")) return 0;
  return absl::StartsWith(path, pattern) ? pattern.size() + 1 : 0;
}

}  // namespace

void Router::Add(std::string method, std::string pattern, Access access,
                 Handler handler) {
  routes_.push_back({std::move(method), std::move(pattern), access,
                     std::move(handler), nullptr});
}

void Router::AddBlocking(std::string method, std::string pattern, Access access,
                         BlockingHandler handler) {
  routes_.push_back({std::move(method), std::move(pattern), access, nullptr,
                     std::move(handler)});
}

Router::Match Router::Find(absl::string_view method,
                           absl::string_view path) const {
  Match match;
  size_t best = 0;
  for (const Route& route : routes_) {
    best = std::max(best, Fit(route.pattern, path));
  }
  if (best == 0) return match;
  for (const Route& route : routes_) {
    if (Fit(route.pattern, path) != best) continue;
    if (route.method != method) {
      match.allowed.push_back(route.method);
      continue;
    }
    match.route = &route;
    if (absl::EndsWith(route.pattern, "*")) {
      match.rest = std::string(path.substr(route.pattern.size() - 1));
    }
    match.allowed.clear();
    break;
  }
  return match;
}

}  // namespace concordat::gateway

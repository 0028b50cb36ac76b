// A request that has been read whole and found well formed, and its answer.
// PURE.
#ifndef CONCORDAT_GATEWAY_HTTP_REQUEST_H_
#define CONCORDAT_GATEWAY_HTTP_REQUEST_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace concordat::gateway {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // "GET", "POST", "PUT" or "DELETE"; HEAD is a GET.
  std::string path;    // Decoded: "/session/drafts/note 1".
  std::string rest;    // What the "*" of its route stands for.
  Pairs query;         // Decoded.
  Pairs headers;       // Names in lower case.
  std::string body;
  std::string peer;             // Address, without the port.
  std::string certificate_uri;  // Of the client's certificate; empty: none.
  // Which key it is for (services/common/crypto/certificate_key.h).
  std::string certificate_key;
  std::string id;  // Drawn here; stands in log and answer.

  // The first of that name, given in lower case, or nothing.
  absl::string_view Header(absl::string_view name) const;
  absl::string_view Query(absl::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string content_type = {};  // Empty: there is no body.
  std::string body = {};
  // Beside those that every answer has. "Cache-Control" replaces no-store.
  Pairs headers = {};
};

// An answer with JSON in it.
Response JsonResponse(unsigned status, std::string json);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_REQUEST_H_

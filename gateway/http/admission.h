// What the server refuses whatever is asked for: requests that are not plainly
// what they say they are. PURE.
#ifndef CONCORDAT_GATEWAY_HTTP_ADMISSION_H_
#define CONCORDAT_GATEWAY_HTTP_ADMISSION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/http/request.h"

namespace concordat::gateway {

// An HTTP status and one line of why, never with what was sent in it.
struct Refusal {
  unsigned status = 400;
  const char* why = "";
};

// Reads a target into path and query. Refused: all but the origin form, bytes
// that a URI has not, bad escapes, and paths that somebody behind could read
// otherwise: an escaped slash, a backslash, a control character, "//", "." or
// ".." as a segment.
std::optional<Refusal> ParseTarget(absl::string_view target, Request* request);

// Looks at method and headers, which are there already.
//   400  more than one, or an odd, Host, Content-Length, Content-Type, Cookie,
//        Origin or Transfer-Encoding; both of the latter
//   421  a Host that is none of `hosts`
//   403  another site's page asks: Origin is not this Host, or Sec-Fetch-Site
//        says so; but people may follow a link here from elsewhere
//   501  a method that nothing here has
std::optional<Refusal> CheckHead(const Request& request,
                                 const std::vector<std::string>& hosts);

// What may stand in a header of an answer: visible ASCII, space and tab.
bool IsFieldValue(absl::string_view value);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_ADMISSION_H_

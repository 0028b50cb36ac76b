// Who asks, and how that is found out for those without a certificate. PURE.
#ifndef CONCORDAT_GATEWAY_HTTP_CALLER_H_
#define CONCORDAT_GATEWAY_HTTP_CALLER_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/http/request.h"

namespace concordat::gateway {

struct Caller {
  std::string principal;     // Of the registry, by name.
  std::string staff;         // Account of the person; empty: a system.
  std::string display_name;  // As the person is called on a page.
  // Of the session; empty: the principal's own.
  std::string purpose;
  // What the session chose for persons: a request of it may say one of these.
  std::set<std::string> chosen_purposes;
  bool by_certificate = false;
  std::string certificate_key;  // As Request's.
  // The person gave the password again a short while ago.
  bool recently_authenticated = false;
  // The Authenticator's own name for the session; never the cookie.
  std::string session;
};

// Implemented by gateway/signin. Never asked about who has a certificate.
//
// Threads  Any; never waits: it is asked between two requests.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // Who asks. It has seen to it that a request which changes something was
  // meant by the person. Counts as activity of the session.
  //   UNAUTHENTICATED    no session, or one that has ended: 401.
  //   PERMISSION_DENIED  the request is forged, or may be: 403.
  virtual absl::StatusOr<Caller> Authenticate(const Request& request) = 0;

  // Whether the session of `caller` has not ended. Asked every few seconds
  // while a long answer goes on; no activity.
  virtual bool IsCurrent(const Caller& caller) = 0;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_CALLER_H_

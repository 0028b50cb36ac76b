// /sign-in/oidc: sends the browser to the provider, and takes it back. What went
// wrong is told on a page of a few words, since a person comes here by following
// a link.
#ifndef CONCORDAT_GATEWAY_SIGNIN_OIDC_HANDLERS_H_
#define CONCORDAT_GATEWAY_SIGNIN_OIDC_HANDLERS_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "gateway/http/router.h"
#include "gateway/signin/attempt_limit.h"
#include "gateway/signin/oidc_provider.h"
#include "gateway/signin/sealer.h"
#include "gateway/signin/sessions.h"
#include "gateway/signin/sign_in_record.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/telemetry/log.h"

namespace concordat::gateway {

// Threads  Any, those of the router that may wait.
class OidcHandlers {
 public:
  // All that is a reference outlives this.
  OidcHandlers(OidcProvider& provider, Sessions& sessions,
               const SignInRecord& record, absl::string_view secret,
               const AttemptLimits& limits, const Clock& clock,
               const SteadyClock& steady, Random& random, const Logger& log);

  void Register(Router& router);

 private:
  // With ?again=1 it is the session of the browser that is proved again.
  Response Begin(const Request& request);
  Response Finish(const Request& request);
  // Opens or renews; the cookie's value.
  absl::StatusOr<std::string> Enter(const Request& request,
                                    const OidcAttempt& attempt,
                                    const Person& person);

  OidcProvider& provider_;
  Sessions& sessions_;
  const SignInRecord& record_;
  const Clock& clock_;
  const SteadyClock& steady_;
  Random& random_;
  const Logger& log_;
  Mutex mu_;
  Sealer sealer_ ABSL_GUARDED_BY(mu_);
  // Of answers, which make the gateway talk to the provider.
  AttemptLimit limit_ ABSL_GUARDED_BY(mu_);
};

// A page that says `message` and offers to try again. PURE.
std::string ProblemPage(absl::string_view message);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_OIDC_HANDLERS_H_

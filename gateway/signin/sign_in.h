// Everything about signing in, put together for the gateway's main():
//
//   auto sign_in = start.Value(SignIn::Open(data, registry, …));
//   sign_in->Register(router);
//   … sign_in->authenticator() …
#ifndef CONCORDAT_GATEWAY_SIGNIN_SIGN_IN_H_
#define CONCORDAT_GATEWAY_SIGNIN_SIGN_IN_H_

#include <memory>

#include "absl/status/statusor.h"
#include "gateway/http/caller.h"
#include "gateway/http/router.h"
#include "gateway/signin/session_handlers.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/live_registry.h"
#include "services/common/rpc/access_log.h"
#include "services/common/telemetry/log.h"

namespace concordat::gateway {

class SignIn {
 public:
  // Who signs in is recorded in `access`. Reads doors/sign-in.textproto, the accounts and the agreements' purposes; in
  // a demo without accounts it makes those of MakeDemoAccounts(). All but
  // `data` outlives this.
  //   INVALID_ARGUMENT, NOT_FOUND  a file, or a setting; names it.
  static absl::StatusOr<std::unique_ptr<SignIn>> Open(
      const DataDirectory& data, RegistrySource registry, TaskCheck check_task,
      OpeningNote note_opening, AccessLog& access, const Clock& clock,
      const SteadyClock& steady, Random& random, const Logger& log);
  ~SignIn();

  // /session…, /sign-in…. This outlives the router's server.
  void Register(Router& router);
  Authenticator& authenticator();

 private:
  struct Parts;
  explicit SignIn(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SIGN_IN_H_

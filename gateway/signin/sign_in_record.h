// Who signed in, who tried, and how it ended: a record each in the gateway's access
// log. What was typed is never in it.
#ifndef CONCORDAT_GATEWAY_SIGNIN_SIGN_IN_RECORD_H_
#define CONCORDAT_GATEWAY_SIGNIN_SIGN_IN_RECORD_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/signin/session_table.h"
#include "services/common/base/clock.h"
#include "services/common/config/live_registry.h"
#include "services/common/rpc/access_log.h"

namespace concordat::gateway {

// Threads  Any; returns when it is on the disk.
class SignInRecord {
 public:
  // All outlive this.
  SignInRecord(AccessLog& log, RegistrySource registry, const Clock& clock)
      : log_(log), registry_(std::move(registry)), clock_(clock) {}

  // `how` is one of a few words: "password", "oidc", "again", "sign-out".
  // `person` null: nobody knows.
  //   UNAVAILABLE  it is not written; then nobody is signed in.
  absl::Status Write(absl::string_view how, const Person* person,
                     absl::StatusCode outcome) const;

 private:
  AccessLog& log_;
  const RegistrySource registry_;
  const Clock& clock_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SIGN_IN_RECORD_H_

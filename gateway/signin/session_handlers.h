// /session and what is below it: signing in with an account, staying, proving
// it again, purposes, drafts, signing out.
#ifndef CONCORDAT_GATEWAY_SIGNIN_SESSION_HANDLERS_H_
#define CONCORDAT_GATEWAY_SIGNIN_SESSION_HANDLERS_H_

#include <functional>
#include <set>
#include <string>

#include "gateway/http/router.h"
#include "gateway/signin/password_sign_in.h"
#include "gateway/signin/sealed_store.h"
#include "gateway/signin/sessions.h"
#include "gateway/signin/sign_in_record.h"
#include "services/common/base/clock.h"

namespace concordat::gateway {

// Whether the caller has this task with this person now. May wait.
//   FAILED_PRECONDITION  no; for people.
using TaskCheck = std::function<absl::Status(
    const Caller& caller, const std::string& subject, const std::string& task)>;

// Says to the hub that the caller opens a person to whom no task led. May wait; what
// it cannot say now is in its own record.
using OpeningNote =
    std::function<void(const Caller& caller, const std::string& subject,
                       const std::string& purpose)>;

// Threads  Any, those of the router that may wait.
class SessionHandlers {
 public:
  // All outlives this. `purposes`: what may be chosen.
  SessionHandlers(Sessions& sessions, PasswordSignIn& passwords,
                  SealedStore& store, const SignInRecord& record,
                  std::set<std::string> purposes, TaskCheck check_task,
                  OpeningNote note_opening, const Clock& clock);

  void Register(Router& router);

 private:
  Response SignIn(const Request& request);
  Response Show(const Request& request);
  Response Stay(const Caller& caller);
  Response SignOut(const Caller& caller);
  Response Again(const Request& request, const Caller& caller);
  // A person is opened for a task that the caller has, or in words.
  Response SetPurpose(const Request& request, const Caller& caller);
  Response Drafts(const Request& request, const Caller& caller);

  // The session's JSON, with its new cookie if it has one.
  Response Answer(const SessionState& state, const std::string& new_id);

  Sessions& sessions_;
  PasswordSignIn& passwords_;
  SealedStore& store_;
  const SignInRecord& record_;
  const std::set<std::string> purposes_;
  const TaskCheck check_task_;
  const OpeningNote note_opening_;
  const Clock& clock_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SESSION_HANDLERS_H_

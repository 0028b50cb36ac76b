// The sessions of the people who are signed in, as the server asks about them:
// the table, and whether account and principal still stand.
//
// Threads  Any; nothing waits.
#ifndef CONCORDAT_GATEWAY_SIGNIN_SESSIONS_H_
#define CONCORDAT_GATEWAY_SIGNIN_SESSIONS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/http/caller.h"
#include "gateway/signin/accounts.h"
#include "gateway/signin/session_table.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/config/live_registry.h"

namespace concordat::gateway {

// The registry's entry of `name`; null: there is none, it is revoked, or the
// gateway may not speak for it.
const bus::v1::Principal* FindSpokenFor(const PrincipalRegistry& registry,
                                        const std::string& name);

// What a page shows of a session, at one moment.
struct SessionState {
  Session session;
  std::shared_ptr<const PrincipalRegistry> registry;
  const bus::v1::Principal* principal = nullptr;  // Of `registry`; never null.
  // By the wall clock, to be shown; what counts is steady.
  absl::Time idle_until;
  absl::Time expires;
  absl::Time recent_until;
  bool is_recent = false;
  absl::Duration idle;
};

class Sessions : public Authenticator {
 public:
  // All that is a reference outlives this.
  Sessions(const SessionLimits& limits, AccountsSource accounts,
           RegistrySource registry, const Clock& clock,
           const SteadyClock& steady, Random& random);

  // A session for somebody who has proved who they are, in place of what
  // `presented` opens. Returns the cookie's value.
  //   PERMISSION_DENIED  the gateway may not speak for their principal; for
  //                      people.
  absl::StatusOr<std::string> Open(const Person& person,
                                   absl::string_view presented);
  // As SessionTable's, for a session that stands.
  //   UNAUTHENTICATED  it does not.
  absl::StatusOr<std::string> Renew(uint64_t number);
  absl::Status SetPurpose(uint64_t number, const std::string& subject,
                          const std::string& purpose);
  void Close(uint64_t number);

  // By cookie or number.
  //   UNAUTHENTICATED  for people.
  absl::StatusOr<SessionState> Look(absl::string_view id, bool touch);
  absl::StatusOr<SessionState> Look(uint64_t number);

  // The header "Concordat-Background: true" is of a page that asks by itself,
  // which is no activity.
  absl::StatusOr<Caller> Authenticate(const Request& request) override;
  bool IsCurrent(const Caller& caller) override;

 private:
  // Ends it when its account or principal no longer stands.
  absl::StatusOr<SessionState> Judge(const Session* session)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const AccountsSource accounts_;
  const RegistrySource registry_;
  const Clock& clock_;
  const SteadyClock& steady_;
  Mutex mu_;
  SessionTable table_ ABSL_GUARDED_BY(mu_);
};

// The number in Caller.session; 0: none.
uint64_t SessionNumber(const Caller& caller);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SESSIONS_H_

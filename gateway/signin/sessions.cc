#include "gateway/signin/sessions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/signin/cookies.h"

namespace concordat::gateway {
namespace {

// Its entry in the registry, and whom it speaks for, are the operator's to give.
constexpr absl::string_view kGateway = "gateway";

absl::Status Ended() {
  return absl::UnauthenticatedError("You are not signed in.");
}

// An account of ours may have changed; one of a provider is the provider's.
bool Stands(const Accounts& accounts, const Person& person) {
  if (person.version == 0) return true;
  const v1::Account* const account = accounts.Find(person.account);
  return account != nullptr && !account->disabled() &&
         account->changed() == person.version;
}

bool ChangesSomething(const Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

}  // namespace

const bus::v1::Principal* FindSpokenFor(const PrincipalRegistry& registry,
                                        const std::string& name) {
  const bus::v1::Principal* const self = registry.FindByName(kGateway);
  const bus::v1::Principal* const principal = registry.FindByName(name);
  if (self == nullptr || principal == nullptr || principal->revoked()) {
    return nullptr;
  }
  const auto& names = self->speaks_for();
  const bool is_named =
      std::find(names.begin(), names.end(), name) != names.end();
  return is_named ? principal : nullptr;
}

uint64_t SessionNumber(const Caller& caller) {
  uint64_t number = 0;
  return absl::SimpleAtoi(caller.session, &number) ? number : 0;
}

Sessions::Sessions(const SessionLimits& limits, AccountsSource accounts,
                   RegistrySource registry, const Clock& clock,
                   const SteadyClock& steady, Random& random)
    : accounts_(std::move(accounts)),
      registry_(std::move(registry)),
      clock_(clock),
      steady_(steady),
      table_(limits, random) {}

absl::StatusOr<std::string> Sessions::Open(const Person& person,
                                           absl::string_view presented) {
  const auto registry = registry_();
  const auto* const principal = FindSpokenFor(*registry, person.principal);
  if (principal == nullptr) {
    return absl::PermissionDeniedError(
        "Your account has no role in Concordat any more. Ask the person who "
        "manages access in your team.");
  }
  MutexLock lock(mu_);
  return table_.Open(person, principal->default_purpose(), presented,
                     steady_.Elapsed());
}

absl::StatusOr<std::string> Sessions::Renew(uint64_t number) {
  MutexLock lock(mu_);
  const auto state = Judge(table_.Find(number, steady_.Elapsed()));
  if (!state.ok()) return state.status();
  return table_.Renew(number, steady_.Elapsed());
}

absl::Status Sessions::SetPurpose(uint64_t number, const std::string& subject,
                                  const std::string& purpose) {
  MutexLock lock(mu_);
  return table_.SetPurpose(number, subject, purpose, steady_.Elapsed());
}

void Sessions::Close(uint64_t number) {
  MutexLock lock(mu_);
  table_.Close(number);
}

absl::StatusOr<SessionState> Sessions::Judge(const Session* session) {
  if (session == nullptr) return Ended();
  SessionState state;
  state.session = *session;
  state.registry = registry_();
  state.principal = FindSpokenFor(*state.registry, session->person.principal);
  if (state.principal == nullptr || !Stands(*accounts_(), session->person)) {
    table_.Close(session->number);
    return Ended();
  }
  const absl::Time now = clock_.Now();
  const absl::Duration elapsed = steady_.Elapsed();
  const SessionLimits& limits = table_.limits();
  state.idle = limits.idle;
  state.idle_until = now + (session->used + limits.idle - elapsed);
  state.expires = now + (session->began + limits.absolute - elapsed);
  state.recent_until = now + (session->proved + limits.recent - elapsed);
  state.is_recent = table_.IsRecent(*session, elapsed);
  return state;
}

absl::StatusOr<SessionState> Sessions::Look(absl::string_view id, bool touch) {
  MutexLock lock(mu_);
  return Judge(table_.Find(id, steady_.Elapsed(), touch));
}

absl::StatusOr<SessionState> Sessions::Look(uint64_t number) {
  MutexLock lock(mu_);
  return Judge(table_.Find(number, steady_.Elapsed()));
}

absl::StatusOr<Caller> Sessions::Authenticate(const Request& request) {
  const absl::string_view id =
      FindCookie(request.Header("cookie"), kSessionCookie);
  if (id.empty()) return Ended();
  auto state = Look(id, false);
  if (!state.ok()) return state.status();
  const Session& session = state->session;
  if (ChangesSomething(request) &&
      !IsCsrfToken(request.Header("concordat-csrf"), session.csrf)) {
    return absl::PermissionDeniedError(
        "This request did not come from the page of your session, so nothing "
        "was done. Load the page again.");
  }
  if (request.Header("concordat-background") != "true") {
    MutexLock lock(mu_);
    table_.Find(id, steady_.Elapsed(), true);
  }
  Caller caller;
  caller.principal = session.person.principal;
  caller.staff = session.person.staff;
  caller.display_name = session.person.display_name;
  caller.purpose = session.purpose;
  for (const auto& [subject, purpose] : session.cases) {
    caller.chosen_purposes.insert(purpose);
  }
  caller.recently_authenticated = state->is_recent;
  caller.session = absl::StrCat(session.number);
  return caller;
}

bool Sessions::IsCurrent(const Caller& caller) {
  return Look(SessionNumber(caller)).ok();
}

}  // namespace concordat::gateway

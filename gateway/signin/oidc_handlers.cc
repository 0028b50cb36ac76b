#include "gateway/signin/oidc_handlers.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/http/status.h"
#include "gateway/signin/cookies.h"
#include "gateway/signin/password_sign_in.h"

namespace concordat::gateway {
namespace {

constexpr absl::string_view kOidcPath = "/sign-in/oidc";

Response Redirect(std::string to) {
  Response response = {.status = 303};
  response.headers.emplace_back("Location", std::move(to));
  return response;
}

Response Problem(const absl::Status& status) {
  return {.status = HttpStatusOf(status.code()),
          .content_type = "text/html; charset=utf-8",
          .body = ProblemPage(status.message())};
}

absl::Status CannotBeReached(const v1::OidcSettings& settings) {
  return absl::UnavailableError(absl::StrCat(
      settings.name(), " cannot be reached. Try again in a minute."));
}

}  // namespace

std::string ProblemPage(absl::string_view message) {
  const std::string text = absl::StrReplaceAll(
      message, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
  return absl::StrCat(
      "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">"
      "\n<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>You are not signed in - Concordat</title>\n</head>\n<body>\n"
      "<main>\n<h1>You are not signed in</h1>\n<p>",
      text,
      "</p>\n<p><a href=\"/\">Go back to the sign-in page</a></p>\n</main>\n"
      "</body>\n</html>\n");
}

OidcHandlers::OidcHandlers(OidcProvider& provider, Sessions& sessions,
                           const SignInRecord& record, absl::string_view secret,
                           const AttemptLimits& limits, const Clock& clock,
                           const SteadyClock& steady, Random& random,
                           const Logger& log)
    : provider_(provider),
      sessions_(sessions),
      record_(record),
      clock_(clock),
      steady_(steady),
      random_(random),
      log_(log),
      sealer_(secret, "concordat/gateway/oidc/1", random),
      limit_(limits) {}

void OidcHandlers::Register(Router& router) {
  router.AddBlocking(
      "GET", std::string(kOidcPath), Access::kAnyone,
      [this](const Request& request, const Caller&) { return Begin(request); });
  router.AddBlocking("GET", std::string(kCallbackPath), Access::kAnyone,
                     [this](const Request& request, const Caller&) {
                       return Finish(request);
                     });
}

Response OidcHandlers::Begin(const Request& request) {
  uint64_t session = 0;
  if (request.Query("again") == "1") {
    const auto state = sessions_.Look(
        FindCookie(request.Header("cookie"), kSessionCookie), true);
    if (!state.ok()) return Problem(state.status());
    session = state->session.number;
  }
  const OidcAttempt attempt = MakeAttempt(session, clock_.Now(), random_);
  auto url = provider_.Begin(attempt);
  if (!url.ok()) {
    log_.Warning("the sign-in provider does not answer",
                 {{"why", url.status().message()}});
    return Problem(CannotBeReached(provider_.settings()));
  }
  Response response = Redirect(*std::move(url));
  MutexLock lock(mu_);
  response.headers.emplace_back(
      "Set-Cookie",
      SetCookie(kOidcCookie, SealAttempt(attempt, sealer_), SameSite::kLax));
  return response;
}

absl::StatusOr<std::string> OidcHandlers::Enter(const Request& request,
                                                const OidcAttempt& attempt,
                                                const Person& person) {
  if (attempt.session == 0) {
    return sessions_.Open(person,
                          FindCookie(request.Header("cookie"), kSessionCookie));
  }
  const auto state = sessions_.Look(attempt.session);
  if (!state.ok()) return state.status();
  if (state->session.person.account != person.account) {
    return absl::PermissionDeniedError(
        "You proved to be somebody else than the person who is signed in.");
  }
  return sessions_.Renew(attempt.session);
}

Response OidcHandlers::Finish(const Request& request) {
  std::optional<OidcAttempt> attempt;
  absl::Duration wait;
  {
    MutexLock lock(mu_);
    attempt = OpenAttempt(FindCookie(request.Header("cookie"), kOidcCookie),
                          clock_.Now(), sealer_);
    if (attempt) {
      wait = limit_.Admit(attempt->state, request.peer, steady_.Elapsed());
    }
  }
  if (!attempt) {
    return Problem(absl::FailedPreconditionError(
        "This sign-in took too long, or was begun in another window. Start "
        "again."));
  }
  if (wait > absl::ZeroDuration()) {
    return Problem(absl::ResourceExhaustedError(absl::StrCat(
        "There were too many attempts. Try again in ", InWords(wait), ".")));
  }
  const auto person = provider_.Finish({.state = request.Query("state"),
                                        .code = request.Query("code"),
                                        .issuer = request.Query("iss"),
                                        .error = request.Query("error")},
                                       *attempt);
  absl::Status status = person.status();
  if (absl::IsUnauthenticated(status) || absl::IsUnavailable(status)) {
    log_.Warning("a sign-in by the provider was not believed",
                 {{"why", status.message()}});
    status = absl::IsUnavailable(status)
                 ? CannotBeReached(provider_.settings())
                 : absl::UnauthenticatedError(absl::StrCat(
                       "What ", provider_.settings().name(),
                       " said of you could not be checked. Start again."));
  }
  const auto recorded =
      record_.Write("oidc", person.ok() ? &*person : nullptr, status.code());
  if (status.ok()) status = recorded;
  const absl::StatusOr<std::string> id =
      status.ok() ? Enter(request, *attempt, *person)
                  : absl::StatusOr<std::string>(status);
  if (!id.ok()) {
    Response response = Problem(id.status());
    response.headers.emplace_back("Set-Cookie", DropCookie(kOidcCookie));
    return response;
  }
  {
    MutexLock lock(mu_);
    limit_.Succeeded(attempt->state, request.peer);
  }
  Response response = Redirect("/");
  response.headers.emplace_back("Set-Cookie", DropCookie(kOidcCookie));
  response.headers.emplace_back(
      "Set-Cookie", SetCookie(kSessionCookie, *id, SameSite::kStrict));
  return response;
}

}  // namespace concordat::gateway

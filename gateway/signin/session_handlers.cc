#include "gateway/signin/session_handlers.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/http/status.h"
#include "gateway/signin/cookies.h"
#include "gateway/signin/session_json.h"
#include "services/common/base/ids.h"

namespace concordat::gateway {
namespace {

// A sentence, not a letter; in bytes.
constexpr size_t kReasonMin = 10;
constexpr size_t kReasonMax = 1000;
constexpr absl::string_view kSessionPath = "/session";
constexpr absl::string_view kDraftsPath = "/session/drafts";

// A form of another site can send other types than this without being asked.
absl::StatusOr<boost::json::object> ReadJson(const Request& request) {
  if (!absl::StartsWithIgnoreCase(request.Header("content-type"),
                                  "application/json")) {
    return absl::InvalidArgumentError("the body is not application/json");
  }
  return ReadObject(request.body);
}

Response TooManyAttempts(const absl::Status& status, absl::Duration wait) {
  Response response = ErrorResponse(status);
  response.headers.emplace_back(
      "Retry-After",
      absl::StrCat(absl::Ceil(wait, absl::Seconds(1)) / absl::Seconds(1)));
  return response;
}

Response NotForSystems() {
  return ErrorResponse(absl::PermissionDeniedError(
      "Only a person who has signed in has a session."));
}

absl::Status CheckReason(absl::string_view reason) {
  if (reason.empty() ||
      (reason.size() >= kReasonMin && reason.size() <= kReasonMax)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "Give the reason in a sentence of at most 1,000 characters.");
}

}  // namespace

SessionHandlers::SessionHandlers(Sessions& sessions, PasswordSignIn& passwords,
                                 SealedStore& store, const SignInRecord& record,
                                 std::set<std::string> purposes,
                                 TaskCheck check_task, OpeningNote note_opening,
                                 const Clock& clock)
    : sessions_(sessions),
      passwords_(passwords),
      store_(store),
      record_(record),
      purposes_(std::move(purposes)),
      check_task_(std::move(check_task)),
      note_opening_(std::move(note_opening)),
      clock_(clock) {}

void SessionHandlers::Register(Router& router) {
  const std::string session(kSessionPath);
  const std::string drafts(kDraftsPath);
  router.AddBlocking("POST", session, Access::kAnyone,
                     [this](const Request& request, const Caller&) {
                       return SignIn(request);
                     });
  router.AddBlocking(
      "GET", session, Access::kAnyone,
      [this](const Request& request, const Caller&) { return Show(request); });
  const auto add = [&router](const char* method, const std::string& path,
                             BlockingHandler handler) {
    router.AddBlocking(method, path, Access::kSignedIn,
                       [handler = std::move(handler)](const Request& request,
                                                      const Caller& caller) {
                         if (SessionNumber(caller) == 0) return NotForSystems();
                         return handler(request, caller);
                       });
  };
  add("DELETE", session,
      [this](const Request&, const Caller& c) { return SignOut(c); });
  add("POST", session + "/stay",
      [this](const Request&, const Caller& c) { return Stay(c); });
  add("POST", session + "/again",
      [this](const Request& r, const Caller& c) { return Again(r, c); });
  add("POST", session + "/purpose",
      [this](const Request& r, const Caller& c) { return SetPurpose(r, c); });
  add("GET", drafts,
      [this](const Request& r, const Caller& c) { return Drafts(r, c); });
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    add(method, drafts + "/*",
        [this](const Request& r, const Caller& c) { return Drafts(r, c); });
  }
}

Response SessionHandlers::Answer(const SessionState& state,
                                 const std::string& new_id) {
  Response response = JsonResponse(200, SessionJson(state, purposes_));
  if (!new_id.empty()) {
    response.headers.emplace_back(
        "Set-Cookie", SetCookie(kSessionCookie, new_id, SameSite::kStrict));
  }
  return response;
}

Response SessionHandlers::SignIn(const Request& request) {
  const auto body = ReadJson(request);
  if (!body.ok()) return ErrorResponse(body.status());
  const auto account = ReadText(*body, "account");
  const auto password = ReadText(*body, "password");
  if (!account.ok()) return ErrorResponse(account.status());
  if (!password.ok()) return ErrorResponse(password.status());
  absl::Duration wait;
  const auto person =
      passwords_.Check(*account, *password, request.peer, &wait);
  // Not recorded, as each would be a wait for the disk.
  if (wait > absl::ZeroDuration()) {
    return TooManyAttempts(person.status(), wait);
  }
  const Person* const known = person.ok() ? &*person : nullptr;
  const auto recorded =
      record_.Write("password", known, person.status().code());
  if (!person.ok()) return ErrorResponse(person.status());
  if (!recorded.ok()) return ErrorResponse(recorded);
  const auto id = sessions_.Open(
      *person, FindCookie(request.Header("cookie"), kSessionCookie));
  if (!id.ok()) return ErrorResponse(id.status());
  const auto state = sessions_.Look(*id, false);
  if (!state.ok()) return ErrorResponse(state.status());
  return Answer(*state, *id);
}

Response SessionHandlers::Show(const Request& request) {
  const absl::string_view id =
      FindCookie(request.Header("cookie"), kSessionCookie);
  const auto state = sessions_.Look(id, false);
  if (state.ok()) return Answer(*state, "");
  Response response = ErrorResponse(state.status());
  if (!id.empty()) {
    response.headers.emplace_back("Set-Cookie", DropCookie(kSessionCookie));
  }
  return response;
}

Response SessionHandlers::Stay(const Caller& caller) {
  const auto state = sessions_.Look(SessionNumber(caller));
  return state.ok() ? Answer(*state, "") : ErrorResponse(state.status());
}

Response SessionHandlers::SignOut(const Caller& caller) {
  const auto state = sessions_.Look(SessionNumber(caller));
  sessions_.Close(SessionNumber(caller));
  // It is over whether that can be written or not.
  if (state.ok()) {
    static_cast<void>(record_.Write("sign-out", &state->session.person,
                                    absl::StatusCode::kOk));
  }
  Response response = {.status = 204};
  response.headers.emplace_back("Set-Cookie", DropCookie(kSessionCookie));
  return response;
}

Response SessionHandlers::Again(const Request& request, const Caller& caller) {
  const auto body = ReadJson(request);
  if (!body.ok()) return ErrorResponse(body.status());
  const auto password = ReadText(*body, "password");
  if (!password.ok()) return ErrorResponse(password.status());
  const uint64_t number = SessionNumber(caller);
  const auto before = sessions_.Look(number);
  if (!before.ok()) return ErrorResponse(before.status());
  const Person& person = before->session.person;
  if (person.version == 0) {
    return ErrorResponse(absl::FailedPreconditionError(
        "You signed in with your organisation's account. Prove who you are "
        "there again."));
  }
  absl::Duration wait;
  const auto proved =
      passwords_.Check(person.account, *password, request.peer, &wait);
  if (wait > absl::ZeroDuration()) {
    return TooManyAttempts(proved.status(), wait);
  }
  const auto recorded = record_.Write("again", &person, proved.status().code());
  if (!proved.ok()) {
    // Not 401: the session goes on.
    return ErrorResponse(
        absl::PermissionDeniedError("The password is not right."));
  }
  if (!recorded.ok()) return ErrorResponse(recorded);
  const auto id = sessions_.Renew(number);
  if (!id.ok()) return ErrorResponse(id.status());
  const auto state = sessions_.Look(number);
  return state.ok() ? Answer(*state, *id) : ErrorResponse(state.status());
}

Response SessionHandlers::SetPurpose(const Request& request,
                                     const Caller& caller) {
  const auto body = ReadJson(request);
  if (!body.ok()) return ErrorResponse(body.status());
  const auto purpose = ReadText(*body, "purpose");
  const auto subject = ReadOptionalText(*body, "subject");
  const auto reason = ReadOptionalText(*body, "reason");
  const auto task = ReadOptionalText(*body, "task");
  for (const auto* field : {&purpose, &subject, &reason, &task}) {
    if (!field->ok()) return ErrorResponse(field->status());
  }
  if (purposes_.find(*purpose) == purposes_.end()) {
    return ErrorResponse(
        absl::InvalidArgumentError("No agreement has this purpose."));
  }
  if (!subject->empty() && !PersonKey::Parse(*subject).ok()) {
    return ErrorResponse(
        absl::InvalidArgumentError("subject is no person key"));
  }
  if (auto status = CheckReason(*reason); !status.ok()) {
    return ErrorResponse(status);
  }
  // A task is about a person: it explains no other purpose of the session.
  if (subject->empty() && reason->empty()) {
    return ErrorResponse(absl::InvalidArgumentError(
        "Say in a sentence what you need this purpose for."));
  }
  if (reason->empty() && task->empty()) {
    return ErrorResponse(absl::InvalidArgumentError(
        "No task led to this person. Say in a sentence why you open them."));
  }
  if (!task->empty()) {
    const auto status = check_task_(caller, *subject, *task);
    if (!status.ok()) return ErrorResponse(status);
  }
  const uint64_t number = SessionNumber(caller);
  const auto before = sessions_.Look(number);
  if (!before.ok()) return ErrorResponse(before.status());
  const Person& person = before->session.person;
  // Written first: what somebody may see for a purpose was asked for before.
  auto status = store_.Record({.at = clock_.Now(),
                               .account = person.account,
                               .principal = person.principal,
                               .staff = person.staff,
                               .subject = *subject,
                               .purpose = *purpose,
                               .reason = *reason,
                               .task = *task});
  if (status.ok()) status = sessions_.SetPurpose(number, *subject, *purpose);
  if (!status.ok()) return ErrorResponse(status);
  if (!subject->empty() && task->empty()) {
    note_opening_(caller, *subject, *purpose);
  }
  return Stay(caller);
}

Response SessionHandlers::Drafts(const Request& request, const Caller& caller) {
  const auto state = sessions_.Look(SessionNumber(caller));
  if (!state.ok()) return ErrorResponse(state.status());
  const Person& person = state->session.person;
  if (request.path == kDraftsPath) {
    const auto drafts = store_.ListDrafts(person);
    return drafts.ok() ? JsonResponse(200, DraftsJson(*drafts))
                       : ErrorResponse(drafts.status());
  }
  if (request.method == "GET") {
    auto draft = store_.GetDraft(person, request.rest);
    return draft.ok() ? JsonResponse(200, std::move(draft->text))
                      : ErrorResponse(draft.status());
  }
  absl::Status status;
  if (request.method == "PUT") {
    status = ReadJson(request).status();
    if (status.ok()) {
      status = store_.PutDraft(person, request.rest, request.body);
    }
  } else {
    status = store_.DropDraft(person, request.rest);
  }
  return status.ok() ? Response{.status = 204} : ErrorResponse(status);
}

}  // namespace concordat::gateway

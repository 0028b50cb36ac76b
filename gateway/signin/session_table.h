// Who is signed in. PURE: the caller says what time it is.
//
// A session is found by an id that only its browser has; here there is but the
// id's SHA-256. Every proof of who it is, the first or a later one, gives a new
// id and a new CSRF token, so that an id which somebody planted or saw before
// is worth nothing after.
//
// Threads  One at a time.
// Time     Durations of a SteadyClock.
#ifndef CONCORDAT_GATEWAY_SIGNIN_SESSION_TABLE_H_
#define CONCORDAT_GATEWAY_SIGNIN_SESSION_TABLE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/base/random.h"
#include "services/common/crypto/sha256.h"

namespace concordat::gateway {

// Somebody who proved who they are, as their account said at that moment.
struct Person {
  std::string account;
  std::string principal = {};  // Of the registry; whose rights they have.
  std::string staff = {};      // Their reference in records; 1 to 64 printable.
  std::string display_name = {};
  // Of the account; when the account has another, the session is over. 0: of
  // somebody without an account here.
  uint64_t version = 0;
};

struct SessionLimits {
  absl::Duration idle = absl::Minutes(20);
  absl::Duration absolute = absl::Hours(10);
  // How long a proof of who it is counts as recent.
  absl::Duration recent = absl::Minutes(10);
  // Above it the one that was used longest ago goes.
  size_t sessions_max = 20'000;
  size_t per_account_max = 5;
  // Cases with a purpose of their own; above it a choice is refused.
  size_t cases_max = 200;
};

struct Session {
  // The same as long as the session lasts, and never another's. It is no
  // secret: it opens nothing.
  uint64_t number = 0;
  Person person;
  std::string csrf;
  absl::Duration began;
  absl::Duration used;
  absl::Duration proved;  // Last proof of who it is.
  // What it is signed in for; of a case, what was chosen for that case.
  std::string purpose;
  std::map<std::string, std::string> cases;  // Person key to purpose.
};

class SessionTable {
 public:
  // `random` outlives this.
  SessionTable(const SessionLimits& limits, Random& random);

  // Begins a session and returns its id. The one that `presented` opened, if
  // any, is over: a browser has one.
  std::string Open(Person person, std::string purpose,
                   absl::string_view presented, absl::Duration now);

  // Null: not open, or its time is over. `touch` starts the idle time afresh.
  // Valid until the next call of a method.
  const Session* Find(absl::string_view id, absl::Duration now, bool touch);
  const Session* Find(uint64_t number, absl::Duration now);

  // The person has proved again who it is: returns the new id, and the old one
  // opens nothing any more. Empty: no such session.
  std::string Renew(uint64_t number, absl::Duration now);

  // For one case, or with an empty `subject` for the session.
  //   UNAUTHENTICATED     no such session.
  //   RESOURCE_EXHAUSTED  it has chosen for too many cases; for people.
  absl::Status SetPurpose(uint64_t number, const std::string& subject,
                          const std::string& purpose, absl::Duration now);

  void Close(uint64_t number);

  bool IsRecent(const Session& session, absl::Duration now) const {
    return now - session.proved < limits_.recent;
  }
  const SessionLimits& limits() const { return limits_; }
  size_t size() const { return sessions_.size(); }

 private:
  using Sessions = absl::flat_hash_map<Sha256Hash, Session>;

  bool IsOver(const Session& session, absl::Duration now) const;
  Sessions::iterator At(absl::string_view id);
  Sessions::iterator At(uint64_t number);
  void Erase(Sessions::iterator at);
  // Drops what is over, and the oldest where there would be too many.
  void MakeRoom(const std::string& account, absl::Duration now);

  const SessionLimits limits_;
  Random& random_;
  Sessions sessions_;
  absl::flat_hash_map<uint64_t, Sha256Hash> by_number_;
  uint64_t last_number_ = 0;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SESSION_TABLE_H_

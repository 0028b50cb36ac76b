#include "gateway/signin/session_table.h"

#include <utility>

#include "gateway/signin/tokens.h"

namespace concordat::gateway {

SessionTable::SessionTable(const SessionLimits& limits, Random& random)
    : limits_(limits), random_(random) {}

bool SessionTable::IsOver(const Session& session, absl::Duration now) const {
  return now - session.used >= limits_.idle ||
         now - session.began >= limits_.absolute;
}

SessionTable::Sessions::iterator SessionTable::At(absl::string_view id) {
  // Nothing else than a token was ever an id.
  if (id.size() != kTokenCharacters) return sessions_.end();
  return sessions_.find(Sha256::Of(id));
}

SessionTable::Sessions::iterator SessionTable::At(uint64_t number) {
  const auto hash = by_number_.find(number);
  if (hash == by_number_.end()) return sessions_.end();
  return sessions_.find(hash->second);
}

void SessionTable::Erase(Sessions::iterator at) {
  by_number_.erase(at->second.number);
  sessions_.erase(at);
}

void SessionTable::MakeRoom(const std::string& account, absl::Duration now) {
  size_t of_account = 0;
  auto oldest = sessions_.end();
  auto oldest_of_account = sessions_.end();
  const auto older = [this](Sessions::iterator a, Sessions::iterator b) {
    return b == sessions_.end() || a->second.used < b->second.used;
  };
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    const auto here = at++;
    if (IsOver(here->second, now)) {
      Erase(here);
      continue;
    }
    if (older(here, oldest)) oldest = here;
    if (here->second.person.account != account) continue;
    ++of_account;
    if (older(here, oldest_of_account)) oldest_of_account = here;
  }
  if (of_account >= limits_.per_account_max) {
    Erase(oldest_of_account);
  } else if (sessions_.size() >= limits_.sessions_max) {
    Erase(oldest);
  }
}

std::string SessionTable::Open(Person person, std::string purpose,
                               absl::string_view presented,
                               absl::Duration now) {
  const auto replaced = At(presented);
  if (replaced != sessions_.end()) Erase(replaced);
  MakeRoom(person.account, now);
  std::string id = MakeToken(random_);
  const Sha256Hash hash = Sha256::Of(id);
  Session& session = sessions_[hash];
  session.number = ++last_number_;
  session.person = std::move(person);
  session.csrf = MakeToken(random_);
  session.began = session.used = session.proved = now;
  session.purpose = std::move(purpose);
  by_number_[session.number] = hash;
  return id;
}

const Session* SessionTable::Find(absl::string_view id, absl::Duration now,
                                  bool touch) {
  const auto found = At(id);
  if (found == sessions_.end() || IsOver(found->second, now)) return nullptr;
  if (touch) found->second.used = now;
  return &found->second;
}

const Session* SessionTable::Find(uint64_t number, absl::Duration now) {
  const auto found = At(number);
  if (found == sessions_.end() || IsOver(found->second, now)) return nullptr;
  return &found->second;
}

std::string SessionTable::Renew(uint64_t number, absl::Duration now) {
  const auto found = At(number);
  if (found == sessions_.end() || IsOver(found->second, now)) return "";
  Session session = std::move(found->second);
  sessions_.erase(found);
  std::string id = MakeToken(random_);
  const Sha256Hash hash = Sha256::Of(id);
  session.csrf = MakeToken(random_);
  session.used = session.proved = now;
  by_number_[number] = hash;
  sessions_[hash] = std::move(session);
  return id;
}

absl::Status SessionTable::SetPurpose(uint64_t number,
                                      const std::string& subject,
                                      const std::string& purpose,
                                      absl::Duration now) {
  const auto found = At(number);
  if (found == sessions_.end() || IsOver(found->second, now)) {
    return absl::UnauthenticatedError("Your session has ended. Sign in again.");
  }
  Session& session = found->second;
  if (subject.empty()) {
    session.purpose = purpose;
    return absl::OkStatus();
  }
  if (session.cases.size() >= limits_.cases_max &&
      session.cases.find(subject) == session.cases.end()) {
    return absl::ResourceExhaustedError(
        "You have opened as many cases as one session allows. Sign in again.");
  }
  session.cases[subject] = purpose;
  return absl::OkStatus();
}

void SessionTable::Close(uint64_t number) {
  const auto found = At(number);
  if (found != sessions_.end()) Erase(found);
}

}  // namespace concordat::gateway

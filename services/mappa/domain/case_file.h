// What somebody who sees these events knows of a person's case: its parties and
// level, the meetings, and what came before it. PURE and total.
#ifndef CONCORDAT_SERVICES_MAPPA_DOMAIN_CASE_FILE_H_
#define CONCORDAT_SERVICES_MAPPA_DOMAIN_CASE_FILE_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "concordat/mappa/v1/events.pb.h"
#include "services/common/projection/decide.h"
#include "services/mappa/domain/look_again.h"
#include "services/mappa/domain/referral.h"

namespace concordat::mappa {

// Times are microseconds since 1970-01-01T00:00:00Z, 0 for none.
template <typename Message>
struct Dated {
  Message what;
  uint64_t at_us = 0;
  Sequence sequence = {};
};

struct CaseRecord {
  std::string case_ref;
  std::set<std::string> parties;
  std::string lead;
  uint32_t level = 0;  // 0: none yet.
  uint64_t level_since_us = 0;
  std::string rosh;  // Of the newest meeting that found one.
  uint64_t rosh_us = 0;
  std::string next_review;  // ISO date, as the newest meeting set it.
  uint64_t opened_us = 0;
  Sequence opened_at;
  uint64_t closed_us = 0;
  std::string close_reason;
  Sequence version;  // Of the case's stream, as far as it is seen.

  bool is_open() const { return closed_us == 0; }
};

struct FiledNotification {
  std::string ref;
  std::string from;     // Agency.
  bool placed = false;  // A case was opened after it.
  Dated<v1::NotificationReceived> received;
};

struct FiledReferral {
  std::string ref;
  Referral state;
  Dated<v1::ReferralSubmitted> submitted;
  v1::ReferralDecided decided;
  Sequence decided_at;
  Sequence version;
};

struct CaseFile {
  PersonKey subject;
  std::string category;  // Of the newest notification or referral.
  // The newest case; none: there was none, or it is not seen.
  std::optional<CaseRecord> record;
  // Of that case.
  std::vector<Dated<v1::LevelChanged>> levels;
  std::vector<Dated<v1::MeetingHeld>> meetings;
  // Of the person, all of them.
  std::vector<FiledNotification> notifications;
  std::vector<FiledReferral> referrals;
  // What of that rests on what was withdrawn since (FindToLookAgain).
  std::vector<LookAgain> look_again;

  bool empty() const {
    return !record.has_value() && notifications.empty() && referrals.empty();
  }
};

// `seen` are views of one person's events, in the log's order. What belongs to
// something that is not seen is left out. Without what is to be looked at again.
CaseFile FoldCaseFile(const std::vector<View>& seen);

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_DOMAIN_CASE_FILE_H_

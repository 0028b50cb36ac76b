#include "services/mappa/domain/case_file.h"

#include <algorithm>
#include <utility>

namespace concordat::mappa {
namespace {

// What is after the kind of record in the name of its stream.
std::string RefOf(const View& event) {
  const std::string& stream = event.header.stream;
  const size_t slash = stream.find('/');
  return slash == std::string::npos ? "" : stream.substr(slash + 1);
}

void FoldBefore(CaseFile& file, const View& event) {
  FiledNotification notification;
  v1::ReferralSubmitted submitted;
  v1::ReferralDecided decided;
  if (ReadAs(event, &notification.received.what)) {
    notification.ref = RefOf(event);
    notification.from = event.header.controller;
    notification.received.at_us = event.header.time_us;
    notification.received.sequence = event.sequence;
    file.category = notification.received.what.category();
    file.notifications.push_back(std::move(notification));
  } else if (ReadAs(event, &submitted)) {
    FiledReferral& referral = file.referrals.emplace_back();
    referral.ref = submitted.referral_ref();
    Evolve(referral.state, event);
    file.category = submitted.category();
    referral.submitted = {std::move(submitted), event.header.time_us,
                          event.sequence};
    referral.version = event.sequence;
  } else if (ReadAs(event, &decided)) {
    const auto it = std::find_if(file.referrals.begin(), file.referrals.end(),
                                 [&](const FiledReferral& one) {
                                   return one.ref == decided.referral_ref();
                                 });
    if (it == file.referrals.end()) return;
    Evolve(it->state, event);
    it->decided = std::move(decided);
    it->decided_at = event.sequence;
    it->version = event.sequence;
  }
}

void Open(CaseFile& file, const View& event, const v1::CaseOpened& opened) {
  CaseRecord& record = file.record.emplace();
  record.case_ref = opened.case_ref();
  record.parties = {opened.parties().begin(), opened.parties().end()};
  record.lead = opened.lead();
  record.opened_us = event.header.time_us;
  record.opened_at = event.sequence;
  record.version = event.sequence;
  file.levels.clear();
  file.meetings.clear();
  for (FiledNotification& one : file.notifications) one.placed = true;
}

void FoldCaseEvent(CaseFile& file, const View& event) {
  v1::CaseOpened opened;
  if (ReadAs(event, &opened)) Open(file, event, opened);
  if (!file.record.has_value()) return;
  CaseRecord& record = *file.record;
  const uint64_t at_us = event.header.time_us;
  const auto is_its = [&](const std::string& case_ref) {
    if (case_ref != record.case_ref) return false;
    record.version = event.sequence;
    return true;
  };
  v1::PartyJoined joined;
  v1::PartyLeft left;
  v1::CaseClosed closed;
  v1::LevelChanged level;
  v1::LeadChanged lead;
  v1::MeetingHeld meeting;
  if (ReadAs(event, &joined) && is_its(joined.case_ref())) {
    record.parties.insert(joined.agency());
  } else if (ReadAs(event, &left) && is_its(left.case_ref())) {
    record.parties.erase(left.agency());
  } else if (ReadAs(event, &closed) && is_its(closed.case_ref())) {
    record.closed_us = at_us;
    record.close_reason = closed.reason();
  } else if (ReadAs(event, &lead) && is_its(lead.case_ref())) {
    record.lead = lead.lead();
  } else if (ReadAs(event, &level) && is_its(level.case_ref())) {
    record.level = level.to_level();
    record.level_since_us = at_us;
    file.levels.push_back({std::move(level), at_us, event.sequence});
  } else if (ReadAs(event, &meeting) && is_its(meeting.case_ref())) {
    if (!meeting.rosh().empty()) {
      record.rosh = meeting.rosh();
      record.rosh_us = at_us;
    }
    // A meeting that set none leaves none due.
    record.next_review = meeting.review_on();
    file.meetings.push_back({std::move(meeting), at_us, event.sequence});
  }
}

}  // namespace

CaseFile FoldCaseFile(const std::vector<View>& seen) {
  CaseFile file;
  for (const View& event : seen) {
    file.subject = event.header.subject;
    FoldBefore(file, event);
    FoldCaseEvent(file, event);
  }
  return file;
}

}  // namespace concordat::mappa

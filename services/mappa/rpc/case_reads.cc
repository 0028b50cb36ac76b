#include "services/mappa/rpc/case_reads.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "concordat/mappa/v1/service.pb.h"
#include "services/common/projection/handle_command.h"
#include "services/mappa/domain/case.h"
#include "services/mappa/domain/referral.h"
#include "services/mappa/rpc/display_name.h"

namespace concordat::mappa {
namespace {

constexpr uint32_t kCasesDefault = 200;
constexpr uint32_t kListedMax = 1000;
// Others wait behind a read that waits.
constexpr absl::Duration kReadWait = absl::Seconds(2);

Recipient ReaderOf(const Call& call) {
  return {.agency = call.principal->agency(),
          .role = call.principal->role(),
          .process_types = {},
          .purpose = call.purpose,
          .principal = call.principal->name()};
}

void Fill(const CaseFile& file, v1::Case& out) {
  const CaseRecord& record = *file.record;
  out.set_case_ref(record.case_ref);
  out.set_subject(file.subject.ToString());
  out.set_category(file.category);
  out.set_level(record.level);
  out.set_level_since(record.level_since_us);
  out.set_lead(record.lead);
  for (const std::string& party : record.parties) out.add_parties(party);
  out.set_rosh(record.rosh);
  out.set_rosh_at(record.rosh_us);
  out.set_next_review(record.next_review);
  out.set_opened_at(record.opened_us);
  out.set_closed_at(record.closed_us);
  out.set_close_reason(record.close_reason);
  out.set_version(record.version.value);
  out.set_look_again(std::any_of(
      file.look_again.begin(), file.look_again.end(), [](const auto& each) {
        return each.item != LookAgain::Item::kReferral;
      }));
}

void Fill(const CaseFile& file, const FiledNotification& from,
          v1::Notification& out) {
  out.set_notification_ref(from.ref);
  out.set_subject(file.subject.ToString());
  out.set_from(from.from);
  out.set_received_at(from.received.at_us);
  *out.mutable_received() = from.received.what;
  out.set_state(from.placed ? "placed" : "waiting");
}

void Fill(const Call& call, const CaseFile& file, const FiledReferral& from,
          v1::Referral& out) {
  out.set_referral_ref(from.ref);
  out.set_subject(file.subject.ToString());
  out.set_from(from.state.submitted_by);
  out.set_submitted_at(from.submitted.at_us);
  *out.mutable_submitted() = from.submitted.what;
  out.set_state(StateOf(from.state));
  out.set_version(from.version.value);
  out.set_look_again(std::any_of(
      file.look_again.begin(), file.look_again.end(), [&](const auto& each) {
        return each.item == LookAgain::Item::kReferral && each.ref == from.ref;
      }));
  if (!from.state.decided) return;
  out.set_decided_at(from.state.decided_us);
  *out.mutable_decided() = from.decided;
  if (!from.state.decided_by.empty()) {
    out.set_decided_by(DisplayName(*call.registry, from.state.decided_by));
  }
}

v1::LookAgain::Item ItemOf(const LookAgain& from) {
  switch (from.item) {
    case LookAgain::Item::kCase:
      return v1::LookAgain::ITEM_CASE;
    case LookAgain::Item::kPlan:
      return v1::LookAgain::ITEM_PLAN;
    case LookAgain::Item::kLevel:
      return v1::LookAgain::ITEM_LEVEL;
    case LookAgain::Item::kReferral:
      return v1::LookAgain::ITEM_REFERRAL;
  }
  return v1::LookAgain::ITEM_UNSPECIFIED;
}

v1::LookAgain::How HowOf(const WithdrawnFact& fact) {
  switch (fact.how) {
    case WithdrawnFact::How::kCorrected:
      return v1::LookAgain::HOW_CORRECTED;
    case WithdrawnFact::How::kTakenBack:
      return v1::LookAgain::HOW_TAKEN_BACK;
    case WithdrawnFact::How::kCut:
      return v1::LookAgain::HOW_CUT;
  }
  return v1::LookAgain::HOW_UNSPECIFIED;
}

void Fill(const LookAgain& from, v1::LookAgain& out) {
  out.set_item(ItemOf(from));
  out.set_item_ref(from.ref);
  out.set_decided_at(from.decided_us);
  out.set_asks(from.undecided ? v1::LookAgain::ASKS_DECISION
                              : v1::LookAgain::ASKS_MEETING);
  out.set_withdrawn_at(from.fact.withdrawn_us);
  if (!from.fact.shown) return;
  out.set_how(HowOf(from.fact));
  out.set_type(from.fact.type);
  out.set_agency(from.fact.agency);
  out.set_fact(from.fact.fact.value);
  out.set_withdrawn_by(from.fact.by.value);
  out.set_facts(from.facts);
}

// Sorts by the first of each pair and moves the second into `out`; true: there
// were more than may be listed.
template <typename Message>
bool List(std::vector<std::pair<uint64_t, Message>> dated,
          google::protobuf::RepeatedPtrField<Message>& out) {
  std::stable_sort(
      dated.begin(), dated.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  const bool more = dated.size() > kListedMax;
  if (more) dated.resize(kListedMax);
  for (auto& [at, message] : dated) *out.Add() = std::move(message);
  return more;
}

absl::StatusOr<v1::ListCasesResponse> ListCases(
    const CaseBook& book, const Call& call,
    const v1::ListCasesRequest& request) {
  absl::CivilDay by;
  if (!request.review_by().empty() &&
      !absl::ParseCivilTime(request.review_by(), &by)) {
    return absl::InvalidArgumentError("review_by: is not a date");
  }
  const uint32_t limit = request.limit() == 0 ? kCasesDefault : request.limit();
  if (limit > kListedMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("limit: at most ", kListedMax));
  }
  std::vector<CaseFile> files = book.FilesOf(ReaderOf(call));
  std::erase_if(files, [&](const CaseFile& file) {
    if (!file.record.has_value()) return true;
    if (!request.with_closed() && !file.record->is_open()) return true;
    const std::string& due = file.record->next_review;
    return !request.review_by().empty() &&
           (due.empty() || due > request.review_by());
  });
  const auto rank = [](const CaseFile& file) {
    const CaseRecord& record = *file.record;
    return std::make_tuple(record.is_open() ? 0 : 1,
                           -static_cast<int>(record.level), record.opened_us,
                           file.subject);
  };
  std::sort(
      files.begin(), files.end(),
      [&](const CaseFile& a, const CaseFile& b) { return rank(a) < rank(b); });
  v1::ListCasesResponse response;
  response.set_more(files.size() > limit);
  if (files.size() > limit) files.resize(limit);
  for (const CaseFile& file : files) Fill(file, *response.add_cases());
  return response;
}

absl::StatusOr<v1::GetCaseResponse> GetCase(const CaseBook& book,
                                            const Call& call,
                                            const v1::GetCaseRequest& request) {
  const auto subject = PersonKey::Parse(request.subject());
  if (!subject.ok()) {
    return absl::InvalidArgumentError("subject: not a person key");
  }
  const CaseFile file = book.FileOf(*subject, ReaderOf(call));
  if (file.empty()) return absl::NotFoundError("no case of such a person");
  v1::GetCaseResponse response;
  if (file.record.has_value()) Fill(file, *response.mutable_record());
  for (const auto& level : file.levels) {
    v1::LevelStep& step = *response.add_levels();
    step.set_from_level(level.what.from_level());
    step.set_to_level(level.what.to_level());
    step.set_at(level.at_us);
  }
  for (const auto& held : file.meetings) {
    v1::Meeting& meeting = *response.add_meetings();
    meeting.set_at(held.at_us);
    *meeting.mutable_held() = held.what;
  }
  for (const FiledNotification& one : file.notifications) {
    Fill(file, one, *response.add_notifications());
  }
  for (const FiledReferral& one : file.referrals) {
    Fill(call, file, one, *response.add_referrals());
  }
  for (const LookAgain& one : file.look_again) {
    Fill(one, *response.add_look_again());
  }
  return response;
}

absl::StatusOr<v1::ListReferralsResponse> ListReferrals(
    const CaseBook& book, const Call& call,
    const v1::ListReferralsRequest& request) {
  std::vector<std::pair<uint64_t, v1::Referral>> found;
  for (const CaseFile& file : book.FilesOf(ReaderOf(call))) {
    for (const FiledReferral& one : file.referrals) {
      if (one.state.decided && !request.with_decided()) continue;
      Fill(call, file, one,
           found.emplace_back(one.submitted.at_us, v1::Referral()).second);
    }
  }
  v1::ListReferralsResponse response;
  response.set_more(List(std::move(found), *response.mutable_referrals()));
  return response;
}

absl::StatusOr<v1::ListNotificationsResponse> ListNotifications(
    const CaseBook& book, const Call& call,
    const v1::ListNotificationsRequest& request) {
  std::vector<std::pair<uint64_t, v1::Notification>> found;
  for (const CaseFile& file : book.FilesOf(ReaderOf(call))) {
    for (const FiledNotification& one : file.notifications) {
      if (one.placed && !request.with_placed()) continue;
      Fill(file, one,
           found.emplace_back(one.received.at_us, v1::Notification()).second);
    }
  }
  v1::ListNotificationsResponse response;
  response.set_more(List(std::move(found), *response.mutable_notifications()));
  return response;
}

// The stream says whose it is; what is answered is what the book shows the caller.
absl::StatusOr<v1::GetReferralResponse> GetReferral(
    CommandRunner& runner, const CaseBook& book, const Projection& cases,
    const Call& call, const v1::GetReferralRequest& request) {
  const absl::Status checked =
      CheckReference("referral_ref", request.referral_ref());
  if (!checked.ok()) return checked;
  const auto slice = runner.Read(
      absl::StrCat("referral/", request.referral_ref()), call.deadline);
  if (!slice.ok()) return slice.status();
  const auto none = [] { return absl::NotFoundError("no such referral"); };
  if (slice->views.empty()) return none();
  const absl::Status read_to = cases.AwaitJudged(slice->version, kReadWait);
  if (!read_to.ok()) return read_to;
  const CaseFile file =
      book.FileOf(slice->views.front().header.subject, ReaderOf(call));
  const auto found = std::find_if(file.referrals.begin(), file.referrals.end(),
                                  [&request](const FiledReferral& one) {
                                    return one.ref == request.referral_ref();
                                  });
  if (found == file.referrals.end()) return none();
  const Referral& referral = found->state;
  v1::GetReferralResponse response;
  response.set_referral_ref(request.referral_ref());
  response.set_subject(file.subject.ToString());
  response.set_version(slice->version.value);
  response.set_state(StateOf(referral));
  response.set_level(referral.decided ? referral.level : referral.level_sought);
  if (referral.decided) {
    response.set_decided_by(DisplayName(*call.registry, referral.decided_by));
    response.set_decided_at(referral.decided_us);
  }
  return response;
}

// The lists are shown to nobody but the agency that leads.
absl::StatusOr<v1::GetAccessResponse> GetAccess(
    CommandRunner& runner, const Call& call,
    const v1::GetAccessRequest& request) {
  const absl::Status checked = CheckReference("case_ref", request.case_ref());
  if (!checked.ok()) return checked;
  const auto slice =
      runner.Read(absl::StrCat("case/", request.case_ref()), call.deadline);
  if (!slice.ok()) return slice.status();
  const Case record = FoldCase(slice->views);
  if (!record.opened || record.lead != call.principal->agency()) {
    return absl::NotFoundError("no such case");
  }
  v1::GetAccessResponse response;
  *response.mutable_access() = record.access;
  response.mutable_access()->set_case_ref(request.case_ref());
  response.set_version(slice->version.value);
  return response;
}

}  // namespace

void RegisterCaseReads(ServerHost& host, CommandRunner& runner,
                       const CaseBook& book, const Projection& cases,
                       const Clock& clock) {
  const auto add = [&]<typename Request, typename Response>(
                       absl::string_view name,
                       absl::StatusOr<Response> (*read)(
                           const CaseBook&, const Call&, const Request&)) {
    host.Handle<Request, Response>(
        absl::StrCat("concordat.mappa.v1.MappaService/", name), {},
        [&book, &cases, &clock, read](const Call& call, const Request& request)
            -> absl::StatusOr<Response> {
          const absl::Duration wait =
              std::min(call.deadline - clock.Now(), kReadWait);
          const absl::Status read_to =
              cases.AwaitJudged({request.min_position()}, wait);
          if (!read_to.ok()) return read_to;
          // Asked before the book: all of it is in the answer.
          const Sequence position = cases.judged_through();
          auto response = read(book, call, request);
          if (response.ok()) response->set_position(position.value);
          return response;
        });
  };
  add("ListCases", &ListCases);
  add("GetCase", &GetCase);
  add("ListReferrals", &ListReferrals);
  add("ListNotifications", &ListNotifications);
  host.Handle<v1::GetReferralRequest, v1::GetReferralResponse>(
      "concordat.mappa.v1.MappaService/GetReferral", {},
      [&runner, &book, &cases](const Call& call,
                               const v1::GetReferralRequest& request) {
        return GetReferral(runner, book, cases, call, request);
      });
  host.Handle<v1::GetAccessRequest, v1::GetAccessResponse>(
      "concordat.mappa.v1.MappaService/GetAccess", {},
      [&runner](const Call& call, const v1::GetAccessRequest& request) {
        return GetAccess(runner, call, request);
      });
}

}  // namespace concordat::mappa

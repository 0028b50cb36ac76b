// What a service answers over gRPC is what its caller may see of the events behind
// the answer: cases drawn at random, with agreements that come and go, are read by
// everybody over a real port, and each answer is compared with one that is folded
// from what the slow oracle of views (views_oracle.h) lets that caller see, with no
// code of services/common/policy.
//
// Mutant                                            Caught by
// any of case_book.cc or the policy code that       EveryAnswerIsFoldedFrom…
//   shows a group, an event or on whose behalf
// the reader's role, purpose or name not passed on  the same
// a list of answers judged once and not by event    the same
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "concordat/mappa/v1/service.pb.h"
#include "services/mappa/rpc/mappa_service.h"
#include "tests/integration/services/drawn_cases.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::IsOk;
using ::concordat::testing::kPersons;
using ::concordat::testing::kReaders;
using ::concordat::testing::OracleReader;
using ::concordat::testing::OracleView;
using ::concordat::testing::Person;

constexpr char kService[] = "concordat.mappa.v1.MappaService/";

class CaseViewsTest : public testing::DrawnCasesTest {
 protected:
  CaseViewsTest() {
    book_ = std::make_unique<CaseBook>(shared_types(),
                                       bus::v1::ENVIRONMENT_DEMO, clock());
    auto cases = Projection::Open(
        {.folder = "", .name = "cases", .types = CaseBook::Types()}, *book_,
        *client_);
    EXPECT_THAT(cases, IsOk());
    cases_ = *std::move(cases);
    RegisterMappaService(
        host(), runner(), *book_, *cases_, clock(),
        {.arrangement = testing::kArrangement, .zone = absl::UTCTimeZone()});
    follow_ = std::make_unique<ProjectionThread>(
        *cases_, [](const absl::Status& failure) { ADD_FAILURE() << failure; });
    Start();
    // Nothing is read before the log is.
    absl::Status ready;
    do {
      ready = cases_->AwaitJudged({}, absl::Seconds(5));
    } while (absl::IsUnavailable(ready));
    EXPECT_THAT(ready, IsOk());
  }

  // The person's events as the oracle lets the reader see them.
  std::vector<View> SeenBy(const OracleReader& reader, int person) {
    const std::vector<View> log = bus().events();
    const uint64_t now_us = log.back().accepted_us;
    std::vector<View> seen;
    for (const View& whole : log) {
      if (PersonOf(whole) != person) continue;
      const OracleView view = oracle_.See(AsOracleHasIt(whole), reader, now_us);
      if (!view.shown) continue;
      ++shown_;
      View& part = seen.emplace_back(whole);
      std::erase_if(part.groups, [&view](const View::Group& group) {
        return view.groups.count(group.number) == 0;
      });
      if (!view.header_group) part.header.on_behalf_of.clear();
    }
    return seen;
  }

  // The answer, said a second time.
  static v1::GetCaseResponse AnswerOf(const CaseFile& file) {
    v1::GetCaseResponse answer;
    const std::string subject = file.subject.ToString();
    if (file.record.has_value()) {
      const CaseRecord& from = *file.record;
      v1::Case& record = *answer.mutable_record();
      record.set_case_ref(from.case_ref);
      record.set_subject(subject);
      record.set_category(file.category);
      record.set_level(from.level);
      record.set_level_since(from.level_since_us);
      record.set_lead(from.lead);
      for (const std::string& party : from.parties) record.add_parties(party);
      record.set_rosh(from.rosh);
      record.set_rosh_at(from.rosh_us);
      record.set_next_review(from.next_review);
      record.set_opened_at(from.opened_us);
      record.set_closed_at(from.closed_us);
      record.set_close_reason(from.close_reason);
      record.set_version(from.version.value);
    }
    for (const auto& level : file.levels) {
      v1::LevelStep& step = *answer.add_levels();
      step.set_from_level(level.what.from_level());
      step.set_to_level(level.what.to_level());
      step.set_at(level.at_us);
    }
    for (const auto& held : file.meetings) {
      v1::Meeting& meeting = *answer.add_meetings();
      meeting.set_at(held.at_us);
      *meeting.mutable_held() = held.what;
    }
    for (const FiledNotification& from : file.notifications) {
      v1::Notification& one = *answer.add_notifications();
      one.set_notification_ref(from.ref);
      one.set_subject(subject);
      one.set_from(from.from);
      one.set_received_at(from.received.at_us);
      *one.mutable_received() = from.received.what;
      one.set_state(from.placed ? "placed" : "waiting");
    }
    for (const FiledReferral& from : file.referrals) {
      v1::Referral& one = *answer.add_referrals();
      one.set_referral_ref(from.ref);
      one.set_subject(subject);
      one.set_from(from.state.submitted_by);
      one.set_submitted_at(from.submitted.at_us);
      *one.mutable_submitted() = from.submitted.what;
      one.set_version(from.version.value);
      one.set_state("submitted");
      if (!from.state.decided) continue;
      one.set_state(absl::AsciiStrToLower(from.state.decision));
      one.set_decided_at(from.state.decided_us);
      *one.mutable_decided() = from.decided;
      if (!from.state.decided_by.empty()) one.set_decided_by("M. Carnbee");
    }
    return answer;
  }

  template <typename Response, typename Request>
  Response Ask(const OracleReader& reader, const char* method,
               Request request) {
    const std::string& who = reader.principal;
    request.set_min_position(bus().end().value);
    const auto response =
        Send<Response>(who, absl::StrCat(kService, method), request,
                       absl::Seconds(10), *reader.purpose);
    if (absl::IsNotFound(response.status())) return Response();
    EXPECT_THAT(response, IsOk()) << who << " " << method;
    return response.value_or(Response());
  }

  // What `who` reads of everything, against the oracle.
  void Compare(const std::string& who) {
    const OracleReader reader = AReader(who);
    size_t cases = 0, notifications = 0, referrals = 0;
    for (int person = 1; person <= kPersons; ++person) {
      const CaseFile file = FoldCaseFile(SeenBy(reader, person));
      const v1::GetCaseResponse wanted = AnswerOf(file);
      cases += file.record.has_value();
      notifications += file.notifications.size();
      referrals += file.referrals.size();
      v1::GetCaseRequest request;
      request.set_subject(Person(person).ToString());
      auto got = Ask<v1::GetCaseResponse>(reader, "GetCase", request);
      got.clear_position();
      ASSERT_EQ(got.SerializeAsString(), wanted.SerializeAsString())
          << who << " reads of person " << person << "\n"
          << got.DebugString() << "and not\n"
          << wanted.DebugString();
    }
    v1::ListCasesRequest all;
    all.set_with_closed(true);
    EXPECT_EQ(Ask<v1::ListCasesResponse>(reader, "ListCases", all).cases_size(),
              cases);
    v1::ListNotificationsRequest placed;
    placed.set_with_placed(true);
    EXPECT_EQ(
        Ask<v1::ListNotificationsResponse>(reader, "ListNotifications", placed)
            .notifications_size(),
        notifications);
    v1::ListReferralsRequest decided;
    decided.set_with_decided(true);
    EXPECT_EQ(Ask<v1::ListReferralsResponse>(reader, "ListReferrals", decided)
                  .referrals_size(),
              referrals);
  }

  size_t shown_ = 0;
  std::unique_ptr<CaseBook> book_;
  std::unique_ptr<Projection> cases_;
  std::unique_ptr<ProjectionThread> follow_;
};

class DrawnCases : public CaseViewsTest,
                   public ::testing::WithParamInterface<unsigned> {};

TEST_P(DrawnCases, EveryAnswerIsFoldedFromWhatTheCallerMaySee) {
  Seed(GetParam());
  Adopt();
  for (int step = 0; step < testing::kSteps && !HasFailure(); ++step) {
    Happen();
    if (step % 5 == 0) Compare(Any(kReaders));
  }
  for (const char* who : kReaders) Compare(who);
  // Neither everything nor nothing, or it proves nothing.
  EXPECT_GT(shown_, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DrawnCases,
                         ::testing::Range(1u, 1 + testing::kSeeds));

}  // namespace
}  // namespace concordat::mappa

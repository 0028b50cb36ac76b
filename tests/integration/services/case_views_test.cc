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
#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "services/mappa/rpc/mappa_service.h"
#include "tests/support/service_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/views_oracle.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::IsOk;
using ::concordat::testing::OracleEvent;
using ::concordat::testing::OracleFact;
using ::concordat::testing::OracleReader;
using ::concordat::testing::OracleType;
using ::concordat::testing::OracleView;
using ::concordat::testing::ViewsOracle;
using Kind = OracleFact::Kind;

constexpr char kPackage[] = "concordat.mappa.v1.";
constexpr char kService[] = "concordat.mappa.v1.MappaService/";
constexpr char kPurpose[] = "MAPPA_RISK_MANAGEMENT";
constexpr char kArrangement[] = "mappa-tayside";
constexpr std::array<const char*, 4> kAgencies = {
    "police-scotland", "nhs-tayside", "dundee-city-council", kArrangement};
constexpr std::array<const char*, 4> kRoles = {
    "police", "nhs-liaison", "supervising-officer", "coordinator"};
constexpr std::array<const char*, 5> kReaders = {"police", "nhs", "socialwork",
                                                 "coordinator", "admin"};
constexpr int kPersons = 3;
constexpr int kSteps = 150;
constexpr unsigned kSeeds = 4;

// Of days that are over, and of one that is far off: the oracle knows these.
std::map<std::string, uint64_t> Days() {
  const auto day = [](absl::CivilDay civil) {
    return static_cast<uint64_t>(
        absl::ToUnixMicros(absl::FromCivil(civil, absl::UTCTimeZone())));
  };
  return {{"2020-01-01", day(absl::CivilDay(2020, 1, 1))},
          {"2020-01-02", day(absl::CivilDay(2020, 1, 2))},
          {"2020-01-03", day(absl::CivilDay(2020, 1, 3))},
          {"2099-12-30", day(absl::CivilDay(2099, 12, 30))},
          {"2099-12-31", day(absl::CivilDay(2099, 12, 31))}};
}

PersonKey Person(int number) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes[0] = static_cast<uint8_t>(number);
  return PersonKey(bytes);
}

class CaseViewsTest : public testing::ServiceFixture {
 protected:
  CaseViewsTest() : ServiceFixture("service-mappa"), oracle_(Days()) {
    for (const absl::string_view name : types().names()) {
      if (!absl::StartsWith(name, kPackage)) continue;
      const EventType& type = *types().Find(name);
      OracleType known{std::string(name), type.policy().internal(), false, {}};
      for (const GroupInfo& group : type.groups()) {
        known.groups.push_back({group.number, group.tier_max, group.category});
      }
      oracle_.types.push_back(std::move(known));
    }
    client_ = bus().Connect("service-mappa");
    book_ = std::make_unique<CaseBook>(shared_types(),
                                       bus::v1::ENVIRONMENT_DEMO, clock());
    auto cases = Projection::Open(
        {.folder = "", .name = "cases", .types = CaseBook::Types()}, *book_,
        *client_);
    EXPECT_THAT(cases, IsOk());
    cases_ = *std::move(cases);
    RegisterMappaService(
        host(), runner(), *book_, *cases_, clock(),
        {.arrangement = kArrangement, .zone = absl::UTCTimeZone()});
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

  size_t Below(size_t bound) { return random_() % bound; }
  bool Chance(size_t percent) { return Below(100) < percent; }
  template <typename Array>
  std::string Any(const Array& of) {
    return of[Below(of.size())];
  }
  std::vector<std::string> SomeAgencies() {
    std::vector<std::string> some;
    for (const char* agency : kAgencies) {
      if (Chance(50)) some.emplace_back(agency);
    }
    if (some.empty()) some.emplace_back(kAgencies[0]);
    return some;
  }
  std::vector<std::string> AList() {
    std::vector<std::string> list;
    for (size_t i = Below(3); i > 0; --i) {
      std::string entry = Any(kAgencies);
      if (Chance(60)) {
        absl::StrAppend(&entry, "/", Chance(40) ? "*" : Any(kRoles));
        if (Chance(60)) absl::StrAppend(&entry, "/", Any(kReaders));
      }
      list.push_back(std::move(entry));
    }
    return list;
  }

  // Publishes it as the service would, and remembers it as the oracle has it.
  void Publish(const google::protobuf::Message& message, int person,
               const std::string& stream, OracleFact fact) {
    fact.person = person;
    fact.by = Any(kAgencies);
    Event event;
    event.header.source = person == 0 ? "urn:concordat:concordat-operator:bus"
                                      : "urn:concordat:mappa-tayside:mappa";
    event.header.type = message.GetTypeName();
    event.header.id = absl::StrCat("id-", ++ids_);
    event.header.stream = stream;
    event.header.controller = fact.by;
    event.header.time_us = 1'700'000'000'000'000 + ids_;
    event.header.regime =
        Chance(30) ? bus::v1::REGIME_PART3 : bus::v1::REGIME_GDPR;
    event.header.on_behalf_of = "coordinator/mc";
    if (Chance(20)) event.header.causation = "another";
    if (person == 0) {
      event.groups.push_back({0, message.SerializeAsString()});
    } else {
      event.header.subject = Person(person);
      auto groups =
          types().Find(event.header.type)->Split(message.SerializeAsString());
      ASSERT_THAT(groups, IsOk());
      for (auto& group : *groups) event.groups.push_back(std::move(group));
    }
    ASSERT_THAT(PublishAndWait(*client_, {event}, absl::Seconds(10)), IsOk());
    oracle_.history.push_back(std::move(fact));
  }

  void Adopt() {
    OracleFact fact;
    fact.kind = Kind::kAdopted;
    policy::v1::Agreement& agreement = fact.agreement;
    agreement.set_name(Chance(50) ? "x" : "y");
    agreement.set_version(++versions_);
    for (const char* agency : kAgencies) {
      if (agency != std::string(kArrangement)) agreement.add_parties(agency);
    }
    agreement.set_arrangement(kArrangement);
    agreement.add_purposes(Chance(85) ? kPurpose : "SALES");
    agreement.set_valid_from("2020-01-01");
    agreement.set_valid_to(Chance(85) ? "2099-12-30" : "2020-01-02");
    for (size_t i = 1 + Below(5); i > 0; --i) AddLine(agreement);
    ASSERT_TRUE(oracle_.Loads(agreement)) << agreement.DebugString();
    hub::v1::AgreementAdopted adopted;
    adopted.set_agreement(agreement.SerializeAsString());
    Publish(adopted, 0, "", std::move(fact));
  }
  void AddLine(policy::v1::Agreement& agreement) {
    policy::v1::SeeGrant& line = *agreement.add_see();
    line.set_to(Chance(40) ? "each" : Any(kAgencies));
    for (const char* role : kRoles) {
      if (Chance(60)) line.add_roles(role);
    }
    if (line.roles().empty()) line.add_roles("coordinator");
    std::vector<std::string> granted;
    for (const OracleType& type : oracle_.types) {
      if (!type.internal) granted.push_back(type.name);
    }
    for (size_t i = 1 + Below(4); i > 0; --i) line.add_types(Any(granted));
    if (Chance(30)) line.add_types(absl::StrCat(kPackage, "*"));
    line.set_audience(static_cast<policy::v1::Audience>(1 + Below(5)));
    const bool own = line.audience() == policy::v1::AUDIENCE_OWN;
    if (!own && Chance(50)) {
      line.set_up_to(static_cast<policy::v1::Tier>(policy::v1::TIER_S1 +
                                                   static_cast<int>(Below(3))));
    }
    if (line.audience() == policy::v1::AUDIENCE_PARTY && Chance(30)) {
      line.set_level_min(static_cast<uint32_t>(Below(3)));
      line.set_level_max(line.level_min() + 1);
    }
    if (!own && Chance(50)) {
      line.set_part3(true);
      line.set_law("An Act");
    }
  }

  void Happen() {
    const int person = 1 + static_cast<int>(Below(kPersons));
    const std::string ref = absl::StrCat("C-", person);
    const std::string of_case = "case/" + ref;
    OracleFact fact;
    fact.agencies = SomeAgencies();
    fact.lead = Any(kAgencies);
    fact.level = static_cast<uint32_t>(Below(4));
    switch (Below(12)) {
      case 0:
        return Adopt();
      case 1: {
        fact.kind = Kind::kOpened;
        v1::CaseOpened opened;
        opened.set_case_ref(ref);
        for (const std::string& party : fact.agencies)
          opened.add_parties(party);
        opened.set_lead(fact.lead);
        return Publish(opened, person, of_case, fact);
      }
      case 2: {
        fact.kind = Kind::kJoined;
        fact.agencies.resize(1);
        v1::PartyJoined joined;
        joined.set_case_ref(ref);
        joined.set_agency(fact.agencies[0]);
        return Publish(joined, person, of_case, fact);
      }
      case 3: {
        fact.kind = Kind::kLeft;
        fact.agencies.resize(1);
        v1::PartyLeft left;
        left.set_case_ref(ref);
        left.set_agency(fact.agencies[0]);
        return Publish(left, person, of_case, fact);
      }
      case 4: {
        if (Chance(60)) return Meet(person, ref);
        fact.kind = Kind::kClosed;
        v1::CaseClosed closed;
        closed.set_case_ref(ref);
        closed.set_reason("ORDER_ENDED");
        return Publish(closed, person, of_case, fact);
      }
      case 5: {
        fact.kind = Kind::kLead;
        v1::LeadChanged lead;
        lead.set_case_ref(ref);
        lead.set_lead(fact.lead);
        return Publish(lead, person, of_case, fact);
      }
      case 6: {
        fact.kind = Kind::kLevel;
        v1::LevelChanged level;
        level.set_case_ref(ref);
        level.set_to_level(fact.level);
        return Publish(level, person, of_case, fact);
      }
      case 7: {
        if (Chance(50)) return Meet(person, ref);
        fact.kind = Kind::kAccess;
        if (Chance(60)) {
          fact.restricted_to = AList();
          fact.excluded = AList();
        }
        v1::AccessRestricted access;
        access.set_case_ref(ref);
        access.set_reason("CONFLICT_OF_INTEREST");
        for (const auto& who : fact.restricted_to)
          access.add_restricted_to(who);
        for (const auto& who : fact.excluded) access.add_excluded(who);
        return Publish(access, person, of_case, fact);
      }
      case 8: {
        fact.kind = Kind::kSubmitted;
        v1::NotificationReceived notification;
        notification.set_category("SONR");
        notification.set_proposed_level(1 + fact.level % 3);
        notification.set_lead(fact.lead);
        return Publish(notification, person,
                       absl::StrCat("notification/N-", ids_), fact);
      }
      case 9: {
        fact.kind = Kind::kSubmitted;
        v1::ReferralSubmitted referral;
        referral.set_referral_ref(absl::StrCat("R-", ids_));
        referral.set_category("VIOLENT");
        referral.set_level_sought(2);
        newest_referral_[person] = referral.referral_ref();
        return Publish(referral, person, "referral/" + referral.referral_ref(),
                       fact);
      }
      case 10: {
        const std::string& referred = newest_referral_[person];
        if (referred.empty()) return Meet(person, ref);
        fact.kind = Kind::kNothing;
        v1::ReferralDecided decided;
        decided.set_referral_ref(referred);
        decided.set_decision("ACCEPTED");
        decided.set_level(2);
        return Publish(decided, person, "referral/" + referred, fact);
      }
      default:
        return Meet(person, ref);
    }
  }
  void Meet(int person, const std::string& ref) {
    v1::MeetingHeld held;
    held.set_case_ref(ref);
    held.set_kind("REVIEW");
    held.set_level(2);
    held.set_rosh("HIGH");
    held.set_review_on("2026-01-29");
    OracleFact fact;
    fact.kind = Kind::kNothing;
    Publish(held, person, "case/" + ref, fact);
  }

  // The person's events as the oracle lets the reader see them.
  std::vector<View> SeenBy(const OracleReader& reader, int person) {
    const std::vector<View> log = bus().events();
    const uint64_t now_us = log.back().accepted_us;
    std::vector<View> seen;
    for (const View& whole : log) {
      if (whole.header.subject != Person(person)) continue;
      OracleEvent event;
      event.type = whole.header.type;
      event.controller = whole.header.controller;
      event.source_agency = std::string(AgencyOfSource(whole.header.source));
      event.person = person;
      event.part3 = whole.header.regime == bus::v1::REGIME_PART3;
      event.names_another = !whole.header.causation.empty();
      for (const GroupInfo& group : types().Find(event.type)->groups()) {
        event.opened.push_back(group.number);
      }
      const OracleView view = oracle_.See(event, reader, now_us);
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
  Response Ask(const std::string& who, const char* method, Request request) {
    request.set_min_position(bus().end().value);
    const auto response =
        Send<Response>(who, absl::StrCat(kService, method), request);
    if (absl::IsNotFound(response.status())) return Response();
    EXPECT_THAT(response, IsOk()) << who << " " << method;
    return response.value_or(Response());
  }

  // What `who` reads of everything, against the oracle.
  void Compare(const std::string& who) {
    const auto registry = testing::FixtureRegistry();
    const auto principal =
        std::find_if(registry.principals().begin(), registry.principals().end(),
                     [&who](const auto& each) { return each.name() == who; });
    const OracleReader reader{
        principal->agency(), principal->role(), who, std::string(kPurpose), {}};
    size_t cases = 0, notifications = 0, referrals = 0;
    for (int person = 1; person <= kPersons; ++person) {
      const CaseFile file = FoldCaseFile(SeenBy(reader, person));
      const v1::GetCaseResponse wanted = AnswerOf(file);
      cases += file.record.has_value();
      notifications += file.notifications.size();
      referrals += file.referrals.size();
      v1::GetCaseRequest request;
      request.set_subject(Person(person).ToString());
      auto got = Ask<v1::GetCaseResponse>(who, "GetCase", request);
      got.clear_position();
      ASSERT_EQ(got.SerializeAsString(), wanted.SerializeAsString())
          << who << " reads of person " << person << "\n"
          << got.DebugString() << "and not\n"
          << wanted.DebugString();
    }
    v1::ListCasesRequest all;
    all.set_with_closed(true);
    EXPECT_EQ(Ask<v1::ListCasesResponse>(who, "ListCases", all).cases_size(),
              cases);
    v1::ListNotificationsRequest placed;
    placed.set_with_placed(true);
    EXPECT_EQ(
        Ask<v1::ListNotificationsResponse>(who, "ListNotifications", placed)
            .notifications_size(),
        notifications);
    v1::ListReferralsRequest decided;
    decided.set_with_decided(true);
    EXPECT_EQ(Ask<v1::ListReferralsResponse>(who, "ListReferrals", decided)
                  .referrals_size(),
              referrals);
  }

  std::mt19937_64 random_;
  ViewsOracle oracle_;
  uint64_t ids_ = 0;
  uint32_t versions_ = 0;
  size_t shown_ = 0;
  std::map<int, std::string> newest_referral_;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<CaseBook> book_;
  std::unique_ptr<Projection> cases_;
  std::unique_ptr<ProjectionThread> follow_;
};

class DrawnCases : public CaseViewsTest,
                   public ::testing::WithParamInterface<unsigned> {};

TEST_P(DrawnCases, EveryAnswerIsFoldedFromWhatTheCallerMaySee) {
  random_.seed(GetParam());
  Adopt();
  for (int step = 0; step < kSteps && !HasFailure(); ++step) {
    Happen();
    if (step % 5 == 0) Compare(Any(kReaders));
  }
  for (const char* who : kReaders) Compare(who);
  // Neither everything nor nothing, or it proves nothing.
  EXPECT_GT(shown_, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DrawnCases, ::testing::Range(1u, 1 + kSeeds));

}  // namespace
}  // namespace concordat::mappa

// Cases drawn at random, with agreements that come and go and lists that keep people
// out, as the services' log has them and as the slow oracle of views has them: for
// the tests that ask a service over a real port what somebody sees.
#ifndef CONCORDAT_TESTS_INTEGRATION_SERVICES_DRAWN_CASES_H_
#define CONCORDAT_TESTS_INTEGRATION_SERVICES_DRAWN_CASES_H_

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "tests/support/service_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/views_oracle.h"

namespace concordat::testing {

inline constexpr char kPackage[] = "concordat.mappa.v1.";
inline constexpr char kPurpose[] = "MAPPA_RISK_MANAGEMENT";
inline constexpr char kOtherPurpose[] = "SALES";
inline constexpr char kArrangement[] = "mappa-tayside";
inline constexpr std::array<const char*, 4> kAgencies = {
    "police-scotland", "nhs-tayside", "dundee-city-council", kArrangement};
inline constexpr std::array<const char*, 4> kRoles = {
    "police", "nhs-liaison", "supervising-officer", "coordinator"};
inline constexpr std::array<const char*, 5> kReaders = {
    "police", "nhs", "socialwork", "coordinator", "admin"};
inline constexpr int kPersons = 3;
inline constexpr int kSteps = 150;
inline constexpr unsigned kSeeds = 4;

// Of days that are over, and of one that is far off: the oracle knows these.
inline std::map<std::string, uint64_t> Days() {
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

inline PersonKey Person(int number) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes[0] = static_cast<uint8_t>(number);
  return PersonKey(bytes);
}

class DrawnCasesTest : public ServiceFixture {
 protected:
  using Kind = OracleFact::Kind;

  DrawnCasesTest() : ServiceFixture("service-mappa"), oracle_(Days()) {
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
  }

  void Seed(unsigned seed) { random_.seed(seed); }
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
    // Of now: a rule acts on nothing that was before the log.
    time_us_ = std::max(time_us_ + 1, Now());
    event.header.time_us = time_us_;
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
    agreement.add_purposes(Chance(85) ? kPurpose : kOtherPurpose);
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
        mappa::v1::CaseOpened opened;
        opened.set_case_ref(ref);
        for (const std::string& party : fact.agencies)
          opened.add_parties(party);
        opened.set_lead(fact.lead);
        return Publish(opened, person, of_case, fact);
      }
      case 2: {
        fact.kind = Kind::kJoined;
        fact.agencies.resize(1);
        mappa::v1::PartyJoined joined;
        joined.set_case_ref(ref);
        joined.set_agency(fact.agencies[0]);
        return Publish(joined, person, of_case, fact);
      }
      case 3: {
        fact.kind = Kind::kLeft;
        fact.agencies.resize(1);
        mappa::v1::PartyLeft left;
        left.set_case_ref(ref);
        left.set_agency(fact.agencies[0]);
        return Publish(left, person, of_case, fact);
      }
      case 4: {
        if (Chance(60)) return Meet(person, ref);
        fact.kind = Kind::kClosed;
        mappa::v1::CaseClosed closed;
        closed.set_case_ref(ref);
        closed.set_reason("ORDER_ENDED");
        return Publish(closed, person, of_case, fact);
      }
      case 5: {
        fact.kind = Kind::kLead;
        mappa::v1::LeadChanged lead;
        lead.set_case_ref(ref);
        lead.set_lead(fact.lead);
        return Publish(lead, person, of_case, fact);
      }
      case 6: {
        fact.kind = Kind::kLevel;
        mappa::v1::LevelChanged level;
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
        mappa::v1::AccessRestricted access;
        access.set_case_ref(ref);
        access.set_reason("CONFLICT_OF_INTEREST");
        for (const auto& who : fact.restricted_to)
          access.add_restricted_to(who);
        for (const auto& who : fact.excluded) access.add_excluded(who);
        return Publish(access, person, of_case, fact);
      }
      case 8: {
        fact.kind = Kind::kSubmitted;
        mappa::v1::NotificationReceived notification;
        notification.set_category("SONR");
        notification.set_proposed_level(1 + fact.level % 3);
        notification.set_lead(fact.lead);
        return Publish(notification, person,
                       absl::StrCat("notification/N-", ids_), fact);
      }
      case 9: {
        fact.kind = Kind::kSubmitted;
        mappa::v1::ReferralSubmitted referral;
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
        mappa::v1::ReferralDecided decided;
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
    mappa::v1::MeetingHeld held;
    held.set_case_ref(ref);
    held.set_kind("REVIEW");
    held.set_level(2);
    held.set_rosh(Chance(60) ? "HIGH" : "MEDIUM");
    held.set_review_on("2026-01-29");
    OracleFact fact;
    fact.kind = Kind::kNothing;
    Publish(held, person, "case/" + ref, fact);
  }

  // It asks for what it is there for, or for another purpose.
  OracleReader AReader(const std::string& who) {
    const bus::v1::Principal* principal = registry().FindByName(who);
    return {principal->agency(),
            principal->role(),
            who,
            std::string(Chance(80) ? kPurpose : kOtherPurpose),
            {}};
  }
  OracleEvent AsOracleHasIt(const View& whole) const {
    OracleEvent event;
    event.type = whole.header.type;
    event.controller = whole.header.controller;
    event.source_agency = std::string(AgencyOfSource(whole.header.source));
    event.person = PersonOf(whole);
    event.part3 = whole.header.regime == bus::v1::REGIME_PART3;
    event.causation = whole.header.causation;
    event.correlation = whole.header.correlation;
    for (const GroupInfo& group : types().Find(event.type)->groups()) {
      event.opened.push_back(group.number);
    }
    return event;
  }
  // By number; 0: about nobody.
  static int PersonOf(const View& whole) {
    for (int person = 1; person <= kPersons; ++person) {
      if (whole.header.subject == Person(person)) return person;
    }
    return 0;
  }
  uint64_t Now() const {
    return static_cast<uint64_t>(absl::ToUnixMicros(clock().Now()));
  }

  ViewsOracle oracle_;
  std::unique_ptr<BusClient> client_;

 private:
  std::mt19937_64 random_;
  uint64_t ids_ = 0;
  uint64_t time_us_ = 0;
  uint32_t versions_ = 0;
  std::map<int, std::string> newest_referral_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_INTEGRATION_SERVICES_DRAWN_CASES_H_

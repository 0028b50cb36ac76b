// What is hidden from a recipient changes nothing for it: with random agreements,
// rules, facts, corrections and acts, a log is folded twice, once without a fact
// that the recipient sees nothing of (or with other values in the fields that it
// does not see), and everything the recipient is shown, and when, is compared.
//
// | bug | how it shows |
// |---|---|
// | rights are not asked for a partner fact | an alert that needs the hidden fact |
// | one alert for all addressees | who else is told, or who owns it, differs |
// | evidence kept per alert | evidence that the recipient's own judgement lacks |
// | told again when hidden evidence comes | one more sight |
// | its position is that of hidden evidence | looks so since another entry |
// | a chain asks only what the first was shown | told late, or never |
//
// And every fact that an alert cites to somebody is one that the slow oracle of views
// (tests/support/views_oracle.h) lets them see.
#include <map>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "gtest/gtest.h"
#include "services/alerts/domain/definitions.h"
#include "tests/support/demo_engine.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"
#include "tests/support/views_oracle.h"

namespace concordat::alerts {
namespace {

constexpr uint64_t kHour = 3'600'000'000;
constexpr uint64_t kStart = 1'762'162'800'000'000;  // 3 Nov 2025 09:40.
const std::vector<std::string> kAgencies = {
    "police-scotland", "nhs-tayside", "dundee-city-council", "mappa-tayside"};
const std::vector<std::string> kRoles = {"lead-officer", "senior",
                                         "co-ordinator"};

struct FactType {
  std::string type;
  std::string agency;  // Who publishes it.
  std::vector<std::string> json;
};

const std::vector<FactType>& FactTypes() {
  static const std::vector<FactType> types = {
      {"concordat.police.v1.ConcernShared",
       "police-scotland",
       {R"({"concernType":"DOMESTIC","incidentRef":"I1"})",
        R"({"concernType":"SEEN_WITH_CHILD","incidentRef":"I2"})",
        R"({"concernType":"DOMESTIC","incidentRef":"I3"})"}},
      {"concordat.police.v1.DomesticIncidentRecorded",
       "police-scotland",
       {R"({"incidentRef":"I1","role":"SUSPECT"})",
        R"({"incidentRef":"I4","role":"SUSPECT"})"}},
      {"concordat.socialwork.v1.UnpaidWorkObservationRaised",
       "dundee-city-council",
       {R"({"incidentRef":"I5","code":"THREATS_ABOUT_PARTNER"})",
        R"({"incidentRef":"I1","code":"THREATS_ABOUT_PARTNER"})"}},
      {"concordat.nhs.v1.RiskInformationDisclosed",
       "nhs-tayside",
       {R"({"code":"NEW_PARTNER_WITH_CHILD","approvedByRole":"CONSULTANT"})"}},
      {"concordat.socialwork.v1.ContactRecorded",
       "dundee-city-council",
       {R"({"mode":"OFFICE","outcome":"MISSED"})",
        R"({"mode":"OFFICE","outcome":"KEPT"})"}},
      {"concordat.nhs.v1.EngagementReported",
       "nhs-tayside",
       {R"({"engagement":"DISENGAGED"})", R"({"engagement":"ENGAGED"})"}},
      {"concordat.police.v1.ChargeRecorded",
       "police-scotland",
       {R"({"offenceGroup":"GROUP_1","disposal":"LIBERATED"})",
        R"({"offenceGroup":"ROAD_TRAFFIC","disposal":"LIBERATED"})"}},
      {"concordat.nhs.v1.RestrictedPatientStatusChanged",
       "nhs-tayside",
       {R"({"status":"AWOL"})", R"({"status":"RETURNED"})"}},
      {"concordat.court.v1.OrderImposed",
       "dundee-city-council",
       {R"({"orderRef":"O1","orderType":"CPO"})",
        R"({"orderRef":"O2","orderType":"CPO"})"}},
      {"concordat.socialwork.v1.FirstContactMade",
       "dundee-city-council",
       {R"({"mode":"OFFICE","orderRef":"O1"})", R"({"mode":"OFFICE"})"}}};
  return types;
}

struct Entry {
  Header header;
  std::string data;
  uint64_t accepted_us = 0;
  bool fact = false;
};

// What a recipient is shown, at which entry, and by which entry it says that it
// came to look so.
struct Look {
  AlertSight sight;
  size_t since = 0;
  friend bool operator==(const Look&, const Look&) = default;
};
using Shown = std::vector<std::pair<size_t, Look>>;

// Sequences of the service's own events begin here for each entry of the log.
constexpr uint64_t kOwnEvents = 1'000'000;

class HiddenFactsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = testing::DemoTypes();
    ASSERT_THAT(types, testing::IsOk());
    types_ = *types;
  }

  size_t Draw(size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random_);
  }
  bool Chance(size_t percent) { return Draw(100) < percent; }
  const std::string& Any(const std::vector<std::string>& of) {
    return of[Draw(of.size())];
  }

  void DrawWorld(uint32_t seed) {
    random_.seed(seed);
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, testing::IsOk());
    definitions_ = *definitions;
    for (v1::Rule& rule : definitions_.rules) {
      if (rule.id() == "R16") continue;
      for (v1::Limb& limb : *rule.mutable_limbs()) DrawAddressees(limb);
    }
    agreement_ = policy::v1::Agreement();
    agreement_.set_name("random");
    agreement_.set_version(1);
    agreement_.set_arrangement("mappa-tayside");
    agreement_.set_valid_from("2025-10-01");
    agreement_.set_valid_to("2026-09-30");
    agreement_.add_gateways("G1");
    agreement_.add_purposes("MAPPA_RISK_MANAGEMENT");
    for (size_t i = 0; i < 3; ++i) agreement_.add_parties(kAgencies[i]);
    for (const std::string& agency : kAgencies) {
      for (const FactType& type : FactTypes()) {
        if (!Chance(65)) continue;
        policy::v1::SeeGrant& grant = *agreement_.add_see();
        grant.set_to(agency);
        grant.add_types(type.type);
        grant.set_audience(policy::v1::AUDIENCE_PARTY);
        if (Chance(25)) grant.set_up_to(policy::v1::TIER_S1);
        if (Chance(25)) {
          grant.add_roles(Any(kRoles));
        } else {
          grant.mutable_roles()->Assign(kRoles.begin(), kRoles.end());
        }
      }
    }
    policy::v1::SeeGrant& own = *agreement_.add_see();
    own.set_to("each");
    own.add_types("*");
    own.mutable_roles()->Assign(kRoles.begin(), kRoles.end());
    own.set_audience(policy::v1::AUDIENCE_OWN);
    DrawLog();
  }

  void DrawAddressees(v1::Limb& limb) {
    limb.clear_to();
    limb.clear_out_of_hours();
    limb.clear_escalate();
    const auto add = [&](auto* to) {
      to->set_agency(Any(kAgencies));
      to->set_role(Any(kRoles));
      to->set_copy(Chance(20));
    };
    for (size_t n = 1 + Draw(4); n > 0; --n) add(limb.add_to());
    if (Chance(50)) {
      add(limb.mutable_out_of_hours()->add_to());
      v1::Clock& clock = *limb.mutable_out_of_hours()->mutable_accept();
      clock.set_length(60);
      clock.set_unit(policy::v1::CLOCK_UNIT_MINUTES);
    }
    for (size_t n = Draw(3); n > 0; --n) {
      v1::Escalation& next = *limb.add_escalate();
      add(next.add_to());
      next.mutable_accept()->set_length(120);
      next.mutable_accept()->set_unit(policy::v1::CLOCK_UNIT_MINUTES);
    }
  }

  void Append(const google::protobuf::Message& message, Header header,
              uint64_t at) {
    header.type = std::string(message.GetDescriptor()->full_name());
    log_.push_back({std::move(header), message.SerializeAsString(), at, false});
  }

  static Header HeaderOf(const std::string& agency, const std::string& system,
                         const PersonKey& person, uint64_t time_us) {
    Header header;
    header.source = absl::StrCat("urn:concordat:", agency, ":", system);
    header.controller = agency;
    header.subject = person;
    header.time_us = time_us;
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    return header;
  }

  void DrawLog() {
    log_.clear();
    hub::v1::AgreementAdopted adopted;
    adopted.set_name("random");
    adopted.set_version(1);
    adopted.set_agreement(agreement_.SerializeAsString());
    Append(adopted, HeaderOf("hub", "bus", {}, kStart), kStart);
    for (uint8_t n = 1; n <= 2; ++n) {
      const auto opened = types_->FromJson(
          "concordat.mappa.v1.CaseOpened",
          R"({"caseRef":"C","parties":["police-scotland","nhs-tayside",)"
          R"("dundee-city-council"],"lead":"dundee-city-council"})");
      ASSERT_THAT(opened, testing::IsOk());
      Entry entry{HeaderOf("mappa-tayside", "mappa", Key(n), kStart), *opened,
                  kStart, false};
      entry.header.type = "concordat.mappa.v1.CaseOpened";
      log_.push_back(std::move(entry));
    }
    uint64_t now = kStart;
    for (size_t i = 0; i < 40; ++i) {
      now += Draw(10 * 60 + 1) * (kHour / 60) * (Chance(20) ? 6 : 1);
      if (Chance(15)) {
        hub::v1::FeedReceived received;
        received.set_feed("dundee-case-files");
        received.set_complete_to(now - Draw(20) * kHour);
        Append(received, HeaderOf("dundee-city-council", "jsw", {}, now), now);
        continue;
      }
      DrawFact(now);
    }
    hub::v1::TimePassed passed;
    now += 100 * kHour;
    passed.set_to(now);
    Append(passed, HeaderOf("hub", "player", {}, now), now);
    for (size_t i = 0; i < log_.size(); ++i) {
      if (log_[i].header.id.empty()) log_[i].header.id = absl::StrCat("e", i);
    }
  }

  void DrawFact(uint64_t now) {
    const FactType& type = FactTypes()[Draw(FactTypes().size())];
    const auto data = types_->FromJson(type.type, Any(type.json));
    ASSERT_THAT(data, testing::IsOk());
    Entry entry{HeaderOf(type.agency,
                         type.agency == "dundee-city-council" ? "jsw" : "s",
                         Key(static_cast<uint8_t>(1 + Draw(2))),
                         now - (Chance(30) ? Draw(72) * kHour : 0)),
                *data, now, true};
    entry.header.type = type.type;
    entry.header.id = absl::StrCat("e", log_.size());
    if (Chance(15)) entry.header.basis = bus::v1::BASIS_REPORTED_BY_PARTNER;
    if (Chance(20)) {
      // The newest of this source about this person, taken back or corrected.
      for (size_t i = log_.size(); i-- > 0;) {
        if (!log_[i].fact || log_[i].header.type != type.type ||
            log_[i].header.subject != entry.header.subject) {
          continue;
        }
        (Chance(50) ? entry.header.retracts : entry.header.corrects) =
            log_[i].header.id;
        break;
      }
    }
    log_.push_back(std::move(entry));
  }

  static PersonKey Key(uint8_t n) {
    return PersonKey(std::array<uint8_t, PersonKey::kBytes>{n});
  }

  // Folds the log, with `with` in place of entry `at`, or with nothing but its
  // time. The recipient acts by what it sees; everybody else is still.
  Shown Fold(const AlertCaller& caller, size_t at, const Entry* with) {
    auto engine = MakeEngine(definitions_);
    EXPECT_THAT(engine, testing::IsOk());
    Shown shown;
    std::map<std::string, Look> last;
    evidence_.clear();
    uint64_t own = 0;
    const auto apply = [&](const Entry& entry, uint64_t sequence) {
      std::vector<std::pair<Entry, uint64_t>> due = {{entry, sequence}};
      for (size_t i = 0; i < due.size(); ++i) {
        View view;
        view.sequence = {due[i].second};
        view.accepted_us = due[i].first.accepted_us;
        view.header = due[i].first.header;
        auto groups = types_->Find(view.header.type)->Split(due[i].first.data);
        ASSERT_THAT(groups, testing::IsOk());
        for (auto& group : *groups) {
          view.groups.push_back({group.number, group.data, {}});
        }
        const auto drafts = engine->Apply(view);
        ASSERT_THAT(drafts, testing::IsOk());
        for (const AlertDraft& draft : *drafts) {
          Entry back{
              HeaderOf("mappa-tayside", "alerts", draft.subject, draft.time_us),
              draft.data, entry.accepted_us, false};
          back.header.type = draft.type;
          back.header.id = draft.key;
          back.header.stream = draft.stream;
          due.emplace_back(std::move(back), ++own);
        }
      }
    };
    for (size_t i = 0; i < log_.size(); ++i) {
      own = kOwnEvents * (i + 1);
      const Entry nothing = TimeOf(log_[i]);
      const Entry& entry = i != at ? log_[i] : with ? *with : nothing;
      apply(entry, i + 1);
      for (size_t n = 0; n < engine->alerts().size(); ++n) {
        const Alert* alert = engine->alerts()[n].get();
        const auto sight = engine->See(*alert, caller);
        if (!sight.has_value()) continue;
        const uint64_t position = engine->PositionOf(*alert, caller).value;
        const Look look{
            *sight, position < kOwnEvents ? position : position / kOwnEvents};
        if (last[sight->ref] == look) continue;
        last[sight->ref] = look;
        shown.emplace_back(i, look);
        // A hash of what is seen decides what is done.
        const size_t choice =
            std::hash<std::string>()(absl::StrCat(sight->ref, i)) % 10;
        const auto act = [&](const auto& event) {
          if (!event.ok()) return;
          Entry step{HeaderOf("mappa-tayside", "alerts", alert->subject, 0),
                     event->SerializeAsString(), entry.accepted_us, false};
          step.header.type = std::string(event->GetDescriptor()->full_name());
          apply(step, ++own);
        };
        if (choice == 0) act(DecideAccept(*alert, caller, "looking", ""));
        if (choice == 1) act(DecideClose(*alert, caller, "done"));
        if (choice == 2) {
          act(absl::StatusOr<v1::AlertShown>(DecideShow(*alert, caller)));
        }
        if (choice == 3) act(DecideAcceptWithdrawal(*alert, caller));
        if (choice == 4) act(DecideDispute(*alert, caller, "another man"));
        if (choice == 5) {
          const auto may = engine->MayPassTo(*alert, caller);
          if (may.empty()) continue;
          act(DecidePass(*alert, caller, may[0].Name(), "yours", may));
        }
      }
    }
    for (const auto& alert : engine->alerts()) {
      for (const AlertMember& member : alert->members) {
        evidence_.insert(member.evidence.begin(), member.evidence.end());
      }
    }
    return shown;
  }

  static Entry TimeOf(const Entry& entry) {
    hub::v1::TimePassed passed;
    passed.set_to(entry.accepted_us);
    Entry time{HeaderOf("hub", "player", {}, entry.accepted_us),
               passed.SerializeAsString(), entry.accepted_us, false};
    time.header.type = std::string(passed.GetDescriptor()->full_name());
    time.header.id = "time";
    return time;
  }

  GroupMask Seen(const Entry& entry, const AlertCaller& caller) {
    PolicyState policy(types_);
    for (const Entry& each : log_) {
      if (each.fact) continue;
      EXPECT_TRUE(policy.Apply(AsView(each.header), each.data).ok());
    }
    return policy.Granted(AsView(entry.header),
                          Recipient{caller.agency, caller.roles[0], {}},
                          entry.accepted_us);
  }

  // What the log says of who may see what, as the oracle has it.
  testing::ViewsOracle Oracle() const {
    // Nobody reads near these days' ends.
    testing::ViewsOracle oracle({{"2025-10-01", 1'759'276'800'000'000},
                                 {"2026-09-30", 1'790'726'400'000'000},
                                 {"2026-10-01", 1'790'812'800'000'000}});
    for (const absl::string_view name : types_->names()) {
      const EventType& type = *types_->Find(name);
      testing::OracleType known{
          std::string(name), type.policy().internal(), false, {}};
      for (const GroupInfo& group : type.groups()) {
        known.groups.push_back({group.number, group.tier_max, group.category});
      }
      oracle.types.push_back(std::move(known));
    }
    testing::OracleFact adopted;
    adopted.kind = testing::OracleFact::Kind::kAdopted;
    adopted.agreement = agreement_;
    oracle.history.push_back(adopted);
    for (int person = 1; person <= 2; ++person) {
      testing::OracleFact opened;
      opened.kind = testing::OracleFact::Kind::kOpened;
      opened.person = person;
      opened.agencies = {kAgencies[0], kAgencies[1], kAgencies[2]};
      opened.lead = "dundee-city-council";
      oracle.history.push_back(opened);
    }
    return oracle;
  }
  static testing::OracleEvent AsOracleHasIt(const Entry& entry) {
    testing::OracleEvent event;
    event.type = entry.header.type;
    event.controller = entry.header.controller;
    event.source_agency = std::string(AgencyOfSource(entry.header.source));
    event.person = entry.header.subject == Key(1) ? 1 : 2;
    return event;
  }

  std::mt19937 random_;
  std::shared_ptr<const TypeRegistry> types_;
  Definitions definitions_;
  policy::v1::Agreement agreement_;
  std::vector<Entry> log_;
  std::set<Sequence> evidence_;  // Of every alert of the last fold.
};

TEST_F(HiddenFactsTest, NothingDiffersForWhoDoesNotSeeTheFact) {
  size_t compared = 0, hidden = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    DrawWorld(seed);
    for (const std::string& agency : kAgencies) {
      const std::string role = Any(kRoles);
      const AlertCaller caller{"somebody", agency, {role}};
      const Shown whole = Fold(caller, log_.size(), nullptr);
      // Those that somebody's alert rests on are the ones that may leak.
      const std::set<Sequence> rested_on = evidence_;
      for (const Sequence sequence : rested_on) {
        if (sequence.value > log_.size()) continue;  // A feed's silence.
        const size_t at = sequence.value - 1;
        if (Seen(log_[at], caller) != 0) continue;
        ++hidden;
        compared += whole.size();
        ASSERT_EQ(Fold(caller, at, nullptr), whole)
            << "seed " << seed << ", " << agency << "/" << role << ", without "
            << log_[at].header.type << " at " << at;
      }
    }
  }
  // It has compared something.
  EXPECT_GT(hidden, 100u);
  EXPECT_GT(compared, 100u);
}

TEST_F(HiddenFactsTest, EveryFactThatIsCitedMayBeSeen) {
  size_t cited = 0, hidden = 0;
  for (uint32_t seed = 1; seed <= 120; ++seed) {
    DrawWorld(seed);
    const testing::ViewsOracle oracle = Oracle();
    const AlertCaller caller{"somebody", Any(kAgencies), {Any(kRoles)}};
    const testing::OracleReader reader{
        caller.agency, caller.roles[0], "", std::nullopt, {}};
    const auto sees = [&](size_t at) {
      return oracle
          .See(AsOracleHasIt(log_[at]), reader, log_.back().accepted_us)
          .shown;
    };
    for (const auto& [at, look] : Fold(caller, log_.size(), nullptr)) {
      for (const EvidenceWords& fact : look.sight.evidence) {
        const uint64_t sequence = fact.sequence.value;
        // An absence, or a feed's silence, which is about nobody.
        if (sequence == 0 || sequence > log_.size()) continue;
        ++cited;
        EXPECT_TRUE(sees(sequence - 1))
            << "seed " << seed << ", " << caller.agency << "/"
            << caller.roles[0] << " is told of " << fact.type;
      }
    }
    for (size_t at = 0; at < log_.size(); ++at) {
      hidden += log_[at].fact && !sees(at);
    }
  }
  EXPECT_GT(cited, 100u);
  EXPECT_GT(hidden, 100u);
}

TEST_F(HiddenFactsTest, NothingDiffersForWhoDoesNotSeeTheField) {
  size_t compared = 0;
  for (uint32_t seed = 1; seed <= 120; ++seed) {
    DrawWorld(seed);
    const AlertCaller caller{"somebody", Any(kAgencies), {Any(kRoles)}};
    for (size_t at = 0; at < log_.size(); ++at) {
      if (log_[at].header.type != "concordat.police.v1.ChargeRecorded" ||
          Seen(log_[at], caller) != 1) {
        continue;
      }
      const auto other = types_->FromJson(
          log_[at].header.type,
          R"({"offenceGroup":"GROUP_2","disposal":"HELD_FOR_COURT"})");
      ASSERT_THAT(other, testing::IsOk());
      Entry with = log_[at];
      with.data = *other;
      ++compared;
      ASSERT_EQ(Fold(caller, at, &with), Fold(caller, log_.size(), nullptr))
          << "seed " << seed;
    }
  }
  EXPECT_GT(compared, 5u);
}

}  // namespace
}  // namespace concordat::alerts

// Every view that is made is the view that an independent, slow implementation
// (views_oracle.h) says, over random types, agreements, histories, readers and
// events: 30,000 cases in the test run. All of them, from the build tree:
//   CONCORDAT_VIEW_CASES=1000000 tests/unit_services_bus_delivery_views_property
// and another million with CONCORDAT_SEED=2. Last on 27 November 2026: 1,000,000 of
// the first seed, 53,401 of which show something, no difference.
//
// Catches any mutant of services/common/policy or view_builder.cc that shows a group,
// a header, a reference or a fault that should not be, hides one that should be, or loads an
// agreement that should not load: those of views_mutants, beside this, each.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/hub/v1/events.pb.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/view_builder.h"
#include "services/common/policy/policy.h"
#include "tests/support/fake_types.h"
#include "tests/support/views_oracle.h"

namespace concordat::bus {
namespace {

using testing::FakeTypes;
using testing::OracleEvent;
using testing::OracleFact;
using testing::OracleReader;
using testing::OracleType;
using testing::OracleView;
using testing::ViewsOracle;
using testing::WithEffect;
using Kind = OracleFact::Kind;

constexpr int kCasesDefault = 30'000;
constexpr int kCasesOfAWorld = 25;
constexpr std::array<const char*, 4> kAgencies = {"red", "blue", "green",
                                                  "all"};
constexpr std::array<const char*, 2> kRoles = {"officer", "clerk"};
constexpr std::array<const char*, 3> kPeople = {"ann", "bob", "cat"};
constexpr std::array<const char*, 2> kPurposes = {"CARE", "SAFETY"};

// Midnights of London in winter are those of UTC.
const std::map<std::string, uint64_t>& Days() {
  static const auto* const kDays = new std::map<std::string, uint64_t>{
      {"2025-11-01", 1'761'955'200'000'000},
      {"2025-11-02", 1'762'041'600'000'000},
      {"2025-11-03", 1'762'128'000'000'000},
      {"2025-11-04", 1'762'214'400'000'000},
      {"2025-11-05", 1'762'300'800'000'000},
      {"2025-11-06", 1'762'387'200'000'000}};
  return *kDays;
}

struct EffectOf {
  Kind kind;
  const char* type;
  policy::v1::Effect effect;
};
constexpr std::array<EffectOf, 13> kEffects = {{
    {Kind::kOpened, "m.v1.Opened", policy::v1::EFFECT_CASE_OPENED},
    {Kind::kJoined, "m.v1.Joined", policy::v1::EFFECT_PARTY_JOINED},
    {Kind::kLeft, "m.v1.Left", policy::v1::EFFECT_PARTY_LEFT},
    {Kind::kClosed, "m.v1.Closed", policy::v1::EFFECT_CASE_CLOSED},
    {Kind::kLevel, "m.v1.Level", policy::v1::EFFECT_LEVEL_CHANGED},
    {Kind::kSubmitted, "m.v1.Submitted", policy::v1::EFFECT_SUBMITTED},
    {Kind::kRegistered, "m.v1.Registered", policy::v1::EFFECT_REGISTERED},
    {Kind::kLead, "m.v1.Lead", policy::v1::EFFECT_LEAD_CHANGED},
    {Kind::kAccess, "m.v1.Access", policy::v1::EFFECT_ACCESS_RESTRICTED},
    {Kind::kErased, "m.v1.Erased", policy::v1::EFFECT_PERSON_ERASED},
    {Kind::kRestricted, "m.v1.Restricted",
     policy::v1::EFFECT_PROCESSING_RESTRICTED},
    {Kind::kAdopted, "h.v1.Adopted", policy::v1::EFFECT_AGREEMENT_ADOPTED},
    {Kind::kRetired, "h.v1.Retired", policy::v1::EFFECT_AGREEMENT_RETIRED},
}};

// One world: its types, what happened in it, and the code under test beside the
// oracle.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed), oracle_(Days()) {
    MakeTypes();
    policy_ = std::make_unique<PolicyState>(types_);
    views_ = std::make_unique<ViewBuilder>(types_);
    persons_ = 1 + Below(2);
    // Some live long: through one case and the next, and what is said between.
    const int facts = Chance(50) ? Below(60) : Below(14);
    for (int i = 0; i < 3; ++i) Happen(Kind::kAdopted);
    // Some had no case yet: they are referred, or registered, first.
    for (int i = Below(3); i > 0; --i) Happen(Kind::kOpened);
    for (int i = 0; i < facts; ++i) {
      Happen(kEffects[static_cast<size_t>(Below(kEffects.size()))].kind);
    }
  }

  // Empty: the view is as it should be.
  std::string Case() {
    const OracleReader reader = AReader();
    const OracleEvent event = AnEvent();
    const uint64_t now_us = AMoment();
    const OracleView wanted = oracle_.See(event, reader, now_us);
    const std::string got = Compare(event, reader, now_us, wanted);
    if (got.empty()) {
      shown_ += wanted.shown ? 1 : 0;
      return got;
    }
    return absl::StrCat(got, " for ", reader.agency, "/", reader.role, "/",
                        reader.principal, " of ", event.type);
  }
  int shown() const { return shown_; }
  const std::string& wrong() const { return wrong_; }

 private:
  int Below(size_t bound) { return static_cast<int>(random_() % bound); }
  bool Chance(int percent) { return Below(100) < percent; }
  template <typename Array>
  std::string Any(const Array& of) {
    return of[static_cast<size_t>(Below(of.size()))];
  }
  template <typename Array>
  std::vector<std::string> Some(const Array& of, int percent) {
    std::vector<std::string> some;
    for (const auto& each : of) {
      if (Chance(percent)) some.emplace_back(each);
    }
    return some;
  }
  int AnyPerson() { return 1 + Below(static_cast<size_t>(persons_)); }
  uint64_t AMoment() {
    auto day = Days().begin();
    std::advance(day, Below(Days().size()));
    return day->second + static_cast<uint64_t>(Below(3)) - 1;
  }
  std::string ADay() {
    auto day = Days().begin();
    // The last is the end of the one before it.
    std::advance(day, Below(Days().size() - 1));
    return day->first;
  }

  void MakeTypes() {
    auto types = std::make_shared<FakeTypes>();
    for (const char* name : {"a.v1.One", "a.v1.Two", "b.v1.One", "b.v1.Two"}) {
      OracleType type;
      type.name = name;
      type.internal = Chance(15);
      std::vector<GroupInfo> groups;
      for (uint32_t number = 0; number < 3; ++number) {
        if (!Chance(75)) continue;
        groups.push_back({number, static_cast<policy::v1::Tier>(number + 2),
                          policy::v1::CATEGORY_UNSPECIFIED});
      }
      uint32_t number = 3;
      for (int category = 1; category <= 8 && number < 8; ++category) {
        if (!Chance(30)) continue;
        groups.push_back({number++, policy::v1::TIER_S4,
                          static_cast<policy::v1::Category>(category)});
      }
      for (const GroupInfo& group : groups) {
        type.groups.push_back({group.number, group.tier_max, group.category});
      }
      policy::v1::TypePolicy policy;
      policy.set_internal(type.internal);
      types->AddGroups(name, policy, groups);
      oracle_.types.push_back(std::move(type));
    }
    for (const EffectOf& each : kEffects) {
      policy::v1::TypePolicy policy = WithEffect(each.effect);
      policy.set_internal(true);
      types->Add(each.type, policy);
      OracleType type;
      type.name = each.type;
      type.internal = true;
      type.tells_of_erasure = each.kind == Kind::kErased;
      for (uint32_t number = 0; number < 3; ++number) {
        type.groups.push_back({number,
                               static_cast<policy::v1::Tier>(number + 2),
                               policy::v1::CATEGORY_UNSPECIFIED});
      }
      oracle_.types.push_back(std::move(type));
    }
    types_ = std::move(types);
  }

  void AddLine(policy::v1::Agreement& agreement) {
    constexpr std::array<const char*, 9> kPatterns = {
        "*",        "*",        "a.v1.*",   "b.v1.*",     "a.v1.One",
        "a.v1.Two", "b.v1.One", "b.v1.Two", "m.v1.Opened"};
    constexpr std::array<const char*, 6> kTo = {"red", "blue", "green",
                                                "all", "each", "each"};
    policy::v1::SeeGrant& line = *agreement.add_see();
    line.set_to(Any(kTo));
    for (const std::string& role : Some(kRoles, 75)) line.add_roles(role);
    if (line.roles().empty() && Chance(90)) line.add_roles("officer");
    const int patterns = Chance(97) ? 1 + Below(2) : 0;
    for (int i = 0; i < patterns; ++i) line.add_types(Any(kPatterns));
    // Most lines are about the parties of a case, as in life.
    line.set_audience(Chance(2) ? policy::v1::AUDIENCE_UNSPECIFIED
                      : Chance(25)
                          ? policy::v1::AUDIENCE_PARTY
                          : static_cast<policy::v1::Audience>(1 + Below(5)));
    const bool own = line.audience() == policy::v1::AUDIENCE_OWN;
    if (Chance(own ? 2 : 40)) {
      line.set_up_to(static_cast<policy::v1::Tier>(Chance(95) ? 2 + Below(3)
                                                              : 1 + Below(5)));
    }
    if (!own || Chance(2)) {
      for (int category = 1; category <= 8; ++category) {
        // The two that beat everything make most lines fail to load.
        if (Chance(category >= 7 ? 8 : 25)) {
          line.add_categories(static_cast<policy::v1::Category>(category));
        }
      }
    }
    if (Chance(line.audience() == policy::v1::AUDIENCE_PARTY ? 40 : 2)) {
      line.set_level_min(static_cast<uint32_t>(Below(3)));
      line.set_level_max(line.level_min() + static_cast<uint32_t>(Below(2)));
      if (Chance(2)) line.set_level_min(3);
      if (Chance(2)) line.set_level_max(4);  // There is no such level.
    }
    line.set_part3(Chance(own ? 1 : 40));
    const bool beyond_all =
        std::any_of(line.categories().begin(), line.categories().end(),
                    [](int category) { return category >= 7; });
    if (line.part3() || beyond_all ? Chance(95) : Chance(2)) {
      line.set_law("An Act");
    }
  }

  policy::v1::Agreement AnAgreement() {
    constexpr std::array<const char*, 2> kNames = {"x", "y"};
    policy::v1::Agreement agreement;
    agreement.set_name(Any(kNames));
    agreement.set_version(static_cast<uint32_t>(1 + Below(4)));
    for (const std::string& party :
         Some(std::array{"red", "blue", "green"}, 85)) {
      agreement.add_parties(party);
      if (Chance(40)) agreement.add_part3_parties(party);
    }
    if (Chance(80)) agreement.set_arrangement("all");
    std::string first = ADay();
    std::string last = ADay();
    if (first > last && Chance(95)) std::swap(first, last);
    if (Chance(40)) {
      first = Days().begin()->first;
      last = std::next(Days().rbegin(), 1)->first;
    }
    agreement.set_valid_from(first);
    agreement.set_valid_to(last);
    for (const std::string& purpose : Some(kPurposes, 70)) {
      agreement.add_purposes(purpose);
    }
    const int lines = 1 + Below(4);
    for (int i = 0; i < lines; ++i) AddLine(agreement);
    return agreement;
  }

  std::vector<std::string> AList() {
    std::vector<std::string> list;
    const int entries = Below(3);
    for (int i = 0; i < entries; ++i) {
      std::string entry = Any(kAgencies);
      if (Chance(60)) {
        absl::StrAppend(&entry, "/", Chance(40) ? "*" : Any(kRoles));
        if (Chance(60)) absl::StrAppend(&entry, "/", Any(kPeople));
      }
      list.push_back(std::move(entry));
    }
    return list;
  }

  void Happen(Kind kind) {
    OracleFact fact;
    fact.kind = kind;
    fact.by = Any(kAgencies);
    std::string message;
    if (kind == Kind::kAdopted) {
      fact.agreement = AnAgreement();
      // One that does not load is never in the log: both must say so.
      const bool loads = oracle_.Loads(fact.agreement);
      const auto taken = Agreements::None(types_)->With(fact.agreement);
      if (taken.ok() != loads) {
        wrong_ = absl::StrCat("an agreement loads: ", taken.ok(), ", ",
                              taken.status().message(), "\n",
                              fact.agreement.DebugString());
      }
      if (!loads) return;
      hub::v1::AgreementAdopted adopted;
      adopted.set_agreement(fact.agreement.SerializeAsString());
      message = adopted.SerializeAsString();
    } else if (kind == Kind::kRetired) {
      fact.agreement.set_name(Chance(50) ? "x" : "y");
      fact.agreement.set_version(static_cast<uint32_t>(1 + Below(4)));
      fact.from_us = AMoment();
      hub::v1::AgreementRetired retired;
      retired.set_name(fact.agreement.name());
      retired.set_version(fact.agreement.version());
      retired.set_from(fact.from_us);
      message = retired.SerializeAsString();
    } else {
      fact.person = AnyPerson();
      fact.agencies = Some(kAgencies, 50);
      if (Chance(75)) fact.lead = Any(kAgencies);  // Or nobody leads.
      fact.level = static_cast<uint32_t>(Below(4));
      fact.restricted_to = AList();
      fact.excluded = AList();
      message =
          absl::StrCat(absl::StrJoin(fact.agencies, ","), ";", fact.lead, ";",
                       fact.level, ";", absl::StrJoin(fact.restricted_to, ","),
                       ";", absl::StrJoin(fact.excluded, ","));
    }
    HeaderView header;
    for (const EffectOf& each : kEffects) {
      if (each.kind == kind) header.type = each.type;
    }
    header.controller = fact.by;
    header.subject = KeyOf(fact.person);
    const auto applied = policy_->Apply(header, message);
    if (!applied.ok()) wrong_ = applied.status().ToString();
    oracle_.history.push_back(std::move(fact));
  }

  OracleReader AReader() {
    OracleReader reader;
    reader.agency = Any(kAgencies);
    reader.role = Chance(3) ? "operator" : Any(kRoles);
    if (Chance(70)) reader.principal = Chance(90) ? Any(kPeople) : "*";
    if (Chance(60)) reader.purpose = Chance(90) ? Any(kPurposes) : "SALES";
    if (Chance(5)) reader.processes = {Chance(50) ? "*" : "a.v1.*"};
    if (Chance(5)) reader.headers = {Chance(50) ? "*" : "b.v1.*", "a.v1.One"};
    return reader;
  }

  OracleEvent AnEvent() {
    OracleEvent event;
    const OracleType& type = oracle_.types[static_cast<size_t>(
        Chance(90) ? Below(4) : Below(oracle_.types.size()))];
    event.type = type.name;
    event.controller = Any(kAgencies);
    event.source_agency = Any(kAgencies);
    event.person = Chance(85) ? AnyPerson() : 0;
    event.part3 = Chance(40);
    // One, the other, or both: each alone names another event.
    if (Chance(25)) event.causation = "another";
    if (Chance(25)) event.correlation = "a third";
    if (Chance(30)) event.faults = {"field: wrong", "other: too long"};
    for (const auto& group : type.groups) {
      // One of ten is erased.
      if (Chance(90)) event.opened.push_back(group.number);
    }
    return event;
  }

  static PersonKey KeyOf(int person) {
    return person == 0 ? PersonKey()
                       : PersonKey({static_cast<uint8_t>(person)});
  }

  std::string Compare(const OracleEvent& event, const OracleReader& reader,
                      uint64_t now_us, const OracleView& wanted) {
    const std::string source =
        absl::StrCat("urn:concordat:", event.source_agency, ":system");
    const std::array<std::string, 8> data = {"0", "1", "2", "3",
                                             "4", "5", "6", "7"};
    StoredEvent stored;
    stored.header.type = event.type;
    stored.header.source = source;
    stored.header.controller = event.controller;
    stored.header.subject = KeyOf(event.person);
    stored.header.regime = event.part3 ? v1::REGIME_PART3 : v1::REGIME_GDPR;
    stored.header.on_behalf_of = "somebody";
    stored.header.causation = event.causation;
    stored.header.correlation = event.correlation;
    stored.faults = event.faults;
    stored.header_salt.fill(9);
    stored.header_commitment.fill(9);
    for (const GroupInfo& group : types_->Find(event.type)->groups()) {
      Digest commitment = {};
      commitment.fill(static_cast<uint8_t>(group.number));
      stored.commitments.push_back({group.number, commitment});
    }
    for (const uint32_t number : event.opened) {
      Salt salt = {};
      salt.fill(static_cast<uint8_t>(number));
      stored.opened.push_back({number, salt, data[number]});
    }
    Recipient to{reader.agency,  reader.role,      reader.processes,
                 reader.purpose, reader.principal, reader.headers};
    const GroupMask granted = policy_->Granted(stored.header, to, now_us);
    const JudgedView explained = policy_->agreements()->Explain(
        stored.header, to, now_us, policy_->Of(stored.header.subject));
    if (explained.granted != granted) return "it is explained otherwise";
    if ((granted != 0) != wanted.shown) {
      return wanted.shown ? "nothing is shown" : "something is shown";
    }
    if (granted == 0) return "";
    const BorrowedView& view = views_->Build(stored, to, granted);
    std::set<uint32_t> groups;
    for (const auto& group : view.groups) {
      if (group.data != data[group.number]) return "a group's bytes";
      groups.insert(group.number);
    }
    if (groups != wanted.groups) {
      return absl::StrCat("shows groups ", absl::StrJoin(groups, ","), " not ",
                          absl::StrJoin(wanted.groups, ","));
    }
    std::set<uint32_t> committed;
    for (const auto& each : view.commitments) committed.insert(each.number);
    if (committed != wanted.committed) return "commitments";
    if (view.header_salt.has_value() != wanted.header_group ||
        view.header_commitment.has_value() == wanted.header_group) {
      return "the header group";
    }
    if (view.header.on_behalf_of != (wanted.header_group ? "somebody" : "")) {
      return "on whose behalf";
    }
    if (view.header.causation != wanted.causation) return "causation";
    if (view.header.correlation != wanted.correlation) return "correlation";
    if (!std::equal(view.faults.begin(), view.faults.end(),
                    wanted.faults.begin(), wanted.faults.end())) {
      return absl::StrCat("faults: ", absl::StrJoin(view.faults, "; "));
    }
    std::vector<std::string> withheld(view.withheld.begin(),
                                      view.withheld.end());
    if (withheld != wanted.withheld) {
      return absl::StrCat("withheld: ", absl::StrJoin(withheld, ", "));
    }
    return "";
  }

  std::mt19937_64 random_;
  ViewsOracle oracle_;
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<PolicyState> policy_;
  std::unique_ptr<ViewBuilder> views_;
  int persons_ = 0;
  int shown_ = 0;
  std::string wrong_;
};

uint64_t Setting(const char* name, uint64_t otherwise) {
  const char* const given = std::getenv(name);
  uint64_t value = otherwise;
  if (given != nullptr && !absl::SimpleAtoi(given, &value)) return otherwise;
  return value;
}

TEST(Views, AreWhatTheSlowImplementationSays) {
  const uint64_t cases = Setting("CONCORDAT_VIEW_CASES", kCasesDefault);
  const uint64_t seed = Setting("CONCORDAT_SEED", 1);
  uint64_t done = 0;
  uint64_t shown = 0;
  for (uint64_t number = 0; done < cases; ++number) {
    const uint64_t of_world = seed * 1'000'000'007 + number;
    World world(of_world);
    ASSERT_EQ(world.wrong(), "") << "world " << of_world;
    for (int i = 0; i < kCasesOfAWorld; ++i, ++done) {
      const std::string wrong = world.Case();
      ASSERT_EQ(wrong, "") << "world " << of_world << " case " << i;
    }
    shown += static_cast<uint64_t>(world.shown());
  }
  // Neither everything nor nothing is seen, or this proves nothing.
  EXPECT_GT(shown, cases / 40);
  EXPECT_LT(shown, cases / 2);
  RecordProperty("cases", static_cast<int>(done));
  RecordProperty("shown", static_cast<int>(shown));
  std::printf("%llu views compared, %llu of them show something\n",
              static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(shown));
}

}  // namespace
}  // namespace concordat::bus

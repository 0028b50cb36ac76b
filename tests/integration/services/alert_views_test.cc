// The alerts that somebody is answered over gRPC are those that rest on what they may
// see: cases drawn at random, with agreements that come and go and lists that keep
// people out, raise alerts to everybody; each answer of the AlertsService is compared
// with one that is made from what the slow oracle of views (views_oracle.h) lets that
// reader see when the alert was raised and now, with no code of services/alerts or
// services/common/policy.
//
// Mutant                                            Caught by
// any of the policy code, of Audiences or of the    EveryAlertRestsOnWhat…
//   engine that shows somebody a fact or a field
// what was seen once is shown for ever              the same
// a list that names a person is not asked           the same
// the purpose for which somebody asks is not        the same
// an alert is shared with who sees other facts      the same
#include <map>
#include <set>
#include <thread>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "concordat/alerts/v1/service.pb.h"
#include "services/alerts/domain/definitions.h"
#include "services/alerts/rpc/desk.h"
#include "services/alerts/rpc/handlers.h"
#include "services/alerts/rpc/rule_desk.h"
#include "tests/integration/services/drawn_cases.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::IsOk;
using ::concordat::testing::kReaders;
using ::concordat::testing::OracleReader;
using ::concordat::testing::OracleView;

constexpr char kList[] = "concordat.alerts.v1.AlertsService/ListAlerts";

// A rule for each: one event is enough, everybody is to be told.
struct RuleOf {
  const char* id;
  const char* type;     // Of the package.
  const char* field;    // Said when it is seen, by its JSON name; empty: none.
  const char* value;    // That it has to have; empty: any.
  const char* message;  // A message that has nothing but the field, as JSON.
};
constexpr std::array<RuleOf, 6> kRules = {{
    {"R1", "MeetingHeld", "rosh", "", R"({"rosh":"HIGH"})"},
    {"R2", "MeetingHeld", "rosh", "HIGH", R"({"rosh":"HIGH"})"},
    {"R3", "NotificationReceived", "category", "", R"({"category":"SONR"})"},
    {"R4", "ReferralSubmitted", "category", "VIOLENT",
     R"({"category":"VIOLENT"})"},
    {"R5", "CaseOpened", "lead", "", R"({"lead":"nhs-tayside"})"},
    {"R6", "LevelChanged", "", "", ""},
}};

class AlertViewsTest : public testing::DrawnCasesTest {
 protected:
  ~AlertViewsTest() override {
    if (desk_ == nullptr) return;
    desk_->Stop();
    running_.join();
    bus().WaitForAnswers(absl::Seconds(5));
  }

  // Of rules that are drawn first.
  void Open() {
    Definitions definitions;
    definitions.types = shared_types();
    AddRegistry(registry().proto(), &definitions);
    for (const RuleOf& of : kRules) definitions.rules.push_back(ARule(of));
    auto engine = MakeEngine(definitions);
    ASSERT_THAT(engine, IsOk());
    alerts_client_ = bus().Connect("service-alerts");
    desk_ = std::make_unique<Desk>(
        *std::move(engine), *alerts_client_, shared_types(), self(),
        bus::v1::ENVIRONMENT_DEMO, clock(), desk_random_, alerts_log_);
    rule_desk_ = std::make_unique<RuleDesk>(
        definitions, [](absl::Time) { return v1::ListRulesResponse(); },
        [] { return std::vector<v1::Rule>(); },
        std::vector<policy::v1::Agreement>(), *alerts_client_, clock());
    Serve(*desk_, *rule_desk_, host());
    running_ = std::thread([this] { EXPECT_THAT(desk_->Run(), IsOk()); });
    Start();
  }

  v1::Rule ARule(const RuleOf& of) {
    v1::Rule rule;
    rule.set_id(of.id);
    rule.set_version(1);
    rule.set_effective("2020-01-01");
    v1::Limb& limb = *rule.add_limbs();
    limb.set_name("it");
    limb.set_severity("HIGH");
    limb.set_why("It is tried.");
    v1::EventPattern& event = *limb.mutable_condition()->add_events();
    event.add_types(absl::StrCat(testing::kPackage, of.type));
    const std::string field = of.field;
    if (*of.value != '\0') {
      v1::FieldEquals& where = *event.add_where();
      where.set_field(field);
      where.add_values(of.value);
    }
    event.set_words(field.empty() ? "it happened"
                                  : "it happened[: {field:" + field + "}]");
    limb.set_headline("Newest: " + event.words());
    // Two of three, in any order: the first owns it.
    std::vector<std::string> readers(kReaders.begin(), kReaders.end());
    while (!readers.empty()) {
      const size_t next = Below(readers.size());
      const auto* who = registry().FindByName(readers[next]);
      readers.erase(readers.begin() + static_cast<ptrdiff_t>(next));
      if (who->alert_roles().empty() || Chance(33)) continue;
      v1::Addressee& to = *limb.add_to();
      to.set_agency(who->agency());
      to.set_role(who->alert_roles(0));
      told_of_[of.id].push_back(who->name());
    }
    if (limb.to().empty()) {
      v1::Addressee& to = *limb.add_to();
      to.set_agency(testing::kArrangement);
      to.set_role("coordinator");
      told_of_[of.id].push_back("coordinator");
    }
    return rule;
  }

  // The group that the rule's field is in; 0 has every view.
  uint32_t GroupOf(const RuleOf& of) {
    if (*of.field == '\0') return 0;
    const std::string name = absl::StrCat(testing::kPackage, of.type);
    const auto message = types().FromJson(name, of.message);
    EXPECT_THAT(message, IsOk());
    const auto groups = types().Find(name)->Split(*message);
    EXPECT_THAT(groups, IsOk());
    for (const auto& group : *groups) {
      if (!group.data.empty()) return group.number;
    }
    return 0;
  }

  std::string ValueOf(const RuleOf& of, const View& whole) {
    if (*of.field == '\0') return "";
    std::string data;
    for (const View::Group& group : whole.groups) data += group.data;
    if (whole.header.type == absl::StrCat(testing::kPackage, "MeetingHeld")) {
      mappa::v1::MeetingHeld held;
      EXPECT_TRUE(held.ParseFromString(data));
      return held.rosh();
    }
    if (absl::EndsWith(whole.header.type, "NotificationReceived")) {
      mappa::v1::NotificationReceived received;
      EXPECT_TRUE(received.ParseFromString(data));
      return received.category();
    }
    if (absl::EndsWith(whole.header.type, "ReferralSubmitted")) {
      mappa::v1::ReferralSubmitted submitted;
      EXPECT_TRUE(submitted.ParseFromString(data));
      return submitted.category();
    }
    mappa::v1::CaseOpened opened;
    EXPECT_TRUE(opened.ParseFromString(data));
    return opened.lead();
  }

  // That it is of the rule is seen, and with which words; none: it is not.
  std::optional<std::string> Words(const RuleOf& of, const View& whole,
                                   const OracleReader& reader) {
    if (whole.header.type != absl::StrCat(testing::kPackage, of.type)) {
      return std::nullopt;
    }
    const OracleView view =
        oracle_.See(AsOracleHasIt(whole), reader, whole.accepted_us);
    if (!view.shown) return std::nullopt;
    const std::string value = ValueOf(of, whole);
    const bool seen = view.groups.count(GroupOf(of)) > 0;
    if (*of.value != '\0' && (!seen || value != of.value)) return std::nullopt;
    if (*of.field == '\0' || !seen) return "it happened";
    // As people write a code; an agency is none.
    return absl::StrCat(
        "it happened: ",
        absl::ascii_isupper(static_cast<unsigned char>(value[0]))
            ? absl::AsciiStrToLower(value)
            : value);
  }

  // What came since the last call: who is told of it, by what the log says now.
  void Judge() {
    const std::vector<View> log = bus().events();
    for (; judged_ < log.size(); ++judged_) {
      const View& whole = log[judged_];
      const int person = PersonOf(whole);
      if (person == 0) continue;
      for (const RuleOf& of : kRules) {
        std::vector<std::string> told;
        for (const std::string& who : told_of_[of.id]) {
          const auto* principal = registry().FindByName(who);
          const OracleReader role = {
              principal->agency(), principal->alert_roles(0), "", {}, {}};
          if (Words(of, whole, role).has_value()) told.push_back(who);
        }
        for (const std::string& who : told) {
          Told& alert = told_[{who, of.id, person}];
          if (alert.evidence.empty()) alert.known_to = told;
          alert.evidence.push_back(judged_);
        }
      }
    }
  }

  // Until the log has all that it asks for.
  void AwaitAlerts() {
    const absl::Time deadline = clock().Now() + absl::Seconds(10);
    hub::v1::GetStatusResponse status;
    do {
      status.Clear();
      desk_->FillStatus(&status);
    } while (status.position() < bus().end().value && clock().Now() < deadline);
    ASSERT_GE(status.position(), bus().end().value);
  }

  void Compare(const std::string& who) {
    Judge();
    ASSERT_NO_FATAL_FAILURE(AwaitAlerts());
    const OracleReader reader = AReader(who);
    const std::vector<View> log = bus().events();
    std::set<std::string> wanted;
    for (const auto& [key, alert] : told_) {
      const auto& [name, rule, person] = key;
      if (name != who) continue;
      const RuleOf& of = *std::find_if(
          kRules.begin(), kRules.end(),
          [&rule = rule](const RuleOf& each) { return each.id == rule; });
      std::vector<std::string> evidence;
      std::string newest;
      for (const size_t at : alert.evidence) {
        const auto words = Words(of, log[at], reader);
        if (!words.has_value()) {
          ++hidden_;
          continue;
        }
        newest = *words;
        evidence.push_back(absl::StrCat(log[at].sequence.value, " ", *words));
      }
      if (evidence.empty()) continue;
      std::vector<std::string> known_to;
      for (const std::string& other : alert.known_to) {
        const auto* principal = registry().FindByName(other);
        known_to.push_back(
            absl::StrCat(principal->agency(), "/", principal->alert_roles(0)));
      }
      wanted.insert(Line(rule, testing::Person(person).ToString(),
                         "Newest: " + newest, evidence, known_to,
                         alert.known_to.front() == who));
    }
    const auto answer =
        Send<v1::ListAlertsResponse>(who, kList, v1::ListAlertsRequest(),
                                     absl::Seconds(10), *reader.purpose);
    ASSERT_THAT(answer, IsOk()) << who;
    std::set<std::string> got;
    for (const v1::Alert& alert : answer->alerts()) {
      std::vector<std::string> evidence;
      for (const v1::Evidence& each : alert.evidence()) {
        evidence.push_back(absl::StrCat(each.sequence(), " ", each.words()));
      }
      got.insert(Line(alert.rule(), alert.subject(), alert.headline(), evidence,
                      {alert.addressees().begin(), alert.addressees().end()},
                      alert.owner()));
    }
    EXPECT_EQ(got, wanted) << who << " for " << *reader.purpose;
    shown_ += got.size();
  }

  static std::string Line(const std::string& rule, const std::string& subject,
                          const std::string& headline,
                          const std::vector<std::string>& evidence,
                          const std::vector<std::string>& addressees,
                          bool owner) {
    return absl::StrCat(rule, " ", subject, " ", headline, " (",
                        absl::StrJoin(evidence, "; "), ") to ",
                        absl::StrJoin(addressees, ", "),
                        owner ? ", first the reader" : "");
  }

  struct Told {
    std::vector<size_t> evidence;       // Places in the log.
    std::vector<std::string> known_to;  // Who sees all it was raised on.
  };

  const Logger alerts_log_{"alert_views_test"};
  testing::SeededRandom desk_random_{7};
  std::unique_ptr<BusClient> alerts_client_;
  std::unique_ptr<Desk> desk_;
  std::unique_ptr<RuleDesk> rule_desk_;
  std::thread running_;
  std::map<std::string, std::vector<std::string>> told_of_;  // By rule.
  std::map<std::tuple<std::string, std::string, int>, Told> told_;
  size_t judged_ = 0;
  size_t shown_ = 0;
  size_t hidden_ = 0;
};

class DrawnAlerts : public AlertViewsTest,
                    public ::testing::WithParamInterface<unsigned> {};

TEST_P(DrawnAlerts, EveryAlertRestsOnWhatTheCallerMaySee) {
  Seed(GetParam());
  ASSERT_NO_FATAL_FAILURE(Open());
  Adopt();
  for (int step = 0; step < testing::kSteps && !HasFailure(); ++step) {
    Happen();
    Judge();
    if (step % 5 == 0) Compare(Any(kReaders));
  }
  for (const char* who : kReaders) {
    if (!HasFailure()) Compare(who);
  }
  // Neither everything nor nothing, or it proves nothing.
  EXPECT_GT(shown_, 0u);
  EXPECT_GT(hidden_, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DrawnAlerts,
                         ::testing::Range(1u, 1 + testing::kSeeds));

}  // namespace
}  // namespace concordat::alerts

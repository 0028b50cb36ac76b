// The whole hub plays the story while its programs are killed, one or two at a
// time, and started again at once or later: in the end every event is there
// once and in order, and every effect happened once, as if nothing had been.
//
// The seed is printed; CONCORDAT_SEED=… makes the same choices again.
#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/demo/hub_doors.h"
#include "gateway/cli/demo/player.h"
#include "gateway/cli/demo/settle.h"
#include "gtest/gtest.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "tests/support/hub_processes.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

namespace json = boost::json;

constexpr uint32_t kStepsBetweenKillsMax = 2;
constexpr uint32_t kMsBeforeKillMax = 250;
constexpr uint32_t kMsAwayMax = 300;
constexpr int kKillsMin = 40;
// The story stands still for this long when something it needs does not come
// back; and it is also killed again meanwhile.
constexpr absl::Duration kStepPatience = absl::Seconds(2);
constexpr absl::Duration kPatience = absl::Seconds(60);

// What the log holds after a story that nothing disturbed.
const std::map<std::string, int>& TypesOfTheStory() {
  static const auto* const types = new std::map<std::string, int>{
      {"concordat.alerts.v1.AlertAccepted", 7},
      {"concordat.alerts.v1.AlertClosed", 2},
      {"concordat.alerts.v1.AlertEscalated", 1},
      {"concordat.alerts.v1.AlertEvidenceAdded", 1},
      {"concordat.alerts.v1.AlertNotified", 22},
      {"concordat.alerts.v1.AlertRaised", 8},
      {"concordat.alerts.v1.AlertShown", 1},
      {"concordat.alerts.v1.AlertWithdrawn", 1},
      {"concordat.court.v1.OrderImposed", 4},
      {"concordat.hub.v1.AgreementAdopted", 1},
      {"concordat.hub.v1.FeedSilent", 1},
      {"concordat.hub.v1.LogCreated", 1},
      {"concordat.hub.v1.TimePassed", 123},
      {"concordat.hub.v1.TypesAdopted", 1},
      {"concordat.identity.v1.IdentifierLinked", 1},
      {"concordat.identity.v1.IdentityReviewOpened", 1},
      {"concordat.identity.v1.PersonRegistered", 6},
      {"concordat.identity.v1.RoleContactSet", 19},
      {"concordat.identity.v1.RolesDefined", 4},
      {"concordat.mappa.v1.CaseOpened", 5},
      {"concordat.mappa.v1.LevelChanged", 6},
      {"concordat.mappa.v1.MeetingHeld", 3},
      {"concordat.mappa.v1.NotificationReceived", 3},
      {"concordat.mappa.v1.ReferralDecided", 3},
      {"concordat.mappa.v1.ReferralSubmitted", 3},
      {"concordat.nhs.v1.AppointmentMissed", 1},
      {"concordat.nhs.v1.EngagementReported", 1},
      {"concordat.nhs.v1.RestrictedPatientStatusChanged", 4},
      {"concordat.nhs.v1.RiskInformationDisclosed", 1},
      {"concordat.nhs.v1.SharingDecided", 1},
      {"concordat.police.v1.AddressChanged", 1},
      {"concordat.police.v1.ChargeRecorded", 2},
      {"concordat.police.v1.ConcernShared", 5},
      {"concordat.police.v1.DomesticIncidentRecorded", 2},
      {"concordat.police.v1.ManagementStarted", 2},
      {"concordat.police.v1.VisitRecorded", 2},
      {"concordat.prison.v1.Released", 1},
      {"concordat.socialwork.v1.AssessmentCompleted", 4},
      {"concordat.socialwork.v1.BreachSubmitted", 1},
      {"concordat.socialwork.v1.ContactRecorded", 8},
      {"concordat.socialwork.v1.FirstContactMade", 3},
      {"concordat.socialwork.v1.ReviewHeld", 1},
      {"concordat.socialwork.v1.UnpaidWorkObservationRaised", 1}};
  return *types;
}

std::vector<json::object> Lines(const std::string& text) {
  std::vector<json::object> objects;
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    objects.push_back(json::parse({line.data(), line.size()}).as_object());
  }
  return objects;
}

std::string Text(const json::object& object, const char* name) {
  return std::string(object.at(name).as_string());
}

uint64_t Number(const json::object& object, const char* name) {
  uint64_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(Text(object, name), &number)) << name;
  return number;
}

// Plays the story in a thread of its own, again and again from the step at
// which a door was away.
class Play {
 public:
  Play(const DataDirectory& data, std::vector<cli::Step> steps)
      : doors_(data, clock_),
        steps_(std::move(steps)),
        thread_([this] { Run(); }) {}
  ~Play() {
    {
      MutexLock lock(mu_);
      given_up_ = true;
    }
    thread_.join();
  }

  size_t done() const {
    MutexLock lock(mu_);
    return done_;
  }
  // True: it has come to its end, or to a failure that no wait mends.
  bool AwaitSteps(size_t done, absl::Duration timeout) {
    MutexLock lock(mu_);
    changed_.WaitFor(mu_, timeout, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return ended_ || done_ >= done;
    });
    return ended_;
  }
  absl::Status result() const {
    MutexLock lock(mu_);
    return result_;
  }
  int interruptions() const {
    MutexLock lock(mu_);
    return interruptions_;
  }

 private:
  static bool DoorWasAway(const absl::Status& status) {
    return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  }

  void Run() {
    cli::StoryPlayer player(doors_, [](absl::string_view) {});
    absl::Status status = absl::UnavailableError("not begun");
    while (DoorWasAway(status)) {
      size_t done = 0;
      {
        MutexLock lock(mu_);
        if (given_up_) break;
        done = done_;
      }
      status = player.Play(steps_, done, [this](size_t count) {
        MutexLock lock(mu_);
        done_ = count;
        changed_.NotifyAll();
        return given_up_ ? absl::CancelledError("given up") : absl::OkStatus();
      });
      if (!DoorWasAway(status)) break;
      std::cout << "  " << status.ToString() << std::endl;
      {
        MutexLock lock(mu_);
        ++interruptions_;
      }
      const auto hub = doors_.As("admin");
      if (hub.ok()) {
        (void)cli::WaitUntilReady(**hub, clock_, absl::Seconds(5));
      }
    }
    MutexLock lock(mu_);
    result_ = status;
    ended_ = true;
    changed_.NotifyAll();
  }

  const SystemSteadyClock clock_;
  cli::HubDoors doors_;
  const std::vector<cli::Step> steps_;
  mutable Mutex mu_;
  CondVar changed_;
  size_t done_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool given_up_ ABSL_GUARDED_BY(mu_) = false;
  int interruptions_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status result_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

class HubKillTest : public ::testing::Test {
 protected:
  HubKillTest() {
    const char* const given = std::getenv("CONCORDAT_SEED");
    if (given == nullptr || !absl::SimpleAtoi(given, &seed_)) {
      seed_ = std::random_device()();
    }
    dice_.seed(seed_);
    std::cout << "seed " << seed_ << "; again: CONCORDAT_SEED=" << seed_
              << " ctest -R fault_hub_kill" << std::endl;
    RecordProperty("seed", std::to_string(seed_));
  }

  // 0 to `most`.
  uint32_t Dice(uint32_t most) {
    return static_cast<uint32_t>(dice_() % (most + 1));
  }

  std::string Run(const std::vector<std::string>& words) {
    auto text = hub_.Run(words);
    EXPECT_THAT(text, IsOk());
    return text.ok() ? *std::move(text) : "";
  }
  std::vector<json::object> Tail(const std::string& profile) {
    return Lines(
        Run({"tail", "--profile", profile, "--from", "earliest", "--json"}));
  }

  void KillUntilPlayed(Play& play) {
    while (true) {
      const size_t steps = play.done() + Dice(kStepsBetweenKillsMax);
      if (play.AwaitSteps(steps, kStepPatience)) return;
      // Somewhere in the next step.
      if (play.AwaitSteps(SIZE_MAX,
                          absl::Milliseconds(Dice(kMsBeforeKillMax)))) {
        return;
      }
      std::set<std::string> killed;
      for (uint32_t i = 0; i <= (Dice(3) == 0 ? 1 : 0); ++i) {
        const auto& programs = HubProcesses::Programs();
        killed.insert(programs[dice_() % programs.size()]);
      }
      for (const std::string& program : killed) hub_.Kill(program);
      kills_ += static_cast<int>(killed.size());
      std::cout << "at step " << play.done() << " killed "
                << absl::StrJoin(killed, ", ") << std::endl;
      if (Dice(1) == 0) {
        play.AwaitSteps(SIZE_MAX, absl::Milliseconds(Dice(kMsAwayMax)));
      }
      std::vector<std::string> order(killed.begin(), killed.end());
      std::shuffle(order.begin(), order.end(), dice_);
      for (const std::string& program : order) hub_.Start(program);
      ASSERT_EQ(hub_.Ended(), std::vector<std::string>());
    }
  }

  void ExpectWholeLog();
  void ExpectAlerts();
  void ExpectEdge();

  uint32_t seed_ = 0;
  std::mt19937 dice_;
  HubProcesses hub_;
  int kills_ = 0;
};

void HubKillTest::ExpectWholeLog() {
  uint64_t last = 0;
  std::map<std::string, int> types;
  std::set<std::pair<std::string, std::string>> ids;
  for (const json::object& event : Tail("admin")) {
    EXPECT_EQ(Number(event, "sequence"), last + 1);
    last = Number(event, "sequence");
    EXPECT_TRUE(ids.emplace(Text(event, "source"), Text(event, "id")).second)
        << Text(event, "id") << " is there twice";
    ++types[Text(event, "type")];
  }
  // How often an edge says how far it is depends on when it was killed.
  types.erase("concordat.hub.v1.FeedReceived");
  EXPECT_EQ(types, TypesOfTheStory());
  const std::map<std::string, size_t> seen_by = {
      {"coordinator", 55}, {"police", 52}, {"nhs", 23}, {"socialwork", 46}};
  for (const auto& [profile, count] : seen_by) {
    std::set<uint64_t> sequences;
    uint64_t before = 0;
    for (const json::object& event : Tail(profile)) {
      EXPECT_GT(Number(event, "sequence"), before) << profile;
      before = Number(event, "sequence");
      sequences.insert(before);
    }
    EXPECT_EQ(sequences.size(), count) << profile;
  }
  EXPECT_EQ(Run({"log", "verify"}).substr(0, 7), "whole: ");
}

void HubKillTest::ExpectAlerts() {
  std::vector<std::string> alerts;
  for (const json::object& alert :
       Lines(Run({"alerts", "--profile", "coordinator", "--json"}))) {
    std::vector<std::string> evidence;
    for (const json::value& each : alert.at("evidence").as_array()) {
      const std::string type = Text(each.as_object(), "type");
      evidence.push_back(type.substr(type.rfind('.') + 1));
    }
    alerts.push_back(
        absl::StrCat(Text(alert, "rule"), " ", Text(alert, "raisedAt"), " ",
                     Text(alert, "state"), " ", Text(alert, "outcome"), ": ",
                     absl::StrJoin(evidence, ", "), "; ",
                     alert.at("acceptances").as_array().size(), " accepted"));
  }
  EXPECT_EQ(
      alerts,
      (std::vector<std::string>{
          "R07 2025-11-20T21:15:00Z accepted : ConcernShared, "
          "RiskInformationDisclosed, ConcernShared; 2 accepted",
          "R07 2025-11-21T23:35:00Z accepted : DomesticIncidentRecorded, "
          "ConcernShared, UnpaidWorkObservationRaised, "
          "DomesticIncidentRecorded; 1 accepted",
          "R01 2025-11-22T02:05:00Z accepted : ChargeRecorded; 1 accepted",
          "R13 2025-11-24T17:25:00Z closed returned: "
          "RestrictedPatientStatusChanged; 2 accepted",
          "R17 2025-11-27T11:20:00Z closed breach report sent: "
          "ContactRecorded, EngagementReported, ContactRecorded; 1 accepted",
          "R01 2025-12-05T08:40:00Z raised : BreachSubmitted; 0 accepted"}));
}

void HubKillTest::ExpectEdge() {
  const auto lines = Lines(Run({"rejects", "--profile", "nhs", "--json"}));
  ASSERT_EQ(lines.size(), 1u);
  const json::object& counts = lines[0].at("counts").as_object();
  EXPECT_EQ(Number(counts, "held"), 7u);
  EXPECT_EQ(Number(counts, "published"), 1u);
  EXPECT_EQ(Number(counts, "spooled"), 0u);
  EXPECT_EQ(Number(counts, "toIdentity"), 2u);
  // Nothing is kept of who is no concern of ours, nor of what cannot be read:
  // sent again, because the answer was lost, it counts again.
  EXPECT_GE(Number(counts, "notInCohort"), 21u);
  EXPECT_GE(Number(counts, "refused"), 2u);
}

TEST_F(HubKillTest, TheStoryEndsAsIfNothingHadBeenKilled) {
  for (const std::string& program : HubProcesses::Programs()) {
    hub_.Start(program);
  }
  ASSERT_THAT(hub_.Run({"demo", "status", "--quiet", "--wait", "60s"}), IsOk());
  std::ifstream in(absl::StrCat(std::getenv("CONCORDAT_SOURCE"),
                                "/deploy/demo/story.jsonl"));
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const auto steps = cli::ParseStory(text);
  ASSERT_THAT(steps, IsOk());
  int interruptions = 0;
  {
    Play play(hub_.data(), *steps);
    KillUntilPlayed(play);
    EXPECT_TRUE(play.AwaitSteps(SIZE_MAX, kPatience));
    ASSERT_THAT(play.result(), IsOk());
    interruptions = play.interruptions();
  }
  std::cout << kills_ << " kills, the story interrupted " << interruptions
            << " times" << std::endl;
  RecordProperty("kills", kills_);
  RecordProperty("interruptions", interruptions);
  EXPECT_GE(kills_, kKillsMin);
  // Doors were away, or this would prove little.
  EXPECT_GT(interruptions, 0);
  ASSERT_THAT(hub_.Run({"demo", "status", "--quiet", "--wait", "60s"}), IsOk());
  ExpectWholeLog();
  ExpectAlerts();
  ExpectEdge();
  EXPECT_EQ(hub_.Ended(), std::vector<std::string>());
  hub_.Kill("concordat-bus");
  EXPECT_THAT(hub_.Run({"concordat-log-fsck"}), IsOk());
}

}  // namespace
}  // namespace concordat::testing

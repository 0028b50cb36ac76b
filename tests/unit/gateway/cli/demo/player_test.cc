// Mutants tried, and what caught each:
//   clock not moved before a step     MovesTheClockBeforeEachStep
//   no wait after a step              WaitsAfterEachStepBeforeTheNext
//   progress told before the wait     ASaidDoneStepIsTakenIn
//   random ids                        PlaysAgainWithTheSameIds
//   a done step played again          GoesOnWhereItStopped
//   a missing alert passed over       SaysWhichAlertIsMissing
//   an earlier alert taken for it     SaysWhichAlertIsMissing
//   either outcome of a race is fine  OneOfTwoClientsDecides
//   a lost answer decides a race      ARaceWhoseDoorWentAwayIsPlayedAgain
//   two events of one id pass         SendsTwiceAndKnowsThatItIsOneEvent
//   only the first file is dropped    DropsEachFileOnceTheClockIsThere
//   only the co-ordinator is watched  TellsEachAlertOnce, SaysWhichAlertIsMissing
//   a text about another alert passes SaysWhoWasNotToldOfTheAlert
//   alerts of before told as news     TellsWhatIsNewWhenTimePasses
//   an escalation is no news          TellsWhatIsNewWhenTimePasses
#include "gateway/cli/demo/player.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/base/mutex.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Answers as a hub would and writes down what it was asked.
class FakeDoors : public StoryDoors {
 public:
  absl::StatusOr<std::string> Call(absl::string_view profile,
                                   absl::string_view method,
                                   const std::string& json) override {
    MutexLock lock(mu_);
    if (method == "alerts.ListAlerts") {
      if (profile == "coordinator" || profile == "police") return "{}";
      return moved ? alerts : alerts_before;
    }
    if (method == "mappa.GetReferral") {
      return R"({"state":"submitted","version":"7"})";
    }
    calls.push_back(absl::StrCat(profile, " ", method));
    requests.push_back(json);
    if (method == "identity.Register") return R"({"subject":"p-key"})";
    if (method == "mappa.DecideReferral") {
      if (!away.ok()) return std::exchange(away, absl::OkStatus());
      if (decided++ > 0 && !everybody_decides) {
        return absl::AbortedError("it was accepted");
      }
    }
    return "{}";
  }
  absl::StatusOr<bool> Publish(absl::string_view profile,
                               const std::string& event) override {
    moved = true;
    calls.push_back(absl::StrCat(profile, " publishes"));
    const bool before = keeps_ids && std::find(requests.begin(), requests.end(),
                                               event) != requests.end();
    requests.push_back(event);
    return before;
  }
  absl::Status DropFile(const std::string& name,
                        const std::string& bytes) override {
    calls.push_back(absl::StrCat("drops ", name));
    requests.push_back(bytes);
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> SendHl7(const std::string&) override {
    calls.push_back("hl7");
    return hl7_answer;
  }
  absl::StatusOr<std::vector<SentText>> TakeTexts(size_t) override {
    return std::exchange(texts, {});
  }
  absl::Status Settle() override {
    calls.push_back("settle");
    return absl::OkStatus();
  }

  Mutex mu_;
  std::vector<std::string> calls;
  std::vector<std::string> requests;
  std::string alerts_before = "{}";  // The clock was moved.
  std::string alerts = "{}";
  bool moved = false;
  std::vector<SentText> texts;
  std::string hl7_answer = "AA";
  bool everybody_decides = false;
  bool keeps_ids = true;
  absl::Status away;  // What the next decision is answered.
  int decided = 0;
};

Step Register() {
  Step step;
  step.number = "0.2";
  step.at_us = 1'762'135'200'000'000;
  step.by = "socialwork";
  step.person = "P2";
  step.method = "identity.Register";
  step.request = "{}";
  step.registers = true;
  return step;
}

Step Command() {
  Step step = Register();
  step.number = "2.1";
  step.at_us += 60'000'000;
  step.method = "socialwork.CompleteAssessment";
  step.request = R"({"assessment":{"level":"HIGH"}})";
  step.registers = false;
  return step;
}

class PlayerTest : public ::testing::Test {
 protected:
  absl::Status Play(const std::vector<Step>& steps, size_t done = 0) {
    doors_.moved = false;
    StoryPlayer player(doors_, printer_);
    return player.Play(steps, done, [this](size_t count) {
      done_ = count;
      doors_.calls.push_back("done");
      return absl::OkStatus();
    });
  }

  FakeDoors doors_;
  std::string printed_;
  const std::function<void(absl::string_view)> printer_ =
      [this](absl::string_view line) {
        absl::StrAppend(&printed_, line, "\n");
      };
  size_t done_ = 0;
};

TEST_F(PlayerTest, MovesTheClockBeforeEachStep) {
  ASSERT_THAT(Play({Register()}), IsOk());
  EXPECT_THAT(doors_.calls,
              ElementsAre("player publishes", "socialwork identity.Register",
                          "settle", "done"));
  EXPECT_THAT(doors_.requests[0], HasSubstr("\"to\":\"1762135200000000\""));
}

TEST_F(PlayerTest, WaitsAfterEachStepBeforeTheNext) {
  ASSERT_THAT(Play({Register(), Command()}), IsOk());
  EXPECT_EQ(doors_.calls[2], "settle");
  EXPECT_EQ(doors_.calls[4], "player publishes");
  EXPECT_EQ(doors_.calls[5], "socialwork socialwork.CompleteAssessment");
  EXPECT_EQ(done_, 2u);
}

TEST_F(PlayerTest, NamesThePersonByTheKeyThatIdentityGave) {
  ASSERT_THAT(Play({Register(), Command()}), IsOk());
  EXPECT_THAT(doors_.requests[3], HasSubstr("\"subject\":\"p-key\""));
  EXPECT_THAT(doors_.requests[3], HasSubstr("\"level\":\"HIGH\""));
}

TEST_F(PlayerTest, PlaysAgainWithTheSameIds) {
  ASSERT_THAT(Play({Register(), Command()}), IsOk());
  const auto first = doors_.requests;
  doors_.requests.clear();
  ASSERT_THAT(Play({Register(), Command()}), IsOk());
  EXPECT_EQ(doors_.requests, first);
}

TEST_F(PlayerTest, GoesOnWhereItStopped) {
  ASSERT_THAT(Play({Register(), Command(), Command()}, 2), IsOk());
  EXPECT_THAT(doors_.calls,
              ElementsAre("socialwork identity.Register", "player publishes",
                          "socialwork socialwork.CompleteAssessment", "settle",
                          "done"));
  EXPECT_EQ(done_, 3u);
}

TEST_F(PlayerTest, PublishesWhenItHappenedNotWhenItCame) {
  Step step = Command();
  step.method.clear();
  step.type = "concordat.socialwork.v1.ContactRecorded";
  step.data = R"({"mode":"OFFICE"})";
  step.happened_us = step.at_us - 3'600'000'000;
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(doors_.requests.back(),
              HasSubstr("\"time\":\"2025-11-03T01:01:00Z\""));
  EXPECT_THAT(doors_.requests.back(),
              HasSubstr("\"recordedtime\":\"2025-11-03T02:01:00Z\""));
}

TEST_F(PlayerTest, SendsTwiceAndKnowsThatItIsOneEvent) {
  Step step = Command();
  step.method.clear();
  step.type = "concordat.police.v1.ConcernShared";
  step.data = "{}";
  step.twice = true;
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_EQ(doors_.requests.back(), *(doors_.requests.end() - 2));
  doors_.keeps_ids = false;
  EXPECT_THAT(Play({Register(), step}), HasCode(absl::StatusCode::kInternal));
}

TEST_F(PlayerTest, TakesBackWhatAnEarlierStepPublished) {
  Step step = Command();
  step.number = "X.2";
  step.method.clear();
  step.type = "concordat.police.v1.ChargeRecorded";
  step.data = "{}";
  step.retracts = "X.1";
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(doors_.requests.back(), HasSubstr("\"retracts\":\"story-X.1\""));
  EXPECT_THAT(doors_.requests.back(), HasSubstr("\"id\":\"story-X.2\""));
}

TEST_F(PlayerTest, DropsEachFileOnceTheClockIsThere) {
  Step step = Command();
  step.method.clear();
  step.files = {{"orders.csv", "A;B\r\n"}, {"contacts.csv", "C;D\r\n"}};
  ASSERT_THAT(Play({step}), IsOk());
  EXPECT_THAT(doors_.calls,
              ElementsAre("player publishes", "drops orders.csv",
                          "drops contacts.csv", "settle", "done"));
  EXPECT_EQ(doors_.requests.back(), "C;D\r\n");
}

TEST_F(PlayerTest, KeepsWhatAStepSaysOfItsCommand) {
  Step step = Command();
  step.request = R"({"command":{"gateway":"G9"}})";
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(doors_.requests.back(), HasSubstr("\"gateway\":\"G9\""));
  EXPECT_THAT(doors_.requests.back(), HasSubstr("\"requestId\":\"story-2.1\""));
}

TEST_F(PlayerTest, OneOfTwoClientsDecides) {
  Step step = Command();
  step.method = "mappa.DecideReferral";
  step.race = "R-1";
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(printed_, HasSubstr("it was accepted"));
  EXPECT_THAT(doors_.requests[3], HasSubstr("\"expectedVersion\":\"7\""));
  EXPECT_NE(doors_.requests[3], doors_.requests[4]);
  doors_.everybody_decides = true;
  EXPECT_THAT(Play({Register(), step}), HasCode(absl::StatusCode::kInternal));
}

TEST_F(PlayerTest, ARaceWhoseDoorWentAwayIsPlayedAgain) {
  Step step = Command();
  step.method = "mappa.DecideReferral";
  step.race = "R-1";
  doors_.away = absl::UnavailableError("gone");
  EXPECT_THAT(Play({Register(), step}),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(PlayerTest, SaysWhichAnswerWasNotTheStorys) {
  Step step = Command();
  step.method.clear();
  step.hl7 = "MSH";
  step.answer = "AE|AR";
  EXPECT_THAT(Play({Register(), step}), HasCode(absl::StatusCode::kInternal));
  doors_.hl7_answer = "AR";
  EXPECT_THAT(Play({Register(), step}), IsOk());
}

TEST_F(PlayerTest, SaysWhichAlertIsMissing) {
  Step step = Command();
  step.raises_alert = "A4";
  step.raises_rule = "R13";
  step.raises_person = "P2";
  // Of another person.
  doors_.alerts = R"({"alerts":[{"alertRef":"A-1","rule":"R13",
    "subject":"p-other"}]})";
  const absl::Status status = Play({Register(), step});
  // Of this person, and of before.
  doors_.alerts = R"({"alerts":[{"alertRef":"A-2","rule":"R13",
    "subject":"p-key","raisedAt":"2025-11-03T02:00:00Z"}]})";
  EXPECT_THAT(Play({Register(), step}), HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(std::string(status.message()), HasSubstr("A4"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("step 2.1"));
}

TEST_F(PlayerTest, TellsEachAlertOnce) {
  Step step = Command();
  step.raises_alert = "A4";
  step.raises_rule = "R13";
  step.raises_person = "P2";
  doors_.alerts = R"({"alerts":[{"alertRef":"A-1","rule":"R13",
    "subject":"p-key","headline":"Absent",
    "raisedAt":"2025-11-03T02:01:00Z"}]})";
  ASSERT_THAT(Play({Register()}), IsOk());
  printed_.clear();
  ASSERT_THAT(Play({Register(), step, Command()}), IsOk());
  EXPECT_THAT(printed_, HasSubstr("Absent"));
  EXPECT_EQ(printed_.find("A-1"), printed_.rfind("A-1"));
}

TEST_F(PlayerTest, TellsWhatIsNewWhenTimePasses) {
  doors_.alerts_before = R"({"alerts":[{"alertRef":"A-1","headline":"Old"},
    {"alertRef":"A-2","headline":"Waits"}]})";
  doors_.alerts = R"({"alerts":[{"alertRef":"A-1","headline":"Old"},
    {"alertRef":"A-2","headline":"Waits","escalatedAt":"2025-12-06T00:00:00Z"},
    {"alertRef":"A-3","headline":"Came"}]})";
  StoryPlayer player(doors_, printer_);
  ASSERT_THAT(player.AdvanceTo(1'764'979'200'000'000), IsOk());
  EXPECT_THAT(printed_, HasSubstr("Came"));
  EXPECT_THAT(printed_, HasSubstr("escalated"));
  EXPECT_THAT(printed_, ::testing::Not(HasSubstr("Old")));
  // Nor when another story goes on from there.
  printed_.clear();
  ASSERT_THAT(Play({Register()}), IsOk());
  EXPECT_THAT(printed_, HasSubstr("Came"));
  EXPECT_THAT(printed_, ::testing::Not(HasSubstr("Old")));
}

TEST_F(PlayerTest, SaysWhoWasNotToldOfTheAlert) {
  Step step = Command();
  step.raises_alert = "A4";
  step.raises_rule = "R13";
  step.raises_person = "P2";
  step.raises_texts = {"duty@x.invalid"};
  doors_.alerts = R"({"alerts":[{"alertRef":"A-1","rule":"R13",
    "subject":"p-key","raisedAt":"2025-11-03T02:01:00Z"}]})";
  doors_.texts = {{"duty@x.invalid", "You have an alert, reference A-2."},
                  {"senior@x.invalid", "You have an alert, reference A-1."}};
  EXPECT_THAT(Play({Register(), step}), HasCode(absl::StatusCode::kInternal));
  // Once where it must be twice is not enough.
  step.raises_texts = {"duty@x.invalid", "duty@x.invalid"};
  doors_.texts = {{"duty@x.invalid", "You have an alert, reference A-1."}};
  EXPECT_THAT(Play({Register(), step}), HasCode(absl::StatusCode::kInternal));
  printed_.clear();
  doors_.texts = {{"old@x.invalid", "reference A-0.", true},
                  {"duty@x.invalid", "You have an alert, reference A-1."},
                  {"duty@x.invalid", "You have an alert, reference A-1."}};
  EXPECT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(printed_, HasSubstr("text to duty@x.invalid: You have an alert"));
  EXPECT_THAT(printed_, ::testing::Not(HasSubstr("old@x.invalid")));
}

TEST_F(PlayerTest, ActsOnTheAlertOfThatRuleAndPerson) {
  doors_.alerts = R"({"alerts":[
    {"alertRef":"A-1","rule":"R13","subject":"p-other"},
    {"alertRef":"A-2","rule":"R13","subject":"p-key"},
    {"alertRef":"A-3","rule":"R01","subject":"p-key"}]})";
  Step step = Command();
  step.method.clear();
  step.alert = "A4";
  step.rule = "R13";
  step.accept = "looking";
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(doors_.requests.back(), HasSubstr("\"alertRef\":\"A-2\""));
  EXPECT_THAT(doors_.requests.back(), HasSubstr("\"action\":\"looking\""));
  step.accept.clear();
  step.close = "returned";
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(doors_.calls,
              ::testing::Contains("socialwork alerts.CloseAlert"));
  step.close.clear();
  step.show = true;
  ASSERT_THAT(Play({Register(), step}), IsOk());
  EXPECT_THAT(doors_.calls, ::testing::Contains("socialwork alerts.ShowAlert"));
  // Police got none: an alert is found among those of who acts.
  step.by = "police";
  EXPECT_THAT(Play({Register(), step}), HasCode(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace concordat::cli

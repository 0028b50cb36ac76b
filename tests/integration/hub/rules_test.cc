// Rules and the registry, changed on a hub of real programs. Mutants:
//
//   a changed file is in force, or not said to wait RulesNeedTwoPeople
//   agreed to by whoever asked, or without a right  the same
//   agreed to and not in force, or not in the log   the same
//   agreed to and not in force without a restart    AdoptedTheyJudgeFromThereOn
//   adopted they judge what was there before, then
//   or at the next start                            AdoptedTheyJudgeFromThereOn
//   a paper is of the folder's version, or of a
//   candidate that does not say that it is one      APaperIsOfWhatIsInForce
//   a new right of the registry nobody tells of    TheLogTellsOfTheRegistry
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/hub_processes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;
using testing::HubProcesses;
using testing::IsOk;
using ::testing::Not;

constexpr char kAlerts[] = "concordat-alerts";
constexpr absl::Duration kLong = absl::Seconds(60);

class RulesTest : public ::testing::Test {
 protected:
  RulesTest() {
    hub_.Start("concordat-bus");
    hub_.Start(kAlerts);
    Await(kAlerts);
  }
  void Await(const std::string& program) {
    EXPECT_THAT(hub_.data().WaitForAddress(program, "grpc", kLong), IsOk())
        << hub_.LogOf(program);
  }
  void RestartAlerts() {
    EXPECT_EQ(hub_.Stop(kAlerts), 0);
    hub_.Start(kAlerts);
    Await(kAlerts);
  }
  void Mend(const std::string& file, const std::string& from,
            const std::string& to) {
    const std::string path = hub_.data().PathOf(file);
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    ASSERT_THAT(text.str(), HasSubstr(from));
    std::ofstream(path + ".new")
        << absl::StrReplaceAll(text.str(), {{from, to}});
    std::filesystem::rename(path + ".new", path);
  }
  std::string Run(std::vector<std::string> words, const std::string& profile) {
    words.insert(words.end(), {"--profile", profile});
    const auto said = hub_.Run(std::move(words));
    return said.ok() ? *said : std::string(said.status().message());
  }
  // The request's id.
  std::string Ask() {
    const std::string asked =
        Run({"rules", "adopt", "--why", "the board's decision", "--json"},
            "coordinator");
    const std::string approval = Field(asked, "approval");
    EXPECT_FALSE(approval.empty()) << asked;
    return approval;
  }
  // The list of rules, once it has this.
  std::string UntilInForce(const std::string& words) {
    const SystemSteadyClock clock;
    const absl::Duration end = clock.Elapsed() + kLong;
    std::string list;
    do {
      list = Run({"rules", "list"}, "coordinator");
    } while (!absl::StrContains(list, words) && clock.Elapsed() < end);
    EXPECT_THAT(list, HasSubstr(words));
    return list;
  }
  void Publish(const std::string& profile, const std::string& line) {
    const std::string path = files_.PathOf("lines");
    std::ofstream(path) << line << "\n";
    EXPECT_THAT(Run({"publish", "--file", path}, profile),
                HasSubstr("\"sequence\""));
  }
  // An appointment of supervision.
  void Missed(const std::string& id, const std::string& person) {
    Publish(
        "socialwork",
        absl::StrCat(R"({"specversion":"1.0","id":")", id,
                     R"(","type":"concordat.socialwork.v1.ContactRecorded",)",
                     R"("subject":")", person,
                     R"(","time":"2025-11-20T09:30:00Z","data":)",
                     R"({"contactRef":")", id,
                     R"(","mode":"OFFICE","outcome":"MISSED"}})"));
  }
  // Alerts of the rule that changes, as whom it tells reads them.
  int Raised() {
    const std::string alerts = Run({"alerts", "--json"}, "socialwork");
    const std::string rule = R"("rule":"R17")";
    int raised = 0;
    for (size_t at = alerts.find(rule); at != std::string::npos;
         at = alerts.find(rule, at + 1)) {
      ++raised;
    }
    return raised;
  }
  int UntilRaised(int count) {
    const SystemSteadyClock clock;
    const absl::Duration end = clock.Elapsed() + kLong;
    while (Raised() < count && clock.Elapsed() < end) {
    }
    return Raised();
  }
  std::string Log() {
    return Run({"tail", "--from", "earliest", "--timeout", "1s"}, "admin");
  }
  static std::string Field(const std::string& json, const std::string& name) {
    const std::string key = absl::StrCat("\"", name, "\":\"");
    const size_t at = json.find(key);
    if (at == std::string::npos) return "";
    const size_t begin = at + key.size();
    return json.substr(begin, json.find('"', begin) - begin);
  }

  HubProcesses hub_;
  testing::TempDir files_;
};

TEST_F(RulesTest, RulesNeedTwoPeople) {
  EXPECT_THAT(Run({"rules", "list"}, "coordinator"),
              HasSubstr("R17 version 3"));
  EXPECT_THAT(Run({"rules", "adopt", "--why", "none waits"}, "coordinator"),
              HasSubstr("are in force"));
  Mend("rules/r17.textproto", "at_least: 2", "at_least: two");
  EXPECT_THAT(Run({"rules", "adopt", "--why", "it is broken"}, "coordinator"),
              HasSubstr("cannot be used"));
  Mend("rules/r17.textproto", "at_least: two", "at_least: 2");
  Mend("rules/r17.textproto", "version: 3", "version: 4");
  const std::string list = Run({"rules", "list"}, "coordinator");
  EXPECT_THAT(list, HasSubstr("R17 version 3, from"));
  EXPECT_THAT(list, HasSubstr("R17 version 4 in place of R17 version 3"));

  EXPECT_THAT(Run({"rules", "adopt", "--why", "the board's decision"}, "nhs"),
              HasSubstr("may_agree: \"rule\""));
  const std::string approval = Ask();
  EXPECT_THAT(Run({"rules", "adopt", "--approve", approval}, "coordinator"),
              Not(HasSubstr("agreed to by")));
  EXPECT_THAT(Log(), Not(HasSubstr("RulesAdopted")));
  EXPECT_THAT(Run({"rules", "adopt", "--approve", approval}, "service-manager"),
              HasSubstr("agreed to by coordinator and service-manager"));
  const std::string now = UntilInForce("R17 version 4, from");
  EXPECT_THAT(now, Not(HasSubstr("wait for two people")));
  EXPECT_THAT(now, HasSubstr("agreed to by coordinator and service-manager"));
  EXPECT_THAT(Log(), HasSubstr("RulesAdopted"));
  // Also after a restart, on which the folder's word alone is nothing.
  Mend("rules/r17.textproto", "version: 4", "version: 5");
  RestartAlerts();
  EXPECT_THAT(UntilInForce("R17 version 4, from"),
              HasSubstr("R17 version 5 in place of R17 version 4"));
}

TEST_F(RulesTest, APaperIsOfWhatIsInForce) {
  const auto paper = [this](std::vector<std::string> words) {
    words.insert(words.begin(), "documents");
    words.push_back("--json");
    return Run(words, "coordinator");
  };
  EXPECT_THAT(paper({"rule", "R17"}), HasSubstr("nobody in the log"));
  EXPECT_THAT(paper({"rule", "R17", "--candidate"}),
              HasSubstr("R17 version 3 of the folder is in force"));
  Mend("rules/r17.textproto", "version: 3", "version: 4");
  Mend("rules/r17.textproto", "at_least: 2", "at_least: 1");
  const std::string stands = paper({"rule", "R17"});
  EXPECT_THAT(stands, HasSubstr("Rule dossier: R17 version 3"));
  EXPECT_THAT(stands, HasSubstr("The folder holds version 4, which waits"));
  EXPECT_THAT(stands, Not(HasSubstr("CANDIDATE")));
  const std::string waits = paper({"rule", "R17", "--candidate"});
  EXPECT_THAT(waits, HasSubstr("CANDIDATE, NOT IN FORCE. "));
  EXPECT_THAT(waits, HasSubstr("R17 version 4 in place of R17 version 3"));
  EXPECT_THAT(paper({"dpia", "nhs-tayside", "--candidate"}),
              HasSubstr("--candidate is of rule and equality"));
  const std::string approval = Ask();
  EXPECT_THAT(Run({"rules", "adopt", "--approve", approval}, "service-manager"),
              HasSubstr("agreed to by coordinator and service-manager"));
  UntilInForce("R17 version 4, from");
  const std::string adopted = paper({"rule", "R17"});
  EXPECT_THAT(adopted, HasSubstr("Rule dossier: R17 version 4"));
  EXPECT_THAT(adopted, HasSubstr("coordinator and service-manager"));
  // A folder that cannot be read hides nothing of what is in force.
  Mend("rules/r17.textproto", "at_least: 1", "at_least: one");
  const std::string still = paper({"rule", "R17"});
  EXPECT_THAT(still, HasSubstr("Rule dossier: R17 version 4"));
  EXPECT_THAT(still, HasSubstr("the folder's rules cannot be used"));
}

TEST_F(RulesTest, AdoptedTheyJudgeFromThereOn) {
  Publish("player", R"({"specversion":"1.0","id":"t-1",)"
                    R"("type":"concordat.hub.v1.TimePassed",)"
                    R"("time":"2025-11-20T09:00:00Z",)"
                    R"("data":{"to":"1763629200000000"}})");
  Missed("m-1", "p-aaaaaaaaaaaaaaaaaaaaaaaaaa");
  Mend("rules/r17.textproto", "version: 3", "version: 4");
  Mend("rules/r17.textproto", "at_least: 2", "at_least: 1");
  const std::string approval = Ask();
  EXPECT_THAT(Run({"rules", "adopt", "--approve", approval}, "service-manager"),
              HasSubstr("agreed to by coordinator and service-manager"));
  UntilInForce("R17 version 4, from");
  EXPECT_EQ(Raised(), 0);
  Missed("m-2", "p-aaaaaaaaaaaaaaaaaaaaaaaaae");
  EXPECT_EQ(UntilRaised(1), 1);
  // What a rebuild asks for goes before what comes after it.
  RestartAlerts();
  UntilInForce("R17 version 4, from");
  Missed("m-3", "p-aaaaaaaaaaaaaaaaaaaaaaaaai");
  EXPECT_EQ(UntilRaised(2), 2);
}

TEST_F(RulesTest, TheLogTellsOfTheRegistry) {
  EXPECT_THAT(Log(), Not(HasSubstr("RegistryChanged")));
  Mend("registry.textproto", "name: \"nhs\"\n",
       "name: \"nhs\"\n  may_agree: \"restriction\"\n");
  const SystemSteadyClock clock;
  const absl::Duration end = clock.Elapsed() + kLong;
  while (!absl::StrContains(Log(), "RegistryChanged") &&
         clock.Elapsed() < end) {
  }
  EXPECT_THAT(Log(), HasSubstr("RegistryChanged"));
  // Also of what changes while no bus runs.
  EXPECT_EQ(hub_.Stop("concordat-bus"), 0);
  Mend("registry.textproto", "  may_agree: \"restriction\"\n", "");
  hub_.Start("concordat-bus");
  Await("concordat-bus");
  const auto count = [&] {
    const std::string log = Log();
    int found = 0;
    for (size_t at = log.find("RegistryChanged"); at != std::string::npos;
         at = log.find("RegistryChanged", at + 1)) {
      ++found;
    }
    return found;
  };
  const absl::Duration later = clock.Elapsed() + kLong;
  while (count() < 2 && clock.Elapsed() < later) {
  }
  EXPECT_GE(count(), 2);
}

}  // namespace
}  // namespace concordat

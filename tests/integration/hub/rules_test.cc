// Rules and the registry, changed on a hub of real programs. Mutants:
//
//   a changed file is in force with a restart      RulesNeedTwoPeople
//   agreed to by whoever asked, or without a right the same
//   agreed to and not in force, or not in the log  the same
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
};

TEST_F(RulesTest, RulesNeedTwoPeople) {
  EXPECT_THAT(Run({"rules", "list"}, "coordinator"),
              HasSubstr("R17 version 3"));
  EXPECT_THAT(Run({"rules", "adopt", "--why", "none waits"}, "coordinator"),
              HasSubstr("are in force"));
  Mend("rules/r17.textproto", "version: 3", "version: 4");
  RestartAlerts();
  const std::string list = Run({"rules", "list"}, "coordinator");
  EXPECT_THAT(list, HasSubstr("R17 version 3, from"));
  EXPECT_THAT(list, HasSubstr("R17 version 4 in place of R17 version 3"));

  EXPECT_THAT(Run({"rules", "adopt", "--why", "the board's decision"}, "nhs"),
              HasSubstr("may_agree: \"rule\""));
  const std::string asked =
      Run({"rules", "adopt", "--why", "the board's decision", "--json"},
          "coordinator");
  const std::string approval = Field(asked, "approval");
  ASSERT_FALSE(approval.empty()) << asked;
  EXPECT_THAT(Run({"rules", "adopt", "--approve", approval}, "coordinator"),
              Not(HasSubstr("agreed to by")));
  EXPECT_THAT(Run({"rules", "adopt", "--approve", approval}, "service-manager"),
              HasSubstr("agreed to by coordinator and service-manager"));
  EXPECT_THAT(Log(), Not(HasSubstr("RulesAdopted")));
  RestartAlerts();
  const std::string now = Run({"rules", "list"}, "coordinator");
  EXPECT_THAT(now, HasSubstr("R17 version 4, from"));
  EXPECT_THAT(now, Not(HasSubstr("wait for two people")));
  const SystemSteadyClock clock;
  const absl::Duration end = clock.Elapsed() + kLong;
  while (!absl::StrContains(Log(), "RulesAdopted") && clock.Elapsed() < end) {
  }
  EXPECT_THAT(Log(), HasSubstr("RulesAdopted"));
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

// Who knew what when, and its evidence, as a guardian asks for them at the command
// line of a hub of real programs; and checked where there is no hub.
//
// Mutant                                               Caught by
// an alert, or who accepted it, is not told            TellsTheAlertAndWhoAcceptedIt
// what came after the moment is told of it             TellsTheAlertAndWhoAcceptedIt
// a feed's silence is not told                         TellsTheAlertAndWhoAcceptedIt
// the page leaves out what the report has              ThePageHasWhatTheReportHas
// others of the machine may read it                    ThePageHasWhatTheReportHas
// a bundle needs the hub or its folder to be checked   IsCheckedWhereThereIsNoHub
// a bundle that was changed passes, or another's key   IsCheckedWhereThereIsNoHub
// what is wrong with what was asked is not named       WhatIsWrongIsNamed
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/hub_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::StartsWith;

// Made up.
constexpr char kPerson[] = "p-aaaaaaaaaaaaaaaaaaaaaaaaaa";
// On 20 November 2025 the alert is raised at nine and accepted at three.
constexpr char kNineUs[] = "1763629200000000";
constexpr char kThreeUs[] = "1763650800000000";
constexpr char kNoon[] = "2025-11-20T12:00:00Z";
constexpr char kFour[] = "2025-11-20T16:00:00Z";
constexpr char kAccepted[] =
    "accepted by socialwork agency dundee-city-council words visit this "
    "afternoon";
constexpr absl::Duration kLong = absl::Seconds(60);

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class WhoKnewHubTest : public testing::HubFixture {
 protected:
  WhoKnewHubTest() {
    Publish("player",
            absl::StrCat(R"({"specversion":"1.0","id":"t-1",)"
                         R"("type":"concordat.hub.v1.TimePassed",)"
                         R"("time":"2025-11-20T09:00:00Z","data":{"to":")",
                         kNineUs, R"("}})"));
    Missed("m-1");
    Missed("m-2");
    alert_ = Field(UntilSays({"alerts", "--profile", "socialwork", "--json"},
                             R"("rule":"R17")"),
                   "alertRef");
    Publish("player",
            absl::StrCat(R"({"specversion":"1.0","id":"t-2",)"
                         R"("type":"concordat.hub.v1.TimePassed",)"
                         R"("time":"2025-11-20T15:00:00Z","data":{"to":")",
                         kThreeUs, R"("}})"));
    EXPECT_THAT(hub_.Run({"alerts", "accept", alert_, "--action",
                          "visit this afternoon", "--profile", "socialwork"}),
                IsOk());
  }

  void Publish(const std::string& profile, const std::string& line) {
    const std::string path = folder_.PathOf("line");
    std::ofstream(path) << line << "\n";
    Until({"publish", "--file", path, "--profile", profile});
  }
  // An appointment of supervision.
  void Missed(const std::string& id) {
    Publish("socialwork",
            absl::StrCat(R"({"specversion":"1.0","id":")", id,
                         R"(","type":"concordat.socialwork.v1.ContactRecorded")"
                         R"(,"subject":")",
                         kPerson,
                         R"(","time":"2025-11-20T08:30:00Z","data":)"
                         R"({"contactRef":")",
                         id, R"(","mode":"OFFICE","outcome":"MISSED"}})"));
  }
  // What the command prints once it says this.
  std::string UntilSays(const std::vector<std::string>& words,
                        const std::string& what) {
    const SystemSteadyClock clock;
    const absl::Duration end = clock.Elapsed() + kLong;
    std::string said;
    do {
      said = hub_.Run(words).value_or("");
    } while (!absl::StrContains(said, what) && clock.Elapsed() < end);
    EXPECT_THAT(said, HasSubstr(what));
    return said;
  }
  static std::vector<std::string> Ask(std::vector<std::string> more,
                                      const std::string& at = kFour) {
    std::vector<std::string> words = {"who-knew", "--person", kPerson,
                                      "--profile", "guardian-council"};
    if (!at.empty()) words.insert(words.end(), {"--at", at});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::set<std::string> GapsOf(const json::object& report) {
    std::set<std::string> gaps;
    if (!report.contains("couldNotKnow")) return gaps;
    for (const json::value& gap : report.at("couldNotKnow").as_array()) {
      gaps.insert(gap.at("what").as_string().c_str());
    }
    return gaps;
  }
  // As kAccepted, of each step of the one alert there is.
  std::vector<std::string> StepsOf(const json::object& report) const {
    std::vector<std::string> steps;
    if (!report.contains("alerts")) return steps;
    const json::array& alerts = report.at("alerts").as_array();
    EXPECT_EQ(alerts.size(), 1u);
    EXPECT_EQ(alerts[0].at("alertRef").as_string(), alert_);
    EXPECT_EQ(alerts[0].at("rule").as_string(), "R17");
    for (const json::value& value : alerts[0].at("steps").as_array()) {
      const json::object& step = value.as_object();
      std::string words = step.at("step").as_string().c_str();
      for (const char* name : {"by", "agency", "words"}) {
        if (!step.contains(name)) continue;
        absl::StrAppend(&words, " ", name, " ",
                        step.at(name).as_string().c_str());
      }
      steps.push_back(std::move(words));
    }
    return steps;
  }
  // Of a command with no hub and no data directory: all that it says, and how it
  // ends.
  std::pair<std::string, int> Alone(const std::string& words) const {
    const std::string command = absl::StrCat(
        "cd '", folder_.path(), "' && env -u CONCORDAT_DATA '",
        std::getenv("CONCORDAT_BIN"), "/concordat' ", words, " 2>&1");
    std::string said;
    FILE* const output = popen(command.c_str(), "r");
    char piece[512];
    while (std::fgets(piece, sizeof(piece), output) != nullptr) said += piece;
    return {said, WEXITSTATUS(pclose(output))};
  }

  testing::TempDir folder_;
  std::string alert_;
};

TEST_F(WhoKnewHubTest, TellsTheAlertAndWhoAcceptedIt) {
  const json::object report = json::parse(Until(Ask({"--json"}))).as_object();
  EXPECT_EQ(report.at("subject").as_string(), kPerson);
  EXPECT_EQ(report.at("events").as_array().size(), 2u);
  const std::vector<std::string> steps = StepsOf(report);
  EXPECT_THAT(steps, Contains(StartsWith("raised")));
  EXPECT_THAT(steps, Contains(kAccepted));
  EXPECT_THAT(GapsOf(report), Contains("feed silent"));
  // At noon nobody had accepted it.
  const json::object before =
      json::parse(Until(Ask({"--json"}, kNoon))).as_object();
  EXPECT_THAT(StepsOf(before), Contains(StartsWith("raised")));
  EXPECT_THAT(StepsOf(before), Not(Contains(StartsWith("accepted"))));
  EXPECT_THAT(GapsOf(before), Contains("feed silent"));
}

TEST_F(WhoKnewHubTest, ThePageHasWhatTheReportHas) {
  const std::string page = folder_.PathOf("page.html");
  EXPECT_EQ(Until(Ask({"--html", page})), "");
  const std::string text = Until(Ask({}));
  for (const std::string& each : {ReadFile(page), text}) {
    EXPECT_THAT(
        each, AllOf(HasSubstr(alert_), HasSubstr("R17"), HasSubstr("accepted"),
                    HasSubstr("visit this afternoon"),
                    HasSubstr("feed silent: Dundee case files"),
                    HasSubstr("ContactRecorded")));
  }
  EXPECT_THAT(ReadFile(page), AllOf(StartsWith("<!"), HasSubstr("</html>")));
  // It is about a person: for who asked alone.
  EXPECT_EQ(fs::status(page).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(WhoKnewHubTest, IsCheckedWhereThereIsNoHub) {
  const std::string bundle = folder_.PathOf("bundle");
  // The log's tree signs a little later than it accepts.
  Until(Ask({"--bundle", bundle}));
  fs::copy_file(hub_.data().PathOf("keys/log-signing.pub"),
                folder_.PathOf("keys"));
  for (const std::string& program : Services()) {
    EXPECT_EQ(hub_.Stop(program), 0) << program;
  }
  fs::remove_all(hub_.data().path());

  const auto [said, code] = Alone("verify bundle --keys keys");
  EXPECT_EQ(code, 0) << said;
  EXPECT_THAT(said, AllOf(StartsWith("VERIFIED: "), HasSubstr(alert_),
                          HasSubstr("visit this afternoon"),
                          HasSubstr("feed silent: Dundee case files")));
  const auto [report, json_code] =
      Alone("verify bundle --keys keys --json --html shown.html");
  EXPECT_EQ(json_code, 0) << report;
  EXPECT_THAT(StepsOf(json::parse(report).as_object()), Contains(kAccepted));
  // Who signed the facts is proved there, so that page says it.
  EXPECT_THAT(ReadFile(folder_.PathOf("shown.html")),
              AllOf(HasSubstr(alert_), HasSubstr("visit this afternoon"),
                    HasSubstr("signed by socialwork"), HasSubstr("</html>")));

  const std::string bytes = ReadFile(bundle);
  const auto refused = [&](const std::string& changed,
                           const std::string& because) {
    std::ofstream(folder_.PathOf("changed"), std::ios::binary) << changed;
    const auto [words, status] = Alone("verify changed --keys keys");
    EXPECT_EQ(status, 1) << words;
    EXPECT_THAT(words, AllOf(HasSubstr("NOT VERIFIED"), HasSubstr(because)));
  };
  std::string flipped = bytes;
  flipped[bytes.size() / 2] ^= 1;
  refused(flipped, "the signature is of another bundle");
  flipped = bytes;
  flipped[bytes.size() - 9] ^= 1;  // Of the signature.
  refused(flipped, "");
  refused(bytes.substr(0, bytes.size() / 2), "it ends too early");
  refused("", "no first line");

  const auto fails = [&](const std::string& words, int status,
                         const std::string& named) {
    const auto [told, code_of] = Alone(words);
    EXPECT_EQ(code_of, status) << words << ": " << told;
    EXPECT_THAT(told, HasSubstr(named)) << words;
  };
  fails("verify no-such-bundle --keys keys", 1, "cannot read no-such-bundle");
  fails("verify bundle --keys no-such-keys", 1, "cannot read no-such-keys");
  folder_.Write("bad-keys", "# of the log\nnot-a-key\n");
  fails("verify bundle --keys bad-keys", 2, "bad-keys: line 2: neither 64");
  folder_.Write("no-keys", "# of nobody\n");
  fails("verify bundle --keys no-keys", 2, "no-keys: there is no key");
  folder_.Write("others-keys", absl::StrCat(std::string(62, '0'), "07\n"));
  fails("verify bundle --keys others-keys", 1,
        "the key that is given did not sign this bundle");
  fails("verify bundle --keys keys --html no-such-folder/page.html", 1,
        "cannot write no-such-folder/page.html");
  fails("verify --keys keys", 2, "usage: concordat verify FILE");
}

TEST_F(WhoKnewHubTest, WhatIsWrongIsNamed) {
  const auto says = [&](const std::vector<std::string>& words) {
    const auto answer = hub_.Run(words);
    EXPECT_FALSE(answer.ok());
    // Its last line: those of the runs before stand there too.
    std::string said(answer.status().message());
    const size_t at = said.rfind("concordat who-knew: ");
    return at == std::string::npos ? said : said.substr(at);
  };
  EXPECT_THAT(says(Ask({}, "yesterday")),
              HasSubstr("--at: a time like 2025-11-24T17:25:00Z"));
  EXPECT_THAT(says(Ask({}, "2001-01-01T00:00:00Z")),
              HasSubstr("nothing had been accepted by then"));
  EXPECT_THAT(says({"who-knew", "--profile", "guardian-council"}),
              HasSubstr("say --person"));
  EXPECT_THAT(says(Ask({"--html", folder_.PathOf("no-such-folder/page.html")})),
              HasSubstr("cannot write "));
  EXPECT_THAT(says({"who-knew", "--person", "p-nobody", "--profile",
                    "guardian-council"}),
              HasSubstr("not a person key"));
  // Another agency's guardian may not ask of it.
  EXPECT_THAT(
      says({"who-knew", "--person", kPerson, "--profile", "guardian-police"}),
      HasSubstr("nothing of this person"));
}

}  // namespace
}  // namespace concordat

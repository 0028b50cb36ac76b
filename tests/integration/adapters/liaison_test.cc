// The health board's edge among the real programs of the hub: the 33 hospital
// messages of the story, each with what becomes of it, and then the liaison
// officer at work from the command line.
//
//   | bug                                              | test                |
//   | any count, or any message's outcome              | EachOfThe33...      |
//   | a stranger's name or number on disk              | EachOfThe33...      |
//   | AWOL or leave inferred from A21                  | EachOfThe33...      |
//   | h2 or h10 reaches the bus, or another's list     | IdentityReviewsAre..|
//   | another agency, the operator, the co-ordinator   | WhoIsNotTheLiaison..|
//   |   sees or acts                                   |                     |
//   | released with the time of now, or told partners  | ReleasesUnderADeci..|
//   |   which service; decided for nothing             |                     |
//   | killed between act and effect: lost or doubled   | KilledBetweenAct... |
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/demo/settle.h"
#include "gateway/cli/hub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/hub_processes.h"
#include "tests/support/mllp_client.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(60);

// A person of the story as the hospital and the hub know them.
struct Person {
  const char* key;
  const char* chi;
  const char* family;
  const char* given;
  const char* born;
  const char* by;       // Who registers them.
  const char* parties;  // Of their case; empty: none.
};

constexpr Person kPeople[] = {
    {"P1", "1402680015", "Kinnordy", "Alasdair", "1968-02-14", "police",
     R"("police-scotland","nhs-tayside")"},
    {"P2", "0303790016", "Balnamoon", "Torquil", "1979-03-03", "socialwork",
     R"("dundee-city-council","police-scotland","nhs-tayside")"},
    {"P4", "0911870012", "Dunlappie", "Fearchar", "1987-11-09", "nhs",
     R"("nhs-tayside","police-scotland")"},
    {"P5", "1708020004", "Craigowl", "Eilidh", "2002-08-17", "socialwork", ""},
    {"P6", "2511740036", "Pitkerro", "Lachlan", "1974-11-25", "socialwork",
     R"("dundee-city-council","police-scotland","nhs-tayside")"},
};

std::string Msh(const std::string& type, int number, const std::string& time,
                const std::string& processing = "T") {
  return absl::StrCat("MSH|^~\\&|PAS|NHSTAYSIDE|CONCORDAT|EDGE|", time, "||",
                      type, "|DEMO", 1000 + number, "|", processing,
                      "|2.4\r");
}
std::string Pid(const std::string& chi, const std::string& name,
                const std::string& address = "") {
  return absl::StrCat("PID|1||", chi, "^^^NHSSCOT^CHI||", name,
                      "||19600101|M|||", address, "\r");
}
std::string Siu(const std::string& trigger, int number, const std::string& time,
                const std::string& chi, const std::string& name,
                const std::string& service = "ALCTX") {
  return absl::StrCat(Msh("SIU^" + trigger, number, time), "SCH|B-", number,
                      "||||||X\r", Pid(chi, name), "RGS|1\rAIS|1||", service,
                      "^Some service^LOCAL\rNTE|1||MARKERNOTE\r");
}
std::string Adt(const std::string& trigger, int number, const std::string& time,
                const std::string& chi, const std::string& name,
                const std::string& address = "", const std::string& more = "") {
  return absl::StrCat(Msh("ADT^" + trigger, number, time), "EVN|", trigger,
                      "|", time, "\r", Pid(chi, name, address), more,
                      "OBX|1|TX|MARKERCLINICAL\r");
}

// What one message does: its answer, and the count that it adds one to.
struct Row {
  std::string message;
  std::string ack;
  std::string counted;
  std::string words;  // Of the item, when it is held or refused.
};

std::vector<Row> TheMessages() {
  const std::string p6 = kPeople[4].chi, p2 = kPeople[1].chi;
  std::vector<Row> rows = {
      {Siu("S26", 1, "20251110140000", p6, "PITKERRO^LACHLAN", "ORTH"), "AA",
       "held", "appointment not kept"},
      {Adt("A08", 2, "20251111150000", kPeople[0].chi, "KINNORDY^ALASDAIR",
           "19 FLEUCHAR NEUK^^DUNDEE^^DD4 9ZZ"),
       "AA", "toIdentity", ""},
      {Adt("A01", 3, "20251112221500", p6, "PITKERRO^LACHLAN"), "AA", "held",
       "admitted to hospital"},
      {Adt("A11", 4, "20251112222500", p6, "PITKERRO^LACHLAN"), "AA", "held",
       "admission cancelled"},
      {Adt("A01", 5, "20251112222600", p6, "PITKERRO^LACHLAN"), "AA", "held",
       "admitted to hospital"},
      {Adt("A03", 6, "20251113110000", p6, "PITKERRO^LACHLAN"), "AA", "held",
       "discharged from hospital"},
      {Siu("S12", 7, "20251117090000", p2, "BALNAMOON^TORQUIL"), "AA", "held",
       "booked; engagement only: nothing to share yet"},
      {Adt("A21", 8, "20251124130200", kPeople[2].chi, "DUNLAPPIE^FEARCHAR"),
       "AA", "held", "leave started, for you to decide"},
      {Siu("S26", 9, "20251127112000", p2, "BALNAMOON^TORQUIL"), "AA",
       "published", ""},
      {Adt("A40", 10, "20251201100000", p6, "PITKERRO^LACHLAN", "",
           "MRG|LOCAL-6604^^^NHSTAYSIDE^PI\r"),
       "AA", "toIdentity", ""},
      {Siu("S26", 11, "20251203100000", kPeople[3].chi, "CRAIGOWL^EILIDH"),
       "AA", "notInCohort", ""},
  };
  const std::vector<std::string> kinds = {"A01", "A02", "A03", "A04", "A08",
                                          "A11", "A12", "A13", "A22", "A31"};
  for (int i = 12; i <= 31; ++i) {
    const std::string chi = absl::StrCat("11045500", i);
    rows.push_back(
        {i % 2 == 0
             ? Siu(i % 4 == 0 ? "S12" : "S15", i, "20251105090000", chi,
                   "STRANGER^PERSON")
             : Adt(kinds[static_cast<size_t>(i) / 2 % kinds.size()], i,
                   "20251105090000", chi, "STRANGER^PERSON", "1 NOWHERE ROAD"),
         "AA", "notInCohort", ""});
  }
  rows.push_back({Msh("ADT^A01", 32, "20251204120000", "P") +
                      Pid("1203600410", "STRANGER^LIVE"),
                  "AR", "refused", ""});
  rows.push_back({Msh("ADT^A01", 33, "20251204120500") +
                      "EVN|A01|20251204120500\rPID|1||2306710333^^^NHSSCOT^"
                      "CHI||STRANGERC",
                  "AE", "refused", ""});
  return rows;
}

class LiaisonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& program : HubProcesses::Programs()) {
      hub_.Start(program);
    }
    AwaitSettled();
    for (const Person& person : kPeople) Register(person);
    Call("nhs", "identity.ConfirmLink",
         absl::StrCat(R"({"subject":")", KeyOf("P4"),
                      R"(","identifier":{"scheme":"chi","value":"0911870012"},)"
                      R"("reason":"name and date of birth agree"})"));
    Call("nhs", "nhs.DecideSharing",
         absl::StrCat(
             R"({"subject":")", KeyOf("P2"),
             R"(","command":{"time":"2025-11-07T10:00:00Z"},"decision":{)"
             R"("decisionRef":"S-2008","what":"ENGAGEMENT_ONLY",)"
             R"("serviceCode":"ALCOHOL_TREATMENT","until":"2026-11-06"}})"));
    AwaitSettled();
    const auto endpoint =
        hub_.data().WaitForAddress("concordat-adapter", "mllp", kPatience);
    ASSERT_THAT(endpoint, IsOk());
    const std::vector<std::string> parts = absl::StrSplit(*endpoint, ':');
    uint32_t port = 0;
    ASSERT_TRUE(absl::SimpleAtoi(parts.back(), &port));
    sender_ = std::make_unique<MllpClient>(static_cast<uint16_t>(port));
  }

  void Register(const Person& person) {
    const json::object answer = Call(
        person.by, "identity.Register",
        absl::StrCat(R"({"familyName":")", person.family, R"(","givenName":")",
                     person.given, R"(","birthDate":")", person.born,
                     R"(","identifiers":[{"scheme":"chi","value":")",
                     person.chi, R"("}]})"));
    keys_[person.key] = std::string(answer.at("subject").as_string());
    if (*person.parties == '\0') return;
    const std::string parties = person.parties;
    const std::string lead = parties.substr(0, parties.find(','));
    Call("coordinator", "mappa.OpenCase",
         absl::StrCat(R"({"subject":")", KeyOf(person.key),
                      R"(","caseOpened":{"caseRef":"C-)", person.key,
                      R"(","parties":[)", parties, R"(],"lead":)", lead,
                      "}}"));
  }
  const std::string& KeyOf(const std::string& person) {
    return keys_.at(person);
  }

  // Runs a command until its program is there to answer.
  std::string Run(const std::vector<std::string>& words) {
    const absl::Duration until = clock_.Elapsed() + kPatience;
    while (true) {
      auto text = hub_.Run(words);
      if (text.ok()) return *text;
      const bool away = absl::StrContains(text.status().message(), "UNAVAIL") ||
                        absl::StrContains(text.status().message(), "does not");
      if (!away || clock_.Elapsed() > until) {
        ADD_FAILURE() << text.status();
        return "";
      }
      std::this_thread::yield();
    }
  }
  std::string Refusal(const std::vector<std::string>& words) {
    const auto text = hub_.Run(words);
    EXPECT_FALSE(text.ok()) << absl::StrJoin(words, " ") << ": " << *text;
    return text.ok() ? "" : std::string(text.status().message());
  }
  json::object Object(const std::string& text) {
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) {
      ADD_FAILURE() << "no object: " << text;
      return {};
    }
    return value.as_object();
  }
  json::object Call(const std::string& profile, const std::string& method,
                    const std::string& request) {
    return Object(Run({"call", method, request, "--profile", profile}));
  }
  json::object Rejects(const std::string& profile = "nhs") {
    return Object(Run({"rejects", "--profile", profile, "--json"}));
  }
  int Count(const char* name) { return Count(Rejects(), name); }
  static int Count(const json::object& rejects, const char* name) {
    const json::value* counts = rejects.if_contains("counts");
    if (counts == nullptr) return -1;
    const json::value* value = counts->as_object().if_contains(name);
    int number = 0;
    if (value == nullptr ||
        !absl::SimpleAtoi(std::string(value->as_string()), &number)) {
      return value == nullptr ? 0 : -1;
    }
    return number;
  }
  template <typename Done>
  void Await(Done done) {
    const absl::Duration until = clock_.Elapsed() + kPatience;
    while (!done()) {
      ASSERT_LT(clock_.Elapsed(), until);
      std::this_thread::yield();
    }
  }
  // Everything runs, and has taken in the whole log.
  void AwaitSettled() {
    const auto hub = cli::Hub::Open(hub_.data(), "admin");
    ASSERT_THAT(hub, IsOk());
    ASSERT_THAT(cli::WaitUntilReady(**hub, clock_, kPatience), IsOk());
    ASSERT_THAT(cli::WaitUntilSettled(**hub, clock_, kPatience), IsOk());
  }
  std::string Send(const std::string& message) {
    const std::string ack = AckOf(sender_->Ask(message));
    Await([this] { return Count("spooled") == 0; });
    return ack.substr(0, 2);
  }
  // Events of this type in the log, by what the operator sees.
  int InTheLog(const std::string& type) {
    int count = 0;
    for (const absl::string_view line : absl::StrSplit(
             Run({"tail", "--profile", "admin", "--from", "earliest", "--json",
                  "--timeout", "1s"}),
             '\n')) {
      if (absl::StrContains(line, absl::StrCat(".", type, "\""))) ++count;
    }
    return count;
  }
  std::string RefOf(const std::string& words, const std::string& person) {
    const json::object rejects = Rejects();
    for (const json::value& item : rejects.at("items").as_array()) {
      const json::object& fields = item.as_object();
      const json::value* subject = fields.if_contains("subject");
      const json::value* said = fields.if_contains("words");
      if (subject != nullptr && said != nullptr &&
          said->as_string() == words && subject->as_string() == KeyOf(person)) {
        return std::string(fields.at("itemRef").as_string());
      }
    }
    ADD_FAILURE() << "no item: " << words;
    return "";
  }
  bool InDataDirectory(absl::string_view what) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             hub_.data().path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (absl::StrContains(bytes, what)) return true;
    }
    return false;
  }

  const SystemSteadyClock clock_{};
  HubProcesses hub_;
  std::map<std::string, std::string> keys_;
  std::unique_ptr<MllpClient> sender_;
};

TEST_F(LiaisonTest, EachOfThe33MessagesBecomesWhatTheStorySays) {
  std::map<std::string, int> expected;
  for (const Row& row : TheMessages()) {
    EXPECT_EQ(Send(row.message), row.ack) << row.message;
    ++expected[row.counted];
    const json::object rejects = Rejects();
    for (const char* name :
         {"held", "toIdentity", "published", "notInCohort", "refused"}) {
      ASSERT_EQ(Count(rejects, name), expected[name])
          << name << " after " << row.message;
    }
    if (row.words.empty()) continue;
    EXPECT_THAT(Run({"rejects", "--profile", "nhs"}), HasSubstr(row.words));
  }
  EXPECT_EQ(expected["held"], 7);
  EXPECT_EQ(expected["toIdentity"], 2);
  EXPECT_EQ(expected["published"], 1);
  EXPECT_EQ(expected["notInCohort"], 21);
  EXPECT_EQ(expected["refused"], 2);
  std::map<std::string, int> held;
  const json::object rejects = Rejects();
  for (const json::value& item : rejects.at("items").as_array()) {
    const json::value* subject = item.as_object().if_contains("subject");
    if (subject != nullptr) ++held[std::string(subject->as_string())];
  }
  EXPECT_EQ(held[KeyOf("P6")], 5);
  EXPECT_EQ(held[KeyOf("P2")], 1);
  EXPECT_EQ(held[KeyOf("P4")], 1);
  // Leave is nobody's status until a person says so.
  EXPECT_EQ(InTheLog("RestrictedPatientStatusChanged"), 0);
  EXPECT_EQ(InTheLog("AppointmentMissed"), 1);
  EXPECT_EQ(InTheLog("IdentityReviewOpened"), 1);
  for (const absl::string_view never :
       {"CRAIGOWL", "EILIDH", "STRANGER", "11045500", "1203600410",
        "2306710333", "NOWHERE ROAD", "MARKER"}) {
    EXPECT_FALSE(InDataDirectory(never)) << never;
  }
  EXPECT_EQ(hub_.Ended(), std::vector<std::string>());
}

TEST_F(LiaisonTest, WhoIsNotTheLiaisonOfficerIsRefusedAndLearnsNothing) {
  EXPECT_EQ(Send(TheMessages()[7].message), "AA");
  const std::string admin = Run({"rejects", "--profile", "admin"});
  EXPECT_THAT(admin, HasSubstr("held 1,"));
  EXPECT_THAT(admin, HasSubstr("for the liaison officer"));
  EXPECT_THAT(admin, Not(HasSubstr("leave")));
  EXPECT_THAT(admin, Not(HasSubstr("p-")));
  EXPECT_THAT(admin, Not(HasSubstr("H-1")));
  for (const char* profile :
       {"police", "socialwork", "coordinator", "service-manager"}) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"rejects"},
          {"rejects", "look", "H-1"},
          {"rejects", "look", "H-99"},
          {"rejects", "leave", "H-1", "--reason", "NOTHING_TO_SHARE"},
          {"rejects", "leave", "H-99", "--reason", "NOTHING_TO_SHARE"},
          {"rejects", "release", "H-1", "--decision", "S-2008", "--reason",
           "LICENCE_CONDITION"},
          {"rejects", "replay", "H-1", "--reason", "MAPPING_MENDED"}}) {
      std::vector<std::string> as = words;
      // Not their own agency's edge, which would be asked else.
      as.insert(as.end(), {"--edge", "edge-health", "--profile", profile});
      // The same words whether or not there is such an item.
      EXPECT_THAT(Refusal(as), HasSubstr("not for"));
    }
  }
  EXPECT_EQ(Count("held"), 1);
  EXPECT_EQ(InTheLog("KeptItemOpened"), 0);
  EXPECT_EQ(InTheLog("KeptItemLeft"), 0);
}

TEST_F(LiaisonTest, ReleasesUnderADecisionWithTheMessagesOwnTime) {
  EXPECT_EQ(Send(Siu("S26", 1, "20251110140000", "2511740036",
                     "PITKERRO^LACHLAN")),
            "AA");
  EXPECT_EQ(Send(TheMessages()[7].message), "AA");
  const std::string item = RefOf("appointment not kept", "P6");
  const std::string look = Run({"rejects", "look", item, "--profile", "nhs"});
  EXPECT_THAT(look, HasSubstr("PITKERRO^LACHLAN"));
  EXPECT_THAT(look, Not(HasSubstr("MARKER")));
  EXPECT_EQ(InTheLog("KeptItemOpened"), 1);
  const auto release = [&](const std::string& ref,
                           std::vector<std::string> more) {
    std::vector<std::string> words = {"rejects",   "release", ref,
                                      "--profile", "nhs",     "--reason",
                                      "NEEDED_FOR_RISK_MANAGEMENT"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  EXPECT_THAT(Refusal(release(item, {"--decision", "S-2008"})),
              HasSubstr("no sharing decision in force of this person"));
  // Nothing would come of these: no decision is made for them either.
  const std::string leave = RefOf("leave started, for you to decide", "P4");
  EXPECT_THAT(Run({"rejects", "--profile", "nhs"}),
              AllOf(HasSubstr("cannot be released: leave is never told"),
                    HasSubstr("under a decision about ALCOHOL_TREATMENT")));
  EXPECT_THAT(
      Refusal(release(leave, {"--decision", "S-6000", "--service",
                              "ALCOHOL_TREATMENT", "--until", "2026-11-06"})),
      HasSubstr("state the status yourself"));
  EXPECT_THAT(Refusal(release(item, {"--decision", "S-6000", "--service",
                                     "PSYCHOLOGY", "--until", "2026-11-06"})),
              HasSubstr("it is about ALCOHOL_TREATMENT"));
  EXPECT_EQ(InTheLog("SharingDecided"), 1);
  const std::string done = Run(
      release(item, {"--decision", "S-6001", "--service", "ALCOHOL_TREATMENT",
                     "--until", "2026-11-06"}));
  EXPECT_THAT(done, HasSubstr("released"));
  // The same again is the same.
  EXPECT_THAT(Run(release(item, {"--decision", "S-6001", "--service",
                                 "ALCOHOL_TREATMENT", "--until",
                                 "2026-11-06"})),
              HasSubstr("as before"));
  EXPECT_EQ(Count("held"), 1);
  EXPECT_EQ(Count("released"), 1);
  EXPECT_EQ(InTheLog("KeptItemReleased"), 1);
  const std::string nhs = Run({"tail", "--profile", "nhs", "--from", "earliest",
                               "--json", "--timeout", "1s"});
  EXPECT_THAT(nhs, HasSubstr("\"time\":\"2025-11-10T14:00:00Z\""));
  EXPECT_THAT(nhs, HasSubstr("S-6001"));
  EXPECT_THAT(nhs, Not(HasSubstr("KeptItem")));
  Await([this] { return InTheLog("EngagementReported") == 1; });
  const std::string coordinator =
      Run({"tail", "--profile", "coordinator", "--from", "earliest", "--json",
           "--timeout", "1s"});
  EXPECT_THAT(coordinator, HasSubstr("DISENGAGED"));
  EXPECT_THAT(coordinator, Not(HasSubstr("ALCOHOL")));
  EXPECT_THAT(coordinator, Not(HasSubstr("KeptItem")));
}

TEST_F(LiaisonTest, KilledBetweenActAndEffectItHappensOnce) {
  EXPECT_EQ(Send(TheMessages()[0].message), "AA");
  EXPECT_EQ(Send(TheMessages()[7].message), "AA");
  const std::string item = RefOf("appointment not kept", "P6");
  const std::vector<std::string> leave = {
      "rejects",  "leave",            item,     "--profile",      "nhs",
      "--reason", "NOTHING_TO_SHARE", "--note", "broken wrist clinic"};
  hub_.Kill("concordat-bus");
  // Recorded at the edge; the bus does not know of it.
  EXPECT_THAT(Refusal(leave), HasSubstr("not in the log yet"));
  EXPECT_THAT(Run({"rejects", "--profile", "nhs"}), HasSubstr("under way"));
  hub_.Kill("concordat-adapter");
  hub_.Start("concordat-bus");
  hub_.Start("concordat-adapter");
  AwaitSettled();
  EXPECT_THAT(Run(leave), HasSubstr("as before"));
  EXPECT_EQ(InTheLog("KeptItemLeft"), 1);
  EXPECT_EQ(Count("held"), 1);
  EXPECT_EQ(Count("left"), 1);
  // Another wish for it is told what happened.
  EXPECT_THAT(Refusal({"rejects", "leave", item, "--profile", "nhs",
                       "--reason", "ENTERED_IN_ERROR"}),
              HasSubstr("it was left by urn:concordat:nhs-tayside:liaison"));
  EXPECT_THAT(Run({"rejects", "--all", "--profile", "nhs"}),
              HasSubstr("broken wrist clinic"));
  EXPECT_FALSE(InDataDirectory("broken wrist"));
}

TEST_F(LiaisonTest, IdentityReviewsAreForTheAgencyConcerned) {
  EXPECT_EQ(Send(TheMessages()[1].message), "AA");  // h2
  EXPECT_EQ(InTheLog("IdentityReviewOpened"), 0);   // Nothing on the bus.
  EXPECT_EQ(Send(TheMessages()[9].message), "AA");  // h10
  EXPECT_EQ(InTheLog("IdentityReviewOpened"), 1);
  const std::string mine = Run({"person", "reviews", "--profile", "nhs"});
  EXPECT_THAT(mine, HasSubstr("ADDRESS_CANDIDATE"));
  EXPECT_THAT(mine, HasSubstr("MERGED_AT_SOURCE"));
  for (const char* profile : {"police", "socialwork", "coordinator"}) {
    EXPECT_EQ(Run({"person", "reviews", "--profile", profile}), "no reviews\n");
    for (const char* ref : {"IR-1", "IR-99"}) {
      EXPECT_THAT(
          Refusal({"person", "reviews", "look", ref, "--profile", profile}),
          HasSubstr("no such review, or it is not your agency's"));
    }
  }
  EXPECT_THAT(Refusal({"person", "reviews", "--profile", "admin"}),
              HasSubstr("people of an agency"));
  EXPECT_THAT(Run({"person", "reviews", "look", "IR-1", "--profile", "nhs"}),
              HasSubstr("19 FLEUCHAR NEUK, DUNDEE, DD4 9ZZ"));
  EXPECT_THAT(Run({"person", "reviews", "look", "IR-2", "--profile", "nhs"}),
              HasSubstr("LOCAL-6604: nobody's that you know"));
  const auto decide = [](const std::string& ref, const std::string& decision) {
    return std::vector<std::string>{
        "person", "reviews",          "decide",    ref,  "--as", decision,
        "--reason", "RECORDS_COMPARED", "--profile", "nhs"};
  };
  EXPECT_THAT(Refusal(decide("IR-1", "LINK_CUT")),
              HasSubstr("a review of kind ADDRESS_CANDIDATE has no LINK_CUT"));
  EXPECT_THAT(Run(decide("IR-1", "KEPT_APART")), HasSubstr("KEPT_APART"));
  EXPECT_THAT(Run(decide("IR-2", "CONFIRMED")), HasSubstr("CONFIRMED"));
  EXPECT_THAT(Refusal(decide("IR-2", "KEPT_APART")),
              HasSubstr("the review has changed"));
  EXPECT_EQ(InTheLog("IdentityReviewDecided"), 2);
  // The old number finds the person now, and so does the edge.
  EXPECT_THAT(
      Run({"call", "identity.Resolve",
           R"({"identifiers":[{"scheme":"local","value":"LOCAL-6604",)"
           R"("authority":"urn:concordat:nhs-tayside:pas"}]})",
           "--profile", "nhs"}),
      HasSubstr(KeyOf("P6")));
  for (const char* profile : {"police", "coordinator", "socialwork", "nhs"}) {
    const std::string seen =
        Run({"tail", "--profile", profile, "--from", "earliest", "--json",
             "--timeout", "1s"});
    EXPECT_THAT(seen, Not(HasSubstr("FLEUCHAR")));
    EXPECT_THAT(seen, Not(HasSubstr("IdentityReview")));
  }
  EXPECT_FALSE(InDataDirectory("FLEUCHAR"));
}

TEST_F(LiaisonTest, ADoubtedLinkIsCutWhenTwoAgree) {
  const std::vector<std::string> doubt = {
      "person", "reviews", "doubt", "ref:chi:2511740036", "--profile"};
  const auto as = [](std::vector<std::string> words, const char* profile) {
    words.push_back(profile);
    return words;
  };
  EXPECT_THAT(Run(as(doubt, "nhs")), HasSubstr("IR-1 opened"));
  // Who has an interest in the person sees it, others do not.
  EXPECT_THAT(Run({"person", "reviews", "--profile", "socialwork"}),
              HasSubstr("LINK_DOUBTED"));
  EXPECT_THAT(Run({"person", "reviews", "--profile", "police"}),
              HasSubstr("LINK_DOUBTED"));
  const std::vector<std::string> cut = {
      "person",   "reviews",          "decide",   "IR-1", "--as", "LINK_CUT",
      "--reason", "DIFFERENT_PEOPLE", "--profile"};
  EXPECT_THAT(Run(as(cut, "nhs")), HasSubstr("waiting for a second person"));
  std::vector<std::string> again = cut;
  again.insert(again.begin() + 8, {"--note", "still"});
  EXPECT_THAT(Refusal(as(again, "nhs")),
              HasSubstr("when a second person agrees"));
  const std::vector<std::string> resolve = {
      "call", "identity.Resolve",
      R"({"identifiers":[{"scheme":"chi","value":"2511740036"}]})",
      "--profile"};
  EXPECT_THAT(Run(as(resolve, "nhs")), HasSubstr(KeyOf("P6")));
  EXPECT_THAT(Run(as(cut, "socialwork")), HasSubstr("LINK_CUT"));
  EXPECT_THAT(Refusal(as(resolve, "nhs")), HasSubstr("nobody"));
  EXPECT_EQ(InTheLog("LinkCutProposed"), 1);
  EXPECT_EQ(InTheLog("IdentityReviewDecided"), 1);
  // The edge knows it: that number is a stranger's from now on.
  Await([this] {
    EXPECT_EQ(Send(TheMessages()[0].message), "AA");
    return Count("notInCohort") > 0;
  });
}

}  // namespace
}  // namespace concordat::testing

// A council's edge among real processes: bus, identity and the edge. Mutants:
//
//   settled before a dropped file is seen   TakesAFileBeforeItSaysSettled
//   not in the cohort without a case        TakesAFileBeforeItSaysSettled
//   a person's name on the edge's disk      TakesAFileBeforeItSaysSettled
//   the operator cannot redrive, or sees    TheOperatorRedrivesWhatAMendedTableReads
//     more than an envelope
//   who is erased stays at the edge         ForgetsWhoIsErasedAndSaysSo
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "concordat/hub/v1/status.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/rpc/channel.h"
#include "tests/support/hub_processes.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kContacts[] =
    "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;Amended\n"
    "DCC-20055;Craigowl;Eilidh;25/11/2025;10:00;OFF;ATT;JSW114;25/11/2025 "
    "16:12\n"
    "DCC-20055;Craigowl;Eilidh;31/11/2025;10:00;OFF;DNA;JSW114;25/11/2025 "
    "16:13\n"
    "DCC-77777;Stranger;A;25/11/2025;10:00;OFF;DNA;JSW114;25/11/2025 16:13\n"
    "TRAILER;3\n";

class CaseFileHubTest : public ::testing::Test {
 protected:
  void StartHub() {
    for (const char* const program :
         {"concordat-bus", "concordat-identity", "edge-council"}) {
      hub_.Start(program);
      EXPECT_THAT(
          hub_.data().WaitForAddress(program, "grpc", absl::Seconds(30)),
          IsOk())
          << hub_.LogOf(program);
    }
  }
  void Register() {
    EXPECT_THAT(
        hub_.Run({"call", "concordat.identity.v1.IdentityService/Register",
                  "{\"command\":{\"requestId\":\"r-5\"},\"familyName\":"
                  "\"Craigowl\",\"givenName\":\"Eilidh\",\"birthDate\":\"2002-"
                  "08-17\",\"identifiers\":[{\"scheme\":\"council\",\"value\":"
                  "\"DCC-20055\"}]}",
                  "--profile", "socialwork"}),
        IsOk());
  }
  void Drop(const std::string& name, const std::string& text) {
    const std::string folder = hub_.data().PathOf("drop/dundee");
    std::ofstream(absl::StrCat(folder, "/.", name)) << text;
    std::filesystem::rename(absl::StrCat(folder, "/.", name),
                            absl::StrCat(folder, "/", name));
  }
  hub::v1::GetStatusResponse StatusOf(const std::string& program) {
    hub::v1::GetStatusResponse status;
    const auto channel =
        OpenChannel(hub_.data(), program, "admin", absl::Seconds(5));
    EXPECT_THAT(channel, IsOk());
    if (!channel.ok()) return status;
    const auto bytes = GenericCall(
        *channel, "concordat.hub.v1.StatusService/GetStatus", "", {});
    EXPECT_TRUE(bytes.ok() && status.ParseFromString(*bytes)) << bytes.status();
    return status;
  }
  // As the story's player waits: all have come to the log's end, and it stays.
  bool Settle() {
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::seconds(30);
    uint64_t before = 0;
    while (std::chrono::steady_clock::now() < until) {
      const uint64_t end = StatusOf("concordat-bus").position();
      bool behind = false;
      for (const char* const program : {"concordat-identity", "edge-council"}) {
        behind = behind || StatusOf(program).position() < end;
      }
      if (!behind && end == before) return true;
      before = behind ? 0 : end;
      std::this_thread::yield();
    }
    return false;
  }
  // Types and sources of the council's own events.
  std::vector<std::string> Seen() {
    std::vector<std::string> lines;
    const auto text = hub_.Run({"tail", "--from", "earliest", "--timeout", "1s",
                                "--json", "--profile", "socialwork"});
    EXPECT_THAT(text, IsOk());
    if (!text.ok()) return lines;
    for (const absl::string_view line :
         absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
      const json::object event =
          json::parse({line.data(), line.size()}).as_object();
      lines.push_back(absl::StrCat(event.at("type").as_string().c_str(), " ",
                                   event.at("source").as_string().c_str()));
    }
    return lines;
  }
  // What the operator is told; fails the test when it is refused.
  std::string AsOperator(std::vector<std::string> words) {
    words.insert(words.end(), {"--edge", "edge-council", "--profile", "admin"});
    const auto said = hub_.Run(words);
    EXPECT_THAT(said, IsOk());
    return said.ok() ? *said : "";
  }
  void Mend(const std::string& file, const std::string& from,
            const std::string& to) {
    const std::string path = hub_.data().PathOf(file);
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::ofstream(path) << absl::StrReplaceAll(text.str(), {{from, to}});
  }
  // Those of the texts that stand in any file of the data directory.
  std::vector<std::string> OnDisk(const std::vector<std::string>& texts) {
    std::vector<std::string> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(hub_.data().path())) {
      if (!entry.is_regular_file()) continue;
      std::string bytes(entry.file_size(), '\0');
      std::ifstream(entry.path(), std::ios::binary)
          .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      for (const std::string& text : texts) {
        if (absl::StrContains(bytes, text)) found.push_back(text);
      }
    }
    return found;
  }

  HubProcesses hub_;
};

TEST_F(CaseFileHubTest, TakesAFileBeforeItSaysSettled) {
  StartHub();
  Register();
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  Drop("contacts-20251126.csv", kContacts);
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  EXPECT_EQ(Seen(),
            std::vector<std::string>{"concordat.socialwork.v1.ContactRecorded "
                                     "urn:concordat:dundee-city-council:jsw"});
  EXPECT_FALSE(std::filesystem::exists(
      hub_.data().PathOf("drop/dundee/contacts-20251126.csv")));
  EXPECT_EQ(OnDisk({"Stranger", "DCC-77777", "Craigowl", "31/11/2025"}),
            std::vector<std::string>());
  // The others of the night: then the feed is complete, once.
  Drop("orders-20251126.csv",
       "ClientID;Surname;Forename;Order No;Imposed;Order "
       "Type;Requirements;Months;Hours;Level;Amended\n"
       "DCC-20055;Craigowl;Eilidh;CPO-55;24/11/2025;CPO;UPW;;80;1;24/11/2025 "
       "15:00\nTRAILER;1\n");
  Drop("first-contacts-20251126.csv",
       "ClientID;Surname;Forename;Order No;Contact Date;Time;Type;Amended\n"
       "DCC-20055;Craigowl;Eilidh;CPO-55;25/11/2025;10:00;OFF;25/11/2025 "
       "12:00\nTRAILER;1\n");
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  EXPECT_EQ(Seen().size(), 3u);
  const auto log = hub_.Run({"tail", "--from", "earliest", "--timeout", "1s",
                             "--json", "--profile", "admin"});
  ASSERT_THAT(log, IsOk());
  EXPECT_TRUE(absl::StrContains(*log, "concordat.hub.v1.FeedReceived"));
}

TEST_F(CaseFileHubTest, TheOperatorRedrivesWhatAMendedTableReads) {
  StartHub();
  Register();
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  Drop("contacts-20251126.csv",
       "ClientID;Surname;Forename;Contact "
       "Date;Time;Type;Outcome;Worker;Amended\n"
       "DCC-20055;Craigowl;Eilidh;25/11/2025;10:00;OFF;FTA;JSW114;25/11/2025 "
       "16:12\n"
       "DCC-20055;Craigowl;Eilidh;24/11/2025;10:00;OFF;???;JSW114;25/11/2025 "
       "16:12\nTRAILER;2\n");
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  const std::string list = AsOperator({"rejects"});
  EXPECT_THAT(list, AllOf(HasSubstr("R-1 "), HasSubstr("R-2 "),
                          HasSubstr("a row of dundee-contacts")));
  EXPECT_THAT(AsOperator({"rejects", "preview"}),
              Not(HasSubstr("would be taken")));
  Mend("casefile/dundee-contacts-1.textproto", "from: \"DNA\"",
       "from: \"FTA\" to: \"MISSED\" }\n  codes { from: \"DNA\"");
  const std::string preview = AsOperator({"rejects", "preview"});
  EXPECT_THAT(preview, HasSubstr("R-1    would be taken"));
  EXPECT_THAT(preview, HasSubstr("R-2    would be refused still"));
  EXPECT_TRUE(Seen().empty());
  const std::string done =
      AsOperator({"rejects", "replay", "R-1", "--reason", "MAPPING_MENDED"});
  EXPECT_THAT(done, HasSubstr("in the log at"));
  for (const std::string& told : {list, preview, done}) {
    for (const char* const secret :
         {"DCC-", "FTA", "???", "contacts-2025", "line "}) {
      EXPECT_THAT(told, Not(HasSubstr(secret)));
    }
  }
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  EXPECT_EQ(Seen(),
            std::vector<std::string>{"concordat.socialwork.v1.ContactRecorded "
                                     "urn:concordat:dundee-city-council:jsw"});
  const auto log = hub_.Run(
      {"tail", "--from", "earliest", "--timeout", "1s", "--profile", "admin"});
  ASSERT_THAT(log, IsOk());
  EXPECT_THAT(*log, HasSubstr("KeptItemReplayed"));
  const auto refused =
      hub_.Run({"rejects", "replay", "R-2", "--reason", "MAPPING_MENDED",
                "--edge", "edge-council", "--profile", "admin"});
  EXPECT_THAT(
      std::string(refused.status().message()),
      AllOf(HasSubstr("its agency can see why"), Not(HasSubstr("???"))));
}

TEST_F(CaseFileHubTest, ForgetsWhoIsErasedAndSaysSo) {
  StartHub();
  Register();
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  Drop("contacts-20251126.csv", kContacts);
  ASSERT_TRUE(Settle()) << hub_.LogOf("edge-council");
  const auto rejects = hub_.Run({"rejects", "--edge", "edge-council",
                                 "--profile", "socialwork", "--json"});
  ASSERT_THAT(rejects, IsOk());
  ASSERT_THAT(*rejects, HasSubstr("DCC-20055"));
  const auto text = hub_.Run({"tail", "--from", "earliest", "--timeout", "1s",
                              "--json", "--profile", "socialwork"});
  ASSERT_THAT(text, IsOk());
  const std::string subject = json::parse(text->substr(0, text->find('\n')))
                                  .as_object()
                                  .at("subject")
                                  .as_string()
                                  .c_str();
  std::vector<std::string> words = {"erasure", "of", subject,
                                    "--identity-checked", "--json"};
  const auto looked = hub_.Run(words);
  ASSERT_THAT(looked, IsOk());
  const auto field = [](const std::string& from, const char* name) {
    const json::object object = json::parse(from).as_object();
    return std::string(object.at(name).as_string().c_str());
  };
  words.insert(words.end(), {"--confirm", field(*looked, "count"), "--reason",
                             "PERIOD_ENDED", "--why", "the board's decision"});
  const auto asked = hub_.Run(words);
  ASSERT_THAT(asked, IsOk());
  const std::string approval(json::parse(*asked)
                                 .as_object()
                                 .at("asked")
                                 .as_object()
                                 .at("approval")
                                 .as_string()
                                 .c_str());
  words.insert(words.end(),
               {"--approve", approval, "--profile", "second-operator"});
  ASSERT_THAT(hub_.Run(words), IsOk());
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string list;
  constexpr char kConfirmed[] =
      "  confirmed  urn:concordat:dundee-city-council:jsw";
  do {
    list = hub_.Run({"erasure", "list"}).value_or("");
  } while (!absl::StrContains(list, kConfirmed) &&
           std::chrono::steady_clock::now() < until);
  EXPECT_THAT(list, HasSubstr(kConfirmed));
  const auto left = hub_.Run({"rejects", "--edge", "edge-council", "--profile",
                              "socialwork", "--json"});
  ASSERT_THAT(left, IsOk());
  EXPECT_THAT(*left, Not(HasSubstr("DCC-20055")));
  EXPECT_EQ(OnDisk({"DCC-20055", "Craigowl"}), std::vector<std::string>());
}

}  // namespace
}  // namespace concordat::testing

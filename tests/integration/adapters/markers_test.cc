// A mark in every field that is not in an edge's inventory, and a look for it
// wherever the edge writes or speaks: on disk, in logs, in metrics, in answers and
// acknowledgements, in every event of the bus; among real processes.
//
// What is sealed on disk would hide a mark, so what is kept is looked at unsealed
// too, by those of the agency who may: each item, whole.
//
// Mutant                                            Caught by
// a field more is kept of a message                 NothingOutsideTheInventoryIsKeptOrSaid
// a message's text goes to the log on an error      NothingOutsideTheInventoryIsKeptOrSaid
// something of a stranger is kept                   NothingOutsideTheInventoryIsKeptOrSaid
// a column is kept that no mapping names            NothingOutsideTheMappingIsKeptOrSaid
// a reject keeps its whole line                     NothingOutsideTheMappingIsKeptOrSaid
// the inventory lacks a field that is read          TheInventoryIsWhatIsKept
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "adapters/hl7v2/facts.h"
#include "adapters/hl7v2/message.h"
#include "concordat/mappa/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/make_event.h"
#include "tests/support/hub_processes.h"
#include "tests/support/mllp_client.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kMark[] = "ZQMARK";
constexpr absl::Duration kLong = absl::Seconds(30);
constexpr size_t kFields = 45;
constexpr char kChi[] = "0303790016";
constexpr char kStranger[] = "1402680015";
constexpr uint64_t kStoryUs = 1'762'135'200'000'000;

bool IsInInventory(const std::string& segment, size_t number) {
  for (const auto& each : hl7v2::InventoryEntries()) {
    if (each.segment == segment && each.number == number) return true;
  }
  return false;
}

// `values` at their fields, and the mark in every other that is not read.
std::string SegmentOf(const std::string& name,
                      const std::map<size_t, std::string>& values) {
  std::string text = name;
  for (size_t i = 1; i <= kFields; ++i) {
    if (name == "MSH" && i == 1) continue;
    absl::StrAppend(&text, "|");
    const auto value = values.find(i);
    if (value != values.end()) {
      absl::StrAppend(&text, value->second);
    } else if (!IsInInventory(name, i)) {
      absl::StrAppend(&text, kMark, name, i);
    }
  }
  return text + "\r";
}

std::string MessageOf(const std::string& type, const std::string& control,
                      const std::string& chi, const std::string& name) {
  const std::string pid = chi + "^^^NHSSCOT^CHI";
  std::string text = SegmentOf("MSH", {{2, "^~\\&"},
                                       {3, "PAS"},
                                       {4, "NHSTAYSIDE"},
                                       {5, "CONCORDAT"},
                                       {6, "EDGE"},
                                       {7, "20251127112000"},
                                       {9, type},
                                       {10, control},
                                       {11, "T"},
                                       {12, "2.4"}}) +
                     SegmentOf("EVN", {{1, "A08"}, {2, "20251127112000"}}) +
                     SegmentOf("SCH", {{1, "A20017-3"},
                                       {11, "^^^20251127110000^20251127113000"},
                                       {25, "NOSHOW"}}) +
                     SegmentOf("PID", {{3, pid},
                                       {5, name},
                                       {7, "19790303"},
                                       {8, "M"},
                                       {11, "2/1 MAINS LOAN COURT^^DUNDEE"}}) +
                     SegmentOf("PV1", {{2, "O"}}) +
                     SegmentOf("AIS", {{3, "ALCTX^Alcohol treatment^LOCAL"}});
  for (const char* other : {"PD1", "NK1", "PV2", "OBX", "AL1", "DG1", "GT1",
                            "IN1", "NTE", "RGS", "ZMH"}) {
    text += SegmentOf(other, {});
  }
  return text;
}

class MarkersTest : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& programs) {
    for (const std::string& program : programs) {
      hub_.Start(program);
      ASSERT_THAT(hub_.data().WaitForAddress(program, "grpc", kLong), IsOk())
          << hub_.LogOf(program);
      programs_.push_back(program);
    }
  }
  std::string Run(std::vector<std::string> words) {
    const auto said = hub_.Run(std::move(words));
    EXPECT_THAT(said, IsOk());
    return said.ok() ? *said : "";
  }
  // Somebody whom the council registered, with an open case of which the board and
  // the council are parties.
  void Register() {
    const std::string registered = Run(
        {"call", "concordat.identity.v1.IdentityService/Register",
         absl::StrCat("{\"command\":{\"requestId\":\"r-2\"},\"familyName\":"
                      "\"Balnamoon\",\"givenName\":\"Torquil\",\"birthDate\":"
                      "\"1979-03-03\",\"identifiers\":[{\"scheme\":\"chi\","
                      "\"value\":\"",
                      kChi,
                      "\"},{\"scheme\":\"council\",\"value\":\"DCC-20017\"}]}"),
         "--profile", "socialwork"});
    std::smatch found;
    ASSERT_TRUE(
        std::regex_search(registered, found, std::regex("p-[a-z2-7]{26}")))
        << registered;
    const auto subject = PersonKey::Parse(found.str());
    ASSERT_THAT(subject, IsOk());
    const auto types = TypeRegistry::Build(*hub_.data().LoadTypes(),
                                           *hub_.data().LoadCodeLists());
    ASSERT_THAT(types, IsOk());
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-2");
    opened.add_parties("dundee-city-council");
    opened.add_parties("nhs-tayside");
    opened.set_lead("dundee-city-council");
    Header header;
    header.source = "urn:concordat:mappa-tayside:mappa";
    header.controller = "mappa-tayside";
    header.id = "opened-2";
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.stream = "case/C-2";
    header.time_us = kStoryUs;
    header.recorded_us = kStoryUs;
    header.subject = *subject;
    SystemRandom random;
    auto event = MakeEvent(**types, std::move(header), opened, random);
    ASSERT_THAT(event, IsOk());
    const auto client = ConnectBus(hub_.data(), "service-mappa");
    ASSERT_THAT(client, IsOk());
    std::vector<Event> set;
    set.push_back(*std::move(event));
    const auto outcomes = PublishAndWait(**client, std::move(set), kLong);
    ASSERT_THAT(outcomes, IsOk());
    ASSERT_TRUE((*outcomes)[0].accepted) << (*outcomes)[0].detail;
  }
  // Asks until `text` is in the answer.
  std::string Await(const std::vector<std::string>& words,
                    const std::string& pattern) {
    const SystemSteadyClock clock;
    const absl::Duration until = clock.Elapsed() + kLong;
    std::string said;
    while (clock.Elapsed() < until) {
      said = Run(words);
      if (std::regex_search(said, std::regex(pattern))) return said;
    }
    ADD_FAILURE() << pattern << " does not come: " << said;
    return said;
  }
  // Everything that a program publishes, sees or says, in one text.
  std::string Events() {
    const auto client = ConnectBus(hub_.data(), "service-alerts");
    EXPECT_THAT(client, IsOk());
    auto subscription = *(*client)->Subscribe({});
    std::string all;
    for (;;) {
      const auto next = subscription->Next(absl::Seconds(1));
      if (!next.ok()) return all;
      absl::StrAppend(&all, next->view.header.type, " ", next->view.header.id,
                      " ", next->view.header.stream, " ", next->view.Data(),
                      "\n");
      subscription->Ack(next->number);
    }
  }
  std::string MetricsOf(const std::string& program) {
    const auto address = hub_.data().ReadAddress(program, "metrics");
    EXPECT_THAT(address, IsOk());
    const std::vector<std::string> parts = absl::StrSplit(*address, ':');
    uint32_t port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(parts.back(), &port));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    const std::string request =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(write(socket, request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    std::string text;
    char bytes[65536];
    for (ssize_t n; (n = read(socket, bytes, sizeof(bytes))) > 0;) {
      text.append(bytes, static_cast<size_t>(n));
    }
    close(socket);
    return text;
  }
  // Files of the data directory and all logs beside it that hold `text`.
  std::vector<std::string> OnDisk(const std::string& text) {
    std::vector<std::string> found;
    const auto whole = std::filesystem::path(hub_.data().path()).parent_path();
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(whole)) {
      if (!entry.is_regular_file()) continue;
      std::string bytes(entry.file_size(), '\0');
      std::ifstream(entry.path(), std::ios::binary)
          .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      if (absl::StrContains(bytes, text)) found.push_back(entry.path());
    }
    return found;
  }
  // Each kept item, whole, as the agency's own people see it.
  std::string Items(const std::string& list,
                    const std::vector<std::string>& as) {
    std::string all;
    std::set<std::string> seen;
    const std::regex reference("\"itemRef\":\"([HR]-[0-9]+)\"");
    for (std::sregex_iterator at(list.begin(), list.end(), reference), end;
         at != end; ++at) {
      const std::string item = (*at)[1].str();
      if (!seen.insert(item).second) continue;
      std::vector<std::string> words = {"rejects", "look", item, "--json"};
      words.insert(words.end(), as.begin(), as.end());
      all += Run(words);
    }
    return all;
  }

  HubProcesses hub_;
  std::vector<std::string> programs_;
};
class Hl7MarkersTest : public MarkersTest {};
class CaseFileMarkersTest : public MarkersTest {};

TEST(InventoryTest, TheInventoryIsWhatIsKept) {
  const std::string text =
      MessageOf("ADT^A08", "M1", kChi, "BALNAMOON^TORQUIL");
  ASSERT_THAT(text, HasSubstr(kMark));
  const auto message = hl7v2::Message::Parse(text);
  ASSERT_THAT(message, IsOk());
  const std::string kept = hl7v2::KeepInventory(*message);
  EXPECT_THAT(kept, Not(HasSubstr(kMark)));
  EXPECT_THAT(kept, HasSubstr("BALNAMOON"));
  // Every field of every segment of the inventory, and no other.
  std::string full;
  std::string last;
  for (const auto& each : hl7v2::InventoryEntries()) {
    if (each.segment == last) continue;
    last = each.segment;
    std::map<size_t, std::string> values;
    for (size_t i = 1; i <= kFields; ++i) {
      values[i] = absl::StrCat("V", last, "-", i, "V");
    }
    if (last == "MSH") {
      values[2] = "^~\\&";
      values[12] = "2.4";
    }
    full += SegmentOf(last, values);
  }
  const auto whole = hl7v2::Message::Parse(full);
  ASSERT_THAT(whole, IsOk());
  const std::string read = hl7v2::KeepInventory(*whole);
  size_t shown = 0;
  for (size_t at = 0; (at = read.find("-", at)) != std::string::npos; ++at) {
    ++shown;
  }
  // MSH-12 has no mark of that form.
  EXPECT_EQ(shown, hl7v2::InventoryEntries().size() - 1);
}

TEST_F(Hl7MarkersTest, NothingOutsideTheInventoryIsKeptOrSaid) {
  Start({"concordat-bus", "concordat-identity", "concordat-adapter"});
  Register();
  uint32_t port = 0;
  const auto address = hub_.data().ReadAddress("concordat-adapter", "mllp");
  ASSERT_THAT(address, IsOk());
  ASSERT_TRUE(
      absl::SimpleAtoi(address->substr(address->rfind(':') + 1), &port));
  MllpClient engine(static_cast<uint16_t>(port));
  std::string answers;
  const auto send = [&](const std::string& text) {
    const auto answer = engine.Ask(text);
    if (answer.has_value()) answers += *answer;
    return AckOf(answer);
  };
  EXPECT_EQ(send(MessageOf("SIU^S26", "M1", kChi, "BALNAMOON^TORQUIL")),
            "AA M1");
  EXPECT_EQ(send(MessageOf("ADT^A08", "M2", kChi, "BALNAMOON^TORQUIL")),
            "AA M2");
  // A stranger, whose name is a mark too.
  EXPECT_EQ(send(MessageOf("ADT^A08", "M3", kStranger,
                           absl::StrCat(kMark, "STRANGER^X"))),
            "AA M3");
  // What is not understood, and what is broken.
  EXPECT_EQ(send(MessageOf("ORU^R01", "M4", kChi, "BALNAMOON^TORQUIL")),
            "AA M4");
  send(absl::StrCat("MSH|^~\\&|PAS||||||||||", kMark, "\r"));
  send(absl::StrCat(kMark, " is no HL7"));

  const std::vector<std::string> as = {"--profile", "nhs"};
  const std::string list =
      Await({"rejects", "list", "--json", "--all", "--profile", "nhs"},
            "[HR]-[0-9]+");
  const std::string items = Items(list, as);
  // It did keep what it reads, so that there was something to find.
  EXPECT_THAT(items, HasSubstr("BALNAMOON"));
  const std::string operators =
      Run({"rejects", "list", "--json", "--profile", "admin"});
  EXPECT_THAT(operators, Not(HasSubstr("BALNAMOON")));
  for (const std::string& said :
       {list, items, answers, operators, Events(),
        MetricsOf("concordat-adapter"), MetricsOf("concordat-bus")}) {
    EXPECT_THAT(said, Not(HasSubstr(kMark)));
  }
  EXPECT_THAT(OnDisk(kMark), ::testing::IsEmpty());
  EXPECT_THAT(OnDisk(kStranger), ::testing::IsEmpty());
  EXPECT_THAT(OnDisk("BALNAMOON"), ::testing::IsEmpty());
}

TEST_F(CaseFileMarkersTest, NothingOutsideTheMappingIsKeptOrSaid) {
  Start({"concordat-bus", "concordat-identity", "edge-council"});
  Register();
  const std::string folder = hub_.data().PathOf("drop/dundee");
  const std::string good = absl::StrCat("DCC-20017;", kMark, "S;", kMark,
                                        "F;25/11/2025;10:00;OFF;ATT;", kMark,
                                        "W;25/11/2025 16:12;", kMark, "N\n");
  // A date that is none: a reject, which its clerks may see.
  const std::string bad = absl::StrCat("DCC-20017;", kMark, "S;", kMark,
                                       "F;31/11/2025;10:00;OFF;DNA;", kMark,
                                       "W;25/11/2025 16:13;", kMark, "N\n");
  const std::string stranger = absl::StrCat(
      kMark, "-777;", kMark, "S;", kMark, "F;25/11/2025;10:00;OFF;DNA;", kMark,
      "W;25/11/2025 16:13;", kMark, "N\n");
  std::ofstream(folder + "/.contacts")
      << "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;"
         "Amended;Notes\n"
      << good << bad << stranger << "TRAILER;3\n";
  std::filesystem::rename(folder + "/.contacts",
                          folder + "/contacts-20251126.csv");
  const std::vector<std::string> as = {"--edge", "edge-council", "--profile",
                                       "socialwork"};
  std::vector<std::string> words = {"rejects", "list", "--json", "--all"};
  words.insert(words.end(), as.begin(), as.end());
  const std::string list = Await(words, "R-[0-9]+");
  const std::string items = Items(list, as);
  EXPECT_THAT(items, HasSubstr("31/11/2025"));
  const std::string events = Events();
  EXPECT_THAT(events, HasSubstr("concordat.socialwork.v1.ContactRecorded"));
  for (const std::string& said :
       {list, items, events, MetricsOf("edge-council"),
        Run({"rejects", "list", "--json", "--edge", "edge-council", "--profile",
             "admin"})}) {
    EXPECT_THAT(said, Not(HasSubstr(kMark)));
  }
  EXPECT_THAT(OnDisk(kMark), ::testing::IsEmpty());
}

}  // namespace
}  // namespace concordat::testing

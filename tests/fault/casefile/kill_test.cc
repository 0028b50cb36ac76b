// A folder of case files while the edge is killed again and again: in the end
// every row is one event, every amended row one correction, the folder is empty
// and the feed is complete to the last night; and what a clerk did with a reject is
// one fact with one effect. Mutants:
//
//   the file is removed before it is on the disk   loses rows
//   ids from the order in which rows are worked    doubles rows
//   the row is finished before the bus answers     loses rows
//   known rows forgotten by a crash                corrections without a first
//   an act is a fact before it is on the disk      doubles acts
//
// The seed is printed; CONCORDAT_SEED=… makes the same choices again.
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "concordat/hub/v1/status.pb.h"
#include "gtest/gtest.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/channel.h"
#include "tests/support/hub_processes.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

namespace json = boost::json;

constexpr int kNights = 20;
constexpr int kRowsANight = 20;
constexpr int kKills = 25;
constexpr int kActs = 16;
constexpr uint32_t kMsBeforeKillMax = 150;

void Pause(uint32_t ms) {
  Mutex mu;
  CondVar never;
  MutexLock lock(mu);
  never.WaitFor(mu, absl::Milliseconds(ms), [] { return false; });
}

// Rows of a night, and those of the night before amended every third time.
std::string Contacts(int night) {
  std::string text =
      "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;"
      "Amended\n";
  int rows = 0;
  const auto add = [&](int of, int row, const char* outcome) {
    absl::StrAppendFormat(
        &text,
        "DCC-20055;C;E;%02d/11/2025;%02d:%02d;OFF;%s;W;%02d/11/2025 "
        "20:00\n",
        of, 8 + row / 60, row % 60, outcome, night);
    ++rows;
  };
  for (int row = 0; row < kRowsANight; ++row) add(night, row, "DNA");
  for (int row = 0; night > 1 && row < kRowsANight; row += 3) {
    add(night - 1, row, "AUTH");
  }
  return absl::StrCat(text, "TRAILER;", rows, "\n");
}
constexpr int kCorrections = (kNights - 1) * ((kRowsANight + 2) / 3);

// Rows of one night; of each two one cannot be read. More, and the file would not
// be taken.
std::string BadContacts() {
  std::string text =
      "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;"
      "Amended\n";
  for (int row = 0; row < kActs; ++row) {
    absl::StrAppendFormat(
        &text,
        "DCC-20055;C;E;31/11/2025;10:%02d;OFF;DNA;W;03/11/2025 20:00\n"
        "DCC-20055;C;E;03/11/2025;11:%02d;OFF;DNA;W;03/11/2025 20:00\n",
        row, row);
  }
  return absl::StrCat(text, "TRAILER;", 2 * kActs, "\n");
}

class CaseFileKillTest : public ::testing::Test {
 protected:
  CaseFileKillTest() {
    uint32_t seed = std::random_device{}();
    if (const char* given = std::getenv("CONCORDAT_SEED")) {
      EXPECT_TRUE(absl::SimpleAtoi(given, &seed));
    }
    std::cout << "CONCORDAT_SEED=" << seed << "\n";
    random_.seed(seed);
    for (const char* const program : {"concordat-bus", "concordat-identity"}) {
      Start(program);
    }
    EXPECT_THAT(
        hub_.Run({"call", "concordat.identity.v1.IdentityService/Register",
                  "{\"command\":{\"requestId\":\"r-5\"},\"familyName\":"
                  "\"Craigowl\",\"identifiers\":[{\"scheme\":\"council\","
                  "\"value\":\"DCC-20055\"}]}",
                  "--profile", "socialwork"}),
        IsOk());
    Start("edge-council");
  }
  // Started again without waiting: it may be killed before it listens.
  void KillSoon(uint32_t ms_max) {
    Pause(static_cast<uint32_t>(random_() % ms_max));
    hub_.Kill("edge-council");
    hub_.Start("edge-council");
  }
  void Start(const std::string& program) {
    hub_.Start(program);
    EXPECT_THAT(hub_.data().WaitForAddress(program, "grpc", absl::Seconds(60)),
                IsOk())
        << hub_.LogOf(program);
  }
  void Drop(const std::string& name, const std::string& text) {
    const std::string folder = hub_.data().PathOf("drop/dundee");
    std::ofstream(absl::StrCat(folder, "/.", name)) << text;
    std::filesystem::rename(absl::StrCat(folder, "/.", name),
                            absl::StrCat(folder, "/", name));
  }
  bool AwaitDone() {
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::seconds(90);
    while (std::chrono::steady_clock::now() < until) {
      const auto channel =
          OpenChannel(hub_.data(), "edge-council", "admin", absl::Seconds(5));
      if (channel.ok()) {
        const auto bytes = GenericCall(
            *channel, "concordat.hub.v1.StatusService/GetStatus", "", {});
        hub::v1::GetStatusResponse status;
        if (bytes.ok() && status.ParseFromString(*bytes) &&
            status.position() > 0) {
          return true;
        }
      }
      Pause(20);
    }
    return false;
  }

  // How many events of each type there are.
  std::map<std::string, int> CountTypes() {
    std::map<std::string, int> types;
    const auto text = hub_.Run({"tail", "--from", "earliest", "--timeout", "2s",
                                "--json", "--profile", "admin"});
    EXPECT_THAT(text, IsOk());
    for (const absl::string_view line :
         absl::StrSplit(text.value_or(""), '\n', absl::SkipEmpty())) {
      const json::value event = json::parse({line.data(), line.size()});
      ++types[event.at("type").as_string().c_str()];
    }
    return types;
  }

  HubProcesses hub_;
  std::mt19937 random_;
};

TEST_F(CaseFileKillTest, EveryActOfAClerkIsOneFactHoweverOftenTheEdgeIsKilled) {
  Drop("contacts-20251104.csv", BadContacts());
  ASSERT_TRUE(AwaitDone()) << hub_.LogOf("edge-council");
  const auto list = hub_.Run({"rejects", "--profile", "socialwork", "--json"});
  ASSERT_THAT(list, IsOk());
  std::vector<std::string> refs;
  const json::value listed = json::parse(*list);
  for (const json::value& item : listed.at("items").as_array()) {
    refs.push_back(item.at("itemRef").as_string().c_str());
  }
  ASSERT_EQ(refs.size(), static_cast<size_t>(kActs)) << *list;
  for (size_t i = 0; i < refs.size(); ++i) {
    std::vector<std::string> words = {"rejects",
                                      i % 2 == 0 ? "replay" : "leave",
                                      refs[i],
                                      "--reason",
                                      "ENTERED_IN_ERROR",
                                      "--profile",
                                      "socialwork"};
    if (i % 2 == 0) {
      words.insert(words.end(), {"--mend", "Contact Date=03/11/2025"});
    }
    absl::Status acted;
    std::thread clerk([&] {
      // A person who asks again until there is an answer.
      const auto until =
          std::chrono::steady_clock::now() + std::chrono::seconds(60);
      do {
        acted = hub_.Run(words).status();
      } while (!acted.ok() && std::chrono::steady_clock::now() < until);
    });
    KillSoon(kMsBeforeKillMax);
    clerk.join();
    EXPECT_THAT(acted, IsOk()) << hub_.LogOf("edge-council");
  }
  ASSERT_TRUE(AwaitDone()) << hub_.LogOf("edge-council");
  std::map<std::string, int> types = CountTypes();
  EXPECT_EQ(types["concordat.hub.v1.KeptItemReplayed"], kActs / 2);
  EXPECT_EQ(types["concordat.hub.v1.KeptItemLeft"], kActs / 2);
  EXPECT_EQ(types["concordat.socialwork.v1.ContactRecorded"],
            kActs + kActs / 2);
  const auto left = hub_.Run({"rejects", "--profile", "socialwork", "--json"});
  ASSERT_THAT(left, IsOk());
  EXPECT_EQ(json::parse(*left).at("counts").at("refused").as_string(), "0");
}

TEST_F(CaseFileKillTest, EveryRowIsOneEventHoweverOftenTheEdgeIsKilled) {
  int night = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    for (int n = 0; n < 1 && night < kNights; ++n) {
      ++night;
      const std::string day = absl::StrFormat("202511%02d.csv", night + 3);
      Drop(absl::StrCat("contacts-", day), Contacts(night));
      Drop(absl::StrCat("orders-", day),
           "ClientID;Surname;Forename;Order No;Imposed;Order "
           "Type;Requirements;Months;Hours;Level;Amended\nTRAILER;0\n");
      Drop(absl::StrCat("first-contacts-", day),
           "ClientID;Surname;Forename;Order No;Contact "
           "Date;Time;Type;Amended\nTRAILER;0\n");
    }
    KillSoon(kMsBeforeKillMax);
  }
  ASSERT_EQ(night, kNights);
  ASSERT_TRUE(AwaitDone()) << hub_.LogOf("edge-council");

  const auto text = hub_.Run({"tail", "--from", "earliest", "--timeout", "2s",
                              "--json", "--profile", "socialwork"});
  ASSERT_THAT(text, IsOk());
  std::set<std::string> ids;
  int facts = 0;
  int corrections = 0;
  for (const absl::string_view line :
       absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    const json::object event =
        json::parse({line.data(), line.size()}).as_object();
    if (event.at("type").as_string() !=
        "concordat.socialwork.v1.ContactRecorded") {
      continue;
    }
    EXPECT_TRUE(ids.insert(event.at("id").as_string().c_str()).second);
    const json::value* corrects = event.if_contains("corrects");
    if (corrects == nullptr) {
      ++facts;
      continue;
    }
    ++corrections;
    // It stands behind what it corrects.
    EXPECT_EQ(ids.count(corrects->as_string().c_str()), 1u);
  }
  EXPECT_EQ(facts, kNights * kRowsANight);
  EXPECT_EQ(corrections, kCorrections);
  size_t left = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(hub_.data().PathOf("drop/dundee"))) {
    left += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(left, 0u);
}

}  // namespace
}  // namespace concordat::testing

// `concordat publish --spool`, killed again and again with and without a bus:
// what it said is spooled is in the log, once and in order. And `concordat spool`:
// what it says waits or was refused, and that it shows nothing of a payload.
#include <signal.h>

#include <fstream>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "tests/support/bus_process.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr int kRounds = 40;
constexpr int kLines = 300;
constexpr uint32_t kSeed = 20261126;
constexpr absl::Duration kPatience = absl::Seconds(60);

std::string IdOf(int round, int line) {
  return absl::StrCat("r", round, "-", line);
}

class SpoolFaultTest : public ::testing::Test {
 protected:
  std::string WriteLines(int round) {
    const std::string path = folder_.PathOf(absl::StrCat("lines-", round));
    std::ofstream file(path);
    for (int line = 0; line < kLines; ++line) {
      file << LineOf(IdOf(round, line), "INC-1");
    }
    return path;
  }
  static std::string LineOf(const std::string& id,
                            const std::string& incident) {
    return absl::StrCat(
        R"({"specversion":"1.0","id":")", id,
        R"(","type":"concordat.police.v1.ConcernShared",)",
        R"("subject":"p-aaaaaaaaaaaaaaaaaaaaaaaaaa","stream":"rms/1",)",
        R"("time":"2025-11-20T21:15:00Z","data":{"concernType":)",
        R"("SEEN_WITH_CHILD","incidentRef":")", incident, "\"}}\n");
  }
  // Publishes until it is killed after so many answers; what was spooled.
  void Round(int round, int kill_after) {
    Process publish({"concordat", "publish", "--profile", "police", "--data",
                     bus_.data().path(), "--spool", "--timeout", "20ms",
                     "--file", WriteLines(round)},
                    Process::Output::kPiped);
    int line = 0;
    for (std::string text = publish.Line(); !text.empty();
         text = publish.Line()) {
      const std::string id = IdOf(round, line++);
      EXPECT_EQ(text,
                absl::StrCat(R"({"id":")", id, R"(","spooled":true})", "\n"));
      spooled_.push_back(id);
      // What it had said by then is in the pipe.
      if (line == kill_after) publish.Signal(SIGKILL);
    }
    publish.Wait();
  }
  // Police's own events in the log, in order.
  std::vector<std::string> Log() {
    std::vector<std::string> ids;
    const auto client = ConnectBus(bus_.data(), "police");
    EXPECT_THAT(client, IsOk());
    const auto slice = (*client)->ReadStream({"", "rms/1"}, {0}, kPatience);
    EXPECT_THAT(slice, IsOk());
    if (!slice.ok()) return ids;
    for (const View& view : slice->views) ids.push_back(view.header.id);
    return ids;
  }

  // concordat spool, with these words: its status, and the lines it prints.
  std::pair<int, std::vector<std::string>> Spool(
      std::vector<std::string> words) {
    std::vector<std::string> arguments = {"concordat", "spool"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    arguments.insert(arguments.end(), {"--profile", "police", "--data",
                                       bus_.data().path(), "--timeout", "1m"});
    Process process(std::move(arguments), Process::Output::kPiped);
    std::vector<std::string> lines;
    for (std::string line = process.Line(); !line.empty();
         line = process.Line()) {
      lines.push_back(line);
    }
    return {process.Wait(), lines};
  }

  TempDir folder_;
  BusProcess bus_;
  std::vector<std::string> spooled_;
};

TEST_F(SpoolFaultTest, WhatItSaidIsSpooledReachesTheLogOnceAndInOrder) {
  std::mt19937 random(kSeed);
  bool is_up = true;
  for (int round = 0; round < kRounds; ++round) {
    // Up or away; and one that goes while it is sent to.
    const bool shall_be_up = random() % 2 == 0;
    if (shall_be_up && !is_up) bus_.Start();
    if (!shall_be_up && is_up) bus_.Kill();
    is_up = shall_be_up;
    const bool is_killed = random() % 4 != 0;
    Round(round, is_killed ? 1 + static_cast<int>(random() % kLines) : -1);
  }
  if (!is_up) bus_.Start();
  ASSERT_GT(spooled_.size(), kRounds * kLines / 4);
  Process send({"concordat", "spool", "send", "--profile", "police", "--data",
                bus_.data().path()});
  ASSERT_EQ(send.Wait(), 0);
  // Beside these the log may have one a round that was taken, and its answer
  // killed.
  size_t next = 0;
  size_t others = 0;
  for (const std::string& id : Log()) {
    if (next < spooled_.size() && id == spooled_[next]) {
      ++next;
    } else {
      ++others;
    }
  }
  EXPECT_EQ(next, spooled_.size());
  EXPECT_LE(others, kRounds);
  std::printf("%zu spooled, all in the log in order; %zu taken unanswered\n",
              spooled_.size(), others);
}

TEST_F(SpoolFaultTest, SaysWhatWaitsAndWhatWasRefused) {
  const std::string path = folder_.PathOf("lines");
  // The second is another event under the first one's id.
  std::ofstream(path) << LineOf("a", "INC-1") << LineOf("a", "INC-SECRET")
                      << LineOf("b", "INC-3");
  bus_.Kill();
  Process publish({"concordat", "publish", "--profile", "police", "--data",
                   bus_.data().path(), "--spool", "--timeout", "20ms", "--file",
                   path});
  EXPECT_EQ(publish.Wait(), 0);
  auto [status, lines] = Spool({});
  EXPECT_EQ(status, 0);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], StartsWith("waiting 3, "));
  EXPECT_THAT(lines[0], HasSubstr(" bytes, the oldest taken "));
  EXPECT_THAT(lines[0], EndsWith("; refused 0\n"));

  bus_.Start();
  EXPECT_EQ(Spool({"send"}).first, 0);
  std::tie(status, lines) = Spool({"list"});
  EXPECT_EQ(status, 0);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0], "waiting 0, 0 bytes; refused 1\n");
  EXPECT_THAT(lines[1], StartsWith("1 "));
  EXPECT_THAT(lines[1],
              HasSubstr("concordat.police.v1.ConcernShared a, ID_REUSED: "));
  EXPECT_THAT(lines[1], Not(HasSubstr("SECRET")));

  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"retry", "2"},
                                             {"retry", "0"},
                                             {"retry", "one"},
                                             {"retry"},
                                             {"drop", "2"},
                                             {"list", "1"},
                                             {"forget", "1"}}) {
    EXPECT_NE(Spool(words).first, 0) << words.front();
  }
  EXPECT_EQ(Spool({"retry", "1"}).first, 0);
  EXPECT_THAT(Spool({}).second, ElementsAre(AllOf(StartsWith("waiting 1, "),
                                                  EndsWith("; refused 0\n"))));
  EXPECT_EQ(Spool({"send"}).first, 0);
  EXPECT_EQ(Spool({"drop", "1"}).first, 0);
  EXPECT_THAT(Spool({}).second, ElementsAre("waiting 0, 0 bytes; refused 0\n"));
  EXPECT_EQ(Log(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace concordat::testing

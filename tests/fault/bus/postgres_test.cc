// Two concordat-bus processes and three PostgreSQL servers, killed and cut off
// one after the other while a publisher publishes and subscribers follow: what
// was acknowledged is there once, in order and as it was, and each round is over
// when something published after its fault is acknowledged. Twelve rounds; more:
//   CONCORDAT_ROUNDS=100 CONCORDAT_BIN=build/clang/bin \
//     build/clang/tests/fault_bus_postgres
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "concordat/hub/v1/events.pb.h"
#include "gtest/gtest.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/commitments.h"
#include "tests/fault/bus/load_directory.h"
#include "tests/fault/bus/load_event.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

extern char** environ;

namespace concordat::testing {
namespace {

constexpr uint32_t kSeed = 20261127;
constexpr int kRounds = 12;
constexpr absl::Duration kPatience = absl::Minutes(2);
constexpr char kProgram[] = "concordat-bus";

enum Fault {
  kKillWriter,
  kCutOffWriter,
  kKillPrimary,
  kCutOffPrimary,
  kKillStandby,
  kCutOffStandby,
  kFaults
};
constexpr const char* kNames[] = {"writer killed",  "writer cut off",
                                  "primary killed", "primary cut off",
                                  "standby killed", "standby cut off"};

// A concordat-bus on a data directory of its own; the destructor kills it.
class Bus {
 public:
  explicit Bus(const std::string& data) : data_(*DataDirectory::Open(data)) {}
  ~Bus() { Signal(SIGKILL); }

  void Start() {
    data_.ForgetAddresses(kProgram);
    std::string program = FromEnvironment("CONCORDAT_BIN") + "/concordat-bus";
    std::string flag = "--data=" + data_.path();
    char* arguments[] = {program.data(), flag.data(), nullptr};
    ASSERT_EQ(posix_spawn(&pid_, program.c_str(), nullptr, nullptr, arguments,
                          environ),
              0);
    EXPECT_THAT(data_.WaitForAddress(kProgram, "delivery", kPatience), IsOk());
  }
  void Signal(int signal) {
    if (pid_ <= 0) return;
    kill(pid_, signal);
    if (signal == SIGKILL) Wait();
  }
  // Its exit status, once it has ended.
  int Wait() {
    int status = -1;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  // Ended by itself.
  bool HasEnded() {
    int status = 0;
    if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  }
  pid_t pid() const { return pid_; }
  const DataDirectory& data() const { return data_; }

 private:
  const DataDirectory data_;
  pid_t pid_ = -1;
};

struct Receipt {
  uint64_t sequence = 0;
  Digest digest = {};
};

class PostgresFaultTest : public ::testing::Test {
 protected:
  PostgresFaultTest() : database_(servers_.MakeDatabase("concordat")) {
    const std::string first = folder_.PathOf("bus0");
    EXPECT_THAT(MakeLoadDirectory(first, clock_, random_), IsOk());
    std::ofstream(first + "/store.textproto")
        << "postgres: 1\nlease_ms: 1000\n";
    std::ofstream(first + "/keys/postgres.conninfo")
        << servers_.Options(database_).conninfo << "\n";
    std::filesystem::copy(first, folder_.PathOf("bus1"),
                          std::filesystem::copy_options::recursive);
    for (int i = 0; i < 2; ++i) {
      buses_[i] = std::make_unique<Bus>(folder_.PathOf(absl::StrCat("bus", i)));
      Start(i);
    }
  }

  // Starts it, and tells clients, which look in the first one's directory.
  void Start(int bus) {
    buses_[bus]->Start();
    if (bus == 0) return;
    std::string lines;
    for (const char* listener : {"ingest", "delivery"}) {
      const auto address = buses_[1]->data().ReadAddress(kProgram, listener);
      if (address.ok()) absl::StrAppend(&lines, listener, "=", *address, "\n");
    }
    const std::string file =
        buses_[0]->data().PathOf("concordat-bus.elsewhere");
    std::ofstream(file + ".new") << lines;
    std::filesystem::rename(file + ".new", file);
  }

  // Which process has the lease, as the servers say.
  int Writer() {
    const std::string holder = servers_.Ask(
        servers_.primary(), "SELECT holder FROM concordat.lease", database_);
    const std::vector<std::string> words = absl::StrSplit(holder, ' ');
    for (int i = 0; i < 2; ++i) {
      if (words.size() > 1 && words[1] == absl::StrCat(buses_[i]->pid())) {
        return i;
      }
    }
    return -1;
  }

  void Publish(BusClient& bus, const TypeRegistry& types) {
    while (!stop_) PublishOne(bus, types);
  }
  void PublishOne(BusClient& bus, const TypeRegistry& types) {
    uint64_t number = 0;
    {
      MutexLock lock(mu_);
      ASSERT_TRUE(changed_.WaitFor(mu_, kPatience,
                                   [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                     return published_ - answered_ < 100;
                                   }));
      number = ++published_;
    }
    auto event =
        MakeLoadEvent(types, number, ids_.Next(LoadTimeUs(number)), random_);
    ASSERT_THAT(event, IsOk());
    std::vector<Event> set;
    set.push_back(*std::move(event));
    ASSERT_THAT(bus.Publish(std::move(set),
                            [this, number](const auto& outcomes) {
                              Answered(number, outcomes.front());
                            }),
                IsOk());
  }
  void Answered(uint64_t number, const PublishOutcome& outcome) {
    MutexLock lock(mu_);
    ++answered_;
    duplicates_ += outcome.duplicate ? 1 : 0;
    if (outcome.accepted) {
      receipts_[number] = {outcome.sequence.value, outcome.digest};
      newest_ = std::max(newest_, number);
    } else {
      refused_.push_back(absl::StrCat(number, ": ",
                                      bus::v1::Refusal_Name(outcome.refusal),
                                      " ", outcome.detail));
    }
    changed_.NotifyAll();
  }
  // Until something that is published from now on is acknowledged.
  bool AwaitProgress() {
    MutexLock lock(mu_);
    const uint64_t before = published_;
    return changed_.WaitFor(
        mu_, kPatience,
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return newest_ > before; });
  }

  struct Effect {
    uint64_t number = 0;
    uint64_t sequence = 0;
    Digest digest = {};
  };
  static void Follow(Subscription& subscription,
                     const std::atomic<uint64_t>& last,
                     std::vector<Effect>& effects) {
    hub::v1::LoadSample message;
    while (last == 0 || effects.empty() || effects.back().number < last) {
      auto next = subscription.Next(kPatience);
      ASSERT_THAT(next, IsOk()) << "after " << effects.size();
      ASSERT_TRUE(message.ParseFromString(next->view.Data()));
      const auto digest = DigestOfView(next->view);
      ASSERT_THAT(digest, IsOk());
      effects.push_back({message.number(), next->view.sequence.value, *digest});
      subscription.Ack(next->number);
    }
  }

  int AStandby(std::mt19937& dice) {
    const int others = servers_.size() - 1;
    const int picked = static_cast<int>(dice() % static_cast<unsigned>(others));
    return picked < servers_.primary() ? picked : picked + 1;
  }

  // Does it, waits until the bus goes on, says how long that took, and mends it.
  absl::Duration Round(Fault fault, std::mt19937& dice) {
    const SystemSteadyClock steady;
    const int writer = Writer();
    EXPECT_GE(writer, 0);
    if (writer < 0) return absl::ZeroDuration();
    const int primary = servers_.primary();
    const int standby = AStandby(dice);
    const absl::Duration began = steady.Elapsed();
    switch (fault) {
      case kKillWriter:
        buses_[writer]->Signal(SIGKILL);
        break;
      case kCutOffWriter:
        buses_[writer]->Signal(SIGSTOP);
        break;
      case kKillPrimary:
        servers_.Kill(primary);
        servers_.Promote();
        break;
      case kCutOffPrimary:
        servers_.Stop(primary);
        servers_.Promote();
        break;
      case kKillStandby:
        servers_.Kill(standby);
        break;
      case kCutOffStandby:
        servers_.Stop(standby);
        break;
      case kFaults:
        break;
    }
    EXPECT_TRUE(AwaitProgress()) << kNames[fault];
    const absl::Duration took = steady.Elapsed() - began;
    switch (fault) {
      case kKillWriter:
        Start(writer);
        break;
      case kCutOffWriter:
        // It was fenced: it finds out, and ends.
        buses_[writer]->Signal(SIGCONT);
        EXPECT_NE(buses_[writer]->Wait(), 0);
        Start(writer);
        break;
      case kKillPrimary:
        servers_.Rebuild(primary);
        break;
      case kCutOffPrimary:
        // For a moment there are two that take writes, one without standbys.
        servers_.Continue(primary);
        EXPECT_TRUE(AwaitProgress());
        servers_.Rebuild(primary);
        break;
      case kKillStandby:
        servers_.Start(standby);
        break;
      case kCutOffStandby:
        servers_.Continue(standby);
        break;
      case kFaults:
        break;
    }
    servers_.AwaitStandbys(servers_.size() - 1);
    // A bus whose log was out of reach for too long has ended too.
    for (int i = 0; i < 2; ++i) {
      if (buses_[i]->HasEnded()) Start(i);
    }
    EXPECT_TRUE(AwaitProgress());
    return took;
  }

  SystemClock clock_;
  SystemRandom random_;
  UuidV7 ids_{random_};
  TempDir folder_;
  PostgresCluster servers_{3};
  const std::string database_;
  std::array<std::unique_ptr<Bus>, 2> buses_;
  std::atomic<bool> stop_{false};
  Mutex mu_;
  CondVar changed_;
  uint64_t published_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t answered_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t newest_ ABSL_GUARDED_BY(mu_) = 0;  // Acknowledged.
  uint64_t duplicates_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint64_t, Receipt> receipts_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> refused_ ABSL_GUARDED_BY(mu_);
};

// One that follows and never delivers would not be noticed above: clients go on to
// the next address.
TEST_F(PostgresFaultTest, WhoFollowsDelivers) {
  constexpr uint64_t kEvents = 200;
  const int writer = Writer();
  ASSERT_GE(writer, 0);
  const DataDirectory& data = buses_[writer]->data();
  const auto types =
      TypeRegistry::Build(*data.LoadTypes(), *data.LoadCodeLists());
  ASSERT_THAT(types, IsOk());
  // From here on each directory leads to its own bus alone.
  std::filesystem::remove(buses_[0]->data().PathOf("concordat-bus.elsewhere"));
  auto publisher = ConnectBus(data, "publisher");
  auto reader = ConnectBus(buses_[1 - writer]->data(), "reader");
  ASSERT_THAT(publisher, IsOk());
  ASSERT_THAT(reader, IsOk());
  SubscribeOptions options;
  options.types = {"concordat.hub.v1.LoadSample"};
  options.name = "durable";
  auto subscription = *(*reader)->Subscribe(options);
  for (uint64_t i = 0; i < kEvents; ++i) PublishOne(**publisher, **types);
  std::vector<Effect> followed;
  Follow(*subscription, {kEvents}, followed);
  ASSERT_EQ(followed.size(), kEvents);
  EXPECT_EQ(Writer(), writer);
}

TEST_F(PostgresFaultTest, NothingAcknowledgedIsLostOrDoubled) {
  int rounds = kRounds;
  const std::string wanted = FromEnvironment("CONCORDAT_ROUNDS");
  if (!wanted.empty()) ASSERT_TRUE(absl::SimpleAtoi(wanted, &rounds));

  const DataDirectory& data = buses_[0]->data();
  const auto types =
      TypeRegistry::Build(*data.LoadTypes(), *data.LoadCodeLists());
  ASSERT_THAT(types, IsOk());
  auto publisher = ConnectBus(data, "publisher");
  auto reader = ConnectBus(data, "reader");
  ASSERT_THAT(publisher, IsOk());
  ASSERT_THAT(reader, IsOk());
  SubscribeOptions options;
  options.types = {"concordat.hub.v1.LoadSample"};
  options.name = "own";
  options.own_place = true;
  auto own = *(*reader)->Subscribe(options);
  options.name = "durable";
  options.own_place = false;
  auto durable = *(*reader)->Subscribe(options);
  std::atomic<uint64_t> last{0};
  std::vector<Effect> followed[2];
  std::thread follow_own([&] { Follow(*own, last, followed[0]); });
  std::thread follow_durable([&] { Follow(*durable, last, followed[1]); });
  std::thread publish([&] { Publish(**publisher, **types); });

  EXPECT_TRUE(AwaitProgress());
  std::mt19937 dice(kSeed);
  std::vector<absl::Duration> took[kFaults];
  for (int i = 0; i < rounds && !HasFailure(); ++i) {
    // Each kind in turn, and then by the dice.
    const auto fault = static_cast<Fault>(
        i < kFaults ? i : static_cast<int>(dice() % kFaults));
    took[fault].push_back(Round(fault, dice));
  }
  stop_ = true;
  publish.join();
  uint64_t published = 0;
  {
    MutexLock lock(mu_);
    published = published_ + 1;
  }
  last = published;
  PublishOne(**publisher, **types);
  follow_own.join();
  follow_durable.join();

  MutexLock lock(mu_);
  EXPECT_TRUE(changed_.WaitFor(
      mu_, kPatience,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return answered_ == published; }));
  EXPECT_TRUE(refused_.empty()) << refused_.front();
  ASSERT_EQ(receipts_.size(), published);
  for (const std::vector<Effect>& effects : followed) {
    ASSERT_EQ(effects.size(), published);
    uint64_t before = 0;
    for (size_t i = 0; i < effects.size(); ++i) {
      const Receipt& receipt = receipts_[i + 1];
      ASSERT_EQ(effects[i].number, i + 1);
      ASSERT_GT(effects[i].sequence, before);
      ASSERT_EQ(effects[i].sequence, receipt.sequence);
      ASSERT_EQ(effects[i].digest, receipt.digest);
      before = effects[i].sequence;
    }
  }
  std::printf("%d rounds, %llu events, %llu answered as repeats\n", rounds,
              static_cast<unsigned long long>(published),
              static_cast<unsigned long long>(duplicates_));
  for (int fault = 0; fault < kFaults; ++fault) {
    std::vector<absl::Duration>& times = took[fault];
    if (times.empty()) continue;
    std::sort(times.begin(), times.end());
    std::printf(
        "%-16s %3zu times, goes on after %5.2f s (median), %5.2f s "
        "(longest)\n",
        kNames[fault], times.size(),
        absl::ToDoubleSeconds(times[times.size() / 2]),
        absl::ToDoubleSeconds(times.back()));
  }
}

}  // namespace
}  // namespace concordat::testing

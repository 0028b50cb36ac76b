// The real concordat-bus under traffic, backed up by the real command, lost, and
// restored. Backup and restore are killed with SIGKILL again and again and run
// again. What was accepted up to the point is there once; who holds a position
// after it is told FORKED, and who holds one before it goes on.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "tests/fault/bus/load_directory.h"
#include "tests/fault/bus/load_event.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr uint64_t kEventsFirst = 12'000;
constexpr uint64_t kEventsMax = 25'000;  // As long as a backup runs.
constexpr uint64_t kEventsMore = 1'000;
constexpr uint64_t kInFlight = 500;
constexpr int kKills = 6;
constexpr uint32_t kSeed = 20261126;

// Whether `process` has ended, well, before `condition` held.
bool EndsBefore(Process& process, const std::function<bool()>& condition) {
  while (!condition()) {
    if (const std::optional<int> status = process.Ended()) {
      EXPECT_EQ(*status, 0);
      return true;
    }
    std::this_thread::yield();
  }
  return false;
}

uint64_t BytesIn(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    const uint64_t size = it->file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

class RestoreTest : public ::testing::Test {
 protected:
  using Effects = std::vector<std::pair<uint64_t, uint64_t>>;

  RestoreTest() {
    path_ = folder_.PathOf("data");
    EXPECT_THAT(MakeLoadDirectory(path_, clock_, random_), IsOk());
    auto data = DataDirectory::Open(path_);
    EXPECT_THAT(data, IsOk());
    data_ = std::make_unique<DataDirectory>(*std::move(data));
    types_ = *TypeRegistry::Build(*data_->LoadTypes(), *data_->LoadCodeLists());
    StartBus();
  }
  void StartBus() {
    data_->ForgetAddresses("concordat-bus");
    bus_ = std::make_unique<Process>(
        std::vector<std::string>{"concordat-bus", "--data", path_});
    ASSERT_THAT(data_->WaitForAddress("concordat-bus", "grpc", kPatience),
                IsOk());
  }
  std::unique_ptr<ZmqBusClient> Connect(absl::string_view principal) {
    auto client = ConnectBus(*data_, principal);
    EXPECT_THAT(client, IsOk());
    return *std::move(client);
  }

  // Event of this number, always with the same id.
  void Publish(BusClient& bus, uint64_t number) {
    auto event =
        MakeLoadEvent(*types_, number, absl::StrCat("n-", number), random_);
    ASSERT_THAT(event, IsOk());
    {
      MutexLock lock(mu_);
      ASSERT_TRUE(changed_.WaitFor(mu_, kPatience,
                                   [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                     return under_way_ < kInFlight;
                                   }));
      ++under_way_;
    }
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
    --under_way_;
    EXPECT_TRUE(outcome.accepted) << outcome.detail;
    duplicates_ += outcome.duplicate ? 1 : 0;
    accepted_[number] = outcome.sequence.value;
    changed_.NotifyAll();
  }
  void AwaitAnswers() {
    MutexLock lock(mu_);
    ASSERT_TRUE(changed_.WaitFor(
        mu_, kPatience,
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return under_way_ == 0; }));
  }

  static SubscribeOptions Wanted(std::string name, bool own_place = false) {
    SubscribeOptions options;
    options.types = {"concordat.hub.v1.LoadSample"};
    options.name = std::move(name);
    options.own_place = own_place;
    return options;
  }
  // Up to the event of `sequence`.
  static void Follow(Subscription& subscription, uint64_t sequence,
                     Effects& effects, bool again = false) {
    hub::v1::LoadSample message;
    while (effects.empty() || effects.back().second < sequence) {
      auto next = subscription.Next(kPatience);
      ASSERT_THAT(next, IsOk());
      ASSERT_TRUE(message.ParseFromString(next->view.Data()));
      subscription.Ack(next->number);
      const uint64_t now = next->view.sequence.value;
      // Acknowledged, but not stored before the one before this left.
      if (again && now <= effects.back().second) continue;
      effects.emplace_back(message.number(), now);
    }
  }

  std::vector<std::string> BackupCommand() const {
    return {"concordat", "log",   "backup", "--data", path_,
            "--to",      backup_, "--rate", "16"};
  }
  std::vector<std::string> RestoreCommand() const {
    return {"concordat", "log", "restore", "--data", path_, "--from", backup_};
  }
  // Killed when its folder has grown to a size by chance, until it has ended
  // before that so often; then it is run whole.
  void RunAndKill(const std::vector<std::string>& command,
                  const std::string& folder, uint64_t bytes_max) {
    for (int i = 0; i < kKills; ++i) {
      const uint64_t bytes = dice_() % bytes_max;
      Process process(command);
      if (EndsBefore(process, [&] { return BytesIn(folder) >= bytes; })) return;
      process.Kill();
      ++kills_;
    }
    EXPECT_EQ(Process(command).Wait(), 0);
  }

  SystemClock clock_;
  SystemRandom random_;
  std::mt19937 dice_{kSeed};
  int kills_ = 0;
  TempDir folder_;
  std::string path_;
  const std::string backup_ = folder_.PathOf("backup");
  std::unique_ptr<DataDirectory> data_;
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<Process> bus_;
  Mutex mu_;
  CondVar changed_;
  uint64_t under_way_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t duplicates_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint64_t, uint64_t> accepted_ ABSL_GUARDED_BY(mu_);
};

TEST_F(RestoreTest, WhatWasBackedUpIsThereOnceAndTheRestIsSaidToBeLost) {
  auto publisher = Connect("publisher");
  auto reader = Connect("reader");
  auto durable = *reader->Subscribe(Wanted("durable"));
  auto own = *reader->Subscribe(Wanted("own", true));
  // Stops early on, and comes back after the restore.
  Effects early;
  {
    auto slow = *reader->Subscribe(Wanted("slow"));
    for (uint64_t i = 1; i <= kInFlight; ++i) Publish(*publisher, i);
    AwaitAnswers();
    MutexLock lock(mu_);
    const uint64_t sequence = accepted_[100];
    Follow(*slow, sequence, early);
  }

  // Backed up while it is written; the backup is killed and run again.
  std::atomic<bool> backed_up{false};
  std::atomic<uint64_t> published{kInFlight};
  std::thread traffic([&] {
    while (published < (backed_up ? kEventsFirst : kEventsMax)) {
      Publish(*publisher, ++published);
    }
  });
  RunAndKill(BackupCommand(), backup_, 1u << 20);
  RunAndKill(BackupCommand(), backup_, 3u << 20);
  backed_up = true;
  traffic.join();
  const uint64_t first = published;
  for (uint64_t i = 1; i <= kEventsMore; ++i) Publish(*publisher, first + i);
  AwaitAnswers();
  std::map<uint64_t, uint64_t> accepted;
  {
    MutexLock lock(mu_);
    accepted = accepted_;
    EXPECT_EQ(duplicates_, 0u);
  }
  const uint64_t last = accepted[first + kEventsMore];
  Effects seen[2];
  Follow(*durable, last, seen[0]);
  Follow(*own, last, seen[1]);
  EXPECT_EQ(seen[0].size(), first + kEventsMore);

  bus_->Kill();
  // There is a log: nothing is written over it.
  EXPECT_NE(Process(RestoreCommand()).Wait(), 0);
  fs::rename(path_ + "/bus/log", path_ + "/bus/lost");
  RunAndKill(RestoreCommand(), path_ + "/bus/log.restoring", 64u << 20);
  StartBus();

  // Whoever holds a position that is lost is told so: live clients, and a new
  // one under the durable name.
  for (Subscription* each : {durable.get(), own.get()}) {
    absl::StatusOr<Delivery> next = each->Next(kPatience);
    EXPECT_THAT(next, HasCode(absl::StatusCode::kDataLoss));
    EXPECT_THAT(std::string(next.status().message()), HasSubstr("FORKED"));
  }
  const LogEpoch before = own->log_epoch();
  durable.reset();
  own.reset();
  EXPECT_THAT((*reader->Subscribe(Wanted("durable")))->Next(kPatience),
              HasCode(absl::StatusCode::kDataLoss));
  // A model that was built up to the lost end, and asks after a restart.
  SubscribeOptions model = Wanted("model", true);
  model.after = {last};
  model.log_epoch = before;
  EXPECT_THAT((*reader->Subscribe(model))->Next(kPatience),
              HasCode(absl::StatusCode::kDataLoss));

  // The producer sends again what it was told was accepted and is lost; what the
  // log has is known to it.
  for (uint64_t i = 1; i <= first + kEventsMore; ++i) Publish(*publisher, i);
  AwaitAnswers();
  uint64_t kept = 0;
  std::map<uint64_t, uint64_t> again;
  {
    MutexLock lock(mu_);
    kept = duplicates_;
    again = accepted_;
  }
  // What was accepted before the first backup, at least.
  EXPECT_GE(kept, kInFlight);
  EXPECT_LT(kept, first + kEventsMore);
  uint64_t same = 0;
  for (const auto& [number, sequence] : again) {
    same += accepted[number] == sequence ? 1 : 0;
  }
  EXPECT_EQ(same, kept);
  const uint64_t end = again[first + kEventsMore];

  // All of it, once and in order, for who begins anew and for who was early.
  auto slow = *reader->Subscribe(Wanted("slow"));
  Follow(*slow, end, early, true);
  Effects all;
  auto tail = *reader->Subscribe(Wanted(""));
  Follow(*tail, end, all);
  EXPECT_EQ(early, all);
  ASSERT_EQ(all.size(), first + kEventsMore);
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].first, i + 1);
    ASSERT_EQ(all[i].second, again[i + 1]);
  }
  const LogEpoch after = tail->log_epoch();
  EXPECT_EQ(after.log_id, before.log_id);
  EXPECT_GT(after.epoch, before.epoch);
  // The first event of the epoch stands between and says what is lost.
  EXPECT_EQ(again[kept + 1], again[kept] + 2);

  bus_->Kill();
  EXPECT_EQ(Process({"concordat-log-fsck", "--data", path_}).Wait(), 0);
  EXPECT_GE(kills_, kKills);
  std::printf("%d kills, %llu events restored, %llu lost\n", kills_,
              static_cast<unsigned long long>(kept),
              static_cast<unsigned long long>(first + kEventsMore - kept));
}

}  // namespace
}  // namespace concordat::testing

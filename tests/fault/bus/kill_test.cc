// The real concordat-bus, killed a hundred times while a publisher publishes and
// three subscribers follow: what was acknowledged is there once and in order, and
// each effect happens once. One of the three settles singly, fails now and then,
// and keeps the order of each stream.
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
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

constexpr int kKills = 100;
constexpr int kAnswersBetweenKillsMax = 300;
constexpr absl::Duration kPatience = absl::Seconds(30);
// A bus that lives for a few milliseconds may be gone each time before a follower
// hears of it; what it must hear, it hears when the kills are over.
constexpr absl::Duration kPatienceOfFollowers = absl::Minutes(6);
constexpr uint32_t kSeed = 20261121;

// What happened, as the publisher and the subscribers saw it.
struct Journal {
  Mutex mu;
  CondVar changed;
  uint64_t published ABSL_GUARDED_BY(mu) = 0;
  uint64_t answered ABSL_GUARDED_BY(mu) = 0;
  uint64_t duplicates ABSL_GUARDED_BY(mu) = 0;
  std::map<uint64_t, uint64_t> acknowledged
      ABSL_GUARDED_BY(mu);  // To sequence.
  std::vector<std::string> refused ABSL_GUARDED_BY(mu);

  bool AwaitAnswers(uint64_t count) {
    MutexLock lock(mu);
    return changed.WaitFor(mu, kPatience, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return answered >= count;
    });
  }
};

class KillTest : public ::testing::Test {
 protected:
  KillTest() {
    data_ = folder_.PathOf("data");
    EXPECT_THAT(MakeLoadDirectory(data_, clock_, random_), IsOk());
  }

  std::unique_ptr<Process> StartBus() const {
    return std::make_unique<Process>(
        std::vector<std::string>{"concordat-bus", "--data", data_});
  }
  // Publishes one after another until told to stop.
  void Publish(BusClient& bus, const TypeRegistry& types,
               const std::atomic<bool>& stop) {
    while (!stop) PublishOne(bus, types);
  }
  void PublishOne(BusClient& bus, const TypeRegistry& types) {
    uint64_t number = 0;
    {
      MutexLock lock(journal_.mu);
      ASSERT_TRUE(journal_.changed.WaitFor(
          journal_.mu, kPatience, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
            return journal_.published - journal_.answered < 200;
          }));
      number = ++journal_.published;
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
    MutexLock lock(journal_.mu);
    ++journal_.answered;
    journal_.duplicates += outcome.duplicate ? 1 : 0;
    if (outcome.accepted) {
      journal_.acknowledged[number] = outcome.sequence.value;
    } else {
      journal_.refused.push_back(
          absl::StrCat(number, ": ", bus::v1::Refusal_Name(outcome.refusal),
                       " ", outcome.detail));
    }
    journal_.changed.NotifyAll();
  }

  // Follows until the event of number `last` has come; the effects are (number,
  // sequence) pairs.
  static void Follow(Subscription& subscription,
                     const std::atomic<uint64_t>& last,
                     std::vector<std::pair<uint64_t, uint64_t>>& effects) {
    hub::v1::LoadSample message;
    while (last == 0 || effects.empty() || effects.back().first < last) {
      auto next = subscription.Next(kPatienceOfFollowers);
      ASSERT_THAT(next, IsOk()) << "after " << effects.size();
      ASSERT_TRUE(message.ParseFromString(next->view.Data()));
      effects.emplace_back(message.number(), next->view.sequence.value);
      subscription.Ack(next->number);
    }
  }

  // Settles each by itself, fails one in eight the first time, until all up to
  // `last` are done with. Effects as above, in the order that they happened.
  static void FollowSingly(Subscription& subscription,
                           const std::atomic<uint64_t>& last,
                           std::vector<std::pair<uint64_t, uint64_t>>& effects,
                           uint64_t& failures) {
    std::mt19937 dice(kSeed);
    hub::v1::LoadSample message;
    while (last == 0 || effects.size() < last) {
      auto next = subscription.Next(kPatienceOfFollowers);
      ASSERT_THAT(next, IsOk()) << "after " << effects.size();
      ASSERT_TRUE(message.ParseFromString(next->view.Data()));
      if (next->attempt == 1 && dice() % 8 == 0) {
        subscription.Nack(next->number, absl::Milliseconds(20), "the dice");
        ++failures;
        continue;
      }
      effects.emplace_back(message.number(), next->view.sequence.value);
      subscription.Settle(next->number);
    }
  }

  SystemClock clock_;
  SystemRandom random_;
  UuidV7 ids_{random_};
  TempDir folder_;
  std::string data_;
  Journal journal_;
};

TEST_F(KillTest, AcknowledgedEventsAreThereOnceAndInOrderAfterAHundredKills) {
  const auto data = DataDirectory::Open(data_);
  ASSERT_THAT(data, IsOk());
  const auto descriptors = data->LoadTypes();
  ASSERT_THAT(descriptors, IsOk());
  const auto codes = data->LoadCodeLists();
  ASSERT_THAT(codes, IsOk());
  const auto types = TypeRegistry::Build(*descriptors, *codes);
  ASSERT_THAT(types, IsOk());

  auto bus = StartBus();
  ASSERT_THAT(data->WaitForAddress("concordat-bus", "delivery", kPatience),
              IsOk());
  auto publisher = ConnectBus(*data, "publisher");
  auto reader = ConnectBus(*data, "reader");
  ASSERT_THAT(publisher, IsOk());
  ASSERT_THAT(reader, IsOk());
  SubscribeOptions wanted;
  wanted.types = {"concordat.hub.v1.LoadSample"};
  wanted.name = "durable";
  auto durable = *(*reader)->Subscribe(wanted);
  wanted.name = "own";
  wanted.own_place = true;
  auto own = *(*reader)->Subscribe(wanted);
  wanted.name = "singly";
  wanted.own_place = false;
  wanted.settlement = SettlementMode::kSingly;
  auto singly = *(*reader)->Subscribe(wanted);

  std::atomic<bool> stop{false};
  std::atomic<uint64_t> last{0};
  std::vector<std::pair<uint64_t, uint64_t>> effects[2];
  std::thread follow_durable([&] { Follow(*durable, last, effects[0]); });
  std::thread follow_own([&] { Follow(*own, last, effects[1]); });
  std::vector<std::pair<uint64_t, uint64_t>> settled;
  uint64_t failures = 0;
  std::thread follow_singly(
      [&] { FollowSingly(*singly, last, settled, failures); });
  std::thread publish([&] { Publish(**publisher, **types, stop); });

  std::mt19937 dice(kSeed);
  uint64_t answered = 0;
  for (int i = 0; i < kKills; ++i) {
    answered += 1 + dice() % kAnswersBetweenKillsMax;
    EXPECT_TRUE(journal_.AwaitAnswers(answered)) << "kill " << i;
    const int status = bus->Kill();
    // Nobody but us ended it.
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    bus = StartBus();
    MutexLock lock(journal_.mu);
    answered = journal_.answered;
  }
  stop = true;
  publish.join();
  uint64_t published = 0;
  {
    MutexLock lock(journal_.mu);
    published = journal_.published + 1;
  }
  // Named before it is published: who has followed to it looks for no more.
  last = published;
  PublishOne(**publisher, **types);
  EXPECT_TRUE(journal_.AwaitAnswers(published));
  {
    MutexLock lock(journal_.mu);
    EXPECT_TRUE(journal_.refused.empty()) << journal_.refused.front();
    ASSERT_EQ(journal_.acknowledged.size(), published);
  }
  follow_durable.join();
  follow_own.join();
  follow_singly.join();

  MutexLock lock(journal_.mu);
  // Answers were lost, or this would prove nothing.
  EXPECT_GT(journal_.duplicates, 0u);
  for (const auto& seen : effects) {
    ASSERT_EQ(seen.size(), published);
    uint64_t before = 0;
    for (size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].first, i + 1);
      EXPECT_GT(seen[i].second, before);
      EXPECT_EQ(seen[i].second, journal_.acknowledged[i + 1]);
      before = seen[i].second;
    }
  }
  EXPECT_GT(failures, 0u);
  ASSERT_EQ(settled.size(), published);
  std::set<uint64_t> once;
  std::map<uint64_t, uint64_t> last_of_stream;
  for (const auto& [number, sequence] : settled) {
    EXPECT_TRUE(once.insert(number).second) << number;
    EXPECT_EQ(sequence, journal_.acknowledged[number]);
    uint64_t& before_it = last_of_stream[number % 10];
    EXPECT_GT(number, before_it);
    before_it = number;
  }
  RecordProperty("failures", static_cast<int>(failures));
  RecordProperty("events", static_cast<int>(published));
  RecordProperty("duplicates", static_cast<int>(journal_.duplicates));
}

}  // namespace
}  // namespace concordat::testing

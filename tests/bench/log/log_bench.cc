// What the log costs: the core's share of an event, and a whole log with its
// disk thread. Run: build/release/bin/concordat-bench-log
#include <benchmark/benchmark.h>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/bus/log/open_event_log.h"
#include "services/common/base/check.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_random.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

constexpr size_t kPool = 4096;

// Events whose ids and streams change from round to round without being made
// anew, as a publisher's would arrive.
class Pool {
 public:
  Pool() {
    for (size_t i = 0; i < kPool; ++i) {
      TestEvent::Fields fields;
      fields.id = std::string(36, '0');
      fields.stream = std::string(20, 's');
      fields.person = static_cast<uint8_t>(1 + i % 200);
      fields.groups = {std::string(256, 'a'), std::string(256, 'b')};
      events_.push_back(std::make_unique<TestEvent>(std::move(fields)));
      views_.push_back(events_.back()->event());
      ids_.emplace_back();
      streams_.emplace_back();
    }
  }
  bus::NewEvent Next() {
    const size_t at = next_ % kPool;
    ids_[at] = absl::StrFormat("%036u", next_);
    streams_[at] = absl::StrFormat("referral/%011u", next_);
    ++next_;
    views_[at].header.id = ids_[at];
    views_[at].header.stream = streams_[at];
    bus::NewEvent event = events_[at]->New();
    event.event = &views_[at];
    return event;
  }

 private:
  std::vector<std::unique_ptr<TestEvent>> events_;
  std::vector<EventView> views_;
  std::vector<std::string> ids_;
  std::vector<std::string> streams_;
  uint64_t next_ = 0;
};

void WriteKeys(const std::string& data) {
  auto keys = PosixDirectory::Open(absl::StrCat(data, "/", bus::kKeysFolder));
  CONCORDAT_CHECK(keys.ok());
  SystemRandom random;
  CONCORDAT_CHECK(
      bus::WrappingKeys::Create(**keys, bus::kWrappingKeyFile, random).ok());
}

bus::OpenedEventLog OpenIn(const std::string& data, Random& random) {
  bus::EventLogOptions options;
  options.environment = bus::v1::ENVIRONMENT_DEMO;
  auto log = bus::OpenEventLog(data, options, random);
  CONCORDAT_CHECK(log.ok());
  return *std::move(log);
}

// The core's share alone: judging, sealing, encoding, and letting readers see.
void BM_StageOneEvent(benchmark::State& state) {
  TestLog::Options options;
  options.segment_bytes = 4 << 20;
  options.block_bytes = 1 << 20;
  options.recent_bytes = 64 << 20;
  Pool pool;
  TestLog log(options);
  CONCORDAT_CHECK(log.Open().ok());
  int64_t staged = 0;
  for (auto _ : state) {
    const bus::NewEvent event = pool.Next();
    benchmark::DoNotOptimize(log.log().Stage({&event, 1}, 1));
    if (++staged % 256 == 0) log.log().Written(log.log().TakeStaged());
  }
  state.SetItemsProcessed(staged);
}
BENCHMARK(BM_StageOneEvent)->Unit(benchmark::kMicrosecond);

// A core that stages blocks of 256 and a disk thread that writes them, on a
// real disk, with index and segment preparation running.
void BM_SustainedAppend(benchmark::State& state) {
  constexpr size_t kBlockEvents = 256;
  constexpr size_t kInFlight = 4;
  TempDir data;
  WriteKeys(data.path());
  SystemRandom random;
  bus::OpenedEventLog opened = OpenIn(data.path(), random);
  Pool pool;
  Mutex mu;
  CondVar cv;
  std::deque<std::unique_ptr<bus::PendingBlock>> to_write, written;
  bool done = false;
  std::thread disk([&] {
    for (;;) {
      std::unique_ptr<bus::PendingBlock> block;
      {
        MutexLock lock(mu);
        cv.WaitFor(mu, absl::InfiniteDuration(),
                   [&] { return done || !to_write.empty(); });
        if (to_write.empty()) return;
        block = std::move(to_write.front());
        to_write.pop_front();
      }
      CONCORDAT_CHECK(opened.log->Write(*block).ok());
      MutexLock lock(mu);
      written.push_back(std::move(block));
      cv.NotifyAll();
    }
  });
  size_t in_flight = 0;
  int64_t events = 0;
  const auto collect = [&](size_t at_most) {
    while (in_flight > at_most) {
      std::unique_ptr<bus::PendingBlock> block;
      {
        MutexLock lock(mu);
        cv.WaitFor(mu, absl::InfiniteDuration(),
                   [&] { return !written.empty(); });
        block = std::move(written.front());
        written.pop_front();
      }
      opened.log->Written(std::move(block));
      --in_flight;
    }
  };
  for (auto _ : state) {
    for (size_t i = 0; i < kBlockEvents; ++i) {
      const bus::NewEvent event = pool.Next();
      opened.log->Stage({&event, 1}, 1);
    }
    events += kBlockEvents;
    while (auto block = opened.log->TakeStaged()) {
      MutexLock lock(mu);
      to_write.push_back(std::move(block));
      ++in_flight;
      cv.NotifyAll();
    }
    collect(kInFlight);
  }
  collect(0);
  {
    MutexLock lock(mu);
    done = true;
    cv.NotifyAll();
  }
  disk.join();
  state.SetItemsProcessed(events);
  state.counters["segments"] = opened.log->Status().segments;
  state.counters["bytes_per_event"] =
      static_cast<double>(opened.log->Status().bytes) /
      static_cast<double>(events);
}
BENCHMARK(BM_SustainedAppend)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

constexpr uint64_t kCatchUpEvents = 400'000;
constexpr uint64_t kRareEvery = 100'000;
constexpr uint8_t kRarePerson = 250;

// A log on a real disk with one event in a hundred thousand about one person.
void WriteLogWithARarePerson(const std::string& data, Random& random) {
  WriteKeys(data);
  const bus::OpenedEventLog opened = OpenIn(data, random);
  Pool pool;
  TestEvent::Fields fields;
  fields.person = kRarePerson;
  for (uint64_t i = 1; i <= kCatchUpEvents; ++i) {
    if (i % kRareEvery == 0) {
      fields.id = absl::StrFormat("rare-%06u", i);
      const TestEvent rare(fields);
      const bus::NewEvent event = rare.New();
      opened.log->Stage({&event, 1}, 1);
    } else {
      const bus::NewEvent event = pool.Next();
      opened.log->Stage({&event, 1}, 1);
    }
    if (i % 256 != 0 && i != kCatchUpEvents) continue;
    while (auto block = opened.log->TakeStaged()) {
      CONCORDAT_CHECK(opened.log->Write(*block).ok());
      opened.log->Written(std::move(block));
    }
  }
}

// Who begins at the log's start and wants what is about that person: reading all
// of it (0), and passing over the regions that hold nothing (1). The log is opened
// anew each time.
void BM_CatchUpOnARarePerson(benchmark::State& state) {
  TempDir data;
  SystemRandom random;
  WriteLogWithARarePerson(data.path(), random);
  const std::set<PersonKey> persons = {TestPerson(kRarePerson)};
  bus::Interest interest;
  interest.persons = &persons;
  for (auto _ : state) {
    state.PauseTiming();
    const bus::OpenedEventLog opened = OpenIn(data.path(), random);
    state.ResumeTiming();
    uint64_t found = 0;
    Sequence at;
    while (at.value < kCatchUpEvents) {
      if (state.range(0) == 1) {
        const Sequence to = opened.log->SkipFrom(at, interest);
        if (to > at) {
          at = to;
          continue;
        }
      }
      const auto block = opened.log->Read(at, 1 << 20);
      CONCORDAT_CHECK(block.ok());
      for (const bus::StoredEvent& event : (*block)->events) {
        found += persons.contains(event.header.subject);
        at = event.sequence;
      }
    }
    CONCORDAT_CHECK(found == kCatchUpEvents / kRareEvery);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(kCatchUpEvents));
}
BENCHMARK(BM_CatchUpOnARarePerson)
    ->Arg(0)
    ->Arg(1)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace concordat::testing

BENCHMARK_MAIN();

// What a ticker promises, and the bug each test catches:
//
//   a step after Stop() returned, or one under way    StopsBetweenSteps
//   waits the first time for what the step answers    WaitsAsItIsTold
//   a stop that waits for the end of a long wait      StopsBetweenSteps
//   one that was not started cannot be stopped        MayBeStoppedAsOftenAsOneLikes
#include "services/common/base/ticker.h"

#include <atomic>

#include "gtest/gtest.h"

namespace concordat {
namespace {

class Count {
 public:
  void Add() {
    MutexLock lock(mu_);
    ++count_;
    changed_.NotifyAll();
  }
  void WaitFor(int count) {
    MutexLock lock(mu_);
    EXPECT_TRUE(changed_.WaitFor(
        mu_, absl::Seconds(30),
        [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return count_ >= count; }));
  }
  int now() {
    MutexLock lock(mu_);
    return count_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(Ticker, WaitsAsItIsTold) {
  Count steps;
  Ticker ticker;
  ticker.Start(absl::ZeroDuration(), [&] {
    steps.Add();
    // At once, and then not before this test is over.
    return steps.now() < 3 ? absl::ZeroDuration() : absl::Hours(1);
  });
  steps.WaitFor(3);
  ticker.Stop();
  EXPECT_EQ(steps.now(), 3);
}

TEST(Ticker, StopsBetweenSteps) {
  Count began;
  std::atomic<bool> ended = false;
  Count may_end;
  Ticker ticker;
  ticker.Start(absl::ZeroDuration(), [&] {
    began.Add();
    may_end.WaitFor(1);
    ended = true;
    return absl::Hours(1);
  });
  began.WaitFor(1);
  may_end.Add();
  ticker.Stop();
  EXPECT_TRUE(ended);
  EXPECT_EQ(began.now(), 1);
}

TEST(Ticker, MayBeStoppedAsOftenAsOneLikes) {
  Ticker never;
  never.Stop();
  Count steps;
  Ticker ticker;
  ticker.Start(absl::Hours(1), [&] {
    steps.Add();
    return absl::ZeroDuration();
  });
  ticker.Stop();
  ticker.Stop();
  EXPECT_EQ(steps.now(), 0);
}

}  // namespace
}  // namespace concordat

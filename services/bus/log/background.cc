#include "services/bus/log/background.h"

#include <utility>

#include "absl/time/time.h"

namespace concordat::bus {

BackgroundThread::BackgroundThread() : thread_([this] { Run(); }) {}

BackgroundThread::~BackgroundThread() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    cv_.NotifyAll();
  }
  thread_.join();
}

void BackgroundThread::Post(std::function<void()> work) {
  MutexLock lock(mu_);
  work_.push_back(std::move(work));
  cv_.NotifyAll();
}

void BackgroundThread::Run() {
  for (;;) {
    std::function<void()> work;
    {
      MutexLock lock(mu_);
      const auto ready = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || !work_.empty();
      };
      cv_.WaitFor(mu_, absl::InfiniteDuration(), ready);
      if (work_.empty()) return;
      work = std::move(work_.front());
      work_.pop_front();
    }
    work();
  }
}

}  // namespace concordat::bus

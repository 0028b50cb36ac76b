#include "services/common/base/ticker.h"

#include <utility>

#include "services/common/base/check.h"

namespace concordat {

void Ticker::Start(absl::Duration first, Step step) {
  CONCORDAT_CHECK(!thread_.joinable());
  step_ = std::move(step);
  thread_ = std::thread([this, first] { Run(first); });
}

void Ticker::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Ticker::Run(absl::Duration wait) {
  while (true) {
    {
      MutexLock lock(mu_);
      const bool over = wake_.WaitFor(
          mu_, wait,
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; });
      if (over) return;
    }
    wait = step_();
  }
}

}  // namespace concordat

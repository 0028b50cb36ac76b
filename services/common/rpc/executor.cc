#include "services/common/rpc/executor.h"

#include <utility>

namespace concordat {

Executor::Executor(size_t queue_max)
    : queue_max_(queue_max), thread_([this] { Run(); }) {}

Executor::~Executor() { Stop(); }

bool Executor::Post(std::function<void()> task) {
  MutexLock lock(mu_);
  if (stopped_ || queue_.size() >= queue_max_) return false;
  queue_.push_back(std::move(task));
  changed_.NotifyAll();
  return true;
}

void Executor::Stop() {
  {
    MutexLock lock(mu_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Executor::Run() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(mu_);
      changed_.WaitFor(mu_, absl::InfiniteDuration(),
                       [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                         return stopped_ || !queue_.empty();
                       });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace concordat

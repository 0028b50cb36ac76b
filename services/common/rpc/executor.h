// One thread that runs what it is given, in order: a service's commands, so
// that no handler needs a lock and none blocks a gRPC thread.
//
// Overload  The queue is bounded. When it is full Post() says so at once and
//           the caller tells its client, RESOURCE_EXHAUSTED; nothing waits.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_EXECUTOR_H_
#define CONCORDAT_SERVICES_COMMON_RPC_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "services/common/base/mutex.h"

namespace concordat {

class Executor {
 public:
  explicit Executor(size_t queue_max);
  ~Executor();  // Stop().
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // False: full or stopped, and `task` will not run. Any thread.
  bool Post(std::function<void()> task);
  // Runs what was posted, then ends the thread. Not from a task.
  void Stop();

 private:
  void Run();

  const size_t queue_max_;
  Mutex mu_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_EXECUTOR_H_

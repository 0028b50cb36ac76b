#ifndef CONCORDAT_SERVICES_COMMON_BASE_TICKER_H_
#define CONCORDAT_SERVICES_COMMON_BASE_TICKER_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "services/common/base/mutex.h"

namespace concordat {

// A thread that does one thing again and again until it is stopped.
//
// Threads  The step runs on a thread of its own, never twice at once. The rest:
//          one thread, and not from the step.
class Ticker {
 public:
  // Does it, and answers how long to wait until it is done again.
  using Step = std::function<absl::Duration()>;

  Ticker() = default;
  ~Ticker() { Stop(); }

  // Does it for the first time after `first`. Once, and before Stop().
  void Start(absl::Duration first, Step step);
  // Returns when no step runs, and none will: waits for the one that does. May be
  // called again, and of one that was never started.
  void Stop();

 private:
  void Run(absl::Duration wait);

  Step step_;
  Mutex mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BASE_TICKER_H_

#ifndef CONCORDAT_SERVICES_BUS_LOG_BACKGROUND_H_
#define CONCORDAT_SERVICES_BUS_LOG_BACKGROUND_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// Where work goes that nobody waits for. Thread-safe.
class Background {
 public:
  virtual ~Background() = default;
  virtual void Post(std::function<void()> work) = 0;
};

// One thread, in order. The destructor finishes what was posted.
class BackgroundThread : public Background {
 public:
  BackgroundThread();
  ~BackgroundThread() override;
  void Post(std::function<void()> work) override;

 private:
  void Run();

  Mutex mu_;
  CondVar cv_;
  std::deque<std::function<void()>> work_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_BACKGROUND_H_

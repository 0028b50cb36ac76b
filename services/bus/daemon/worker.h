#ifndef CONCORDAT_SERVICES_BUS_DAEMON_WORKER_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_WORKER_H_

#include <deque>
#include <functional>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// A thread that does one kind of job, in order, for a loop that must not wait
// for the disk. The loop bounds how many jobs are out. Give, Take: any thread.
template <typename Job, typename Result>
class Worker {
 public:
  // `work` runs on the thread; `wake` after each result is there to take.
  Worker(std::function<Result(Job)> work, std::function<void()> wake)
      : work_(std::move(work)),
        wake_(std::move(wake)),
        thread_([this] { Run(); }) {}
  // Does what was given, then ends.
  ~Worker() {
    {
      MutexLock lock(mu_);
      stopping_ = true;
    }
    changed_.NotifyAll();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Give(Job job) {
    {
      MutexLock lock(mu_);
      jobs_.push_back(std::move(job));
    }
    changed_.NotifyAll();
  }
  std::vector<Result> Take() {
    MutexLock lock(mu_);
    return std::exchange(results_, {});
  }

 private:
  void Run() {
    for (;;) {
      std::deque<Job> jobs;
      {
        MutexLock lock(mu_);
        changed_.WaitFor(mu_, absl::InfiniteDuration(),
                         [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                           return stopping_ || !jobs_.empty();
                         });
        if (jobs_.empty()) return;
        jobs = std::exchange(jobs_, {});
      }
      for (Job& job : jobs) {
        Result result = work_(std::move(job));
        {
          MutexLock lock(mu_);
          results_.push_back(std::move(result));
        }
        wake_();
      }
    }
  }

  const std::function<Result(Job)> work_;
  const std::function<void()> wake_;
  Mutex mu_;
  CondVar changed_;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mu_);
  std::vector<Result> results_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses what is above.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_WORKER_H_

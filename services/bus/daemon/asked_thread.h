#ifndef CONCORDAT_SERVICES_BUS_DAEMON_ASKED_THREAD_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_ASKED_THREAD_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "services/bus/log/background.h"

namespace concordat::bus {

// A thread for questions that take long: so many wait and no more.
//
// Threads  Any. The destructor answers what waits.
class AskedThread {
 public:
  static constexpr size_t kWaitingMax = 8;

  explicit AskedThread(std::unique_ptr<Background> thread)
      : thread_(std::move(thread)) {}

  //   RESOURCE_EXHAUSTED  so many wait: it is not done.
  absl::Status Ask(std::function<void()> work) {
    if (waiting_.fetch_add(1) >= kWaitingMax) {
      waiting_.fetch_sub(1);
      return absl::ResourceExhaustedError("too many ask; try again");
    }
    thread_->Post([this, work = std::move(work)] {
      work();
      waiting_.fetch_sub(1);
    });
    return absl::OkStatus();
  }
  // The rest of what was asked.
  void GoOn(std::function<void()> work) { thread_->Post(std::move(work)); }

 private:
  std::atomic<size_t> waiting_ = 0;
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_ASKED_THREAD_H_

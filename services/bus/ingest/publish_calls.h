#ifndef CONCORDAT_SERVICES_BUS_INGEST_PUBLISH_CALLS_H_
#define CONCORDAT_SERVICES_BUS_INGEST_PUBLISH_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {

// A batch that was published by a call and not by a session.
struct PublishCall {
  // Null: the bus itself publishes.
  std::shared_ptr<const PrincipalRegistry> registry;
  const v1::Principal* principal = nullptr;  // Of `registry`.
  std::string batch;                         // A bus.v1.Batch.
  // Called once, with the receipts when the status is OK. Must not wait.
  std::function<void(const absl::Status&, const v1::Receipts&)> done;
  // What the bus does on that thread right before, so that nothing is judged in
  // between; unless it is OK nothing is published. Null: nothing.
  std::function<absl::Status()> first = nullptr;
};

// Such calls on their way to the thread that publishes, and until their answer.
//
// Threads  Add, waiting: any. The rest: one, the ingest thread.
// Bounds   So many calls and bytes from Add to the answer.
class PublishCalls {
 public:
  static constexpr size_t kCallsMax = 64;
  static constexpr size_t kBytesMax = 8u << 20;

  // What is not OK was not taken, and `done` will not be called.
  //   RESOURCE_EXHAUSTED  too many wait.   UNAVAILABLE  after Close().
  absl::Status Add(PublishCall call);
  size_t waiting() const;

  struct Taken {
    uint64_t number = 0;
    const PublishCall* call = nullptr;  // Until its answer.
  };
  // Those that came since the last time, in order.
  std::vector<Taken> Take();
  // No answer for a number that is not under way.
  void Answer(uint64_t number, const absl::Status& status,
              const v1::Receipts& receipts);
  // Takes no more; all that wait are told UNAVAILABLE.
  void Close();

 private:
  mutable Mutex mu_;
  std::map<uint64_t, PublishCall> calls_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t last_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t taken_ ABSL_GUARDED_BY(mu_) = 0;  // Up to this one.
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_PUBLISH_CALLS_H_

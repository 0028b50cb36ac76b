// A Publisher that has taken a set once it is on this machine's own disk. From
// then on it reaches the bus, in order and once, however long the bus is away and
// whatever happens to the program meanwhile.
//
// Refused  What the bus refuses for what it is goes to the spool's refused sets
//          and holds up nothing. What it refuses for what the bus or the session
//          is (IsPassing) waits, and all after it: state() says why.
// Threads  Publish, WaitUntilSent, state: any. One of its own from Start() on, or
//          its user's that calls Turn() instead; on it `done` runs.
// Bounds   The spool's; kOutEvents and kOutBytes on their way to the bus.
#ifndef CONCORDAT_SERVICES_COMMON_PUBLISH_SPOOL_SPOOLED_PUBLISHER_H_
#define CONCORDAT_SERVICES_COMMON_PUBLISH_SPOOL_SPOOLED_PUBLISHER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/publish_spool/publish_spool.h"

namespace concordat {

struct SpoolState {
  uint64_t waiting_sets = 0;
  uint64_t waiting_bytes = 0;
  uint64_t oldest_taken_us = 0;
  size_t refused_sets = 0;
  std::string held_up_by;  // Empty: nothing but the bus's answer.
};

class SpooledPublisher : public Publisher {
 public:
  static constexpr size_t kOutEvents = 1024;
  static constexpr size_t kOutBytes = 8u << 20;
  // How long a bus is left alone that takes nothing now, and how long a spool
  // stays as it is that has nothing more to send.
  static constexpr absl::Duration kPause = absl::Seconds(1);

  // Borrows bus and clock. What waits in the spool goes first.
  SpooledPublisher(std::unique_ptr<PublishSpool> spool, Publisher& bus,
                   const Clock& clock);
  // What waits stays in the spool. `done` of what has no answer does not run.
  ~SpooledPublisher() override;

  // Returns when the set is on the disk. `done` runs when the bus has answered
  // for it for good, if this lives so long.
  //   As PublishSpool::Add(). RESOURCE_EXHAUSTED: wait for room and repeat.
  absl::Status Publish(std::vector<Event> set, Done done) override;

  void Start();
  // Does what there is to do. False: leave the bus alone for a kPause.
  bool Turn();

  // False: not in time.
  bool WaitUntilSent(absl::Duration timeout) const;
  SpoolState state() const;

 private:
  // What the bus's thread says, which may outlive this.
  struct Inbox;
  struct Out {
    uint64_t number = 0;
    size_t events = 0;
    size_t bytes = 0;
    std::optional<std::vector<PublishOutcome>> answer;
  };
  using Ended = std::vector<std::pair<Done, std::vector<PublishOutcome>>>;

  void Run();
  // Until there is something to do; not `go_on`: for a pause. False: stop.
  bool Wait(bool go_on);
  // False: nothing has happened since the last time.
  bool TakeAnswers(Ended& ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The oldest set has its answer. False: it waits, and all after it.
  bool Settle(Out& out, Ended& ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HoldUp(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PopOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Rewind() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Send() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status SendOne(SpooledSet set) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t Now() const;

  Publisher& bus_;
  const Clock& clock_;
  const std::shared_ptr<Inbox> inbox_;
  mutable Mutex mu_;
  mutable CondVar settled_;
  const std::unique_ptr<PublishSpool> spool_ ABSL_PT_GUARDED_BY(mu_);
  std::deque<Out> out_ ABSL_GUARDED_BY(mu_);  // Oldest first.
  size_t out_events_ ABSL_GUARDED_BY(mu_) = 0;
  size_t out_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  size_t answered_ ABSL_GUARDED_BY(mu_) = 0;  // Of out_.
  std::map<uint64_t, Done> dones_ ABSL_GUARDED_BY(mu_);
  // The oldest has to be sent again, and all after it.
  bool rewinding_ ABSL_GUARDED_BY(mu_) = false;
  std::string held_up_by_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PUBLISH_SPOOL_SPOOLED_PUBLISHER_H_

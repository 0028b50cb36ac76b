// Works the spool off, oldest first: judges each message and publishes what may
// leave. What that is stands on the disk before it is sent, and the message is
// finished once the bus has answered: a crash in between publishes the same events
// again, whatever has changed since, and the bus knows them.
// The same for what people did with kept items, and for what grew too old.
#ifndef CONCORDAT_ADAPTERS_CORE_SPOOL_WORKER_H_
#define CONCORDAT_ADAPTERS_CORE_SPOOL_WORKER_H_

#include <functional>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "adapters/core/edge_events.h"
#include "adapters/core/edge_store.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"

namespace concordat::edge {

struct Judgement {
  // Nobody can say yet, e.g. while the cohort is stale: keep it and come back.
  bool wait = false;
  // To be published as one set; the verdict then counts once they are.
  std::vector<v1::MadeEvent> made;
  // To be told to somebody else first, such as identity. A repeat changes
  // nothing. UNAVAILABLE: come back; another error: the message is held.
  std::function<absl::Status()> tell;
  Verdict verdict;
};

// Called from the worker's thread.
using Judge = std::function<Judgement(const WaitingMessage&)>;

class SpoolWorker {
 public:
  enum class Step {
    kIdle,     // Nothing waits.
    kBlocked,  // The oldest cannot be judged, published or finished now.
    kDone,
  };

  // Borrows all but the function.
  SpoolWorker(EdgeStore& store, Publisher& publisher, const EdgeEvents& events,
              const Clock& clock, Judge judge,
              absl::Duration publish_timeout = absl::Seconds(5))
      : store_(store),
        publisher_(publisher),
        events_(events),
        clock_(clock),
        judge_(std::move(judge)),
        publish_timeout_(publish_timeout) {}

  // Takes the oldest act and the oldest message one step. One thread.
  Step RunOnce();
  // Until Stop(), which may be called from any thread.
  void Run();
  void Stop();

  // Sequence of the last event that was published, 0 for none since the start.
  Sequence last_published() const;

 private:
  // Nothing: no answer, or one that may be another the next time.
  std::optional<PublishOutcome> Publish(std::vector<Event> set);
  Step RunAct();
  Step RunMessage();
  // Judges a message anew; what is to be published of it waits in the store.
  Step JudgeMessage(const WaitingMessage& message);
  Step PublishMessage(const WaitingMessage& message, Judged judged);

  EdgeStore& store_;
  Publisher& publisher_;
  const EdgeEvents& events_;
  const Clock& clock_;
  const Judge judge_;
  const absl::Duration publish_timeout_;
  mutable Mutex mu_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Sequence last_published_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_SPOOL_WORKER_H_

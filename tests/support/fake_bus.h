// A bus in memory: accepts, de-duplicates, checks expected versions, delivers.
// It knows no agreements: what a client sees is what its ViewFilter lets
// through. It does not check grammar, rights or digests.
//
//   FakeBus bus(clock);
//   auto client = bus.Connect("service-police");
//   PublishAndWait(*client, {event}, absl::Seconds(1));
//   bus.GoAway();  // The publishes of now wait; PublishAndWait times out.
//   bus.ComeBack();
//
// Threads  Everything may be called from any thread. Callbacks of Publish run
//          on a thread of the bus. Clients and subscriptions must be gone
//          before the bus.
#ifndef CONCORDAT_TESTS_SUPPORT_FAKE_BUS_H_
#define CONCORDAT_TESTS_SUPPORT_FAKE_BUS_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"

namespace concordat::testing {

class FakeBus {
 public:
  // What a client may see of an event; nothing: not even that it exists.
  using ViewFilter = std::function<std::optional<View>(const View& whole)>;

  // Publishers may have this many events without an answer.
  static constexpr size_t kInFlightMax = 1024;

  // acceptedtime is the clock's and never steps back.
  explicit FakeBus(const Clock& clock);
  ~FakeBus();

  // Durable subscriptions belong to the principal: they survive its clients.
  std::unique_ptr<BusClient> Connect(std::string principal,
                                     ViewFilter filter = nullptr);

  // Everything accepted, in order, whole.
  std::vector<View> events() const;
  Sequence end() const;
  // Acknowledged place of a durable subscription, 0 for none.
  Sequence AckedBy(absl::string_view principal, absl::string_view name) const;

  // Waits until `count` events are accepted. False: not in time.
  bool WaitForEvents(size_t count, absl::Duration timeout) const;
  // Waits until every callback of Publish has run. False: not in time.
  bool WaitForAnswers(absl::Duration timeout) const;

  // Faults.

  // The next set is refused, whatever is in it.
  void RefuseNext(bus::v1::Refusal refusal, std::string detail);
  // Nobody is connected: sets wait, ReadStream is UNAVAILABLE.
  void GoAway();
  // The next set is accepted, and then the bus goes away without a word.
  // `type`: the next set whose first event's type ends so.
  void GoAwayBeforeNextAnswer(std::string type = "");
  // Waiting sets are judged in order: what was accepted is now a duplicate.
  void ComeBack();
  // A back-fill item: delivers `events` again to each subscription of
  // `principal` that has passed them and may see them, before live goes on.
  void Backfill(absl::string_view principal, Sequence cause,
                std::vector<Sequence> events);
  // Next() of this subscription fails with `why` from now on.
  void EndSubscriptions(absl::string_view principal, absl::Status why);

 private:
  class Client;
  class FakeSubscription;
  struct Waiting {
    std::vector<Event> set;
    Publisher::Done done;
  };
  using Ready = std::pair<Publisher::Done, std::vector<PublishOutcome>>;

  std::vector<PublishOutcome> Judge(const std::vector<Event>& set)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  PublishOutcome JudgeOne(const Event& event) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Accept(const Event& event, PublishOutcome& outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunCallbacks();

  const Clock& clock_;
  mutable Mutex mu_;
  mutable CondVar changed_;
  std::vector<View> log_ ABSL_GUARDED_BY(mu_);
  std::map<std::pair<std::string, std::string>, size_t> by_id_
      ABSL_GUARDED_BY(mu_);
  // By source and stream.
  std::map<std::pair<std::string, std::string>, uint64_t> versions_
      ABSL_GUARDED_BY(mu_);
  // Durable places, by principal and name.
  std::map<std::pair<std::string, std::string>, Sequence> places_
      ABSL_GUARDED_BY(mu_);
  std::vector<FakeSubscription*> subscriptions_ ABSL_GUARDED_BY(mu_);
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  std::deque<Ready> ready_ ABSL_GUARDED_BY(mu_);
  size_t unanswered_events_ ABSL_GUARDED_BY(mu_) = 0;
  std::optional<PublishOutcome> refuse_next_ ABSL_GUARDED_BY(mu_);
  bool away_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<std::string> go_before_answer_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread callbacks_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_FAKE_BUS_H_

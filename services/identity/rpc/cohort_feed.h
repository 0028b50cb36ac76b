// Tells each edge which people it may keep messages about: those whose open
// case its agency is a party to, now and as that changes; an edge that asks for
// it also those whom its own agency registered.
//
// An edge gets a person's usable identifiers as far as it can meet them in its
// own messages: the CHI, and the numbers of its own agency's systems. Every
// list and change is noted in the store (how many, never who) before it is
// sent. When the cases are not current nothing is sent, heartbeats neither, so
// that the edge sees that it is stale.
//
// Threads   Any. Streams are written on a thread of the feed's own.
// Overload  A change is a person's key until it is written, so what waits is
//           bounded by the people; an edge that does not read is cut off by its
//           stream and starts again.
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_COHORT_FEED_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_COHORT_FEED_H_

#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/identity/v1/service.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/telemetry/log.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/store/identity_store.h"

namespace concordat::identity {

class CohortFeed {
 public:
  static constexpr absl::Duration kHeartbeat = absl::Seconds(5);

  struct Sink {
    // False: the stream has ended.
    std::function<bool(const v1::CohortChange&)> write;
    std::function<void(const absl::Status&)> finish;
  };

  // All outlive this.
  CohortFeed(IdentityStore& store, const CaseParties& parties,
             const SteadyClock& clock, const Logger& log);
  // Ends every stream: an edge asks again when there is somebody to answer.
  ~CohortFeed();

  void Open(const System& edge, bool registered_too, Sink sink);
  // The person's parties or identifiers may have changed.
  void PersonChanged(const PersonKey& person);
  // The cases' position or currency changed.
  void Wake();

 private:
  struct Stream {
    System edge;
    bool registered_too = false;
    Sink sink;
    bool complete = false;
    // What it was told of each person, as bytes.
    std::map<PersonKey, std::string> told;
    Sequence position;
    absl::Duration written_at;
  };

  void Run();
  // False: the stream is done with.
  bool Serve(Stream& stream, const std::set<PersonKey>& changed,
             Sequence position);
  // What the edge is to know of the person; no subject: nothing. `told` gets the
  // same numbers.
  absl::StatusOr<v1::CohortMember> MemberOf(const Stream& stream,
                                            const PersonKey& person,
                                            ToldNumbers& told) const;

  IdentityStore& store_;
  const CaseParties& parties_;
  const SteadyClock& clock_;
  const Logger& log_;

  Mutex mu_;
  CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  std::set<PersonKey> people_ ABSL_GUARDED_BY(mu_);
  std::list<Stream> opened_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_COHORT_FEED_H_

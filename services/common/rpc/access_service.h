// concordat.access.v1.AccessService: the s.62 extract of one program.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_ACCESS_SERVICE_H_
#define CONCORDAT_SERVICES_COMMON_RPC_ACCESS_SERVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/access/v1/service.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/base/ids.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/access_tree.h"
#include "services/common/rpc/executor.h"

namespace concordat {

class ServerHost;

// Of a person's events, what an extract needs.
struct PersonEvent {
  std::string controller;
  access::v1::Access access;  // Collection, alteration, combination or erasure.
};
// What the log of events tells. Null functions: a program has none.
struct AccessEvents {
  using BySequence = std::map<uint64_t, PersonEvent>;
  struct Part {
    BySequence events;
    uint64_t through = 0;  // Looked at up to here; go on from there.
    bool more = false;
  };
  // All of a person.
  std::function<absl::StatusOr<BySequence>(const std::string& subject)>
      of_person;
  // Of anybody, after that sequence, accepted from `from` on and before `to` (0:
  // no bound): of as many as one call may look at.
  std::function<absl::StatusOr<Part>(uint64_t from, uint64_t to,
                                     uint64_t after)>
      of_period;
  // Whom the event of that sequence is about, a person key; empty: nobody.
  std::function<absl::StatusOr<std::string>(uint64_t sequence)> subject_of;
  // Whether the person's own lists let `caller` know that there is such a person.
  // Null: the program folds no policy; of its records nobody is kept.
  std::function<absl::StatusOr<bool>(const bus::v1::Principal& caller,
                                     const PersonKey& person)>
      allow;
  // What the access log does not have, in words; empty: nothing.
  std::string missing = {};
};

// Whether `caller` may ask at all: a co-ordinator, or a guardian of its agency.
bool MayReadAccess(const bus::v1::Principal& caller);
// A co-ordinator, who reads of every agency.
bool ReadsAllAccess(const bus::v1::Principal& caller);

// Which deliveries of each session were acknowledged.
class Acknowledgements {
 public:
  void Add(const access::v1::Acknowledged& acknowledged);
  bool Has(uint64_t session, uint64_t delivery) const;

 private:
  struct Of {
    uint64_t through = 0;
    std::set<uint64_t> singly;  // After that.
  };
  std::map<uint64_t, Of> sessions_;
};

// Answers what is asked of one access log. What an answer needs of all of it is read
// once for all questions, and of the records themselves those that it is about: from
// where it begins to where it is full.
//
// Memory   About 100 bytes for each session that subscribed, as many for each that
//          acknowledged, and 50 for each delivery that was acknowledged before those in
//          front of it; the tree's.
// Threads  One at a time.
class AccessReader {
 public:
  // `store` and `tree`, which is over it, outlive it.
  AccessReader(const AccessStore& store, AccessTree& tree,
               AccessEvents events = {})
      : store_(store), tree_(tree), events_(std::move(events)) {}

  // Of the records that there are when it is asked; with proof, of those in the
  // newest checkpoint, which is made for it.
  //   As AccessService.ListAccess.
  absl::StatusOr<access::v1::ListAccessResponse> List(
      const bus::v1::Principal& caller,
      const access::v1::ListAccessRequest& request);

 private:
  // Reads what was recorded since the last question.
  absl::Status Follow();
  absl::StatusOr<AccessEvents::Part> EventsFor(
      const access::v1::ListAccessRequest& request) const;

  const AccessStore& store_;
  AccessTree& tree_;
  const AccessEvents events_;
  uint64_t followed_ = 0;  // Records.
  Acknowledgements acknowledged_;
  std::map<uint64_t, std::string> principals_;  // By session.
  std::vector<access::v1::NotRunning> not_running_;
};

// Records that the program starts (`began` has its time and what it says of
// itself), and that it ended in order.
//   UNAVAILABLE
absl::Status BeginAccess(AccessStore& store, access::v1::Record began);
absl::Status BeginAccess(AccessStore& store, const std::string& program,
                         absl::Time now);
absl::Status EndAccess(AccessStore& store, absl::Time now);

// Answers on a thread of its own: the first question reads the whole log, and nobody
// else's call waits for that. One question at a time; some more may wait.
//
// Threads  Serve: before the host starts. `store` outlives it, and it the host.
class AccessDesk {
 public:
  // With a tree of its own, which nobody signs: "concordat-nhs/access".
  AccessDesk(std::string program, const AccessStore& store);
  // `tree` outlives it.
  AccessDesk(std::string program, const AccessStore& store, AccessTree& tree,
             AccessEvents events);

  void Serve(ServerHost& host);
  // Answers what was asked, and nothing more. Before the host stops.
  void Stop() { thread_.Stop(); }

 private:
  const std::string program_;
  const std::unique_ptr<AccessTree> own_tree_;  // Null: somebody else's.
  AccessReader reader_;                         // Of `thread_`.
  Executor thread_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_ACCESS_SERVICE_H_

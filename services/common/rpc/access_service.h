// concordat.access.v1.AccessService: the s.62 extract of one program.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_ACCESS_SERVICE_H_
#define CONCORDAT_SERVICES_COMMON_RPC_ACCESS_SERVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/access/v1/service.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/rpc/access_log.h"
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
};

// What the tree over an access log is called, and who signs it. Without `sign`
// nobody does, and it is called after its program, "concordat-nhs/access".
struct AccessSigner {
  std::string origin = {};
  std::function<std::string(const Checkpoint&)> sign = nullptr;
};

// Whether `caller` may ask at all: a co-ordinator, or a guardian of its agency.
bool MayReadAccess(const bus::v1::Principal& caller);
// A co-ordinator, who reads of every agency.
bool ReadsAllAccess(const bus::v1::Principal& caller);

//   As AccessService.ListAccess.
absl::StatusOr<access::v1::ListAccessResponse> ListAccess(
    const AccessStore& store, const AccessEvents& events,
    const AccessSigner& signer, const bus::v1::Principal& caller,
    const access::v1::ListAccessRequest& request);

// Records that the program starts (`began` has its time and what it says of
// itself), and that it ended in order.
//   UNAVAILABLE
absl::Status BeginAccess(AccessStore& store, access::v1::Record began);
absl::Status BeginAccess(AccessStore& store, const std::string& program,
                         absl::Time now);
absl::Status EndAccess(AccessStore& store, absl::Time now);

// Answers on a thread of its own: a question reads the whole log, and nobody else's
// call waits for that. One question at a time; some more may wait.
//
// Threads  Serve: before the host starts. `store` outlives it, and it the host.
class AccessDesk {
 public:
  AccessDesk(std::string program, const AccessStore& store,
             AccessEvents events = {}, AccessSigner signer = {});

  void Serve(ServerHost& host);
  // Answers what was asked, and nothing more. Before the host stops.
  void Stop() { thread_.Stop(); }

 private:
  const std::string program_;
  const AccessStore& store_;
  const AccessEvents events_;
  AccessSigner signer_;
  Executor thread_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_ACCESS_SERVICE_H_

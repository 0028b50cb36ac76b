// concordat.bus.v1.EvidenceService: checkpoints and proofs of the log's tree.
//
// Threads  Serve: before the host starts. Its handlers run on the host's thread;
//          a tree, and the log for BusService/VerifyLog, is gone through on one of
//          its own, a part at a time.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_EVIDENCE_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_EVIDENCE_DESK_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/bus/v1/evidence.pb.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/evidence/log_tree.h"
#include "services/bus/log/background.h"
#include "services/bus/log/chain_log.h"
#include "services/bus/log/event_log.h"
#include "services/bus/log/spine_log.h"
#include "services/common/base/clock.h"
#include "services/common/rpc/access_tree.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class EvidenceDesk {
 public:
  // The newest stamped note, and its stamp.
  using NewestStamp = std::function<std::pair<std::string, std::string>()>;

  // IngestLoop::Sign.
  using Sign =
      std::function<absl::Status(const v1::Principal&, const v1::ChainSigned&)>;

  // Everything outlives it; it outlives the host. `fold` is the host's thread's
  // alone, and is caught up at each question.
  EvidenceDesk(LogTree& tree, const AccessTree& access, const EventLog& log,
               const SpineLog& spines, const ChainLog& chains, PolicyFold& fold,
               NewestStamp stamp, Sign sign, std::unique_ptr<Background> thread,
               const Clock& clock)
      : tree_(tree),
        access_(access),
        log_(log),
        spines_(spines),
        chains_(chains),
        fold_(fold),
        stamp_(std::move(stamp)),
        sign_(std::move(sign)),
        clock_(clock),
        thread_(std::move(thread)) {}

  void Serve(ServerHost& host);

 private:
  v1::GetCheckpointResponse Checkpoint() const;
  absl::StatusOr<v1::ProveInclusionResponse> Inclusion(
      const Call& call, const v1::ProveInclusionRequest& request);
  absl::StatusOr<v1::ProveConsistencyResponse> Consistency(
      const v1::ProveConsistencyRequest& request) const;
  absl::StatusOr<v1::ProveAccessResponse> Access(
      const v1::ProveAccessRequest& request) const;
  absl::StatusOr<v1::AddCosignatureResponse> Cosign(
      const Call& call, const v1::AddCosignatureRequest& request);
  // The event's leaf, if the caller may see it now; else nothing.
  absl::StatusOr<std::string> LeafFor(const Call& call,
                                      const StoredEvent& event);
  // Whether its producer signed it, and by which link.
  absl::Status FillSignature(const Call& call, const StoredEvent& event,
                             v1::ProveInclusionResponse& response) const;
  absl::StatusOr<v1::VerifyTreeResponse> Verify(
      const v1::VerifyTreeRequest& request) const;

  LogTree& tree_;
  const AccessTree& access_;
  const EventLog& log_;
  const SpineLog& spines_;
  const ChainLog& chains_;
  PolicyFold& fold_;
  const NewestStamp stamp_;
  const Sign sign_;
  const Clock& clock_;
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_EVIDENCE_DESK_H_

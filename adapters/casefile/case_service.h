// concordat.edge.v1.EdgeService of a case-file edge: what became of the files,
// and the rows that could not be read, for the clerk of its own agency. For the
// operator counts and envelopes: a reason may quote a row.
//
// Who acts on a reject says why. The act is on stable storage before anything
// comes of it, and its fact on the bus before the caller hears of it; a repeat
// gets the first answer, also after a crash in between.
//
// Threads  Any; a call may wait for the bus.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_CASE_SERVICE_H_
#define CONCORDAT_ADAPTERS_CASEFILE_CASE_SERVICE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/casefile/case_store.h"
#include "adapters/casefile/mapping_set.h"
#include "adapters/casefile/row_worker.h"
#include "concordat/edge/v1/service.pb.h"
#include "services/common/base/clock.h"
#include "services/common/crypto/sha256.h"
#include "services/common/rpc/server_host.h"

namespace concordat::casefile {

class CaseService {
 public:
  struct Parts {
    std::string agency;
    std::string clerk_role;
    CaseStore* store = nullptr;
    RowWorker* worker = nullptr;
    const HmacSha256* marks = nullptr;
    const Clock* clock = nullptr;      // The real one.
    const Clock* log_clock = nullptr;  // When acts without a time happen.
    // Whether there is a record of the person to a caller of the agency: a reject of
    // somebody of whom it says no is not there to them.
    std::function<bool(const PersonKey& subject,
                       const bus::v1::Principal& caller)>
        allows;
    // The mappings as they are now.
    std::function<absl::StatusOr<MappingSet>()> load_mappings;
    // The worker has something to do.
    std::function<void()> wake;
    // For the bus to have an act.
    absl::Duration patience = absl::Seconds(3);
  };
  explicit CaseService(Parts parts) : parts_(std::move(parts)) {}

  // This outlives the host.
  void AddTo(ServerHost& host);

  // All: PERMISSION_DENIED  not the clerk of this agency; the operator may list,
  //      preview, and replay a row as it is.  NOT_FOUND  there is no such
  //      reject, or not to the caller.  The rest as EdgeService has them.
  absl::StatusOr<edge::v1::ListRejectsResponse> List(
      const bus::v1::Principal& caller) const;
  //   FAILED_PRECONDITION  the mappings do not load.
  absl::StatusOr<edge::v1::PreviewReplayResponse> PreviewReplay(
      const bus::v1::Principal& caller) const;
  absl::StatusOr<edge::v1::LookAtItemResponse> Look(
      const bus::v1::Principal& caller,
      const edge::v1::LookAtItemRequest& request);
  // The row is read again by the mapping of now, with the columns that the
  // clerk mends. A question about a row that has vanished: its fact is taken
  // back.
  //   FAILED_PRECONDITION  it is a reject still, or nothing of it is kept; why.
  absl::StatusOr<edge::v1::ActReply> Replay(
      const bus::v1::Principal& caller,
      const edge::v1::ReplayItemRequest& request);
  // Nothing comes of it, and its content is destroyed.
  absl::StatusOr<edge::v1::ActReply> Leave(
      const bus::v1::Principal& caller,
      const edge::v1::LeaveItemRequest& request);

 private:
  absl::Status CheckCaller(const bus::v1::Principal& caller) const;
  // For the clerk, or the operator.
  absl::Status CheckSeer(const bus::v1::Principal& caller) const;
  absl::StatusOr<MappingSet> LoadMappings() const;
  // Of a request of any act, if it is allowed.
  template <typename Request>
  absl::StatusOr<edge::v1::RejectAct> WishOf(absl::Status allowed,
                                             const bus::v1::Principal& caller,
                                             const Request& request) const;
  // Takes an act, or finds the one that it repeats, and waits until the bus has
  // it. `prepare` says what becomes of the reject.
  absl::StatusOr<edge::v1::ActReply> Take(
      const bus::v1::Principal& caller, edge::v1::RejectAct act,
      const std::function<absl::Status(const edge::v1::WaitingRow&,
                                       edge::v1::RejectAct&)>& prepare);
  absl::StatusOr<edge::v1::ActReply> Answer(uint64_t act,
                                            const edge::v1::WaitingRow& reject,
                                            bool duplicate) const;
  // It is about somebody of whom there is no record to the caller.
  bool IsHidden(const bus::v1::Principal& caller,
                const edge::v1::WaitingRow& reject) const;
  absl::StatusOr<edge::v1::WaitingRow> Find(const bus::v1::Principal& caller,
                                            const std::string& item_ref) const;
  absl::StatusOr<edge::v1::WaitingRow> ReadAgain(
      const edge::v1::WaitingRow& reject, const MappingSet& mappings,
      const edge::v1::ReplayItemRequest& request) const;
  uint64_t NowMicros() const;

  const Parts parts_;
};

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_CASE_SERVICE_H_

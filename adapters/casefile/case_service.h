// concordat.edge.v1.EdgeService of a case-file edge: what became of the files,
// and the rows that could not be read, for the clerk of its own agency. Counts
// alone for the operator: a reason may quote a row.
//
// Who acts on a reject says why; that they did is a fact on the bus before
// anything comes of it. What was acted on leaves the list: a repeat is NOT_FOUND.
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
    const Clock* clock = nullptr;
    // The mappings as they are now.
    std::function<absl::StatusOr<MappingSet>()> load_mappings;
    // A row waits that did not before.
    std::function<void()> wake;
  };
  explicit CaseService(Parts parts) : parts_(std::move(parts)) {}

  // This outlives the host.
  void AddTo(ServerHost& host);

  // All: PERMISSION_DENIED  not the clerk of this agency; for the list the
  //      operator may ask too.  NOT_FOUND  there is no such reject.
  absl::StatusOr<edge::v1::ListRejectsResponse> List(
      const bus::v1::Principal& caller) const;
  absl::StatusOr<edge::v1::LookAtItemResponse> Look(
      const bus::v1::Principal& caller,
      const edge::v1::LookAtItemRequest& request);
  // The row is read again by the mapping of now, with the columns that the
  // clerk mends. A question about a row that has vanished: its fact is taken
  // back.
  //   FAILED_PRECONDITION  it is a reject still, or nothing of it is kept; why.
  //   UNAVAILABLE          the bus or the disk; nothing changed.
  absl::StatusOr<edge::v1::ActReply> Replay(
      const bus::v1::Principal& caller,
      const edge::v1::ReplayItemRequest& request);
  // Nothing comes of it, and its content is destroyed.
  absl::StatusOr<edge::v1::ActReply> Leave(
      const bus::v1::Principal& caller,
      const edge::v1::LeaveItemRequest& request);

 private:
  absl::Status CheckCaller(const bus::v1::Principal& caller) const;
  absl::StatusOr<edge::v1::WaitingRow> Find(const std::string& item_ref) const;
  absl::StatusOr<edge::v1::WaitingRow> ReadAgain(
      const edge::v1::WaitingRow& reject,
      const edge::v1::ReplayItemRequest& request) const;
  // Publishes that somebody acted.
  template <typename Fact>
  absl::StatusOr<Sequence> Say(Fact fact, const bus::v1::Principal& caller,
                               const std::string& item_ref,
                               const std::string& on_behalf_of);

  const Parts parts_;
};

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_CASE_SERVICE_H_

// concordat.edge.v1.EdgeService: what this edge keeps, for the people of its own
// agency who may act on it; for the operator counts, reasons and the envelopes of
// what was refused, which may be judged again. Others, and other agencies, are
// told the same whether or not there is anything.
#ifndef CONCORDAT_ADAPTERS_CORE_EDGE_SERVICE_H_
#define CONCORDAT_ADAPTERS_CORE_EDGE_SERVICE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/core/edge_store.h"
#include "adapters/core/item_desk.h"
#include "concordat/edge/v1/service.pb.h"
#include "services/common/rpc/server_host.h"

namespace concordat::edge {

class EdgeService {
 public:
  // Whether there is a record of the person to a caller of the agency.
  using Allows = std::function<bool(const PersonKey& subject,
                                    const bus::v1::Principal& caller)>;

  // `roles` of `agency` may see and act; of somebody of whom `allows` says no there
  // is no item to them. `fill` adds to the counts what only the adapter knows; may be
  // null. Borrows store and desk.
  EdgeService(const EdgeStore& store, ItemDesk& desk, std::string agency,
              std::vector<std::string> roles, Allows allows,
              std::function<void(v1::Counts&)> fill)
      : store_(store),
        desk_(desk),
        agency_(std::move(agency)),
        roles_(std::move(roles)),
        allows_(std::move(allows)),
        fill_(std::move(fill)) {}

  // This outlives the host.
  void AddTo(ServerHost& host);

  // All: PERMISSION_DENIED  not one of these roles of this agency. The operator
  //      may list, preview, and replay what was refused.
  absl::StatusOr<v1::ListRejectsResponse> List(
      const bus::v1::Principal& caller,
      const v1::ListRejectsRequest& request) const;
  absl::StatusOr<v1::PreviewReplayResponse> PreviewReplay(
      const bus::v1::Principal& caller) const;
  absl::StatusOr<v1::LookAtItemResponse> Look(
      const bus::v1::Principal& caller, const v1::LookAtItemRequest& request);
  absl::StatusOr<v1::ActReply> Release(const bus::v1::Principal& caller,
                                       const v1::ReleaseItemRequest& request);
  absl::StatusOr<v1::ActReply> Replay(const bus::v1::Principal& caller,
                                      const v1::ReplayItemRequest& request);
  absl::StatusOr<v1::ActReply> Leave(const bus::v1::Principal& caller,
                                     const v1::LeaveItemRequest& request);

 private:
  absl::Status CheckCaller(const bus::v1::Principal& caller) const;
  // For the agency's own people, or the operator.
  absl::Status CheckSeer(const bus::v1::Principal& caller) const;
  // The item is about somebody of whom there is no record to the caller.
  bool IsHidden(const bus::v1::Principal& caller, const KeptItem& kept) const;
  // 0: there is none, or it is hidden.
  uint64_t NumberFor(const bus::v1::Principal& caller,
                     absl::string_view item_ref) const;
  // The act that a request asks for, its texts checked, if it is allowed.
  absl::StatusOr<Act> WishOf(const absl::Status& allowed,
                             const bus::v1::Principal& caller,
                             const hub::v1::Command& command,
                             const std::string& item_ref,
                             const std::string& reason,
                             const std::string& note) const;
  absl::StatusOr<v1::ActReply> Take(Act wish, Sequence min_position);
  // As the agency's own people see it.
  void Fill(const KeptItem& kept, v1::Item& item) const;

  const EdgeStore& store_;
  ItemDesk& desk_;
  const std::string agency_;
  const std::vector<std::string> roles_;
  const Allows allows_;
  const std::function<void(v1::Counts&)> fill_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_EDGE_SERVICE_H_

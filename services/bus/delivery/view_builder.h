#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_VIEW_BUILDER_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_VIEW_BUILDER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"
#include "services/common/policy/policy.h"

namespace concordat::bus {

// Makes the view of a stored event for one recipient: a copy of what is granted,
// the commitments of what is not. PURE; for one thread.
class ViewBuilder {
 public:
  explicit ViewBuilder(std::shared_ptr<const TypeRegistry> types)
      : types_(std::move(types)) {}

  // `granted` is not 0. The view borrows `event` and this, until the next call.
  const BorrowedView& Build(const StoredEvent& event, const Recipient& to,
                            GroupMask granted);
  // For the operator: position, times, source, type and controller.
  const BorrowedView& Envelope(const StoredEvent& event);

 private:
  const std::vector<std::string>& WithheldOf(const EventType& type,
                                             GroupMask granted);

  const std::shared_ptr<const TypeRegistry> types_;
  absl::flat_hash_map<std::pair<const EventType*, GroupMask>,
                      std::unique_ptr<const std::vector<std::string>>>
      withheld_;
  BorrowedView view_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_VIEW_BUILDER_H_

// The event as it is stored for everybody: nothing is left out, nothing replaced.
#include "services/bus/delivery/view_builder.h"

namespace concordat::bus {

const BorrowedView& ViewBuilder::Build(const StoredEvent& event,
                                       const Recipient&, GroupMask) {
  view_.sequence = event.sequence;
  view_.accepted_us = event.accepted_us;
  view_.environment = event.environment;
  view_.header = event.header;
  view_.groups.clear();
  for (const StoredGroup& group : event.opened) {
    view_.groups.push_back({group.number, group.data, group.salt});
  }
  view_.header_salt = event.header_salt;
  return view_;
}

const BorrowedView& ViewBuilder::Envelope(const StoredEvent& event) {
  return Build(event, {}, 0);
}

}  // namespace concordat::bus

#include "services/bus/delivery/view_builder.h"

#include "services/common/policy/shown.h"

namespace concordat::bus {

const std::vector<std::string>& ViewBuilder::WithheldOf(const EventType& type,
                                                        GroupMask granted) {
  auto& words = withheld_[{&type, granted}];
  if (words == nullptr) {
    words = std::make_unique<const std::vector<std::string>>(
        Withheld(type, granted));
  }
  return *words;
}

const BorrowedView& ViewBuilder::Build(const StoredEvent& event,
                                       const Recipient& to, GroupMask granted) {
  const EventType* type = types_->Find(event.header.type);
  view_.sequence = event.sequence;
  view_.accepted_us = event.accepted_us;
  view_.environment = event.environment;
  view_.header = event.header;
  view_.groups.clear();
  view_.commitments.clear();
  view_.withheld.clear();
  view_.faults.clear();
  // Erased groups are not opened: their commitments are all there is.
  const GroupMask shown = CopyGranted(event.opened, granted, view_.groups);
  for (const auto& commitment : event.commitments) {
    if ((shown >> commitment.number) & 1u) continue;
    view_.commitments.push_back({commitment.number, commitment.hash});
  }
  view_.header_salt.reset();
  view_.header_commitment.reset();
  if (type != nullptr && ShowsHeaderGroup(event.header, *type, to, granted)) {
    view_.header_salt = event.header_salt;
  } else {
    HideHeaderGroup(view_.header);
    view_.header_commitment = event.header_commitment;
  }
  if (type != nullptr) {
    const std::vector<std::string>& withheld = WithheldOf(*type, granted);
    view_.withheld.assign(withheld.begin(), withheld.end());
  }
  // Faults name fields: for those from whom no field is withheld.
  if (view_.withheld.empty()) {
    view_.faults.assign(event.faults.begin(), event.faults.end());
  }
  return view_;
}

const BorrowedView& ViewBuilder::Envelope(const StoredEvent& event) {
  view_ = BorrowedView();
  view_.sequence = event.sequence;
  view_.accepted_us = event.accepted_us;
  view_.environment = event.environment;
  view_.header.source = event.header.source;
  view_.header.type = event.header.type;
  view_.header.controller = event.header.controller;
  view_.header.id = event.header.id;
  view_.header.time_us = event.header.time_us;
  view_.header.time_precision = event.header.time_precision;
  view_.header.recorded_us = event.header.recorded_us;
  return view_;
}

}  // namespace concordat::bus

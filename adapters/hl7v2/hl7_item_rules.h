// What this edge's kept messages mean to who acts on them.
#ifndef CONCORDAT_ADAPTERS_HL7V2_HL7_ITEM_RULES_H_
#define CONCORDAT_ADAPTERS_HL7V2_HL7_ITEM_RULES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "adapters/core/cohort.h"
#include "adapters/core/item_desk.h"
#include "adapters/core/sharing_decisions.h"
#include "adapters/hl7v2/mapping.h"

namespace concordat::hl7v2 {

// The event that a message becomes, whenever it is let out: its id is that of
// the message, its time the message's own.
edge::v1::MadeEvent MakeMissed(const edge::WaitingMessage& message,
                               const MissedAppointment& missed);

class Hl7ItemRules : public edge::ItemRules {
 public:
  // Borrows all.
  Hl7ItemRules(const Mapping& mapping, const edge::Cohort& cohort,
               const edge::SharingDecisions& decisions)
      : mapping_(mapping), cohort_(cohort), decisions_(decisions) {}

  std::vector<edge::KeptField> Show(const edge::KeptItem& item) const override;
  absl::StatusOr<std::string> PreviewRelease(
      const edge::KeptItem& item) const override;
  absl::StatusOr<std::vector<edge::v1::MadeEvent>> Release(
      const edge::KeptItem& item,
      absl::string_view decision_ref) const override;
  absl::Status Replay(const edge::KeptItem& item) const override;
  bool AwaitPosition(Sequence position, absl::Duration timeout) const override;

 private:
  const Mapping& mapping_;
  const edge::Cohort& cohort_;
  const edge::SharingDecisions& decisions_;
};

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_HL7_ITEM_RULES_H_

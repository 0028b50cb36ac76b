// What is checked of a bundle that the log's key signed. Internal to
// services/common/bundle.
#ifndef CONCORDAT_SERVICES_COMMON_BUNDLE_BUNDLE_CHECK_H_
#define CONCORDAT_SERVICES_COMMON_BUNDLE_BUNDLE_CHECK_H_

#include <map>
#include <set>

#include "absl/status/status.h"
#include "concordat/access/v1/records.pb.h"
#include "services/common/base/ids.h"
#include "services/common/bundle/bundle.h"
#include "services/common/evidence/spine.h"

namespace concordat {

class BundleCheck {
 public:
  // All outlive it; it fills in what `checked` has beside the bundle.
  BundleCheck(const BundleKeys& keys, const NoteVerifier& log,
              CheckedBundle& checked)
      : keys_(keys), log_(log), checked_(checked) {}

  //   DATA_LOSS  says what does not hold.
  absl::Status Run();

 private:
  absl::Status CheckCheckpoints();
  absl::Status CheckEvent(const access::v1::BundledEvent& event);
  absl::Status CheckView(const access::v1::BundledEvent& event,
                         const Spine& spine);
  absl::Status CheckCounts(const access::v1::BundledEvent& event,
                           const Spine& spine);
  absl::Status CheckRecord(const access::v1::BundledRecord& record);
  // That every event and every delivery of the report is one that was shown.
  absl::Status CheckReport();
  absl::Status CheckKnown(const access::v1::KnownEvent& known);
  absl::Status CheckKnower(const access::v1::Knower& knower);
  // The record of a delivery to that knower that has the event. Sets its session
  // and number, and the groups that it showed.
  struct Found {
    const access::v1::Record* record = nullptr;
    uint64_t session = 0;
    uint64_t delivery = 0;
    uint32_t groups = 0;
  };
  absl::StatusOr<Found> FindDelivery(const access::v1::Knower& knower,
                                     uint64_t record, uint64_t sequence) const;
  absl::Status CheckAcknowledged(const access::v1::Knower& knower,
                                 const access::v1::Knowledge& knowledge) const;
  absl::Status CheckOpening(const access::v1::Knower& knower,
                            const access::v1::Opening& opening) const;
  void TellLimits();

  const BundleKeys& keys_;
  const NoteVerifier& log_;
  CheckedBundle& checked_;
  PersonKey person_;
  Checkpoint access_;
  std::map<uint64_t, access::v1::KnownEvent> events_;  // By sequence.
  std::set<uint64_t> numbers_;                         // Of the person, shown.
  std::set<uint64_t> told_numbers_;  // Without a salt to show it.
  std::map<uint64_t, access::v1::Record> records_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUNDLE_BUNDLE_CHECK_H_

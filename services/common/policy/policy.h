// Who may see what: agreements and the policy that the log's events fold to.
// PURE; the bus, the alerts service and everything else that shows an event to
// somebody use this and nothing else.
//
// Threads  Agreements is immutable. PolicyState is for one thread at a time.
#ifndef CONCORDAT_SERVICES_COMMON_POLICY_POLICY_H_
#define CONCORDAT_SERVICES_COMMON_POLICY_POLICY_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat {

// A recipient: the agency and what it acts as. An arrangement is an agency here.
struct Recipient {
  std::string agency;
  std::string role;
  // Not empty: a hub service's right to process these types about anybody.
  std::vector<std::string> process_types;
};

// What a person's cases say about who may see that person's events.
struct PersonPolicy {
  std::set<std::string> parties;     // Agencies party to an open case.
  std::string lead;                  // Of the case, or who notified or referred.
  uint32_t level = 0;                // MAPPA level; 0: none.
  bool arrangement_party = false;    // From the first notification or referral.
  bool case_open = false;
  std::set<std::string> registered_by;
  friend bool operator==(const PersonPolicy&, const PersonPolicy&) = default;
};

// Bit g is set when group g of the type is granted.
using GroupMask = uint8_t;

class PolicyState {
 public:
  explicit PolicyState(std::shared_ptr<const TypeRegistry> types);

  // Replaces the agreement of this name if the version is higher.
  //   INVALID_ARGUMENT  unknown type, bad date, a grant of an internal type;
  //                     names the grant's line.
  absl::Status Adopt(const policy::v1::Agreement& agreement);

  // Folds one durable event. True when it may have changed what somebody sees
  // of its subject.
  absl::StatusOr<bool> Apply(const HeaderView& header,
                             absl::string_view message);

  // What `to` may see of an event with this header, on the day of `now_us`.
  // 0: nothing, not even the header.
  GroupMask Granted(const HeaderView& header, const Recipient& to,
                    uint64_t now_us) const;
  // The same under another person policy, for comparing before and after.
  GroupMask GrantedUnder(const HeaderView& header, const Recipient& to,
                         uint64_t now_us, const PersonPolicy& person) const;
  // Plain words for what the agreement withholds of this type from `to`.
  std::vector<std::string> Withheld(const EventType& type, GroupMask granted)
      const;
  // No grant names this agency at all: a subscription would see nothing.
  bool HasAnyGrant(const Recipient& to) const;

  const PersonPolicy& Of(const PersonKey& person) const;

 private:
  struct Compiled;
  std::shared_ptr<const TypeRegistry> types_;
  std::shared_ptr<const Compiled> compiled_;
  absl::flat_hash_map<PersonKey, PersonPolicy> persons_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_POLICY_POLICY_H_

// A fact as the rules know it: its header, and those of its fields that a rule
// asks for, each with the disclosure group it is in. PURE.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_FACT_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_FACT_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"
#include "services/common/policy/policy.h"

namespace concordat::alerts {

// The field in which an event says why it takes back or corrects another.
inline constexpr char kAmendmentReason[] = "amendmentReason";

// The event by which identity takes facts from a person.
inline constexpr char kLinkCut[] = "concordat.identity.v1.LinkCut";

struct FactField {
  std::string name;    // JSON name.
  uint32_t group = 0;  // Disclosure group.
  std::vector<std::string> values;
};

struct Fact {
  Sequence sequence;
  uint64_t accepted_us = 0;
  Header header;
  std::vector<FactField> fields;
  bool off = false;  // Taken back, or corrected by a later one.
};

// Those of one person, in log order.
using Facts = std::vector<std::unique_ptr<Fact>>;

// What says no time happened when it was accepted.
//   INVALID_ARGUMENT  the event's data cannot be read.
absl::StatusOr<Fact> ReadFact(const View& view, const TypeRegistry& types,
                              const std::set<std::string>& wanted);

// Null: the field is empty, or not in the groups that are seen.
const std::vector<std::string>* ValuesOf(const Fact& fact,
                                         absl::string_view field,
                                         GroupMask seen);

// Who sees these groups sees that the fact is of this pattern, off or not.
bool Matches(const v1::EventPattern& pattern, const Fact& fact, GroupMask seen);

// "<source>#<id>": names an event from anywhere.
std::string EventRef(const Header& header);
// `reference`, written in an event of `source`, names this one.
bool Names(absl::string_view reference, absl::string_view source,
           const Header& header);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_FACT_H_

// How long what was told is kept, and who decides first, at a moment: what the hub's
// retention policy and the adopted agreements ask for. PURE.
//
// A fact is its controller's, who answers for how long it is kept. What an agency told
// is kept for the longest of the periods of the agreements that it is of, in force or
// over, each in its newest version; an agreement that states none, and none, is as the
// policy has it. An agreement that begins later lets nothing of its agencies go before.
#ifndef CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_TERMS_H_
#define CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_TERMS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/retention.pb.h"
#include "services/common/base/ids.h"
#include "services/common/policy/policy.h"

namespace concordat::bus {

struct Period {
  // Kept: what ended at or after it, log time.
  uint64_t cutoff_us = 0;
  // The agreement that has it, by name and version; empty: the policy.
  std::string by;
};

struct Periods {
  Period after_case;
  Period after_event;
};

// What is asked of an agency whose people decide first.
struct ReviewTerms {
  // Due: who was told of last before the one, the last case over before the other.
  uint64_t event_cutoff_us = 0;
  uint64_t case_cutoff_us = 0;
  std::string agreement;  // That it is for.
  std::string reason;
};

// Who told something, by name.
using Agencies = std::set<std::string, std::less<>>;

struct RetentionTerms {
  uint32_t version = 0;  // Of the policy.
  // Whose periods count, by name and version, as they were adopted.
  std::vector<std::string> agreements;
  Periods otherwise;  // Of whoever is of no agreement.
  std::map<std::string, Periods, std::less<>> by_agency;
  // No period after an event is over for what came at or after it.
  uint64_t young_from_us = 0;
  absl::flat_hash_set<PersonKey> held;
  std::map<std::string, ReviewTerms> reviews;  // By agency.

  const Periods& Of(absl::string_view agency) const;
  // The longest of those that told; of nobody, the policy's.
  const Period& Longest(Period Periods::*which, const Agencies& told) const;
};

// `agreements` is every one that was adopted, as Agreements::List(now_us) has them.
//   INVALID_ARGUMENT     a field is not as retention.proto has it; names it.
//   FAILED_PRECONDITION  it is not in force yet.
absl::StatusOr<RetentionTerms> TermsOf(
    const v1::RetentionPolicy& policy,
    const std::vector<AdoptedAgreement>& agreements, uint64_t now_us,
    const absl::TimeZone& london);

// The reviews alone, by agency, whether or not the policy is in force.
//   INVALID_ARGUMENT  a review is not as retention.proto has it; names the agency.
absl::StatusOr<std::map<std::string, ReviewTerms>> ReviewTermsOf(
    const v1::RetentionPolicy& policy,
    const std::vector<AdoptedAgreement>& agreements, uint64_t now_us,
    const absl::TimeZone& london);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_TERMS_H_

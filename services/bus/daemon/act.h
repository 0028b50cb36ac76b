// An act that needs two people: what it is, and whether what one asked for is what
// the other would do. PURE but for what it is linked with.
//
// Threads  Values and functions.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_ACT_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_ACT_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/approval.pb.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {

inline constexpr size_t kActWordsMax = 300;

struct Act {
  std::string kind;  // Of MayAgree() (principal_registry.h).
  // In words, for the other person and the log: numbers and agencies, never who it
  // is about.
  std::string what;
  // ActDigest() of everything that decides what is done.
  Sha256Hash digest = {};
  uint64_t count = 0;
  std::string agency = {};  // Both people are of it; empty: of any.
};

// Of the parts in their order; two lists of parts never have the same.
Sha256Hash ActDigest(absl::string_view kind,
                     std::initializer_list<absl::string_view> parts);

// Somebody at the other end of a call. `staff`: the account, if by the gateway.
struct Person {
  std::string principal;
  std::string staff;
  std::string agency;
};
// One account is one person, whatever principals it speaks through; without
// accounts a principal is.
bool IsSamePerson(const Person& one, const Person& other);

// May `person` have `act` done, because of what another asked?
//   PERMISSION_DENIED    asked for by the same person, or not of the act's agency.
//   FAILED_PRECONDITION  it is another act, or too late; says which.
absl::Status CheckApproval(const hub::v1::ApprovalAsked& asked, const Act& act,
                           const Person& person, absl::Time now);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_ACT_H_

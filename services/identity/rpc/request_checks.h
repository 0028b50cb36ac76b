// What methods of identity ask of a request about a person: who it is, by which
// numbers, and whether the caller's agency has an interest in them.
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_REQUEST_CHECKS_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_REQUEST_CHECKS_H_

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/identity/v1/service.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "services/common/base/clock.h"
#include "services/common/rpc/call.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/store/identity_store.h"

namespace concordat::identity {

inline constexpr size_t kTextBytesMax = 500;
inline constexpr int kIdentifiersMax = 16;

// The same words whoever is asked about.
absl::Status NotForYou();
absl::StatusOr<PersonKey> ReadSubject(const std::string& text);
absl::StatusOr<WrittenIdentifier> ReadIdentifier(const Call& call,
                                                 const v1::Identifier& written,
                                                 const Clock& clock);
absl::StatusOr<std::vector<WrittenIdentifier>> ReadIdentifiers(
    const Call& call,
    const google::protobuf::RepeatedPtrField<v1::Identifier>& written,
    const Clock& clock);

// Whether the caller's agency registered the person or is party to their open case,
// and no list keeps the caller from the person's record.
absl::StatusOr<bool> HasInterest(IdentityStore& store,
                                 const CaseParties& parties,
                                 const bus::v1::Principal& caller,
                                 const PersonKey& person);

// Whom the numbers name for the caller: by links that may be used if its agency has
// an interest in the person, else whom it registered with one of them itself.
// Nothing: nobody that it may know of.
absl::StatusOr<std::optional<PersonKey>> PersonFor(
    IdentityStore& store, const CaseParties& parties, const Call& call,
    const std::vector<CanonicalIdentifier>& identifiers);

// The agencies that the caller may know to be involved with the person: its own, and
// the parties of an open case that it is party to.
//   UNAVAILABLE  as CaseParties.
absl::StatusOr<std::set<std::string>> KnownAgencies(const CaseParties& parties,
                                                    const Call& call,
                                                    const PersonKey& person);

// As people write it.
std::string AgencyName(const PrincipalRegistry& registry,
                       const std::string& agency);

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_REQUEST_CHECKS_H_

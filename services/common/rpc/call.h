// Who calls, with what right, and until when.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_CALL_H_
#define CONCORDAT_SERVICES_COMMON_RPC_CALL_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/common/config/principal_registry.h"

namespace concordat {

// What a caller may say beside its request.
inline constexpr char kPurposeMetadata[] = "concordat-purpose";
inline constexpr char kPrincipalMetadata[] = "concordat-principal";
inline constexpr char kStaffMetadata[] = "concordat-staff";
inline constexpr char kTraceMetadata[] = "traceparent";  // W3C.

struct Call {
  // As it was when the call came.
  std::shared_ptr<const PrincipalRegistry> registry;
  // Whose rights it has. Of `registry`; never null.
  const bus::v1::Principal* principal = nullptr;
  // When one that may speak for `principal` calls in its name: who that is, and
  // the account of the person there, if it says. Else empty.
  std::string via;
  std::string staff;
  // What shows that it goes on being that of `principal`, for
  // PrincipalRegistry::FindByProof().
  std::string proof;
  std::string method;   // "concordat.police.v1.PoliceService/RecordVisit"
  std::string purpose;  // May be empty: the caller said none and has none.
  // As the caller says; empty: it is not traced.
  std::string traceparent;
  absl::Time deadline;  // InfiniteFuture for a stream without one.
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_CALL_H_

// Who calls, with what right, and until when.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_CALL_H_
#define CONCORDAT_SERVICES_COMMON_RPC_CALL_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/common/config/principal_registry.h"

namespace concordat {

struct Call {
  // As it was when the call came.
  std::shared_ptr<const PrincipalRegistry> registry;
  const bus::v1::Principal* principal = nullptr;  // Of `registry`; never null.
  std::string method;   // "concordat.police.v1.PoliceService/RecordVisit"
  std::string purpose;  // May be empty: the caller said none and has none.
  absl::Time deadline;  // InfiniteFuture for a stream without one.
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_CALL_H_

// That a service has nothing of an erased person any more, said in the log.
#ifndef CONCORDAT_SERVICES_COMMON_PROJECTION_ERASURE_CONFIRMATION_H_
#define CONCORDAT_SERVICES_COMMON_PROJECTION_ERASURE_CONFIRMATION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"

namespace concordat {

inline constexpr char kPersonErasedType[] = "concordat.hub.v1.PersonErased";

// Publishes hub.v1.ErasureConfirmed for the erasure of `erased`, a PersonErased;
// once, however often it is called. Waits for the bus.
//   INVALID_ARGUMENT  not a PersonErased.
//   UNAVAILABLE       the bus did not take it: call again.
// Of a service without the right to say so nobody waits for it: OK.
absl::Status ConfirmErasure(const View& erased, uint64_t destroyed,
                            const bus::v1::Principal& self,
                            Publisher& publisher, const TypeRegistry& types,
                            Random& random);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PROJECTION_ERASURE_CONFIRMATION_H_

#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_DELIVERY_SETTINGS_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_DELIVERY_SETTINGS_H_

#include "absl/status/statusor.h"
#include "concordat/bus/v1/settings.pb.h"
#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {

// `settings` are checked, each by itself (CheckSettings).
//   INVALID_ARGUMENT  two that do not go together; names them.
absl::StatusOr<DeliveryOptions> OptionsOf(const v1::DeliverySettings& settings);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_DELIVERY_SETTINGS_H_

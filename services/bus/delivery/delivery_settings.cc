#include "services/bus/delivery/delivery_settings.h"

namespace concordat::bus {

absl::StatusOr<DeliveryOptions> OptionsOf(
    const v1::DeliverySettings& settings) {
  if (settings.backoff_max_ms() < settings.backoff_min_ms()) {
    return absl::InvalidArgumentError(
        "bus.textproto: backoff_max_ms is at least backoff_min_ms");
  }
  DeliveryOptions options;
  options.redelivery.attempts = settings.attempts();
  options.redelivery.backoff_min =
      absl::Milliseconds(settings.backoff_min_ms());
  options.redelivery.backoff_max =
      absl::Milliseconds(settings.backoff_max_ms());
  options.redelivery.set_aside_max = settings.set_aside_max();
  options.redrive_per_s = settings.redrive_per_s();
  options.expire_after = absl::Hours(24) * settings.expire_after_days();
  options.urgent_lag_max = absl::Milliseconds(settings.urgent_lag_max_ms());
  return options;
}

}  // namespace concordat::bus

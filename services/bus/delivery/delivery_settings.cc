#include "services/bus/delivery/delivery_settings.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace concordat::bus {
namespace {

// settings.proto tells people the same.
struct Setting {
  int number;
  uint32_t by_default;
  uint32_t min;
  uint32_t max;
};
constexpr Setting kSettings[] = {
    {v1::DeliverySettings::kAttemptsFieldNumber, 5, 1, 100},
    {v1::DeliverySettings::kBackoffMinMsFieldNumber, 1'000, 10, 3'600'000},
    {v1::DeliverySettings::kBackoffMaxMsFieldNumber, 300'000, 10, 86'400'000},
    {v1::DeliverySettings::kSetAsideMaxFieldNumber, 10'000, 1, 100'000},
    {v1::DeliverySettings::kRedrivePerSFieldNumber, 10, 1, 1'000},
    {v1::DeliverySettings::kExpireAfterDaysFieldNumber, 180, 1, 3'650},
};

}  // namespace

absl::StatusOr<DeliveryOptions> OptionsOf(
    const v1::DeliverySettings& settings) {
  v1::DeliverySettings whole = settings;
  const google::protobuf::Reflection& at = *whole.GetReflection();
  for (const Setting& setting : kSettings) {
    const google::protobuf::FieldDescriptor* field =
        whole.GetDescriptor()->FindFieldByNumber(setting.number);
    if (!at.HasField(whole, field)) {
      at.SetUInt32(&whole, field, setting.by_default);
    }
    const uint32_t value = at.GetUInt32(whole, field);
    if (value < setting.min || value > setting.max) {
      return absl::InvalidArgumentError(
          absl::StrCat("bus.textproto: ", field->name(), " is ", setting.min,
                       " to ", setting.max));
    }
  }
  if (whole.backoff_max_ms() < whole.backoff_min_ms()) {
    return absl::InvalidArgumentError(
        "bus.textproto: backoff_max_ms is at least backoff_min_ms");
  }
  DeliveryOptions options;
  options.redelivery.attempts = whole.attempts();
  options.redelivery.backoff_min = absl::Milliseconds(whole.backoff_min_ms());
  options.redelivery.backoff_max = absl::Milliseconds(whole.backoff_max_ms());
  options.redelivery.set_aside_max = whole.set_aside_max();
  options.redrive_per_s = whole.redrive_per_s();
  options.expire_after = absl::Hours(24) * whole.expire_after_days();
  return options;
}

}  // namespace concordat::bus

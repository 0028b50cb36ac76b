#include "services/bus/ingest/log_time.h"

#include <algorithm>
#include <string>

#include "concordat/hub/v1/events.pb.h"

namespace concordat::bus {

LogTime::LogTime(v1::Environment environment, const Clock& clock,
                 uint64_t start_us)
    : story_(environment == v1::ENVIRONMENT_DEMO ||
             environment == v1::ENVIRONMENT_TRAINING),
      clock_(clock),
      now_us_(start_us) {}

void LogTime::Look() {
  if (story_) return;
  clock_us_ = static_cast<uint64_t>(
      std::max<int64_t>(0, absl::ToUnixMicros(clock_.Now())));
}

uint64_t LogTime::Of(const EventView& event) const {
  uint64_t us = clock_us_;
  if (story_ && event.header.type == "concordat.hub.v1.TimePassed") {
    std::string data;
    for (const auto& group : event.groups) {
      data.append(group.data.data(), group.data.size());
    }
    hub::v1::TimePassed passed;
    if (passed.ParseFromString(data)) us = passed.to();
  }
  return std::max(now_us_, us);
}

}  // namespace concordat::bus

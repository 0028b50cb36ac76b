#include "gateway/cli/drain.h"

#include <cstdint>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gateway/cli/demo/settle.h"
#include "gateway/cli/json.h"
#include "services/common/base/system_clock.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.BusService/";
constexpr absl::Duration kLookEvery = absl::Milliseconds(200);

template <typename Response, typename Request>
absl::StatusOr<Response> Call(Hub& hub, const char* method,
                              const Request& request) {
  return hub.Call<Response>(kProgram, absl::StrCat(kService, method), request);
}

absl::StatusOr<uint64_t> UntilOf(const std::string& text) {
  absl::Duration from_now;
  if (absl::ParseDuration(text, &from_now)) {
    return static_cast<uint64_t>(
        absl::ToUnixMicros(SystemClock().Now() + from_now));
  }
  return ParseIsoTime(text);
}

}  // namespace

void PrintOperation(const bus::v1::GetLogStatusResponse& status) {
  if (status.has_drain()) {
    const bus::v1::DrainState& drain = status.drain();
    const bool drained = drain.phase() == bus::v1::DRAIN_PHASE_DRAINED;
    std::printf("drain        %s, since %s because %s\n",
                drained ? "drained; safe to stop" : "draining",
                LocalTime(drain.since()).c_str(), drain.why().c_str());
    for (const std::string& each : drain.behind()) {
      std::printf("  %s\n", each.c_str());
    }
  }
  if (status.has_maintenance()) {
    const hub::v1::Maintenance& maintenance = status.maintenance();
    std::printf("maintenance  since %s until %s because %s (%s)\n",
                LocalTime(maintenance.since()).c_str(),
                LocalTime(maintenance.until()).c_str(),
                maintenance.why().c_str(), maintenance.by().c_str());
  }
}

absl::Status DrainBus(Hub& hub, const std::string& why) {
  bus::v1::SetDrainingRequest request;
  request.set_draining(true);
  request.set_why(why);
  const auto set =
      Call<bus::v1::SetDrainingResponse>(hub, "SetDraining", request);
  if (!set.ok()) return set.status();
  std::string said;
  for (;;) {
    const auto status = Call<bus::v1::GetLogStatusResponse>(
        hub, "GetLogStatus", bus::v1::GetLogStatusRequest());
    if (!status.ok()) return status.status();
    if (!status->has_drain()) {
      return absl::AbortedError("somebody has the bus take events again");
    }
    const std::string left = absl::StrJoin(status->drain().behind(), ", ");
    if (status->drain().phase() == bus::v1::DRAIN_PHASE_DRAINED) {
      std::printf("drained; safe to stop%s%s\n",
                  left.empty() ? "" : "; after the next start: ", left.c_str());
      return absl::OkStatus();
    }
    if (left != said) std::printf("waits: %s\n", left.c_str());
    std::fflush(stdout);
    said = left;
    Pause(kLookEvery);
  }
}

absl::Status ResumeBus(Hub& hub, const std::string& why) {
  bus::v1::SetDrainingRequest request;
  request.set_why(why);
  return Call<bus::v1::SetDrainingResponse>(hub, "SetDraining", request)
      .status();
}

absl::Status Maintain(Hub& hub, bool over, const std::string& until,
                      const std::string& why) {
  if (over != until.empty()) {
    return absl::InvalidArgumentError(
        "log maintenance: --until TIME, or --over");
  }
  bus::v1::SetMaintenanceRequest request;
  request.set_why(why);
  if (!over) {
    const auto time = UntilOf(until);
    if (!time.ok()) return time.status();
    request.set_until(*time);
  }
  return Call<bus::v1::SetMaintenanceResponse>(hub, "SetMaintenance", request)
      .status();
}

}  // namespace concordat::cli

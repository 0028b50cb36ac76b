// concordat log status|verify
#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.BusService/";
// Reading a whole log takes its time.
constexpr absl::Duration kVerifyTimeout = absl::Minutes(30);

// What an urgent type was forgiven: somebody has to mend the records.
absl::Status PrintFaults(Hub& hub) {
  const auto list = hub.Call<bus::v1::ListFaultsResponse>(
      kProgram, absl::StrCat(kService, "ListFaults"),
      bus::v1::ListFaultsRequest());
  // The operator alone may see which.
  if (absl::IsPermissionDenied(list.status())) return absl::OkStatus();
  if (!list.ok()) return list.status();
  for (const auto& each : list->faults()) {
    std::printf("  %llu of %s from %s, the last at %llu: %s\n",
                static_cast<unsigned long long>(each.count()),
                each.type().c_str(), each.source().c_str(),
                static_cast<unsigned long long>(each.last_sequence()),
                absl::StrJoin(each.last_faults(), "; ").c_str());
  }
  return absl::OkStatus();
}

absl::Status Status(Hub& hub, bool as_json) {
  const auto status = hub.Call<bus::v1::GetLogStatusResponse>(
      kProgram, absl::StrCat(kService, "GetLogStatus"),
      bus::v1::GetLogStatusRequest());
  if (!status.ok()) return status.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*status).c_str());
    return absl::OkStatus();
  }
  std::printf(
      "log          %s, epoch %u, environment %s\n"
      "events       %llu\n"
      "log time     %s\n"
      "size         %llu bytes in %u segments\n"
      "sessions     %u\n"
      "writes       %s\n",
      absl::BytesToHexString(status->log_id()).c_str(), status->epoch(),
      status->environment().c_str(),
      static_cast<unsigned long long>(status->end_sequence()),
      LocalTime(status->log_time()).c_str(),
      static_cast<unsigned long long>(status->bytes()), status->segments(),
      status->sessions(),
      status->read_only()
          ? absl::StrCat("NONE: ", status->read_only_because()).c_str()
          : "taken");
  if (status->accepted_with_faults() == 0) return absl::OkStatus();
  std::printf("faults       %llu events of urgent types accepted with them\n",
              static_cast<unsigned long long>(status->accepted_with_faults()));
  return PrintFaults(hub);
}

absl::Status Verify(Hub& hub, bool as_json) {
  CallOptions options;
  options.timeout = kVerifyTimeout;
  const auto verified = hub.Call<bus::v1::VerifyLogResponse>(
      kProgram, absl::StrCat(kService, "VerifyLog"),
      bus::v1::VerifyLogRequest(), options);
  if (!verified.ok()) return verified.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*verified).c_str());
    return absl::OkStatus();
  }
  std::printf("whole: %llu events in %llu blocks, %llu bytes %s\n",
              static_cast<unsigned long long>(verified->events()),
              static_cast<unsigned long long>(verified->blocks()),
              static_cast<unsigned long long>(verified->bytes()),
              absl::BytesToHexString(verified->last_block_hash()).c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunLog(const std::vector<std::string>& arguments) {
  CommandLine line("log status|verify [--profile admin]",
                   "status  how far the log is, and whether it takes events\n"
                   "verify  reads every block and checks it");
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 1, 1);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (line.words()[0] == "status") return Status(**hub, line.json());
  if (line.words()[0] == "verify") return Verify(**hub, line.json());
  return absl::InvalidArgumentError(
      absl::StrCat("log ", line.words()[0], "? status or verify"));
}

}  // namespace concordat::cli

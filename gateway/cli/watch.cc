// concordat watch: the outside watcher, for cron or a systemd timer.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/command.h"
#include "gateway/cli/demo/settle.h"
#include "gateway/cli/gateway_probe.h"
#include "gateway/cli/json.h"
#include "services/common/base/system_clock.h"

namespace concordat::cli {
namespace {

constexpr absl::Duration kAskTimeout = absl::Seconds(5);

struct Seen {
  std::string program;
  const char* state = "";  // "well", "degraded", "CRITICAL", "DOWN".
  std::string why;
};

Seen SeenOf(const ProgramStatus& each) {
  const hub::v1::GetStatusResponse& status = each.status;
  if (!each.reached.ok()) {
    return {each.program, "DOWN", std::string(each.reached.message())};
  }
  if (status.critical()) {
    return {each.program, "CRITICAL", status.degraded_because()};
  }
  if (!status.ready() || !status.degraded_because().empty()) {
    return {each.program, "degraded",
            status.degraded_because().empty() ? "it is not ready"
                                              : status.degraded_because()};
  }
  return {each.program, "well", ""};
}

void Print(const Seen& seen, bool as_json) {
  if (as_json) {
    std::printf("{\"program\":%s,\"state\":%s,\"why\":%s}\n",
                JsonQuote(seen.program).c_str(), JsonQuote(seen.state).c_str(),
                JsonQuote(seen.why).c_str());
  } else {
    std::printf("%-22s %-9s %s\n", seen.program.c_str(), seen.state,
                seen.why.c_str());
  }
}

// Whether the hub is worked on, as was announced, and not yet too long.
bool IsInMaintenance(const DataDirectory& data, bool as_json) {
  const auto maintenance = data.ReadMaintenance();
  if (!maintenance.ok() || !maintenance->has_value()) return false;
  const absl::Time until =
      absl::FromUnixMicros(static_cast<int64_t>((*maintenance)->until()));
  if (SystemClock().Now() >= until) return false;
  if (!as_json) {
    std::printf("in maintenance since %s until %s because %s\n",
                LocalTime((*maintenance)->since()).c_str(),
                LocalTime((*maintenance)->until()).c_str(),
                (*maintenance)->why().c_str());
  }
  return true;
}

}  // namespace

absl::Status RunWatch(const std::vector<std::string>& arguments) {
  CommandLine line("watch [--profile admin]",
                   "Asks every program of the hub once, by the registry; of "
                   "adapters those that\n"
                   "have run on this data directory. Ends with 0 when all are "
                   "well, or\n"
                   "while a maintenance is announced; else says which is "
                   "down, critical or\n"
                   "degraded, and why.");
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const auto registry = (*hub)->data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  const std::vector<HubProgram> programs =
      ProgramsHere((*hub)->data(), (*registry)->proto());
  std::vector<Seen> all;
  for (const ProgramStatus& each : AskAll(**hub, programs, kAskTimeout)) {
    all.push_back(SeenOf(each));
  }
  const absl::Status gateway = ProbeGateway((*hub)->data(), kAskTimeout);
  all.push_back({"concordat-gateway", gateway.ok() ? "well" : "DOWN",
                 std::string(gateway.message())});
  std::vector<std::string> bad;
  for (const Seen& seen : all) {
    Print(seen, line.json());
    if (absl::string_view(seen.state) == "well") continue;
    bad.push_back(absl::StrCat(seen.program, " is ", seen.state));
  }
  if (bad.empty() || IsInMaintenance((*hub)->data(), line.json())) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrJoin(bad, ", "));
}

}  // namespace concordat::cli

#include "gateway/cli/demo/settle.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/mutex.h"

namespace concordat::cli {
namespace {

constexpr absl::Duration kPollEvery = absl::Milliseconds(4);
constexpr absl::Duration kAskTimeout = absl::Seconds(5);

absl::Status AllReady(const std::vector<ProgramStatus>& all) {
  for (const ProgramStatus& each : all) {
    if (!each.reached.ok())
      return absl::UnavailableError(each.reached.message());
    if (!each.status.ready()) {
      return absl::UnavailableError(absl::StrCat(
          each.program, " is not ready: ", each.status.degraded_because()));
    }
  }
  return absl::OkStatus();
}

// Empty: all have come to the end of the log.
std::string Behind(const std::vector<ProgramStatus>& all, uint64_t end) {
  for (const ProgramStatus& each : all) {
    if (!each.reached.ok()) return std::string(each.reached.message());
    if (each.status.position() < end) {
      return absl::StrCat(each.program, " is at ", each.status.position(),
                          " of ", end);
    }
  }
  return "";
}

}  // namespace

std::vector<ProgramStatus> AskAll(Hub& hub,
                                  const std::vector<HubProgram>& programs,
                                  absl::Duration timeout) {
  std::vector<ProgramStatus> all;
  CallOptions options;
  options.timeout = timeout;
  for (const HubProgram& asked : programs) {
    ProgramStatus each;
    each.program = asked.program;
    auto status = hub.Call<hub::v1::GetStatusResponse>(
        asked.program, "concordat.hub.v1.StatusService/GetStatus",
        hub::v1::GetStatusRequest(), options);
    each.reached = status.status();
    if (status.ok()) each.status = *std::move(status);
    each.status.set_program(each.program);
    all.push_back(std::move(each));
  }
  return all;
}

absl::Status WaitUntilReady(Hub& hub, const SteadyClock& clock,
                            absl::Duration timeout) {
  const absl::Duration until = clock.Elapsed() + timeout;
  const auto registry = hub.data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  const std::vector<HubProgram> programs = ProgramsOf((*registry)->proto());
  while (true) {
    auto ready = AllReady(AskAll(hub, programs, kAskTimeout));
    if (ready.ok() || clock.Elapsed() > until) return ready;
    Pause(absl::Milliseconds(100));
  }
}

absl::Status WaitUntilSettled(Hub& hub, const SteadyClock& clock,
                              absl::Duration timeout) {
  const absl::Duration until = clock.Elapsed() + timeout;
  // What a program does on an event may be an event for another, so the end
  // has to be the same after all have come to it.
  uint64_t settled_at = 0;
  const auto registry = hub.data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  const std::vector<HubProgram> programs = ProgramsOf((*registry)->proto());
  while (true) {
    const auto all = AskAll(hub, programs, kAskTimeout);
    const uint64_t end = all.front().status.position();
    const std::string behind = Behind(all, end);
    if (behind.empty() && end == settled_at) return absl::OkStatus();
    settled_at = behind.empty() ? end : 0;
    if (clock.Elapsed() > until) {
      return absl::DeadlineExceededError(
          absl::StrCat("the hub does not come to rest: ", behind));
    }
    if (!behind.empty()) Pause(kPollEvery);
  }
}

void Pause(absl::Duration duration) {
  Mutex mu;
  CondVar never;
  MutexLock lock(mu);
  never.WaitFor(mu, duration, [] { return false; });
}

}  // namespace concordat::cli

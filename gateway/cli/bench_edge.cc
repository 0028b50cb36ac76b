#include "gateway/cli/bench_edge.h"

#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "concordat/alerts/v1/service.pb.h"
#include "gateway/cli/bench_load.h"
#include "gateway/cli/demo/mllp_client.h"
#include "gateway/cli/hub.h"
#include "services/common/base/mutex.h"

namespace concordat::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr absl::Duration kPatience = absl::Seconds(10);

// The story's h9 (story.jsonl), with another number and appointment.
std::string NoShow(absl::string_view run, size_t n) {
  return absl::StrCat(
      "MSH|^~\\&|PAS|NHSTAYSIDE|CONCORDAT|EDGE|20251205090500||SIU^S26|", run,
      n, "|T|2.4\rSCH|", run, n,
      "||||||NOSHOW|||^^^20251205090000^20251205091000|||||||||||||||NOSHOW\r"
      "PID|1||0303790016^^^NHSSCOT^CHI||BALNAMOON^TORQUIL||19790303|M\r"
      "RGS|1\rAIS|1||ALCTX^Alcohol treatment^LOCAL\r");
}

// Counts changes of alerts as they are told.
class Changes {
 public:
  void Tell() {
    MutexLock lock(mu_);
    ++count_;
    changed_.NotifyAll();
  }
  bool AwaitMoreThan(size_t count) {
    MutexLock lock(mu_);
    return changed_.WaitFor(
        mu_, kPatience,
        [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return count_ > count; });
  }
  size_t count() {
    MutexLock lock(mu_);
    return count_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  size_t count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace

absl::StatusOr<EdgeLatency> MeasureEdge(const DataDirectory& data,
                                        size_t messages) {
  if (data.environment() != bus::v1::ENVIRONMENT_DEMO) {
    return absl::FailedPreconditionError(
        "only a demo hub takes these messages");
  }
  auto hub = Hub::Open(data, "coordinator");
  if (!hub.ok()) return hub.status();
  const auto endpoint =
      data.WaitForAddress("concordat-adapter", "mllp", kPatience);
  if (!endpoint.ok()) return endpoint.status();
  const auto channel = (*hub)->ChannelTo("concordat-alerts");
  if (!channel.ok()) return channel.status();
  // Outlives the call below: the stream ends with the process.
  static Changes changes;
  std::thread follow([channel = *channel] {
    CallOptions options;
    options.timeout = absl::InfiniteDuration();
    (void)GenericServerStream(channel,
                              "concordat.alerts.v1.AlertsService/FollowAlerts",
                              "", options, [](const std::string&) {
                                changes.Tell();
                                return true;
                              });
  });
  follow.detach();

  const std::string run = absl::StrCat("B", getpid(), "-");
  std::vector<double> took_ms;
  for (size_t n = 0; n < messages + 1; ++n) {
    const std::string message = NoShow(run, n);
    const size_t before = changes.count();
    const SteadyClock::time_point start = SteadyClock::now();
    const auto answer = SendMllp(*endpoint, message, kPatience);
    if (!answer.ok()) return answer.status();
    if (AnswerCode(*answer) != "AA") {
      return absl::UnavailableError("a message was not answered AA");
    }
    if (!changes.AwaitMoreThan(before)) {
      // The stream opens beside the first message, which then only warms up.
      if (n == 0) continue;
      return absl::UnavailableError("no alert came of a message");
    }
    const double ms =
        std::chrono::duration<double, std::milli>(SteadyClock::now() - start)
            .count();
    if (n > 0) took_ms.push_back(ms);
  }
  return EdgeLatency{Quantile(took_ms, 0.50), Quantile(took_ms, 0.99)};
}

}  // namespace concordat::cli

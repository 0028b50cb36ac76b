#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/strip.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"

namespace concordat {
namespace {

// Outlives a caller that gave up waiting.
struct Answer {
  Mutex mu;
  CondVar arrived;
  std::optional<std::vector<PublishOutcome>> outcomes ABSL_GUARDED_BY(mu);
};

}  // namespace

PublishOutcome FromWire(const bus::v1::Outcome& wire) {
  PublishOutcome outcome;
  outcome.accepted = wire.refusal() == bus::v1::REFUSAL_UNSPECIFIED;
  outcome.duplicate = wire.duplicate();
  outcome.sequence = {wire.sequence()};
  outcome.accepted_us = wire.accepted_time();
  if (wire.digest().size() == outcome.digest.size()) {
    std::copy(wire.digest().begin(), wire.digest().end(),
              outcome.digest.begin());
  }
  outcome.refusal = wire.refusal();
  outcome.detail = wire.detail();
  outcome.stream_version = {wire.stream_version()};
  outcome.faults.assign(wire.faults().begin(), wire.faults().end());
  return outcome;
}

std::string RefusalWord(bus::v1::Refusal refusal) {
  return std::string(
      absl::StripPrefix(bus::v1::Refusal_Name(refusal), "REFUSAL_"));
}

bool IsPassing(bus::v1::Refusal refusal) {
  switch (refusal) {
    case bus::v1::REFUSAL_WRONG_ENVIRONMENT:
    case bus::v1::REFUSAL_NOT_REGISTERED:
    case bus::v1::REFUSAL_REVOKED:
    case bus::v1::REFUSAL_READ_ONLY:
    case bus::v1::REFUSAL_OVER_CREDIT:
    case bus::v1::REFUSAL_SHUTTING_DOWN:
    case bus::v1::REFUSAL_DRAINING:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<std::vector<PublishOutcome>> PublishAndWait(
    Publisher& publisher, std::vector<Event> set, absl::Duration timeout) {
  auto answer = std::make_shared<Answer>();
  const absl::Status sent = publisher.Publish(
      std::move(set), [answer](std::vector<PublishOutcome> outcomes) {
        MutexLock lock(answer->mu);
        answer->outcomes = std::move(outcomes);
        answer->arrived.NotifyAll();
      });
  if (!sent.ok()) return sent;
  MutexLock lock(answer->mu);
  const bool done = answer->arrived.WaitFor(
      answer->mu, timeout, [&answer]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return answer->outcomes.has_value();
      });
  if (!done) {
    return absl::UnavailableError(
        "the bus has not answered in time; repeat with the same ids");
  }
  return *std::move(answer->outcomes);
}

}  // namespace concordat

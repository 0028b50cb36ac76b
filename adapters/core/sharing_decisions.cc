#include "adapters/core/sharing_decisions.h"

#include <utility>

#include "concordat/nhs/v1/events.pb.h"

namespace concordat::edge {
namespace {

constexpr absl::string_view kDecided = "concordat.nhs.v1.SharingDecided";
constexpr absl::string_view kErased = "concordat.hub.v1.PersonErased";
constexpr absl::string_view kEnded = "concordat.nhs.v1.SharingEnded";

}  // namespace

absl::Status SharingDecisions::Fold(const View& view) {
  const absl::string_view type = view.header.type;
  if (type == kErased) {
    MutexLock lock(mu_);
    std::erase_if(by_ref_, [&view](const auto& each) {
      return each.second.subject == view.header.subject;
    });
    return absl::OkStatus();
  }
  if (type != kDecided && type != kEnded) return absl::OkStatus();
  MutexLock lock(mu_);
  // A decision that was taken back, or is being said again in another form.
  for (const std::string& gone : {view.header.retracts, view.header.corrects}) {
    if (gone.empty()) continue;
    for (auto at = by_ref_.begin(); at != by_ref_.end();) {
      at = at->second.event_id == gone ? by_ref_.erase(at) : std::next(at);
    }
  }
  if (!view.header.retracts.empty()) return absl::OkStatus();
  if (type == kEnded) {
    nhs::v1::SharingEnded ended;
    if (!ended.ParseFromString(view.Data())) {
      return absl::InvalidArgumentError("not a SharingEnded");
    }
    const auto at = by_ref_.find(ended.decision_ref());
    if (at != by_ref_.end() && at->second.subject == view.header.subject) {
      by_ref_.erase(at);
    }
    return absl::OkStatus();
  }
  nhs::v1::SharingDecided decided;
  SharingDecision decision;
  if (!decided.ParseFromString(view.Data()) ||
      !absl::ParseCivilTime(decided.until(), &decision.until) ||
      decided.decision_ref().empty() || decided.service_code().empty() ||
      view.header.subject.empty()) {
    return absl::InvalidArgumentError("not a SharingDecided");
  }
  decision.decision_ref = decided.decision_ref();
  decision.event_id = view.header.id;
  decision.subject = view.header.subject;
  decision.what = decided.what();
  decision.service_code = decided.service_code();
  decision.sequence = view.sequence;
  decision.decided =
      absl::FromUnixMicros(static_cast<int64_t>(view.header.time_us));
  by_ref_.insert_or_assign(decision.decision_ref, std::move(decision));
  return absl::OkStatus();
}

std::optional<SharingDecision> SharingDecisions::InForce(
    const PersonKey& subject, absl::string_view service_code,
    absl::Time at) const {
  const absl::CivilDay day = absl::ToCivilDay(at, zone_);
  MutexLock lock(mu_);
  std::optional<SharingDecision> newest;
  for (const auto& [ref, decision] : by_ref_) {
    if (decision.subject == subject && decision.service_code == service_code &&
        decision.decided <= at && day <= decision.until &&
        (!newest.has_value() || newest->sequence < decision.sequence)) {
      newest = decision;
    }
  }
  return newest;
}

void SharingDecisions::Forget() {
  MutexLock lock(mu_);
  by_ref_.clear();
  current_ = false;
  position_ = Sequence();
}

void SharingDecisions::SetCurrent(bool current, Sequence position) {
  MutexLock lock(mu_);
  current_ = current;
  position_ = position;
  changed_.NotifyAll();
}

bool SharingDecisions::AwaitPosition(Sequence position,
                                     absl::Duration timeout) const {
  MutexLock lock(mu_);
  return changed_.WaitFor(
      mu_, timeout, [this, position]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return position <= position_;
      });
}

std::optional<SharingDecision> SharingDecisions::Find(
    absl::string_view decision_ref) const {
  MutexLock lock(mu_);
  const auto at = by_ref_.find(decision_ref);
  if (at == by_ref_.end()) return std::nullopt;
  return at->second;
}

bool SharingDecisions::current() const {
  MutexLock lock(mu_);
  return current_;
}

Sequence SharingDecisions::position() const {
  MutexLock lock(mu_);
  return position_;
}

}  // namespace concordat::edge

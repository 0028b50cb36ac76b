#include "services/bus/daemon/bus_health.h"

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace concordat::bus {
namespace {

// The programs of a hub start after its bus.
constexpr absl::Duration kHubStarts = absl::Seconds(30);
constexpr absl::Duration kRememberEvery = absl::Milliseconds(250);
constexpr absl::Duration kRememberLonger = absl::Minutes(1);
constexpr uint64_t kMiB = 1u << 20;

// What services/alerts calls its subscription; others may use the name too.
bool IsAlertsService(const SubscriptionInfo& info) {
  return info.role == "service" && info.name == "alerts";
}

}  // namespace

void BusHealth::Judge(const View& view, Troubles& troubles) {
  JudgeLog(view, troubles);
  JudgeAgreements(view, troubles);
  JudgePlaces(view, troubles);
  MutexLock lock(mu_);
  Remember(view);
  JudgeAlerts(view, troubles);
}

void BusHealth::Remember(const View& view) {
  const bool grew = grown_.empty() || view.log.end > grown_.back().end;
  // The oldest moment counts: an entry is never moved later.
  if (grew &&
      (grown_.empty() || view.now - grown_.back().at >= kRememberEvery)) {
    grown_.push_back({view.log.end, view.now});
  }
  const absl::Duration kept =
      absl::Seconds(settings_.alerts_behind_s()) + kRememberLonger;
  while (grown_.size() > 1 && view.now - grown_.front().at > kept) {
    grown_.pop_front();
  }
}

absl::Duration BusHealth::Behind(Sequence acknowledged,
                                 const View& view) const {
  for (const Grown& grown : grown_) {
    if (grown.end > acknowledged) return view.now - grown.at;
  }
  return absl::ZeroDuration();
}

void BusHealth::JudgeLog(const View& view, Troubles& troubles) const {
  if (view.log.read_only) {
    troubles.push_back({"read-only", "", view.log.read_only_because, true});
  }
  const uint64_t wanted = settings_.disk_free_min_mib() * kMiB;
  if (view.disk_free_bytes < wanted) {
    troubles.push_back({"disk", "",
                        absl::StrCat(view.disk_free_bytes / kMiB, " of ",
                                     settings_.disk_free_min_mib(),
                                     " MiB are left for the log"),
                        view.disk_free_bytes < wanted / 10});
  }
}

void BusHealth::JudgeAlerts(const View& view, Troubles& troubles) {
  const absl::Duration longest = absl::Seconds(settings_.alerts_behind_s());
  if (alerts_seen_at_ == absl::InfiniteDuration()) {
    alerts_seen_at_ = view.now + kHubStarts;
  }
  for (const SubscriptionInfo& info : view.subscriptions) {
    if (!IsAlertsService(info) || !info.connected) continue;
    alerts_seen_at_ = view.now;
    const absl::Duration behind = Behind(info.acknowledged, view);
    if (behind < longest) continue;
    troubles.push_back(
        {"alerts", "behind",
         absl::StrCat("the alerts service is behind by ",
                      view.log.end.value - info.acknowledged.value,
                      " events, the oldest ", absl::ToInt64Seconds(behind),
                      " s old"),
         true});
  }
  if (view.log.end.value > 0 && view.now - alerts_seen_at_ >= longest) {
    troubles.push_back(
        {"alerts", "away", "the alerts service does not read", true});
  }
}

void BusHealth::JudgePlaces(const View& view, Troubles& troubles) const {
  for (const SubscriptionInfo& info : view.subscriptions) {
    if (info.name.empty() || IsAlertsService(info)) continue;
    const std::string key = SubscriptionKey(info.agency, info.role, info.name);
    if (!info.stopped_because.empty()) {
      troubles.push_back({"subscription", key,
                          absl::StrCat("subscription ", key, " takes no more: ",
                                       info.stopped_because),
                          false});
    } else if (info.stalled_since > -absl::InfiniteDuration()) {
      troubles.push_back(
          {"subscription", key,
           absl::StrCat("subscription ", key, " is behind by ",
                        view.log.end.value - info.acknowledged.value,
                        " events and has not moved for ",
                        absl::ToInt64Seconds(view.now - info.stalled_since),
                        " s", info.connected ? "" : "; its reader is away"),
           false});
    }
  }
}

void BusHealth::JudgeAgreements(const View& view, Troubles& troubles) const {
  if (view.agreements == nullptr) return;
  const absl::CivilDay today = absl::ToCivilDay(
      absl::FromUnixMicros(static_cast<int64_t>(view.log_time_us)), zone_);
  for (const AdoptedAgreement& each : view.agreements->List(view.log_time_us)) {
    absl::CivilDay last;
    if (!each.in_force ||
        !absl::ParseCivilTime(each.agreement.valid_to(), &last)) {
      continue;
    }
    const int64_t days = last - today;
    if (days > settings_.expiry_warning_days()) continue;
    troubles.push_back({"agreement", each.agreement.name(),
                        absl::StrCat("agreement ", each.agreement.name(),
                                     " ends after ", each.agreement.valid_to()),
                        false});
  }
}

}  // namespace concordat::bus

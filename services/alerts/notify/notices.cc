#include "services/alerts/notify/notices.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "concordat/alerts/v1/events.pb.h"

namespace concordat::alerts {
namespace {

// Instead of a step of the chain.
constexpr uint32_t kPassedOn = 0xffff;

// "agency/role".
RoleName ReadRole(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  return parts.size() == 2 ? RoleName{parts[0], parts[1]} : RoleName{};
}

}  // namespace

std::string NoticeText(const Notice& notice) {
  return absl::StrCat("You have a ", notice.severity,
                      " Concordat alert, reference ", notice.alert_ref,
                      ". Sign in.");
}

Notices::Notices(RoleDirectory roles, std::vector<std::string> severities,
                 absl::Duration stale_after)
    : roles_(std::move(roles)),
      severities_(severities.begin(), severities.end()),
      stale_after_(stale_after) {}

absl::Status Notices::Apply(const View& view) {
  const std::string& type = view.header.type;
  const std::string data = view.Data();
  log_time_us_ = std::max(log_time_us_, view.accepted_us);
  const auto read = [&](auto event, auto fold) -> absl::Status {
    if (type != event.GetDescriptor()->full_name()) return absl::OkStatus();
    if (!event.ParseFromString(data)) {
      return absl::InvalidArgumentError(
          absl::StrCat("an event of type ", type, " cannot be read"));
    }
    fold(event);
    return absl::OkStatus();
  };
  absl::Status status = roles_.Apply(type, data);
  status.Update(read(v1::AlertRaised(), [&](const v1::AlertRaised& event) {
    severity_[event.alert_ref()] = event.severity();
    for (const std::string& addressee : event.addressees()) {
      Add(view, event.alert_ref(), 0, addressee);
    }
  }));
  status.Update(
      read(v1::AlertEscalated(), [&](const v1::AlertEscalated& event) {
        for (const std::string& addressee : event.addressees()) {
          Add(view, event.alert_ref(), event.step(), addressee);
        }
      }));
  status.Update(read(v1::AlertPassedOn(), [&](const v1::AlertPassedOn& event) {
    Add(view, event.alert_ref(), kPassedOn, event.to());
  }));
  status.Update(read(v1::AlertAccepted(), [&](const v1::AlertAccepted& event) {
    End(event.alert_ref(), event.agency(), "");
  }));
  status.Update(read(v1::AlertClosed(), [&](const v1::AlertClosed& event) {
    End(event.alert_ref(), "", "");
    severity_.erase(event.alert_ref());
  }));
  status.Update(
      read(v1::AlertWithdrawn(), [&](const v1::AlertWithdrawn& event) {
        for (const std::string& addressee : event.addressees()) {
          const RoleName role = ReadRole(addressee);
          if (!role.role.empty()) {
            End(event.alert_ref(), role.agency, role.role);
          }
        }
      }));
  status.Update(read(v1::AlertNotified(), [&](const v1::AlertNotified& event) {
    End(event.alert_ref(), event.agency(), event.addressee());
  }));
  return status;
}

void Notices::Add(const View& view, const std::string& alert_ref, uint32_t step,
                  absl::string_view addressee) {
  const auto severity = severity_.find(alert_ref);
  const RoleName role = ReadRole(addressee);
  if (severity == severity_.end() || role.role.empty()) return;
  if (!severities_.empty() && !severities_.contains(severity->second)) return;
  const RoleName told =
      roles_
          .Route(role,
                 absl::FromUnixMicros(static_cast<int64_t>(view.accepted_us)))
          .role;
  const std::string key =
      absl::StrCat(alert_ref, "/", told.ToString(), "/", step);
  const auto waiting = pending_.find(key);
  if (waiting != pending_.end()) {
    std::vector<RoleName>& all = waiting->second.addressees;
    if (std::find(all.begin(), all.end(), role) == all.end()) {
      all.push_back(role);
    }
    return;
  }
  if (pending_.size() >= kPendingMax) {
    ++dropped_;
    return;
  }
  Notice& notice = pending_[key];
  notice.key = key;
  notice.alert_ref = alert_ref;
  notice.severity = severity->second;
  notice.step = step;
  notice.subject = view.header.subject;
  notice.addressees = {role};
  notice.told = told;
  notice.raised_us = view.accepted_us;
}

void Notices::End(const std::string& alert_ref, absl::string_view agency,
                  absl::string_view role) {
  for (auto& [key, notice] : pending_) {
    if (notice.alert_ref != alert_ref) continue;
    std::erase_if(notice.addressees, [&](const RoleName& addressee) {
      return (agency.empty() || addressee.agency == agency) &&
             (role.empty() || addressee.role == role);
    });
  }
  std::erase_if(pending_, [](const auto& entry) {
    return entry.second.addressees.empty();
  });
}

std::vector<Notice> Notices::Pending() const {
  std::vector<Notice> result;
  const auto stale_us =
      static_cast<uint64_t>(absl::ToInt64Microseconds(stale_after_));
  for (const auto& [key, notice] : pending_) {
    if (notice.raised_us + stale_us >= log_time_us_) result.push_back(notice);
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const Notice& a, const Notice& b) {
                     return a.raised_us < b.raised_us;
                   });
  return result;
}

bool Notices::IsPending(absl::string_view key) const {
  return pending_.find(key) != pending_.end();
}

}  // namespace concordat::alerts

#include "services/mappa/rpc/case_book.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "services/common/event/amends.h"
#include "services/common/policy/shown.h"
#include "services/common/projection/erasure_confirmation.h"

namespace concordat::mappa {
namespace {

constexpr absl::string_view kOwnTypes = "concordat.mappa.v1.";

// What `granted` leaves of a view that has everything.
View Shown(const View& whole, GroupMask granted, const EventType& type,
           const Recipient& reader) {
  View view;
  view.sequence = whole.sequence;
  view.accepted_us = whole.accepted_us;
  view.header = whole.header;
  CopyGranted(whole.groups, granted, view.groups);
  if (!ShowsHeaderGroup(AsView(whole.header), type, reader, granted)) {
    view.header.on_behalf_of.clear();
    view.header.correlation.clear();
    view.header.causation.clear();
  }
  return view;
}

}  // namespace

CaseBook::CaseBook(std::shared_ptr<const TypeRegistry> types,
                   bus::v1::Environment environment, const Clock& clock)
    : types_(types),
      story_(environment == bus::v1::ENVIRONMENT_DEMO ||
             environment == bus::v1::ENVIRONMENT_TRAINING),
      clock_(clock),
      policy_(std::move(types)) {}

std::vector<std::string> CaseBook::Types() {
  std::vector<std::string> types = Withdrawals::FactTypes();
  types.insert(types.end(), {"concordat.mappa.v1.*",
                             "concordat.identity.v1.PersonRegistered",
                             kLinkCutType, "concordat.hub.v1.AgreementAdopted",
                             "concordat.hub.v1.AgreementRetired",
                             "concordat.hub.v1.ProcessingRestricted",
                             "concordat.hub.v1.TimePassed", kPersonErasedType});
  return types;
}

uint64_t CaseBook::Forget(const PersonKey& subject) {
  MutexLock lock(mu_);
  withdrawals_.Forget(subject);
  const auto it = events_.find(subject);
  if (it == events_.end()) return 0;
  return std::erase_if(it->second, [this](const View& event) {
    const EventType* type = types_->Find(event.header.type);
    return type == nullptr ||
           type->policy().effect() == policy::v1::EFFECT_UNSPECIFIED;
  });
}

absl::Status CaseBook::Apply(const View& view, Database&) {
  if (view.header.type == kPersonErasedType) {
    const uint64_t destroyed = Forget(view.header.subject);
    return confirm_ == nullptr ? absl::OkStatus() : confirm_(view, destroyed);
  }
  MutexLock lock(mu_);
  accepted_us_ = std::max(accepted_us_, view.accepted_us);
  const auto changed = policy_.Apply(AsView(view.header), view.Data());
  if (!changed.ok()) return changed.status();
  withdrawals_.Apply(view, policy_, *changed);
  const PersonKey& subject = view.header.subject;
  if (!absl::StartsWith(view.header.type, kOwnTypes) || subject.empty()) {
    return absl::OkStatus();
  }
  v1::CaseOpened opened;
  v1::CaseClosed closed;
  if (ReadAs(view, &opened)) {
    open_cases_[subject] = opened.case_ref();
  } else if (ReadAs(view, &closed)) {
    const auto it = open_cases_.find(subject);
    if (it != open_cases_.end() && it->second == closed.case_ref()) {
      open_cases_.erase(it);
    }
  }
  View kept = view;
  kept.commitments.clear();
  events_[subject].push_back(std::move(kept));
  return absl::OkStatus();
}

uint64_t CaseBook::LogTime() const {
  if (story_) return accepted_us_;
  return std::max(accepted_us_,
                  static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now())));
}

CaseFile CaseBook::Fold(const PersonKey& subject,
                        const std::vector<View>& events,
                        const Recipient& reader, uint64_t now_us) const {
  std::vector<View> seen;
  for (const View& event : events) {
    const EventType* type = types_->Find(event.header.type);
    const GroupMask granted =
        policy_.Granted(AsView(event.header), reader, now_us);
    if (type == nullptr || granted == 0) continue;
    seen.push_back(Shown(event, granted, *type, reader));
  }
  CaseFile file = FoldCaseFile(seen);
  if (!file.empty()) {
    file.look_again = FindToLookAgain(
        file, withdrawals_.Of(subject, reader, policy_, now_us));
  }
  return file;
}

CaseFile CaseBook::FileOf(const PersonKey& subject,
                          const Recipient& reader) const {
  MutexLock lock(mu_);
  const auto it = events_.find(subject);
  if (it == events_.end()) return {};
  return Fold(subject, it->second, reader, LogTime());
}

std::vector<CaseFile> CaseBook::FilesOf(const Recipient& reader) const {
  MutexLock lock(mu_);
  const uint64_t now_us = LogTime();
  std::vector<CaseFile> files;
  for (const auto& [subject, events] : events_) {
    CaseFile file = Fold(subject, events, reader, now_us);
    if (!file.empty()) files.push_back(std::move(file));
  }
  return files;
}

std::string CaseBook::OpenCaseOf(const PersonKey& subject) const {
  MutexLock lock(mu_);
  const auto it = open_cases_.find(subject);
  return it == open_cases_.end() ? "" : it->second;
}

}  // namespace concordat::mappa

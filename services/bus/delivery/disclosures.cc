#include "services/bus/delivery/disclosures.h"

#include <utility>

namespace concordat::bus {

absl::string_view Disclosures::NameOf(absl::string_view key) {
  for (int i = 0; i < 2; ++i) {
    const size_t slash = key.find('/');
    if (slash == absl::string_view::npos) return {};
    key.remove_prefix(slash + 1);
  }
  return key;
}

void Disclosures::Subscribed(SessionId session, absl::string_view principal,
                             const Recipient& to, absl::string_view key) {
  Disclosure& one = list_.emplace_back();
  one.what = Disclosure::What::kSubscribed;
  one.session = session;
  one.principal = std::string(principal);
  one.agency = to.agency;
  one.role = to.role;
  one.purpose = to.purpose.value_or("");
  one.name = std::string(NameOf(key));
}

void Disclosures::Add(const ShownRun& run, std::vector<ShownRun>& runs) {
  if (!runs.empty()) {
    ShownRun& last = runs.back();
    if (last.groups == run.groups &&
        last.first.value + last.count == run.first.value) {
      last.count += run.count;
      return;
    }
  }
  runs.push_back(run);
}

void Disclosures::Show(Sequence sequence, GroupMask groups) {
  Add({sequence, 1, groups}, frame_);
}

void Disclosures::Sent(SessionId session, const Recipient& to,
                       absl::string_view key, Sequence policy, Sequence cause,
                       uint64_t first_delivery) {
  const auto found = delivered_.find(session);
  if (found != delivered_.end()) {
    Disclosure& last = list_[found->second];
    if (last.policy == policy && last.cause == cause &&
        last.runs.size() + frame_.size() <= kRunsMax) {
      const size_t before = last.runs.size();
      for (const ShownRun& run : frame_) Add(run, last.runs);
      runs_ += last.runs.size() - before;
      frame_.clear();
      return;
    }
  }
  delivered_[session] = list_.size();
  Disclosure& one = list_.emplace_back();
  one.what = Disclosure::What::kDelivered;
  one.session = session;
  one.agency = to.agency;
  one.role = to.role;
  one.purpose = to.purpose.value_or("");
  one.name = std::string(NameOf(key));
  one.policy = policy;
  one.cause = cause;
  one.first_delivery = first_delivery;
  one.envelopes = to.envelopes_only();
  one.runs = std::exchange(frame_, {});
  runs_ += one.runs.size();
}

void Disclosures::Acknowledged(SessionId session, uint64_t through) {
  const auto [found, is_new] = acknowledged_.try_emplace(session, list_.size());
  if (is_new) {
    Disclosure& one = list_.emplace_back();
    one.what = Disclosure::What::kAcknowledged;
    one.session = session;
  }
  list_[found->second].through = through;
}

void Disclosures::Settled(SessionId session, uint64_t delivery) {
  Acknowledged(session, 0);
  list_[acknowledged_[session]].deliveries.push_back(delivery);
  ++runs_;
}

void Disclosures::Ended(SessionId session) {
  Disclosure& one = list_.emplace_back();
  one.what = Disclosure::What::kEnded;
  one.session = session;
}

std::vector<Disclosure> Disclosures::Take() {
  delivered_.clear();
  acknowledged_.clear();
  runs_ = 0;
  return std::exchange(list_, {});
}

}  // namespace concordat::bus

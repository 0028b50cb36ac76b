#include "services/alerts/domain/alert_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/crypto/sha256.h"

namespace concordat::alerts {
namespace {

// Eight characters without those that look alike. Not a count: a count would
// tell a reader how many alerts it is not shown.
std::string AlertRef(absl::string_view about) {
  constexpr absl::string_view kCharacters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  const Sha256Hash hash = Sha256::Of(about);
  std::string ref = "A-";
  for (size_t i = 0; i < 8; ++i) ref.push_back(kCharacters[hash[i] & 31]);
  return ref;
}

// The draft that says the same of the same cause, to be added to; null: none.
AlertDraft* Last(std::vector<AlertDraft>& drafts, const std::string& key) {
  for (auto it = drafts.rbegin(); it != drafts.rend(); ++it) {
    if (it->key == key) return &*it;
  }
  return nullptr;
}

}  // namespace

template <typename Event>
void AlertBook::Say(const Alert& alert, const std::string& what,
                    const Event& event, const std::string& cause,
                    uint64_t at_us) {
  const std::string key = absl::StrCat(what, "/", alert.ref, "/", cause);
  if (AlertDraft* same = Last(drafts_, key); same != nullptr) {
    Event both;
    both.ParseFromString(same->data);
    both.clear_alert_ref();
    both.MergeFrom(event);
    same->data = both.SerializeAsString();
    return;
  }
  drafts_.push_back({key, std::string(event.GetDescriptor()->full_name()),
                     event.SerializeAsString(),
                     absl::StrCat("alert/", alert.ref), alert.subject, cause,
                     at_us});
}

std::string AlertBook::NewRef(const RaiseRequest& request) const {
  // Of what its members see, and nothing else.
  std::string about = absl::StrCat(
      request.limb->Name(), "/", request.trigger->header.subject.ToString(),
      "/", EventRef(request.trigger->header), "/", request.feed);
  for (const Fact* fact : request.evidence) {
    absl::StrAppend(&about, "/", EventRef(fact->header));
  }
  std::string ref = AlertRef(about);
  for (int again = 1; by_ref_.contains(ref); ++again) {
    ref = AlertRef(absl::StrCat(about, "/", again));
  }
  return ref;
}

void AlertBook::Forget(const PersonKey& subject) {
  std::erase_if(drafts_, [&subject](const AlertDraft& draft) {
    return draft.subject == subject;
  });
  std::erase_if(alerts_, [&](const std::unique_ptr<Alert>& alert) {
    if (alert->subject != subject) return false;
    by_ref_.erase(alert->ref);
    return true;
  });
}

Alert& AlertBook::Raise(const RaiseRequest& request) {
  const RuleLimb& limb = *request.limb;
  auto alert = std::make_unique<Alert>();
  alert->ref = NewRef(request);
  alert->rule = limb.rule;
  alert->limb = limb.limb.name();
  alert->limb_index = limb.index;
  alert->family = limb.family;
  alert->severity = limb.limb.severity();
  alert->subject = request.trigger->header.subject;
  alert->feed = request.feed;
  alert->trigger = request.trigger->sequence;
  alert->raised_us = request.at_us;
  alert->accept_by_us = request.accept_by_us;
  alert->known_to = request.known_to;
  alert->not_known = request.not_known;

  v1::AlertRaised event;
  event.set_alert_ref(alert->ref);
  event.set_rule(alert->rule);
  event.set_limb(alert->limb);
  event.set_rule_version(limb.version);
  event.set_severity(alert->severity);
  event.set_accept_by(alert->accept_by_us);
  if (!request.not_known.empty()) event.set_waits_for(request.feed);
  for (const AlertAddressee& who : request.members) {
    AlertMember& member = alert->members.emplace_back();
    member.who = who;
    for (const Fact* fact : request.evidence) {
      member.evidence.push_back(fact->sequence);
    }
    if (who.step == 0) {
      member.told_us = request.at_us;
      event.add_addressees(who.Name());
    }
  }
  for (const Fact* fact : request.evidence) {
    event.add_evidence(EventRef(fact->header));
  }
  drafts_.push_back({absl::StrCat("raised/", alert->ref),
                     std::string(event.GetDescriptor()->full_name()),
                     event.SerializeAsString(),
                     absl::StrCat("alert/", alert->ref), alert->subject,
                     request.causation, request.at_us});
  by_ref_[alert->ref] = alert.get();
  alerts_.push_back(std::move(alert));
  return *alerts_.back();
}

void AlertBook::AddEvidence(Alert& alert, AlertMember& member,
                            const std::vector<const Fact*>& evidence,
                            const std::string& cause, uint64_t at_us) {
  v1::AlertEvidenceAdded event;
  event.set_alert_ref(alert.ref);
  for (const Fact* fact : evidence) {
    if (std::binary_search(member.evidence.begin(), member.evidence.end(),
                           fact->sequence)) {
      continue;
    }
    const bool said = std::any_of(
        alert.members.begin(), alert.members.end(), [&](const auto& other) {
          return std::binary_search(other.evidence.begin(),
                                    other.evidence.end(), fact->sequence);
        });
    member.evidence.insert(
        std::upper_bound(member.evidence.begin(), member.evidence.end(),
                         fact->sequence),
        fact->sequence);
    if (!said) event.add_evidence(EventRef(fact->header));
  }
  if (!event.evidence().empty()) Say(alert, "evidence", event, cause, at_us);
}

void AlertBook::Escalate(Alert& alert, uint32_t step, uint64_t accept_by_us,
                         uint64_t at_us) {
  alert.step = step;
  alert.escalated_us = at_us;
  alert.accept_by_us = accept_by_us;
  v1::AlertEscalated event;
  event.set_alert_ref(alert.ref);
  event.set_step(step);
  event.set_accept_by(accept_by_us);
  for (AlertMember& member : alert.members) {
    if (member.who.step != step || member.withdrawn()) continue;
    if (!member.told()) member.told_us = at_us;
    event.add_addressees(member.who.Name());
  }
  Say(alert, absl::StrCat("escalated/", step), event, "", at_us);
}

void AlertBook::MarkOverdue(Alert& alert, const AlertAcceptance& acceptance,
                            uint64_t at_us) {
  alert.overdue = true;
  v1::AlertOverdue event;
  event.set_alert_ref(alert.ref);
  const AlertDoer& doer = acceptance.doer;
  event.set_agency(doer.agency);
  event.set_act_by(acceptance.act_by_us);
  Say(alert, absl::StrCat("overdue/", doer.agency, "/", doer.at_us), event, "",
      at_us);
}

void AlertBook::Withdraw(Alert& alert, AlertMember& member,
                         const std::string& words, const std::string& cause,
                         uint64_t at_us) {
  member.withdrawn_us = at_us;
  member.withdrawn_because = words;
  member.last_step = alert.step;
  member.last_escalated_us = alert.escalated_us;
  v1::AlertWithdrawn event;
  event.set_alert_ref(alert.ref);
  event.add_addressees(member.who.Name());
  event.set_because(cause);
  Say(alert, "withdrawn", event, cause, at_us);
}

void AlertBook::Confirm(Alert& alert, const std::string& cause,
                        uint64_t at_us) {
  alert.not_known.clear();
  v1::AlertConfirmed event;
  event.set_alert_ref(alert.ref);
  Say(alert, "confirmed", event, cause, at_us);
}

Alert* AlertBook::CameBack(const std::string& ref, const View& view) {
  Alert* alert = Find(ref);
  if (alert == nullptr) return nullptr;
  alert->version = view.sequence;
  alert->steps.push_back(view.header.id);
  alert->traceparent = view.header.traceparent;
  return alert;
}

std::vector<AlertDraft> AlertBook::TakeDrafts() {
  return std::exchange(drafts_, {});
}

Alert* AlertBook::Find(absl::string_view ref) const {
  const auto it = by_ref_.find(ref);
  return it == by_ref_.end() ? nullptr : it->second;
}

}  // namespace concordat::alerts

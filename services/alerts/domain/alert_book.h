// Every alert, and the events that make its life. What the engine decides about
// an alert is done here: the alert changes, and the event that says so is drawn
// up to be published. PURE.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_BOOK_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_BOOK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "services/alerts/domain/alert.h"
#include "services/alerts/domain/fact.h"
#include "services/alerts/domain/rule_book.h"

namespace concordat::alerts {

// An event that the engine asks to be published.
struct AlertDraft {
  // Unique for what it says: the same fold asks for the same events.
  std::string key;
  std::string type;  // Full message name.
  std::string data;  // Serialized message.
  std::string stream;
  PersonKey subject;
  std::string causation;  // Event reference; empty: a moment came.
  uint64_t time_us = 0;
};

// What an alert is raised on.
struct RaiseRequest {
  const RuleLimb* limb = nullptr;
  const Fact* trigger = nullptr;
  std::string causation;
  uint64_t at_us = 0;
  uint64_t accept_by_us = 0;
  std::vector<const Fact*> evidence;     // In log order.
  std::vector<AlertAddressee> known_to;  // In the rule's order.
  std::vector<AlertAddressee> members;   // In the rule's order.
  std::string feed;                      // It waits for.
  std::string not_known;
};

class AlertBook {
 public:
  Alert& Raise(const RaiseRequest& request);
  // For one of its members. One event for all that are told of the same cause.
  void AddEvidence(Alert& alert, AlertMember& member,
                   const std::vector<const Fact*>& evidence,
                   const std::string& cause, uint64_t at_us);
  // To the next step; `accept_by_us` 0: no limit.
  void Escalate(Alert& alert, uint32_t step, uint64_t accept_by_us,
                uint64_t at_us);
  void MarkOverdue(Alert& alert, const AlertAcceptance& acceptance,
                   uint64_t at_us);
  // For one of its members, for the reason `words`.
  void Withdraw(Alert& alert, AlertMember& member, const std::string& words,
                const std::string& cause, uint64_t at_us);
  void Confirm(Alert& alert, const std::string& cause, uint64_t at_us);
  void Draft(AlertDraft draft) { drafts_.push_back(std::move(draft)); }

  // Every alert about the person, and what is not published of them.
  void Forget(const PersonKey& subject);

  // An event of an alert's life came back from the log. Null: of none that is
  // known.
  Alert* CameBack(const std::string& ref, const View& view);

  // Drawn up since the last call.
  std::vector<AlertDraft> TakeDrafts();
  // By reference; null: none.
  Alert* Find(absl::string_view ref) const;
  // In the order they were raised.
  const std::vector<std::unique_ptr<Alert>>& alerts() const { return alerts_; }

 private:
  std::string NewRef(const RaiseRequest& request) const;
  template <typename Event>
  void Say(const Alert& alert, const std::string& what, const Event& event,
           const std::string& cause, uint64_t at_us);

  std::vector<std::unique_ptr<Alert>> alerts_;
  absl::flat_hash_map<std::string, Alert*> by_ref_;
  std::vector<AlertDraft> drafts_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_BOOK_H_

// Rules over events: folds the log in its order and says which alerts to raise.
// Live, rebuild and backtest are this one function. PURE.
//
// A rule is judged once for each addressee's agency, over what that agency may
// see: a fact hidden from it changes nothing for it. Facts count by their own
// time, deadlines by log time (the acceptedtime of what is folded).
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_ENGINE_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_ENGINE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/alerts/domain/alert.h"
#include "services/alerts/domain/rule_book.h"
#include "services/common/event/event.h"
#include "services/common/policy/policy.h"

namespace concordat::alerts {

// An event that the engine asks to be published.
struct AlertDraft {
  // Unique for what it says: the same fold asks for the same events.
  std::string key;
  std::string type;  // Full message name.
  std::string data;  // Serialized message.
  std::string alert_ref;
  PersonKey subject;
  std::string causation;  // Event reference.
};

struct EvidenceWords {
  Sequence sequence;
  std::string event;  // Reference.
  std::string type;
  uint64_t time_us = 0;
  std::string words;
};

class Engine {
 public:
  // `arrangement` is the agency that co-ordinators act for.
  // `agency_names` are display names, by agency.
  Engine(std::shared_ptr<const TypeRegistry> types, RuleBook rules,
         std::string arrangement,
         std::map<std::string, std::string> agency_names);

  // Folds the next event of the log (a view with every group granted). Returns
  // what to publish; each key once over the life of the engine.
  //   INVALID_ARGUMENT  the event cannot be read; nothing was folded.
  absl::StatusOr<std::vector<AlertDraft>> Apply(const View& view);

  Sequence position() const { return position_; }
  uint64_t log_time_us() const { return log_time_us_; }

  // References of the alerts whose events came back since the last call.
  std::vector<std::string> TakeChanged();

  // By reference; null: none.
  const Alert* Find(absl::string_view ref) const;
  // In the order they were raised.
  const std::vector<std::unique_ptr<Alert>>& alerts() const { return alerts_; }
  // The part of an alert's evidence that `agency` may see, in its words.
  std::vector<EvidenceWords> Evidence(const Alert& alert,
                                      absl::string_view agency) const;

 private:
  // Field values by JSON name.
  using Fields = std::map<std::string, std::vector<std::string>>;
  struct Fact {
    View view;
    bool retracted = false;
  };
  struct Person {
    std::vector<std::unique_ptr<Fact>> facts;  // In log order.
    std::vector<Alert*> alerts;
  };

  struct BySequence {
    bool operator()(const Fact* a, const Fact* b) const {
      return a->view.sequence < b->view.sequence;
    }
  };
  // In log order, so that the same fold says the same.
  using FactsInOrder = std::set<const Fact*, BySequence>;

  void Judge(const RuleLimb& limb, const Fact& fact, Person& person,
             std::vector<AlertDraft>& out);
  // Facts that meet the limb for `agency` with `trigger` among them; empty when
  // it is not met.
  std::vector<const Fact*> Meet(const RuleLimb& limb, const Fact& trigger,
                                const Person& person,
                                absl::string_view agency) const;
  // Index of the first pattern of the limb that the fact matches in what
  // `agency` sees, from `first` on; -1: none.
  int Match(const RuleLimb& limb, const Fact& fact, absl::string_view agency,
            int first) const;
  std::vector<AlertAddressee> Resolve(const RuleLimb& limb,
                                      const PersonKey& person) const;
  absl::StatusOr<Fields> Seen(const Fact& fact, absl::string_view agency) const;
  void Raise(const RuleLimb& limb, const Fact& trigger, Person& person,
             std::vector<AlertAddressee> to, const FactsInOrder& evidence,
             std::vector<AlertDraft>& out);
  void AddEvidence(Alert& alert, const Fact& trigger,
                   const std::vector<const Fact*>& evidence,
                   std::vector<AlertDraft>& out);
  void FoldOwn(const View& view, const std::string& data);

  std::shared_ptr<const TypeRegistry> types_;
  RuleBook rules_;
  std::string arrangement_;
  std::map<std::string, std::string> agency_names_;
  PolicyState policy_;
  Sequence position_;
  uint64_t log_time_us_ = 0;
  absl::flat_hash_map<PersonKey, std::unique_ptr<Person>> persons_;
  absl::flat_hash_map<uint64_t, const Fact*> fact_by_sequence_;
  std::vector<std::unique_ptr<Alert>> alerts_;
  absl::flat_hash_map<std::string, Alert*> by_ref_;
  std::vector<std::string> changed_;
};

// "<source>#<id>": names an event from anywhere.
std::string EventRef(const Header& header);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_ENGINE_H_

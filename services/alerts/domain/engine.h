// Rules over events: folds the log in its order and says which alerts to raise.
// Live, rebuild and backtest are this one function. PURE.
//
// Audience  A rule is judged once for each addressee, over what that one may
//           see: a fact hidden from it changes nothing for it.
// Time      Facts count by their own time, deadlines by log time (acceptedtime).
//           What falls due happens, in order, before the first entry that
//           reaches it.
// History   A rule acts on what was accepted after its adoption, and never on
//           what had happened, or fallen due, before the log or the feed that
//           brings it began. The log says when rules are adopted (RuleHistory).
//
// Threads   One at a time.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_ENGINE_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_ENGINE_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/alerts/domain/alert.h"
#include "services/alerts/domain/alert_book.h"
#include "services/alerts/domain/audience.h"
#include "services/alerts/domain/deadlines.h"
#include "services/alerts/domain/fact.h"
#include "services/alerts/domain/feeds.h"
#include "services/alerts/domain/rule_history.h"
#include "services/alerts/domain/sight.h"

namespace concordat::alerts {

struct EngineParts {
  std::shared_ptr<const TypeRegistry> types;
  RuleBook rules;  // Until the log says that others are adopted.
  WantedFields wanted;
  // The log is folded by `rules` alone, whatever it says of rules.
  bool rules_stay = false;
  FeedBook feeds;
  std::shared_ptr<const Calendars> calendars;
  std::shared_ptr<const LimitClocks> clocks;
  std::string arrangement;  // The agency that co-ordinators act for.
  std::map<std::string, std::string> agency_names;  // Display names, by agency.
  std::vector<TypePublisher> publishers;
};

class Engine {
 public:
  explicit Engine(EngineParts parts);

  // Folds the next event of the log (a view with every group granted). Returns
  // what to publish; each key once over the life of the engine.
  //   INVALID_ARGUMENT  the event cannot be read; nothing of it was folded.
  absl::StatusOr<std::vector<AlertDraft>> Apply(const View& view);

  Sequence position() const { return position_; }
  uint64_t log_time_us() const { return log_time_us_; }
  // What could not be calculated, in words for an operator; empty: all could.
  const std::string& fault() const { return fault_; }
  const RuleHistory& rules() const { return rules_; }

  // The alerts that look different to somebody since the last call.
  std::vector<const Alert*> TakeChanged() {
    return std::exchange(changed_, {});
  }
  // By reference; null: none.
  const Alert* Find(absl::string_view ref) const { return book_.Find(ref); }
  // In the order they were raised.
  const std::vector<std::unique_ptr<Alert>>& alerts() const {
    return book_.alerts();
  }
  // What the caller sees of an alert; none: it is not theirs, or what it rests
  // on is not shown to them any more.
  std::optional<AlertSight> See(const Alert& alert,
                                const AlertCaller& caller) const;
  // The newest event at which it came to look to the caller as it does, and no
  // event that the caller learns nothing by; 0: the log does not have it yet.
  Sequence PositionOf(const Alert& alert, const AlertCaller& caller) const;
  // Why the caller sees it, and what the caller may not see.
  AlertReasons Explain(const Alert& alert, const AlertCaller& caller) const;
  // Whom the caller may pass it on to: they see all that the caller sees of it, and
  // do not have it.
  std::vector<AlertAddressee> MayPassTo(const Alert& alert,
                                        const AlertCaller& caller) const;
  // Those that bring what the caller's alerts may rest on; to the operator: all.
  std::vector<const FeedState*> FeedsFor(const AlertCaller& caller) const;
  std::string AgencyName(const std::string& agency) const;
  // A limit that an absence rule has from a fact.
  struct FactClock {
    std::string rule;
    std::string limb;
    uint64_t due_us = 0;
    bool answers = false;  // Else the fact started it.
    bool off = false;      // The fact holds no more.
    bool judged = false;
  };
  // In the order in which they started. None: the caller may not ask about it.
  std::vector<FactClock> ClocksOf(Sequence fact,
                                  const AlertCaller& caller) const;

 private:
  // An absence that is waited for. Judged again when what it rests on changes.
  struct Pending {
    const RuleLimb* limb = nullptr;
    const Fact* start = nullptr;
    uint64_t deadline_us = 0;
    bool judged = false;  // Known, one way or the other.
  };
  // Of one person, or of one feed.
  struct Person {
    Facts facts;
    std::vector<Alert*> alerts;
    std::vector<std::unique_ptr<Pending>> pending;
  };
  struct Known {
    Fact* fact = nullptr;
    Person* person = nullptr;
  };
  // What falls due, in order: an alert's, or an absence that no feed answers.
  struct Timer {
    // kHeld: of one that was to be accepted while it was held.
    enum class Kind { kAbsence, kAccept, kAct, kHeld };
    uint64_t due_us = 0;
    Kind kind = Kind::kAccept;
    uint64_t order = 0;  // Of its making.
    Alert* alert = nullptr;
    Pending* pending = nullptr;
    Person* person = nullptr;

    bool operator<(const Timer& other) const {
      return std::tie(due_us, kind, order) <
             std::tie(other.due_us, other.kind, other.order);
    }
  };
  struct Told {
    AlertAddressee who;
    std::vector<const Fact*> evidence;
  };
  // How an alert looks to one of its members, and since which event. Null: not at all.
  struct Shown {
    std::shared_ptr<const AlertSight> sight;
    Sequence changed;
  };
  // A member ("agency/role"), and the purpose for which it asks; none: for any.
  using Asker = std::pair<std::string, std::optional<std::string>>;
  using Members = std::vector<const AlertMember*>;

  // engine.cc
  void FoldFact(const View& view, Fact fact);
  void FoldFeed(const View& view, absl::string_view data);
  // A newer version of an agreement: that the one before ends holds no more.
  void FoldAdopted(const View& view);
  void FoldRules(const View& view, const std::string& data);
  void FoldDoubt(const View& view, const std::string& data);
  // What came by a number that was cut from the person counts no more.
  void FoldCut(const View& view, const std::string& data);
  // restriction.cc
  // The person's controllers are as they are now, and were `before`.
  void FoldRestriction(const View& view, const std::set<std::string>& before);
  // What it rests on is restricted, and nobody sees anything else of it.
  bool IsHeld(const Alert& alert) const;
  // Says so, and nothing of what it says; none: nothing of it is restricted.
  std::optional<AlertSight> SeeHeld(const Alert& alert, const Members& members,
                                    const AlertCaller& caller) const;
  // forget.cc
  void FoldErased(const View& view, const std::string& data);
  // All that is known of the person: how many facts and alerts.
  uint64_t Forget(const PersonKey& subject);
  // `by` takes back or corrects what `reference` names.
  void TakeOff(absl::string_view reference, const Fact& by,
               const Fact* instead);
  // Of the alerts that `view` may have changed: for whom it has, and for which of
  // their purposes.
  void NoteChanges(const View& view);
  bool NoteSights(const Alert& alert, Sequence at);
  Person& PersonOf(const Fact& fact);

  // judge.cc
  void Judge(const RuleLimb& limb, const Fact& trigger, Person& person);
  void Raise(const RuleLimb& limb, const Fact& trigger, Person& person,
             const std::vector<Told>& fresh, RaiseRequest request);
  // Of what is raised at this moment: by when to accept, and whether cover is told.
  uint64_t AcceptBy(const RuleLimb& limb, uint64_t at_us, bool* out_of_hours);
  bool IsHistory(const std::vector<const Fact*>& evidence) const;
  AlertMember* OpenFor(const RuleLimb& limb, const Person& person,
                       const AlertAddressee& who, Alert** alert) const;
  bool ToldBefore(const RuleLimb& limb, const Fact& trigger,
                  const Person& person, const AlertAddressee& who) const;
  // Of an alert that was passed on to somebody whom the rule does not tell.
  void AddToPassedOn(const RuleLimb& limb, const Fact& trigger, Person& person);
  // `off` counts no more, because of `by`; `instead` takes its place. Alerts that do
  // not stand without it are withdrawn.
  void JudgeAgain(Person& person, const Fact& off, const Fact* instead,
                  const Fact& by);
  std::string WhyTakenBack(const Alert& alert, const AlertMember& member,
                           const Fact& off, const Fact& by) const;
  bool Stands(const Alert& alert, const AlertMember& member,
              const Person& person) const;
  GroupMask Seen(const Fact& fact, const AlertAddressee& who) const {
    return audiences_.See(fact, who, log_time_us_);
  }
  // What `member` sees when it is `caller` who asks.
  GroupMask Seen(const Fact& fact, const AlertMember& member,
                 const AlertCaller& caller) const {
    return audiences_.See(fact, member.who, log_time_us_, caller.purpose);
  }

  // absence.cc
  void Await(const RuleLimb& limb, const Fact& start, Person& person);
  void JudgeWaiting(const FeedState& feed, const std::string& cause);
  // `feed` owes what was due at `due_us`.
  void JudgeUnknown(const FeedState& feed, uint64_t due_us);
  void JudgeAbsence(Pending& pending, const std::string& cause,
                    const FeedState* late);
  const Fact* AnswerTo(const Pending& pending, const Person& person,
                       const AlertAddressee& who) const;
  // Sees what starts it and would see whatever answered it.
  bool MaySay(const RuleLimb& limb, const Fact& start,
              const AlertAddressee& who) const;
  // An absence from `start` on: would see whatever answered it. Others: yes.
  bool WouldSeeAnswers(const RuleLimb& limb, const Fact& start,
                       const AlertAddressee& who,
                       const std::optional<std::string>& purpose = {}) const;
  // The members to whom it may be said that nothing came, for the caller's purpose. Of
  // an alert that is no absence: all of them.
  Members WhoMaySay(const Alert& alert, Members members,
                    const AlertCaller& caller) const;
  // In time, and of the same thing; off or not.
  static bool IsAnswer(const Pending& pending, const Fact& fact,
                       GroupMask seen);
  std::vector<const FeedState*> FeedsOf(const Pending& pending) const;
  // A fact came, late or not, that answers an absence.
  void Answer(const Fact& fact, Person& person);
  void WithdrawAnswered(Pending& pending, Person& person, const Fact& fact);
  const Pending* PendingOf(const Alert& alert) const;

  // life.cc
  void PassTime(uint64_t to_us);
  void AddTimer(uint64_t due_us, Timer timer);
  void Fire(const Timer& timer);
  void Escalate(Alert& alert, const Person& person);
  bool AcceptedElsewhere(const Alert& alert, const Person& person) const;
  void FoldOwn(const View& view, const std::string& data);
  uint64_t Limit(const v1::Clock& clock, const std::string& calendar,
                 uint64_t from_us);

  // sight.cc
  using MoreWords = std::map<std::string, std::string>;  // By name.
  std::string InWords(const RuleLimb& limb, absl::string_view form,
                      const Fact& fact, GroupMask seen,
                      const MoreWords& more = {}) const;
  void SeeEvidence(const Alert& alert, const AlertMember& member,
                   const AlertCaller& caller,
                   std::map<Sequence, EvidenceWords>* evidence) const;
  // Newest by its own time; null: there is none.
  const Fact* NewestOf(const std::map<Sequence, EvidenceWords>& evidence) const;
  GroupMask SeenBy(const Fact& fact, const Members& members,
                   const AlertCaller& caller) const;
  std::string Headline(const Alert& alert, const Members& members,
                       const AlertCaller& caller,
                       const std::map<Sequence, EvidenceWords>& evidence) const;
  void SeeAbsence(const Alert& alert, AlertSight* sight) const;
  void SeeActs(const Alert& alert, const AlertCaller& caller, uint64_t until_us,
               AlertSight* sight) const;
  void SeeAddressees(const Alert& alert, uint32_t step,
                     AlertSight* sight) const;

  std::shared_ptr<const TypeRegistry> types_;
  RuleHistory rules_;
  bool rules_stay_;
  FeedBook feeds_;
  Deadlines deadlines_;
  std::map<std::string, std::string> agency_names_;
  Audiences audiences_;
  AlertBook book_;
  Sequence position_;
  uint64_t log_time_us_ = 0;
  std::optional<uint64_t> log_began_us_;
  std::string fault_;
  absl::flat_hash_map<PersonKey, std::unique_ptr<Person>> persons_;
  std::map<std::string, std::unique_ptr<Person>> by_feed_;
  absl::flat_hash_map<uint64_t, Known> by_sequence_;
  absl::flat_hash_map<std::string, Known> by_reference_;
  absl::flat_hash_map<const Alert*, Person*> person_of_;
  absl::flat_hash_map<const Alert*, std::map<Asker, Shown>> shown_;
  std::vector<const Alert*> changed_;
  // Whose event was folded just now; null: it was of no alert.
  const Alert* came_back_ = nullptr;
  // Reviews of a doubted link that are open, by person.
  absl::flat_hash_map<PersonKey, std::set<std::string>> doubts_;
  // By controller: since which event what it told of the person is restricted.
  absl::flat_hash_map<PersonKey, std::map<std::string, Sequence>>
      restricted_from_;
  std::set<Timer> timers_;
  uint64_t timers_made_ = 0;
  // Not judged for good, by deadline and then in log order.
  std::map<std::tuple<uint64_t, Sequence, size_t>, std::pair<Pending*, Person*>>
      waiting_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_ENGINE_H_

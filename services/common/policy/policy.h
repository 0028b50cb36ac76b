// Who may see what: agreements and the policy that the log's events fold to.
// PURE; the bus, the alerts service and everything else that shows an event to
// somebody use this and nothing else. Deny by default at every step.
//
// Threads  Agreements is immutable. PolicyState is for one thread at a time.
// Days     An agreement is in force from the start of its first day to the end
//          of its last, Europe/London. `now_us` is log time, microseconds.
// Beats    A person's lists beat every grant. Gender history and a protected
//          person's details are shown by nothing but a line that names them and
//          the recorded exception: to no producer and no hub service either.
#ifndef CONCORDAT_SERVICES_COMMON_POLICY_POLICY_H_
#define CONCORDAT_SERVICES_COMMON_POLICY_POLICY_H_

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat {

// A recipient: the agency and what it acts as. An arrangement is an agency here.
struct Recipient {
  std::string agency;
  // A principal's role, or one that an alert is addressed to.
  std::string role;
  // Not empty: a hub service's right to process these types about anybody.
  std::vector<std::string> process_types;
  // What the reader is for; an agreement gives nothing for a purpose that it
  // does not list. Not there: nobody reads yet, a role's view is judged.
  std::optional<std::string> purpose = std::nullopt;
  // Who it is: the principal's name. Empty: nobody yet, a role's view is judged.
  // kSeveral: any of the role may get it, so that it is shown what all of them may.
  static constexpr char kSeveral[] = "*";
  std::string principal = {};
  // The same right, to the header alone of these types that the others are not.
  std::vector<std::string> header_types = {};

  // What the registry gives a hub service.
  void SetProcessed(const bus::v1::ProcessGrant& grant);
  bool processes() const {
    return !process_types.empty() || !header_types.empty();
  }
  // The operator runs the hub and sees envelopes: no subject, no data. Granted()
  // gives it nothing; who renders envelopes asks this first.
  bool envelopes_only() const { return role == "operator"; }
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

// An entry of a person's restricted-to or excluded list: an agency, a role of it,
// or one principal.
struct AccessEntry {
  std::string agency;
  std::string role;       // Empty: any.
  std::string principal;  // Empty: any.

  // Of "agency", "agency/role" or "agency/role/principal", a role "*" being any.
  static AccessEntry Of(absl::string_view text);
  std::string ToString() const;
  // Whom it names, or one of the several; and whom, or one who has the role.
  bool Names(const Recipient& to) const {
    return agency == to.agency && (role.empty() || role == to.role) &&
           (principal.empty() || principal == to.principal ||
            to.principal == Recipient::kSeveral);
  }
  bool NamesSomebodyOf(const Recipient& to) const {
    return agency == to.agency && (role.empty() || role == to.role) &&
           (principal.empty() || to.principal.empty() ||
            principal == to.principal);
  }
  friend bool operator==(const AccessEntry&, const AccessEntry&) = default;
};

// What a person's case says about who may see that person's events. A person
// has one case at a time; a new one takes the place of the old.
struct PersonPolicy {
  std::set<std::string> parties;   // Agencies party to the open case.
  std::string lead;                // Of the case, or the first who submitted.
  uint32_t level = 0;              // MAPPA level; 0: none.
  bool arrangement_party = false;  // From the first notification or referral.
  bool case_open = false;
  std::set<std::string> registered_by;
  // Agencies that are told that the person was erased.
  std::set<std::string> told_of_erasure;
  // Controllers whose facts of the person are kept and shown to nobody else.
  std::set<std::string> restricted_controllers;
  // Set by the agency that leads; they outlive the case, and beat every grant.
  // `restricted_to` empty: everybody.
  std::vector<AccessEntry> restricted_to;
  std::vector<AccessEntry> excluded;

  // False: to this recipient there is no record of the person. A hub service that
  // processes is asked nowhere; what it tells anyone passes that recipient's view.
  bool Allows(const Recipient& to) const {
    return (restricted_to.empty() && excluded.empty()) || ListsAllow(to);
  }
  bool Excludes(const Recipient& to) const;
  bool ListsAllow(const Recipient& to) const;
  friend bool operator==(const PersonPolicy&, const PersonPolicy&) = default;
};

// Bit g is set when group g of the type is granted. Bit 0 is set whenever
// a group is: who sees one sees the header, and what is routing.
using GroupMask = uint16_t;

// Of a hub service: the header and no group, neither the header's own.
inline constexpr GroupMask kHeaderAlone = 1u << 8;

// One line of an agreement that is about an event's type: what it says, and
// whether it gives the recipient that event.
struct JudgedLine {
  std::string agreement;
  uint32_t version = 0;
  int line = 0;  // see[line]
  policy::v1::Audience audience = policy::v1::AUDIENCE_UNSPECIFIED;
  std::string says;
  bool applies = false;
  std::string because;
};
struct JudgedView {
  GroupMask granted = 0;
  // Not empty: the answer comes from no line.
  std::string because;
  std::vector<JudgedLine> lines;  // In the order of the agreements.
};

// An end before its time; what hub.v1.AgreementRetired says.
struct EarlyEnd {
  std::string name;
  uint32_t version = 0;
  uint64_t from_us = 0;
  std::string party;
  std::string reason;
};

struct AdoptedAgreement {
  policy::v1::Agreement agreement;
  bool in_force = false;
  std::vector<std::string> signed_by;  // Parties.
  uint64_t until_us = 0;               // Exclusive; the early end's, if any.
  std::optional<EarlyEnd> early_end;
};

// What is told of an agreement's end, to people: that it comes within `warning_days`,
// or, as long after it, since when nothing is shared by it; and whom to ring. Empty:
// neither.
std::string EndInWords(const AdoptedAgreement& agreement, uint64_t now_us,
                       uint32_t warning_days);

// To whom an agreement gives something, in the smallest steps: of one type, one
// audience, one MAPPA level, one regime.
struct GrantCell {
  std::string agency;
  std::string role;
  std::string type;
  policy::v1::Audience audience = policy::v1::AUDIENCE_UNSPECIFIED;
  uint32_t level = 0;  // With PARTY.
  bool part3 = false;  // Processed under Part 3.
  friend auto operator<=>(const GrantCell&, const GrantCell&) = default;
};

// A party to it, or its arrangement.
bool IsOf(const policy::v1::Agreement& agreement, absl::string_view agency);

// Every agreement in its newest version, compiled.
class Agreements {
 public:
  static std::shared_ptr<const Agreements> None(
      std::shared_ptr<const TypeRegistry> types);

  // These and `agreement`, which takes the place of the one of its name if its
  // version is higher; else the same as before.
  //   INVALID_ARGUMENT  a date, bound or period is wrong; a grant is to a stranger,
  //                     names no role or an unknown or internal type, or shows under the
  //                     UK GDPR what is processed under Part 3 and names no
  //                     law, or gender history or a protected person to more
  //                     than one recipient or without one. Names the grant.
  absl::StatusOr<std::shared_ptr<const Agreements>> With(
      const policy::v1::Agreement& agreement,
      std::vector<std::string> signed_by = {}) const;

  // The same with that one over from then on. Null: it is of no agreement here, of
  // another version than the newest, or not before the end that it has.
  std::shared_ptr<const Agreements> Ended(const EarlyEnd& end) const;

  // What `to` may see of an event with this header about a person of whom
  // `person` holds. 0: nothing, not even the header.
  GroupMask Granted(const HeaderView& header, const Recipient& to,
                    uint64_t now_us, const PersonPolicy& person) const;

  // What is given of this type to anybody but who told it, about whomever.
  GroupMask Shared(absl::string_view type, uint64_t now_us) const;

  // The same as Granted() with its reasons. `granted` is what that says. Names no agency
  // but the recipient's beyond what the lines themselves say.
  JudgedView Explain(const HeaderView& header, const Recipient& to,
                     uint64_t now_us, const PersonPolicy& person) const;
  std::vector<AdoptedAgreement> List(uint64_t now_us) const;
  // What the agreement of that name gives to whom, whether or not it is in force.
  std::map<GrantCell, GroupMask> CellsOf(absl::string_view name) const;

  // May `agency` publish for this purpose, through this legal gateway? One
  // agreement in force that it is a party to must have both.
  //   PERMISSION_DENIED  none has. Names the field, and its value if it looks
  //                      like a code.
  absl::Status MayPublish(absl::string_view agency, absl::string_view purpose,
                          absl::string_view gateway, uint64_t now_us) const;

  // A change of a person from `before` to `after` may show `to` more.
  bool MayShowMore(const Recipient& to, const PersonPolicy& before,
                   const PersonPolicy& after) const;
  // What has ended gives nothing; what begins later does.
  bool HasAnyGrant(const Recipient& to, uint64_t now_us) const;
  // What a recipient is told whom HasAnyGrant() has nothing for: when and why the
  // last agreement that gave it something ended, and whom to ring. Empty: none
  // ever did.
  std::string EndedInWords(const Recipient& to, uint64_t now_us) const;
  // The purposes of agreements that give `to` something, whatever its own is.
  std::set<std::string> PurposesOf(const Recipient& to) const;
  // The first moment after `now_us` at which an agreement starts or ends;
  // UINT64_MAX for never.
  uint64_t NextChangeAfter(uint64_t now_us) const;

 private:
  struct Term;
  struct Rule;
  struct TypeRules;
  explicit Agreements(std::shared_ptr<const TypeRegistry> types);
  static absl::Status CheckTerm(Term& term);
  static absl::StatusOr<std::shared_ptr<const Agreements>> Compile(
      std::shared_ptr<const TypeRegistry> types,
      std::vector<std::shared_ptr<const Term>> newest);
  absl::Status CompileGrant(const Term& term, int line);
  static std::string AudienceBecause(const Rule& rule, const HeaderView& header,
                                     const PersonPolicy& person);
  static JudgedLine JudgeLine(const Rule& rule, const HeaderView& header,
                              const Recipient& to, uint64_t now_us,
                              const PersonPolicy& person);

  std::shared_ptr<const TypeRegistry> types_;
  std::vector<std::shared_ptr<const Term>> newest_;
  absl::flat_hash_map<std::string, TypeRules> rules_;
  std::vector<uint64_t> changes_us_;  // Ascending.
};

// A producer and a hub service that processes the type see all of an event; who is
// sent the header alone, never the header group (on_behalf_of, correlation,
// causation). Others see that only when they see every data group and it names no
// other event, which might be one that is hidden from them.
bool ShowsHeaderGroup(const HeaderView& header, const EventType& type,
                      const Recipient& to, GroupMask granted);

// Plain words for what is withheld of every event of this type from who sees
// `granted`, whether or not an event has it, so that it tells nothing.
std::vector<std::string> Withheld(const EventType& type, GroupMask granted);

// And for what is shown; "the header alone"; nothing when nothing is.
std::vector<std::string> ShownInWords(const EventType& type, GroupMask granted);

class PolicyState {
 public:
  explicit PolicyState(std::shared_ptr<const TypeRegistry> types);

  // Takes an agreement into force at once, as its AgreementAdopted would.
  //   INVALID_ARGUMENT  as Agreements::With.
  absl::Status Adopt(const policy::v1::Agreement& agreement,
                     std::vector<std::string> signed_by = {});

  // Folds one durable event. True when it may have changed what somebody sees
  // of its subject, or, with no subject, of anybody.
  //   INVALID_ARGUMENT  a policy-bearing event that cannot be read; the state
  //                     is as before.
  absl::StatusOr<bool> Apply(const HeaderView& header,
                             absl::string_view message);

  // By the newest policy.
  GroupMask Granted(const HeaderView& header, const Recipient& to,
                    uint64_t now_us) const {
    return agreements_->Granted(header, to, now_us, Of(header.subject));
  }
  // A grant names this agency and role, for its purpose, and has not ended: else a
  // subscription would see nothing.
  bool HasAnyGrant(const Recipient& to, uint64_t now_us) const {
    return agreements_->HasAnyGrant(to, now_us);
  }
  const PersonPolicy& Of(const PersonKey& person) const;
  const std::shared_ptr<const Agreements>& agreements() const {
    return agreements_;
  }

 private:
  absl::StatusOr<bool> ApplyAdopted(absl::string_view message);
  absl::StatusOr<bool> ApplyRetired(absl::string_view message);

  std::shared_ptr<const TypeRegistry> types_;
  std::shared_ptr<const Agreements> agreements_;
  absl::flat_hash_map<PersonKey, PersonPolicy> persons_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_POLICY_POLICY_H_

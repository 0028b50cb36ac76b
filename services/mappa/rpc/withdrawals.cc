#include "services/mappa/rpc/withdrawals.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "services/common/event/amends.h"
#include "services/common/projection/decide.h"

namespace concordat::mappa {
namespace {

constexpr absl::string_view kOwnTypes = "concordat.mappa.v1.";

std::string KeyOf(absl::string_view source, absl::string_view id) {
  return absl::StrCat(source, "#", id);
}

bool IsFact(absl::string_view type) {
  if (absl::StartsWith(type, kOwnTypes)) return true;
  static const auto* const kTypes =
      new std::vector<std::string>(Withdrawals::FactTypes());
  return std::find(kTypes->begin(), kTypes->end(), type) != kTypes->end();
}

// What was in force at that place; null: nothing was.
template <typename List>
auto At(const List& list, Sequence place) -> decltype(&list.front().what) {
  const auto after = std::upper_bound(
      list.begin(), list.end(), place,
      [](Sequence at, const auto& each) { return at < each.from; });
  return after == list.begin() ? nullptr : &std::prev(after)->what;
}

}  // namespace

std::vector<std::string> Withdrawals::HeaderTypes() {
  return {"concordat.court.v1.OrderImposed",
          "concordat.nhs.v1.EngagementReported",
          "concordat.nhs.v1.RestrictedPatientStatusChanged",
          "concordat.nhs.v1.RiskInformationDisclosed",
          "concordat.police.v1.AddressChanged",
          "concordat.police.v1.ChargeRecorded",
          "concordat.police.v1.ConcernShared",
          "concordat.police.v1.DomesticIncidentRecorded",
          "concordat.police.v1.ManagementStarted",
          "concordat.police.v1.VisitRecorded",
          "concordat.prison.v1.Released",
          "concordat.socialwork.v1.BreachSubmitted",
          "concordat.socialwork.v1.ContactRecorded",
          "concordat.socialwork.v1.ReviewHeld",
          "concordat.socialwork.v1.UnpaidWorkObservationRaised"};
}

std::vector<std::string> Withdrawals::FactTypes() {
  std::vector<std::string> types = HeaderTypes();
  types.push_back("concordat.socialwork.v1.AssessmentCompleted");
  return types;
}

HeaderView Withdrawals::Fact::AsHeader(const PersonKey& subject) const {
  HeaderView header;
  header.source = source;
  header.type = type;
  header.controller = controller;
  header.regime = regime;
  header.subject = subject;
  return header;
}

void Withdrawals::Apply(const View& view, const PolicyState& policy,
                        bool policy_changed) {
  const Header& header = view.header;
  if (header.subject.empty()) {
    if (policy_changed) {
      agreements_.push_back(
          {view.sequence, view.accepted_us, policy.agreements()});
    }
    return;
  }
  if (policy_changed) {
    persons_[header.subject].policy.push_back(
        {view.sequence, view.accepted_us, policy.Of(header.subject)});
  }
  if (header.type == kLinkCutType) {
    TakeCut(view, persons_[header.subject]);
    return;
  }
  if (!IsFact(header.type)) return;
  const EventReference amended = AmendedBy(AsView(header));
  if (!amended.id.empty()) {
    const std::string original = KeyOf(amended.source, amended.id);
    const auto take = [&](Person& person) {
      const auto found = person.facts.find(original);
      if (found == person.facts.end()) return false;
      person.withdrawn.push_back({found->second,
                                  header.retracts.empty()
                                      ? WithdrawnFact::How::kCorrected
                                      : WithdrawnFact::How::kTakenBack,
                                  view.sequence, view.accepted_us});
      // Nothing rests on it from here on.
      if (!header.retracts.empty()) person.facts.erase(found);
      return true;
    };
    // A correction may be about somebody else.
    if (!take(persons_[header.subject])) {
      (void)std::any_of(persons_.begin(), persons_.end(),
                        [&](auto& each) { return take(each.second); });
    }
  }
  if (!header.retracts.empty()) return;
  Fact fact{.sequence = view.sequence,
            .accepted_us = view.accepted_us,
            .source = header.source,
            .type = header.type,
            .controller = header.controller,
            .regime = header.regime,
            .assessment_ref = {}};
  socialwork::v1::AssessmentCompleted assessment;
  if (ReadAs(view, &assessment)) {
    fact.assessment_ref = assessment.assessment_ref();
  }
  persons_[header.subject].facts[KeyOf(header.source, header.id)] =
      std::move(fact);
}

void Withdrawals::TakeCut(const View& view, Person& person) {
  identity::v1::LinkCut cut;
  if (!ReadAs(view, &cut)) return;
  const auto& sources = cut.sources();
  std::erase_if(person.facts, [&](const auto& each) {
    const Fact& fact = each.second;
    const bool is_cut =
        fact.sequence.value > cut.after() &&
        std::find(sources.begin(), sources.end(), fact.source) != sources.end();
    if (is_cut) {
      person.withdrawn.push_back(
          {fact, WithdrawnFact::How::kCut, view.sequence, view.accepted_us});
    }
    return is_cut;
  });
}

bool Withdrawals::WasGranted(const PersonKey& subject, const Person& person,
                             const Withdrawal& of,
                             const Recipient& reader) const {
  const auto granted = [&](Sequence place, uint64_t at_us) {
    const auto* agreements = At(agreements_, place);
    if (agreements == nullptr) return false;
    static const PersonPolicy* const kNobody = new PersonPolicy;
    const PersonPolicy* policy = At(person.policy, place);
    if (policy == nullptr) policy = kNobody;
    return (*agreements)
               ->Granted(of.fact.AsHeader(subject), reader, at_us, *policy) !=
           0;
  };
  const auto at_a_change = [&](const auto& change) {
    return of.fact.sequence < change.from && change.from < of.by &&
           granted(change.from, change.from_us);
  };
  return granted(of.fact.sequence, of.fact.accepted_us) ||
         std::any_of(person.policy.begin(), person.policy.end(), at_a_change) ||
         std::any_of(agreements_.begin(), agreements_.end(), at_a_change);
}

std::vector<WithdrawnFact> Withdrawals::Of(const PersonKey& subject,
                                           const Recipient& reader,
                                           const PolicyState& policy,
                                           uint64_t now_us) const {
  std::vector<WithdrawnFact> facts;
  const auto found = persons_.find(subject);
  if (found == persons_.end()) return facts;
  for (const Withdrawal& each : found->second.withdrawn) {
    WithdrawnFact fact;
    fact.shown =
        policy.Granted(each.fact.AsHeader(subject), reader, now_us) != 0;
    if (!fact.shown && !WasGranted(subject, found->second, each, reader)) {
      continue;
    }
    fact.how = each.how;
    fact.fact = each.fact.sequence;
    fact.by = each.by;
    fact.withdrawn_us = each.by_us;
    fact.type = each.fact.type;
    fact.agency = each.fact.controller;
    fact.assessment_ref = each.fact.assessment_ref;
    facts.push_back(std::move(fact));
  }
  std::sort(facts.begin(), facts.end(),
            [](const WithdrawnFact& a, const WithdrawnFact& b) {
              return std::pair(a.fact, a.by) < std::pair(b.fact, b.by);
            });
  return facts;
}

void Withdrawals::Forget(const PersonKey& subject) {
  const auto found = persons_.find(subject);
  if (found == persons_.end()) return;
  found->second.facts.clear();
  found->second.withdrawn.clear();
}

}  // namespace concordat::mappa

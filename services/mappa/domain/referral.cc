#include "services/mappa/domain/referral.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace concordat::mappa {
namespace {

constexpr absl::string_view kAccepted = "ACCEPTED";
constexpr absl::string_view kChanged = "CHANGED";
constexpr absl::string_view kOtherRisk = "ORSH";

}  // namespace

void Evolve(Referral& referral, const View& event) {
  v1::ReferralSubmitted submitted;
  v1::ReferralDecided decided;
  if (ReadAs(event, &submitted) && !referral.submitted) {
    referral.submitted = true;
    referral.submitted_by = event.header.controller;
    referral.subject = event.header.subject;
    referral.level_sought = submitted.level_sought();
  } else if (ReadAs(event, &decided)) {
    referral.decided = true;
    referral.decision = decided.decision();
    referral.level = decided.level();
    referral.decided_by = event.header.on_behalf_of;
    referral.decided_us = event.header.time_us;
  }
}

Referral FoldReferral(const std::vector<View>& history) {
  Referral referral;
  for (const View& event : history) Evolve(referral, event);
  return referral;
}

std::string StateOf(const Referral& referral) {
  return referral.decided ? absl::AsciiStrToLower(referral.decision)
                          : "submitted";
}

std::string DescribeDecision(const Referral& referral, const NameOf& name_of,
                             absl::TimeZone zone, uint64_t now_us) {
  if (!referral.decided) return "";
  std::string what = absl::StrCat("it was ", StateOf(referral));
  if (referral.decision == kAccepted) {
    absl::StrAppend(&what, " at Level ", referral.level);
  } else if (referral.decision == kChanged) {
    absl::StrAppend(&what, " to Level ", referral.level);
  }
  const absl::Time at =
      absl::FromUnixMicros(static_cast<int64_t>(referral.decided_us));
  const absl::Time now = absl::FromUnixMicros(static_cast<int64_t>(now_us));
  const bool same_day =
      absl::ToCivilDay(at, zone) == absl::ToCivilDay(now, zone);
  absl::StrAppend(
      &what, " by ", name_of(referral.decided_by), " at ",
      absl::FormatTime(same_day ? "%H:%M" : "%H:%M on %-d %B %Y", at, zone));
  return what;
}

Decision DecideNotification(const std::vector<View>& history,
                            const v1::NotificationReceived& command,
                            const IsAgency& is_agency) {
  if (!history.empty()) {
    return absl::AlreadyExistsError("notification_ref: is taken");
  }
  if (!is_agency(command.lead())) {
    return absl::InvalidArgumentError(
        "notification.lead: names an unknown agency");
  }
  if (command.category() == kOtherRisk && command.proposed_level() < 2) {
    return absl::InvalidArgumentError(
        "notification.proposed_level: ORSH is managed at Level 2 or 3");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideReferralSubmission(const std::vector<View>& history,
                                  const v1::ReferralSubmitted& command,
                                  const IsAssessment& is_assessment) {
  if (!history.empty()) {
    return absl::AlreadyExistsError("referral.referral_ref: is taken");
  }
  const std::set<std::string> assessments(command.assessment_refs().begin(),
                                          command.assessment_refs().end());
  if (assessments.size() !=
      static_cast<size_t>(command.assessment_refs_size())) {
    return absl::InvalidArgumentError(
        "referral.assessment_refs: names one twice");
  }
  for (const std::string& ref : assessments) {
    if (!is_assessment(ref)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "referral.assessment_refs: this person has no assessment ", ref));
    }
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideOnReferral(
    const std::vector<View>& history, const v1::ReferralDecided& command,
    const std::function<std::string(const Referral&)>& how) {
  const Referral referral = FoldReferral(history);
  if (!referral.submitted) return absl::NotFoundError("no such referral");
  if (referral.decided) {
    return absl::FailedPreconditionError(
        absl::StrCat("the referral was decided before: ", how(referral)));
  }
  if (command.decision() == kAccepted) {
    if (command.level() != referral.level_sought) {
      return absl::InvalidArgumentError(
          absl::StrCat("decision.level: ACCEPTED is at the level sought, ",
                       referral.level_sought, "; another level is CHANGED"));
    }
  } else if (command.decision() == kChanged) {
    if (command.level() == 0 || command.level() == referral.level_sought) {
      return absl::InvalidArgumentError(
          "decision.level: CHANGED is to another level than was sought");
    }
  } else if (command.level() != 0) {
    return absl::InvalidArgumentError(
        "decision.level: only ACCEPTED and CHANGED have one");
  } else if (command.reason().empty()) {
    return absl::InvalidArgumentError(
        "decision.reason: RETURNED and DECLINED need one");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

}  // namespace concordat::mappa

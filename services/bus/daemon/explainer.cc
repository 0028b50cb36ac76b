#include "services/bus/daemon/explainer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/common/policy/london_day.h"

namespace concordat::bus {
namespace {

// One answer for what is not there and for what may not be asked about.
absl::Status NoSuchEvent() {
  return absl::NotFoundError("there is no event that you may ask about there");
}

std::string DayAndTime(uint64_t us) {
  absl::TimeZone london;
  if (!absl::LoadTimeZone("Europe/London", &london)) {
    london = absl::UTCTimeZone();
  }
  return absl::FormatTime("%a %-d %b %Y %H:%M",
                          absl::FromUnixMicros(static_cast<int64_t>(us)),
                          london);
}

// Whether the person is in the audience of a line to `agency`, its level apart.
bool Holds(policy::v1::Audience audience, const std::string& agency,
           const PersonPolicy& person) {
  switch (audience) {
    case policy::v1::AUDIENCE_PARTY:
      return person.case_open && person.parties.count(agency) > 0;
    case policy::v1::AUDIENCE_LEAD:
      return person.lead == agency;
    case policy::v1::AUDIENCE_REGISTERED:
      return person.registered_by.count(agency) > 0;
    default:
      return false;
  }
}

bool IsOperator(const v1::Principal& caller) {
  return caller.role() == "operator";
}

bool Publishes(const v1::Principal& caller, const HeaderView& header) {
  return header.controller == caller.agency() ||
         AgencyOfSource(header.source) == caller.agency();
}

void FillEnvelope(const StoredEvent& event, v1::ExplainViewResponse& response) {
  response.set_sequence(event.sequence.value);
  response.set_type(std::string(event.header.type));
  response.set_source(std::string(event.header.source));
  response.set_controller(std::string(event.header.controller));
  response.set_accepted_time(event.accepted_us);
}

}  // namespace

absl::StatusOr<StoredEvent> Explainer::Find(
    const v1::ExplainViewRequest& request) {
  Sequence sequence = {request.sequence()};
  if (!request.event().empty()) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(request.event(), absl::MaxSplits('#', 1));
    const absl::StatusOr<Sequence> found = log_.OfId(parts.first, parts.second);
    if (!found.ok()) return found.status();
    sequence = *found;
  }
  if (sequence.value == 0 || sequence > fold_.folded()) return NoSuchEvent();
  return log_.ReadOne(sequence);
}

absl::StatusOr<v1::ExplainViewResponse> Explainer::Explain(
    const v1::Principal& caller, absl::string_view purpose,
    const v1::ExplainViewRequest& request) {
  if (const absl::Status caught_up = fold_.CatchUp(log_); !caught_up.ok()) {
    return caught_up;
  }
  const absl::StatusOr<StoredEvent> event = Find(request);
  if (!event.ok()) return event.status();
  const HeaderView& header = event->header;
  if (!IsOperator(caller) &&
      fold_.Granted(*event, RecipientOf(caller, purpose)) == 0) {
    return NoSuchEvent();
  }
  if (!IsOperator(caller) && !Publishes(caller, header) &&
      !request.agency().empty() && request.agency() != caller.agency()) {
    return absl::PermissionDeniedError(
        "agency: you may ask about your own, and about everybody when the "
        "event is yours");
  }
  Recipient to = RecipientOf(caller, purpose);
  if (!request.agency().empty()) {
    to = ReaderOf(request.agency(), request.role());
  } else if (!request.role().empty()) {
    to = ReaderOf(caller.agency(), request.role());
  }
  if (!request.purpose().empty()) to.purpose = request.purpose();
  if (!request.principal().empty()) {
    if (!IsOperator(caller)) {
      return absl::PermissionDeniedError("principal: only the operator asks");
    }
    to.principal = request.principal();
    // Of several services in one role each has its own right.
    const auto registry = registry_();
    const v1::Principal* const one = registry->FindByName(to.principal);
    if (one != nullptr && one->agency() == to.agency &&
        one->role() == to.role) {
      to.SetProcessed(one->process());
    }
  }

  const JudgedView judged = fold_.policy().agreements()->Explain(
      header, to, fold_.now_us(), fold_.policy().Of(header.subject));
  v1::ExplainViewResponse response;
  FillEnvelope(*event, response);
  response.set_removed_time(event->removed_us);
  response.set_agency(to.agency);
  response.set_role(to.role);
  response.set_seen(judged.granted != 0);
  response.set_because(judged.because);
  response.set_policy_position(fold_.folded().value);
  if (const EventType* type = types_->Find(header.type);
      type != nullptr && judged.granted != 0) {
    for (std::string& words : ShownInWords(*type, judged.granted)) {
      response.add_shown(std::move(words));
    }
    for (std::string& words : Withheld(*type, judged.granted)) {
      response.add_withheld(std::move(words));
    }
  }
  for (const JudgedLine& each : judged.lines) {
    v1::ExplainedLine& line = *response.add_lines();
    line.set_agreement(each.agreement);
    line.set_version(each.version);
    line.set_line(absl::StrCat("see[", each.line, "]"));
    line.set_says(each.says);
    line.set_applies(each.applies);
    line.set_because(each.because);
    if (!each.applies) continue;
    const auto since = Since(header.subject, each, to.agency);
    if (!since.ok()) return since.status();
    line.mutable_because()->append(*since);
  }
  return response;
}

absl::StatusOr<std::string> Explainer::Since(const PersonKey& person,
                                             const JudgedLine& line,
                                             const std::string& agency) {
  if (!Holds(line.audience, agency, fold_.policy().Of(person))) {
    return std::string();
  }
  const auto events = log_.OfPerson(person, {0}, fold_.folded());
  if (!events.ok()) return events.status();
  PolicyState policy(types_);
  Sequence since;
  uint64_t since_us = 0;
  bool held = false;
  for (const Sequence sequence : *events) {
    const absl::StatusOr<StoredEvent> event = log_.ReadOne(sequence);
    if (!event.ok()) return event.status();
    const absl::StatusOr<bool> changed =
        policy.Apply(event->header, MessageOf(*event));
    if (!changed.ok()) return changed.status();
    const bool holds = Holds(line.audience, agency, policy.Of(person));
    if (holds && !held) {
      since = sequence;
      since_us = event->accepted_us;
    }
    held = holds;
  }
  return absl::StrCat(", since position ", since.value, " (",
                      DayAndTime(since_us), ")");
}

Recipient Explainer::ReaderOf(const std::string& agency,
                              const std::string& role) const {
  Recipient to{agency, role, {}};
  to.SetProcessed(registry_()->ProcessedBy(agency, role));
  return to;
}

absl::StatusOr<v1::ListAgreementsResponse> Explainer::Agreements(
    const v1::Principal& caller, absl::string_view purpose) {
  if (const absl::Status caught_up = fold_.CatchUp(log_); !caught_up.ok()) {
    return caught_up;
  }
  const uint64_t now_us = fold_.now_us();
  const auto agreements = fold_.policy().agreements();
  const Recipient to = RecipientOf(caller, purpose);
  const std::string ended = fold_.policy().HasAnyGrant(to, now_us)
                                ? std::string()
                                : agreements->EndedInWords(to, now_us);
  v1::ListAgreementsResponse response;
  for (const AdoptedAgreement& each : agreements->List(now_us)) {
    if (!IsOf(each.agreement, caller.agency()) && !IsOperator(caller)) continue;
    v1::AgreementState& state = *response.add_agreements();
    *state.mutable_agreement() = each.agreement;
    state.set_in_force(each.in_force);
    state.mutable_signed_by()->Assign(each.signed_by.begin(),
                                      each.signed_by.end());
    if (each.in_force) {
      state.set_days_left(
          static_cast<uint32_t>(DaysFromTo(now_us, each.until_us - 1)));
    }
    // To whom nothing is left it is said as a session is told.
    state.set_notice(!each.in_force && !ended.empty()
                         ? ended
                         : EndInWords(each, now_us, warning_days_));
    if (!each.early_end.has_value()) continue;
    state.set_retired_from(each.early_end->from_us);
    state.set_retired_by(each.early_end->party);
    state.set_retired_because(each.early_end->reason);
  }
  return response;
}

}  // namespace concordat::bus

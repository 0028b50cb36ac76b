#include "adapters/hl7v2/mapping.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace concordat::hl7v2 {
namespace {

constexpr absl::string_view kEngagementOnly = "ENGAGEMENT_ONLY";
constexpr absl::string_view kNoDecision = "no sharing decision in force";
constexpr char kMergedAtSource[] = "MERGED_AT_SOURCE";
constexpr char kDifferentPeople[] = "DIFFERENT_PEOPLE";
constexpr absl::string_view kLocal = "local";
constexpr size_t kAppointmentRefBytesMax = 40;

// As the field rule of AppointmentMissed.appointment_ref has it.
bool IsAppointmentRef(absl::string_view text) {
  return !text.empty() && text.size() <= kAppointmentRefBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) ||
                  absl::string_view("/_.-").find(c) != absl::string_view::npos;
         });
}

// Somebody of the cohort, and what their message says.
struct Case {
  const Facts& facts;
  const Mapping& mapping;
  const edge::SharingDecisions& decisions;
  PersonKey subject;
};

Outcome Hold(const Facts& facts, const PersonKey& subject,
             const Mapping& mapping, absl::string_view reason,
             absl::string_view words) {
  Outcome outcome;
  edge::Verdict& verdict = outcome.verdict;
  verdict.outcome = edge::v1::OUTCOME_HELD;
  verdict.reason = std::string(reason);
  verdict.message_type = facts.type;
  verdict.subject = subject;
  verdict.words = std::string(words);
  verdict.localsubject = mapping.OwnNumber(facts);
  verdict.source = kSource;
  if (facts.time.has_value()) {
    verdict.happened_us =
        static_cast<uint64_t>(absl::ToUnixMicros(facts.time->at));
  }
  return outcome;
}

Outcome Hold(const Case& who, absl::string_view reason,
             absl::string_view words) {
  return Hold(who.facts, who.subject, who.mapping, reason, words);
}

Outcome Wait() {
  Outcome outcome;
  outcome.wait = true;
  return outcome;
}

// Of an appointment that was missed: what leaves, but for the decision.
//   FAILED_PRECONDITION  nothing can; a reason from the fixed set.
absl::StatusOr<MissedAppointment> MissedBy(const PersonKey& subject,
                                           const Facts& facts,
                                           const Mapping& mapping) {
  if (!facts.time.has_value() || !facts.time->has_time_of_day) {
    return absl::FailedPreconditionError("MSH-7 is no time of day");
  }
  const std::optional<std::string> service = mapping.ServiceCode(facts);
  if (!service.has_value()) {
    return absl::FailedPreconditionError("the service is not in the table");
  }
  if (!IsAppointmentRef(facts.appointment)) {
    return absl::FailedPreconditionError("SCH-1 is no usable reference");
  }
  MissedAppointment missed;
  missed.subject = subject;
  missed.time = *facts.time;
  missed.data.set_appointment_ref(facts.appointment);
  missed.data.set_service_code(*service);
  return missed;
}

Outcome DecideNoShow(const Case& who) {
  if (!who.decisions.current()) return Wait();
  const Facts& facts = who.facts;
  const auto hold = [&who, &facts](absl::string_view reason) {
    return Hold(who, reason, Words(facts.kind));
  };
  auto missed = MissedBy(who.subject, facts, who.mapping);
  if (!missed.ok()) return hold(missed.status().message());
  const auto decision = who.decisions.InForce(
      who.subject, missed->data.service_code(), missed->time.at);
  if (!decision.has_value() || decision->what != kEngagementOnly) {
    return hold(kNoDecision);
  }
  missed->data.set_decision_ref(decision->decision_ref);
  Outcome outcome = hold("");
  outcome.verdict.outcome = edge::v1::OUTCOME_PUBLISHED;
  outcome.missed = *std::move(missed);
  return outcome;
}

Outcome DecideBooked(const Case& who) {
  if (!who.decisions.current()) return Wait();
  const Facts& facts = who.facts;
  const std::optional<std::string> service = who.mapping.ServiceCode(facts);
  if (service.has_value() && facts.time.has_value()) {
    const auto decision =
        who.decisions.InForce(who.subject, *service, facts.time->at);
    if (decision.has_value() && decision->what == kEngagementOnly) {
      return Hold(who, "under engagement only",
                  "booked; engagement only: nothing to share yet");
    }
  }
  return Hold(who, kNoDecision, Words(facts.kind));
}

// Another address of theirs is for identity alone; other details say nothing.
Outcome DecideUpdate(const Case& who) {
  Outcome outcome = Hold(who, "for the liaison officer", Words(who.facts.kind));
  if (who.facts.address.empty()) return outcome;
  outcome.verdict.outcome = edge::v1::OUTCOME_TO_IDENTITY;
  outcome.for_identity.emplace();
  outcome.for_identity->subject = who.subject;
  outcome.for_identity->address = who.facts.address;
  return outcome;
}

Outcome DecideMerge(const Case& who) {
  Outcome outcome = Hold(who, "identity review", Words(who.facts.kind));
  outcome.verdict.outcome = edge::v1::OUTCOME_TO_IDENTITY;
  outcome.for_identity.emplace();
  outcome.for_identity->subject = who.subject;
  outcome.for_identity->review_kind = kMergedAtSource;
  outcome.for_identity->identifiers =
      who.mapping.Identify(who.facts.merged_ids);
  return outcome;
}

// Who it is about has to be settled first: identity is told, and it is held.
Outcome DecideSeveral(const Case& who) {
  if (who.facts.kind == Kind::kMerged) return DecideMerge(who);
  Outcome outcome = Hold(who.facts, PersonKey(), who.mapping, "identity review",
                         "its numbers are of different people");
  outcome.for_identity.emplace();
  outcome.for_identity->subject = who.subject;
  outcome.for_identity->review_kind = kDifferentPeople;
  outcome.for_identity->identifiers = who.mapping.IdentifyAll(who.facts);
  return outcome;
}

Outcome DecideOfMember(const Case& who) {
  const absl::string_view words = Words(who.facts.kind);
  switch (who.facts.kind) {
    case Kind::kNoShow:
      return DecideNoShow(who);
    case Kind::kBooked:
      return DecideBooked(who);
    case Kind::kMerged:
      return DecideMerge(who);
    case Kind::kUpdated:
    case Kind::kPersonUpdated:
      return DecideUpdate(who);
    case Kind::kLeaveStarted:
    case Kind::kLeaveEnded:
      return Hold(who, "for the liaison officer", words);
    case Kind::kOther:
      return Hold(who, "not mapped", words);
    default:
      return Hold(who, kNoDecision, words);
  }
}

// What a person who wants to let it out is told of a kind that never leaves.
absl::Status NeverLeaves(Kind kind) {
  switch (kind) {
    case Kind::kLeaveStarted:
    case Kind::kLeaveEnded:
      return absl::FailedPreconditionError(
          "leave is never told by a message: state the status yourself, then "
          "leave this");
    case Kind::kBooked:
      return absl::FailedPreconditionError(
          "nothing is told of an appointment before it is missed");
    default:
      return absl::FailedPreconditionError(
          "no fact is made of this kind of message: state what partners need "
          "yourself, then leave this");
  }
}

}  // namespace

std::string WrongProcessingId(absl::string_view id) {
  return id == "P" ? "this is not a live listener"
                   : "MSH-11: not for this listener";
}

absl::StatusOr<Mapping> Mapping::Build(const edge::v1::Hl7Edge& settings) {
  Mapping mapping;
  if (!absl::LoadTimeZone(settings.time_zone(), &mapping.zone_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("time_zone: there is no ", settings.time_zone()));
  }
  for (const std::string& id : settings.listener().processing_ids()) {
    mapping.processing_ids_.insert(id);
  }
  if (mapping.processing_ids_.empty()) {
    return absl::InvalidArgumentError("listener: no processing_ids");
  }
  for (const edge::v1::IdentifierMapping& row : settings.identifiers()) {
    const bool added = mapping.schemes_
                           .try_emplace({row.authority(), row.type()},
                                        row.scheme(), row.system())
                           .second;
    if (!added || row.authority().empty() || row.scheme().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("identifiers: ", row.authority(), " ", row.type(),
                       " is there twice or lacks something"));
    }
  }
  for (const edge::v1::ServiceMapping& row : settings.services()) {
    const bool added =
        mapping.services_.try_emplace(row.code(), row.service_code()).second;
    if (!added || row.code().empty() || row.service_code().empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "services: ", row.code(), " is there twice or lacks something"));
    }
  }
  return mapping;
}

bool Mapping::TakesProcessingId(absl::string_view id) const {
  return processing_ids_.contains(id);
}

std::vector<edge::PersonIdentifier> Mapping::Identify(
    const std::vector<PatientId>& ids) const {
  std::vector<edge::PersonIdentifier> known;
  for (const PatientId& id : ids) {
    const auto row = schemes_.find(std::pair(id.authority, id.type));
    if (row == schemes_.end()) continue;
    std::string value = id.value;
    value.erase(std::remove(value.begin(), value.end(), ' '), value.end());
    known.push_back({row->second.first, std::move(value), row->second.second});
  }
  return known;
}

std::vector<edge::PersonIdentifier> Mapping::IdentifyAll(
    const Facts& facts) const {
  std::vector<PatientId> ids = facts.patient_ids;
  ids.insert(ids.end(), facts.merged_ids.begin(), facts.merged_ids.end());
  return Identify(ids);
}

std::string Mapping::OwnNumber(const Facts& facts) const {
  for (edge::PersonIdentifier& id : Identify(facts.patient_ids)) {
    if (id.scheme == kLocal) return std::move(id.value);
  }
  return "";
}

std::optional<std::string> Mapping::ServiceCode(const Facts& facts) const {
  std::optional<std::string> code;
  for (const std::string& service : facts.services) {
    const auto row = services_.find(service);
    if (row == services_.end()) return std::nullopt;
    if (code.has_value() && *code != row->second) return std::nullopt;
    code = row->second;
  }
  return code;
}

Outcome Decide(absl::string_view message, const Mapping& mapping,
               const edge::Cohort& cohort,
               const edge::SharingDecisions& decisions) {
  const absl::StatusOr<Message> parsed = Message::Parse(message);
  if (!parsed.ok()) {
    return Hold(Facts(), PersonKey(), mapping, "cannot be read again", "");
  }
  const Facts facts = ReadFacts(*parsed, mapping.zone());
  const edge::CohortAnswer who = cohort.Find(mapping.IdentifyAll(facts));
  const Case member{facts, mapping, decisions, who.subject};
  switch (who.kind) {
    case edge::CohortAnswer::Kind::kUnknown:
      return Wait();
    case edge::CohortAnswer::Kind::kOutside: {
      Outcome outcome;
      outcome.verdict.outcome = edge::v1::OUTCOME_NOT_IN_COHORT;
      return outcome;
    }
    case edge::CohortAnswer::Kind::kSeveral:
      return DecideSeveral(member);
    case edge::CohortAnswer::Kind::kMember:
      break;
  }
  return DecideOfMember(member);
}

absl::StatusOr<MissedAppointment> PreviewRelease(absl::string_view message,
                                                 const Mapping& mapping,
                                                 const edge::Cohort& cohort) {
  const absl::StatusOr<Message> parsed = Message::Parse(message);
  if (!parsed.ok()) {
    return absl::FailedPreconditionError("it cannot be read again");
  }
  const Facts facts = ReadFacts(*parsed, mapping.zone());
  if (facts.kind != Kind::kNoShow) return NeverLeaves(facts.kind);
  const edge::CohortAnswer who = cohort.Find(mapping.IdentifyAll(facts));
  if (who.kind == edge::CohortAnswer::Kind::kUnknown) {
    return absl::UnavailableError("the cohort is not known now");
  }
  if (who.kind != edge::CohortAnswer::Kind::kMember) {
    return absl::FailedPreconditionError(
        "it is not about one person of the cohort: nothing may leave");
  }
  return MissedBy(who.subject, facts, mapping);
}

absl::StatusOr<MissedAppointment> DecideRelease(
    absl::string_view message, const Mapping& mapping,
    const edge::Cohort& cohort, const edge::SharingDecisions& decisions,
    absl::string_view decision_ref) {
  auto missed = PreviewRelease(message, mapping, cohort);
  if (!missed.ok()) return missed;
  if (!decisions.current()) {
    return absl::UnavailableError("the sharing decisions are not known now");
  }
  const auto decision = decisions.Find(decision_ref);
  if (!decision.has_value() || decision->subject != missed->subject ||
      decision->service_code != missed->data.service_code() ||
      decision->what != kEngagementOnly) {
    return absl::FailedPreconditionError(
        "decision_ref: no sharing decision in force of this person and "
        "service");
  }
  if (decision->until < absl::ToCivilDay(missed->time.at, mapping.zone())) {
    return absl::FailedPreconditionError(
        "decision_ref: it ended before the appointment");
  }
  missed->data.set_decision_ref(decision->decision_ref);
  return missed;
}

absl::Status DecideReplay(const edge::KeptItem& item, const Mapping& mapping,
                          const edge::Cohort& cohort,
                          const edge::SharingDecisions& decisions) {
  const absl::StatusOr<Message> parsed = Message::Parse(item.message.message);
  if (!parsed.ok() || parsed->segments().size() < 2) {
    return absl::FailedPreconditionError(
        "it was broken when it came: have it sent again, then leave this");
  }
  const MessageHeader& header = parsed->header();
  if (!mapping.TakesProcessingId(header.processing_id)) {
    return absl::FailedPreconditionError(
        WrongProcessingId(header.processing_id));
  }
  const Outcome outcome =
      Decide(item.message.message, mapping, cohort, decisions);
  if (outcome.wait) {
    return absl::UnavailableError(
        "the cohort or the sharing decisions are not known now");
  }
  if (outcome.verdict.outcome == item.verdict.outcome &&
      outcome.verdict.reason == item.verdict.reason) {
    return absl::FailedPreconditionError(
        absl::StrCat("as before: ", outcome.verdict.reason));
  }
  return absl::OkStatus();
}

}  // namespace concordat::hl7v2

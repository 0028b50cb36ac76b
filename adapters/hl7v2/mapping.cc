#include "adapters/hl7v2/mapping.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace concordat::hl7v2 {
namespace {

constexpr absl::string_view kEngagementOnly = "ENGAGEMENT_ONLY";
constexpr size_t kAppointmentRefBytesMax = 40;

// As the field rule of AppointmentMissed.appointment_ref has it.
bool IsAppointmentRef(absl::string_view text) {
  return !text.empty() && text.size() <= kAppointmentRefBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) ||
                  absl::string_view("/_.-").find(c) != absl::string_view::npos;
         });
}

Outcome Hold(const Facts& facts, const PersonKey& subject,
             absl::string_view reason, absl::string_view words) {
  Outcome outcome;
  outcome.verdict.outcome = edge::v1::OUTCOME_HELD;
  outcome.verdict.reason = std::string(reason);
  outcome.verdict.message_type = facts.type;
  outcome.verdict.subject = subject;
  outcome.verdict.words = std::string(words);
  return outcome;
}

Outcome Wait() {
  Outcome outcome;
  outcome.wait = true;
  return outcome;
}

Outcome DecideNoShow(const Facts& facts, const PersonKey& subject,
                     const Mapping& mapping,
                     const edge::SharingDecisions& decisions) {
  if (!decisions.current()) return Wait();
  const auto hold = [&](absl::string_view reason) {
    return Hold(facts, subject, reason, Words(facts.kind));
  };
  if (!facts.time.has_value() || !facts.time->has_time_of_day) {
    return hold("MSH-7 is no time of day");
  }
  const std::optional<std::string> service = mapping.ServiceCode(facts);
  if (!service.has_value()) return hold("the service is not in the table");
  const auto decision = decisions.InForce(subject, *service, facts.time->at);
  if (!decision.has_value() || decision->what != kEngagementOnly) {
    return hold("no sharing decision in force");
  }
  if (!IsAppointmentRef(facts.appointment)) {
    return hold("SCH-1 is no usable reference");
  }
  Outcome outcome = hold("");
  outcome.verdict.outcome = edge::v1::OUTCOME_PUBLISHED;
  outcome.missed.emplace();
  outcome.missed->time = *facts.time;
  outcome.missed->data.set_appointment_ref(facts.appointment);
  outcome.missed->data.set_service_code(*service);
  outcome.missed->data.set_decision_ref(decision->decision_ref);
  return outcome;
}

Outcome DecideBooked(const Facts& facts, const PersonKey& subject,
                     const Mapping& mapping,
                     const edge::SharingDecisions& decisions) {
  if (!decisions.current()) return Wait();
  const std::optional<std::string> service = mapping.ServiceCode(facts);
  if (service.has_value() && facts.time.has_value()) {
    const auto decision = decisions.InForce(subject, *service, facts.time->at);
    if (decision.has_value() && decision->what == kEngagementOnly) {
      return Hold(facts, subject, "nothing to share yet",
                  "booked; engagement only: nothing to share yet");
    }
  }
  return Hold(facts, subject, "no sharing decision in force",
              Words(facts.kind));
}

}  // namespace

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
    return Hold(Facts(), PersonKey(), "cannot be read again", "");
  }
  const Facts facts = ReadFacts(*parsed, mapping.zone());
  std::vector<PatientId> ids = facts.patient_ids;
  ids.insert(ids.end(), facts.merged_ids.begin(), facts.merged_ids.end());
  const edge::CohortAnswer who = cohort.Find(mapping.Identify(ids));
  switch (who.kind) {
    case edge::CohortAnswer::Kind::kUnknown:
      return Wait();
    case edge::CohortAnswer::Kind::kOutside: {
      Outcome outcome;
      outcome.verdict.outcome = edge::v1::OUTCOME_NOT_IN_COHORT;
      return outcome;
    }
    case edge::CohortAnswer::Kind::kSeveral:
      return Hold(facts, PersonKey(), "identity review",
                  "its numbers are of different people");
    case edge::CohortAnswer::Kind::kMember:
      break;
  }
  switch (facts.kind) {
    case Kind::kNoShow:
      return DecideNoShow(facts, who.subject, mapping, decisions);
    case Kind::kBooked:
      return DecideBooked(facts, who.subject, mapping, decisions);
    case Kind::kMerged:
      return Hold(facts, who.subject, "identity review", Words(facts.kind));
    case Kind::kOther:
      return Hold(facts, who.subject, "not mapped", Words(facts.kind));
    default:
      return Hold(facts, who.subject, "for the liaison officer",
                  Words(facts.kind));
  }
}

}  // namespace concordat::hl7v2

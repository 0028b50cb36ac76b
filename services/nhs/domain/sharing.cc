#include "services/nhs/domain/sharing.h"

#include "absl/status/status.h"
#include "absl/time/civil_time.h"

namespace concordat::nhs {
namespace {

constexpr absl::string_view kEngagementOnly = "ENGAGEMENT_ONLY";

Sharing Fold(const std::vector<View>& history) {
  Sharing sharing;
  for (const View& event : history) Evolve(sharing, event);
  return sharing;
}

struct Appointment {
  std::string decision_ref;
  std::string service_code;
  bool attended = false;
};

std::optional<Appointment> ReadAppointment(const View& event) {
  // A correction of an appointment is not one more.
  if (!event.header.retracts.empty() || !event.header.corrects.empty()) {
    return std::nullopt;
  }
  v1::AppointmentMissed missed;
  v1::AppointmentAttended attended;
  if (ReadAs(event, &missed)) {
    return Appointment{missed.decision_ref(), missed.service_code(), false};
  }
  if (ReadAs(event, &attended)) {
    return Appointment{attended.decision_ref(), attended.service_code(), true};
  }
  return std::nullopt;
}

}  // namespace

void Evolve(Sharing& sharing, const View& event) {
  v1::SharingDecided decided;
  v1::SharingEnded ended;
  if (ReadAs(event, &decided) && !sharing.decided) {
    sharing.decided = true;
    sharing.subject = event.header.subject;
    sharing.what = decided.what();
    sharing.service_code = decided.service_code();
    sharing.until = decided.until();
  } else if (ReadAs(event, &ended)) {
    sharing.ended = true;
  }
}

Decision DecideSharing(const std::vector<View>& history,
                       const v1::SharingDecided& command) {
  if (Fold(history).decided) {
    return absl::AlreadyExistsError("decision.decision_ref: is taken");
  }
  absl::CivilDay until;
  if (!absl::ParseCivilTime(command.until(), &until)) {
    return absl::InvalidArgumentError("decision.until: is not a date");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

absl::Status CheckNotOver(const v1::SharingDecided& command,
                          absl::CivilDay today) {
  absl::CivilDay until;
  if (absl::ParseCivilTime(command.until(), &until) && until < today) {
    return absl::InvalidArgumentError("decision.until: that day is over");
  }
  return absl::OkStatus();
}

Decision DecideEnd(const std::vector<View>& history,
                   const v1::SharingEnded& command) {
  const Sharing sharing = Fold(history);
  if (!sharing.decided || sharing.ended) {
    return absl::FailedPreconditionError(
        "ended.decision_ref: there is no such decision in force");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

std::string DecisionOf(const View& event) {
  const auto appointment = ReadAppointment(event);
  return appointment.has_value() ? appointment->decision_ref : std::string();
}

std::optional<ProposedEvent> ReportFor(const View& event,
                                       const Sharing& sharing,
                                       absl::TimeZone zone) {
  const auto appointment = ReadAppointment(event);
  absl::CivilDay until;
  if (!appointment.has_value() || !sharing.decided || sharing.ended ||
      sharing.what != kEngagementOnly ||
      sharing.subject != event.header.subject ||
      sharing.service_code != appointment->service_code ||
      !absl::ParseCivilTime(sharing.until, &until)) {
    return std::nullopt;
  }
  const absl::Time at =
      absl::FromUnixMicros(static_cast<int64_t>(event.header.time_us));
  if (absl::ToCivilDay(at, zone) > until) return std::nullopt;
  v1::EngagementReported report;
  report.set_engagement(appointment->attended ? "ENGAGED" : "DISENGAGED");
  return Propose(report);
}

}  // namespace concordat::nhs

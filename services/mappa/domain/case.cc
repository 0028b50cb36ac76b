#include "services/mappa/domain/case.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace concordat::mappa {
namespace {

absl::Status CheckOpen(const Case& record) {
  if (!record.opened) return absl::NotFoundError("no such case");
  if (record.closed) {
    return absl::FailedPreconditionError("the case is closed");
  }
  return absl::OkStatus();
}

// Adds `agencies` to `seen`.
template <typename Agencies>
absl::Status CheckAgencies(absl::string_view field, const Agencies& agencies,
                           const IsAgency& is_agency,
                           std::set<std::string>& seen) {
  for (const std::string& agency : agencies) {
    if (!is_agency(agency)) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ": names an unknown agency"));
    }
    if (!seen.insert(agency).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ": names an agency twice"));
    }
  }
  return absl::OkStatus();
}

std::string LevelWords(uint32_t level) {
  return level == 0 ? "no level" : absl::StrCat("Level ", level);
}

}  // namespace

void Evolve(Case& record, const View& event) {
  v1::CaseOpened opened;
  v1::PartyJoined joined;
  v1::PartyLeft left;
  v1::CaseClosed closed;
  v1::LevelChanged level;
  v1::LeadChanged lead;
  v1::AccessRestricted access;
  if (ReadAs(event, &opened)) {
    record.opened = true;
    record.parties = {opened.parties().begin(), opened.parties().end()};
    record.lead = opened.lead();
  } else if (ReadAs(event, &joined)) {
    record.parties.insert(joined.agency());
  } else if (ReadAs(event, &left)) {
    record.parties.erase(left.agency());
  } else if (ReadAs(event, &closed)) {
    record.closed = true;
  } else if (ReadAs(event, &level)) {
    record.level = level.to_level();
  } else if (ReadAs(event, &lead)) {
    record.lead = lead.lead();
  } else if (ReadAs(event, &access)) {
    record.access = std::move(access);
  }
}

Case FoldCase(const std::vector<View>& history) {
  Case record;
  for (const View& event : history) Evolve(record, event);
  return record;
}

Decision DecideOpen(const std::vector<View>& history,
                    const v1::CaseOpened& command, const IsAgency& is_agency) {
  if (FoldCase(history).opened) {
    return absl::AlreadyExistsError("case_opened.case_ref: is taken");
  }
  std::set<std::string> parties;
  const absl::Status checked = CheckAgencies(
      "case_opened.parties", command.parties(), is_agency, parties);
  if (!checked.ok()) return checked;
  if (parties.count(command.lead()) == 0) {
    return absl::InvalidArgumentError(
        "case_opened.lead: must be one of the parties");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

absl::Status CheckNoOtherCase(const v1::CaseOpened& command,
                              const std::string& open_case) {
  if (open_case.empty() || open_case == command.case_ref()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("subject: has an open case, ", open_case));
}

Decision DecideParties(const std::vector<View>& history,
                       const std::string& case_ref,
                       const std::vector<std::string>& join,
                       const std::vector<std::string>& leave,
                       const IsAgency& is_agency) {
  const Case record = FoldCase(history);
  if (const auto open = CheckOpen(record); !open.ok()) return open;
  if (join.empty() && leave.empty()) {
    return absl::InvalidArgumentError("join: somebody must join or leave");
  }
  std::set<std::string> named;
  absl::Status checked = CheckAgencies("join", join, is_agency, named);
  if (checked.ok()) {
    // One that is not known any more must still be able to leave.
    checked = CheckAgencies(
        "leave", leave, [](absl::string_view) { return true; }, named);
  }
  if (!checked.ok()) return checked;
  std::vector<ProposedEvent> events;
  for (const std::string& agency : join) {
    if (record.parties.count(agency) != 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("join: ", agency, " is a party"));
    }
    v1::PartyJoined joined;
    joined.set_case_ref(case_ref);
    joined.set_agency(agency);
    events.push_back(Propose(joined));
  }
  for (const std::string& agency : leave) {
    if (record.parties.count(agency) == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("leave: ", agency, " is not a party"));
    }
    if (agency == record.lead) {
      return absl::InvalidArgumentError("leave: the lead agency cannot");
    }
    v1::PartyLeft left;
    left.set_case_ref(case_ref);
    left.set_agency(agency);
    events.push_back(Propose(left));
  }
  return events;
}

Decision DecideClose(const std::vector<View>& history,
                     const v1::CaseClosed& command) {
  if (const auto open = CheckOpen(FoldCase(history)); !open.ok()) return open;
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideLevel(const std::vector<View>& history,
                     const v1::LevelChanged& command) {
  const Case record = FoldCase(history);
  if (const auto open = CheckOpen(record); !open.ok()) return open;
  if (command.from_level() != record.level) {
    return absl::FailedPreconditionError(absl::StrCat(
        "change.from_level: the case has ", LevelWords(record.level)));
  }
  if (command.to_level() == 0 || command.to_level() == record.level) {
    return absl::InvalidArgumentError(
        "change.to_level: needs another level, 1 to 3");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideLead(const std::vector<View>& history,
                    const v1::LeadChanged& command, absl::string_view by,
                    bool is_coordinator) {
  const Case record = FoldCase(history);
  if (const auto open = CheckOpen(record); !open.ok()) return open;
  if (by != record.lead && !is_coordinator) {
    return absl::PermissionDeniedError(
        "only the agency that leads hands the lead on, or the co-ordinator");
  }
  if (command.lead() == record.lead) {
    return absl::InvalidArgumentError("change.lead: leads already");
  }
  if (record.parties.count(command.lead()) == 0) {
    return absl::InvalidArgumentError(
        "change.lead: must be one of the parties; let it join first");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideAccess(const std::vector<View>& history,
                      const v1::AccessRestricted& command, absl::string_view by,
                      const IsSomebody& is_somebody) {
  const Case record = FoldCase(history);
  if (const auto open = CheckOpen(record); !open.ok()) return open;
  if (by != record.lead) {
    return absl::PermissionDeniedError(
        "only the agency that leads says who may see a person's record");
  }
  std::set<std::string> named;
  bool lead_may = command.restricted_to().empty();
  for (const std::string& entry : command.restricted_to()) {
    if (!is_somebody(entry)) {
      return absl::InvalidArgumentError("access.restricted_to: names nobody");
    }
    if (!named.insert(entry).second) {
      return absl::InvalidArgumentError("access: names somebody twice");
    }
    lead_may |= entry == record.lead ||
                absl::StartsWith(entry, absl::StrCat(record.lead, "/"));
  }
  for (const std::string& entry : command.excluded()) {
    if (!is_somebody(entry)) {
      return absl::InvalidArgumentError("access.excluded: names nobody");
    }
    if (!named.insert(entry).second) {
      return absl::InvalidArgumentError("access: names somebody twice");
    }
    lead_may &= entry != record.lead;
  }
  if (!lead_may) {
    return absl::InvalidArgumentError(
        "access: the agency that leads would see nothing itself");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideMeeting(const std::vector<View>& history,
                       const v1::MeetingHeld& command,
                       const IsAgency& is_agency) {
  if (const auto open = CheckOpen(FoldCase(history)); !open.ok()) return open;
  std::set<std::string> named;
  absl::Status checked =
      CheckAgencies("meeting.present", command.present(), is_agency, named);
  if (checked.ok()) {
    checked = CheckAgencies("meeting.written_return", command.written_return(),
                            is_agency, named);
  }
  if (!checked.ok()) return checked;
  absl::CivilDay review;
  if (!command.review_on().empty() &&
      !absl::ParseCivilTime(command.review_on(), &review)) {
    return absl::InvalidArgumentError("meeting.review_on: is not a date");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

}  // namespace concordat::mappa

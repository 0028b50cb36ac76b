// The review of access: who joined, moved and left, and who is trained and vetted.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

using bus::v1::LogRecord;
using bus::v1::Principal;
using gateway::v1::Account;

constexpr char kNotRecorded[] = "not recorded";

const Principal* FindPrincipal(const Sources& sources, absl::string_view name) {
  for (const Principal& each : sources.registry.principals()) {
    if (each.name() == name) return &each;
  }
  return nullptr;
}

std::string StateOf(const Principal* principal) {
  if (principal == nullptr) return "not in the registry";
  return principal->revoked() ? "revoked" : "may connect";
}

// Under which of the tables a change stands.
absl::string_view KindOf(absl::string_view change) {
  if (change == "ENROLLED" || change == "REINSTATED") return "Joined";
  if (change == "RIGHTS_CHANGED") return "Moved: other rights than before";
  if (change == "REVOKED" || change == "REMOVED") return "Left";
  return "Keys changed";
}

Section ChangesSection(const Sources& sources, const PeopleParts& parts) {
  Section section{
      "Joiners, movers and leavers",
      {"As the log has it: each change of the registry, when the bus met it. "
       "Who was in the registry when the log began has no line of joining. "
       "Who moves within an agency without other rights at the hub is told "
       "to it by nobody."},
      {},
      {}};
  for (const char* kind :
       {"Joined", "Moved: other rights than before", "Left", "Keys changed"}) {
    Table table{kind, {"When", "Who", "Agency", "Change", "Now", "Event"}, {}};
    for (const LogRecord& record : parts.changes) {
      const auto& changed = record.registry_changed();
      if (KindOf(changed.change()) != kind) continue;
      table.rows.push_back(
          {sources.When(record.accepted_time()), changed.principal(),
           sources.AgencyOf(changed.agency()), changed.change(),
           StateOf(FindPrincipal(sources, changed.principal())),
           absl::StrCat(record.sequence())});
    }
    section.tables.push_back(std::move(table));
  }
  return section;
}

std::string AgencyOf(const Sources& sources, const Account& account) {
  const Principal* const principal =
      FindPrincipal(sources, account.principal());
  return principal == nullptr ? "" : principal->agency();
}

// ISO dates: as texts they stand in order.
bool IsPast(const Sources& sources, const std::string& day) {
  return day < absl::FormatTime("%Y-%m-%d", sources.made, sources.zone);
}

std::string VettedTo(const Sources& sources, const Account& account) {
  if (account.vetted_to().empty()) return kNotRecorded;
  return absl::StrCat(account.vetted_to(),
                      IsPast(sources, account.vetted_to()) ? ", ENDED" : "");
}

Section AccountsSection(const Sources& sources, const PeopleParts& parts) {
  Table table{"People with an account",
              {"Account", "Person", "Agency and role", "State",
               "Trained for the hub on", "Vetted to", "Last changed"},
              {}};
  for (const Account& each : parts.accounts) {
    const Principal* const principal = FindPrincipal(sources, each.principal());
    table.rows.push_back(
        {each.name(), absl::StrCat(each.display_name(), ", ", each.staff()),
         principal == nullptr
             ? absl::StrCat(each.principal(), ", NOT IN THE REGISTRY")
             : absl::StrCat(sources.AgencyOf(principal->agency()), ", ",
                            principal->role()),
         each.disabled() ? "disabled" : "enabled",
         each.trained_on().empty() ? kNotRecorded : each.trained_on(),
         VettedTo(sources, each), sources.When(each.changed())});
  }
  return {"People, training and vetting",
          {"Accounts of the hub's own sign-in on this machine. Training and "
           "vetting are what the person's agency told (`concordat account "
           "record`). People who sign in through their agency's own directory "
           "are known to it, and by their reference in what they did "
           "(`concordat documents access`)."},
          {},
          {std::move(table)}};
}

Section ReviewSection(const Sources& sources, const PeopleParts& parts) {
  struct Count {
    int may_connect = 0;
    int revoked = 0;
    int enabled = 0;
    int disabled = 0;
    int untrained = 0;
    int unvetted = 0;
  };
  std::map<std::string, Count> by_agency;
  for (const Principal& each : sources.registry.principals()) {
    if (!parts.agency.empty() && each.agency() != parts.agency) continue;
    Count& count = by_agency[each.agency()];
    ++(each.revoked() ? count.revoked : count.may_connect);
  }
  for (const Account& each : parts.accounts) {
    Count& count = by_agency[AgencyOf(sources, each)];
    if (each.disabled()) {
      ++count.disabled;
      continue;
    }
    ++count.enabled;
    if (each.trained_on().empty()) ++count.untrained;
    if (each.vetted_to().empty() || IsPast(sources, each.vetted_to())) {
      ++count.unvetted;
    }
  }
  Table table{
      "For each agency to confirm",
      {"Agency", "May connect", "Revoked", "Accounts enabled", "Disabled",
       "Enabled without training", "Enabled without vetting",
       "Confirmed by, "
       "and when"},
      {}};
  for (const auto& [agency, count] : by_agency) {
    table.rows.push_back(
        {agency.empty() ? "of nobody in the registry"
                        : sources.AgencyOf(agency),
         absl::StrCat(count.may_connect), absl::StrCat(count.revoked),
         absl::StrCat(count.enabled), absl::StrCat(count.disabled),
         absl::StrCat(count.untrained), absl::StrCat(count.unvetted), ""});
  }
  return {"The review",
          {"Each agency confirms its own lines each quarter, by signature; "
           "what each of them may do is in the security pack. That it was "
           "signed is told to the hub by nobody."},
          {},
          {std::move(table)}};
}

}  // namespace

Document PeopleOf(const Sources& sources, const PeopleParts& parts) {
  PeopleParts own = parts;
  if (!own.agency.empty()) {
    std::erase_if(own.accounts, [&](const Account& each) {
      return AgencyOf(sources, each) != own.agency;
    });
  }
  Document document = Begin(
      sources, "people",
      own.agency.empty()
          ? std::string("Review of access")
          : absl::StrCat("Review of access: ", sources.AgencyOf(own.agency)));
  document.personal = true;
  document.sections.push_back(ReviewSection(sources, own));
  document.sections.push_back(ChangesSection(sources, own));
  document.sections.push_back(AccountsSection(sources, own));
  return document;
}

}  // namespace concordat::cli

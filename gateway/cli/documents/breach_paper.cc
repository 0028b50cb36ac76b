// The pack of a personal data breach.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/letters.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

using access::v1::Knower;
using access::v1::Knowledge;
using access::v1::KnownEvent;
using access::v1::WhoKnewReport;

// What reached one recipient of one event: by delivery, or because they opened the
// person.
struct Reached {
  const WhoKnewReport* report;
  const Knower* knower;
  const Knowledge* knowledge;
  const KnownEvent* event;
  uint64_t at_us;
  unsigned groups;
};

bool IsWanted(const Breach& breach, const Knower& knower) {
  return breach.to.empty() || knower.agency() == breach.to;
}

// When one of those that the breach is about first opened the person with the event
// there; 0: nobody did. What they read of the page the hub does not know, so all that
// it could show counts.
uint64_t OpenedAt(const Breach& breach, const Knower& knower,
                  const KnownEvent& event) {
  const std::string& user = breach.extract.question().user();
  uint64_t first_us = 0;
  for (const access::v1::Opening& opening : knower.openings()) {
    if (!user.empty() && opening.principal() != user &&
        opening.staff() != user && opening.on_behalf_of() != user) {
      continue;
    }
    const uint64_t at_us = opening.time();
    if (at_us < event.accepted_time()) continue;
    if (first_us == 0 || at_us < first_us) first_us = at_us;
  }
  return first_us;
}

std::vector<Reached> ReachedIn(const Breach& breach) {
  std::vector<Reached> all;
  for (const WhoKnewReport& report : breach.reports) {
    std::map<uint64_t, const KnownEvent*> events;
    for (const KnownEvent& event : report.events()) {
      events[event.sequence()] = &event;
    }
    for (const Knower& knower : report.knowers()) {
      if (!IsWanted(breach, knower)) continue;
      for (const Knowledge& knowledge : knower.events()) {
        const auto event = events.find(knowledge.sequence());
        if (event == events.end()) continue;
        Reached reached = {&report,
                           &knower,
                           &knowledge,
                           event->second,
                           knowledge.delivered_time(),
                           knowledge.delivered_groups()};
        const uint64_t opened_us =
            knowledge.could_see_groups() == 0
                ? 0
                : OpenedAt(breach, knower, *event->second);
        if (opened_us != 0) {
          reached.groups |= knowledge.could_see_groups();
          if (reached.at_us == 0) reached.at_us = opened_us;
        }
        if (reached.at_us != 0) all.push_back(reached);
      }
    }
  }
  return all;
}

std::string FieldsOf(const Sources& sources, const Reached& reached) {
  std::vector<std::string> fields;
  for (const DataItem& item :
       ItemsOf(sources, reached.event->type(), reached.groups)) {
    if (item.given)
      fields.push_back(absl::StrCat(item.field, " (", item.tier, ")"));
  }
  return fields.empty() ? "the header alone" : absl::StrJoin(fields, ", ");
}

Section ClockSection(const Sources& sources, const Breach& breach) {
  const auto when = [&](absl::Time time) {
    return sources.When(static_cast<uint64_t>(absl::ToUnixMicros(time)));
  };
  return {"The clock",
          {absl::StrCat("Known to the controller since ", when(breach.known),
                        ". To be told to the Information Commissioner by ",
                        when(breach.tell_by), " (", breach.clock,
                        "), unless it is unlikely to be a risk to anybody: UK "
                        "GDPR Article 33, Data Protection Act 2018 section "
                        "67. People are told without undue delay where the "
                        "risk is high: Article 34, section 68."),
           absl::StrCat("This paper was made at ", when(sources.made), ", ",
                        sources.made < breach.tell_by ? "before" : "AFTER",
                        " that.")},
          {},
          {}};
}

void AddUntold(const Breach& breach, Section& section) {
  if (breach.untold.empty()) return;
  section.paragraphs.push_back(absl::StrCat(
      "It names people of whom nothing is told to who made this paper: ",
      absl::StrJoin(breach.untold, ", "),
      ". Their controllers are to make it for them."));
}

Section WhoseSection(const Sources& sources, const Breach& breach,
                     const std::vector<Reached>& reached) {
  struct Share {
    std::set<std::string> people;
    std::set<uint64_t> events;
  };
  std::map<std::string, Share> by_controller;
  for (const Reached& each : reached) {
    Share& share = by_controller[each.event->controller()];
    share.people.insert(each.report->subject());
    share.events.insert(each.event->sequence());
  }
  Table table{"Whose data, by controller",
              {"Controller", "People", "Facts", "Who is told there"},
              {}};
  for (const auto& [agency, share] : by_controller) {
    const auto* const standing = StandingOf(sources, agency);
    table.rows.push_back(
        {sources.AgencyOf(agency), absl::StrCat(share.people.size()),
         absl::StrCat(share.events.size()),
         standing == nullptr ? "not recorded"
                             : standing->data_protection_officer()});
  }
  Section section{"Whose data",
                  {"Each controller decides for what it published; the "
                   "operator tells all of them at once."},
                  {},
                  {std::move(table)}};
  AddUntold(breach, section);
  return section;
}

Section FieldsSection(const Sources& sources,
                      const std::vector<Reached>& reached) {
  Table table{"What reached whom",
              {"Person", "Fact", "Fields", "To", "When", "Acknowledged"},
              {}};
  for (const Reached& each : reached) {
    table.rows.push_back(
        {each.report->subject(),
         absl::StrCat(TitleOf(each.event->type()), " of ",
                      sources.AgencyOf(each.event->controller()), " (event ",
                      each.event->sequence(), ")",
                      each.event->erased() ? "; erased since" : ""),
         FieldsOf(sources, each),
         absl::StrCat(sources.AgencyOf(each.knower->agency()), ", ",
                      each.knower->role()),
         sources.When(each.at_us),
         each.knowledge->delivered_time() == 0 ? "opened, not delivered"
         : each.knowledge->acknowledged_time() == 0
             ? "no"
             : sources.When(each.knowledge->acknowledged_time())});
  }
  return {"Which fields",
          {"Fields are those of the groups that were shown, as the access log "
           "has them; a field of a group may have been empty. Who opened the "
           "person is taken to have read all that their page could show of "
           "what was there. Times are the log's."},
          {},
          {std::move(table)}};
}

Section OpenedSection(const Sources& sources, const Breach& breach) {
  Table table{"Who opened the person",
              {"Person", "Agency and role", "Who", "When", "By"},
              {}};
  for (const WhoKnewReport& report : breach.reports) {
    for (const Knower& knower : report.knowers()) {
      if (!IsWanted(breach, knower)) continue;
      for (const access::v1::Opening& opening : knower.openings()) {
        table.rows.push_back(
            {report.subject(),
             absl::StrCat(sources.AgencyOf(knower.agency()), ", ",
                          knower.role()),
             absl::StrCat(opening.principal(),
                          opening.staff().empty() ? "" : ", ", opening.staff()),
             sources.When(opening.time()), opening.method()});
      }
    }
  }
  return {"Who opened", {}, {}, {std::move(table)}};
}

// What the registry, the agreements and the facts say of it now.
Section ContainmentSection(const Sources& sources, const Breach& breach,
                           const std::vector<Reached>& reached) {
  Table rights{"Who had it, and whether they may still connect",
               {"Principal", "Agency and role", "State"},
               {}};
  std::set<std::pair<std::string, std::string>> recipients;
  for (const Reached& each : reached) {
    recipients.insert({each.knower->agency(), each.knower->role()});
  }
  const std::string& user = breach.extract.question().user();
  for (const bus::v1::Principal& each : sources.registry.principals()) {
    if (each.name() != user &&
        !recipients.contains({each.agency(), each.role()})) {
      continue;
    }
    rights.rows.push_back(
        {each.name(),
         absl::StrCat(sources.AgencyOf(each.agency()), ", ", each.role()),
         each.revoked() ? "revoked" : "may connect"});
  }
  Table amended{"Facts that were corrected or taken back since",
                {"Event", "By the events"},
                {}};
  for (const WhoKnewReport& report : breach.reports) {
    for (const KnownEvent& event : report.events()) {
      if (event.amended_by().empty()) continue;
      amended.rows.push_back({absl::StrCat(event.sequence()),
                              absl::StrJoin(event.amended_by(), ", ")});
    }
  }
  return {"Containment",
          {"To stop a recipient: `concordat keys revoke` (a principal), "
           "`concordat subscriptions` (a subscription), `concordat agreements "
           "retire` (a line for everybody). To take back what went out: a "
           "retraction by the controller, which goes to everybody who was "
           "shown the fact and is complete when each has accepted; "
           "`concordat corrections` has who has not."},
          {},
          {std::move(rights), std::move(amended)}};
}

// Names of fields, by the type's title.
using Fields = std::map<std::string, std::set<std::string>>;

// What of one controller reached somebody.
struct Share {
  std::set<std::string> people;
  std::set<uint64_t> facts;
  std::set<std::string> recipients;  // Agencies.
  Fields fields;
  // A letter says nothing of what reached another, or of another person.
  std::map<std::string, Fields> fields_to;
  std::map<std::string, std::set<std::string>> of_person;  // Types' titles.
  std::map<std::string, std::set<std::string>> recipients_of;
};

std::string FieldWords(const Fields& fields) {
  return absl::StrJoin(fields, "; ", [](std::string* out, const auto& each) {
    absl::StrAppend(out, each.first, ": ",
                    each.second.empty() ? "that there was one"
                                        : absl::StrJoin(each.second, ", "));
  });
}

std::map<std::string, Share> SharesOf(const Sources& sources,
                                      const std::vector<Reached>& reached) {
  std::map<std::string, Share> shares;
  for (const Reached& each : reached) {
    Share& share = shares[each.event->controller()];
    const std::string title = TitleOf(each.event->type());
    share.people.insert(each.report->subject());
    share.facts.insert(each.event->sequence());
    const std::string& recipient = each.knower->agency();
    share.recipients.insert(recipient);
    share.of_person[each.report->subject()].insert(title);
    share.recipients_of[each.report->subject()].insert(recipient);
    std::set<std::string>& fields = share.fields[title];
    std::set<std::string>& fields_to = share.fields_to[recipient][title];
    for (const DataItem& item :
         ItemsOf(sources, each.event->type(), each.groups)) {
      if (!item.given) continue;
      fields.insert(item.field);
      fields_to.insert(item.field);
    }
  }
  return shares;
}

bool IsCompetent(const Sources& sources, absl::string_view agency) {
  return std::any_of(sources.agreements.begin(), sources.agreements.end(),
                     [agency](const StandingAgreement& each) {
                       return IsPart3(each.agreement, agency);
                     });
}

}  // namespace

Document BreachOf(const Sources& sources, const Breach& breach) {
  Document document =
      Begin(sources, "breach", "Personal data breach: what the hub knows");
  document.personal = true;
  document.missing = {breach.extract.missing().begin(),
                      breach.extract.missing().end()};
  const std::vector<Reached> reached = ReachedIn(breach);
  std::vector<Section>& sections = document.sections;
  sections.push_back(ClockSection(sources, breach));
  sections.push_back(WhoseSection(sources, breach, reached));
  sections.push_back(FieldsSection(sources, reached));
  sections.push_back(OpenedSection(sources, breach));
  sections.push_back(ContainmentSection(sources, breach, reached));
  sections.push_back(
      {"What the controller adds",
       {"The likely consequences; what it has done and will do; whom it told. "
        "The record of it is kept whether or not it is told (Article 33(5), "
        "section 67(6))."},
       {},
       {}});
  return document;
}

absl::StatusOr<Document> BreachLettersOf(const Sources& sources,
                                         const Breach& breach) {
  Document document =
      Begin(sources, "letters", "Personal data breach: letters");
  document.personal = true;
  document.missing = {breach.extract.missing().begin(),
                      breach.extract.missing().end()};
  const auto when = [&](absl::Time time) {
    return sources.When(static_cast<uint64_t>(absl::ToUnixMicros(time)));
  };
  Table table{"Letters", {"Letter", "Of", "To"}, {}};
  std::vector<Section> letters;
  for (const auto& [of, share] : SharesOf(sources, ReachedIn(breach))) {
    const std::string& agency = of;
    const bool part3 = IsCompetent(sources, agency);
    std::map<std::string, std::string> words = {
        {"known", when(breach.known)},
        {"tell_by", when(breach.tell_by)},
        {"people", absl::StrCat(share.people.size())},
        {"facts", absl::StrCat(share.facts.size())},
        {"recipients",
         Words(sources, {share.recipients.begin(), share.recipients.end()})},
        {"fields", FieldWords(share.fields)}};
    const auto add = [&](policy::v1::LetterKind kind, const std::string& to) {
      auto letter = LetterOf(sources, kind, agency, part3, words);
      if (!letter.ok()) return letter.status();
      table.rows.push_back(
          {absl::StrCat(table.rows.size() + 1), sources.AgencyOf(agency), to});
      letter->title = absl::StrCat(table.rows.size(), ". ", letter->title);
      letters.push_back(*std::move(letter));
      return absl::OkStatus();
    };
    absl::Status status = add(policy::v1::LETTER_KIND_BREACH_CONTROLLER,
                              "the controller, of the operator");
    if (status.ok()) {
      status = add(policy::v1::LETTER_KIND_BREACH_AUTHORITY,
                   "the Information Commissioner");
    }
    for (const std::string& recipient : share.recipients) {
      // What its own people had is its own to look into.
      if (recipient == agency) continue;
      words["recipients"] = sources.AgencyOf(recipient);
      words["fields"] = FieldWords(share.fields_to.at(recipient));
      if (status.ok()) {
        status =
            add(policy::v1::LETTER_KIND_BREACH_RECIPIENT, words["recipients"]);
      }
    }
    for (const auto& [person, types] : share.of_person) {
      const std::set<std::string>& had = share.recipients_of.at(person);
      words["recipients"] = Words(sources, {had.begin(), had.end()});
      words["person"] = person;
      words["fields"] = absl::StrJoin(types, ", ");
      if (status.ok()) {
        status = add(policy::v1::LETTER_KIND_BREACH_PERSON, person);
      }
    }
    if (!status.ok()) return status;
  }
  Section list{"Which letters",
               {"Each controller decides which of its own it sends, and adds "
                "what it says in brackets. To people it is written where the "
                "risk to them is high, and never so that it tells them what a "
                "restriction withholds."},
               {},
               {std::move(table)}};
  AddUntold(breach, list);
  document.sections.push_back(std::move(list));
  std::move(letters.begin(), letters.end(),
            std::back_inserter(document.sections));
  return document;
}

}  // namespace concordat::cli

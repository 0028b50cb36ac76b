#include "gateway/cli/documents/builders.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/config/principal_registry.h"

namespace concordat::cli {
namespace {

using policy::v1::Agreement;

constexpr char kPapers[] = "concordat documents ";

Document Begin(const Sources& sources, std::string kind, std::string title,
               absl::string_view of) {
  Document document;
  document.command = absl::StrCat(kPapers, kind, " ", of);
  document.kind = std::move(kind);
  document.title = std::move(title);
  document.made = sources.Day();
  document.made_from = sources.MadeFrom();
  return document;
}

std::string Words(const Sources& sources,
                  const std::vector<std::string>& agencies) {
  return absl::StrJoin(agencies, ", ",
                       [&](std::string* out, const std::string& agency) {
                         *out += sources.AgencyOf(agency);
                       });
}

bool IsParty(const Agreement& agreement, absl::string_view agency) {
  return agreement.arrangement() == agency ||
         std::find(agreement.parties().begin(), agreement.parties().end(),
                   agency) != agreement.parties().end();
}

bool IsPart3(const Agreement& agreement, absl::string_view agency) {
  return std::find(agreement.part3_parties().begin(),
                   agreement.part3_parties().end(),
                   agency) != agreement.part3_parties().end();
}

std::string RegimeOf(const Agreement& agreement, absl::string_view agency) {
  return IsPart3(agreement, agency)
             ? "Data Protection Act 2018, Part 3"
             : "UK GDPR and Data Protection Act 2018, Part 2";
}

const policy::v1::Standing* StandingOf(const Sources& sources,
                                       absl::string_view agency) {
  for (const auto& each : sources.legal.standings()) {
    if (each.agency() == agency) return &each;
  }
  return nullptr;
}

// ---- Sections that several documents have.

Section PartiesOf(const Sources& sources, const Agreement& agreement) {
  Table table{"Parties", {"Party", "Standing", "Because", "Uses it under"}, {}};
  std::vector<std::string> all(agreement.parties().begin(),
                               agreement.parties().end());
  if (!agreement.arrangement().empty()) all.push_back(agreement.arrangement());
  for (const std::string& agency : all) {
    const auto* const standing = StandingOf(sources, agency);
    table.rows.push_back(
        {sources.AgencyOf(agency),
         standing == nullptr ? "not recorded" : standing->standing(),
         standing == nullptr ? "" : standing->because(),
         RegimeOf(agreement, agency)});
  }
  return {"Parties", {}, {}, {std::move(table)}};
}

Section PurposesOf(const Sources& sources, const std::set<std::string>& codes) {
  Table table{"Purposes",
              {"Code", "Purpose", "Basis under UK GDPR", "Basis under Part 3"},
              {}};
  for (const std::string& code : codes) {
    std::vector<std::string> row = {code, "not in the legal reference", "", ""};
    for (const auto& each : sources.legal.purposes()) {
      if (each.code() == code) {
        row = {code, each.title(), each.gdpr_basis(), each.part3_basis()};
      }
    }
    table.rows.push_back(std::move(row));
  }
  return {"Purposes", {}, {}, {std::move(table)}};
}

Section GatewaysOf(const Sources& sources, const std::set<std::string>& codes) {
  Table table{"Legal gateways", {"Code", "Law", "Used for"}, {}};
  for (const std::string& code : codes) {
    std::vector<std::string> row = {code, "not in the legal reference", ""};
    for (const auto& each : sources.legal.gateways()) {
      if (each.code() == code) row = {code, each.law(), each.use()};
    }
    table.rows.push_back(std::move(row));
  }
  return {
      "Legal gateways",
      {"Every event names the gateway that it is shared by; the hub refuses "
       "one that the agreement does not have."},
      {},
      {std::move(table)}};
}

Section FrequencyOf(const Sources& sources,
                    const std::set<std::string>& types) {
  Section section;
  section.title = "Frequency";
  section.paragraphs.push_back(
      "Each fact is shared once, when its source publishes it, and reaches who "
      "may see it within seconds. What an agency's own system tells in files "
      "or messages comes as its feed promises:");
  Table table{"Feeds", {"Feed", "From", "How often", "Brings"}, {}};
  for (const hub::v1::Feed& feed : sources.feeds) {
    std::vector<std::string> brings;
    for (const std::string& type : feed.types()) {
      if (types.contains(type)) brings.push_back(TitleOf(type));
    }
    if (brings.empty()) continue;
    table.rows.push_back(
        {feed.title(), feed.source(),
         feed.has_schedule()
             ? absl::StrCat("at ", feed.schedule().at(), "; silent after ",
                            feed.schedule().late_minutes(), " minutes")
             : absl::StrCat("as it happens; silent after ",
                            feed.heartbeat().gap_minutes(), " minutes"),
         absl::StrJoin(brings, ", ")});
  }
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
  return section;
}

Section SecurityOf() {
  return {
      "Method and security",
      {"Through the Concordat hub and by no other way. Each connection proves "
       "by certificate and key which agency and system it is; what it may do "
       "is looked up in the registry at each call. Everything between machines "
       "is encrypted (TLS 1.3 with certificates both ways, CURVE). What is "
       "stored is sealed with a key for each person, and for each restricted "
       "category of a person one of its own. A recipient is sent a view that "
       "holds the fields that the agreement gives and nothing else. Who was "
       "shown what, and who looked, is recorded. The operator of the hub sees "
       "that an event passed, and never its subject or content."},
      {},
      {}};
}

Section RetentionOf(const Sources& sources) {
  Section section;
  section.title = "Retention at the hub";
  if (!sources.retention.has_value()) {
    section.paragraphs.push_back(
        "This hub has no retention policy: nothing has been removed. Each "
        "agency keeps what it received by its own schedule.");
    return section;
  }
  const bus::v1::RetentionPolicy& policy = *sources.retention;
  section.paragraphs.push_back(absl::StrCat(
      "By retention policy version ", policy.version(), ", in force from ",
      policy.effective(), ": what was shared about a person goes ",
      policy.months_after_case(), " months after the last case was closed and ",
      policy.months_after_event(),
      " months after the last event about the person, whichever is later. ",
      policy.holds_size(),
      " people's data are held beyond that. What stays is a record that there "
      "was an event, without its content. Each agency keeps what it received "
      "by its own schedule."));
  return section;
}

Section SignatoriesOf(const Sources& sources,
                      const StandingAgreement& standing) {
  Table table{"Signatories", {"Party", "Signed, as the log has it"}, {}};
  for (const std::string& agency : standing.agreement.parties()) {
    const bool is_signed =
        std::find(standing.signed_by.begin(), standing.signed_by.end(),
                  agency) != standing.signed_by.end();
    table.rows.push_back(
        {sources.AgencyOf(agency), is_signed ? "yes" : "NOT SIGNED"});
  }
  return {"Signatories", {}, {}, {std::move(table)}};
}

Section ReviewOf(const Sources& sources, const StandingAgreement& standing) {
  const Agreement& agreement = standing.agreement;
  Section section;
  section.title = "Review";
  section.paragraphs.push_back(absl::StrCat(
      "In force from ", agreement.valid_from(), " to ", agreement.valid_to(),
      ". It ends then by itself; a new version is reviewed and agreed "
      "before."));
  if (!standing.retired_by.empty()) {
    section.paragraphs.push_back(
        absl::StrCat("Ended early by ", sources.AgencyOf(standing.retired_by),
                     ": ", standing.retired_because));
  }
  return section;
}

// ---- The lines.

std::string LineName(const SharingLine& line) {
  return absl::StrCat("line ", line.line + 1, " of ", line.agreement->name());
}

Section LineSection(const Sources& sources, const SharingLine& line) {
  const policy::v1::SeeGrant& grant = line.agreement->see(line.line);
  Section section;
  section.title =
      absl::StrCat("Line ", line.line + 1, ": to ", sources.AgencyOf(line.to));
  section.paragraphs.push_back(absl::StrCat(
      "For ", absl::StrJoin(grant.roles(), ", "), "; ", line.people, "."));
  if (!grant.law().empty()) {
    section.paragraphs.push_back(absl::StrCat("By: ", grant.law(), "."));
  }
  if (line.types.empty()) {
    section.paragraphs.push_back("It gives nothing: no such event type.");
  }
  for (const SharedType& type : line.types) {
    Table table{absl::StrCat(TitleOf(type.type), " (", type.type, "), from ",
                             type.from.empty() ? "nobody yet"
                                               : Words(sources, type.from)),
                {"Data item", "Shared", "Tier", "Meaning", "Limits"},
                {}};
    for (const DataItem& item : type.items) {
      table.rows.push_back({item.field, item.given ? "yes" : "no", item.tier,
                            item.meaning, item.limits});
    }
    section.tables.push_back(std::move(table));
  }
  return section;
}

std::vector<Flow> FlowsOf(const Sources& sources,
                          const std::vector<SharingLine>& lines,
                          absl::string_view about = "") {
  // From, to: the types.
  std::map<std::pair<std::string, std::string>, std::set<std::string>> flows;
  for (const SharingLine& line : lines) {
    for (const SharedType& type : line.types) {
      for (const std::string& from : type.from) {
        if (from == line.to) continue;
        if (!about.empty() && from != about && line.to != about) continue;
        flows[{from, line.to}].insert(TitleOf(type.type));
      }
    }
  }
  std::vector<Flow> drawn;
  for (const auto& [ends, types] : flows) {
    drawn.push_back({sources.AgencyOf(ends.first),
                     sources.AgencyOf(ends.second),
                     absl::StrJoin(types, ", ")});
  }
  return drawn;
}

// ---- For one controller.

struct Controller {
  std::string agency;
  std::vector<const StandingAgreement*> agreements;  // It is a party to.
  std::vector<SharingLine> lines;                    // Of those.
  std::set<std::string> purposes;
  std::set<std::string> gateways;
};

absl::StatusOr<Controller> ControllerOf(const Sources& sources,
                                        absl::string_view agency) {
  std::vector<std::string> names;
  for (const auto& each : sources.registry.agencies()) {
    names.push_back(each.name());
  }
  if (std::find(names.begin(), names.end(), agency) == names.end()) {
    return absl::NotFoundError(
        absl::StrCat("no agency ", agency, ": ", absl::StrJoin(names, ", ")));
  }
  Controller controller;
  controller.agency = std::string(agency);
  for (const StandingAgreement& each : sources.agreements) {
    if (!IsParty(each.agreement, agency)) continue;
    controller.agreements.push_back(&each);
    auto lines = LinesOf(sources, each.agreement);
    if (!lines.ok()) return lines.status();
    std::move(lines->begin(), lines->end(),
              std::back_inserter(controller.lines));
    controller.purposes.insert(each.agreement.purposes().begin(),
                               each.agreement.purposes().end());
    controller.gateways.insert(each.agreement.gateways().begin(),
                               each.agreement.gateways().end());
  }
  return controller;
}

// What it gives: who receives which of its types, by which line.
Table RecipientsOf(const Sources& sources, const Controller& controller) {
  Table table{"Recipients of what it publishes",
              {"Recipient", "Types", "Whose data", "By"},
              {}};
  for (const SharingLine& line : controller.lines) {
    std::vector<std::string> types;
    for (const SharedType& type : line.types) {
      if (line.to != controller.agency &&
          std::find(type.from.begin(), type.from.end(), controller.agency) !=
              type.from.end()) {
        types.push_back(TitleOf(type.type));
      }
    }
    if (types.empty()) continue;
    table.rows.push_back({sources.AgencyOf(line.to), absl::StrJoin(types, ", "),
                          line.people, LineName(line)});
  }
  return table;
}

Table ReceivedBy(const Sources& sources, const Controller& controller) {
  Table table{"What it receives", {"From", "Types", "For", "By"}, {}};
  for (const SharingLine& line : controller.lines) {
    if (line.to != controller.agency) continue;
    std::map<std::string, std::vector<std::string>> by_sender;
    for (const SharedType& type : line.types) {
      for (const std::string& from : type.from) {
        if (from != controller.agency) {
          by_sender[from].push_back(TitleOf(type.type));
        }
      }
    }
    const policy::v1::SeeGrant& grant = line.agreement->see(line.line);
    for (const auto& [from, types] : by_sender) {
      table.rows.push_back({sources.AgencyOf(from), absl::StrJoin(types, ", "),
                            absl::StrJoin(grant.roles(), ", "),
                            LineName(line)});
    }
  }
  return table;
}

// Of everything that it publishes, by tier.
Table CategoriesOf(const Sources& sources, const Controller& controller) {
  std::map<std::string, std::set<std::string>> by_tier;
  for (const std::string& type : PublishedBy(sources, controller.agency)) {
    for (const DataItem& item : ItemsOf(sources, type, 0)) {
      by_tier[item.tier].insert(absl::StrCat(TitleOf(type), ": ", item.field));
    }
  }
  Table table{"Categories of data that it publishes",
              {"Tier and category", "Data items"},
              {}};
  for (const auto& [tier, items] : by_tier) {
    table.rows.push_back({tier, absl::StrJoin(items, "; ")});
  }
  return table;
}

Section AgreementsOf(const Controller& controller) {
  Table table{"Agreements", {"Agreement", "Period", "State"}, {}};
  for (const StandingAgreement* each : controller.agreements) {
    table.rows.push_back({absl::StrCat(each->agreement.name(), " version ",
                                       each->agreement.version()),
                          absl::StrCat(each->agreement.valid_from(), " to ",
                                       each->agreement.valid_to()),
                          each->in_force ? "in force" : "not in force"});
  }
  return {"Agreements that it is a party to", {}, {}, {std::move(table)}};
}

Section RulesOf(const Sources& sources) {
  Table table{"Alert rules",
              {"Rule", "In force from", "What it looks for", "Who is asked"},
              {}};
  for (const alerts::v1::Rule& rule : sources.rules) {
    for (const alerts::v1::Limb& limb : rule.limbs()) {
      std::vector<std::string> to;
      for (const auto& each : limb.to()) {
        to.push_back(absl::StrCat(each.role(), " (", each.agency(), ")"));
      }
      table.rows.push_back({absl::StrCat(rule.id(), " version ", rule.version(),
                                         ", ", limb.name()),
                            rule.effective(), limb.why(),
                            absl::StrJoin(to, ", ")});
    }
  }
  return {"Automated rules and human decisions",
          {"Rules raise alerts to named roles and do nothing else: no rule "
           "changes anything about a person. Who is asked accepts or refuses, "
           "and decides. There is no decision based solely on automated "
           "processing (UK GDPR Article 22, Data Protection Act 2018 section "
           "49)."},
          {},
          {std::move(table)}};
}

Section RisksOf(const Sources& sources) {
  Table table{"Risks",
              {"Risk", "What is done about it", "Shown by the test", "Remains"},
              {}};
  for (const auto& risk : sources.legal.risks()) {
    table.rows.push_back({risk.risk(), risk.control(),
                          absl::StrJoin(risk.tests(), ", "), risk.remains()});
  }
  return {"Risks", {}, {}, {std::move(table)}};
}

}  // namespace

absl::StatusOr<Document> ScheduleOf(const Sources& sources,
                                    absl::string_view name) {
  const StandingAgreement* found = nullptr;
  std::vector<std::string> names;
  for (const StandingAgreement& each : sources.agreements) {
    names.push_back(each.agreement.name());
    if (each.agreement.name() == name) found = &each;
  }
  if (found == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("no agreement ", name, ": ", absl::StrJoin(names, ", ")));
  }
  const Agreement& agreement = found->agreement;
  const auto lines = LinesOf(sources, agreement);
  if (!lines.ok()) return lines.status();
  Document document =
      Begin(sources, "schedule",
            absl::StrCat("Information sharing agreement: schedule of ",
                         NameOf(*found)),
            name);
  std::vector<Section>& sections = document.sections;
  sections.push_back(PartiesOf(sources, agreement));
  sections.push_back(PurposesOf(
      sources, {agreement.purposes().begin(), agreement.purposes().end()}));
  sections.push_back(GatewaysOf(
      sources, {agreement.gateways().begin(), agreement.gateways().end()}));
  sections.push_back({"Who tells whom", {}, FlowsOf(sources, *lines), {}});
  std::set<std::string> types;
  for (const SharingLine& line : *lines) {
    for (const SharedType& type : line.types) types.insert(type.type);
    sections.push_back(LineSection(sources, line));
  }
  sections.push_back(FrequencyOf(sources, types));
  sections.push_back(SecurityOf());
  sections.push_back(RetentionOf(sources));
  sections.push_back(ReviewOf(sources, *found));
  sections.push_back(SignatoriesOf(sources, *found));
  return document;
}

absl::StatusOr<Document> ProcessingOf(const Sources& sources,
                                      absl::string_view agency) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  Document document = Begin(
      sources, "processing",
      absl::StrCat("Record of processing, extract: ", sources.AgencyOf(agency)),
      agency);
  std::vector<Section>& sections = document.sections;
  const auto* const standing = StandingOf(sources, agency);
  sections.push_back(
      {"Controller",
       {absl::StrCat(sources.AgencyOf(agency), ", ",
                     standing == nullptr ? "standing not recorded"
                                         : standing->standing(),
                     ". Processor: the operator of the Concordat hub."),
        "The controller adds its contact, its data protection officer and its "
        "representatives, which the hub does not hold."},
       {},
       {}});
  sections.push_back(AgreementsOf(*controller));
  sections.push_back(PurposesOf(sources, controller->purposes));
  sections.push_back(GatewaysOf(sources, controller->gateways));
  sections.push_back(
      {"Whose data and which",
       {"People managed under MAPPA or supervised by justice social work, and "
        "people referred for that; staff, by reference."},
       {},
       {CategoriesOf(sources, *controller)}});
  sections.push_back(
      {"Recipients",
       {},
       {},
       {RecipientsOf(sources, *controller), ReceivedBy(sources, *controller)}});
  sections.push_back(
      {"Transfers",
       {"By an agreement alone, to its parties. The hub has no recipient that "
        "is not in the registry."},
       {},
       {}});
  sections.push_back(RetentionOf(sources));
  sections.push_back(SecurityOf());
  return document;
}

absl::StatusOr<Document> ImpactOf(const Sources& sources,
                                  absl::string_view agency) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  Document document = Begin(sources, "dpia",
                            absl::StrCat("Inputs to an impact assessment: ",
                                         sources.AgencyOf(agency)),
                            agency);
  std::vector<Section>& sections = document.sections;
  sections.push_back(
      {"What this is",
       {"What the hub can say of the processing, for the controller's own "
        "assessment: UK GDPR Article 35, and Data Protection Act 2018 section "
        "64 for what is processed under Part 3. Consultation, numbers of "
        "people, necessity and proportionality are the controller's to write; "
        "the operator cannot count people."},
       {},
       {}});
  sections.push_back(AgreementsOf(*controller));
  sections.push_back(PurposesOf(sources, controller->purposes));
  sections.push_back(GatewaysOf(sources, controller->gateways));
  sections.push_back(
      {"Flows",
       {},
       FlowsOf(sources, controller->lines, controller->agency),
       {RecipientsOf(sources, *controller), ReceivedBy(sources, *controller)}});
  sections.push_back(
      {"Categories", {}, {}, {CategoriesOf(sources, *controller)}});
  sections.push_back(RetentionOf(sources));
  sections.push_back(RulesOf(sources));
  sections.push_back(SecurityOf());
  sections.push_back(RisksOf(sources));
  return document;
}

absl::StatusOr<Document> FieldsOf(const Sources& sources,
                                  absl::string_view edge) {
  const edge::v1::FieldInventory* found = nullptr;
  std::vector<std::string> names;
  for (const auto& each : sources.inventories) {
    names.push_back(each.edge());
    if (each.edge() == edge) found = &each;
  }
  if (found == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("no edge ", edge, ": ", absl::StrJoin(names, ", ")));
  }
  Document document = Begin(sources, "fields",
                            absl::StrCat("Field inventory: ", edge, " of ",
                                         sources.AgencyOf(found->agency())),
                            edge);
  document.sections.push_back(
      {"What this is",
       {"Everything that this edge reads of its source. What is not listed is "
        "not parsed, not stored and not logged: the tests "
        "Hl7MarkersTest.NothingOutsideTheInventoryIsKeptOrSaid and "
        "CaseFileMarkersTest.NothingOutsideTheMappingIsKeptOrSaid put a mark "
        "in every other field and look for it on disk, in logs, metrics, "
        "acknowledgements, answers and every event.",
        "Of people who are not managed here nothing is kept.",
        found->held_days_max() == 0
            ? std::string("Nothing is held for a person to decide.")
            : absl::StrCat("What waits for a person's decision is kept sealed "
                           "at the edge for at most ",
                           found->held_days_max(), " days.")},
       {},
       {}});
  for (const edge::v1::InventorySource& source : found->sources()) {
    Table table{source.name(), {"Where", "What", "Becomes"}, {}};
    for (const edge::v1::InventoryItem& item : source.items()) {
      table.rows.push_back(
          {item.where(), item.what(),
           item.becomes().empty() ? "stays at the edge" : item.becomes()});
    }
    Section section{source.name(), {}, {}, {std::move(table)}};
    if (source.version() > 0) {
      section.paragraphs.push_back(
          absl::StrCat("Version ", source.version(), ", in force from ",
                       source.effective(), "; ", source.authority(), "."));
    }
    if (source.types_size() > 0) {
      section.paragraphs.push_back(absl::StrCat(
          "What comes of it: ", absl::StrJoin(source.types(), ", "), "."));
    }
    document.sections.push_back(std::move(section));
  }
  return document;
}

}  // namespace concordat::cli

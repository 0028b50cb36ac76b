#include "gateway/cli/documents/sections.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/config/principal_registry.h"
#include "services/common/policy/policy.h"

namespace concordat::cli {
namespace {

using policy::v1::Agreement;

std::string LineName(const SharingLine& line) {
  return absl::StrCat("line ", line.line + 1, " of ", line.agreement->name());
}

}  // namespace

Document Begin(const Sources& sources, std::string kind, std::string title) {
  Document document;
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

bool IsPart3(const Agreement& agreement, absl::string_view agency) {
  return std::find(agreement.part3_parties().begin(),
                   agreement.part3_parties().end(),
                   agency) != agreement.part3_parties().end();
}

bool IsFor(const google::protobuf::RepeatedPtrField<std::string>& agencies,
           absl::string_view agency) {
  return agencies.empty() || agency.empty() ||
         std::find(agencies.begin(), agencies.end(), agency) != agencies.end();
}

const policy::v1::Standing* StandingOf(const Sources& sources,
                                       absl::string_view agency) {
  for (const auto& each : sources.legal.standings()) {
    if (each.agency() == agency) return &each;
  }
  return nullptr;
}

// ---- Sections that several documents have.

namespace {

std::string RegimeOf(const Agreement& agreement, absl::string_view agency) {
  return IsPart3(agreement, agency)
             ? "Data Protection Act 2018, Part 3"
             : "UK GDPR and Data Protection Act 2018, Part 2";
}

// "Part 3 to UK GDPR, by …".
std::string BasisOf(const SharingLine& line, absl::string_view from,
                    absl::string_view to) {
  const auto regime = [&](absl::string_view agency) {
    return IsPart3(*line.agreement, agency) ? "Part 3" : "UK GDPR";
  };
  const std::string& law = line.agreement->see(line.line).law();
  return absl::StrCat(regime(from), " to ", regime(to),
                      law.empty() ? "" : ", by ", law);
}

}  // namespace

absl::StatusOr<const StandingAgreement*> FindAgreement(const Sources& sources,
                                                       absl::string_view name) {
  std::vector<std::string> names;
  for (const StandingAgreement& each : sources.agreements) {
    if (each.agreement.name() == name) return &each;
    names.push_back(each.agreement.name());
  }
  return absl::NotFoundError(
      absl::StrCat("no agreement ", name, ": ", absl::StrJoin(names, ", ")));
}

std::vector<const StandingAgreement*> AgreementsWith(const Sources& sources,
                                                     absl::string_view agency) {
  std::vector<const StandingAgreement*> found;
  for (const StandingAgreement& each : sources.agreements) {
    if (agency.empty() || IsOf(each.agreement, agency)) found.push_back(&each);
  }
  return found;
}

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

Section RetentionOf(const Sources& sources,
                    const std::vector<const StandingAgreement*>& agreements) {
  Section section;
  section.title = "Retention at the hub";
  if (!sources.retention.has_value()) {
    section.paragraphs.push_back(
        "This hub has no retention policy: nothing has been removed. Each "
        "agency keeps what it received by its own schedule.");
  } else {
    const bus::v1::RetentionPolicy& policy = *sources.retention;
    section.paragraphs.push_back(absl::StrCat(
        "By retention policy version ", policy.version(), ", in force from ",
        policy.effective(),
        ". What was shared about a person goes when the longest of the periods "
        "agreed by those who told of the person is over, after the last case "
        "was closed and after the last event about the person, whichever is "
        "later; where no agreement of theirs states one, ",
        policy.months_after_case(), " and ", policy.months_after_event(),
        " months. ", policy.holds_size(),
        " people's data are held beyond that. What stays is a record that "
        "there was an event, without its content. Each agency keeps what it "
        "received by its own schedule."));
  }
  Table table{"Periods agreed",
              {"Agreement", "Months after the last case was closed",
               "Months after the last event"},
              {}};
  for (const StandingAgreement* each : agreements) {
    const policy::v1::Retention& stated = each->agreement.retention();
    const auto months = [&](uint32_t count) {
      return each->agreement.has_retention() ? absl::StrCat(count)
                                             : "as the hub's policy has it";
    };
    table.rows.push_back({NameOf(*each), months(stated.months_after_case()),
                          months(stated.months_after_event())});
  }
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
  return section;
}

policy::v1::Retention LongestOf(
    const Sources& sources,
    const std::vector<const StandingAgreement*>& agreements) {
  policy::v1::Retention otherwise;
  otherwise.set_months_after_case(sources.retention->months_after_case());
  otherwise.set_months_after_event(sources.retention->months_after_event());
  if (agreements.empty()) return otherwise;
  policy::v1::Retention longest;
  for (const StandingAgreement* each : agreements) {
    const policy::v1::Retention& periods = each->agreement.has_retention()
                                               ? each->agreement.retention()
                                               : otherwise;
    longest.set_months_after_case(
        std::max(longest.months_after_case(), periods.months_after_case()));
    longest.set_months_after_event(
        std::max(longest.months_after_event(), periods.months_after_event()));
  }
  return longest;
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
                          absl::string_view about) {
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
  controller.agreements = AgreementsWith(sources, agency);
  for (const StandingAgreement* each : controller.agreements) {
    const Agreement& agreement = each->agreement;
    controller.part3 |= IsPart3(agreement, agency);
    auto lines = LinesOf(sources, agreement);
    if (!lines.ok()) return lines.status();
    std::move(lines->begin(), lines->end(),
              std::back_inserter(controller.lines));
    controller.purposes.insert(agreement.purposes().begin(),
                               agreement.purposes().end());
    controller.gateways.insert(agreement.gateways().begin(),
                               agreement.gateways().end());
  }
  return controller;
}

// What it gives: who receives which of its types, by which line.
Table RecipientsOf(const Sources& sources, const Controller& controller) {
  Table table{"Recipients of what it publishes",
              {"Recipient", "Types", "Whose data", "Regime and law", "By"},
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
    table.rows.push_back(
        {sources.AgencyOf(line.to), absl::StrJoin(types, ", "), line.people,
         BasisOf(line, controller.agency, line.to), LineName(line)});
  }
  return table;
}

Table ReceivedBy(const Sources& sources, const Controller& controller) {
  Table table{
      "What it receives", {"From", "Types", "For", "Regime and law", "By"}, {}};
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
                            BasisOf(line, from, line.to), LineName(line)});
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

Section RisksOf(const Sources& sources, absl::string_view agency) {
  Table table{"Risks",
              {"Risk", "Before", "What is done about it", "Shown by the test",
               "After, and what remains"},
              {}};
  for (const auto& risk : sources.legal.risks()) {
    if (!IsFor(risk.agencies(), agency)) continue;
    table.rows.push_back(
        {risk.risk(), risk.before(), risk.control(),
         absl::StrJoin(risk.tests(), ", "),
         absl::StrCat(risk.after(), risk.after().empty() ? "" : ". ",
                      risk.remains())});
  }
  return {"Risks",
          {"Each control is shown by tests of the program itself, which run "
           "before every release; that each test named here is there is "
           "checked as well."},
          {},
          {std::move(table)}};
}

Section GapsOf(const Sources& sources,
               const access::v1::AccessExtract& extract) {
  Table table{"Times that a program did not run",
              {"Program", "From", "To", "How it ended"},
              {}};
  std::set<std::string> seen;
  for (const auto& page : extract.pages()) {
    if (!seen.insert(page.program()).second) continue;
    for (const access::v1::NotRunning& gap : page.not_running()) {
      table.rows.push_back(
          {page.program(), sources.When(gap.from()), sources.When(gap.to()),
           gap.crashed() ? "without saying so: the newest deliveries that "
                           "nobody acknowledged may be missing"
                         : "in order"});
    }
  }
  return {"When nothing was recorded", {}, {}, {std::move(table)}};
}

}  // namespace concordat::cli

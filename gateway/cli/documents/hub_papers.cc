// Papers about the hub itself: its edges, its rules, its security.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"
#include "google/protobuf/text_format.h"

namespace concordat::cli {
namespace {

using alerts::v1::Limb;
using alerts::v1::Rule;

std::string Limit(const alerts::v1::Clock& clock) {
  if (!clock.id().empty()) return absl::StrCat("by clock ", clock.id());
  std::string unit = absl::AsciiStrToLower(absl::StripPrefix(
      policy::v1::ClockUnit_Name(clock.unit()), "CLOCK_UNIT_"));
  return absl::StrCat("within ", clock.length(), " ",
                      absl::StrReplaceAll(unit, {{"_", " "}}));
}

std::string AddresseesOf(
    const google::protobuf::RepeatedPtrField<alerts::v1::Addressee>& all) {
  return absl::StrJoin(
      all, "; ", [](std::string* out, const alerts::v1::Addressee& each) {
        absl::StrAppend(out, each.role(), " of ", each.agency(),
                        each.copy() ? ", for information" : "",
                        each.level_min() > 0
                            ? absl::StrCat(", from Level ", each.level_min())
                            : "");
      });
}

Section LimbSection(const Limb& limb) {
  Table facts{"Facts that it rests on", {"Fact", "Only when", "Told as"}, {}};
  const auto add = [&](const alerts::v1::EventPattern& pattern,
                       const char* how) {
    for (const std::string& type : pattern.types()) {
      facts.rows.push_back(
          {absl::StrCat(how, TitleOf(type)),
           absl::StrJoin(pattern.where(), "; ",
                         [](std::string* out, const auto& each) {
                           absl::StrAppend(
                               out, each.field(), " is ",
                               absl::StrJoin(each.values(), " or "));
                         }),
           pattern.words()});
    }
  };
  for (const auto& each : limb.condition().events()) add(each, "");
  for (const auto& each : limb.condition().absence().of()) add(each, "not: ");
  Table chain{"Who is asked, and by when",
              {"Step", "Who", "To accept", "To have done"},
              {}};
  chain.rows.push_back({"at once", AddresseesOf(limb.to()),
                        limb.has_accept() ? Limit(limb.accept()) : "no limit",
                        limb.has_act() ? Limit(limb.act()) : "no limit"});
  if (limb.has_out_of_hours()) {
    const alerts::v1::OutOfHours& hours = limb.out_of_hours();
    chain.rows.push_back(
        {"out of hours",
         hours.to().empty() ? "who covers for the owner"
                            : AddresseesOf(hours.to()),
         hours.has_accept() ? Limit(hours.accept()) : "no limit", ""});
  }
  for (const alerts::v1::Escalation& each : limb.escalate()) {
    chain.rows.push_back({"when nobody accepted", AddresseesOf(each.to()),
                          each.has_accept() ? Limit(each.accept()) : "no limit",
                          ""});
  }
  std::vector<std::string> words = {
      limb.why(), absl::StrCat("Severity: ", limb.severity(),
                               ". It says: ", limb.headline())};
  const alerts::v1::Condition& condition = limb.condition();
  if (condition.within_hours() > 0) {
    words.push_back(absl::StrCat("All within ", condition.within_hours(),
                                 " hours of each other."));
  }
  if (condition.open_case()) {
    words.push_back("Only for a person with an open case.");
  }
  return {absl::StrCat("Limb ", limb.name()),
          std::move(words),
          {},
          {std::move(facts), std::move(chain)}};
}

Section BacktestSection(const Rule& rule,
                        const alerts::v1::BacktestRulesResponse& backtest) {
  struct Load {
    uint32_t alerts = 0;
    uint32_t withdrawn = 0;
    uint32_t day_max = 0;
    int days = 0;
  };
  std::map<std::pair<std::string, std::string>, Load> by_role;
  for (const alerts::v1::BacktestLoad& each : backtest.load()) {
    if (each.rule() != rule.id()) continue;
    Load& load = by_role[{each.limb(), each.role()}];
    load.alerts += each.alerts();
    load.withdrawn += each.withdrawn();
    load.day_max = std::max(load.day_max, each.alerts());
    ++load.days;
  }
  Table table{"Alerts that it would have raised",
              {"Limb", "Role", "Alerts", "Withdrawn later", "Days with one",
               "Most on a day"},
              {}};
  for (const auto& [of, load] : by_role) {
    table.rows.push_back({of.first, of.second, absl::StrCat(load.alerts),
                          absl::StrCat(load.withdrawn), absl::StrCat(load.days),
                          absl::StrCat(load.day_max)});
  }
  return {
      "Backtest",
      {absl::StrCat("Over ", backtest.events(),
                    " events of the log, to position ", backtest.position(),
                    ": alerts to the agency that made this paper."),
       "By age: `concordat documents equality`. Equality by sex, ethnicity, "
       "disability and area is not measured: the hub does not hold them."},
      {},
      {std::move(table)}};
}

// A page of this project's own form: headings, paragraphs, tables.
std::vector<Section> SectionsOfPage(absl::string_view page) {
  std::vector<Section> sections;
  const auto plain = [](absl::string_view text) {
    return absl::StrReplaceAll(
        absl::StripAsciiWhitespace(text),
        {{"**", ""}, {"`", ""}, {" *", " "}, {"* ", " "}});
  };
  std::string paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty() && !sections.empty()) {
      sections.back().paragraphs.push_back(plain(paragraph));
    }
    paragraph.clear();
  };
  bool in_table = false;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    const bool is_row = absl::StartsWith(line, "|");
    const bool is_item =
        absl::StartsWith(line, "- ") || absl::StartsWith(line, "**");
    if (line.empty() || is_row || is_item || absl::StartsWith(line, "#")) {
      end_paragraph();
    }
    if (absl::StartsWith(line, "## ")) {
      sections.push_back({plain(line.substr(3)), {}, {}, {}});
    } else if (is_row && !sections.empty()) {
      std::vector<std::string> cells;
      for (const absl::string_view cell :
           absl::StrSplit(line.substr(1, line.rfind('|') - 1), '|')) {
        cells.push_back(plain(cell));
      }
      std::vector<Table>& tables = sections.back().tables;
      if (!in_table) {
        const std::vector<std::string>& above = sections.back().paragraphs;
        tables.push_back({above.empty() ? sections.back().title : above.back(),
                          std::move(cells),
                          {}});
      } else if (!absl::StartsWith(cells[0], "--")) {
        cells.resize(tables.back().head.size());
        tables.back().rows.push_back(std::move(cells));
      }
    } else if (!line.empty() && !absl::StartsWith(line, "#")) {
      absl::StrAppend(&paragraph, paragraph.empty() ? "" : " ",
                      is_item && line[0] == '-' ? line.substr(2) : line);
    }
    in_table = is_row;
  }
  end_paragraph();
  return sections;
}

std::string ProcessedInWords(const bus::v1::ProcessGrant& grant) {
  std::string words = absl::StrJoin(grant.types(), ", ");
  if (!grant.headers().empty()) {
    absl::StrAppend(&words, words.empty() ? "" : "; ", "the header alone of ",
                    absl::StrJoin(grant.headers(), ", "));
  }
  return words;
}

Section RightsSection(const Sources& sources) {
  Table table{"Who may do what",
              {"Principal", "Agency and role", "Publishes", "Sees everybody's",
               "Acts that need two", "Speaks for", "State"},
              {}};
  for (const bus::v1::Principal& each : sources.registry.principals()) {
    std::vector<std::string> acts(each.may_agree().begin(),
                                  each.may_agree().end());
    if (each.may_redrive()) acts.push_back("redrive");
    if (each.may_run_retention()) acts.push_back("retention");
    std::vector<std::string> publishes;
    for (const bus::v1::PublishGrant& grant : each.publish()) {
      publishes.insert(publishes.end(), grant.types().begin(),
                       grant.types().end());
    }
    table.rows.push_back(
        {absl::StrCat(each.name(), each.display_name().empty() ? "" : ", ",
                      each.display_name()),
         absl::StrCat(sources.AgencyOf(each.agency()), ", ", each.role()),
         absl::StrJoin(publishes, ", "), ProcessedInWords(each.process()),
         absl::StrJoin(acts, ", "), absl::StrJoin(each.speaks_for(), ", "),
         each.revoked() ? "revoked" : "may connect"});
  }
  return {"Access review",
          {"Every principal of the registry: for a review of joiners, movers "
           "and leavers, each line is confirmed by its agency. People's "
           "accounts of the console, and their vetting, are kept by their "
           "agency."},
          {},
          {std::move(table)}};
}

Section KeysSection(const Sources& sources, const SecurityParts& parts) {
  Table keys{"Keys of the bus and signatures",
             {"Principal", "CURVE key", "Its last day", "Second key",
              "Signs what it publishes", "Witness"},
             {}};
  for (const bus::v1::Principal& each : sources.registry.principals()) {
    if (each.curve_public_key().empty()) continue;
    keys.rows.push_back(
        {each.name(), each.curve_public_key(),
         each.curve_valid_to().empty() ? "none" : each.curve_valid_to(),
         each.second_curve_public_key().empty()
             ? ""
             : absl::StrCat(each.second_curve_public_key(), " to ",
                            each.second_curve_valid_to()),
         each.signing_keys().empty() ? "no" : "yes",
         each.witness_key().empty() ? "no" : "yes"});
  }
  Table certificates{"Certificates", {"Principal", "For", "Ends"}, {}};
  for (const CertificateEnd& each : parts.certificates) {
    certificates.rows.push_back(
        {each.principal, each.uri,
         absl::StrCat(sources.When(static_cast<uint64_t>(
                          absl::ToUnixMicros(each.not_after))),
                      each.not_after < sources.made ? ", ENDED" : "")});
  }
  return {"Keys and certificates",
          {"Public halves; `concordat keys` changes them without a pause."},
          {},
          {std::move(keys), std::move(certificates)}};
}

Section ComponentsSection(const SecurityParts& parts) {
  Table table{"Components", {"Name", "Version", "From", "Integrity"}, {}};
  for (const Component& each : parts.components) {
    table.rows.push_back({each.name, each.version, each.from, each.hash});
  }
  return {"What it is made of",
          {"From the lists that it is installed by: Debian packages, with the "
           "version on the machine that made this paper, and packages of npm, "
           "with their hashes. What a Debian package depends on is its "
           "distribution's."},
          {},
          {std::move(table)}};
}

}  // namespace

absl::StatusOr<Document> RuleOf(
    const Sources& sources, absl::string_view id, RuleStage stage,
    const alerts::v1::BacktestRulesResponse& backtest) {
  const auto rule = FindRule(sources, id, stage);
  if (!rule.ok()) return rule.status();
  const Rule* const found = *rule;
  Document document =
      Begin(sources, "rule", RuleTitle(*found, stage, "Rule dossier:"));
  std::vector<Section>& sections = document.sections;
  sections.push_back(InForceOf(sources, *found, stage));
  const policy::v1::RuleWords* words = nullptr;
  for (const policy::v1::RuleWords& each : sources.legal.rules()) {
    if (each.rule() == id) words = &each;
  }
  Table table{"The rule", {"Of it", "Is"}, {}};
  table.rows = {
      {"acts from", found->effective()},
      {"comes from", found->source()},
      {"calendar of its working days and hours", found->calendar()},
      {"in easy words", words == nullptr ? "NOT RECORDED" : words->easy_read()},
      {"approved by", words == nullptr || words->approved_by_size() < 2
                          ? "NOT RECORDED BY TWO"
                          : absl::StrJoin(words->approved_by(), "; ")},
      {"looked at again on", words == nullptr || words->review_on().empty()
                                 ? "NOT RECORDED"
                                 : words->review_on()}};
  sections.push_back(
      {"The rule",
       {"It asks a named role and changes nothing about anybody."},
       {},
       {std::move(table)}});
  for (const Limb& limb : found->limbs()) {
    sections.push_back(LimbSection(limb));
  }
  sections.push_back(BacktestSection(*found, backtest));
  Section text{
      "The text",
      {stage == RuleStage::kCandidate ? "As the folder holds it."
                                      : "As the alerts service judges by it."},
      {},
      {}};
  google::protobuf::TextFormat::PrintToString(*found, &text.verbatim);
  sections.push_back(std::move(text));
  return document;
}

Document SecurityPackOf(const Sources& sources, const SecurityParts& parts) {
  Document document = Begin(sources, "security", "Security pack");
  document.sections.push_back(SecurityOf());
  document.sections.push_back(RightsSection(sources));
  document.sections.push_back(KeysSection(sources, parts));
  document.sections.push_back(ComponentsSection(parts));
  document.sections.push_back(RisksOf(sources, ""));
  for (Section& each : SectionsOfPage(parts.threat_model)) {
    each.title = absl::StrCat("Threat model: ", each.title);
    document.sections.push_back(std::move(each));
  }
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
                                         sources.AgencyOf(found->agency())));
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

// Papers about an agreement.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {

using policy::v1::Agreement;

absl::StatusOr<Document> ScheduleOf(const Sources& sources,
                                    absl::string_view name) {
  const auto standing = FindAgreement(sources, name);
  if (!standing.ok()) return standing.status();
  const StandingAgreement* const found = *standing;
  const Agreement& agreement = found->agreement;
  const auto lines = LinesOf(sources, agreement);
  if (!lines.ok()) return lines.status();
  Document document =
      Begin(sources, "schedule",
            absl::StrCat("Information sharing agreement: schedule of ",
                         NameOf(*found)));
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
  sections.push_back(RetentionOf(sources, {found}));
  sections.push_back(ReviewOf(sources, *found));
  sections.push_back(SignatoriesOf(sources, *found));
  return document;
}

Document ChangesOf(const Sources& sources,
                   const bus::v1::DiffAgreementResponse& diff) {
  Document document =
      Begin(sources, "changes",
            absl::StrCat("Information sharing agreement ", diff.name(),
                         ": what version ", diff.to_version(), " changes"));
  const std::string from =
      diff.from_version() == 0
          ? "Nothing of this name is adopted: everything in it is new."
          : absl::StrCat("Against version ", diff.from_version(), ".");
  Section terms{"Parties, period, purposes, gateways", {from}, {}, {}};
  Table words{"What else changes", {"In plain words"}, {}};
  for (const std::string& each : diff.terms()) words.rows.push_back({each});
  terms.tables.push_back(std::move(words));
  document.sections.push_back(std::move(terms));
  Table more{"Would see more",
             {"Who", "Fact", "Whose", "What they would see as well"},
             {}};
  Table less{"Would see less",
             {"Who", "Fact", "Whose", "What they would no longer see"},
             {}};
  for (const bus::v1::AgreementChange& change : diff.changes()) {
    const std::string who =
        absl::StrCat(sources.AgencyOf(change.agency()), ", ", change.role());
    if (!change.more().empty()) {
      more.rows.push_back({who, TitleOf(change.type()), change.audience(),
                           absl::StrJoin(change.more(), ", ")});
    }
    if (!change.less().empty()) {
      less.rows.push_back({who, TitleOf(change.type()), change.audience(),
                           absl::StrJoin(change.less(), ", ")});
    }
  }
  document.sections.push_back(
      {"Who sees more and who sees less",
       {"Compared by the same code that decides what is shown. `concordat "
        "agreements simulate` says for a past period how many facts of how "
        "many people each line would have been."},
       {},
       {std::move(more), std::move(less)}});
  return document;
}

absl::StatusOr<Document> JointOf(const Sources& sources,
                                 absl::string_view name) {
  const auto standing = FindAgreement(sources, name);
  if (!standing.ok()) return standing.status();
  const Agreement& agreement = (*standing)->agreement;
  Document document =
      Begin(sources, "joint",
            absl::StrCat("Joint controllers under ", NameOf(**standing)));
  document.sections.push_back(
      {"What this is",
       {"The arrangement between joint controllers: UK GDPR Article 26, and "
        "Data Protection Act 2018 section 58 for what is processed under Part "
        "3. Its essence is made available to data subjects, who may turn to "
        "any of them."},
       {},
       {}});
  document.sections.push_back(PartiesOf(sources, agreement));
  Table reach{"How each is reached",
              {"Party", "For data subjects", "Data protection officer"},
              {}};
  std::vector<std::string> all(agreement.parties().begin(),
                               agreement.parties().end());
  if (!agreement.arrangement().empty()) all.push_back(agreement.arrangement());
  for (const std::string& agency : all) {
    const auto* const each = StandingOf(sources, agency);
    reach.rows.push_back(
        {sources.AgencyOf(agency),
         each == nullptr || each->contact().empty() ? "NOT RECORDED"
                                                    : each->contact(),
         each == nullptr || each->data_protection_officer().empty()
             ? "NOT RECORDED"
             : each->data_protection_officer()});
  }
  document.sections.push_back(
      {"Contact points",
       {absl::StrCat("When it has ended: ", agreement.contact(), ".")},
       {},
       {std::move(reach)}});
  Table duties{"Duties",
               {"To", "Under UK GDPR", "Under Part 3", "Who answers", "By"},
               {}};
  for (const policy::v1::Duty& duty : sources.legal.duties()) {
    duties.rows.push_back(
        {duty.duty(), duty.gdpr(), duty.part3(), duty.who(), duty.how()});
  }
  document.sections.push_back(
      {"Who answers what", {}, {}, {std::move(duties)}});
  document.sections.push_back(ReviewOf(sources, **standing));
  document.sections.push_back(SignatoriesOf(sources, **standing));
  return document;
}

absl::StatusOr<Document> ProcessorOf(const Sources& sources,
                                     absl::string_view name) {
  const auto standing = FindAgreement(sources, name);
  if (!standing.ok()) return standing.status();
  Document document =
      Begin(sources, "processor",
            absl::StrCat("Terms of the processor under ", NameOf(**standing)));
  document.sections.push_back(
      {"What this is",
       {"What the operator of the hub is bound to towards each party: UK GDPR "
        "Article 28, and Data Protection Act 2018 section 59."},
       {},
       {}});
  document.sections.push_back(PartiesOf(sources, (*standing)->agreement));
  Table who{"Processor", {"Who", "Is", "Because", "Reached at"}, {}};
  for (const policy::v1::Standing& each : sources.legal.standings()) {
    if (each.standing() != "processor") continue;
    who.rows.push_back({sources.AgencyOf(each.agency()), each.standing(),
                        each.because(), each.contact()});
  }
  document.sections.push_back({"The processor", {}, {}, {std::move(who)}});
  Table terms{
      "Terms",
      {"It", "Under UK GDPR", "Under Part 3", "How", "Shown by the test"},
      {}};
  for (const policy::v1::ProcessorTerm& term :
       sources.legal.processor_terms()) {
    terms.rows.push_back({term.term(), term.gdpr(), term.part3(), term.how(),
                          absl::StrJoin(term.tests(), ", ")});
  }
  document.sections.push_back({"Terms", {}, {}, {std::move(terms)}});
  Table others{"Sub-processors and places", {"Who", "Does", "Where"}, {}};
  for (const policy::v1::SubProcessor& each : sources.legal.sub_processors()) {
    others.rows.push_back({each.name(), each.does(), each.where()});
  }
  document.sections.push_back(
      {"Sub-processors and locations", {}, {}, {std::move(others)}});
  document.sections.push_back(SecurityOf());
  Table keys{"Who of the operator may ask for and agree to what",
             {"Principal", "Acts that need two people"},
             {}};
  for (const bus::v1::Principal& each : sources.registry.principals()) {
    if (each.may_agree().empty()) continue;
    keys.rows.push_back(
        {absl::StrCat(each.name(), " (", sources.AgencyOf(each.agency()), ")"),
         absl::StrJoin(each.may_agree(), ", ")});
  }
  document.sections.push_back(
      {"Keys",
       {"Keys of people are wrapped by a wrapping key that is in no backup and "
        "can be under custody of several; a changed or destroyed key needs two "
        "people, whose act is in the log."},
       {},
       {std::move(keys)}});
  document.sections.push_back(RetentionOf(sources, {*standing}));
  return document;
}

}  // namespace concordat::cli

// Papers of people's rights, of one controller.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/letters.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

using bus::v1::Correction;

constexpr char kObjection[] = "OBJECTION_PENDING";
constexpr char kObjectionUpheld[] = "OBJECTION_UPHELD";

std::string KindOf(const Correction& correction) {
  if (correction.cut()) return "link cut: it was another person's";
  return correction.retraction() ? "taken back" : "corrected";
}

std::string WaitsFor(const Sources& sources, const Correction& correction) {
  std::vector<std::string> waits;
  for (const bus::v1::CorrectionRecipient& each : correction.recipients()) {
    if (each.accepted()) continue;
    waits.push_back(absl::StrCat(sources.AgencyOf(each.agency()), ", ",
                                 each.role(), ": ", each.state()));
  }
  return waits.empty() ? "all know" : absl::StrJoin(waits, "; ");
}

Section RectificationSection(const Sources& sources, absl::string_view agency,
                             const RightsParts& parts) {
  Table own{"What it rectified or took back",
            {"Event", "Of event", "Fact", "How", "When", "Told", "Waits for"},
            {}};
  Table others{"What others rectified of what it had been told",
               {"Event", "Fact", "By", "How", "When", "It knows"},
               {}};
  for (const Correction& each : parts.corrections.corrections()) {
    const std::string at = sources.When(each.accepted_time());
    const std::string event = absl::StrCat(each.sequence());
    if (each.controller() == agency) {
      own.rows.push_back({event,
                          each.original() == 0 ? "not in the log"
                                               : absl::StrCat(each.original()),
                          TitleOf(each.type()), KindOf(each), at,
                          absl::StrCat(each.recipients_size()),
                          WaitsFor(sources, each)});
    } else {
      others.rows.push_back({event, TitleOf(each.type()),
                             sources.AgencyOf(each.controller()), KindOf(each),
                             at, each.waits_for() == 0 ? "yes" : "NOT YET"});
    }
  }
  return {"Rectification",
          {"UK GDPR Articles 16 and 19, Data Protection Act 2018 sections 46 "
           "and 48. A correction goes first to everybody who had the fact, and "
           "is complete when each has accepted it. `concordat corrections "
           "--event` has what was made of one."},
          {},
          {std::move(own), std::move(others)}};
}

Section RestrictionSection(const Sources& sources, const RightsParts& parts) {
  Table objections{"Objections that were looked at",
                   {"Person", "Restricted since", "Lifted", "Asked and agreed"},
                   {}};
  Table table{
      "Restrictions",
      {"Person", "Because", "Since", "Lifted", "Asked and agreed", "Lifted by"},
      {}};
  for (const bus::v1::Restriction& each : parts.restrictions.restrictions()) {
    const std::string lifted =
        each.to() == 0 ? "it stands" : sources.When(each.to());
    const std::string by =
        absl::StrCat(each.asked_by(), "; ", each.agreed_by());
    table.rows.push_back(
        {each.subject(), each.reason(), sources.When(each.from()), lifted, by,
         each.to() == 0 ? "-"
                        : absl::StrCat(each.lifted_asked_by(), "; ",
                                       each.lifted_agreed_by())});
    if (each.reason() != kObjection) continue;
    objections.rows.push_back(
        {each.subject(), sources.When(each.from()), lifted, by});
  }
  return {"Restriction and objection",
          {"UK GDPR Articles 18 and 21, Data Protection Act 2018 section "
           "47(3). What is restricted is kept, shown to nobody else and used "
           "for nothing. An objection is known to the hub by the restriction "
           "while it is looked at, and, when it was upheld, by the erasure."},
          {},
          {std::move(objections), std::move(table)}};
}

Section ErasureSection(const Sources& sources, const RightsParts& parts) {
  Table table{"Erasures that it was told of",
              {"Reference", "Person", "Because", "When", "It confirmed",
               "Keeps some, because"},
              {}};
  for (const bus::v1::Erasure& each : parts.erasures.erasures()) {
    std::string confirmed = "NOT YET";
    std::string keeps;
    for (const bus::v1::ErasureConfirmation& by : each.confirmations()) {
      if (by.confirmed_time() != 0) {
        confirmed = sources.When(by.confirmed_time());
      }
      keeps = by.keeps_because();
    }
    table.rows.push_back({each.erasure_ref(), each.subject(),
                          each.reason() == kObjectionUpheld
                              ? absl::StrCat(each.reason(), " (objection)")
                              : each.reason(),
                          sources.When(each.accepted_time()), confirmed,
                          keeps});
  }
  return {"Erasure",
          {"UK GDPR Articles 17 and 19, Data Protection Act 2018 sections 47 "
           "and 48."},
          {},
          {std::move(table)}};
}

}  // namespace

absl::StatusOr<Document> RightsOf(const Sources& sources,
                                  absl::string_view agency,
                                  const RightsParts& parts) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  Document document = Begin(
      sources, "rights",
      absl::StrCat("People's rights: records of ", sources.AgencyOf(agency)));
  document.personal = true;
  document.sections.push_back(RectificationSection(sources, agency, parts));
  document.sections.push_back(RestrictionSection(sources, parts));
  document.sections.push_back(ErasureSection(sources, parts));
  document.sections.push_back(
      {"What is told to the hub by nobody",
       {"That somebody asked, when, and when they were answered; what was "
        "refused, and why. The controller has it in its own register. What it "
        "gave to a person who asked is made by `concordat person pack`, and "
        "that it was made is in `concordat documents access`."},
       {},
       {}});
  return document;
}

absl::StatusOr<Document> NeitherOf(const Sources& sources,
                                   absl::string_view agency) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  auto letter = LetterOf(sources, policy::v1::LETTER_KIND_NEITHER, agency,
                         controller->part3);
  if (!letter.ok()) return letter.status();
  Document document = Begin(sources, "neither",
                            absl::StrCat("Letter: ", sources.AgencyOf(agency),
                                         " neither confirms nor denies"));
  document.sections.push_back(*std::move(letter));
  return document;
}

}  // namespace concordat::cli

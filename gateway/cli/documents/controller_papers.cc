// Papers of one controller.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"
#include "services/common/config/principal_registry.h"

namespace concordat::cli {

namespace {

// So few would tell who they are.
constexpr uint64_t kCountMin = 5;

Section PeopleOf(const Sources& sources) {
  if (sources.people.empty()) {
    return {"How many people",
            {"Not counted: who made this paper may not count them. With the "
             "profile of a co-ordinator it has the numbers."},
            {},
            {}};
  }
  Table table{"Numbers of people", {"Who", "How many"}, {}};
  for (const PeopleCount& each : sources.people) {
    table.rows.push_back(
        {each.what, each.count > 0 && each.count < kCountMin
                        ? absl::StrCat("fewer than ", kCountMin)
                        : absl::StrCat(each.count)});
  }
  return {"How many people", {}, {}, {std::move(table)}};
}

std::string KeptInWords(const policy::v1::Retention& periods) {
  return absl::StrCat("In the hub, ", periods.months_after_case(),
                      " months after your case was closed, and ",
                      periods.months_after_event(),
                      " months after the last fact about you, whichever is "
                      "later; longer while a court or a review needs it.");
}

Section ConsultationOf(const Sources& sources, absl::string_view agency) {
  Table table{"Consultation log",
              {"When", "Who was asked", "How", "They said", "What changed"},
              {}};
  for (const policy::v1::Consultation& each : sources.legal.consultations()) {
    if (!IsFor(each.agencies(), agency)) continue;
    table.rows.push_back(
        {each.on(), each.who(), each.how(), each.said(), each.changed()});
  }
  return {"Consultation", {}, {}, {std::move(table)}};
}

Section NoticeLayerOf(const Sources& sources, absl::string_view agency,
                      policy::v1::NoticeLayer layer, const char* title) {
  Section section;
  section.title = title;
  for (const policy::v1::NoticeParagraph& each : sources.legal.notice()) {
    if (each.layer() != layer || !IsFor(each.agencies(), agency)) continue;
    section.paragraphs.push_back(
        absl::StrCat(each.heading(), ". ", each.text()));
  }
  return section;
}

// Rules whose facts may be about a person; `easy`: in easy words.
Table RulesInWords(const Sources& sources, bool easy) {
  Table table{easy ? "What the computer looks for"
                   : "Patterns that a named person is asked to look at",
              {"Rule", "In words"},
              {}};
  for (const alerts::v1::Rule& rule : sources.rules.rules()) {
    if (easy) {
      for (const policy::v1::RuleWords& each : sources.legal.rules()) {
        if (each.rule() == rule.id()) {
          table.rows.push_back({rule.id(), each.easy_read()});
        }
      }
      continue;
    }
    for (const alerts::v1::Limb& limb : rule.limbs()) {
      table.rows.push_back(
          {absl::StrCat(rule.id(), " version ", rule.version()), limb.why()});
    }
  }
  return table;
}

// Which of the agency's types each service of the hub is sent, by the registry.
Table HubServicesOf(const Sources& sources, absl::string_view agency) {
  Table table{"Services of the hub that process it, of everybody",
              {"Service", "Sent whole", "The header alone"},
              {}};
  const std::vector<std::string> published = PublishedBy(sources, agency);
  const auto titles_of = [&](const auto& patterns) {
    std::vector<std::string> titles;
    for (const std::string& type : published) {
      if (std::any_of(patterns.begin(), patterns.end(),
                      [&](const std::string& pattern) {
                        return TypePatternCovers(pattern, type);
                      })) {
        titles.push_back(TitleOf(type));
      }
    }
    return absl::StrJoin(titles, ", ");
  };
  for (const bus::v1::Principal& each : sources.registry.principals()) {
    if (each.revoked()) continue;
    std::string whole = titles_of(each.process().types());
    std::string headers = titles_of(each.process().headers());
    if (whole.empty() && headers.empty()) continue;
    table.rows.push_back({each.name(), std::move(whole), std::move(headers)});
  }
  return table;
}

}  // namespace

absl::StatusOr<Document> ProcessingOf(const Sources& sources,
                                      absl::string_view agency) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  Document document = Begin(sources, "processing",
                            absl::StrCat("Record of processing, extract: ",
                                         sources.AgencyOf(agency)));
  std::vector<Section>& sections = document.sections;
  const auto* const standing = StandingOf(sources, agency);
  sections.push_back(
      {"Controller",
       {absl::StrCat(sources.AgencyOf(agency), ", ",
                     standing == nullptr ? "standing not recorded"
                                         : standing->standing(),
                     ". Processor: the operator of the Concordat hub."),
        standing == nullptr || standing->contact().empty()
            ? "How it and its data protection officer are reached is not "
              "recorded: the controller adds it."
            : absl::StrCat("Reached at: ", standing->contact(),
                           ". Data protection officer: ",
                           standing->data_protection_officer(), ".")},
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
       {RecipientsOf(sources, *controller), HubServicesOf(sources, agency),
        ReceivedBy(sources, *controller)}});
  sections.push_back(
      {"Transfers",
       {"By an agreement alone, to its parties. The hub has no recipient that "
        "is not in the registry."},
       {},
       {}});
  sections.push_back(RetentionOf(sources, controller->agreements));
  sections.push_back(SecurityOf());
  return document;
}

absl::StatusOr<Document> ImpactOf(const Sources& sources,
                                  absl::string_view agency) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  Document document = Begin(sources, "dpia",
                            absl::StrCat("Inputs to an impact assessment: ",
                                         sources.AgencyOf(agency)));
  std::vector<Section>& sections = document.sections;
  sections.push_back(
      {"What this is",
       {absl::StrCat("What the hub can say of the processing, for the "
                     "controller's own assessment under ",
                     controller->part3
                         ? "Data Protection Act 2018 section 64, for what it "
                           "processes under Part 3 as a competent authority, "
                           "and UK GDPR Article 35 for the rest"
                         : "UK GDPR Article 35",
                     ". Necessity and proportionality are the controller's to "
                     "weigh.")},
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
  sections.push_back(RetentionOf(sources, controller->agreements));
  sections.push_back(PeopleOf(sources));
  sections.push_back(RulesOf(sources));
  sections.push_back(SecurityOf());
  sections.push_back(RisksOf(sources, agency));
  sections.push_back(ConsultationOf(sources, agency));
  return document;
}

absl::StatusOr<Document> SensitiveOf(const Sources& sources,
                                     absl::string_view agency) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  Document document = Begin(
      sources, "sensitive",
      absl::StrCat("Appropriate policy document: ", sources.AgencyOf(agency)));
  std::vector<Section>& sections = document.sections;
  sections.push_back(
      {"What this is",
       {controller->part3
            ? "How the controller keeps to the principles, and how long it "
              "keeps what is sensitive, when it processes it under Part 3: "
              "Data Protection Act 2018, section 42."
            : "How the controller keeps to the principles, and how long it "
              "keeps special category and criminal offence data: Data "
              "Protection Act 2018, Schedule 1, Part 4.",
        "It is kept until six months after the processing ends, reviewed, and "
        "given to the Commissioner on request."},
       {},
       {}});
  sections.push_back(AgreementsOf(*controller));
  sections.push_back(PurposesOf(sources, controller->purposes));
  Table sensitive = CategoriesOf(sources, *controller);
  sensitive.caption = "What it publishes, by tier";
  std::erase_if(sensitive.rows, [](const std::vector<std::string>& row) {
    return row[0].substr(0, 2) < "S3";
  });
  sections.push_back(
      {"Which data",
       {"Criminal offence data and MAPPA status, and what is restricted."},
       {},
       {std::move(sensitive)}});
  Table kept{"Principles",
             {"Principle", controller->part3 ? "Part 3" : "UK GDPR", "How",
              "Shown by the test"},
             {}};
  for (const policy::v1::Safeguard& each : sources.legal.safeguards()) {
    kept.rows.push_back({each.principle(),
                         controller->part3 ? each.part3() : each.gdpr(),
                         each.how(), absl::StrJoin(each.tests(), ", ")});
  }
  sections.push_back(
      {"How the principles are kept", {}, {}, {std::move(kept)}});
  sections.push_back(RetentionOf(sources, controller->agreements));
  return document;
}

absl::StatusOr<Document> NoticeOf(const Sources& sources,
                                  absl::string_view agency) {
  const auto controller = ControllerOf(sources, agency);
  if (!controller.ok()) return controller.status();
  const std::string name = sources.AgencyOf(agency);
  Document document =
      Begin(sources, "notice", absl::StrCat("Privacy notice: ", name));
  std::vector<Section>& sections = document.sections;
  sections.push_back(NoticeLayerOf(sources, agency,
                                   policy::v1::NOTICE_LAYER_SHORT, "In short"));
  Section easy = NoticeLayerOf(
      sources, agency, policy::v1::NOTICE_LAYER_EASY_READ, "Easy to read");
  easy.tables.push_back(RulesInWords(sources, /*easy=*/true));
  sections.push_back(std::move(easy));
  Section full =
      NoticeLayerOf(sources, agency, policy::v1::NOTICE_LAYER_FULL, "In full");
  const auto* const standing = StandingOf(sources, agency);
  if (standing != nullptr) {
    full.paragraphs.push_back(absl::StrCat(
        "How to reach us. ", standing->contact(),
        ". Our data protection officer: ", standing->data_protection_officer(),
        "."));
  }
  full.paragraphs.push_back(
      "Complain. You can complain to us, and to the Information Commissioner, "
      "Wycliffe House, Water Lane, Wilmslow, SK9 5AF; and you can go to "
      "court.");
  full.paragraphs.push_back(absl::StrCat(
      "How long. ",
      sources.retention.has_value()
          ? KeptInWords(LongestOf(sources, controller->agreements))
          : "Until the bodies of the arrangement set a period for the hub; "
            "nothing has been removed yet.",
      " In our own records, as our own schedule says."));
  full.paragraphs.push_back(
      "Where. In the United Kingdom; it goes to nobody who is not named here.");
  sections.push_back(std::move(full));
  sections.push_back(PurposesOf(sources, controller->purposes));
  sections.push_back(GatewaysOf(sources, controller->gateways));
  Table tell{"What we tell, and to whom", {"To", "What", "About whom"}, {}};
  for (const auto& row : RecipientsOf(sources, *controller).rows) {
    tell.rows.push_back({row[0], row[1], row[2]});
  }
  Table told{"What we are told, and by whom", {"By", "What", "For"}, {}};
  for (const auto& row : ReceivedBy(sources, *controller).rows) {
    told.rows.push_back({row[0], row[1], row[2]});
  }
  sections.push_back(
      {"Who tells whom", {}, {}, {std::move(tell), std::move(told)}});
  sections.push_back(
      {"What a computer looks for",
       {"It asks a named person, who decides. No rule changes anything about "
        "anybody."},
       {},
       {RulesInWords(sources, /*easy=*/false)}});
  return document;
}

}  // namespace concordat::cli

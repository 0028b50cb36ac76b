// Papers of what was done with what is held about people.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"
#include "gateway/cli/programs.h"
#include "services/common/evidence/checkpoint.h"

namespace concordat::cli {
namespace {

using access::v1::Access;
using access::v1::AccessExtract;

constexpr int kPersonsShown = 5;

struct OperationText {
  policy::v1::Operation operation;
  const char* title;
  const char* what;
};
// In the order of section 62(1).
constexpr OperationText kOperations[] = {
    {policy::v1::OPERATION_COLLECTION, "Collection",
     "Who told the hub what about whom."},
    {policy::v1::OPERATION_ALTERATION, "Alteration",
     "Who corrected or took back a fact, or changed a case."},
    {policy::v1::OPERATION_CONSULTATION, "Consultation",
     "Who looked, or asked and was answered."},
    {policy::v1::OPERATION_DISCLOSURE, "Disclosure",
     "To whom facts were sent, and how many of them were acknowledged."},
    {policy::v1::OPERATION_COMBINATION, "Combination",
     "Who joined two records of one person."},
    {policy::v1::OPERATION_ERASURE, "Erasure",
     "What was removed, by whose act or by retention."},
};

// "IdentityService/Describe" of a method, "Concern shared" of an event's type.
std::string WhatOf(const Access& access) {
  const std::string& what = access.what();
  if (access.operation() == policy::v1::OPERATION_DISCLOSURE) {
    return what == "-" ? "read from the log"
                       : absl::StrCat("subscription ", what);
  }
  if (access.of_event()) return TitleOf(what);
  const size_t slash = what.find('/');
  const size_t dot = what.rfind('.', slash);
  return dot == what.npos ? what : what.substr(dot + 1);
}

std::string WhoOf(const Sources& sources, const Access& access) {
  return absl::StrCat(
      sources.AgencyOf(access.agency()), access.role().empty() ? "" : ", ",
      access.role(), access.principal().empty() ? "" : "; ", access.principal(),
      access.staff().empty() ? "" : ", ", access.staff(),
      access.via().empty() ? "" : absl::StrCat(" through ", access.via()),
      access.on_behalf_of().empty() ? "" : " for ", access.on_behalf_of());
}

std::string PersonsOf(const Access& access) {
  std::vector<std::string> shown(
      access.subjects().begin(),
      access.subjects().begin() +
          std::min(access.subjects_size(), kPersonsShown));
  if (access.subjects_size() > kPersonsShown) {
    shown.push_back(
        absl::StrCat("and ", access.subjects_size() - kPersonsShown, " more"));
  }
  if (access.more_subjects()) shown.push_back("and more than a record holds");
  return absl::StrJoin(shown, ", ");
}

std::string CountOf(const Access& access) {
  if (access.operation() != policy::v1::OPERATION_DISCLOSURE) {
    return access.outcome() == "OK" ? "" : access.outcome();
  }
  std::string events = absl::StrCat(access.events(), " events");
  if (access.sequences_size() > 0) {
    absl::StrAppend(&events, " (", absl::StrJoin(access.sequences(), ", "),
                    ")");
  }
  return absl::StrCat(events, ", ", access.acknowledged(), " acknowledged");
}

Section QuestionOf(const Sources& sources, const AccessExtract& extract) {
  const access::v1::ListAccessRequest& question = extract.question();
  Table table{"What was asked for", {"Of", "Is"}, {}};
  const auto add = [&](const char* what, const std::string& is) {
    if (!is.empty()) table.rows.push_back({what, is});
  };
  add("period",
      question.from() == 0 && question.to() == 0
          ? "all that there is"
          : absl::StrCat(
                question.from() == 0 ? "the beginning"
                                     : sources.When(question.from()),
                " to before ",
                question.to() == 0 ? "now" : sources.When(question.to())));
  add("person", question.subject());
  add("agency", question.agency());
  add("user", question.user());
  add("operations",
      question.operations().empty()
          ? "all six"
          : absl::StrJoin(question.operations(), ", ",
                          [](std::string* out, int operation) {
                            for (const OperationText& each : kOperations) {
                              if (each.operation == operation) {
                                *out += each.title;
                              }
                            }
                          }));
  add("asked by", extract.made_by());
  add("asked at", sources.When(extract.made()));
  return {
      "What this is",
      {"An extract of the log that section 62 of the Data Protection Act 2018 "
       "asks for: who collected, altered, consulted, disclosed, combined or "
       "erased what is held about people, when, to whom and why. People are "
       "named by the hub's own keys. That it was asked for is recorded as "
       "well."},
      {},
      {std::move(table)}};
}

Section CountsOf(const AccessExtract& extract) {
  std::map<int, uint64_t> counts;
  for (const auto& page : extract.pages()) {
    for (const Access& access : page.accesses()) ++counts[access.operation()];
  }
  Table table{"How many of each", {"Operation", "Entries", "What it is"}, {}};
  for (const OperationText& each : kOperations) {
    table.rows.push_back(
        {each.title, absl::StrCat(counts[each.operation]), each.what});
  }
  return {"How many", {}, {}, {std::move(table)}};
}

struct Row {
  const Access* access;
  const std::string* program;
};

std::vector<Row> RowsOf(const AccessExtract& extract,
                        policy::v1::Operation operation) {
  std::vector<Row> rows;
  for (const auto& page : extract.pages()) {
    for (const Access& access : page.accesses()) {
      if (access.operation() == operation) {
        rows.push_back({&access, &page.program()});
      }
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.access->time() < b.access->time();
  });
  return rows;
}

std::string CiteOf(const Row& row) {
  return absl::StrCat(row.access->of_event() ? "event " : "record ",
                      row.access->record(), ", ",
                      absl::StripPrefix(*row.program, "concordat-"));
}

Section RowsSection(const Sources& sources, const AccessExtract& extract,
                    const OperationText& text) {
  const bool told = text.operation == policy::v1::OPERATION_DISCLOSURE;
  Table table{text.title,
              {"When", told ? "To whom" : "Who", "What", "About whom", "Why",
               "How it ended", "Shown by"},
              {}};
  for (const Row& row : RowsOf(extract, text.operation)) {
    const Access& access = *row.access;
    table.rows.push_back({sources.When(access.time()), WhoOf(sources, access),
                          WhatOf(access), PersonsOf(access), access.purpose(),
                          CountOf(access), CiteOf(row)});
  }
  return {text.title, {text.what}, {}, {std::move(table)}};
}

Section ProofSection(const AccessExtract& extract, absl::string_view proof) {
  Table table{"Trees over the access logs",
              {"Program", "Records", "Root", "Signed"},
              {}};
  std::map<std::string, std::string> newest;  // Checkpoints.
  for (const auto& page : extract.pages()) {
    if (!page.checkpoint().empty()) newest[page.program()] = page.checkpoint();
  }
  for (const auto& [program, text] : newest) {
    const auto note = ParseNote(text);
    const auto tree = ParseCheckpoint(note.ok() ? note->text : text);
    if (!tree.ok()) continue;
    table.rows.push_back({program, absl::StrCat(tree->size),
                          absl::BytesToHexString(absl::string_view(
                              reinterpret_cast<const char*>(tree->root.data()),
                              tree->root.size())),
                          note.ok() ? "by the log's key" : "no"});
  }
  if (proof.empty()) {
    return {"What shows it",
            {"No proof was asked for: with --proof FILE each row has its "
             "record and that it is in the tree over the program's access "
             "log."},
            {},
            {}};
  }
  return {"What shows it",
          {absl::StrCat("The file ", proof,
                        " has for each row the record and that it is in the "
                        "tree, and for each event its leaf in the log's tree. "
                        "`concordat verify FILE --keys KEYS` checks it on any "
                        "machine with the log's public key alone, and says "
                        "what it does not show.")},
          {},
          {std::move(table)}};
}

// Adapters that no page is of and that are not missed either.
std::vector<std::string> ElsewhereOf(const Sources& sources,
                                     const AccessExtract& extract) {
  std::vector<std::string> elsewhere;
  for (const HubProgram& each : ProgramsOf(sources.registry)) {
    const bool answered = std::any_of(
        extract.pages().begin(), extract.pages().end(),
        [&](const auto& page) { return page.program() == each.program; });
    const bool missed =
        std::any_of(extract.missing().begin(), extract.missing().end(),
                    [&](const std::string& missing) {
                      return absl::StartsWith(missing, each.program);
                    });
    if (each.is_edge && !answered && !missed) elsewhere.push_back(each.folder);
  }
  return elsewhere;
}

}  // namespace

Document AccessOf(const Sources& sources, const AccessExtract& extract,
                  absl::string_view proof) {
  Document document =
      Begin(sources, "access",
            "Extract of the log of operations (Data Protection Act 2018, "
            "section 62)");
  document.personal = true;
  document.missing = {extract.missing().begin(), extract.missing().end()};
  document.sections.push_back(QuestionOf(sources, extract));
  const std::vector<std::string> elsewhere = ElsewhereOf(sources, extract);
  if (!elsewhere.empty()) {
    document.sections.push_back(
        {"Not asked here",
         {absl::StrCat("Adapters of the registry that never ran on this hub's "
                       "machine. What they recorded is asked for where they "
                       "run: ",
                       absl::StrJoin(elsewhere, ", "), ".")},
         {},
         {}});
  }
  document.sections.push_back(CountsOf(extract));
  for (const OperationText& each : kOperations) {
    const auto& wanted = extract.question().operations();
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(),
                                     each.operation) == wanted.end()) {
      continue;
    }
    document.sections.push_back(RowsSection(sources, extract, each));
  }
  document.sections.push_back(GapsOf(sources, extract));
  document.sections.push_back(ProofSection(extract, proof));
  return document;
}

Document GlassOf(const Sources& sources,
                 const access::v1::ListGlassResponse& glass) {
  Document document =
      Begin(sources, "glass", "Register of people opened without an interest");
  document.personal = true;
  Table table{"Openings",
              {"Reference", "When", "Person", "Who", "Why", "Reviewed"},
              {}};
  int late = 0;
  for (const access::v1::GlassEntry& entry : glass.entries()) {
    const access::v1::GlassBroken& opening = entry.opening();
    if (entry.review_overdue()) ++late;
    table.rows.push_back(
        {opening.opening_ref(), sources.When(entry.time()), entry.subject(),
         absl::StrCat(sources.AgencyOf(entry.agency()), "; ", opening.by(),
                      opening.staff().empty() ? "" : ", ", opening.staff()),
         absl::StrCat(opening.reason(), ": ", opening.words()),
         entry.has_review()
             ? absl::StrCat(
                   entry.review().outcome(), " by ", entry.review().by(),
                   entry.review().staff().empty() ? "" : ", ",
                   entry.review().staff(), ": ", entry.review().words())
         : entry.review_overdue()
             ? absl::StrCat("OVERDUE since ", sources.When(opening.review_by()))
             : absl::StrCat("due by ", sources.When(opening.review_by()))});
  }
  document.sections.push_back(
      {"Openings and their reviews",
       {absl::StrCat(glass.entries_size(), " openings, ", late,
                     " whose review is overdue. What is opened so shows "
                     "nothing of a sealed category. Who looked at the person "
                     "then is in the extract of the access log.")},
       {},
       {std::move(table)}});
  return document;
}

Document ErasuresOf(const Sources& sources,
                    const bus::v1::ListErasuresResponse& erasures,
                    const bus::v1::ListHoldsResponse& holds,
                    const bus::v1::RunRetentionResponse& retention) {
  Document document =
      Begin(sources, "erasures", "Certificate of erasure, hold and retention");
  Section erased{"Erasures",
                 {"An erasure destroys the keys of a person: in the log, in "
                  "memory, and in every backup. The spine stays: that there "
                  "was an event, of which type and when. deploy/docs/"
                  "erasure.md has each place, and the test that looks there.",
                  "Complete is one that waits for nothing: everybody who was "
                  "told has confirmed, and what is done by hand is done."},
                 {},
                 {}};
  Table table{"Erasures",
              {"Reference", "When", "Reason", "Events", "Asked and agreed",
               "Keys destroyed", "Waits for"},
              {}};
  Table confirmed{
      "Confirmations",
      {"Erasure", "Holder", "When", "Destroyed", "By", "Keeps some, because"},
      {}};
  for (const bus::v1::Erasure& each : erasures.erasures()) {
    table.rows.push_back(
        {each.erasure_ref(), sources.When(each.accepted_time()), each.reason(),
         absl::StrCat(each.events()),
         absl::StrCat(each.asked_by(), "; ", each.agreed_by()),
         each.keys_destroyed() ? "yes" : "NOT YET",
         each.waits_for() == 0 ? "nothing" : absl::StrCat(each.waits_for())});
    for (const bus::v1::ErasureConfirmation& by : each.confirmations()) {
      const bool by_hand = !by.by_hand().empty();
      confirmed.rows.push_back(
          {each.erasure_ref(),
           by_hand ? absl::StrCat("by hand: ", by.holder())
                   : sources.AgencyOf(by.holder()),
           by.confirmed_time() != 0 ? sources.When(by.confirmed_time())
           : by_hand                ? absl::StrCat("NOT YET: ", by.by_hand())
                                    : "NOT YET",
           absl::StrCat(by.destroyed()), by.by(), by.keeps_because()});
    }
  }
  erased.tables = {std::move(table), std::move(confirmed)};
  document.sections.push_back(std::move(erased));
  Table held{"Holds that stand",
             {"Reference", "Since", "Reason", "Asked and agreed", "Review"},
             {}};
  for (const bus::v1::Hold& each : holds.holds()) {
    held.rows.push_back(
        {each.hold_ref(), sources.When(each.placed_time()),
         absl::StrCat(each.reason(), each.why().empty() ? "" : ": ",
                      each.why()),
         absl::StrCat(each.asked_by(), "; ", each.agreed_by()),
         absl::StrCat(each.review_on(), each.review_due() ? ", DUE" : "")});
  }
  document.sections.push_back(
      {"Legal holds",
       {"Nothing of who is held is erased or removed until it is lifted."},
       {},
       {std::move(held)}});
  Section kept = RetentionOf(sources, AgreementsWith(sources, ""));
  Table past{
      "Past the period, and would be removed", {"Type", "Month", "Events"}, {}};
  for (const auto& each : retention.removed()) {
    past.rows.push_back(
        {TitleOf(each.type()),
         absl::StrCat(each.month() / 100, "-",
                      each.month() % 100 < 10 ? "0" : "", each.month() % 100),
         absl::StrCat(each.events())});
  }
  Table whole{
      "Could not be removed, and why", {"Because", "Period of", "Events"}, {}};
  for (const auto& each : retention.kept()) {
    whole.rows.push_back(
        {each.because(), each.by(), absl::StrCat(each.events())});
  }
  kept.tables.push_back(std::move(past));
  kept.tables.push_back(std::move(whole));
  for (const std::string& each : retention.waits_for()) {
    kept.paragraphs.push_back(absl::StrCat("Nothing later goes: ", each, "."));
  }
  document.sections.push_back(std::move(kept));
  return document;
}

}  // namespace concordat::cli

// Papers over facts, as one of the arrangement's people sees them.
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

// What an inspector asks and the hub can tell by these events alone, of the
// catalogue of facts; none: it foresees no such event.
struct Question {
  const char* asks;
  std::vector<const char*> types;
};
const std::vector<Question>& OpenQuestions() {
  static const auto& questions = *new std::vector<Question>{
      {"Plans: how many are current, and what fired since",
       {"concordat.mappa.v1.PlanPublished"}},
      {"Measures of a plan that had no owner",
       {"concordat.mappa.v1.PlanPublished",
        "concordat.mappa.v1.ActionUpdated"}},
      {"Assessments that were superseded without a new plan",
       {"concordat.mappa.v1.PlanPublished"}},
      {"Requests for information that were not answered, by agency",
       {"concordat.mappa.v1.InformationRequested",
        "concordat.mappa.v1.InformationReplied"}},
      {"When the minutes of a meeting were issued",
       {"concordat.mappa.v1.MinutesIssued"}},
      {"Why a limit was missed", {}},
      {"Near misses, but for links that were cut", {}},
      {"What was changed because of a false alert or a near miss", {}},
      {"Answers to exit questionnaires", {}},
      {"Disclosure to third parties: considered, and decided",
       {"concordat.mappa.v1.DisclosureDecided"}}};
  return questions;
}

}  // namespace

Document UnrecordedOf(const Sources& sources) {
  Table table{"Questions that this hub cannot answer",
              {"Question", "Would be told by", "Because"},
              {}};
  for (const Question& each : OpenQuestions()) {
    std::vector<std::string> names;
    bool is_told = !each.types.empty();
    for (const char* const type : each.types) {
      names.push_back(TitleOf(type));
      is_told &= sources.types->Find(type) != nullptr;
    }
    if (is_told) continue;
    table.rows.push_back({each.asks,
                          names.empty() ? "no event that is foreseen"
                                        : absl::StrJoin(names, ", "),
                          "nobody tells it to the hub"});
  }
  Document document = Begin(sources, "unrecorded",
                            "What nobody records, and so cannot be answered");
  document.sections.push_back(
      {"Questions without an answer",
       {"The answer to each of these is NOT KNOWN: no event type of this hub "
        "says it, and none is made up. Whoever has it has it in their own "
        "system. A question goes from this list when the events that tell it "
        "are adopted."},
       {},
       {std::move(table)}});
  return document;
}

Document OwnViewsOf(const Sources& sources,
                    const std::vector<Review>& reviews) {
  struct Count {
    uint64_t reviews = 0;
    std::map<std::string, uint64_t> by_code;
  };
  const auto& codes = sources.person_views;
  std::map<std::pair<std::string, std::string>, Count> counts;
  for (const Review& review : reviews) {
    Count& count = counts[{review.agency, review.held.kind()}];
    ++count.reviews;
    ++count.by_code[review.held.person_view()];
  }
  Table table{
      "Reviews and the person's own view", {"Agency", "Kind", "Reviews"}, {}};
  table.head.insert(table.head.end(), codes.begin(), codes.end());
  for (const auto& [of, count] : counts) {
    std::vector<std::string> row = {sources.AgencyOf(of.first), of.second,
                                    absl::StrCat(count.reviews)};
    for (const std::string& code : codes) {
      const auto found = count.by_code.find(code);
      row.push_back(
          absl::StrCat(found == count.by_code.end() ? 0 : found->second));
    }
    table.rows.push_back(std::move(row));
  }
  Document document = Begin(sources, "own-views", "People's own views");
  document.sections.push_back(
      {"Share of reviews with one",
       {"Of the reviews that who made this paper may see. What people say in "
        "questionnaires is told to the hub by nobody."},
       {},
       {std::move(table)}});
  return document;
}

Document AssessmentsOf(const Sources& sources, const CaseRecords& records,
                       const std::vector<Assessment>& completed) {
  // A reference is its person's.
  std::set<std::pair<std::string, std::string>> known;
  for (const Assessment& each : completed) {
    known.emplace(each.person, each.ref);
  }
  Table missing{"Cited and not found",
                {"Assessment", "Cited in", "By", "When", "Person"},
                {}};
  uint64_t cited = 0;
  for (const mappa::v1::GetCaseResponse& one : records.cases) {
    for (const mappa::v1::Referral& referral : one.referrals()) {
      for (const std::string& ref : referral.submitted().assessment_refs()) {
        ++cited;
        if (known.contains({referral.subject(), ref})) continue;
        missing.rows.push_back(
            {ref, absl::StrCat("referral ", referral.referral_ref()),
             sources.AgencyOf(referral.from()),
             sources.When(referral.submitted_at()), referral.subject()});
      }
    }
  }
  Document document = Begin(sources, "assessments",
                            "Assessments that are cited and cannot be found");
  document.personal = true;
  document.missing = MissingOf(records);
  document.sections.push_back(
      {"Assessments",
       {absl::StrCat("Referrals cite ", cited, " assessments; ",
                     completed.size(),
                     " are in the hub, as far as who made this paper may see "
                     "them. One that is not here may be in its author's own "
                     "system."),
        "Whether one was superseded without a new plan is not known: plans are "
        "told to the hub by nobody."},
       {},
       {std::move(missing)}});
  return document;
}

}  // namespace concordat::cli

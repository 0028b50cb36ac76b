// Papers over facts, as one of the arrangement's people sees them.
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {

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
                     "system.")},
       {},
       {std::move(missing)}});
  return document;
}

}  // namespace concordat::cli

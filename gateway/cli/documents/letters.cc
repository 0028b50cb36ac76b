#include "gateway/cli/documents/letters.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

// What stands for words in braces in their place.  FAILED_PRECONDITION: nothing does.
absl::StatusOr<std::string> Fill(
    absl::string_view text, const std::map<std::string, std::string>& words) {
  std::string out;
  for (size_t open; (open = text.find('{')) != text.npos;) {
    const size_t close = std::min(text.find('}', open), text.size() - 1);
    const absl::string_view word = text.substr(open + 1, close - open - 1);
    const auto found = words.find(std::string(word));
    if (found == words.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("nothing stands for {", word, "}"));
    }
    absl::StrAppend(&out, text.substr(0, open), found->second);
    text.remove_prefix(close + 1);
  }
  return absl::StrCat(out, text);
}

}  // namespace

absl::StatusOr<Section> LetterOf(const Sources& sources,
                                 policy::v1::LetterKind kind,
                                 absl::string_view controller, bool part3,
                                 std::map<std::string, std::string> words) {
  const policy::v1::Letter* letter = nullptr;
  for (const policy::v1::Letter& each : sources.legal.letters()) {
    if (each.kind() == kind) letter = &each;
  }
  if (letter == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the legal reference has no letter ",
                     policy::v1::LetterKind_Name(kind)));
  }
  const auto* const standing = StandingOf(sources, controller);
  words["controller"] = sources.AgencyOf(controller);
  words["contact"] = standing == nullptr || standing->contact().empty()
                         ? "(not recorded: the controller adds it)"
                         : standing->contact();
  words["officer"] =
      standing == nullptr || standing->data_protection_officer().empty()
          ? "(not recorded: the controller adds it)"
          : standing->data_protection_officer();
  words["law"] = part3 ? letter->part3() : letter->gdpr();
  std::vector<std::string> filled;
  std::vector<std::string> texts = {letter->title()};
  texts.insert(texts.end(), letter->paragraphs().begin(),
               letter->paragraphs().end());
  for (const std::string& text : texts) {
    auto one = Fill(text, words);
    if (!one.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("letter ", policy::v1::LetterKind_Name(kind),
                       " of the legal reference: ", one.status().message()));
    }
    filled.push_back(*std::move(one));
  }
  Section section;
  section.title = filled[0];
  filled[0] = sources.Day();
  section.paragraphs = std::move(filled);
  return section;
}

}  // namespace concordat::cli

#include "services/alerts/domain/sentence.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace concordat::alerts {

std::string Sentence(absl::string_view form, TextOfName text) {
  std::string result;
  size_t part = std::string::npos;  // Where the open [ ] begins.
  bool whole = true;
  for (size_t at = 0; at < form.size(); ++at) {
    const char c = form[at];
    if (c == '[') {
      part = result.size();
      whole = true;
    } else if (c == ']') {
      if (!whole) result.resize(part);
      part = std::string::npos;
    } else if (const size_t end =
                   c == '{' ? form.find('}', at) : absl::string_view::npos;
               end != absl::string_view::npos) {
      std::string name(form.substr(at + 1, end - at - 1));
      const bool begins = !name.empty() && absl::ascii_isupper(name[0]);
      if (begins) name[0] = absl::ascii_tolower(name[0]);
      std::string word = text(name);
      if (begins && !word.empty()) word[0] = absl::ascii_toupper(word[0]);
      if (word.empty()) whole = false;
      absl::StrAppend(&result, word);
      at = end;
    } else {
      result.push_back(c);
    }
  }
  return result;
}

std::string NumberInWords(uint64_t number) {
  constexpr const char* kWords[] = {"no",   "one",    "two",   "three", "four",
                                    "five", "six",    "seven", "eight", "nine",
                                    "ten",  "eleven", "twelve"};
  return number < std::size(kWords) ? kWords[number] : absl::StrCat(number);
}

std::string CodeInWords(absl::string_view code) {
  const bool is_code =
      !code.empty() && absl::ascii_isupper(code[0]) &&
      std::all_of(code.begin(), code.end(), [](unsigned char c) {
        return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
      });
  if (!is_code) return std::string(code);
  return absl::StrReplaceAll(absl::AsciiStrToLower(code), {{"_", " "}});
}

}  // namespace concordat::alerts

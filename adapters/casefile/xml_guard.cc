#include "adapters/casefile/xml_guard.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace concordat::casefile {
namespace {

constexpr std::array<absl::string_view, 5> kEntities = {"amp", "lt", "gt",
                                                        "quot", "apos"};
constexpr size_t kEntityBytesMax = 10;
constexpr absl::string_view kDeclaration = "<?xml";

// Characters that a number may stand for.
bool IsXmlCharacter(uint32_t c) {
  return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c < 0xd800) ||
         (c >= 0xe000 && c < 0xfffe) || (c >= 0x10000 && c <= 0x10ffff);
}

bool IsEntity(absl::string_view name) {
  if (!absl::StartsWith(name, "#")) {
    return std::find(kEntities.begin(), kEntities.end(), name) !=
           kEntities.end();
  }
  name.remove_prefix(1);
  uint32_t c = 0;
  const bool hex = absl::StartsWith(name, "x");
  if (hex) name.remove_prefix(1);
  if (name.empty() || !std::all_of(name.begin(), name.end(), [&](char digit) {
        return hex ? absl::ascii_isxdigit(digit) : absl::ascii_isdigit(digit);
      })) {
    return false;
  }
  return (hex ? absl::SimpleHexAtoi(name, &c) : absl::SimpleAtoi(name, &c)) &&
         IsXmlCharacter(c);
}

bool NamesEncoding(absl::string_view name, edge::v1::TextEncoding encoding) {
  switch (encoding) {
    case edge::v1::TEXT_ENCODING_WINDOWS_1252:
      return absl::EqualsIgnoreCase(name, "windows-1252");
    case edge::v1::TEXT_ENCODING_UTF_16:
      return absl::StartsWithIgnoreCase(name, "utf-16");
    case edge::v1::TEXT_ENCODING_ISO_8859_1:
      return absl::EqualsIgnoreCase(name, "iso-8859-1");
    default:
      return absl::EqualsIgnoreCase(name, "utf-8");
  }
}

class Guard {
 public:
  Guard(absl::string_view text, edge::v1::TextEncoding encoding)
      : text_(text), encoding_(encoding) {}

  absl::Status Run() {
    absl::Status status;
    while (status.ok() && place_ < text_.size()) {
      const char c = text_[place_];
      if (c == '<') {
        status = Markup();
      } else if (c == '&') {
        status = Entity();
      } else {
        ++place_;
      }
    }
    return status;
  }

 private:
  absl::string_view rest() const { return text_.substr(place_); }
  absl::Status Bad(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", LineAt(text_, place_), ": ", what));
  }

  absl::Status SkipTo(absl::string_view end, absl::string_view what) {
    const size_t found = text_.find(end, place_);
    if (found == absl::string_view::npos) {
      return Bad(absl::StrCat(what, " is never closed"));
    }
    place_ = found + end.size();
    return absl::OkStatus();
  }

  absl::Status Markup() {
    if (absl::StartsWith(rest(), "<!--")) return SkipTo("-->", "a comment");
    if (absl::StartsWith(rest(), "<![CDATA[")) {
      return SkipTo("]]>", "a CDATA section");
    }
    if (absl::StartsWith(rest(), "<!")) return Bad("a DTD is not taken");
    if (absl::StartsWith(rest(), "<?")) return Instruction();
    if (++tags_ > kXmlTagsMax) {
      return Bad(absl::StrCat("over ", kXmlTagsMax, " tags"));
    }
    return Tag();
  }

  absl::Status Instruction() {
    const absl::string_view name =
        rest().substr(0, rest().find_first_of(" \t\r\n?", 2));
    if (place_ != 0 || name != kDeclaration) {
      return Bad("a processing instruction is not taken");
    }
    const size_t end = std::min(text_.find("?>"), text_.size());
    const absl::string_view words = text_.substr(0, end);
    const size_t at = words.find("encoding");
    if (at != absl::string_view::npos) {
      const size_t open = words.find_first_of("\"'", at);
      const size_t close = open == absl::string_view::npos
                               ? open
                               : words.find(words[open], open + 1);
      if (close == absl::string_view::npos ||
          !NamesEncoding(words.substr(open + 1, close - open - 1), encoding_)) {
        return Bad("its declaration names another encoding");
      }
    }
    return SkipTo("?>", "the declaration");
  }

  absl::Status Tag() {
    const bool closing = absl::StartsWith(rest(), "</");
    char quote = '\0';
    size_t at = place_ + 1;
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '&') {
        const size_t begin = std::exchange(place_, at);
        if (absl::Status status = Entity(); !status.ok()) return status;
        at = std::exchange(place_, begin) - 1;
      } else if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        break;
      }
    }
    if (at >= text_.size()) return Bad("a tag is never closed");
    if (closing) {
      depth_ -= depth_ > 0 ? 1 : 0;
    } else if (text_[at - 1] != '/' && ++depth_ > kXmlDepthMax) {
      return Bad(absl::StrCat("over ", kXmlDepthMax, " elements deep"));
    }
    place_ = at + 1;
    return absl::OkStatus();
  }

  // `place_` is at its ampersand.
  absl::Status Entity() {
    const size_t end = text_.substr(place_, kEntityBytesMax).find(';');
    if (end == absl::string_view::npos ||
        !IsEntity(text_.substr(place_ + 1, end - 1))) {
      return Bad("an entity that XML itself does not have");
    }
    place_ += end + 1;
    return absl::OkStatus();
  }

  const absl::string_view text_;
  const edge::v1::TextEncoding encoding_;
  size_t place_ = 0;
  size_t depth_ = 0;
  size_t tags_ = 0;
};

}  // namespace

uint32_t LineAt(absl::string_view text, size_t place) {
  const absl::string_view before = text.substr(0, place);
  return 1 +
         static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n'));
}

absl::Status GuardXml(absl::string_view text, edge::v1::TextEncoding encoding) {
  return Guard(text, encoding).Run();
}

}  // namespace concordat::casefile

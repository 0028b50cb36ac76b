#include "gateway/signin/cookies.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/crypto/constant_time.h"

namespace concordat::gateway {

absl::string_view FindCookie(absl::string_view header, absl::string_view name) {
  absl::string_view found;
  for (absl::string_view pair : absl::StrSplit(header, ';')) {
    pair = absl::StripAsciiWhitespace(pair);
    if (!absl::ConsumePrefix(&pair, name) || !absl::ConsumePrefix(&pair, "=")) {
      continue;
    }
    if (!found.empty()) return "";
    found = pair;
  }
  return found;
}

std::string SetCookie(absl::string_view name, absl::string_view value,
                      SameSite same_site) {
  return absl::StrCat(name, "=", value, "; Path=/; Secure; HttpOnly; SameSite=",
                      same_site == SameSite::kStrict ? "Strict" : "Lax");
}

std::string DropCookie(absl::string_view name) {
  return absl::StrCat(SetCookie(name, "", SameSite::kStrict), "; Max-Age=0");
}

bool IsCsrfToken(absl::string_view presented, absl::string_view csrf) {
  return !csrf.empty() && EqualInConstantTime(presented, csrf);
}

}  // namespace concordat::gateway

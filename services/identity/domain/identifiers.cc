#include "services/identity/domain/identifiers.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"

namespace concordat::identity {
namespace {

constexpr int kFirstPncYear = 1900;
constexpr absl::string_view kUrnPrefix = "urn:concordat:";

bool IsDigits(absl::string_view text, size_t least, size_t most) {
  if (text.size() < least || text.size() > most) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// At most nine digits.
uint64_t Number(absl::string_view digits) {
  uint64_t number = 0;
  for (const char c : digits) {
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

std::string Tidied(absl::string_view text) {
  return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text));
}

absl::Status Bad(absl::string_view scheme, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(scheme, ": ", rule));
}

// One way of reading a PNC ID: its canonical form, if year and check letter
// agree with it.
std::optional<std::string> ReadPnc(absl::string_view year,
                                   absl::string_view serial, char letter,
                                   int current_year) {
  if (!IsDigits(serial, 1, 7)) return std::nullopt;
  int full_year = static_cast<int>(Number(year));
  if (year.size() == 2) {
    full_year += current_year / 100 * 100;
    if (full_year > current_year) full_year -= 100;
  }
  if (full_year < kFirstPncYear || full_year > current_year) {
    return std::nullopt;
  }
  const std::string padded = absl::StrFormat("%07d", Number(serial));
  if (PncCheckLetter(absl::StrFormat("%02d%s", full_year % 100, padded)) !=
      letter) {
    return std::nullopt;
  }
  return absl::StrFormat("%04d/%s%c", full_year, padded, letter);
}

bool IsWord(absl::string_view text, size_t most) {
  if (text.empty() || text.size() > most) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') {
      return false;
    }
  }
  return true;
}

std::optional<System> ParseUrn(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kUrnPrefix)) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() != 2 || !IsWord(parts[0], 64) || !IsWord(parts[1], 64)) {
    return std::nullopt;
  }
  return System{parts[0], parts[1]};
}

absl::StatusOr<System> FindAuthority(absl::string_view scheme,
                                     absl::string_view text,
                                     const System& caller,
                                     const std::vector<System>& systems) {
  if (text.empty()) return caller;
  if (std::optional<System> parsed = ParseUrn(text)) return *parsed;
  std::optional<System> found;
  bool several = false;
  for (const System& system : systems) {
    if (system.system != text) continue;
    if (system.agency == caller.agency) return system;
    several = several || (found.has_value() && !(*found == system));
    found = system;
  }
  if (!found.has_value() || several) {
    return Bad(scheme,
               "the authority is a system, urn:concordat:<agency>:<system>, or "
               "its name where one agency alone has it");
  }
  return *found;
}

absl::StatusOr<CanonicalIdentifier> CanonicaliseChi(absl::string_view value) {
  const absl::string_view text = absl::StripAsciiWhitespace(value);
  const ChiCheck check = CheckChi(text);
  if (!check.padded_offer.empty()) {
    return Bad("chi",
               "nine digits; with a zero in front it would be valid: ask "
               "whether one was lost");
  }
  if (check.verdict != ChiVerdict::kValid) {
    return Bad("chi", ToWords(check.verdict));
  }
  CanonicalIdentifier identifier;
  identifier.scheme = Scheme::kChi;
  identifier.value = std::string(text);
  identifier.links_by_itself = check.modulus11;
  identifier.check = !check.modulus11  ? "modulus-10"
                     : check.modulus10 ? "modulus-11-and-10"
                                       : "modulus-11";
  return identifier;
}

}  // namespace

absl::StatusOr<std::string> CanonicalPnc(absl::string_view text,
                                         int current_year) {
  const std::string upper = Tidied(text);
  if (upper.size() < 4 ||
      !absl::ascii_isupper(static_cast<unsigned char>(upper.back()))) {
    return Bad("pnc", "year, serial and a check letter");
  }
  const char letter = upper.back();
  const absl::string_view digits =
      absl::string_view(upper).substr(0, upper.size() - 1);

  std::vector<std::optional<std::string>> readings;
  if (const size_t slash = digits.find('/'); slash != digits.npos) {
    const absl::string_view year = digits.substr(0, slash);
    if (!IsDigits(year, 2, 4) || year.size() == 3) {
      return Bad("pnc", "the year has two digits or four");
    }
    readings.push_back(
        ReadPnc(year, digits.substr(slash + 1), letter, current_year));
  } else {
    if (!IsDigits(digits, 3, 11)) {
      return Bad("pnc", "year, serial of up to seven digits, check letter");
    }
    readings.push_back(
        ReadPnc(digits.substr(0, 2), digits.substr(2), letter, current_year));
    // Below ten characters it is the short form, with a two-digit year.
    if (upper.size() >= 10) {
      readings.push_back(
          ReadPnc(digits.substr(0, 4), digits.substr(4), letter, current_year));
    }
  }
  std::optional<std::string> found;
  for (const std::optional<std::string>& reading : readings) {
    if (!reading.has_value()) continue;
    if (found.has_value()) {
      return Bad("pnc", "two readings pass; write it with a slash");
    }
    found = reading;
  }
  if (!found.has_value()) {
    return Bad("pnc", "year, serial and check letter do not agree");
  }
  return *std::move(found);
}

absl::StatusOr<std::string> CanonicalCro(absl::string_view text) {
  const std::string upper = Tidied(text);
  const std::vector<absl::string_view> parts = absl::StrSplit(upper, '/');
  if (parts.size() != 2 || parts[1].empty()) {
    return Bad("cro", "two parts with a slash between");
  }
  absl::string_view head = parts[0];
  const absl::string_view tail = parts[1].substr(0, parts[1].size() - 1);
  const char letter = parts[1].back();
  if (absl::ConsumePrefix(&head, "SF")) {
    if (!IsDigits(head, 2, 2) || !IsDigits(tail, 1, 6)) {
      return Bad("cro", "SF, two-digit year, serial of up to six digits");
    }
    if (PncCheckLetter(absl::StrCat(head, tail)) != letter) {
      return Bad("cro", "the check letter does not agree");
    }
    return upper;
  }
  if (!IsDigits(head, 1, 6) || !IsDigits(tail, 2, 2)) {
    return Bad("cro", "serial of up to six digits, two-digit year");
  }
  const std::string serial = absl::StrFormat("%06d", Number(head));
  if (PncCheckLetter(absl::StrCat(tail, serial)) != letter) {
    return Bad("cro", "the check letter does not agree");
  }
  return absl::StrCat(serial, "/", tail, std::string(1, letter));
}

absl::StatusOr<std::string> CanonicalCaseId(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (!IsWord(text, 20)) {
    return Bad("case number", "1 to 20 letters, digits and hyphens");
  }
  return std::string(text);
}

absl::StatusOr<uint64_t> ParseUprn(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  uint64_t uprn = 0;
  if (!IsDigits(text, 1, 12) || !absl::SimpleAtoi(text, &uprn) || uprn == 0) {
    return Bad("uprn", "1 to 12 digits, not zero");
  }
  return uprn;
}

std::string FormatUprn(uint64_t uprn) { return absl::StrFormat("%012d", uprn); }

absl::StatusOr<std::string> CanonicalPostcode(absl::string_view text) {
  std::string code;
  for (const char c : text) {
    if (c != ' ') {
      code += absl::ascii_toupper(static_cast<unsigned char>(c));
    }
  }
  // One or two letters, a digit, perhaps a letter or digit, then digit and two
  // letters: "A9", "A99", "A9A", "AA9", "AA99", "AA9A" before the last three.
  const auto is = [&](size_t i, char kind) {
    const auto c = static_cast<unsigned char>(code[i]);
    return kind == 'A' ? absl::ascii_isupper(c) : absl::ascii_isdigit(c);
  };
  const size_t outward = code.size() < 5 ? 0 : code.size() - 3;
  const size_t letters = outward >= 2 && is(1, 'A') ? 2 : 1;
  const bool well_formed = outward >= letters + 1 && outward <= letters + 2 &&
                           is(0, 'A') && is(letters, '9') &&
                           (outward == letters + 1 || is(letters + 1, 'A') ||
                            is(letters + 1, '9')) &&
                           is(outward, '9') && is(outward + 1, 'A') &&
                           is(outward + 2, 'A');
  if (!well_formed) return Bad("postcode", "not of the form of one");
  return absl::StrCat(code.substr(0, outward), " ", code.substr(outward));
}

bool IsIsoDate(absl::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' ||
      !IsDigits(text.substr(0, 4), 4, 4) ||
      !IsDigits(text.substr(5, 2), 2, 2) || !IsDigits(text.substr(8), 2, 2)) {
    return false;
  }
  const auto year = static_cast<int>(Number(text.substr(0, 4)));
  const auto month = static_cast<int>(Number(text.substr(5, 2)));
  const auto day = static_cast<int>(Number(text.substr(8)));
  const absl::CivilDay date(year, month, day);
  return date.month() == month && date.day() == day;
}

absl::string_view SchemeName(Scheme scheme) {
  switch (scheme) {
    case Scheme::kChi:
      return "chi";
    case Scheme::kPnc:
      return "pnc";
    case Scheme::kCro:
      return "cro";
    case Scheme::kCouncil:
      return "council";
    case Scheme::kLocal:
      return "local";
  }
  return "";
}

std::string System::ToUrn() const {
  return absl::StrCat(kUrnPrefix, agency, ":", system);
}

std::string CanonicalIdentifier::MatchKey() const {
  const bool numbered_by_a_system =
      scheme == Scheme::kCouncil || scheme == Scheme::kLocal;
  // No part can hold the separator.
  return absl::StrCat(numbered_by_a_system ? "case" : SchemeName(scheme), "\n",
                      authority, "\n", value);
}

absl::StatusOr<CanonicalIdentifier> Canonicalise(
    absl::string_view scheme, absl::string_view value,
    absl::string_view authority, const System& caller,
    const std::vector<System>& systems, int current_year) {
  if (scheme == "chi") return CanonicaliseChi(value);
  CanonicalIdentifier identifier;
  absl::StatusOr<std::string> canonical;
  if (scheme == "pnc" || scheme == "cro") {
    const bool is_pnc = scheme == "pnc";
    identifier.scheme = is_pnc ? Scheme::kPnc : Scheme::kCro;
    identifier.check = "check-letter";
    canonical =
        is_pnc ? CanonicalPnc(value, current_year) : CanonicalCro(value);
  } else if (scheme == "council" || scheme == "local") {
    identifier.scheme = scheme == "council" ? Scheme::kCouncil : Scheme::kLocal;
    identifier.check = "pattern";
    absl::StatusOr<System> system =
        FindAuthority(scheme, authority, caller, systems);
    if (!system.ok()) return std::move(system).status();
    identifier.authority = system->ToUrn();
    canonical = CanonicalCaseId(value);
  } else {
    return absl::InvalidArgumentError(
        "the scheme of an identifier is chi, pnc, cro, council or local");
  }
  if (!canonical.ok()) return std::move(canonical).status();
  identifier.value = *std::move(canonical);
  return identifier;
}

}  // namespace concordat::identity

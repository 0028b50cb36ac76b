// Identifiers of people and places: which are valid, and their one canonical
// form. An identifier that passes is well formed, never proof of who somebody
// is.
//
// Errors   INVALID_ARGUMENT names the scheme and the rule, never the value.
// PURE: the current year is passed in.
#ifndef CONCORDAT_SERVICES_IDENTITY_DOMAIN_IDENTIFIERS_H_
#define CONCORDAT_SERVICES_IDENTITY_DOMAIN_IDENTIFIERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/check_digits.h"

namespace concordat::identity {

// The verdicts of the national CHI checker.
enum class ChiVerdict {
  kValid,
  kInvalidCharacters,
  kTooMany,
  kTooFew,
  kInvalidDate,
  kInvalidChecksum,
  kMissing,  // No value at all.
  kBlank,    // Nothing, or only blanks.
};
absl::string_view ToWords(ChiVerdict verdict);

struct ChiCheck {
  ChiVerdict verdict = ChiVerdict::kMissing;
  // Which check digits it passes; a valid CHI passes one or both.
  bool modulus11 = false;
  bool modulus10 = false;
  // With nine digits that a leading zero would make valid: that number. A
  // question to a person, never an answer.
  std::string padded_offer;
};
// Judges `text` as it stands; nothing is trimmed.
ChiCheck CheckChi(std::optional<absl::string_view> text);

// "YYYY/NNNNNNNX" of a PNC ID in any of its written forms. A two-digit year is
// the latest that is not after `current_year`. A number without a slash that
// can be read in two valid ways is refused.
absl::StatusOr<std::string> CanonicalPnc(absl::string_view text,
                                         int current_year);

// "NNNNNN/YYX", or "SFYY/NX" for file numbers, whose serial is not padded.
absl::StatusOr<std::string> CanonicalCro(absl::string_view text);

// A council's or a local system's number: opaque, 1 to 20 letters, digits and
// hyphens, unique only within its system. Case is kept.
absl::StatusOr<std::string> CanonicalCaseId(absl::string_view text);

// 1 to 999,999,999,999.
absl::StatusOr<uint64_t> ParseUprn(absl::string_view text);
// Twelve digits.
std::string FormatUprn(uint64_t uprn);

// Upper case with one space before the last three. Form only, not existence.
absl::StatusOr<std::string> CanonicalPostcode(absl::string_view text);

// True for a date of the calendar written "YYYY-MM-DD".
bool IsIsoDate(absl::string_view text);

enum class Scheme { kChi, kPnc, kCro, kCouncil, kLocal };
// "chi", "pnc", "cro", "council", "local".
absl::string_view SchemeName(Scheme scheme);

// A system that numbers people, as an authority: urn:concordat:<agency>:<system>
struct System {
  std::string agency;
  std::string system;
  std::string ToUrn() const;
  friend bool operator==(const System&, const System&) = default;
};

struct CanonicalIdentifier {
  Scheme scheme = Scheme::kLocal;
  // The system of a council or local number; empty for a national scheme.
  std::string authority;
  std::string value;
  // False: a CHI that passes Modulus 10 only. It is kept, and neither links
  // nor resolves until a person confirms it.
  bool links_by_itself = true;
  // What it passed: "modulus-11", "modulus-10", "modulus-11-and-10",
  // "check-letter" or "pattern".
  absl::string_view check;

  // Equal for two identifiers that are the same number. Council and local
  // numbers of one system are one numbering.
  std::string MatchKey() const;
};

// `authority` of a council or local number: an urn, or the name of a system of
// the caller's agency or of one agency alone among `systems`; empty means
// `caller`. National schemes have one authority, whatever is given.
absl::StatusOr<CanonicalIdentifier> Canonicalise(
    absl::string_view scheme, absl::string_view value,
    absl::string_view authority, const System& caller,
    const std::vector<System>& systems, int current_year);

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_DOMAIN_IDENTIFIERS_H_

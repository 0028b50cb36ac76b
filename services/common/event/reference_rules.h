// What a reference may not be: a number or code that names a person, or an
// address. Ids, streams and references are spine, which is kept for ever and
// never sealed, so that what stands there can never be erased.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_REFERENCE_RULES_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_REFERENCE_RULES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/common/event/event.h"

namespace concordat {

// The rule that `text` breaks, empty: none. One pass. Refused is
//   - a word of ten digits that is a CHI number by its date and check digit,
//     letters before or after it allowed ("CHI0303790016");
//   - a PNC ID written with a slash, by its check letter;
//   - a postcode: in capitals as one word, or with a blank in it.
// A word of digits and nothing but hexadecimal letters is none of these: ids
// that are UUIDs or hashes pass.
absl::string_view BrokenReferenceRule(absl::string_view text);

// Of the header's id, stream and references. Names the field.
//   INVALID_ARGUMENT  one breaks the rule.
absl::Status CheckReferences(const HeaderView& header);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_REFERENCE_RULES_H_

// Sentences from forms in a rule's file. PURE.
//
//   "{agency} sent a breach report[ to {field:authority}][: {field:reasons}]."
//
// A name in { } is replaced; one that begins with a capital makes a sentence
// begin. What stands in [ ] is left out when a name in it has no text.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_SENTENCE_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_SENTENCE_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace concordat::alerts {

// The text of a name, in lower case; empty: there is none.
using TextOfName = absl::FunctionRef<std::string(absl::string_view)>;

std::string Sentence(absl::string_view form, TextOfName text);

// "three"; above twelve: "13".
std::string NumberInWords(uint64_t number);
// "FAILED_TO_REPORT" reads "failed to report". What is no code stays as it is.
std::string CodeInWords(absl::string_view code);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_SENTENCE_H_

// Letters, whose words are data of the legal reference (concordat.policy.v1.Letter).
#ifndef CONCORDAT_GATEWAY_CLI_DOCUMENTS_LETTERS_H_
#define CONCORDAT_GATEWAY_CLI_DOCUMENTS_LETTERS_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/policy/v1/legal.pb.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sources.h"

namespace concordat::cli {

// The letter of that kind from a controller, dated; `words` has what stands for
// words in braces beside those of the controller itself. `part3`: it is a competent
// authority.
//   FAILED_PRECONDITION  there is no such letter, or nothing stands for a word that
//                        it has; names it.
absl::StatusOr<Section> LetterOf(const Sources& sources,
                                 policy::v1::LetterKind kind,
                                 absl::string_view controller, bool part3,
                                 std::map<std::string, std::string> words = {});

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DOCUMENTS_LETTERS_H_

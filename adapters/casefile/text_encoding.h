// A file's bytes as UTF-8. PURE.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_TEXT_ENCODING_H_
#define CONCORDAT_ADAPTERS_CASEFILE_TEXT_ENCODING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/edge/v1/casefile.pb.h"

namespace concordat::casefile {

// The whole text, without a byte order mark. Every byte is judged: a wrong
// encoding that goes unnoticed spoils codes and numbers in silence.
//   INVALID_ARGUMENT  something in it is not of the encoding, a mark of another
//                     one stands in front, or there is a zero character; names
//                     the line.
absl::StatusOr<std::string> ToUtf8(absl::string_view bytes,
                                   edge::v1::TextEncoding encoding);

// "Windows-1252"
absl::string_view EncodingName(edge::v1::TextEncoding encoding);

// Characters of well-formed UTF-8.
size_t CountCharacters(absl::string_view utf8);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_TEXT_ENCODING_H_

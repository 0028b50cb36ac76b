// What an XML document could do to its reader, looked for before it is read.
// PURE.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_XML_GUARD_H_
#define CONCORDAT_ADAPTERS_CASEFILE_XML_GUARD_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "concordat/edge/v1/casefile.pb.h"

namespace concordat::casefile {

inline constexpr size_t kXmlDepthMax = 64;
inline constexpr size_t kXmlTagsMax = 4'000'000;

// No DTD, no entity but the five of XML and characters by number, no processing
// instruction but the declaration, which names no other encoding.
//   INVALID_ARGUMENT  names the line and what is wrong.
absl::Status GuardXml(absl::string_view text, edge::v1::TextEncoding encoding);

// Line of a place in the text, from 1.
uint32_t LineAt(absl::string_view text, size_t place);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_XML_GUARD_H_

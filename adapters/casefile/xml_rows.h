// Elements of an XML document as rows. PURE.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_XML_ROWS_H_
#define CONCORDAT_ADAPTERS_CASEFILE_XML_ROWS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "adapters/casefile/table.h"
#include "concordat/edge/v1/casefile.pb.h"

namespace concordat::casefile {

// Reads the columns `wanted` of each element at the format's path. A path that
// leads nowhere is an empty field, one that leads to several elements a fault of
// the row. `text` is UTF-8, decoded as `encoding`.
//   INVALID_ARGUMENT  the whole file: what GuardXml() refuses, not well formed,
//                     too many rows, a trailer without a count.
absl::StatusOr<Table> ReadXml(absl::string_view text,
                              const edge::v1::Xml& format,
                              const edge::v1::Trailer* trailer,
                              edge::v1::TextEncoding encoding,
                              const std::vector<std::string>& wanted,
                              const TableLimits& limits);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_XML_ROWS_H_

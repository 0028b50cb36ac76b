// Fixed columns as rows. PURE.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_FIXED_WIDTH_H_
#define CONCORDAT_ADAPTERS_CASEFILE_FIXED_WIDTH_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "adapters/casefile/table.h"
#include "concordat/edge/v1/casefile.pb.h"

namespace concordat::casefile {

// Reads the columns `wanted`; places are in characters of `text`, which is
// UTF-8. Blanks around a field are dropped, empty lines are nothing.
//   INVALID_ARGUMENT  the whole file: a wanted column is not in the format, too
//                     many rows, something behind the trailer.
absl::StatusOr<Table> ReadFixedWidth(absl::string_view text,
                                     const edge::v1::FixedWidth& format,
                                     const edge::v1::Trailer* trailer,
                                     const std::vector<std::string>& wanted,
                                     const TableLimits& limits);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_FIXED_WIDTH_H_

// Separated columns (CSV and its kin) as rows. PURE.
//
// Lines end with LF, CR LF or CR. A field may stand in quotes; then separators
// and line ends in it are text, and a doubled quote is one. A quote elsewhere is
// a fault of its row; one that is never closed of the whole file, since nobody
// knows where rows end.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_DELIMITED_H_
#define CONCORDAT_ADAPTERS_CASEFILE_DELIMITED_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "adapters/casefile/table.h"
#include "concordat/edge/v1/casefile.pb.h"

namespace concordat::casefile {

// Reads the columns `wanted`, found by the names in the first line, or by the
// format's own list. No other column is kept. Names are compared without outer
// blanks and letter case. Empty lines are nothing. `text` is UTF-8.
//   INVALID_ARGUMENT  the whole file: no line of names, a wanted column is
//                     missing or there twice, too many rows or columns, a quote
//                     that is never closed, something behind the trailer.
absl::StatusOr<Table> ReadDelimited(absl::string_view text,
                                    const edge::v1::Delimited& format,
                                    const edge::v1::Trailer* trailer,
                                    const std::vector<std::string>& wanted,
                                    const TableLimits& limits);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_DELIMITED_H_

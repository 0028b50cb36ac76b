// A s.62 extract as a file that shows what it says: each row of an access log with
// its record and that this is in the tree over that log, each row of the log of
// events with the event's leaf in the log's tree.
//
//   file = "concordat-extract/1 " length " " SHA-256 of the body, hexadecimal LF
//          body
//   body = a concordat.access.v1.AccessExtract
//
// The hash finds damage. What somebody changed with care is found by the trees: the
// bus's are signed by the log's key.
#ifndef CONCORDAT_GATEWAY_CLI_DOCUMENTS_ACCESS_EXTRACT_H_
#define CONCORDAT_GATEWAY_CLI_DOCUMENTS_ACCESS_EXTRACT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/access/v1/extract.pb.h"
#include "services/common/bundle/bundle.h"

namespace concordat::cli {

// The one program whose access log is signed.
inline constexpr char kSigningProgram[] = "concordat-bus";

bool IsExtract(absl::string_view file);
std::string EncodeExtract(const access::v1::AccessExtract& extract);

struct CheckedExtract {
  access::v1::AccessExtract extract;
  uint64_t rows = 0;    // Of access logs, each shown.
  uint64_t events = 0;  // Of the log of events, shown.
  // What it does not show, a sentence each.
  std::vector<std::string> limits;
};

// Everything that can be checked without the hub.
//   INVALID_ARGUMENT   not an extract.
//   PERMISSION_DENIED  the key that is given did not sign it.
//   DATA_LOSS          something in it is not true; names page and row.
absl::StatusOr<CheckedExtract> CheckExtract(absl::string_view file,
                                            const BundleKeys& keys);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DOCUMENTS_ACCESS_EXTRACT_H_

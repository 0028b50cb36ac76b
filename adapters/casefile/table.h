// A file as rows of text, whatever its format: what the decoders give. PURE.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_TABLE_H_
#define CONCORDAT_ADAPTERS_CASEFILE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace concordat::casefile {

inline constexpr size_t kColumnsMax = 256;
inline constexpr size_t kFieldBytesMax = 32 * 1024;
inline constexpr size_t kReasonBytesMax = 200;

struct TableRow {
  uint32_t line = 0;  // Where it begins, from 1.
  // One for each wanted column, in that order.
  std::vector<std::string> fields;
  // Why it cannot be read; then there are no fields.
  std::string fault;
};

struct Table {
  std::vector<TableRow> rows;
  // What the trailer says; nothing: there is none.
  std::optional<uint64_t> trailer_count;
};

struct TableLimits {
  size_t rows_max = 500'000;
};

// As a reason may show it: on one line, shortened, control characters out.
std::string Shown(absl::string_view text);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_TABLE_H_

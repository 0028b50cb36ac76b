#include "adapters/casefile/fixed_width.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "adapters/casefile/text_encoding.h"

namespace concordat::casefile {
namespace {

// A line without its end, which is taken off `text` too.
absl::string_view TakeLine(absl::string_view& text) {
  const size_t end = std::min(text.find_first_of("\r\n"), text.size());
  const absl::string_view line = text.substr(0, end);
  text.remove_prefix(end);
  if (absl::StartsWith(text, "\r\n")) {
    text.remove_prefix(2);
  } else if (!text.empty()) {
    text.remove_prefix(1);
  }
  return line;
}

// From character `from` (0 the first) on; empty when there is none.
absl::string_view SkipCharacters(absl::string_view text, size_t from) {
  while (from > 0 && !text.empty()) {
    text.remove_prefix(1);
    while (!text.empty() && (text.front() & 0xc0) == 0x80) {
      text.remove_prefix(1);
    }
    --from;
  }
  return text;
}

absl::string_view Characters(absl::string_view text, size_t from,
                             size_t count) {
  const absl::string_view begin = SkipCharacters(text, from);
  return begin.substr(0, begin.size() - SkipCharacters(begin, count).size());
}

absl::StatusOr<std::vector<const edge::v1::FixedColumn*>> FindColumns(
    const edge::v1::FixedWidth& format,
    const std::vector<std::string>& wanted) {
  std::vector<const edge::v1::FixedColumn*> found;
  for (const std::string& name : wanted) {
    const auto column =
        std::find_if(format.columns().begin(), format.columns().end(),
                     [&](const auto& each) { return each.name() == name; });
    if (column == format.columns().end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the format has no column ", name));
    }
    found.push_back(&*column);
  }
  return found;
}

// What a line must have; exactly so when the format says how long lines are.
std::string LengthFault(size_t characters, const edge::v1::FixedWidth& format) {
  size_t needed = format.line_characters();
  const bool exact = needed > 0;
  for (const auto& column : format.columns()) {
    needed = std::max<size_t>(needed, column.from() - 1 + column.width());
  }
  if (characters == needed || (!exact && characters > needed)) return "";
  return absl::StrCat(characters, " characters instead of ", needed);
}

}  // namespace

absl::StatusOr<Table> ReadFixedWidth(absl::string_view text,
                                     const edge::v1::FixedWidth& format,
                                     const edge::v1::Trailer* trailer,
                                     const std::vector<std::string>& wanted,
                                     const TableLimits& limits) {
  const auto columns = FindColumns(format, wanted);
  if (!columns.ok()) return columns.status();
  Table table;
  for (uint32_t number = 1; !text.empty(); ++number) {
    const absl::string_view line = TakeLine(text);
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    if (table.trailer_count.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": it stands behind the trailer"));
    }
    if (trailer != nullptr && absl::StartsWith(line, trailer->mark())) {
      uint64_t count = 0;
      if (!absl::SimpleAtoi(SkipCharacters(line, trailer->count_at() - 1),
                            &count)) {
        return absl::InvalidArgumentError(
            absl::StrCat("line ", number, ": the trailer has no count"));
      }
      table.trailer_count = count;
      continue;
    }
    if (table.rows.size() == limits.rows_max) {
      return absl::InvalidArgumentError(
          absl::StrCat("over ", limits.rows_max, " rows"));
    }
    TableRow& row = table.rows.emplace_back();
    row.line = number;
    row.fault = LengthFault(CountCharacters(line), format);
    if (!row.fault.empty()) continue;
    for (const edge::v1::FixedColumn* column : *columns) {
      row.fields.emplace_back(absl::StripAsciiWhitespace(
          Characters(line, column->from() - 1, column->width())));
    }
  }
  return table;
}

}  // namespace concordat::casefile

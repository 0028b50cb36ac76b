// A file's bytes through decoder and format. The first byte chooses which; what
// is read again from what was written is the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "adapters/casefile/delimited.h"
#include "adapters/casefile/fixed_width.h"
#include "adapters/casefile/text_encoding.h"
#include "adapters/casefile/value_forms.h"
#include "adapters/casefile/xml_rows.h"

namespace concordat::casefile {
namespace {

using edge::v1::TextEncoding;

const std::vector<std::string> kColumns = {"A", "B"};

void Require(bool condition) {
  if (!condition) std::abort();
}

void Check(const absl::StatusOr<Table>& table, size_t columns) {
  if (!table.ok()) {
    Require(!table.status().message().empty());
    return;
  }
  uint32_t line = 0;
  for (const TableRow& row : table->rows) {
    Require(row.line >= line && row.line > 0);
    line = row.line;
    Require(row.fault.empty() ? row.fields.size() == columns
                              : row.fields.empty());
    for (const std::string& field : row.fields) {
      Require(field.size() <= kFieldBytesMax);
      Require(ToUtf8(field, edge::v1::TEXT_ENCODING_UTF_8).ok());
    }
  }
}

void Delimited(absl::string_view text) {
  edge::v1::Delimited format;
  format.set_separator(";");
  format.set_quote("\"");
  edge::v1::Trailer trailer;
  trailer.set_mark("T");
  trailer.set_count_at(2);
  Check(ReadDelimited(text, format, &trailer, kColumns, {100}), 2);
  format.add_columns("A");
  format.add_columns("B");
  const auto table = ReadDelimited(text, format, nullptr, kColumns, {100});
  Check(table, 2);
  if (!table.ok()) return;
  std::string written;
  size_t rows = 0;
  for (const TableRow& row : table->rows) {
    if (!row.fault.empty()) continue;
    ++rows;
    written +=
        "\"" +
        absl::StrJoin(row.fields, "\";\"",
                      [](std::string* out, const std::string& field) {
                        *out += absl::StrReplaceAll(field, {{"\"", "\"\""}});
                      }) +
        "\"\n";
  }
  const auto again = ReadDelimited(written, format, nullptr, kColumns, {100});
  Require(again.ok() && again->rows.size() == rows);
  size_t at = 0;
  for (const TableRow& row : table->rows) {
    if (row.fault.empty()) Require(again->rows[at++].fields == row.fields);
  }
}

void Fixed(absl::string_view text) {
  edge::v1::FixedWidth format;
  for (uint32_t i = 0; i < 2; ++i) {
    edge::v1::FixedColumn& column = *format.add_columns();
    column.set_name(kColumns[i]);
    column.set_from(1 + 3 * i);
    column.set_width(3);
  }
  edge::v1::Trailer trailer;
  trailer.set_mark("T");
  trailer.set_count_at(2);
  Check(ReadFixedWidth(text, format, &trailer, kColumns, {100}), 2);
}

void Xml(absl::string_view text) {
  edge::v1::Xml format;
  format.set_row("r/e");
  edge::v1::Trailer trailer;
  trailer.set_mark("r/@n");
  Check(ReadXml(text, format, &trailer, edge::v1::TEXT_ENCODING_UTF_8,
                {"@a", "b/c", "b"}, {100}),
        3);
}

void Values(absl::string_view text) {
  const absl::CivilDay today(2025, 11, 26);
  for (const char* const words : {"dd/mm/yyyy", "d-mon-yy HH:MM:SS", "HHMM"}) {
    const auto form = Form::Parse(words);
    Require(form.ok());
    const auto read = form->Read(text, today);
    if (read.ok()) Require(read->day.year() >= 1800 && read->hour < 24);
  }
  (void)Form::Parse(text);
  edge::v1::NumberForm number;
  number.set_group(",");
  (void)ReadNumber(text, number);
  (void)Shown(text);
}

}  // namespace
}  // namespace concordat::casefile

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using concordat::edge::v1::TextEncoding;
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1,
                                size - 1);
  const auto encoding = static_cast<TextEncoding>(1 + data[0] % 4);
  const auto text = concordat::casefile::ToUtf8(bytes, encoding);
  if (!text.ok()) return 0;
  if (!concordat::casefile::ToUtf8(*text,
                                   concordat::edge::v1::TEXT_ENCODING_UTF_8)
           .ok()) {
    std::abort();
  }
  switch (data[0] / 4 % 4) {
    case 0:
      concordat::casefile::Delimited(*text);
      break;
    case 1:
      concordat::casefile::Fixed(*text);
      break;
    case 2:
      concordat::casefile::Xml(*text);
      break;
    default:
      concordat::casefile::Values(*text);
      break;
  }
  return 0;
}

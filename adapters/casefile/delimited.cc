#include "adapters/casefile/delimited.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace concordat::casefile {
namespace {

// One record as it stands in the file.
struct Record {
  uint32_t line = 0;
  std::vector<std::string> fields;
  std::string fault;

  bool blank() const {
    return fault.empty() && fields.size() == 1 &&
           absl::StripAsciiWhitespace(fields[0]).empty();
  }
};

// Takes records off the front of a text.
class RecordReader {
 public:
  RecordReader(absl::string_view text, char separator, char quote)
      : text_(text), separator_(separator), quote_(quote) {}

  bool done() const { return text_.empty(); }

  //   INVALID_ARGUMENT  an open quote, or too many columns.
  absl::StatusOr<Record> Next() {
    Record record;
    record.line = line_;
    bool more = true;
    while (more) {
      if (record.fields.size() == kColumnsMax) {
        return absl::InvalidArgumentError(absl::StrCat(
            "line ", record.line, ": over ", kColumnsMax, " columns"));
      }
      std::string& field = record.fields.emplace_back();
      const auto next = ReadField(record, field);
      if (!next.ok()) return next.status();
      more = *next;
      if (field.size() > kFieldBytesMax && record.fault.empty()) {
        record.fault = absl::StrCat("column ", record.fields.size(),
                                    " is over ", kFieldBytesMax, " bytes");
      }
    }
    return record;
  }

 private:
  char Take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    // A CR LF is one line end: it counts with its LF.
    if (c == '\n' || (c == '\r' && !absl::StartsWith(text_, "\n"))) ++line_;
    return c;
  }

  // Ends the field. True: there is another in the record.
  bool TakeEnd() {
    if (text_.empty()) return false;
    const char c = Take();
    if (c == separator_) return true;
    if (c == '\r' && absl::StartsWith(text_, "\n")) Take();
    return false;
  }

  bool AtEnd() const {
    return text_.empty() || text_.front() == separator_ ||
           text_.front() == '\n' || text_.front() == '\r';
  }

  absl::StatusOr<bool> ReadField(Record& record, std::string& field) {
    const size_t number = record.fields.size();
    if (quote_ != '\0' && absl::StartsWith(text_, QuoteText())) {
      const uint32_t opened = line_;
      Take();
      while (true) {
        if (text_.empty()) {
          return absl::InvalidArgumentError(
              absl::StrCat("line ", opened, ": the quote of column ", number,
                           " is never closed"));
        }
        const char c = Take();
        if (c != quote_) {
          field.push_back(c);
        } else if (absl::StartsWith(text_, QuoteText())) {
          field.push_back(Take());
        } else {
          break;
        }
      }
      if (!AtEnd() && record.fault.empty()) {
        record.fault =
            absl::StrCat("column ", number, " goes on behind its quote");
      }
    }
    while (!AtEnd()) {
      const char c = Take();
      if (quote_ != '\0' && c == quote_ && record.fault.empty()) {
        record.fault = absl::StrCat("a quote within column ", number);
      }
      field.push_back(c);
    }
    return TakeEnd();
  }

  absl::string_view QuoteText() const { return {&quote_, 1}; }

  absl::string_view text_;
  const char separator_;
  const char quote_;
  uint32_t line_ = 1;
};

std::string Plain(absl::string_view name) {
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(name));
}

// Where each wanted column is.
absl::StatusOr<std::vector<size_t>> FindColumns(
    const std::vector<std::string>& names,
    const std::vector<std::string>& wanted) {
  std::vector<size_t> places;
  for (const std::string& name : wanted) {
    size_t found = names.size();
    for (size_t i = 0; i < names.size(); ++i) {
      if (Plain(names[i]) != Plain(name)) continue;
      if (found != names.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("line 1: the column ", name, " is there twice"));
      }
      found = i;
    }
    if (found == names.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line 1: there is no column ", name));
    }
    places.push_back(found);
  }
  return places;
}

TableRow MakeRow(Record record, size_t columns,
                 const std::vector<size_t>& places) {
  TableRow row;
  row.line = record.line;
  row.fault = std::move(record.fault);
  if (row.fault.empty() && record.fields.size() != columns) {
    row.fault =
        absl::StrCat(record.fields.size(), " columns instead of ", columns);
  }
  if (!row.fault.empty()) return row;
  for (const size_t place : places) {
    row.fields.push_back(std::move(record.fields[place]));
  }
  return row;
}

}  // namespace

absl::StatusOr<Table> ReadDelimited(absl::string_view text,
                                    const edge::v1::Delimited& format,
                                    const edge::v1::Trailer* trailer,
                                    const std::vector<std::string>& wanted,
                                    const TableLimits& limits) {
  RecordReader reader(text, format.separator()[0],
                      format.quote().empty() ? '\0' : format.quote()[0]);
  std::vector<std::string> names(format.columns().begin(),
                                 format.columns().end());
  if (names.empty()) {
    if (reader.done()) return absl::InvalidArgumentError("the file is empty");
    auto first = reader.Next();
    if (!first.ok()) return first.status();
    if (!first->fault.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("line 1: ", first->fault));
    }
    names = std::move(first->fields);
  }
  const auto places = FindColumns(names, wanted);
  if (!places.ok()) return places.status();
  Table table;
  while (!reader.done()) {
    auto record = reader.Next();
    if (!record.ok()) return record.status();
    if (record->blank()) continue;
    if (table.trailer_count.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", record->line, ": it stands behind the trailer"));
    }
    if (trailer != nullptr && record->fields[0] == trailer->mark()) {
      uint64_t count = 0;
      if (record->fields.size() < trailer->count_at() ||
          !absl::SimpleAtoi(record->fields[trailer->count_at() - 1], &count)) {
        return absl::InvalidArgumentError(
            absl::StrCat("line ", record->line, ": the trailer has no count"));
      }
      table.trailer_count = count;
      continue;
    }
    if (table.rows.size() == limits.rows_max) {
      return absl::InvalidArgumentError(
          absl::StrCat("over ", limits.rows_max, " rows"));
    }
    table.rows.push_back(MakeRow(*std::move(record), names.size(), *places));
  }
  return table;
}

}  // namespace concordat::casefile

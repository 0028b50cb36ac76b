#include "adapters/casefile/xml_rows.h"

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "adapters/casefile/xml_guard.h"
#include "pugixml.hpp"

namespace concordat::casefile {
namespace {

using Path = std::vector<std::string>;

constexpr absl::string_view kTwice = "is there twice";
constexpr unsigned kParseFlags = pugi::parse_cdata | pugi::parse_escapes |
                                 pugi::parse_wconv_attribute | pugi::parse_eol;

Path Steps(absl::string_view path) {
  return path.empty() ? Path()
                      : Path(absl::StrSplit(path, '/', absl::SkipEmpty()));
}

// Without the prefix: a case system's export changes prefixes, not names.
absl::string_view LocalName(const char* name) {
  const absl::string_view whole = name;
  return whole.substr(whole.find(':') + 1);
}

void CollectText(const pugi::xml_node& element, std::string& out) {
  for (const pugi::xml_node& child : element.children()) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
      out += child.value();
    }
  }
}

// The text at the path below the element; a status with no code but its message
// is a fault of the row.
absl::StatusOr<std::string> TextAt(pugi::xml_node element, const Path& path) {
  for (const std::string& step : path) {
    if (step[0] == '@') {
      return std::string(element.attribute(step.c_str() + 1).value());
    }
    pugi::xml_node next;
    for (const pugi::xml_node& child : element.children()) {
      if (child.type() != pugi::node_element ||
          LocalName(child.name()) != step) {
        continue;
      }
      if (next) return absl::InvalidArgumentError(kTwice);
      next = child;
    }
    if (!next) return std::string();
    element = next;
  }
  std::string text;
  CollectText(element, text);
  return std::string(absl::StripAsciiWhitespace(text));
}

class RowCollector {
 public:
  RowCollector(absl::string_view text, const edge::v1::Xml& format,
               const std::vector<std::string>& wanted,
               const TableLimits& limits)
      : text_(text),
        row_(Steps(format.row())),
        names_(wanted),
        limits_(limits) {
    for (const std::string& column : wanted) columns_.push_back(Steps(column));
  }

  //   INVALID_ARGUMENT  too many rows.
  absl::Status Collect(const pugi::xml_node& parent, size_t step) {
    for (const pugi::xml_node& child : parent.children()) {
      if (child.type() != pugi::node_element ||
          LocalName(child.name()) != row_[step]) {
        continue;
      }
      absl::Status status;
      if (step + 1 < row_.size()) {
        status = Collect(child, step + 1);
      } else if (table_.rows.size() == limits_.rows_max) {
        status = absl::InvalidArgumentError(
            absl::StrCat("over ", limits_.rows_max, " rows"));
      } else {
        AddRow(child);
      }
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  Table Take() { return std::move(table_); }

 private:
  void AddRow(const pugi::xml_node& element) {
    TableRow& row = table_.rows.emplace_back();
    row.line = LineOf(element);
    for (size_t i = 0; i < columns_.size() && row.fault.empty(); ++i) {
      auto field = TextAt(element, columns_[i]);
      if (!field.ok()) {
        row.fault = absl::StrCat(names_[i], " ", field.status().message());
      } else if (field->size() > kFieldBytesMax) {
        row.fault =
            absl::StrCat(names_[i], " is over ", kFieldBytesMax, " bytes");
      } else {
        row.fields.push_back(*std::move(field));
      }
    }
    if (!row.fault.empty()) row.fields.clear();
  }

  // Rows come in the order of the text, so each line is counted once.
  uint32_t LineOf(const pugi::xml_node& element) {
    const ptrdiff_t place = element.offset_debug();
    if (place > counted_) {
      line_ += LineAt(text_.substr(static_cast<size_t>(counted_)),
                      static_cast<size_t>(place - counted_)) -
               1;
      counted_ = place;
    }
    return line_;
  }

  const absl::string_view text_;
  const Path row_;
  const std::vector<std::string>& names_;
  const TableLimits limits_;
  std::vector<Path> columns_;
  ptrdiff_t counted_ = 0;
  uint32_t line_ = 1;
  Table table_;
};

}  // namespace

absl::StatusOr<Table> ReadXml(absl::string_view text,
                              const edge::v1::Xml& format,
                              const edge::v1::Trailer* trailer,
                              edge::v1::TextEncoding encoding,
                              const std::vector<std::string>& wanted,
                              const TableLimits& limits) {
  if (absl::Status safe = GuardXml(text, encoding); !safe.ok()) return safe;
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(
      text.data(), text.size(), kParseFlags, pugi::encoding_utf8);
  if (!parsed) {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", LineAt(text, static_cast<size_t>(parsed.offset)),
                     ": ", absl::AsciiStrToLower(parsed.description())));
  }
  RowCollector collector(text, format, wanted, limits);
  if (absl::Status status = collector.Collect(document, 0); !status.ok()) {
    return status;
  }
  Table table = collector.Take();
  if (trailer != nullptr) {
    const auto words = TextAt(document, Steps(trailer->mark()));
    uint64_t count = 0;
    // Absent is for the caller to judge; there and no number is not.
    if (words.ok() && !words->empty()) {
      if (!absl::SimpleAtoi(*words, &count)) {
        return absl::InvalidArgumentError("the count is no number");
      }
      table.trailer_count = count;
    }
  }
  return table;
}

}  // namespace concordat::casefile

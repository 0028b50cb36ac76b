// A document made from data, for people and for programs: titles, paragraphs,
// tables, a drawing. One page of HTML that prints, with nothing fetched from
// anywhere, or JSON.
//
// Threads  Values and functions.
#ifndef CONCORDAT_GATEWAY_CLI_DOCUMENTS_DOCUMENT_H_
#define CONCORDAT_GATEWAY_CLI_DOCUMENTS_DOCUMENT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace concordat::cli {

struct Table {
  std::string caption;
  std::vector<std::string> head;
  // Each as long as the head; the first cell names its row. None: it says "none".
  std::vector<std::vector<std::string>> rows;
};

// Who tells whom: a drawing with the same in a table beside it, for those who do not
// see it.
struct Flow {
  std::string from;
  std::string to;
  std::string label;
};

struct Section {
  std::string title;
  std::vector<std::string> paragraphs = {};
  std::vector<Flow> drawing = {};  // Of the flows, in their order.
  std::vector<Table> tables = {};
  std::string verbatim = {};  // Set as it stands.
};

struct Document {
  std::string kind;  // "schedule"
  std::string title;
  std::string made;     // When, for people, with the day.
  std::string command;  // What makes it again; whoever runs that says it.
  // Holds personal data: it says so at the head of each printed page.
  bool personal = false;
  // What it was made from, with versions.
  std::vector<std::string> made_from;
  std::vector<Section> sections;
  // Why it is not complete; it says so, and so does who made it.
  std::vector<std::string> missing = {};
};

std::string ToHtml(const Document& document);
// One line.
std::string ToJson(const Document& document);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DOCUMENTS_DOCUMENT_H_

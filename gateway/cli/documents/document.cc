#include "gateway/cli/documents/document.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

// Of the drawing, in its own units.
constexpr int kWidth = 720;
constexpr int kBoxWidth = 200;
constexpr int kBoxHeight = 40;
constexpr int kGap = 20;

constexpr char kStyle[] =
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem;color:#111;background:#fff}"
    "h1{line-height:1.2}h2{margin-top:2.5rem;border-top:2px solid #111;"
    "padding-top:.5rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}"
    "caption{text-align:left;font-weight:bold;padding:.25rem 0}"
    "th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}"
    "thead th{background:#eee}.from{font-size:.9rem}"
    "svg{max-width:100%;height:auto}"
    "@media print{body{font-size:10pt;margin:0;max-width:none}"
    "h2{break-after:avoid}tr{break-inside:avoid}thead{display:table-header-"
    "group}@page{margin:15mm}}";

std::string Escape(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

void AppendTable(const Table& table, std::string& out) {
  absl::StrAppend(&out, "<table><caption>", Escape(table.caption),
                  "</caption><thead><tr>");
  for (const std::string& cell : table.head) {
    absl::StrAppend(&out, "<th scope=\"col\">", Escape(cell), "</th>");
  }
  out += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    out += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&out, i == 0 ? "<th scope=\"row\">" : "<td>",
                      Escape(row[i]), i == 0 ? "</th>" : "</td>");
    }
    out += "</tr>\n";
  }
  out += "</tbody></table>\n";
}

// Names in the order in which they come, each with its row.
std::map<std::string, int> RowsOf(const std::vector<Flow>& flows,
                                  std::string Flow::*end) {
  std::map<std::string, int> rows;
  for (const Flow& flow : flows) {
    rows.emplace(flow.*end, static_cast<int>(rows.size()));
  }
  return rows;
}

int MiddleOf(int row) {
  return row * (kBoxHeight + kGap) + kGap + kBoxHeight / 2;
}

void AppendBox(const std::string& name, int x, int row, std::string& out) {
  const int middle = MiddleOf(row);
  absl::StrAppend(&out, "<rect x=\"", x, "\" y=\"", middle - kBoxHeight / 2,
                  "\" width=\"", kBoxWidth, "\" height=\"", kBoxHeight,
                  "\" fill=\"#fff\" stroke=\"#111\"/><text x=\"",
                  x + kBoxWidth / 2, "\" y=\"", middle + 5,
                  "\" text-anchor=\"middle\" font-size=\"13\">", Escape(name),
                  "</text>");
}

// Sources on the left, recipients on the right.
void AppendDrawing(const std::vector<Flow>& flows, std::string& out) {
  const std::map<std::string, int> from = RowsOf(flows, &Flow::from);
  const std::map<std::string, int> to = RowsOf(flows, &Flow::to);
  const int rows = static_cast<int>(std::max(from.size(), to.size()));
  absl::StrAppend(&out, "<svg role=\"img\" aria-label=\"",
                  "Who tells whom; the table below says the same\" viewBox=\"0 "
                  "0 ",
                  kWidth, " ", rows * (kBoxHeight + kGap) + kGap, "\">");
  for (const Flow& flow : flows) {
    absl::StrAppend(&out, "<line x1=\"", kBoxWidth, "\" y1=\"",
                    MiddleOf(from.at(flow.from)), "\" x2=\"",
                    kWidth - kBoxWidth, "\" y2=\"", MiddleOf(to.at(flow.to)),
                    "\" stroke=\"#555\"/>");
  }
  for (const auto& [name, row] : from) AppendBox(name, 0, row, out);
  for (const auto& [name, row] : to) {
    AppendBox(name, kWidth - kBoxWidth, row, out);
  }
  out += "</svg>\n";
}

void AppendSection(const Section& section, std::string& out) {
  absl::StrAppend(&out, "<section><h2>", Escape(section.title), "</h2>\n");
  for (const std::string& paragraph : section.paragraphs) {
    absl::StrAppend(&out, "<p>", Escape(paragraph), "</p>\n");
  }
  if (!section.drawing.empty()) {
    AppendDrawing(section.drawing, out);
    Table table{"Who tells whom", {"From", "To", "What"}, {}};
    for (const Flow& flow : section.drawing) {
      table.rows.push_back({flow.from, flow.to, flow.label});
    }
    AppendTable(table, out);
  }
  for (const Table& table : section.tables) AppendTable(table, out);
  out += "</section>\n";
}

std::string Quoted(const std::vector<std::string>& texts) {
  return absl::StrCat(
      "[",
      absl::StrJoin(texts, ",",
                    [](std::string* out, const std::string& text) {
                      *out += JsonQuote(text);
                    }),
      "]");
}

std::string JsonOf(const Table& table) {
  return absl::StrCat("{\"caption\":", JsonQuote(table.caption),
                      ",\"head\":", Quoted(table.head), ",\"rows\":[",
                      absl::StrJoin(table.rows, ",",
                                    [](std::string* out, const auto& row) {
                                      *out += Quoted(row);
                                    }),
                      "]}");
}

std::string JsonOf(const Section& section) {
  std::vector<std::string> flows;
  for (const Flow& flow : section.drawing) {
    flows.push_back(absl::StrCat("{\"from\":", JsonQuote(flow.from),
                                 ",\"to\":", JsonQuote(flow.to),
                                 ",\"what\":", JsonQuote(flow.label), "}"));
  }
  return absl::StrCat(
      "{\"title\":", JsonQuote(section.title),
      ",\"paragraphs\":", Quoted(section.paragraphs), ",\"flows\":[",
      absl::StrJoin(flows, ","), "],\"tables\":[",
      absl::StrJoin(
          section.tables, ",",
          [](std::string* out, const Table& table) { *out += JsonOf(table); }),
      "]}");
}

}  // namespace

std::string ToHtml(const Document& document) {
  std::string out = absl::StrCat(
      "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>",
      Escape(document.title), "</title><style>", kStyle,
      "</style></head><body><main>\n<h1>", Escape(document.title),
      "</h1>\n<p class=\"from\">Made on ", Escape(document.made), " by <code>",
      Escape(document.command),
      "</code> from the data below; nothing of it is written by "
      "hand.</p>\n<ul class=\"from\">");
  for (const std::string& each : document.made_from) {
    absl::StrAppend(&out, "<li>", Escape(each), "</li>");
  }
  out += "</ul>\n";
  for (const Section& section : document.sections) AppendSection(section, out);
  out += "</main></body></html>\n";
  return out;
}

std::string ToJson(const Document& document) {
  return absl::StrCat(
      "{\"kind\":", JsonQuote(document.kind),
      ",\"title\":", JsonQuote(document.title),
      ",\"made\":", JsonQuote(document.made),
      ",\"command\":", JsonQuote(document.command),
      ",\"made_from\":", Quoted(document.made_from), ",\"sections\":[",
      absl::StrJoin(document.sections, ",",
                    [](std::string* out, const Section& section) {
                      *out += JsonOf(section);
                    }),
      "]}");
}

}  // namespace concordat::cli

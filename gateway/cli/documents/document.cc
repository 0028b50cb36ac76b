#include "gateway/cli/documents/document.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

// Of the drawing, in its own units.
constexpr int kWidth = 720;
constexpr int kBoxWidth = 200;
constexpr int kBoxHeight = 40;
constexpr int kGap = 20;
constexpr int kTip = 8;  // Of an arrow.

constexpr char kStyle[] =
    "body{font:16px/1.5 'Liberation Sans',Arial,sans-serif;max-width:68rem;"
    "margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "h1{font-size:1.9rem;line-height:1.2;margin:.5rem 0 1rem}"
    "h2{font-size:1.35rem;margin:2.5rem 0 .5rem;border-top:2px solid #111;"
    "padding-top:.5rem}p{max-width:46rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0;font-size:.9rem}"
    "caption{text-align:left;font-weight:bold;padding:.25rem 0}"
    "th,td{border:1px solid #767676;padding:.3rem .5rem;text-align:left;"
    "vertical-align:top;overflow-wrap:break-word}"
    "tbody th{font-weight:normal}thead th{background:#eee;font-weight:bold}"
    ".from{font-size:.85rem;color:#333}.personal{border:2px solid #111;"
    "padding:.4rem .6rem;font-weight:bold;max-width:none}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem;"
    "background:#f4f4f4;padding:.75rem}svg{max-width:100%;height:auto}"
    "@media print{body{font-size:10pt;margin:0;padding:0;max-width:none}"
    "h1{font-size:17pt}h2{font-size:13pt;margin-top:14pt;break-after:avoid}"
    "p,li{orphans:3;widows:3}caption{break-after:avoid}tr{break-inside:avoid}"
    "table{font-size:8.5pt}thead{display:table-header-group}svg{break-inside:"
    "avoid}pre{background:#fff;border:1px solid #767676}"
    "@page{size:A4;margin:15mm}}";
// Longer words may be broken, at the places that they have for it.
constexpr size_t kWordMax = 18;

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

// A cell, whose long words - names of tests, types, files - say where they break.
std::string Cell(absl::string_view text) {
  std::string out;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (!out.empty()) out.push_back(' ');
    if (word.size() <= kWordMax) {
      out += Escape(word);
      continue;
    }
    for (size_t i = 0; i < word.size(); ++i) {
      const bool hump = i > 0 && absl::ascii_isupper(word[i]) &&
                        absl::ascii_islower(word[i - 1]);
      if (hump || (i > 0 && absl::StrContains("._/:", word[i - 1]))) {
        out += "<wbr>";
      }
      out += Escape(word.substr(i, 1));
    }
  }
  return out;
}

void AppendTable(const Table& table, std::string& out) {
  if (table.rows.empty()) {
    absl::StrAppend(&out, "<p><strong>", Escape(table.caption),
                    ":</strong> none.</p>\n");
    return;
  }
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
                      Cell(row[i]), i == 0 ? "</th>" : "</td>");
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
  absl::StrAppend(
      &out, "<svg role=\"img\" aria-label=\"",
      "Who tells whom; the table below says the same\" viewBox=\"-1 "
      "0 ",
      kWidth + 2, " ", rows * (kBoxHeight + kGap) + kGap, "\">");
  for (const Flow& flow : flows) {
    const int y = MiddleOf(to.at(flow.to));
    const int x = kWidth - kBoxWidth;
    absl::StrAppend(&out, "<line x1=\"", kBoxWidth, "\" y1=\"",
                    MiddleOf(from.at(flow.from)), "\" x2=\"", x - kTip,
                    "\" y2=\"", y, "\" stroke=\"#555\"/><path d=\"M", x - kTip,
                    " ", y - kTip / 2, "L", x, " ", y, "L", x - kTip, " ",
                    y + kTip / 2, "z\" fill=\"#555\"/>");
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
  if (!section.verbatim.empty()) {
    absl::StrAppend(&out, "<pre>", Escape(section.verbatim), "</pre>\n");
  }
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
      "],\"verbatim\":", JsonQuote(section.verbatim), "}");
}

}  // namespace

std::string ToHtml(const Document& document) {
  std::string out = absl::StrCat(
      "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>",
      Escape(document.title), "</title><style>", kStyle,
      "</style></head><body><main>\n",
      document.personal
          ? "<p class=\"personal\">Holds personal data: for who asked for it "
            "and whom they have to show it. Keep and destroy it by your own "
            "schedule.</p>\n"
          : "",
      "<h1>", Escape(document.title), "</h1>\n<p class=\"from\">Made on ",
      Escape(document.made), " by <code>", Escape(document.command),
      "</code> from the data below; nothing of it is written by "
      "hand.</p>\n<ul class=\"from\">");
  for (const std::string& each : document.made_from) {
    absl::StrAppend(&out, "<li>", Escape(each), "</li>");
  }
  out += "</ul>\n";
  for (const std::string& each : document.missing) {
    absl::StrAppend(&out, "<p class=\"personal\">NOT COMPLETE: ", Escape(each),
                    "</p>\n");
  }
  for (const Section& section : document.sections) AppendSection(section, out);
  out += "</main></body></html>\n";
  return out;
}

std::string ToJson(const Document& document) {
  return absl::StrCat(
      "{\"kind\":", JsonQuote(document.kind),
      ",\"personal\":", document.personal ? "true" : "false",
      ",\"title\":", JsonQuote(document.title),
      ",\"made\":", JsonQuote(document.made),
      ",\"command\":", JsonQuote(document.command),
      ",\"made_from\":", Quoted(document.made_from),
      ",\"missing\":", Quoted(document.missing), ",\"sections\":[",
      absl::StrJoin(document.sections, ",",
                    [](std::string* out, const Section& section) {
                      *out += JsonOf(section);
                    }),
      "]}");
}

}  // namespace concordat::cli

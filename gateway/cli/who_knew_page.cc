#include "gateway/cli/who_knew_page.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

using access::v1::AlertStep;
using access::v1::CouldNotKnow;
using access::v1::Knower;
using access::v1::Knowledge;
using access::v1::KnownAlert;
using access::v1::KnownEvent;
using access::v1::Opening;
using access::v1::WhoKnewReport;

constexpr absl::string_view kStyle =
    "body{font:11pt/1.45 sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem;color:#111;background:#fff}"
    "h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem;"
    "border-bottom:2px solid #111}h3{font-size:1rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}"
    "caption{text-align:left;font-weight:bold;padding:.3rem 0}"
    "th,td{border:1px solid #767676;padding:.3rem .5rem;text-align:left;"
    "vertical-align:top}th{background:#eee}"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}"
    "tr{break-inside:avoid}}";

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string ShortType(absl::string_view type) {
  return std::string(absl::StripPrefix(type, "concordat."));
}

std::string StateOf(const KnownEvent& event) {
  std::vector<std::string> states;
  if (event.erased()) states.push_back("its content was erased");
  if (event.removed_time() != 0) {
    states.push_back(absl::StrCat("removed by retention ",
                                  LocalMoment(event.removed_time())));
  }
  if (!event.signed_by().empty()) {
    states.push_back(absl::StrCat("signed by ", event.signed_by()));
  }
  if (event.not_signed()) states.push_back("unsigned by its producer");
  for (const uint64_t by : event.amended_by()) {
    states.push_back(absl::StrCat("amended by ", by));
  }
  return absl::StrJoin(states, "; ");
}

// What it could see, or why not.
std::string SightOf(const Knowledge& knowledge) {
  if (!knowledge.could_see()) {
    return absl::StrCat("could not see it: ", knowledge.because(),
                        knowledge.by_line().empty() ? "" : " (",
                        knowledge.by_line(),
                        knowledge.by_line().empty() ? "" : ")");
  }
  std::string words =
      absl::StrCat("could see ", absl::StrJoin(knowledge.shown(), ", "));
  if (knowledge.withheld_size() > 0) {
    absl::StrAppend(&words,
                    "; withheld: ", absl::StrJoin(knowledge.withheld(), ", "));
  }
  return absl::StrCat(
      words, "; by ",
      knowledge.by_line().empty() ? knowledge.because() : knowledge.by_line());
}

std::string DeliveryOf(const Knowledge& knowledge) {
  if (knowledge.delivered_time() == 0) return "not delivered";
  return absl::StrCat(
      "delivered ", LocalMoment(knowledge.delivered_time()),
      knowledge.acknowledged_time() == 0
          ? ", not acknowledged"
          : absl::StrCat(", acknowledged ",
                         LocalMoment(knowledge.acknowledged_time())));
}

std::string StepWords(const AlertStep& step) {
  return absl::StrCat(LocalMoment(step.time()), "  ", step.step(),
                      step.by().empty() ? "" : " by ", step.by(),
                      step.agency().empty() ? "" : ", ", step.agency(),
                      step.words().empty() ? "" : ": ", step.words());
}

std::string OpeningWords(const Opening& opening) {
  return absl::StrCat(
      "opened ", LocalMoment(opening.time()), " by ",
      opening.staff().empty() ? opening.principal() : opening.staff(),
      opening.on_behalf_of().empty() ? "" : " for ", opening.on_behalf_of());
}

std::string GapWords(const CouldNotKnow& gap) {
  return absl::StrCat(
      gap.what(), ": ", gap.words(), gap.from() == 0 ? "" : ", from ",
      gap.from() == 0 ? "" : LocalMoment(gap.from()),
      gap.to() == 0 ? "" : " to ", gap.to() == 0 ? "" : LocalMoment(gap.to()));
}

// A table's head and its rows.
class Table {
 public:
  Table(absl::string_view caption, const std::vector<std::string>& heads) {
    absl::StrAppend(&html_, "<table><caption>", Escape(caption),
                    "</caption><thead><tr>");
    for (const std::string& head : heads) {
      absl::StrAppend(&html_, "<th scope=\"col\">", Escape(head), "</th>");
    }
    absl::StrAppend(&html_, "</tr></thead><tbody>\n");
  }
  void Add(const std::vector<std::string>& cells) {
    absl::StrAppend(&html_, "<tr>");
    for (const std::string& cell : cells) {
      absl::StrAppend(&html_, "<td>", Escape(cell), "</td>");
    }
    absl::StrAppend(&html_, "</tr>\n");
  }
  std::string End() { return absl::StrCat(html_, "</tbody></table>\n"); }

 private:
  std::string html_;
};

std::string EventTable(
    absl::string_view caption,
    const google::protobuf::RepeatedPtrField<KnownEvent>& events) {
  Table table(caption, {"Position", "Fact", "Told by", "Happened",
                        "The hub had it", "Since"});
  for (const KnownEvent& event : events) {
    table.Add({absl::StrCat(event.sequence()), ShortType(event.type()),
               event.controller(), LocalMoment(event.time()),
               LocalMoment(event.accepted_time()), StateOf(event)});
  }
  return table.End();
}

std::string KnowerSection(const Knower& knower,
                          const std::map<uint64_t, std::string>& types) {
  std::string html =
      absl::StrCat("<h3>", Escape(knower.agency()), ", ", Escape(knower.role()),
                   " (", Escape(knower.purpose()), ")</h3>\n");
  Table table("What it could see, and what reached it",
              {"Position", "Fact", "Could see", "Reached it"});
  for (const Knowledge& knowledge : knower.events()) {
    table.Add({absl::StrCat(knowledge.sequence()),
               types.at(knowledge.sequence()), SightOf(knowledge),
               DeliveryOf(knowledge)});
  }
  html += table.End();
  if (knower.openings_size() == 0) {
    return html + "<p>Nobody in this role opened the person by then.</p>\n";
  }
  html += "<ul>";
  for (const Opening& opening : knower.openings()) {
    absl::StrAppend(&html, "<li>", Escape(OpeningWords(opening)), "</li>\n");
  }
  return html + "</ul>\n";
}

}  // namespace

std::string WhoKnewPage(const WhoKnewReport& report) {
  std::map<uint64_t, std::string> types;
  for (const KnownEvent& event : report.events()) {
    types[event.sequence()] = ShortType(event.type());
  }
  std::string html = absl::StrCat(
      "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">"
      "<title>Who knew what, ",
      LocalMoment(report.at()), "</title><style>", kStyle,
      "</style></head><body>\n<h1>Who knew what at ", LocalMoment(report.at()),
      "</h1>\n<p>Person ", Escape(report.subject()), ". Environment ",
      Escape(report.environment()), ", log ", report.log_id(), ", epoch ",
      report.epoch(), ", position ", report.position(), ". Made for ",
      Escape(report.made_for()), " when the log ended at ", report.log_end(),
      " (", LocalMoment(report.log_end_time()),
      ").</p>\n<h2>What could not be known from the hub</h2>\n");
  if (report.could_not_know_size() == 0) {
    html +=
        "<p>No feed was silent, no agreement had ended, nobody's identity was "
        "in "
        "doubt and no outage is recorded.</p>\n";
  } else {
    html += "<ul>";
    for (const CouldNotKnow& gap : report.could_not_know()) {
      absl::StrAppend(&html, "<li>", Escape(GapWords(gap)), "</li>\n");
    }
    html += "</ul>\n";
  }
  html +=
      "<p>What its services answered about the person is not here but in the "
      "access extract, <code>concordat access</code>.</p>\n";
  absl::StrAppend(
      &html, "<h2>Facts</h2>\n",
      EventTable("That the hub had at that moment", report.events()));
  if (report.told_later_size() > 0) {
    html += EventTable("That had happened and were told to the hub later",
                       report.told_later());
  }
  html += "<h2>Who could see what, and what reached them</h2>\n";
  for (const Knower& knower : report.knowers()) {
    html += KnowerSection(knower, types);
  }
  html += "<h2>Alerts</h2>\n";
  if (report.alerts_size() == 0) html += "<p>None had been raised.</p>\n";
  for (const KnownAlert& alert : report.alerts()) {
    Table table(absl::StrCat(alert.alert_ref(), ", ", alert.rule(), ", ",
                             alert.severity(), ", to ",
                             absl::StrJoin(alert.addressees(), ", ")),
                {"When", "What", "By", "Words"});
    for (const AlertStep& step : alert.steps()) {
      table.Add({LocalMoment(step.time()), step.step(),
                 absl::StrCat(step.by(), step.agency().empty() ? "" : ", ",
                              step.agency()),
                 step.words()});
    }
    html += table.End();
  }
  return html + "</body></html>\n";
}

std::string WhoKnewText(const WhoKnewReport& report) {
  std::map<uint64_t, std::string> types;
  std::string text = absl::StrCat("at ", LocalMoment(report.at()),
                                  ", position ", report.position(), "\n");
  for (const CouldNotKnow& gap : report.could_not_know()) {
    absl::StrAppend(&text, "could not be known from the hub: ", GapWords(gap),
                    "\n");
  }
  for (const KnownEvent& event : report.events()) {
    types[event.sequence()] = ShortType(event.type());
    const std::string state = StateOf(event);
    absl::StrAppend(&text, "fact ", event.sequence(), "  ",
                    ShortType(event.type()), " of ", event.controller(),
                    ", here ", LocalMoment(event.accepted_time()),
                    state.empty() ? "" : "; ", state, "\n");
  }
  for (const KnownEvent& event : report.told_later()) {
    absl::StrAppend(&text, "told later ", event.sequence(), "  ",
                    ShortType(event.type()), " of ", event.controller(),
                    ", happened ", LocalMoment(event.time()), ", here ",
                    LocalMoment(event.accepted_time()), "\n");
  }
  for (const Knower& knower : report.knowers()) {
    absl::StrAppend(&text, knower.agency(), "/", knower.role(), " for ",
                    knower.purpose(), "\n");
    for (const Knowledge& knowledge : knower.events()) {
      absl::StrAppend(&text, "  ", knowledge.sequence(), " ",
                      types[knowledge.sequence()], ": ", DeliveryOf(knowledge),
                      "; ", SightOf(knowledge), "\n");
    }
    for (const Opening& opening : knower.openings()) {
      absl::StrAppend(&text, "  ", OpeningWords(opening), "\n");
    }
  }
  for (const KnownAlert& alert : report.alerts()) {
    absl::StrAppend(&text, "alert ", alert.alert_ref(), " ", alert.rule(), " ",
                    alert.severity(), " to ",
                    absl::StrJoin(alert.addressees(), ", "), "\n");
    for (const AlertStep& step : alert.steps()) {
      absl::StrAppend(&text, "  ", StepWords(step), "\n");
    }
  }
  return text;
}

}  // namespace concordat::cli

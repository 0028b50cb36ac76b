// The resilience pack: backups and restores that were tried, the outage log, and what
// was known during an outage.
#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"

namespace concordat::cli {
namespace {

namespace json = boost::json;
using access::v1::Knower;
using access::v1::Knowledge;
using access::v1::WhoKnewReport;
using bus::v1::LogRecord;
using hub::v1::OperatorActed;

constexpr size_t kBackupsShown = 20;

std::string TextIn(const json::object& object, const char* key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string()
             ? std::string(value->get_string().c_str())
             : "";
}

// As the paper writes times; what is none, as it stands.
std::string WhenOf(const Sources& sources, const std::string& time) {
  absl::Time at;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, time, &at, &why)) return time;
  return sources.When(static_cast<uint64_t>(absl::ToUnixMicros(at)));
}

std::vector<std::string> RowOf(const Sources& sources, const BackupAct& act) {
  if (!act.failed.empty()) {
    return {WhenOf(sources, act.at), "-", "-", absl::StrCat(act.seconds, " s"),
            absl::StrCat("FAILED: ", act.failed)};
  }
  return {WhenOf(sources, act.at), absl::StrCat(act.sequence),
          WhenOf(sources, act.accepted_time), absl::StrCat(act.seconds, " s"),
          act.act == "backup" ? "whole, every block checked"
          : act.opened        ? "whole, and every payload opened"
                              : "whole; whether payloads open was not looked "
                                "at: the keys were not there"};
}

Section BackupsSection(const Sources& sources,
                       const std::vector<BackupAct>& acts) {
  const std::vector<std::string> head = {"When", "Through event", "Accepted",
                                         "Took", "Outcome"};
  Table backups{"The newest backups", head, {}};
  Table failures{"Backups that failed", head, {}};
  Table restores{"Restores that were tried", head, {}};
  std::string restored;
  size_t backed_up = 0;
  for (auto act = acts.rbegin(); act != acts.rend(); ++act) {
    const bool is_done = act->failed.empty();
    if (act->act != "backup") {
      restores.rows.push_back(RowOf(sources, *act));
      if (is_done && restored.empty()) restored = WhenOf(sources, act->at);
    } else if (!is_done) {
      failures.rows.push_back(RowOf(sources, *act));
    } else if (++backed_up <= kBackupsShown) {
      backups.rows.push_back(RowOf(sources, *act));
    }
  }
  return {
      "Backup and restore",
      {absl::StrCat(backed_up, " backups are recorded, ", failures.rows.size(),
                    " that failed beside them; the newest first."),
       restored.empty()
           ? "NO RESTORE IS RECORDED HERE: a backup that nobody has restored "
             "is a hope."
           : absl::StrCat("The newest restore that came to its end is of ",
                          restored, "."),
       "As `concordat log backup` and `restore` record it in the data "
       "directory that they ran on, failures too. A rehearsal on another "
       "machine has its record there: --record FILE adds it."},
      {},
      {std::move(backups), std::move(failures), std::move(restores)}};
}

struct Outage {
  uint64_t from = 0;
  std::vector<std::string> row;
};

const char* ActInWords(OperatorActed::Act act) {
  switch (act) {
    case OperatorActed::ACT_DRAINED:
      return "an operator had publishers leave";
    case OperatorActed::ACT_RESUMED:
      return "an operator let publishers in again";
    case OperatorActed::ACT_MAINTENANCE_ANNOUNCED:
      return "maintenance was announced";
    case OperatorActed::ACT_MAINTENANCE_ENDED:
      return "maintenance was over";
    default:
      return "an operator acted";
  }
}

// When the feed was complete to `due`; 0: not in these records.
uint64_t CameAfter(const std::vector<LogRecord>& records,
                   const LogRecord& silent) {
  for (const LogRecord& each : records) {
    if (each.sequence() > silent.sequence() && each.has_feed_received() &&
        each.feed_received().feed() == silent.feed_silent().feed() &&
        each.feed_received().complete_to() >= silent.feed_silent().due()) {
      return each.accepted_time();
    }
  }
  return 0;
}

Section OutagesSection(const Sources& sources, const ResilienceParts& parts) {
  std::vector<Outage> outages;
  const auto add = [&](uint64_t from, std::string to, std::string what,
                       std::string source) {
    outages.push_back({from,
                       {sources.When(from), std::move(to), std::move(what),
                        std::move(source)}});
  };
  std::set<std::string> seen;
  for (const auto& page : parts.extract.pages()) {
    if (!seen.insert(page.program()).second) continue;
    for (const access::v1::NotRunning& gap : page.not_running()) {
      add(gap.from(), sources.When(gap.to()),
          absl::StrCat(page.program(), " did not run",
                       gap.crashed() ? "; it had ended without saying so" : ""),
          absl::StrCat("access log of ", page.program()));
    }
  }
  for (const LogRecord& record : parts.records) {
    const std::string source = absl::StrCat("event ", record.sequence());
    if (record.has_events_lost()) {
      add(record.events_lost().lost_from(),
          sources.When(record.accepted_time()),
          "the log was restored or cut: what was accepted between is lost",
          source);
    } else if (record.has_operator_acted()) {
      const OperatorActed& acted = record.operator_acted();
      add(record.accepted_time(),
          acted.until() == 0
              ? "-"
              : absl::StrCat("said: ", sources.When(acted.until())),
          absl::StrCat(ActInWords(acted.act()), " (", acted.by(),
                       "): ", acted.why()),
          source);
    } else if (record.has_feed_silent()) {
      const uint64_t came = CameAfter(parts.records, record);
      add(record.feed_silent().expected_by(),
          came == 0 ? "not yet" : sources.When(came),
          absl::StrCat("the feed ", record.feed_silent().title(),
                       " was silent; it had been complete to ",
                       sources.When(record.feed_silent().complete_to())),
          source);
    }
  }
  std::stable_sort(
      outages.begin(), outages.end(),
      [](const Outage& a, const Outage& b) { return a.from < b.from; });
  Table table{"Outages", {"From", "To", "What", "Told by"}, {}};
  for (Outage& each : outages) table.rows.push_back(std::move(each.row));
  Table ended{"Agreements that are not in force", {"Agreement", "Because"}, {}};
  for (const StandingAgreement& each : sources.agreements) {
    if (each.in_force) continue;
    ended.rows.push_back(
        {absl::StrCat(each.agreement.name(), " version ",
                      each.agreement.version()),
         each.retired_by.empty()
             ? "outside its period"
             : absl::StrCat("ended by ", sources.AgencyOf(each.retired_by),
                            ": ", each.retired_because)});
  }
  return {"Outage log",
          {"Each with the record that tells it. When a program did not run is "
           "real time; what events tell is the log's time."},
          {},
          {std::move(table), std::move(ended)}};
}

struct Knew {
  std::set<std::string> people;
  uint64_t facts = 0;
  uint64_t delivered = 0;
  uint64_t acknowledged = 0;
  uint64_t opened = 0;
};

Section KnownSection(const Sources& sources, const KnownAt& known) {
  std::map<std::pair<std::string, std::string>, Knew> by_role;
  Table later{"Had happened, and was told to the hub afterwards",
              {"Person", "Fact", "Of", "Happened", "Told"},
              {}};
  Table waiting{"Alerts that nobody had accepted",
                {"Alert", "Rule", "Severity", "Raised", "To be accepted by"},
                {}};
  for (const WhoKnewReport& report : known.reports) {
    for (const Knower& knower : report.knowers()) {
      Knew& knew = by_role[{knower.agency(), knower.role()}];
      for (const Knowledge& each : knower.events()) {
        if (!each.could_see()) continue;
        knew.people.insert(report.subject());
        ++knew.facts;
        if (each.delivered_time() != 0) ++knew.delivered;
        if (each.acknowledged_time() != 0) ++knew.acknowledged;
      }
      knew.opened += static_cast<uint64_t>(knower.openings_size());
    }
    for (const access::v1::KnownEvent& event : report.told_later()) {
      later.rows.push_back({report.subject(), TitleOf(event.type()),
                            sources.AgencyOf(event.controller()),
                            sources.When(event.time()),
                            sources.When(event.accepted_time())});
    }
    for (const access::v1::KnownAlert& alert : report.alerts()) {
      uint64_t raised = 0;
      bool is_over = false;
      for (const access::v1::AlertStep& step : alert.steps()) {
        if (step.time() > known.from) continue;
        if (step.step() == "raised") raised = step.time();
        is_over |= step.step() == "accepted" || step.step() == "closed" ||
                   step.step() == "withdrawn";
      }
      if (raised == 0 || is_over) continue;
      waiting.rows.push_back({alert.alert_ref(), alert.rule(), alert.severity(),
                              sources.When(raised),
                              sources.When(alert.accept_by())});
    }
  }
  Table table{"What each could have known",
              {"Agency and role", "People", "Facts it could see", "Delivered",
               "Acknowledged", "Times that a person was opened"},
              {}};
  for (const auto& [of, knew] : by_role) {
    table.rows.push_back(
        {absl::StrCat(sources.AgencyOf(of.first), ", ", of.second),
         absl::StrCat(knew.people.size()), absl::StrCat(knew.facts),
         absl::StrCat(knew.delivered), absl::StrCat(knew.acknowledged),
         absl::StrCat(knew.opened)});
  }
  return {absl::StrCat("What was known from ", sources.When(known.from),
                       known.to == 0 ? "" : " to ",
                       known.to == 0 ? "" : sources.When(known.to), ": ",
                       known.what),
          {absl::StrCat("Of ", known.reports.size(),
                        " people, as it stood when that began: from the hub "
                        "nobody could know more until it was over. Of one "
                        "person, with proof: `concordat who-knew --person P "
                        "--at TIME`.")},
          {},
          {std::move(table), std::move(later), std::move(waiting)}};
}

}  // namespace

absl::StatusOr<std::vector<BackupAct>> ParseBackupActs(absl::string_view text) {
  std::vector<BackupAct> acts;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    boost::system::error_code error;
    const json::value value =
        json::parse(json::string_view(line.data(), line.size()), error);
    BackupAct act;
    if (!error && value.is_object()) {
      const json::object& object = value.get_object();
      act.act = TextIn(object, "act");
      act.at = TextIn(object, "at");
      act.failed = TextIn(object, "failed");
      act.accepted_time = TextIn(object, "accepted_time");
      if (const auto* each = object.if_contains("seconds")) {
        act.seconds = each->is_number() ? each->to_number<double>() : 0;
      }
      if (const auto* each = object.if_contains("sequence")) {
        act.sequence = each->is_int64() && each->get_int64() > 0
                           ? static_cast<uint64_t>(each->get_int64())
                           : 0;
      }
      if (const auto* each = object.if_contains("opened")) {
        act.opened = each->is_bool() && each->get_bool();
      }
    }
    if ((act.act != "backup" && act.act != "restore") || act.at.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", number, ": no record of a backup or a restore"));
    }
    acts.push_back(std::move(act));
  }
  return acts;
}

Document ResilienceOf(const Sources& sources, const ResilienceParts& parts) {
  Document document = Begin(sources, "resilience", "Resilience pack");
  document.personal = true;
  document.missing = {parts.extract.missing().begin(),
                      parts.extract.missing().end()};
  document.sections.push_back(BackupsSection(sources, parts.acts));
  document.sections.push_back(OutagesSection(sources, parts));
  for (const KnownAt& each : parts.known) {
    document.sections.push_back(KnownSection(sources, each));
  }
  if (parts.known.empty()) {
    document.sections.push_back(
        {"What was known during an outage",
         {"Of no outage it was asked: there was none that a report of "
          "`concordat who-knew` tells, or nobody has an open case that who "
          "made this paper may see."},
         {},
         {}});
  }
  if (!parts.not_asked.empty()) {
    document.sections.push_back(
        {"What was not asked", parts.not_asked, {}, {}});
  }
  return document;
}

}  // namespace concordat::cli

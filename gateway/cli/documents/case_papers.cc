// Papers of the arrangement's cases and alerts, as one of its people sees them.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"
#include "services/common/crypto/sha256.h"

namespace concordat::cli {
namespace {

using alerts::v1::Alert;
using mappa::v1::GetCaseResponse;

uint64_t EndOf(absl::CivilDay day, absl::TimeZone zone) {
  return static_cast<uint64_t>(
      absl::ToUnixMicros(absl::FromCivil(day + 1, zone)));
}

absl::Time TimeOf(uint64_t micros) {
  return absl::FromUnixMicros(static_cast<int64_t>(micros));
}

bool IsOpenAt(const GetCaseResponse& one, uint64_t end) {
  const mappa::v1::Case& record = one.record();
  return record.opened_at() < end &&
         (record.closed_at() == 0 || record.closed_at() >= end);
}

uint32_t LevelAt(const GetCaseResponse& one, uint64_t end) {
  uint32_t level = 0;
  for (const mappa::v1::LevelStep& step : one.levels()) {
    if (step.at() < end) level = step.to_level();
  }
  return level;
}

// Of the newest notification or referral by then.
std::string CategoryAt(const GetCaseResponse& one, uint64_t end) {
  std::string category;
  uint64_t newest = 0;
  const auto take = [&](uint64_t at, const std::string& is) {
    if (at >= end || at < newest || is.empty()) return;
    newest = at;
    category = is;
  };
  for (const auto& each : one.notifications()) {
    take(each.received_at(), each.received().category());
  }
  for (const auto& each : one.referrals()) {
    take(each.submitted_at(), each.submitted().category());
  }
  return category.empty() ? "not told" : category;
}

std::string InWords(absl::string_view code) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(code), {{"_", " "}});
}

// Every step up to then, in order.
std::string StepsOf(const Sources& sources, const GetCaseResponse& one,
                    uint64_t end) {
  std::multimap<uint64_t, std::string> steps;
  const auto add = [&](uint64_t at, std::string what) {
    if (at != 0 && at < end) steps.emplace(at, std::move(what));
  };
  for (const auto& each : one.notifications()) {
    add(each.received_at(),
        absl::StrCat("notified by ", sources.AgencyOf(each.from())));
  }
  for (const auto& each : one.referrals()) {
    add(each.submitted_at(),
        absl::StrCat("referred by ", sources.AgencyOf(each.from()),
                     " for Level ", each.submitted().level_sought()));
    add(each.decided_at(),
        absl::StrCat("referral ", InWords(each.decided().decision()),
                     ", Level ", each.decided().level()));
  }
  add(one.record().opened_at(), "case opened");
  for (const auto& each : one.levels()) {
    add(each.at(), each.from_level() == 0
                       ? absl::StrCat("Level ", each.to_level())
                       : absl::StrCat("Level ", each.from_level(), " to ",
                                      each.to_level()));
  }
  for (const auto& each : one.meetings()) {
    add(each.at(), absl::StrCat("meeting, ", InWords(each.held().kind())));
  }
  return absl::StrJoin(steps, "; ", [&](std::string* out, const auto& step) {
    absl::StrAppend(out, sources.When(step.first), " ", step.second);
  });
}

std::string DayText(absl::CivilDay day) {
  return absl::FormatTime("%-d %B %Y",
                          absl::FromCivil(day, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

// How a step stands against its clock: "12 days; limit 3 Nov 2025 23:59, met".
absl::StatusOr<std::string> Against(const Sources& sources,
                                    const LimitClocks& clocks,
                                    absl::string_view id, uint64_t from,
                                    uint64_t to) {
  if (from == 0) return std::string("no start is told");
  const auto clock = clocks.Find(id, sources.made);
  if (!clock.ok()) return clock.status();
  const auto due = clocks.Due(**clock, {.start = TimeOf(from)}, sources.made);
  if (!due.ok()) return due.status();
  const std::string limit =
      sources.When(static_cast<uint64_t>(absl::ToUnixMicros(*due)));
  if (to == 0) {
    return absl::StrCat("not told; limit ", limit,
                        sources.made < *due ? "" : ", MISSED");
  }
  return absl::StrCat(sources.When(to), "; limit ", limit,
                      TimeOf(to) < *due ? ", met" : ", MISSED");
}

// The same draw from the same cases: by the hash of seed and case.
std::vector<const GetCaseResponse*> Draw(
    std::vector<const GetCaseResponse*> from, const Sample& sample) {
  const auto key = [&](const GetCaseResponse* one) {
    return Sha256::Of(
        absl::StrCat(sample.seed, "\n", one->record().case_ref()));
  };
  std::sort(from.begin(), from.end(),
            [&](const auto* a, const auto* b) { return key(a) < key(b); });
  if (from.size() > sample.count) from.resize(sample.count);
  return from;
}

std::string AcceptedBy(const Sources& sources, const Alert& alert) {
  return absl::StrJoin(
      alert.acceptances(), "; ",
      [&](std::string* out, const alerts::v1::Acceptance& each) {
        absl::StrAppend(out, sources.AgencyOf(each.agency()), ", ", each.by(),
                        ", ", sources.When(each.at()),
                        each.action().empty() ? "" : ": ", each.action(),
                        each.act_by().empty() ? "" : ", by ", each.act_by());
      });
}

}  // namespace

std::vector<std::string> MissingOf(const CaseRecords& records) {
  if (!records.more) return {};
  return {"there are more cases than one answer holds"};
}

Document ManagedOf(const Sources& sources, const CaseRecords& records,
                   absl::CivilDay day) {
  Document document =
      Begin(sources, "managed",
            absl::StrCat("Everyone managed under MAPPA on ", DayText(day)));
  document.personal = true;
  document.missing = MissingOf(records);
  const uint64_t end = EndOf(day, sources.zone);
  std::map<std::pair<std::string, uint32_t>, int> counts;
  Table people{
      "Each of them",
      {"Case", "Person", "Category", "Level", "Lead", "How they got there"},
      {}};
  for (const GetCaseResponse& one : records.cases) {
    if (!IsOpenAt(one, end)) continue;
    const std::string category = CategoryAt(one, end);
    const uint32_t level = LevelAt(one, end);
    ++counts[{category, level}];
    people.rows.push_back(
        {one.record().case_ref(), one.record().subject(), category,
         level == 0 ? "none yet" : absl::StrCat(level),
         sources.AgencyOf(one.record().lead()), StepsOf(sources, one, end)});
  }
  std::sort(people.rows.begin(), people.rows.end(),
            [](const auto& a, const auto& b) {
              return std::tie(a[2], a[3], a[0]) < std::tie(b[2], b[3], b[0]);
            });
  Table table{"By category and level", {"Category", "Level", "People"}, {}};
  for (const auto& [of, count] : counts) {
    table.rows.push_back({of.first,
                          of.second == 0 ? "none yet" : absl::StrCat(of.second),
                          absl::StrCat(count)});
  }
  document.sections.push_back(
      {"How many",
       {absl::StrCat("At the end of ", DayText(day),
                     ", by the facts that the "
                     "hub has of it now: ",
                     people.rows.size(),
                     " open cases. The lead is that of now.")},
       {},
       {std::move(table)}});
  document.sections.push_back({"Who", {}, {}, {std::move(people)}});
  return document;
}

absl::StatusOr<Document> SampleOf(const Sources& sources,
                                  const CaseRecords& records,
                                  const LimitClocks& clocks, absl::CivilDay day,
                                  const Sample& sample) {
  const uint64_t end = EndOf(day, sources.zone);
  std::vector<const GetCaseResponse*> from;
  for (const GetCaseResponse& one : records.cases) {
    if (IsOpenAt(one, end) && LevelAt(one, end) == sample.level) {
      from.push_back(&one);
    }
  }
  const size_t all = from.size();
  Document document =
      Begin(sources, "sample",
            absl::StrCat("People at Level ", sample.level, " on ", DayText(day),
                         ", drawn with the seed ", sample.seed));
  document.personal = true;
  document.missing = MissingOf(records);
  Table table{
      "From notification to meeting",
      {"Case", "Person", "Notified", "Level decided", "First meeting", "Steps"},
      {}};
  for (const GetCaseResponse* one : Draw(std::move(from), sample)) {
    uint64_t notified = 0;
    for (const auto& each : one->notifications()) {
      if (each.received_at() < end &&
          (notified == 0 || each.received_at() < notified)) {
        notified = each.received_at();
      }
    }
    // A referral is where it began without a notification.
    for (const auto& each : one->referrals()) {
      if (notified == 0) notified = each.submitted_at();
    }
    uint64_t decided = 0;
    for (const auto& each : one->levels()) {
      if (each.to_level() == sample.level && each.at() < end) {
        decided = each.at();
        break;
      }
    }
    uint64_t met = 0;
    for (const auto& each : one->meetings()) {
      if (met == 0 && each.at() >= decided &&
          each.held().level() == sample.level) {
        met = each.at();
      }
    }
    const auto decision = Against(sources, clocks, "C12", notified, decided);
    if (!decision.ok()) return decision.status();
    std::string meeting = "no standard";
    if (sample.level > 1) {
      const auto against =
          Against(sources, clocks, absl::StrCat("C13-level-", sample.level),
                  decided, met);
      if (!against.ok()) return against.status();
      meeting = *against;
    }
    table.rows.push_back({one->record().case_ref(), one->record().subject(),
                          sources.When(notified), *decision, meeting,
                          StepsOf(sources, *one, end)});
  }
  document.sections.push_back(
      {"The draw",
       {absl::StrCat("Of ", all, " open cases at Level ", sample.level,
                     " on that day ", table.rows.size(),
                     " are drawn: those whose SHA-256 of seed, a line feed "
                     "and case is least. Whoever has the same cases draws the "
                     "same."),
        "Limits are those of the clocks C12 and C13. When minutes were issued, "
        "and why a limit was missed, is told to the hub by nobody."},
       {},
       {std::move(table)}});
  return document;
}

Document AttendanceOf(const Sources& sources, const CaseRecords& records) {
  struct Count {
    int meetings = 0;
    int present = 0;
    int written = 0;
  };
  std::map<std::string, Count> by_agency;
  for (const GetCaseResponse& one : records.cases) {
    for (const mappa::v1::Meeting& meeting : one.meetings()) {
      const auto& held = meeting.held();
      std::set<std::string> expected(one.record().parties().begin(),
                                     one.record().parties().end());
      const std::set<std::string> present(held.present().begin(),
                                          held.present().end());
      const std::set<std::string> written(held.written_return().begin(),
                                          held.written_return().end());
      expected.insert(present.begin(), present.end());
      expected.insert(written.begin(), written.end());
      for (const std::string& agency : expected) {
        Count& count = by_agency[agency];
        ++count.meetings;
        if (present.contains(agency)) {
          ++count.present;
        } else if (written.contains(agency)) {
          ++count.written;
        }
      }
    }
  }
  Document document =
      Begin(sources, "attendance", "Attendance at MAPPA meetings");
  document.missing = MissingOf(records);
  Table table{
      "By agency",
      {"Agency", "Meetings of its cases", "Came", "Wrote instead", "Neither"},
      {}};
  for (const auto& [agency, count] : by_agency) {
    table.rows.push_back(
        {sources.AgencyOf(agency), absl::StrCat(count.meetings),
         absl::StrCat(count.present), absl::StrCat(count.written),
         absl::StrCat(count.meetings - count.present - count.written)});
  }
  document.sections.push_back(
      {"Who came",
       {"An agency is expected at the meetings of cases that it is a party to "
        "now.",
        "Requests for information, and whether they were answered, are told to "
        "the hub by nobody."},
       {},
       {std::move(table)}});
  return document;
}

Document AlertsOf(const Sources& sources,
                  const alerts::v1::ListAlertsResponse& alerts) {
  Document document = Begin(sources, "alerts", "Alerts and what came of them");
  document.personal = true;
  Table nobody{"Nobody has accepted",
               {"Alert", "Rule", "Severity", "Raised", "To be accepted by",
                "To", "Went on at"},
               {}};
  Table life{"Each that somebody accepted",
             {"Alert", "Rule", "Severity", "Raised", "Accepted",
              "Came to an end", "Outcome"},
             {}};
  Table wrong{"Held to be wrong, or withdrawn",
              {"Alert", "Rule", "Raised", "Who says so, and why"},
              {}};
  for (const Alert& alert : alerts.alerts()) {
    const std::string rule = alert.rule();
    if (alert.acceptances().empty() && alert.withdrawn_at() == 0 &&
        alert.closed_at() == 0) {
      nobody.rows.push_back(
          {alert.alert_ref(), rule, alert.severity(),
           sources.When(alert.raised_at()),
           absl::StrCat(
               sources.When(alert.accept_by()),
               alert.accept_by() != 0 && alert.accept_by() <= alerts.time()
                   ? ", PASSED"
                   : ""),
           absl::StrJoin(alert.addressees(), ", "),
           sources.When(alert.escalated_at())});
    } else if (!alert.acceptances().empty()) {
      life.rows.push_back(
          {alert.alert_ref(), rule, alert.severity(),
           sources.When(alert.raised_at()), AcceptedBy(sources, alert),
           sources.When(alert.closed_at()),
           absl::StrCat(alert.outcome(), alert.overdue() ? " OVERDUE" : "")});
    }
    if (alert.withdrawn_at() != 0) {
      wrong.rows.push_back(
          {alert.alert_ref(), rule, sources.When(alert.raised_at()),
           absl::StrCat("withdrawn ", sources.When(alert.withdrawn_at()), ": ",
                        alert.withdrawn_because())});
    }
    for (const alerts::v1::Dispute& each : alert.disputes()) {
      wrong.rows.push_back(
          {alert.alert_ref(), rule, sources.When(alert.raised_at()),
           absl::StrCat(each.doer().agency_name(), ", ", each.doer().by_name(),
                        ": ", each.reason())});
    }
  }
  document.sections.push_back(
      {"Those that nobody accepted",
       {absl::StrCat("Of the ", alerts.alerts_size(),
                     " alerts that who made this paper is shown, as judged to ",
                     sources.When(alerts.time()),
                     alerts.up_to_date() ? "." : "; there is more to judge."),
        "Who was told, when it was shown and what each agency knew: `concordat "
        "who-knew` of the person."},
       {},
       {std::move(nobody)}});
  document.sections.push_back(
      {"Those that somebody accepted", {}, {}, {std::move(life)}});
  document.sections.push_back(
      {"False alerts and near misses",
       {"A link of a number to the wrong person is a near miss: `concordat "
        "person reviews list --all` has those that were cut. Other near "
        "misses, and what was changed because of them, are told to the hub by "
        "nobody."},
       {},
       {std::move(wrong)}});
  return document;
}

Document UnknownOf(const Sources& sources,
                   const alerts::v1::ListFeedsResponse& feeds,
                   const alerts::v1::ListAlertsResponse& alerts,
                   const access::v1::AccessExtract& extract) {
  Document document =
      Begin(sources, "unknown", "What the hub did not know, and why");
  document.missing = {extract.missing().begin(), extract.missing().end()};
  Table silent{"Feeds",
               {"Feed", "Whose", "Complete to", "Silent since", "Not readable"},
               {}};
  for (const alerts::v1::FeedReport& feed : feeds.feeds()) {
    silent.rows.push_back(
        {feed.title(), feed.agency(),
         feed.complete_to() == 0 ? "never came"
                                 : sources.When(feed.complete_to()),
         sources.When(feed.silent_since()), absl::StrCat(feed.rejected())});
  }
  document.sections.push_back(
      {"Feeds",
       {absl::StrCat("As they stand at ", sources.When(feeds.time()),
                     ", silent ones first. That one fell silent, and that it "
                     "sent again, is in the log: a report of `concordat "
                     "who-knew` has it for its moment.")},
       {},
       {std::move(silent)}});
  Table ended{"Agreements that are not in force",
              {"Agreement", "Period", "Because"},
              {}};
  for (const StandingAgreement& each : sources.agreements) {
    if (each.in_force) continue;
    ended.rows.push_back(
        {absl::StrCat(each.agreement.name(), " version ",
                      each.agreement.version()),
         absl::StrCat(each.agreement.valid_from(), " to ",
                      each.agreement.valid_to()),
         each.retired_by.empty()
             ? "outside its period"
             : absl::StrCat("ended by ", sources.AgencyOf(each.retired_by),
                            ": ", each.retired_because)});
  }
  document.sections.push_back({"Agreements", {}, {}, {std::move(ended)}});
  Table doubt{"Alerts that may be of somebody else, or are not known",
              {"Alert", "Why"},
              {}};
  for (const Alert& alert : alerts.alerts()) {
    if (alert.identity_in_doubt()) {
      doubt.rows.push_back({alert.alert_ref(), "identity in doubt"});
    }
    if (!alert.not_known().empty()) {
      doubt.rows.push_back({alert.alert_ref(), alert.not_known()});
    }
  }
  document.sections.push_back({"People in doubt", {}, {}, {std::move(doubt)}});
  document.sections.push_back(GapsOf(sources, extract));
  return document;
}

}  // namespace concordat::cli

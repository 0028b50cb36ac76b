#include "gateway/cli/paper_records.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "concordat/identity/v1/service.pb.h"
#include "gateway/cli/keys/key_files.h"
#include "gateway/cli/paper_questions.h"
#include "gateway/signin/account_file.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {
namespace {

constexpr char kRecords[] = "concordat.bus.v1.RecordService/ListRecords";
constexpr char kErasures[] = "concordat.bus.v1.ErasureService/";
constexpr char kIdentity[] = "concordat-identity";
constexpr char kDescribe[] =
    "concordat.identity.v1.IdentityService/DescribeMany";
constexpr char kRegistryChanged[] = "concordat.hub.v1.RegistryChanged";
constexpr char kFeedReceived[] = "concordat.hub.v1.FeedReceived";
constexpr char kGuardian[] = "guardian";
// Where concordat-log-backup writes it.
constexpr char kBackupRecord[] = "bus/backups/record.jsonl";
constexpr int kDescribedMax = 100;

absl::StatusOr<std::vector<bus::v1::LogRecord>> CollectRecords(
    Hub& hub, const std::vector<std::string>& types, uint64_t from,
    uint64_t to) {
  bus::v1::ListRecordsRequest request;
  request.mutable_types()->Assign(types.begin(), types.end());
  request.set_from(from);
  request.set_to(to);
  std::vector<bus::v1::LogRecord> records;
  for (bool more = true; more;) {
    auto page = AskBus<bus::v1::ListRecordsResponse>(hub, kRecords, request);
    if (!page.ok()) return page.status();
    for (bus::v1::LogRecord& each : *page->mutable_records()) {
      records.push_back(std::move(each));
    }
    more = page->more();
    request.set_after(page->next());
  }
  return records;
}

// None: nobody made one here.
absl::StatusOr<std::vector<BackupAct>> ReadBackupActs(const std::string& path,
                                                      bool is_needed) {
  const auto text = ReadWholeFile(path);
  if (absl::IsNotFound(text.status()) && !is_needed) {
    return std::vector<BackupAct>();
  }
  if (!text.ok()) return text.status();
  auto acts = ParseBackupActs(*text);
  if (acts.ok()) return acts;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", acts.status().message()));
}

bool IsOutage(const access::v1::CouldNotKnow& row) {
  return row.what() == "hub down" || row.what() == "events lost";
}

absl::Status AddKnown(Hub& hub, const access::v1::ListAccessRequest& period,
                      ResilienceParts& parts) {
  const auto cases = CollectCases(hub);
  if (!cases.ok()) return cases.status();
  std::vector<std::string> people;
  for (const mappa::v1::GetCaseResponse& one : cases->cases) {
    if (one.record().closed_at() == 0) people.push_back(one.record().subject());
  }
  if (people.size() > kPeopleAskedMax) {
    parts.not_asked.push_back(
        absl::StrCat("Of ", people.size(), " people with an open case ",
                     kPeopleAskedMax, " were asked about."));
    people.resize(kPeopleAskedMax);
  }
  // The hub's outages stand in every person's report.
  std::vector<access::v1::CouldNotKnow> outages;
  for (const std::string& person : people) {
    const auto report = AskWhoKnew(hub, person, 0);
    if (!report.ok()) return report.status();
    if (!report->has_value()) continue;
    for (const access::v1::CouldNotKnow& row : (*report)->could_not_know()) {
      if (IsOutage(row) && row.from() >= period.from() &&
          (period.to() == 0 || row.from() < period.to())) {
        outages.push_back(row);
      }
    }
    break;
  }
  std::sort(outages.begin(), outages.end(),
            [](const auto& a, const auto& b) { return a.from() > b.from(); });
  if (outages.size() > kOutagesAskedMax) {
    parts.not_asked.push_back(absl::StrCat(
        "Of ", outages.size(), " outages the newest ", kOutagesAskedMax,
        " were asked about: --from and --to "
        "name others."));
    outages.resize(kOutagesAskedMax);
  }
  for (const access::v1::CouldNotKnow& row : outages) {
    KnownAt known = {row.what(), row.from(), row.to(), {}};
    for (const std::string& person : people) {
      auto report = AskWhoKnew(hub, person, row.from());
      if (!report.ok()) return report.status();
      if (report->has_value()) known.reports.push_back(**std::move(report));
    }
    parts.known.push_back(std::move(known));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PeopleParts> CollectPeople(Hub& hub,
                                          const AccessQuestion& question) {
  const auto period = RequestOf(hub, question);
  if (!period.ok()) return period.status();
  PeopleParts parts;
  if (hub.principal().role() == kGuardian) {
    parts.agency = hub.principal().agency();
  }
  auto changes =
      CollectRecords(hub, {kRegistryChanged}, period->from(), period->to());
  if (!changes.ok()) return changes.status();
  parts.changes = *std::move(changes);
  const auto folder = gateway::AccountsFolder(hub.data());
  if (!folder.ok()) return folder.status();
  const auto accounts = gateway::ReadAccounts(*folder);
  if (absl::IsNotFound(accounts.status())) return parts;
  if (!accounts.ok()) return accounts.status();
  for (gateway::v1::Account account : (*accounts)->proto().accounts()) {
    account.clear_password_hash();
    parts.accounts.push_back(std::move(account));
  }
  return parts;
}

absl::StatusOr<EdgeParts> CollectEdge(Hub& hub) {
  EdgeParts parts;
  auto records = CollectRecords(hub, {kRegistryChanged, kFeedReceived}, 0, 0);
  if (!records.ok()) return records.status();
  parts.records = *std::move(records);
  auto subscriptions = AskBus<bus::v1::ListSubscriptionsResponse>(
      hub, "concordat.bus.v1.BusService/ListSubscriptions",
      bus::v1::ListSubscriptionsRequest());
  if (!subscriptions.ok()) return subscriptions.status();
  parts.subscriptions = *std::move(subscriptions);
  auto holds = AskBus<bus::v1::ListHoldsResponse>(
      hub, absl::StrCat(kErasures, "ListHolds").c_str(),
      bus::v1::ListHoldsRequest());
  if (!holds.ok()) return holds.status();
  parts.holds = *std::move(holds);
  return parts;
}

absl::StatusOr<ResilienceParts> CollectResilience(
    Hub& hub, const Sources& sources, const AccessQuestion& question,
    const std::string& record) {
  const auto period = RequestOf(hub, question);
  if (!period.ok()) return period.status();
  ResilienceParts parts;
  auto acts = ReadBackupActs(hub.data().PathOf(kBackupRecord), false);
  if (!acts.ok()) return acts.status();
  parts.acts = *std::move(acts);
  if (!record.empty()) {
    const auto others = ReadBackupActs(record, true);
    if (!others.ok()) return others.status();
    parts.acts.insert(parts.acts.end(), others->begin(), others->end());
  }
  auto records = CollectRecords(
      hub,
      {"concordat.hub.v1.OperatorActed", "concordat.hub.v1.EventsLost",
       "concordat.hub.v1.FeedSilent"},
      period->from(), period->to());
  if (!records.ok()) return records.status();
  parts.records = *std::move(records);
  // What was silent in it may have come after it.
  auto came = CollectRecords(hub, {kFeedReceived}, period->from(), 0);
  if (!came.ok()) return came.status();
  std::move(came->begin(), came->end(), std::back_inserter(parts.records));
  // For when programs did not run: no row is of interest.
  AccessQuestion gaps = question;
  gaps.operation = "erasure";
  auto extract = CollectExtract(hub, gaps, sources.made, false);
  if (!extract.ok()) return extract.status();
  parts.extract = *std::move(extract);
  const absl::Status known = AddKnown(hub, *period, parts);
  if (!known.ok()) return known;
  return parts;
}

absl::StatusOr<RightsParts> CollectRights(Hub& hub) {
  RightsParts parts;
  auto corrections = AskBus<bus::v1::ListCorrectionsResponse>(
      hub, "concordat.bus.v1.CorrectionService/ListCorrections",
      bus::v1::ListCorrectionsRequest());
  if (!corrections.ok()) return corrections.status();
  parts.corrections = *std::move(corrections);
  auto restrictions = AskBus<bus::v1::ListRestrictionsResponse>(
      hub, absl::StrCat(kErasures, "ListRestrictions").c_str(),
      bus::v1::ListRestrictionsRequest());
  if (!restrictions.ok()) return restrictions.status();
  parts.restrictions = *std::move(restrictions);
  auto erasures = AskBus<bus::v1::ListErasuresResponse>(
      hub, absl::StrCat(kErasures, "ListErasures").c_str(),
      bus::v1::ListErasuresRequest());
  if (!erasures.ok()) return erasures.status();
  parts.erasures = *std::move(erasures);
  return parts;
}

absl::StatusOr<EqualityRecords> CollectEquality(
    Hub& hub, const alerts::v1::ListAlertsResponse& alerts) {
  const auto cases = CollectCases(hub);
  if (!cases.ok()) return cases.status();
  EqualityRecords records;
  records.alerts = alerts;
  records.missing = MissingOf(*cases);
  if (!alerts.up_to_date()) {
    records.missing.push_back(
        "the alerts service has more of the log to judge");
  }
  std::set<std::string> people;
  for (const mappa::v1::GetCaseResponse& one : cases->cases) {
    if (one.record().closed_at() != 0) continue;
    records.open_cases.push_back(one.record().subject());
    people.insert(one.record().subject());
  }
  for (const alerts::v1::Alert& alert : alerts.alerts()) {
    if (!alert.subject().empty()) people.insert(alert.subject());
  }
  identity::v1::DescribeManyRequest request;
  for (auto person = people.begin(); person != people.end();) {
    request.add_subjects(*person);
    if (++person != people.end() && request.subjects_size() < kDescribedMax) {
      continue;
    }
    const auto page = hub.Call<identity::v1::DescribeManyResponse>(
        kIdentity, kDescribe, request);
    if (!page.ok()) return page.status();
    for (const auto& each : page->people()) {
      records.births[each.subject()] = each.birth_date();
    }
    request.clear_subjects();
  }
  return records;
}

}  // namespace concordat::cli

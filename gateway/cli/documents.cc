// concordat documents KIND [OF]
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/access_question.h"
#include "gateway/cli/command.h"
#include "gateway/cli/documents/access_extract.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sections.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/keys/key_files.h"
#include "gateway/cli/paper_questions.h"
#include "gateway/cli/paper_records.h"
#include "gateway/cli/paper_sources.h"
#include "services/common/crypto/sha256.h"

namespace concordat::cli {
namespace {

constexpr char kCoordinator[] = "coordinator";
constexpr char kErasures[] = "concordat.bus.v1.ErasureService/";
constexpr char kAlerts[] = "concordat-alerts";
constexpr char kAlertsService[] = "concordat.alerts.v1.AlertsService/";

struct Options {
  std::string out;
  std::string documented;
  AccessQuestion question;
  std::string proof;
  std::string known;
  std::string base;
  std::string seed;
  std::string level = "2";
  std::string count = "10";
  std::string record;
  RuleStage stage = RuleStage::kInForce;
};

// One paper on its way: what it is made from, and what was asked for.
struct Order {
  Hub& hub;
  Sources& sources;
  const Options& options;
  std::string of;
};

using Maker = std::function<absl::StatusOr<Document>(Order&)>;

absl::StatusOr<absl::CivilDay> DayOf(const std::string& text) {
  absl::CivilDay day;
  if (absl::ParseCivilTime(text, &day)) return day;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a day like 2026-03-31"));
}

absl::StatusOr<Document> MakeImpact(Order& order) {
  const absl::Status asked = LoadRules(order.hub, order.sources);
  if (!asked.ok()) return asked;
  if (order.hub.principal().role() == kCoordinator) {
    const auto cases = CollectCases(order.hub);
    if (!cases.ok()) return cases.status();
    order.sources.people = CountPeople(order.sources, *cases);
  }
  return ImpactOf(order.sources, order.of);
}

absl::StatusOr<Document> MakeFields(Order& order) {
  const absl::Status asked = LoadInventories(order.hub.data(), order.sources);
  if (!asked.ok()) return asked;
  return FieldsOf(order.sources, order.of);
}

absl::StatusOr<Document> MakeChanges(Order& order) {
  bus::v1::DiffAgreementRequest request;
  const auto candidate = ReadWholeFile(order.of);
  if (!candidate.ok()) return candidate.status();
  request.set_candidate(*candidate);
  if (!order.options.base.empty()) {
    const auto base = ReadWholeFile(order.options.base);
    if (!base.ok()) return base.status();
    request.set_base(*base);
  }
  const auto diff = AskBus<bus::v1::DiffAgreementResponse>(
      order.hub, "concordat.bus.v1.AgreementService/DiffAgreement", request);
  if (!diff.ok()) return diff.status();
  return ChangesOf(order.sources, *diff);
}

absl::StatusOr<Document> MakeNotice(Order& order) {
  const absl::Status asked = LoadRules(order.hub, order.sources);
  if (!asked.ok()) return asked;
  return NoticeOf(order.sources, order.of);
}

absl::StatusOr<Document> MakeRule(Order& order) {
  const RuleStage stage = order.options.stage;
  const absl::Status asked = LoadRules(order.hub, order.sources);
  if (!asked.ok()) return asked;
  const auto rule = FindRule(order.sources, order.of, stage);
  if (!rule.ok()) return rule.status();
  CallOptions options;
  options.timeout = kLongCall;
  alerts::v1::BacktestRulesRequest request;
  if (stage == RuleStage::kCandidate) *request.add_rules() = **rule;
  const auto backtest = order.hub.Call<alerts::v1::BacktestRulesResponse>(
      kAlerts, absl::StrCat(kAlertsService, "BacktestRules"), request, options);
  if (!backtest.ok()) return backtest.status();
  return RuleOf(order.sources, order.of, stage, *backtest);
}

absl::StatusOr<Document> MakeSecurity(Order& order) {
  const auto parts = LoadSecurityParts(order.hub.data());
  if (!parts.ok()) return parts.status();
  return SecurityPackOf(order.sources, *parts);
}

absl::StatusOr<Document> MakeAccess(Order& order) {
  const std::string& path = order.options.proof;
  const auto extract = CollectExtract(order.hub, order.options.question,
                                      order.sources.made, !path.empty());
  if (!extract.ok()) return extract.status();
  std::string proof;
  if (!path.empty()) {
    const std::string file = EncodeExtract(*extract);
    const absl::Status written = WriteNewFile(path, file, kPrivateFile);
    if (!written.ok()) return written;
    const Sha256Hash hash = Sha256::Of(file);
    proof = absl::StrCat(
        std::filesystem::path(path).filename().string(), ", SHA-256 ",
        absl::BytesToHexString(absl::string_view(
            reinterpret_cast<const char*>(hash.data()), hash.size())),
        ",");
  }
  return AccessOf(order.sources, *extract, proof);
}

absl::StatusOr<Document> MakeGlass(Order& order) {
  const auto glass = AskBus<access::v1::ListGlassResponse>(
      order.hub, "concordat.access.v1.GlassService/ListGlass",
      access::v1::ListGlassRequest());
  if (!glass.ok()) return glass.status();
  return GlassOf(order.sources, *glass);
}

absl::StatusOr<Document> MakeErasures(Order& order) {
  const auto erasures = AskBus<bus::v1::ListErasuresResponse>(
      order.hub, absl::StrCat(kErasures, "ListErasures").c_str(),
      bus::v1::ListErasuresRequest());
  if (!erasures.ok()) return erasures.status();
  const auto holds = AskBus<bus::v1::ListHoldsResponse>(
      order.hub, absl::StrCat(kErasures, "ListHolds").c_str(),
      bus::v1::ListHoldsRequest());
  if (!holds.ok()) return holds.status();
  bus::v1::RunRetentionResponse retention;
  // Without a policy there is nothing to ask.
  if (order.sources.retention.has_value()) {
    auto asked = AskBus<bus::v1::RunRetentionResponse>(
        order.hub, "concordat.bus.v1.BusService/RunRetention",
        bus::v1::RunRetentionRequest());
    if (!asked.ok()) return asked.status();
    retention = *std::move(asked);
  }
  return ErasuresOf(order.sources, *erasures, *holds, retention);
}

template <auto kOf>
absl::StatusOr<Document> FromBreach(Order& order) {
  const auto breach = CollectBreach(
      order.hub, order.sources, order.options.question, order.options.known);
  if (!breach.ok()) return breach.status();
  return kOf(order.sources, *breach);
}

absl::StatusOr<Document> MakePeople(Order& order) {
  const auto parts = CollectPeople(order.hub, order.options.question);
  if (!parts.ok()) return parts.status();
  return PeopleOf(order.sources, *parts);
}

absl::StatusOr<Document> MakeDecommission(Order& order) {
  const auto parts = CollectEdge(order.hub);
  if (!parts.ok()) return parts.status();
  return DecommissionOf(order.sources, order.of, *parts);
}

absl::StatusOr<Document> MakeResilience(Order& order) {
  const auto parts = CollectResilience(
      order.hub, order.sources, order.options.question, order.options.record);
  if (!parts.ok()) return parts.status();
  return ResilienceOf(order.sources, *parts);
}

absl::StatusOr<Document> MakeRights(Order& order) {
  const auto parts = CollectRights(order.hub);
  if (!parts.ok()) return parts.status();
  return RightsOf(order.sources, order.hub.principal().agency(), *parts);
}

absl::StatusOr<Document> MakeManaged(Order& order) {
  const auto day = DayOf(order.of);
  if (!day.ok()) return day.status();
  const auto cases = CollectCases(order.hub);
  if (!cases.ok()) return cases.status();
  return ManagedOf(order.sources, *cases, *day);
}

absl::StatusOr<Document> MakeSample(Order& order) {
  const auto day = DayOf(order.of);
  if (!day.ok()) return day.status();
  Sample sample;
  sample.seed = order.options.seed;
  if (sample.seed.empty()) {
    return absl::InvalidArgumentError(
        "--seed: any word, said before the cases are known");
  }
  if (!absl::SimpleAtoi(order.options.level, &sample.level) ||
      sample.level < 1 || sample.level > 3) {
    return absl::InvalidArgumentError("--level is 1, 2 or 3");
  }
  if (!absl::SimpleAtoi(order.options.count, &sample.count) ||
      sample.count == 0) {
    return absl::InvalidArgumentError("--count is a number, 1 at least");
  }
  const auto clocks = LoadLimitClocks(order.sources, order.hub.data());
  if (!clocks.ok()) return clocks.status();
  const auto cases = CollectCases(order.hub);
  if (!cases.ok()) return cases.status();
  return SampleOf(order.sources, *cases, *clocks, *day, sample);
}

absl::StatusOr<Document> MakeAttendance(Order& order) {
  const auto cases = CollectCases(order.hub);
  if (!cases.ok()) return cases.status();
  return AttendanceOf(order.sources, *cases);
}

absl::StatusOr<Document> MakeOwnViews(Order& order) {
  const auto reviews = CollectReviews(order.hub);
  if (!reviews.ok()) return reviews.status();
  return OwnViewsOf(order.sources, *reviews);
}

absl::StatusOr<Document> MakeAssessments(Order& order) {
  const auto cases = CollectCases(order.hub);
  if (!cases.ok()) return cases.status();
  const auto completed = CollectAssessments(order.hub);
  if (!completed.ok()) return completed.status();
  return AssessmentsOf(order.sources, *cases, *completed);
}

absl::StatusOr<alerts::v1::ListAlertsResponse> AskAlerts(Hub& hub) {
  return hub.Call<alerts::v1::ListAlertsResponse>(
      kAlerts, absl::StrCat(kAlertsService, "ListAlerts"),
      alerts::v1::ListAlertsRequest());
}

absl::StatusOr<Document> MakeAlerts(Order& order) {
  const auto alerts = AskAlerts(order.hub);
  if (!alerts.ok()) return alerts.status();
  return AlertsOf(order.sources, *alerts);
}

absl::StatusOr<Document> MakeEquality(Order& order) {
  const RuleStage stage = order.options.stage;
  const absl::Status asked = LoadRules(order.hub, order.sources);
  if (!asked.ok()) return asked;
  const auto rule = FindRule(order.sources, order.of, stage);
  if (!rule.ok()) return rule.status();
  const auto alerts = AskAlerts(order.hub);
  if (!alerts.ok()) return alerts.status();
  const auto records = CollectEquality(order.hub, *alerts);
  if (!records.ok()) return records.status();
  return EqualityOf(order.sources, order.of, stage, *records);
}

absl::StatusOr<Document> MakeUnknown(Order& order) {
  const auto alerts = AskAlerts(order.hub);
  if (!alerts.ok()) return alerts.status();
  const auto feeds = order.hub.Call<alerts::v1::ListFeedsResponse>(
      kAlerts, absl::StrCat(kAlertsService, "ListFeeds"),
      alerts::v1::ListFeedsRequest());
  if (!feeds.ok()) return feeds.status();
  // For when programs did not run: no row is of interest.
  AccessQuestion question;
  question.operation = "erasure";
  const auto extract =
      CollectExtract(order.hub, question, order.sources.made, false);
  if (!extract.ok()) return extract.status();
  return UnknownOf(order.sources, *feeds, *alerts, *extract);
}

absl::StatusOr<Document> MakeUnrecorded(Order& order) {
  return UnrecordedOf(order.sources);
}

struct Kind {
  const char* name;
  const char* of;  // Null: of nothing.
  const char* is;
  Maker make;
  bool has_candidates = false;  // It takes --candidate.
};

template <absl::StatusOr<Document> (*kMake)(const Sources&, absl::string_view)>
absl::StatusOr<Document> FromSources(Order& order) {
  return kMake(order.sources, order.of);
}

const std::vector<Kind>& Kinds() {
  static const auto& kinds = *new std::vector<Kind>{
      {"schedule", "AGREEMENT",
       "parties, purposes, gateways, every data item, review, signatories",
       FromSources<ScheduleOf>},
      {"changes", "FILE",
       "what that version of an agreement would change, in plain words",
       MakeChanges},
      {"joint", "AGREEMENT", "joint controllers: who answers what",
       FromSources<JointOf>},
      {"processor", "AGREEMENT", "terms of the processor",
       FromSources<ProcessorOf>},
      {"processing", "AGENCY",
       "what the hub can fill of a record of processing",
       FromSources<ProcessingOf>},
      {"dpia", "AGENCY", "inputs to an impact assessment", MakeImpact},
      {"sensitive", "AGENCY", "appropriate policy document (section 42)",
       FromSources<SensitiveOf>},
      {"notice", "AGENCY", "text of a privacy notice, in layers", MakeNotice},
      {"fields", "EDGE", "what an edge reads of its source, field by field",
       MakeFields},
      {"rule", "RULE",
       "dossier of an alert rule in force, with a backtest; or, with "
       "--candidate,\n                    of the folder's, that waits for two "
       "people",
       MakeRule, /*has_candidates=*/true},
      {"equality", "RULE",
       "its alerts by age, its data about children; also --candidate",
       MakeEquality, /*has_candidates=*/true},
      {"security", nullptr, "components, keys, rights, threat model",
       MakeSecurity},
      {"people", nullptr,
       "who joined, moved and left; training, vetting; --from, --to",
       MakePeople},
      {"resilience", nullptr,
       "backups, restores, outages, what was known; --from, --to, --record",
       MakeResilience},
      {"decommission", "EDGE", "certificate that an edge is no more",
       MakeDecommission},
      {"access", nullptr,
       "s.62 extract: --person, --user, --agency, "
       "--operation, --from, --to",
       MakeAccess},
      {"breach", nullptr,
       "of --person or --user: whose, which fields, who "
       "opened, the clock from --known",
       FromBreach<BreachOf>},
      {"letters", nullptr, "of a breach, with the same flags",
       FromBreach<BreachLettersOf>},
      {"rights", nullptr,
       "what an agency rectified, restricted, erased; its guardian",
       MakeRights},
      {"neither", "AGENCY", "the letter that neither confirms nor denies",
       FromSources<NeitherOf>},
      {"glass", nullptr, "people opened without an interest, and reviews",
       MakeGlass},
      {"erasures", nullptr, "erasures, holds and retention", MakeErasures},
      {"managed", "DAY", "everyone managed on that day, and how they got there",
       MakeManaged},
      {"sample", "DAY",
       "people of a --level drawn with a --seed, against "
       "the clocks",
       MakeSample},
      {"attendance", nullptr, "who came to meetings, by agency",
       MakeAttendance},
      {"own-views", nullptr, "reviews with the person's own view",
       MakeOwnViews},
      {"assessments", nullptr, "cited in referrals and not found",
       MakeAssessments},
      {"alerts", nullptr, "alerts, those that nobody accepted first",
       MakeAlerts},
      {"unknown", nullptr, "what the hub did not know, and why", MakeUnknown},
      {"unrecorded", nullptr, "what is asked for and nobody tells the hub",
       MakeUnrecorded},
  };
  return kinds;
}

std::string Explanation() {
  std::string text =
      "Papers made from the hub's data, never written by hand: a page of HTML "
      "that\nprints, or JSON; dated, with the versions of what they are made "
      "from.\n";
  for (const Kind& kind : Kinds()) {
    std::string name = absl::StrCat(kind.name, kind.of == nullptr ? "" : " ",
                                    kind.of == nullptr ? "" : kind.of);
    name.resize(std::max<size_t>(name.size(), 19), ' ');
    absl::StrAppend(&text, name, " ", kind.is, "\n");
  }
  return text +
         "Of what people did or of cases: for co-ordinators and guardians.\n"
         "deploy/docs/inspector.md has the questions that each answers.";
}

absl::StatusOr<const Kind*> FindKind(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const Kind& kind : Kinds()) {
    names.push_back(kind.name);
    if (words[0] != kind.name) continue;
    if ((words.size() == 2) == (kind.of != nullptr)) return &kind;
    return absl::InvalidArgumentError(absl::StrCat(
        "usage: documents ", kind.name, kind.of == nullptr ? "" : " ",
        kind.of == nullptr ? ", of nothing" : kind.of));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("documents ", words[0], "? ", absl::StrJoin(names, ", ")));
}

// What makes it again, wherever it is written to.
std::string CommandOf(const std::vector<std::string>& arguments) {
  std::string command = "concordat documents";
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--out" || arguments[i] == "--proof") {
      ++i;
    } else {
      absl::StrAppend(&command, " ", arguments[i]);
    }
  }
  return command;
}

// Personal data is for its owner alone.
absl::Status Write(const std::string& path, const std::string& text,
                   bool personal) {
  if (!path.empty()) {
    return ReplaceFile(path, text, personal ? kPrivateFile : kPublicFile);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunDocuments(const std::vector<std::string>& arguments) {
  CommandLine line("documents KIND [OF]", Explanation());
  Options options;
  line.set_default_profile("admin");
  line.flags().AddString("out", "Writes it into this file.", &options.out);
  line.flags().AddString("documented",
                         "The schemas with their comments, a descriptor set; "
                         "default: of this build.",
                         &options.documented);
  AddQuestionFlags(line, &options.question);
  line.flags().AddString("proof",
                         "Of access: a new file with what shows it, for "
                         "`concordat verify`.",
                         &options.proof);
  line.flags().AddString("known", "Of breach: since when the controller knows.",
                         &options.known);
  line.flags().AddString("base",
                         "Of changes: against this file, not what is "
                         "adopted.",
                         &options.base);
  line.flags().AddString("seed", "Of sample: any word.", &options.seed);
  line.flags().AddString("level", "Of sample; default 2.", &options.level);
  line.flags().AddString("count", "Of sample; default 10.", &options.count);
  line.flags().AddString("record",
                         "Of resilience: bus/backups/record.jsonl of another "
                         "machine, where a restore was tried.",
                         &options.record);
  bool candidate = false;
  line.flags().AddBool("candidate",
                       "Of rule and equality: the folder's version, which "
                       "waits for two people.",
                       &candidate);
  const auto go = line.Parse(arguments, 1, 2);
  if (!go.ok() || !*go) return go.status();
  const auto kind = FindKind(line.words());
  if (!kind.ok()) return kind.status();
  if (candidate) {
    if (!(*kind)->has_candidates) {
      return absl::InvalidArgumentError(
          absl::StrCat("documents ", (*kind)->name,
                       ": --candidate is of rule and equality"));
    }
    options.stage = RuleStage::kCandidate;
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  auto sources = LoadSources(**hub, options.documented);
  if (!sources.ok()) return sources.status();
  Order order = {**hub, *sources, options,
                 line.words().size() == 2 ? line.words()[1] : ""};
  auto document = (*kind)->make(order);
  if (!document.ok()) return document.status();
  document->command = CommandOf(arguments);
  const absl::Status written = Write(
      options.out, line.json() ? ToJson(*document) + "\n" : ToHtml(*document),
      document->personal);
  if (!written.ok() || document->missing.empty()) return written;
  return absl::UnavailableError(
      absl::StrCat("not complete: ", absl::StrJoin(document->missing, "; ")));
}

}  // namespace concordat::cli

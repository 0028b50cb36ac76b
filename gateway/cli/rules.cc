// concordat rules list | test | adopt | backtest
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/bus/v1/approval.pb.h"
#include "gateway/cli/approvals.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-alerts";
constexpr size_t kWhatBytesMax = 300;
constexpr char kService[] = "concordat.alerts.v1.AlertsService/";

template <typename Message>
absl::Status ReadFile(const std::string& path, Message* into) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::stringstream text;
  text << file.rdbuf();
  return ParseTextProto(TextFile{path, text.str()}, into);
}

std::string InWords(const alerts::v1::Clock& clock) {
  if (!clock.id().empty()) return absl::StrCat("clock ", clock.id());
  if (clock.length() == 0) return "no limit";
  // "2 working hours"
  absl::string_view unit = policy::v1::ClockUnit_Name(clock.unit());
  absl::ConsumePrefix(&unit, "CLOCK_UNIT_");
  return absl::StrCat(
      clock.length(), " ",
      absl::StrReplaceAll(absl::AsciiStrToLower(unit), {{"_", " "}}));
}

template <typename Addressees>
std::string To(const Addressees& addressees) {
  return absl::StrJoin(addressees, ", ", [](std::string* out, const auto& to) {
    absl::StrAppend(out, to.agency(), "/", to.role(),
                    to.copy() ? " (copy)" : "");
  });
}

void Print(const alerts::v1::Rule& rule) {
  std::printf("%s version %u, from %s\n    %s\n", rule.id().c_str(),
              rule.version(), rule.effective().c_str(), rule.source().c_str());
  for (const alerts::v1::Limb& limb : rule.limbs()) {
    std::printf("  %-18s %-8s %s\n    to %s; accept: %s\n", limb.name().c_str(),
                limb.severity().c_str(), limb.why().c_str(),
                To(limb.to()).c_str(), InWords(limb.accept()).c_str());
    if (limb.has_out_of_hours()) {
      std::printf("    out of hours also %s; accept: %s\n",
                  To(limb.out_of_hours().to()).c_str(),
                  InWords(limb.out_of_hours().accept()).c_str());
    }
    for (const alerts::v1::Escalation& next : limb.escalate()) {
      std::printf("    then %s; accept: %s\n", To(next.to()).c_str(),
                  InWords(next.accept()).c_str());
    }
  }
}

absl::Status List(Hub& hub, bool as_json) {
  const auto list = hub.Call<alerts::v1::ListRulesResponse>(
      kProgram, absl::StrCat(kService, "ListRules"),
      alerts::v1::ListRulesRequest());
  if (!list.ok()) return list.status();
  for (int i = 0; i < list->rules_size(); ++i) {
    const alerts::v1::Rule& rule = list->rules(i);
    if (as_json) {
      std::printf("%s\n", ToJson(rule).c_str());
      continue;
    }
    Print(rule);
    if (i >= list->standing_size()) continue;  // Of a service of before.
    const alerts::v1::RuleStanding& standing = list->standing(i);
    if (standing.adopted_at() == 0) continue;
    std::printf(
        "    in force since %s, position %llu; agreed to by %s and %s\n",
        LocalTime(standing.adopted_at()).c_str(),
        static_cast<unsigned long long>(standing.position()),
        standing.asked_by().c_str(), standing.agreed_by().c_str());
  }
  if (list->has_waiting() && !as_json) {
    std::printf("%s%s\n",
                list->waiting().digest().empty()
                    ? ""
                    : "wait for two people, and are not in force: ",
                list->waiting().what().c_str());
  }
  return absl::OkStatus();
}

absl::Status Adopt(Hub& hub, const std::string& why,
                   const std::string& approval, bool as_json) {
  const auto list = hub.Call<alerts::v1::ListRulesResponse>(
      kProgram, absl::StrCat(kService, "ListRules"),
      alerts::v1::ListRulesRequest());
  if (!list.ok()) return list.status();
  if (!list->has_waiting()) {
    return absl::FailedPreconditionError(
        "the rules of the folder are in force");
  }
  if (list->waiting().digest().empty()) {
    return absl::FailedPreconditionError(list->waiting().what());
  }
  bus::v1::AgreeRequest request;
  request.set_kind("rule");
  request.set_what(
      absl::StrCat("rules: ", list->waiting().what()).substr(0, kWhatBytesMax));
  request.set_digest(list->waiting().digest());
  request.set_count(1);
  request.set_why(why);
  request.set_approval(approval);
  const auto agreed = hub.Call<bus::v1::AgreeResponse>(
      "concordat-bus", "concordat.bus.v1.ApprovalService/Agree", request);
  if (!agreed.ok()) return agreed.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*agreed).c_str());
  } else if (agreed->has_asked()) {
    PrintAsked(agreed->asked());
  } else {
    std::printf(
        "agreed to by %s and %s: %s\nconcordat-alerts says in the log when "
        "it judges by them (concordat rules list).\n",
        agreed->asked_by().c_str(), agreed->agreed_by().c_str(),
        list->waiting().what().c_str());
  }
  return absl::OkStatus();
}

absl::Status Test(Hub& hub, const std::string& rule,
                  const std::vector<std::string>& paths, bool as_json) {
  alerts::v1::TestRulesRequest request;
  for (size_t i = 1; i < paths.size(); ++i) {
    absl::Status status = ReadFile(paths[i], request.add_vectors());
    if (!status.ok()) return status;
  }
  if (request.vectors().empty()) {
    return absl::InvalidArgumentError(
        "which vectors? rules test deploy/rules/tests/*.textproto");
  }
  if (!rule.empty()) {
    absl::Status status = ReadFile(rule, request.add_rules());
    if (!status.ok()) return status;
  }
  const auto response = hub.Call<alerts::v1::TestRulesResponse>(
      kProgram, absl::StrCat(kService, "TestRules"), request);
  if (!response.ok()) return response.status();
  int failed = 0;
  for (const alerts::v1::VectorResult& result : response->results()) {
    failed += result.failures().empty() ? 0 : 1;
    if (as_json) {
      std::printf("%s\n", ToJson(result).c_str());
      continue;
    }
    std::printf("%-4s %s\n", result.failures().empty() ? "ok" : "FAIL",
                result.name().c_str());
    for (const std::string& failure : result.failures()) {
      std::printf("    %s\n", failure.c_str());
    }
  }
  if (failed == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(failed, " of ", response->results_size(), " fail"));
}

// 0 for an empty text.
absl::StatusOr<uint64_t> StartOfDay(const std::string& date) {
  if (date.empty()) return 0;
  absl::CivilDay day;
  absl::TimeZone london;
  if (!absl::ParseCivilTime(date, &day) ||
      !absl::LoadTimeZone("Europe/London", &london)) {
    return absl::InvalidArgumentError(absl::StrCat(date, ": not a date"));
  }
  return static_cast<uint64_t>(
      absl::ToUnixMicros(absl::FromCivil(day, london)));
}

absl::Status Backtest(Hub& hub, const std::string& rule,
                      const std::string& from, const std::string& to,
                      bool as_json) {
  alerts::v1::BacktestRulesRequest request;
  if (!rule.empty()) {
    absl::Status status = ReadFile(rule, request.add_rules());
    if (!status.ok()) return status;
  }
  const auto start = StartOfDay(from);
  const auto end = StartOfDay(to);
  if (!start.ok()) return start.status();
  if (!end.ok()) return end.status();
  request.set_from(*start);
  request.set_to(*end);
  CallOptions options;
  options.timeout = kLongCall;
  const auto response = hub.Call<alerts::v1::BacktestRulesResponse>(
      kProgram, absl::StrCat(kService, "BacktestRules"), request, options);
  if (!response.ok()) return response.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*response).c_str());
    return absl::OkStatus();
  }
  std::printf("%-10s  %-4s %-18s %-8s %-22s %6s %9s\n", "day", "rule", "limb",
              "severity", "role", "alerts", "withdrawn");
  for (const alerts::v1::BacktestLoad& load : response->load()) {
    std::printf("%-10s  %-4s %-18s %-8s %-22s %6u %9u\n", load.day().c_str(),
                load.rule().c_str(), load.limb().c_str(),
                load.severity().c_str(), load.role().c_str(), load.alerts(),
                load.withdrawn());
  }
  std::printf("%llu events, to position %llu; alerts to your agency only\n",
              static_cast<unsigned long long>(response->events()),
              static_cast<unsigned long long>(response->position()));
  return absl::OkStatus();
}

}  // namespace

absl::Status RunRules(const std::vector<std::string>& arguments) {
  CommandLine line(
      "rules list|test|adopt|backtest --profile NAME",
      "list            the rules in force: to whom, by when, and then\n"
      "test FILE…      folds vectors (deploy/rules/tests) through the rules "
      "in\n"
      "                force, or through the one of --rule alone\n"
      "adopt           asks that those of the folder come into force, with "
      "--why;\n"
      "                another person does it with --approve\n"
      "backtest        what they, or --rule alone, would have raised over the\n"
      "                log: alerts to your agency by role and day");
  std::string rule, from, to, why, approval;
  line.flags().AddString("why", "In a few words, for the record.", &why);
  AddApproveFlag(line, &approval);
  line.flags().AddString("rule", "A rule's file, instead of those in force.",
                         &rule);
  line.flags().AddString("from", "First day, YYYY-MM-DD.", &from);
  line.flags().AddString("to", "The day after the last.", &to);
  const auto go = line.Parse(arguments, 1, 1000);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const std::string& what = line.words()[0];
  if (what == "list") return List(**hub, line.json());
  if (what == "test") return Test(**hub, rule, line.words(), line.json());
  if (what == "adopt") return Adopt(**hub, why, approval, line.json());
  if (what == "backtest") {
    return Backtest(**hub, rule, from, to, line.json());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("rules ", what, "? list, test, adopt or backtest"));
}

}  // namespace concordat::cli

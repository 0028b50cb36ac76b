#include "gateway/cli/demo/player.h"

#include <algorithm>
#include <boost/json.hpp>
#include <future>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

namespace json = boost::json;
using ::concordat::alerts::v1::Alert;

constexpr char kClockProfile[] = "player";
// Between them they get every alert of the story about a person.
constexpr const char* kWatchers[] = {"coordinator", "socialwork"};

absl::Status InStep(const Step& step, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("step ", step.number, ": ",
                                                  status.message()));
}

absl::StatusOr<json::object> ParseObject(const std::string& text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    return absl::InternalError("the answer is not a JSON object");
  }
  return std::move(value.get_object());
}

std::string TextOf(const json::object& object, const char* name) {
  const json::value* const value = object.if_contains(name);
  const bool is_text = value != nullptr && value->is_string();
  return is_text ? std::string(value->get_string()) : "";
}

}  // namespace

absl::Status StoryPlayer::Play(
    const std::vector<Step>& steps, size_t done,
    const std::function<absl::Status(size_t)>& on_done) {
  if (auto status = NoteAlerts(); !status.ok()) return status;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    // Registering again answers with the same key, which later steps need.
    if (i < done && !step.registers) continue;
    if (i >= done) {
      if (!step.say.empty()) {
        print_(absl::StrFormat("%-16s  %-4s %-11s %-4s %s",
                               LocalTime(step.at_us), step.number, step.by,
                               step.person, step.say));
      }
      if (auto status = MoveClock(step.at_us); !status.ok()) {
        return InStep(step, status);
      }
    }
    if (auto status = Act(step); !status.ok()) return InStep(step, status);
    if (i < done) continue;
    if (auto status = doors_.Settle(); !status.ok()) {
      return InStep(step, status);
    }
    if (auto status = TellAlerts(&step); !status.ok()) {
      return InStep(step, status);
    }
    if (auto status = on_done(i + 1); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StoryPlayer::AdvanceTo(uint64_t at_us) {
  if (auto status = NoteAlerts(); !status.ok()) return status;
  if (auto status = MoveClock(at_us); !status.ok()) return status;
  if (auto status = doors_.Settle(); !status.ok()) return status;
  return TellAlerts(nullptr);
}

absl::Status StoryPlayer::MoveClock(uint64_t at_us) {
  const std::string time = IsoTime(at_us);
  const json::object event = {
      {"specversion", "1.0"},
      {"id", absl::StrCat("story-time-", at_us)},
      {"type", "concordat.hub.v1.TimePassed"},
      {"stream", "story-clock"},
      {"time", time},
      {"data", json::object{{"to", std::to_string(at_us)}}}};
  return doors_.Publish(kClockProfile, json::serialize(event)).status();
}

absl::Status StoryPlayer::Act(const Step& step) {
  if (!step.race.empty()) return Race(step);
  if (!step.method.empty()) return Command(step);
  if (!step.type.empty()) return PublishFact(step);
  if (!step.files.empty()) return DropFiles(step);
  if (!step.hl7.empty()) return SendMessage(step);
  if (!step.alert.empty()) return ActOnAlert(step);
  return absl::OkStatus();
}

absl::StatusOr<std::string> StoryPlayer::RequestOf(
    const Step& step, absl::string_view request_id) {
  auto request = ParseObject(step.request);
  if (!request.ok()) return request.status();
  json::value& command = (*request)["command"];
  if (!command.is_object()) command.emplace_object();
  command.get_object()["requestId"] = std::string(request_id);
  command.get_object()["time"] = IsoTime(step.at_us);
  if (!step.person.empty() && !step.registers) {
    (*request)["subject"] = keys_[step.person];
  }
  return json::serialize(*request);
}

absl::Status StoryPlayer::Command(const Step& step) {
  const auto request = RequestOf(step, absl::StrCat("story-", step.number));
  if (!request.ok()) return request.status();
  const auto answer = doors_.Call(step.by, step.method, *request);
  if (!answer.ok() || !step.registers) return answer.status();
  const auto object = ParseObject(*answer);
  if (!object.ok()) return object.status();
  keys_[step.person] = TextOf(*object, "subject");
  return absl::OkStatus();
}

// Two clients have read the same version; one decides, the other is told what
// has changed, and changes nothing.
absl::Status StoryPlayer::Race(const Step& step) {
  const auto read =
      doors_.Call(step.by, "mappa.GetReferral",
                  json::serialize(json::object{{"referralRef", step.race}}));
  if (!read.ok()) return read.status();
  const auto referral = ParseObject(*read);
  if (!referral.ok()) return referral.status();
  const bool decided = TextOf(*referral, "state") != "submitted";
  const auto send = [&](const char* client) -> absl::Status {
    auto text =
        RequestOf(step, absl::StrCat("story-", step.number, "-", client));
    if (!text.ok()) return text.status();
    auto request = ParseObject(*text);
    if (!request.ok()) return request.status();
    (*request)["command"].as_object()["expectedVersion"] =
        TextOf(*referral, "version");
    return doors_.Call(step.by, step.method, json::serialize(*request))
        .status();
  };
  // Played before: the story needs no second decision.
  if (decided) return absl::OkStatus();
  auto other = std::async(std::launch::async, send, "b");
  const absl::Status first = send("a");
  const absl::Status second = other.get();
  // A door was away: who decided is known when it is asked again.
  for (const absl::Status& each : {first, second}) {
    if (absl::IsUnavailable(each) || absl::IsDeadlineExceeded(each)) {
      return each;
    }
  }
  const absl::Status& loser = first.ok() ? second : first;
  if (first.ok() == second.ok() || !absl::IsAborted(loser)) {
    return absl::InternalError(
        absl::StrCat("of two clients at once one should decide, the other be "
                     "told; they were told '",
                     first.ToString(), "' and '", second.ToString(), "'"));
  }
  print_(absl::StrCat("      the other client is told: ", loser.message()));
  return absl::OkStatus();
}

absl::Status StoryPlayer::PublishFact(const Step& step) {
  const auto data = ParseObject(step.data);
  if (!data.ok()) return data.status();
  json::object event = {{"specversion", "1.0"},
                        {"id", absl::StrCat("story-", step.number)},
                        {"type", step.type},
                        {"subject", keys_[step.person]},
                        {"stream", absl::StrCat("story/", step.number)},
                        {"time", IsoTime(step.happened_us)},
                        {"recordedtime", IsoTime(step.at_us)},
                        {"basis", step.basis},
                        {"data", *data}};
  if (!step.retracts.empty()) {
    event["retracts"] = absl::StrCat("story-", step.retracts);
  }
  const std::string text = json::serialize(event);
  const auto sent = doors_.Publish(step.by, text);
  if (!sent.ok() || !step.twice) return sent.status();
  const auto again = doors_.Publish(step.by, text);
  if (again.ok() && !*again) {
    return absl::InternalError("sent again with one id it became two events");
  }
  return again.status();
}

absl::Status StoryPlayer::DropFiles(const Step& step) {
  for (const Step::File& file : step.files) {
    const auto status = doors_.DropFile(file.name, file.bytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StoryPlayer::SendMessage(const Step& step) {
  const auto answer = doors_.SendHl7(step.hl7);
  if (!answer.ok()) return answer.status();
  for (const absl::string_view expected : absl::StrSplit(step.answer, '|')) {
    if (*answer == expected) return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat("answered ", *answer, ", not ", step.answer));
}

absl::StatusOr<std::vector<Alert>> StoryPlayer::ListAlerts(
    absl::string_view profile) {
  const auto answer = doors_.Call(profile, "alerts.ListAlerts", "{}");
  if (!answer.ok()) return answer.status();
  alerts::v1::ListAlertsResponse response;
  if (auto status = FromJson(*answer, &response); !status.ok()) return status;
  return std::vector<Alert>(response.alerts().begin(), response.alerts().end());
}

const Alert* StoryPlayer::Find(const std::vector<Alert>& alerts,
                               absl::string_view rule,
                               absl::string_view subject) {
  const Alert* found = nullptr;
  for (const Alert& alert : alerts) {
    if (alert.rule() == rule && alert.subject() == subject) found = &alert;
  }
  return found;
}

absl::Status StoryPlayer::ActOnAlert(const Step& step) {
  const auto alerts = ListAlerts(step.by);
  if (!alerts.ok()) return alerts.status();
  const Alert* const alert = Find(*alerts, step.rule, keys_[step.person]);
  if (alert == nullptr) {
    return absl::InternalError(
        absl::StrCat(step.alert, " was never raised for ", step.by));
  }
  json::object request = {
      {"command",
       json::object{{"requestId", absl::StrCat("story-", step.number)},
                    {"time", IsoTime(step.at_us)}}},
      {"alertRef", alert->alert_ref()}};
  if (!step.close.empty()) {
    request["outcome"] = step.close;
    return doors_.Call(step.by, "alerts.CloseAlert", json::serialize(request))
        .status();
  }
  if (step.show) {
    return doors_.Call(step.by, "alerts.ShowAlert", json::serialize(request))
        .status();
  }
  request["action"] = step.accept;
  if (!step.act_by.empty()) request["actBy"] = step.act_by;
  return doors_.Call(step.by, "alerts.AcceptAlert", json::serialize(request))
      .status();
}

absl::Status StoryPlayer::NoteAlerts() {
  for (const char* const watcher : kWatchers) {
    const auto alerts = ListAlerts(watcher);
    if (!alerts.ok()) return alerts.status();
    for (const Alert& alert : *alerts) {
      told_.try_emplace(alert.alert_ref(), watcher, AlertText(alert));
    }
  }
  return absl::OkStatus();
}

absl::Status StoryPlayer::TellAlerts(const Step* step) {
  const bool expects = step != nullptr && !step->raises_alert.empty();
  std::string came;  // Reference.
  for (const char* const watcher : kWatchers) {
    const auto alerts = ListAlerts(watcher);
    if (!alerts.ok()) return alerts.status();
    const Alert* expected =
        expects ? Find(*alerts, step->raises_rule, keys_[step->raises_person])
                : nullptr;
    // One of before is not this step's.
    if (expected != nullptr && expected->raised_at() != step->at_us) {
      expected = nullptr;
    }
    if (expected != nullptr) came = expected->alert_ref();
    for (const Alert& alert : *alerts) {
      const std::string text = AlertText(alert);
      auto& [first, told] =
          told_.try_emplace(alert.alert_ref(), watcher, "").first->second;
      // Whoever sees it second is told the same.
      if (first != watcher || told == text) continue;
      // What people do with it in a step stands in the story.
      const bool is_news = told.empty() || step == nullptr;
      told = text;
      if (!is_news) continue;
      print_(absl::StrCat(
          "ALERT ", &alert == expected ? step->raises_alert + "  " : "", text));
    }
  }
  if (!expects) return TellTexts({}, "");
  if (!came.empty()) return TellTexts(step->raises_texts, came);
  return absl::InternalError(absl::StrCat(
      step->raises_alert, " was not raised at ", LocalTime(step->at_us)));
}

absl::Status StoryPlayer::TellTexts(const std::vector<std::string>& expected,
                                    const std::string& reference) {
  const auto missing = [&] {
    return std::find_if(
        expected.begin(), expected.end(), [&](const std::string& to) {
          const auto came = std::count_if(
              texts_.begin(), texts_.end(), [&](const SentText& text) {
                return text.to == to &&
                       absl::StrContains(text.words, reference);
              });
          return came < std::count(expected.begin(), expected.end(), to);
        });
  };
  do {
    const auto texts = doors_.TakeTexts(missing() == expected.end() ? 0 : 1);
    if (!texts.ok()) return texts.status();
    for (const SentText& text : *texts) {
      texts_.push_back(text);
      if (text.before) continue;
      print_(absl::StrCat("      text to ", text.to, ": ", text.words));
    }
    if (missing() == expected.end()) return absl::OkStatus();
    if (texts->empty()) break;
  } while (true);
  return absl::InternalError(
      absl::StrCat(*missing(), " was not told of ", reference));
}

std::string AlertText(const Alert& alert) {
  std::string text = absl::StrCat(LocalTime(alert.raised_at()), "  ",
                                  alert.alert_ref(), "  ", alert.severity(),
                                  "  ", alert.rule(), "  ", alert.headline());
  const std::string& about =
      alert.localsubject().empty() ? alert.subject() : alert.localsubject();
  absl::StrAppend(&text, "\n    ", about.empty() ? "about no person" : "about ",
                  about, alert.copy() ? "; a copy for you" : "", "; to ",
                  absl::StrJoin(alert.addressees(), ", "));
  for (const auto& evidence : alert.evidence()) {
    absl::StrAppend(&text, "\n    because ", evidence.words());
  }
  if (alert.identity_in_doubt()) {
    absl::StrAppend(&text, "\n    identity in doubt: it may be about another");
  }
  if (!alert.not_known().empty()) {
    absl::StrAppend(&text, "\n    not known: ", alert.not_known());
  }
  if (alert.escalated_at() != 0) {
    absl::StrAppend(&text, "\n    escalated ", LocalTime(alert.escalated_at()),
                    ": nobody had accepted");
  }
  if (alert.withdrawn_at() != 0) {
    absl::StrAppend(&text, "\n    Withdrawn ", LocalTime(alert.withdrawn_at()),
                    ": ", alert.withdrawn_because(),
                    alert.withdrawal_to_accept()
                        ? "\n    say that you know: alerts accept-withdrawal"
                        : "");
  }
  for (const auto& passing : alert.passed_on()) {
    absl::StrAppend(&text, "\n    passed on to ", passing.to(), " by ",
                    passing.doer().by_name(), " ", LocalTime(passing.at()),
                    passing.words().empty() ? "" : ": ", passing.words());
  }
  for (const auto& dispute : alert.disputes()) {
    absl::StrAppend(&text, "\n    held wrong by ", dispute.doer().by_name(),
                    " ", LocalTime(dispute.at()), ": ", dispute.reason());
  }
  if (alert.acceptances().empty() && alert.withdrawn_at() == 0 &&
      alert.state() != "closed") {
    absl::StrAppend(
        &text, "\n    ", alert.state(),
        alert.accept_by() == 0
            ? ""
            : absl::StrCat("; accept by ", LocalTime(alert.accept_by())));
  }
  for (const auto& acceptance : alert.acceptances()) {
    absl::StrAppend(&text, "\n    accepted by ", acceptance.by(), " (",
                    acceptance.agency(), ") ", LocalTime(acceptance.at()),
                    acceptance.action().empty() ? "" : ": ",
                    acceptance.action());
    if (acceptance.limit() == 0 || alert.withdrawn_at() != 0 ||
        alert.state() == "closed") {
      continue;
    }
    absl::StrAppend(
        &text, "\n        to be done by ", LocalTime(acceptance.limit()),
        acceptance.act_by().empty() ? ", the usual limit" : ", as promised");
  }
  if (alert.overdue() && alert.withdrawn_at() == 0) {
    absl::StrAppend(&text, "\n    OVERDUE: was to be done by ",
                    LocalTime(alert.act_by()));
  }
  if (alert.state() == "closed") {
    absl::StrAppend(&text, "\n    closed ", LocalTime(alert.closed_at()), ": ",
                    alert.outcome());
  }
  return text;
}

}  // namespace concordat::cli

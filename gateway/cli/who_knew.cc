// concordat who-knew
#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"
#include "gateway/cli/keys/key_files.h"
#include "gateway/cli/who_knew_page.h"
#include "services/common/base/bytes.h"
#include "services/common/bundle/bundle.h"
#include "services/common/config/evidence_keys.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kMethod[] = "concordat.access.v1.WhoKnewService/WhoKnew";

// Checked with the log's key of the data directory, not with what the bus says.
absl::Status ShowCompleteness(const Hub& hub, const std::string& bundle,
                              bool as_json) {
  const auto key = LoadLogKey(hub.data());
  if (!key.ok()) return key.status();
  const auto checked = CheckBundle(bundle, {*key, {}});
  if (!checked.ok()) return checked.status();
  const Completeness& complete = checked->completeness;
  const access::v1::WhoKnewReport& report = checked->bundle.report();
  if (as_json) {
    std::vector<std::string> gaps;
    for (const auto& gap : report.could_not_know()) gaps.push_back(ToJson(gap));
    std::printf(
        "{\"origin\":\"%s\",\"completeThrough\":%llu,\"root\":\"%s\","
        "\"subject\":\"%s\",\"events\":%llu,\"shown\":%llu,\"notShown\":[%s],"
        "\"couldNotKnow\":[%s]}\n",
        checked->checkpoint.origin.c_str(),
        static_cast<unsigned long long>(complete.through),
        absl::BytesToHexString(AsView(checked->checkpoint.root)).c_str(),
        report.subject().c_str(),
        static_cast<unsigned long long>(complete.events),
        static_cast<unsigned long long>(complete.shown),
        absl::StrJoin(complete.not_shown, ",").c_str(),
        absl::StrJoin(gaps, ",").c_str());
    return absl::OkStatus();
  }
  std::printf("%s\nsigned at the checkpoint of %llu events by %s\n",
              absl::StrJoin(checked->limits, "\n").c_str(),
              static_cast<unsigned long long>(complete.through),
              checked->checkpoint.origin.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunWhoKnew(const std::vector<std::string>& arguments) {
  CommandLine line(
      "who-knew --person NUMBER [--at TIME] --profile NAME",
      "What each agency and role could see of a person at a moment, was\n"
      "delivered, acknowledged and opened; what was withheld and by which "
      "line;\n"
      "alerts and who acted; what could not have been known from the hub.\n"
      "For co-ordinators and guardians.");
  std::string person;
  std::string at;
  std::string html;
  std::string bundle;
  bool complete = false;
  line.flags().AddString("person", "p-…, or ref:SYSTEM:NUMBER.", &person);
  line.flags().AddString("at", "2025-11-24T17:25:00Z; default now.", &at);
  line.flags().AddString("html", "Writes a page to print into this file.",
                         &html);
  line.flags().AddBool(
      "complete",
      "Says instead how many events of the person there are up to which "
      "checkpoint, as the log's key signed it, and what could not be known.",
      &complete);
  line.flags().AddString(
      "bundle", "Writes evidence into this file, for `concordat verify`.",
      &bundle);
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  if (person.empty()) return absl::InvalidArgumentError("say --person");
  access::v1::WhoKnewRequest request;
  if (!at.empty()) {
    const auto time = ParseIsoTime(at);
    if (!time.ok()) {
      return absl::InvalidArgumentError(
          "--at: a time like 2025-11-24T17:25:00Z");
    }
    request.set_at(*time);
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  auto subject = (*hub)->ResolveSubject(person);
  if (!subject.ok()) return subject.status();
  request.set_subject(*std::move(subject));
  request.set_with_bundle(!bundle.empty() || complete);
  const auto response =
      (*hub)->Call<access::v1::WhoKnewResponse>(kProgram, kMethod, request);
  if (!response.ok()) return response.status();
  const access::v1::WhoKnewReport& report = response->report();
  absl::Status status;
  if (!html.empty()) {
    status = ReplaceFile(html, WhoKnewPage(report), kPrivateFile);
  }
  if (status.ok() && !bundle.empty()) {
    status = ReplaceFile(bundle, response->bundle(), kPrivateFile);
  }
  if (!status.ok()) return status;
  if (complete) return ShowCompleteness(**hub, response->bundle(), line.json());
  if (line.json()) {
    std::printf("%s\n", ToJson(report).c_str());
  } else if (html.empty() && bundle.empty()) {
    std::printf("%s", WhoKnewText(report).c_str());
  }
  return absl::OkStatus();
}

}  // namespace concordat::cli

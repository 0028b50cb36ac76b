#include "gateway/cli/access_question.h"

#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kMethod[] = "concordat.access.v1.AccessService/ListAccess";
constexpr const char* kPrograms[] = {
    "concordat-bus",    "concordat-identity",   "concordat-police",
    "concordat-nhs",    "concordat-socialwork", "concordat-mappa",
    "concordat-alerts",
};
// Door and edges run where they are wanted. One that never ran on this data
// directory has nothing to tell.
constexpr const char* kDoors[][2] = {
    // Program, and its folder.
    {"concordat-gateway", "gateway"},
    {"concordat-adapter", "edge-health"},
};
constexpr char kHealthEdge[] = "edge-health";

bool HasRun(const Hub& hub, const std::string& folder) {
  std::error_code error;
  return std::filesystem::exists(hub.data().PathOf(folder + "/access"), error);
}

// Adapters of case files are programs of their own names; that of health is
// concordat-adapter.
absl::StatusOr<std::vector<std::string>> CaseFileEdgesOf(const Hub& hub) {
  const auto registry = hub.data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  std::vector<std::string> edges;
  for (const auto& principal : (*registry)->proto().principals()) {
    if (principal.role() == "adapter" && principal.name() != kHealthEdge &&
        !principal.revoked() && HasRun(hub, principal.name())) {
      edges.push_back(principal.name());
    }
  }
  return edges;
}

}  // namespace

void AddQuestionFlags(CommandLine& line, AccessQuestion* question) {
  line.flags().AddString("person", "p-…, or ref:SYSTEM:NUMBER.",
                         &question->person);
  line.flags().AddString("agency", "Of who did it, or to whom.",
                         &question->agency);
  line.flags().AddString("user", "A principal, account or staff reference.",
                         &question->user);
  line.flags().AddString("operation", "One of the six.", &question->operation);
  line.flags().AddString("from", "2026-11-27T09:00:00Z", &question->from);
  line.flags().AddString("to", "Before this time.", &question->to);
}

absl::StatusOr<access::v1::ListAccessRequest> RequestOf(
    Hub& hub, const AccessQuestion& question) {
  access::v1::ListAccessRequest request;
  if (!question.person.empty()) {
    auto subject = hub.ResolveSubject(question.person);
    if (!subject.ok()) return subject.status();
    request.set_subject(*std::move(subject));
  }
  request.set_agency(question.agency);
  request.set_user(question.user);
  if (!question.operation.empty()) {
    policy::v1::Operation operation;
    if (!policy::v1::Operation_Parse(
            absl::StrCat("OPERATION_",
                         absl::AsciiStrToUpper(question.operation)),
            &operation)) {
      return absl::InvalidArgumentError(
          "--operation: collection, alteration, consultation, disclosure, "
          "combination or erasure");
    }
    request.add_operations(operation);
  }
  const auto time = [](const char* flag, const std::string& text,
                       uint64_t* into) -> absl::Status {
    if (text.empty()) return absl::OkStatus();
    const auto parsed = ParseIsoTime(text);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(flag, ": a time like 2026-11-27T09:00:00Z"));
    }
    *into = *parsed;
    return absl::OkStatus();
  };
  uint64_t from = 0;
  uint64_t to = 0;
  absl::Status status = time("--from", question.from, &from);
  if (status.ok()) status = time("--to", question.to, &to);
  if (!status.ok()) return status;
  request.set_from(from);
  request.set_to(to);
  return request;
}

absl::StatusOr<std::vector<std::string>> AskEveryProgram(
    Hub& hub, const access::v1::ListAccessRequest& request,
    const std::function<void(const access::v1::ListAccessResponse&)>& page) {
  std::vector<std::string> programs(std::begin(kPrograms), std::end(kPrograms));
  const auto edges = CaseFileEdgesOf(hub);
  if (!edges.ok()) return edges.status();
  programs.insert(programs.end(), edges->begin(), edges->end());
  for (const auto& [program, folder] : kDoors) {
    if (HasRun(hub, folder)) programs.emplace_back(program);
  }
  // What one program has not said is named, and the others are asked.
  std::vector<std::string> missing;
  for (const std::string& program : programs) {
    access::v1::ListAccessRequest next = request;
    for (bool more = true; more;) {
      const auto answer =
          hub.Call<access::v1::ListAccessResponse>(program, kMethod, next);
      if (absl::IsUnavailable(answer.status())) {
        missing.push_back(std::string(answer.status().message()));
        break;
      }
      if (!answer.ok()) return answer.status();
      page(*answer);
      if (next.after() == request.after() &&
          next.after_event() == request.after_event() &&
          !answer->missing().empty()) {
        missing.push_back(absl::StrCat(program, ": ", answer->missing()));
      }
      more = answer->more();
      next.set_after(answer->next());
      next.set_after_event(answer->next_event());
    }
  }
  return missing;
}

}  // namespace concordat::cli

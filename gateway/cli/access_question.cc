#include "gateway/cli/access_question.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kMethod[] = "concordat.access.v1.AccessService/ListAccess";
// Its door runs where it is wanted. One that never ran on this data directory has
// nothing to tell.
constexpr char kGateway[] = "concordat-gateway";
constexpr char kGatewayFolder[] = "gateway";

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

absl::StatusOr<std::vector<std::string>> AskedElsewhere(const Hub& hub) {
  const auto registry = hub.data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  std::vector<std::string> elsewhere;
  for (const HubProgram& each : ProgramsOf((*registry)->proto())) {
    if (each.is_edge && !HasRunOn(hub.data(), each.folder)) {
      elsewhere.push_back(each.folder);
    }
  }
  return elsewhere;
}

absl::StatusOr<std::vector<std::string>> AskEveryProgram(
    Hub& hub, const access::v1::ListAccessRequest& request,
    const std::function<void(const access::v1::ListAccessResponse&)>& page) {
  const auto registry = hub.data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  std::vector<std::string> programs;
  for (const HubProgram& each :
       ProgramsHere(hub.data(), (*registry)->proto())) {
    programs.push_back(each.program);
  }
  if (HasRunOn(hub.data(), kGatewayFolder)) programs.emplace_back(kGateway);
  // What one program has not said is named, and the others are asked.
  std::vector<std::string> missing;
  for (const std::string& program : programs) {
    access::v1::ListAccessRequest next = request;
    for (bool more = true; more;) {
      const auto answer =
          hub.Call<access::v1::ListAccessResponse>(program, kMethod, next);
      if (absl::IsUnavailable(answer.status()) ||
          absl::IsDeadlineExceeded(answer.status())) {
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

// A question about who reached what of whom, to every program of the hub.
#ifndef CONCORDAT_GATEWAY_CLI_ACCESS_QUESTION_H_
#define CONCORDAT_GATEWAY_CLI_ACCESS_QUESTION_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/access/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/programs.h"

namespace concordat::cli {

// As the flags have it.
struct AccessQuestion {
  std::string person;
  std::string agency;
  std::string user;
  std::string operation;
  std::string from;
  std::string to;
};
void AddQuestionFlags(CommandLine& line, AccessQuestion* question);

//   INVALID_ARGUMENT  names the flag.  And as Hub::ResolveSubject().
absl::StatusOr<access::v1::ListAccessRequest> RequestOf(
    Hub& hub, const AccessQuestion& question);

// Adapters of the registry that never ran on this data directory: what they recorded
// is at their agency, and is asked for there.
absl::StatusOr<std::vector<std::string>> AskedElsewhere(const Hub& hub);

// Every page of every program of the hub that runs here, in order. Answers which did
// not: the others are asked.  Errors other than UNAVAILABLE and DEADLINE_EXCEEDED end
// it.
absl::StatusOr<std::vector<std::string>> AskEveryProgram(
    Hub& hub, const access::v1::ListAccessRequest& request,
    const std::function<void(const access::v1::ListAccessResponse&)>& page);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_ACCESS_QUESTION_H_

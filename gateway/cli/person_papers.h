// concordat person pack | schedule
#ifndef CONCORDAT_GATEWAY_CLI_PERSON_PAPERS_H_
#define CONCORDAT_GATEWAY_CLI_PERSON_PAPERS_H_

#include <string>

#include "absl/status/status.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"

namespace concordat::cli {

struct PaperRequest {
  bool is_schedule = false;
  std::string whom;        // A person key, or ref:SYSTEM:NUMBER.
  std::string controller;  // Empty: the caller's agency.
  std::string to;          // TO.json and TO.html; empty: to the terminal.
  bool as_json = false;
};

// Reads what the caller may see of the person and writes the paper.
//   PERMISSION_DENIED  the pack of another controller than the caller's agency:
//                      each answers for its own.
//   ALREADY_EXISTS     a file of that name.  And as the bus answers.
absl::Status MakePersonPaper(const CommandLine& line,
                             const PaperRequest& request);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_PERSON_PAPERS_H_

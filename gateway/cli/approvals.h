// Acts that need two people, at the command line: one asks, another does it by the
// same command with --approve.
#ifndef CONCORDAT_GATEWAY_CLI_APPROVALS_H_
#define CONCORDAT_GATEWAY_CLI_APPROVALS_H_

#include <string>

#include "concordat/bus/v1/approval.pb.h"
#include "gateway/cli/command.h"

namespace concordat::cli {

// Of every command that does such an act.
void AddApproveFlag(CommandLine& line, std::string* approval);
// What was asked for, and what the other person does.
void PrintAsked(const bus::v1::AskedApproval& asked);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_APPROVALS_H_

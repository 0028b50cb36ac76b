// What papers about the hub itself and about people's rights need of it.
#ifndef CONCORDAT_GATEWAY_CLI_PAPER_RECORDS_H_
#define CONCORDAT_GATEWAY_CLI_PAPER_RECORDS_H_

#include <string>

#include "absl/status/statusor.h"
#include "gateway/cli/access_question.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/hub.h"

namespace concordat::cli {

// Of the period of `question`: changes of the registry; and the accounts of this
// data directory. For a guardian, of its agency.
//   INVALID_ARGUMENT  names the flag.
absl::StatusOr<PeopleParts> CollectPeople(Hub& hub,
                                          const AccessQuestion& question);

absl::StatusOr<EdgeParts> CollectEdge(Hub& hub);

// Of the period of `question`. `record`: a file of records of another machine's
// backups and restores beside this one's; empty: none.
// What was known is asked of the newest kOutagesAskedMax outages that the log tells,
// of at most kPeopleAskedMax people with an open case.
//   INVALID_ARGUMENT  names the flag, or file and line.  NOT_FOUND  no such file.
inline constexpr size_t kOutagesAskedMax = 3;
inline constexpr size_t kPeopleAskedMax = 50;
absl::StatusOr<ResilienceParts> CollectResilience(
    Hub& hub, const Sources& sources, const AccessQuestion& question,
    const std::string& record);

// Of the caller's agency.
absl::StatusOr<RightsParts> CollectRights(Hub& hub);

// Of the alerts and cases that the caller sees.
absl::StatusOr<EqualityRecords> CollectEquality(
    Hub& hub, const alerts::v1::ListAlertsResponse& alerts);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_PAPER_RECORDS_H_

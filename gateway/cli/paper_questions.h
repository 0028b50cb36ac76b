// What papers need of the hub that no file of the data directory has.
#ifndef CONCORDAT_GATEWAY_CLI_PAPER_QUESTIONS_H_
#define CONCORDAT_GATEWAY_CLI_PAPER_QUESTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/access/v1/extract.pb.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "gateway/cli/access_question.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/hub.h"
#include "services/common/calendar/limit_clocks.h"

namespace concordat::cli {

// One call of a program's service, by its full name.
template <typename Response, typename Request>
absl::StatusOr<Response> AskBus(Hub& hub, const char* method,
                                const Request& request) {
  return hub.Call<Response>("concordat-bus", method, request);
}

// What every program answers. With proof: each row's record, and of at most
// kEventsProvedMax events that they are in the log's tree; the others are without.
//   As RequestOf() and AskEveryProgram().
inline constexpr size_t kEventsProvedMax = 10'000;
absl::StatusOr<access::v1::AccessExtract> CollectExtract(
    Hub& hub, const AccessQuestion& question, absl::Time now, bool with_proof);

// Every case that the caller sees, with its history.
absl::StatusOr<CaseRecords> CollectCases(Hub& hub);
// How many, by state, level and lead, of those.
std::vector<PeopleCount> CountPeople(const Sources& sources,
                                     const CaseRecords& records);

// Of the facts that the caller may see.
absl::StatusOr<std::vector<Review>> CollectReviews(Hub& hub);
absl::StatusOr<std::vector<Assessment>> CollectAssessments(Hub& hub);

absl::StatusOr<LimitClocks> LoadLimitClocks(const Sources& sources,
                                            const DataDirectory& data);

// Who knew what of a person at a moment; 0: now. Nothing: nothing of the person is
// for the caller.
absl::StatusOr<std::optional<access::v1::WhoKnewReport>> AskWhoKnew(
    Hub& hub, const std::string& person, uint64_t at);

// Of `question`: the person, or everybody whom its rows name, at most
// kBreachPeopleMax.
//   INVALID_ARGUMENT  `known` is no time; nothing says whose data; too many people.
inline constexpr size_t kBreachPeopleMax = 200;
absl::StatusOr<Breach> CollectBreach(Hub& hub, const Sources& sources,
                                     const AccessQuestion& question,
                                     const std::string& known);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_PAPER_QUESTIONS_H_

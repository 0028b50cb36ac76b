// Risk assessment tools and their scales, versioned. A level that did not
// follow its total stood unnoticed for years in a national system,
// so here the first message with one is refused. PURE.
#ifndef CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_TOOL_BOOK_H_
#define CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_TOOL_BOOK_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "concordat/socialwork/v1/tools.pb.h"

namespace concordat::socialwork {

class ToolBook {
 public:
  //   INVALID_ARGUMENT  names the tool: no date it holds from, no levels, a
  //                     band of an unlisted level, bands that overlap or leave
  //                     a gap, two versions from one day.
  static absl::StatusOr<ToolBook> Build(std::vector<v1::AssessmentTool> tools);

  // The version in force on `day`. Null: none.
  const v1::AssessmentTool* Find(absl::string_view tool,
                                 absl::CivilDay day) const;

 private:
  std::vector<v1::AssessmentTool> tools_;  // By tool, newest first.
};

// The level of `total`; empty: the scale ends before it.
absl::string_view BandOf(const v1::AssessmentTool& tool, uint32_t total);

// What the assessment's level is by this scale: as given, or that of its total.
//   INVALID_ARGUMENT  the total is missing or past the scale; the level is
//                     missing, not of the tool, or not that of the total
//                     although nobody overrode it; an override without a
//                     reason, a reason without an override, or one that
//                     changes nothing.
absl::StatusOr<std::string> JudgeLevel(const v1::AssessmentTool& tool,
                                       const v1::AssessmentCompleted& command);

}  // namespace concordat::socialwork

#endif  // CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_TOOL_BOOK_H_

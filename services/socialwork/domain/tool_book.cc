#include "services/socialwork/domain/tool_book.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace concordat::socialwork {
namespace {

absl::Status Fault(const v1::AssessmentTool& tool, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("assessment tool ", tool.tool(), ": ", what));
}

bool Knows(const v1::AssessmentTool& tool, absl::string_view level) {
  return std::find(tool.levels().begin(), tool.levels().end(), level) !=
         tool.levels().end();
}

absl::Status Check(const v1::AssessmentTool& tool) {
  absl::CivilDay day;
  if (tool.tool().empty()) return Fault(tool, "has no name");
  if (!absl::ParseCivilTime(tool.effective(), &day)) {
    return Fault(tool, "effective: is not a date");
  }
  if (tool.levels().empty()) return Fault(tool, "levels: there are none");
  uint32_t next = 0;
  for (const v1::AssessmentBand& band : tool.bands()) {
    if (!Knows(tool, band.level())) {
      return Fault(tool, "bands: names a level that is not listed");
    }
    if (band.from() != next || band.to() < band.from()) {
      return Fault(tool, "bands: go from 0 upwards without gap or overlap");
    }
    next = band.to() + 1;
  }
  return absl::OkStatus();
}

// ISO dates sort as text.
bool Before(const v1::AssessmentTool& a, const v1::AssessmentTool& b) {
  return std::pair(a.tool(), b.effective()) <
         std::pair(b.tool(), a.effective());
}

absl::Status Wrong(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("assessment.", field, ": ", what));
}

}  // namespace

absl::StatusOr<ToolBook> ToolBook::Build(
    std::vector<v1::AssessmentTool> tools) {
  for (const v1::AssessmentTool& tool : tools) {
    if (const absl::Status checked = Check(tool); !checked.ok()) {
      return checked;
    }
  }
  std::sort(tools.begin(), tools.end(), Before);
  const auto twice = std::adjacent_find(
      tools.begin(), tools.end(),
      [](const v1::AssessmentTool& a, const v1::AssessmentTool& b) {
        return a.tool() == b.tool() && a.effective() == b.effective();
      });
  if (twice != tools.end()) {
    return Fault(*twice, "effective: two versions from one day");
  }
  ToolBook book;
  book.tools_ = std::move(tools);
  return book;
}

const v1::AssessmentTool* ToolBook::Find(absl::string_view tool,
                                         absl::CivilDay day) const {
  const std::string on = absl::FormatCivilTime(day);
  for (const v1::AssessmentTool& each : tools_) {
    if (each.tool() == tool && each.effective() <= on) return &each;
  }
  return nullptr;
}

absl::string_view BandOf(const v1::AssessmentTool& tool, uint32_t total) {
  for (const v1::AssessmentBand& band : tool.bands()) {
    if (total >= band.from() && total <= band.to()) return band.level();
  }
  return "";
}

absl::StatusOr<std::string> JudgeLevel(const v1::AssessmentTool& tool,
                                       const v1::AssessmentCompleted& command) {
  const bool computed = !tool.bands().empty();
  std::string level = command.level();
  const std::string band(computed ? BandOf(tool, command.total()) : "");
  if (computed && !command.has_total()) {
    return Wrong("total", absl::StrCat("is needed with ", tool.tool()));
  }
  if (computed && band.empty()) {
    return Wrong("total",
                 absl::StrCat("is past the scale of ", tool.tool(),
                              ", which ends at ", tool.bands().rbegin()->to()));
  }
  if (level.empty() && !command.overridden()) level = band;
  if (!Knows(tool, level)) {
    return Wrong("level", absl::StrCat("needs one of ",
                                       absl::StrJoin(tool.levels(), ", ")));
  }
  if (command.overridden() && command.override_reason().empty()) {
    return Wrong("override_reason", "is needed with an override");
  }
  if (!command.overridden() && !command.override_reason().empty()) {
    return Wrong("override_reason", "is for an override");
  }
  if (computed && command.overridden() && level == band) {
    return Wrong("overridden", "the level is that of the total");
  }
  if (computed && !command.overridden() && level != band) {
    return Wrong("level", absl::StrCat("a total of ", command.total(), " is ",
                                       band, "; another level is an override"));
  }
  return level;
}

}  // namespace concordat::socialwork

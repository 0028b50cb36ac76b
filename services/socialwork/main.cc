#include <utility>
#include <vector>

#include "services/common/projection/command_service.h"
#include "services/common/rpc/program.h"
#include "services/socialwork/rpc/social_work_service.h"

namespace {

using concordat::socialwork::ToolBook;

absl::StatusOr<ToolBook> LoadTools(const concordat::DataDirectory& data) {
  const auto files = data.LoadAssessmentTools();
  if (!files.ok()) return files.status();
  std::vector<concordat::socialwork::v1::AssessmentTool> tools;
  for (const concordat::TextFile& file : *files) {
    const absl::Status parsed =
        concordat::ParseTextProto(file, &tools.emplace_back());
    if (!parsed.ok()) return parsed;
  }
  return ToolBook::Build(std::move(tools));
}

}  // namespace

int main(int argc, char** argv) {
  concordat::Program program({.name = "concordat-socialwork",
                              .summary = "Commands of justice social work.",
                              .principal = "service-socialwork",
                              .folder = "socialwork"},
                             argc, argv);
  concordat::CommandService service(program);
  const ToolBook tools = program.start().Value(LoadTools(program.data()));
  concordat::socialwork::RegisterSocialWorkService(
      program.host(), service.runner(), tools,
      program.start().Value(concordat::LondonTime()));
  program.Serve();
  return 0;
}

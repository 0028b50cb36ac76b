#include "gateway/cli/programs.h"

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace concordat::cli {
namespace {

constexpr const char* kServices[] = {"identity",   "police", "nhs",
                                     "socialwork", "mappa",  "alerts"};
// The adapter of health runs as concordat-adapter; those of case files are programs
// of their own names.
constexpr char kHealthEdge[] = "edge-health";
constexpr char kHealthProgram[] = "concordat-adapter";

}  // namespace

std::vector<HubProgram> ProgramsOf(const bus::v1::Registry& registry) {
  std::vector<HubProgram> programs = {{"concordat-bus", "bus"}};
  for (const char* const service : kServices) {
    for (const bus::v1::Principal& each : registry.principals()) {
      if (!each.revoked() && each.name() == absl::StrCat("service-", service)) {
        programs.push_back({absl::StrCat("concordat-", service), service});
      }
    }
  }
  for (const bus::v1::Principal& each : registry.principals()) {
    if (each.revoked() || each.role() != "adapter") continue;
    programs.push_back(
        {each.name() == kHealthEdge ? kHealthProgram : each.name(), each.name(),
         /*is_edge=*/true});
  }
  return programs;
}

bool HasRunOn(const DataDirectory& data, const std::string& folder) {
  std::error_code error;
  return std::filesystem::exists(data.PathOf(folder + "/access"), error);
}

std::vector<HubProgram> ProgramsHere(const DataDirectory& data,
                                     const bus::v1::Registry& registry) {
  std::vector<HubProgram> programs = ProgramsOf(registry);
  std::erase_if(programs, [&](const HubProgram& each) {
    return each.is_edge && !HasRunOn(data, each.folder);
  });
  return programs;
}

}  // namespace concordat::cli

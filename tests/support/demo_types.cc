#include "tests/support/demo_types.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"

namespace concordat::testing {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::string ReadBuilt(const char* name) {
  return ReadAll(std::filesystem::path(std::getenv("CONCORDAT_BUILD")) / name);
}

// Every text proto of a folder of the source tree, by name.
template <typename Message>
absl::StatusOr<std::vector<Message>> ReadFolder(const std::string& folder) {
  const std::filesystem::path source = std::getenv("CONCORDAT_SOURCE");
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(source / folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Message> messages;
  for (const auto& path : paths) {
    if (!google::protobuf::TextFormat::ParseFromString(
            ReadAll(path), &messages.emplace_back())) {
      return absl::InvalidArgumentError(path.string());
    }
  }
  return messages;
}

}  // namespace

std::string DemoDescriptorSet() { return ReadBuilt("concordat.binpb"); }

std::string DemoDocumentedSet() {
  return ReadBuilt("concordat-documented.binpb");
}

absl::StatusOr<std::shared_ptr<const TypeRegistry>> DemoTypes() {
  const auto codes = ReadFolder<policy::v1::CodeList>("deploy/config/codes");
  if (!codes.ok()) return codes.status();
  return TypeRegistry::Build(DemoDescriptorSet(), *codes);
}

absl::StatusOr<std::vector<policy::v1::Agreement>> DemoAgreements() {
  return ReadFolder<policy::v1::Agreement>("deploy/agreements");
}

absl::StatusOr<std::vector<alerts::v1::Rule>> DemoRules() {
  return ReadFolder<alerts::v1::Rule>("deploy/rules");
}

absl::StatusOr<std::vector<hub::v1::Feed>> DemoFeeds() {
  return ReadFolder<hub::v1::Feed>("deploy/config/feeds");
}

absl::StatusOr<std::vector<policy::v1::Calendar>> DemoCalendars() {
  return ReadFolder<policy::v1::Calendar>("deploy/calendars");
}

absl::StatusOr<std::vector<policy::v1::LimitClocks>> DemoClocks() {
  return ReadFolder<policy::v1::LimitClocks>("deploy/clocks");
}

absl::StatusOr<bus::v1::Registry> DemoRegistry() {
  const std::filesystem::path source = std::getenv("CONCORDAT_SOURCE");
  const auto path = source / "deploy/demo/registry.textproto";
  bus::v1::Registry registry;
  if (google::protobuf::TextFormat::ParseFromString(ReadAll(path), &registry)) {
    return registry;
  }
  return absl::InvalidArgumentError(path.string());
}

absl::StatusOr<std::vector<identity::v1::RolesDefined>> DemoRoles() {
  return ReadFolder<identity::v1::RolesDefined>("deploy/config/roles");
}

}  // namespace concordat::testing

#include "tests/support/demo_types.h"

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

}  // namespace

absl::StatusOr<std::shared_ptr<const TypeRegistry>> DemoTypes() {
  const std::filesystem::path source = std::getenv("CONCORDAT_SOURCE");
  const std::filesystem::path build = std::getenv("CONCORDAT_BUILD");
  std::vector<policy::v1::CodeList> codes;
  for (const auto& entry :
       std::filesystem::directory_iterator(source / "deploy/config/codes")) {
    if (!google::protobuf::TextFormat::ParseFromString(ReadAll(entry.path()),
                                                       &codes.emplace_back())) {
      return absl::InvalidArgumentError(entry.path().string());
    }
  }
  return TypeRegistry::Build(ReadAll(build / "concordat.binpb"), codes);
}

}  // namespace concordat::testing

// The CloudEvents project's own JSON examples. None is of a type of ours, so
// each that is a CloudEvent is read and refused as an unknown type, and each
// that is not is refused as malformed. Found in $CONCORDAT_CORPORA, else beside
// the source tree.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "boost/json.hpp"
#include "gmock/gmock.h"
#include "services/common/event/cloudevents.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;

std::filesystem::path Corpus() {
  const char* const corpora = std::getenv("CONCORDAT_CORPORA");
  const std::filesystem::path root =
      corpora != nullptr
          ? std::filesystem::path(corpora)
          : std::filesystem::path(std::getenv("CONCORDAT_SOURCE")) /
                "../shared/corpora";
  return root / "cloudevents/spec";
}

std::vector<std::filesystem::path> FilesOf(
    const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The attributes that CloudEvents 1.0 requires, as it requires them.
bool IsCloudEvent(const std::string& text) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  if (error || !value.is_object()) return false;
  for (const char* const name : {"specversion", "id", "source", "type"}) {
    const boost::json::value* const attribute =
        value.get_object().if_contains(name);
    if (attribute == nullptr || !attribute->is_string() ||
        attribute->get_string().empty()) {
      return false;
    }
  }
  return value.get_object().at("specversion") == "1.0";
}

TEST(Corpus, EveryExampleGetsAnAnswer) {
  if (!std::filesystem::exists(Corpus() / "json")) {
    GTEST_SKIP() << "corpora not here: skipped";
  }
  const auto types = *testing::DemoTypes();
  int events = 0;
  int others = 0;
  for (const auto& path : FilesOf(Corpus() / "json")) {
    SCOPED_TRACE(path.filename());
    const std::string text = Read(path);
    const auto parsed = ParseCloudEvent(*types, text);
    if (IsCloudEvent(text)) {
      EXPECT_THAT(parsed, HasCode(absl::StatusCode::kNotFound));
      ++events;
    } else {
      EXPECT_THAT(parsed, HasCode(absl::StatusCode::kInvalidArgument));
      ++others;
    }
  }
  EXPECT_GT(events, 10);
  EXPECT_GT(others, 0);
}

TEST(Corpus, WhatDoesNotParseIsRefused) {
  if (!std::filesystem::exists(Corpus() / "json-with-elisions")) {
    GTEST_SKIP() << "corpora not here: skipped";
  }
  const auto types = *testing::DemoTypes();
  int files = 0;
  for (const auto& path : FilesOf(Corpus() / "json-with-elisions")) {
    EXPECT_THAT(ParseCloudEvent(*types, Read(path)),
                HasCode(absl::StatusCode::kInvalidArgument))
        << path.filename();
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace concordat

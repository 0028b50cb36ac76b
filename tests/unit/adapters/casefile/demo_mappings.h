// What deploy/config/casefile holds.
#ifndef CONCORDAT_TESTS_UNIT_ADAPTERS_CASEFILE_DEMO_MAPPINGS_H_
#define CONCORDAT_TESTS_UNIT_ADAPTERS_CASEFILE_DEMO_MAPPINGS_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "adapters/casefile/mapping_set.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"

namespace concordat::casefile::testing {

inline absl::TimeZone London() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &zone));
  return zone;
}

inline edge::v1::CaseFileMapping ParseMapping(const std::string& text) {
  edge::v1::CaseFileMapping mapping;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &mapping));
  return mapping;
}

inline edge::v1::CaseFileMapping DemoMapping(const std::string& name) {
  const char* const source = std::getenv("CONCORDAT_SOURCE");
  std::ifstream file(absl::StrCat(source == nullptr ? "." : source,
                                  "/deploy/config/casefile/", name,
                                  ".textproto"));
  return ParseMapping({std::istreambuf_iterator<char>(file), {}});
}

inline absl::StatusOr<MappingSet> DemoMappingSet(
    std::shared_ptr<const TypeRegistry> types) {
  return MappingSet::Build(
      {DemoMapping("dundee-contacts-1"), DemoMapping("dundee-first-contacts-1"),
       DemoMapping("dundee-orders-1")},
      {"dundee-orders", "dundee-first-contacts", "dundee-contacts"}, types,
      London());
}

}  // namespace concordat::casefile::testing

#endif  // CONCORDAT_TESTS_UNIT_ADAPTERS_CASEFILE_DEMO_MAPPINGS_H_

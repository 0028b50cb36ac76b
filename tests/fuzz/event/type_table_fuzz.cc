// The pass over group bytes never reads outside them, and what it and Split()
// take, protobuf's own parser takes.
#include <cstdint>

#include "google/protobuf/stubs/logging.h"
#include "services/common/base/check.h"
#include "tests/fuzz/event/fuzz_types.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const silence = new google::protobuf::LogSilencer;
  (void)silence;
  static const auto& types =
      *new std::shared_ptr<const concordat::TypeRegistry>(
          concordat::testing::FuzzTypes());
  const concordat::EventType& type = *types->Find("test.Everything");
  const absl::string_view message(reinterpret_cast<const char*>(data), size);
  const auto split = type.Split(message);
  if (!split.ok()) return 0;
  std::vector<concordat::BasicGroup<absl::string_view>> groups;
  std::string joined;
  for (const auto& group : *split) {
    groups.push_back({group.number, group.data});
    joined += group.data;
  }
  CONCORDAT_CHECK(joined.size() == message.size());
  std::vector<std::string> faults;
  if (!type.Check(groups, &faults).ok()) return 0;
  CONCORDAT_CHECK(types->ToJson(type.name(), joined).ok());
  // Without a way to forgive, a fault is an error and the other way round.
  CONCORDAT_CHECK(type.Check(groups, nullptr).ok() == faults.empty());
  CONCORDAT_CHECK(type.ReadPolicyFacts(message).ok());
  return 0;
}

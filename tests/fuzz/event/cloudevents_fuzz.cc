// Any text gets an answer, and what is taken is written and read again to the
// same text.
#include <cstdint>

#include "google/protobuf/stubs/logging.h"
#include "services/common/base/check.h"
#include "services/common/event/cloudevents.h"
#include "tests/fuzz/event/fuzz_types.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const silence = new google::protobuf::LogSilencer;
  (void)silence;
  static const auto& types =
      *new std::shared_ptr<const concordat::TypeRegistry>(
          concordat::testing::FuzzTypes());
  // Past the attributes that no mutation finds by itself.
  const std::string head =
      R"({"specversion":"1.0","id":"1","source":"s","type":"test.Everything",)";
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  (void)concordat::ParseCloudEvent(*types, input);
  const auto event =
      concordat::ParseCloudEvent(*types, head + std::string(input) + "}");
  if (!event.ok()) return 0;
  const auto written = concordat::WriteCloudEvent(*types, *event);
  CONCORDAT_CHECK(written.ok());
  const auto again = concordat::ParseCloudEvent(*types, *written);
  CONCORDAT_CHECK(again.ok());
  CONCORDAT_CHECK(*concordat::WriteCloudEvent(*types, *again) == *written);
  return 0;
}

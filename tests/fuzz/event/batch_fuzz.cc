// Whatever bytes a peer sends, the decoders answer; and what they take, our
// encoder writes again to the same meaning.
#include <cstdint>

#include "google/protobuf/stubs/logging.h"
#include "services/common/base/check.h"
#include "services/common/event/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const silence = new google::protobuf::LogSilencer;
  (void)silence;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto events = concordat::DecodeBatch(bytes);
  if (events.ok()) {
    concordat::BatchEncoder encoder;
    for (const concordat::EventView& event : *events) encoder.Add(event);
    const std::string written = encoder.Take();
    const auto again = concordat::DecodeBatch(written);
    CONCORDAT_CHECK(again.ok() && again->size() == events->size());
    for (size_t i = 0; i < events->size(); ++i) {
      const concordat::EventView& a = (*events)[i];
      const concordat::EventView& b = (*again)[i];
      std::string header_a;
      std::string header_b;
      concordat::AppendHeader(a.header, header_a);
      concordat::AppendHeader(b.header, header_b);
      CONCORDAT_CHECK(header_a == header_b);
      CONCORDAT_CHECK(a.groups.size() == b.groups.size());
      CONCORDAT_CHECK(a.digest == b.digest && a.seed == b.seed);
    }
  }
  (void)concordat::DecodeHeader(bytes);
  (void)concordat::DecodeDeliver(bytes);
  (void)concordat::DecodeStreamEvents(bytes);
  return 0;
}

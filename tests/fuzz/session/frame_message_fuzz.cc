// A message of a session over gRPC: anything gives a frame of its kind and body, or
// none; and a frame comes back as it went.
#include <cstdint>
#include <string>

#include "services/bus/transport/grpc_carrier.h"
#include "services/common/base/check.h"
#include "services/common/bus_client/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using concordat::bus::FrameOfMessage;
  using concordat::bus::MessageOfFrame;
  const std::string message(reinterpret_cast<const char*>(data), size);
  const std::string bytes = FrameOfMessage(message, 7, 9);
  if (bytes.empty()) return 0;
  const auto frame = concordat::ParseFrame(bytes);
  if (!frame.ok()) return 0;
  CONCORDAT_CHECK(FrameOfMessage(MessageOfFrame(*frame), 7, 9) == bytes);
  return 0;
}

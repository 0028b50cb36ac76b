// An envelope is opened whole or refused; what was opened, made again, is the
// same bytes. Headers never crash it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/api/connect.h"
#include "gateway/http/status.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto message = concordat::gateway::OpenEnvelope(body);
  if (message.ok() && concordat::gateway::Envelope(*message) != body) abort();

  concordat::gateway::Request request;
  request.headers = {{"connect-timeout-ms", body},
                     {"content-encoding", body.substr(0, size / 2)}};
  const auto type = concordat::gateway::ParseContentType(body);
  const auto head = concordat::gateway::ParseConnectHead(
      type.value_or(concordat::gateway::ConnectHead()), request);
  if (head.ok() && head->timeout.has_value() &&
      *head->timeout < absl::ZeroDuration()) {
    abort();
  }
  // Details come from elsewhere, too.
  absl::Status status = absl::InternalError(body);
  status.SetPayload(concordat::gateway::kDetailsUrl, absl::Cord(body));
  concordat::gateway::ErrorJson(status);
  return 0;
}

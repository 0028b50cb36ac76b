// Sends HL7 v2 messages over MLLP (in the clear, so on loopback only).
#ifndef CONCORDAT_GATEWAY_CLI_DEMO_MLLP_CLIENT_H_
#define CONCORDAT_GATEWAY_CLI_DEMO_MLLP_CLIENT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace concordat::cli {

// Connects to `endpoint` ("127.0.0.1:2575"), sends `message` and returns the
// answer. Waits `timeout` for each of its steps.
//   UNAVAILABLE  no connection, or closed without an answer; the message may
//                have been taken.
//   DEADLINE_EXCEEDED
absl::StatusOr<std::string> SendMllp(const std::string& endpoint,
                                     absl::string_view message,
                                     absl::Duration timeout);

// MSA-1 of an answer, or nothing.
std::string AnswerCode(absl::string_view answer);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DEMO_MLLP_CLIENT_H_

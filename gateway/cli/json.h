// JSON of messages, with times as people write them: where a message has
// microseconds (a fixed64 field), JSON has "2025-11-24T17:25:00Z"; 0 is "".
// Everything else is protobuf's own mapping.
#ifndef CONCORDAT_GATEWAY_CLI_JSON_H_
#define CONCORDAT_GATEWAY_CLI_JSON_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace concordat::cli {

// One line.
std::string ToJson(const google::protobuf::Message& message);

// Microseconds as a number or a string of digits are taken too.
//   INVALID_ARGUMENT  names what is wrong.
absl::Status FromJson(absl::string_view json,
                      google::protobuf::Message* message);

// "2025-11-24T17:25:00Z", or nothing for 0; and back.
std::string IsoTime(uint64_t micros);
absl::StatusOr<uint64_t> ParseIsoTime(absl::string_view text);

// For people: "Mon 24 Nov 17:25", Europe/London; "-" for 0.
std::string LocalTime(uint64_t micros);
// The same with its year, where it may be read years later: "Mon 24 Nov 2025 17:25".
std::string LocalMoment(uint64_t micros);

// A JSON string with its quotes.
std::string JsonQuote(absl::string_view text);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_JSON_H_

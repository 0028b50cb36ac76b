// What both sides of an enrolment need; for them alone.
#ifndef CONCORDAT_GATEWAY_CLI_KEYS_ENROLMENT_PARTS_H_
#define CONCORDAT_GATEWAY_CLI_KEYS_ENROLMENT_PARTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/enrolment.pb.h"
#include "google/protobuf/message.h"

namespace concordat::cli {

std::string TextOf(const google::protobuf::Message& message);
absl::StatusOr<bus::v1::Registry> ParseRegistry(absl::string_view text);
// Null: nobody.
const bus::v1::Principal* Find(const bus::v1::Registry& registry,
                               absl::string_view name);
// What the request asks to be, with its names, role and key checked.
//   INVALID_ARGUMENT  names what is malformed.
absl::StatusOr<bus::v1::Principal> CheckedPrincipal(
    const bus::v1::EnrolmentRequest& request);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_KEYS_ENROLMENT_PARTS_H_

// `concordat keys request|approve|install|revoke|authority`: how systems are enrolled.
#ifndef CONCORDAT_GATEWAY_CLI_ENROL_H_
#define CONCORDAT_GATEWAY_CLI_ENROL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace concordat::cli {

// Is it the first word of one of these?
bool IsEnrolment(const std::string& word);
absl::Status RunEnrolment(const std::vector<std::string>& arguments);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_ENROL_H_

#ifndef CONCORDAT_GATEWAY_CLI_WHO_KNEW_PAGE_H_
#define CONCORDAT_GATEWAY_CLI_WHO_KNEW_PAGE_H_

#include <string>

#include "concordat/access/v1/report.pb.h"

namespace concordat::cli {

// For a terminal.
std::string WhoKnewText(const access::v1::WhoKnewReport& report);
// One HTML page without anything from elsewhere, to be printed and filed.
std::string WhoKnewPage(const access::v1::WhoKnewReport& report);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_WHO_KNEW_PAGE_H_

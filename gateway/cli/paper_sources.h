// What papers are made from, of one data directory and its hub.
#ifndef CONCORDAT_GATEWAY_CLI_PAPER_SOURCES_H_
#define CONCORDAT_GATEWAY_CLI_PAPER_SOURCES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sources.h"
#include "gateway/cli/hub.h"

namespace concordat::cli {

// `documented`: a descriptor set with the schemas' comments; empty: of this build.
//   Errors name what cannot be read, or what does not answer.
absl::StatusOr<Sources> LoadSources(Hub& hub, const std::string& documented);
// As well: which rules are in force, and which wait.
//   UNAVAILABLE  the alerts service does not say.
absl::Status LoadRules(Hub& hub, Sources& sources);
// As well: what each edge says that it reads.
//   UNAVAILABLE  one does not say.
absl::Status LoadInventories(const DataDirectory& data, Sources& sources);

// Components by the lists that they are installed by, certificates of this directory,
// the threat model of this checkout.
absl::StatusOr<SecurityParts> LoadSecurityParts(const DataDirectory& data);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_PAPER_SOURCES_H_

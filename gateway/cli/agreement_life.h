// An agreement's life at the command line: signed, adopted, compared, tried, ended.
#ifndef CONCORDAT_GATEWAY_CLI_AGREEMENT_LIFE_H_
#define CONCORDAT_GATEWAY_CLI_AGREEMENT_LIFE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gateway/cli/hub.h"

namespace concordat::cli {

// What the flags of `agreements` say.
struct LifeFlags {
  std::string key;     // Of who signs: a file.
  std::string party;   // For whom.
  std::string office;  // As what.
  std::string from;    // ISO dates: of a trial.
  std::string to;
  bool check = false;  // Adopt: judge it and publish nothing.
};

// new-key PATH and sign FILE: without a hub.
absl::Status NewKey(const std::string& path);
absl::Status Sign(const std::string& path, const LifeFlags& flags);

absl::Status Adopt(Hub& hub, const std::string& path, const LifeFlags& flags,
                   bool as_json);
absl::Status Retire(Hub& hub, const std::string& path, bool as_json);
// The candidate in the file, against what is adopted or the second file.
absl::Status Diff(Hub& hub, const std::vector<std::string>& paths,
                  bool as_json);
absl::Status Try(Hub& hub, const std::string& path, const LifeFlags& flags,
                 bool as_json);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_AGREEMENT_LIFE_H_

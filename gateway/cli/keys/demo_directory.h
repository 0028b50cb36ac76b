// Makes a data directory of the demo environment (its layout:
// services/common/config/data_directory.h): an authority of its own (authority/), a
// certificate for every principal, a CURVE pair too unless it speaks for others,
// secrets, and copies of what is agreed, signed for each party by a key of its own
// (keys/sign-<party>.key). Everything in it is for loopback and
// for invented people.
#ifndef CONCORDAT_GATEWAY_CLI_KEYS_DEMO_DIRECTORY_H_
#define CONCORDAT_GATEWAY_CLI_KEYS_DEMO_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"

namespace concordat::cli {

struct DemoDirectoryOptions {
  std::string data;   // Made. It may be there, empty.
  std::string share;  // Folder of this repository's name deploy, or a copy.
  std::string types;  // FileDescriptorSet of the schemas, a file.
  // Other principals and agreements than the demo's: a file, a folder.
  std::string registry;
  std::string agreements;
  // Listeners take any free port instead of those in DESIGN 13's table.
  bool any_port = false;
};

// The directory appears whole or not at all. Private keys and secrets have mode
// 0600, their folder 0700.
//   ALREADY_EXISTS    `data` is there and not empty.
//   NOT_FOUND, INVALID_ARGUMENT  something in `share` or `types`; names it.
//   UNAVAILABLE       a file could not be written; names it.
absl::Status MakeDemoDirectory(const DemoDirectoryOptions& options,
                               const Clock& clock, Random& random);

// Makes a CURVE pair in a new file, for its owner alone, and its public half beside
// it in `path`.pub; returns that, in Z85.
//   ALREADY_EXISTS  one of them is there.  UNAVAILABLE  it cannot be written.
absl::StatusOr<std::string> MakeCurvePair(const std::string& path);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_KEYS_DEMO_DIRECTORY_H_

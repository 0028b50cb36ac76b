#ifndef CONCORDAT_TESTS_FAULT_BUS_LOAD_DIRECTORY_H_
#define CONCORDAT_TESTS_FAULT_BUS_LOAD_DIRECTORY_H_

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "gateway/cli/keys/demo_directory.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"

namespace concordat::testing {

inline std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A data directory whose registry and agreements are the bench's, on any ports.
inline absl::Status MakeLoadDirectory(const std::string& path,
                                      const Clock& clock, Random& random) {
  const std::string deploy = FromEnvironment("CONCORDAT_SOURCE") + "/deploy";
  cli::DemoDirectoryOptions options;
  options.data = path;
  options.share = deploy;
  options.types = FromEnvironment("CONCORDAT_BUILD") + "/concordat.binpb";
  options.registry = deploy + "/bench/registry.textproto";
  options.agreements = deploy + "/bench/agreements";
  options.any_port = true;
  return cli::MakeDemoDirectory(options, clock, random);
}

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_FAULT_BUS_LOAD_DIRECTORY_H_

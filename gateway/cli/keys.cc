// concordat keys demo|list
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "gateway/cli/command.h"
#include "gateway/cli/keys/demo_directory.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"

namespace concordat::cli {
namespace {

absl::Status List(const CommandLine& line) {
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const auto registry = data->LoadRegistry();
  if (!registry.ok()) return registry.status();
  const char* const format =
      line.json() ? "{\"name\":\"%s\",\"agency\":\"%s\",\"role\":\"%s\","
                    "\"certificate\":\"%s\",\"curve\":\"%s\"}\n"
                  : "%-18s %-20s %-20s %-60s %s\n";
  if (!line.json()) {
    std::printf(format, "NAME", "AGENCY", "ROLE", "CERTIFICATE", "CURVE");
  }
  for (const auto& principal : (*registry)->proto().principals()) {
    std::printf(format, principal.name().c_str(), principal.agency().c_str(),
                principal.role().c_str(), principal.certificate_uri().c_str(),
                principal.curve_public_key().c_str());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunKeys(const std::vector<std::string>& arguments) {
  CommandLine line(
      "keys demo|list [--data DIR]",
      "demo  makes a data directory with keys and certificates for everyone\n"
      "list  lists the principals of a data directory and their public keys");
  DemoDirectoryOptions options;
  const std::string checkout = CheckoutPath();
  options.share = checkout + "/deploy";
  line.flags().AddString("share",
                         "With demo: where codes, agreements, rules and the "
                         "registry come from; default deploy.",
                         &options.share);
  line.flags().AddString("types", "With demo: the schemas' descriptor set.",
                         &options.types);
  line.flags().AddBool("any-port", "With demo: listeners take free ports.",
                       &options.any_port);
  const auto go = line.Parse(arguments, 1, 1);
  if (!go.ok() || !*go) return go.status();
  if (line.words()[0] == "list") return List(line);
  if (line.words()[0] != "demo") {
    return absl::InvalidArgumentError(
        absl::StrCat("keys ", line.words()[0], "? demo or list"));
  }
  options.data = line.data_path();
  if (options.types.empty()) {
    return absl::InvalidArgumentError("--types is missing");
  }
  const SystemClock clock;
  SystemRandom random;
  auto status = MakeDemoDirectory(options, clock, random);
  if (!status.ok()) return status;
  std::printf("made %s\n", options.data.c_str());
  return absl::OkStatus();
}

}  // namespace concordat::cli

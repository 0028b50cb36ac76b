// concordat keys demo|list|pair, and what enrol.h has
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/enrol.h"
#include "gateway/cli/json.h"
#include "gateway/cli/keys/demo_directory.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"

namespace concordat::cli {
namespace {

constexpr absl::Duration kAskTimeout = absl::Seconds(5);

// The pairs that the bus is reached by, if it runs.
void PrintServerKeys(const CommandLine& line) {
  const auto hub = line.OpenHub();
  if (!hub.ok()) return;
  CallOptions options;
  options.timeout = kAskTimeout;
  const auto status = (*hub)->Call<bus::v1::GetLogStatusResponse>(
      "concordat-bus", "concordat.bus.v1.BusService/GetLogStatus",
      bus::v1::GetLogStatusRequest(), options);
  if (!status.ok()) return;
  if (line.json()) {
    for (const auto& each : status->server_keys()) {
      std::printf("%s\n", ToJson(each).c_str());
    }
    return;
  }
  const auto named = (*hub)->data().LoadBusPublicKey();
  for (const auto& each : status->server_keys()) {
    std::printf(
        "bus: %s  %s %s  %u connections%s\n", each.public_key().c_str(),
        each.ingest().c_str(), each.delivery().c_str(), each.connections(),
        named.ok() && *named == each.public_key() ? ", what clients here use"
                                                  : "");
  }
}

absl::Status List(const CommandLine& line) {
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const auto registry = data->LoadRegistry();
  if (!registry.ok()) return registry.status();
  constexpr char kFormat[] = "%-18s %-20s %-20s %-8s %-60s %s\n";
  if (!line.json()) {
    std::printf(kFormat, "NAME", "AGENCY", "ROLE", "STATE", "CERTIFICATE",
                "CURVE");
  }
  for (const auto& principal : (*registry)->proto().principals()) {
    if (line.json()) {
      std::printf("%s\n", ToJson(principal).c_str());
      continue;
    }
    std::printf(kFormat, principal.name().c_str(), principal.agency().c_str(),
                principal.role().c_str(), principal.revoked() ? "REVOKED" : "",
                principal.certificate_uri().c_str(),
                principal.curve_public_key().c_str());
  }
  PrintServerKeys(line);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunKeys(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && IsEnrolment(arguments[0])) {
    return RunEnrolment(arguments);
  }
  CommandLine line(
      "keys demo|list|pair [FILE] | request|approve|install|revoke|authority "
      "--help [--data DIR]",
      "demo  makes a data directory with keys and certificates for everyone\n"
      "list  lists the principals of a data directory and their public keys, "
      "and those\n"
      "      of the bus, with how many are connected by each\n"
      "request, approve, install, revoke, authority: keys request --help\n"
      "pair  makes a CURVE pair in FILE, which is not there, and its public "
      "half in\n"
      "      FILE.pub; deploy/docs/operators.md tells how keys are changed");
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
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 1, 2);
  if (!go.ok() || !*go) return go.status();
  const bool is_pair = line.words()[0] == "pair";
  if (is_pair != (line.words().size() == 2)) {
    return absl::InvalidArgumentError("only pair has a FILE, and needs it");
  }
  if (is_pair) {
    const auto made = MakeCurvePair(line.words()[1]);
    if (made.ok()) std::printf("%s\n", made->c_str());
    return made.status();
  }
  if (line.words()[0] == "list") return List(line);
  if (line.words()[0] != "demo") {
    return absl::InvalidArgumentError(
        absl::StrCat("keys ", line.words()[0], "? demo, list or pair"));
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

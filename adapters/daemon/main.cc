// concordat-adapter: the process at an agency's edge. As edge-health it runs HL7
// v2: messages in, what the liaison officer decided out. As any other edge,
// --edge NAME, case files.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/core/edge_service.h"
#include "adapters/daemon/casefile_program.h"
#include "adapters/daemon/hl7_edge.h"
#include "adapters/daemon/inventory.h"
#include "google/protobuf/text_format.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/log_clock.h"
#include "services/common/bus_client/traced_bus_client.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/live_registry.h"
#include "services/common/config/settings.h"
#include "services/common/config/start_up.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/access_service.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/health_watch.h"
#include "services/common/rpc/server_host.h"
#include "services/common/storage/posix_directory.h"

namespace {

constexpr char kProgram[] = "concordat-adapter";
constexpr char kPrincipal[] = "edge-health";
// Who acts on what this edge keeps.
constexpr char kLiaison[] = "nhs-liaison";
constexpr char kIdentity[] = "concordat-identity";
constexpr absl::Duration kAddressTimeout = absl::Seconds(2);

}  // namespace

int main(int argc, char** argv) {
  using concordat::edge::Hl7EdgeProcess;
  concordat::StartUp start(kProgram,
                           "An agency's edge: HL7 v2 over MLLP, case files.");
  std::string name = kPrincipal;
  start.flags().AddString("edge", "The edge's principal; default edge-health.",
                          &name);
  bool inventory = false;
  start.flags().AddBool("inventory",
                        "Prints what the edge reads of its source, and ends.",
                        &inventory);
  start.DescribeSettings(concordat::kWatchSettings,
                         *concordat::hub::v1::WatchSettings::descriptor());
  const concordat::DataDirectory data = start.Open(argc, argv);
  if (inventory) {
    const auto fields = start.Value(concordat::edge::InventoryOfEdge(
        data, name, /*hl7=*/name == kPrincipal));
    std::string text;
    google::protobuf::TextFormat::PrintToString(fields, &text);
    std::printf("%s", text.c_str());
    return 0;
  }
  if (name != kPrincipal) {
    return concordat::edge::RunCaseFileEdge(start, data, name);
  }
  const concordat::Logger log(kProgram);
  concordat::Metrics metrics;
  concordat::SystemClock clock;
  concordat::SystemRandom random;
  const auto registry = start.Value(concordat::LiveRegistry::Open(
      data, clock, [&log](const absl::Status& status) {
        log.Error("registry not read", {{"status", status.ToString()}});
      }));
  const auto* const self = registry->Current()->FindByName(kPrincipal);
  if (self == nullptr) {
    start.Check(absl::NotFoundError(
        absl::StrCat("registry: there is no principal ", kPrincipal)));
  }
  const std::string folder = start.Value(data.StateFolder(kPrincipal));
  const auto directory =
      start.Value(concordat::PosixDirectory::OpenLocked(folder));
  const auto bus = start.Value(concordat::ConnectBus(data, kPrincipal));
  const concordat::TlsCredentials tls = start.Value(data.LoadTls(kPrincipal));

  concordat::edge::Hl7EdgeParts parts;
  parts.principal = *self;
  start.Check(concordat::LoadCheckedSettings(
      data, absl::StrCat("adapters/", kPrincipal, ".textproto"),
      &parts.settings, concordat::WhenAbsent::kError));
  parts.secret = start.Value(data.LoadSecret(kPrincipal));
  parts.tls = {
      tls.ca, tls.certificate, tls.private_key,
      concordat::CertificateUri(data.environment(), self->agency(), "")};
  parts.mllp_port = start.Value(data.Port(kProgram, "mllp"));
  parts.open_identity = [&data] {
    return concordat::OpenChannel(data, kIdentity, kPrincipal, kAddressTimeout);
  };
  parts.types = start.Value(concordat::TypeRegistry::Build(
      start.Value(data.LoadTypes()), start.Value(data.LoadCodeLists())));
  parts.directory = directory.get();
  const concordat::hub::v1::WatchSettings watch =
      start.Value(concordat::LoadWatchSettings(data));
  concordat::SpanExporter spans(
      kProgram, static_cast<uint16_t>(watch.trace_port()), random, metrics);
  // A message of an engine begins a trace.
  concordat::TracedBusClient traced(*bus, spans, clock,
                                    concordat::TracedBusClient::Traces::kBegin);
  parts.bus = &traced;
  const concordat::LogClock log_clock(data.environment(), *bus, clock);
  parts.clock = &clock;
  parts.log_clock = &log_clock;
  parts.random = &random;
  parts.log = &log;
  const std::string agency = self->agency();
  const auto edge = start.Value(Hl7EdgeProcess::Start(std::move(parts)));

  const auto access = start.Value(concordat::OpenAccessLog(folder + "/access"));
  start.Check(concordat::BeginAccess(*access, kProgram, clock.Now()));
  concordat::AccessDesk access_desk(kProgram, *access);
  concordat::ServerHostOptions options;
  options.program = kProgram;
  options.port = start.Value(data.Port(kProgram, "grpc"));
  options.tls = tls;
  concordat::SetWatch(watch, &options);
  concordat::ServerHost host(std::move(options), registry->source(), clock, log,
                             metrics, *access);
  concordat::edge::EdgeService service(
      edge->store(), edge->desk(), agency, {kLiaison},
      [&edge](const concordat::PersonKey& subject,
              const concordat::bus::v1::Principal& caller) {
        concordat::Recipient to{caller.agency(), caller.role(), {}};
        to.principal = caller.name();
        return edge->cohort().Allows(subject, to);
      },
      [&edge](concordat::edge::v1::Counts& counts) {
        edge->FillCounts(counts);
      });
  service.AddTo(host);
  access_desk.Serve(host);
  concordat::WatchRegistry(*registry, host.health());
  concordat::WatchLog(*bus, host.health());
  host.SetStatus([&edge](concordat::hub::v1::GetStatusResponse* status) {
    edge->FillStatus(status);
  });
  const uint16_t grpc_port = start.Value(host.Start());
  const std::string scraped =
      start.Value(metrics.Listen(start.Value(data.Port(kProgram, "metrics"))));
  start.Check(data.WriteAddresses(
      kProgram, {{"grpc", absl::StrCat("127.0.0.1:", grpc_port)},
                 {"mllp", absl::StrCat("127.0.0.1:", edge->mllp_port())},
                 {"metrics", scraped}}));
  log.Info("listening", {{"grpc", grpc_port}, {"mllp", edge->mllp_port()}});
  start.WaitForStop();
  data.ForgetAddresses(kProgram);
  access_desk.Stop();
  host.Stop();
  concordat::EndAccess(*access, clock.Now()).IgnoreError();
  return 0;
}

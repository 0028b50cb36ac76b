#include "adapters/daemon/casefile_program.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "adapters/casefile/case_service.h"
#include "adapters/daemon/casefile_edge.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/log_clock.h"
#include "services/common/bus_client/traced_bus_client.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/live_registry.h"
#include "services/common/config/settings.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/access_service.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/health_watch.h"
#include "services/common/rpc/server_host.h"
#include "services/common/storage/posix_directory.h"

namespace concordat::edge {
namespace {

constexpr char kIdentity[] = "concordat-identity";
constexpr absl::Duration kAddressTimeout = absl::Seconds(2);

absl::StatusOr<std::vector<v1::CaseFileMapping>> ReadMappings(
    const DataDirectory& data) {
  const auto files = data.LoadCaseFileMappings();
  if (!files.ok()) return files.status();
  std::vector<v1::CaseFileMapping> mappings;
  for (const TextFile& file : *files) {
    const absl::Status parsed = ParseTextProto(file, &mappings.emplace_back());
    if (!parsed.ok()) return parsed;
  }
  return mappings;
}

CaseFileEdgeParts MakeParts(const StartUp& start, const DataDirectory& data,
                            const std::string& edge) {
  CaseFileEdgeParts parts;
  start.Check(LoadCheckedSettings(data,
                                  absl::StrCat("adapters/", edge, ".textproto"),
                                  &parts.settings, WhenAbsent::kError));
  parts.load_mappings = [&data] { return ReadMappings(data); };
  parts.drop_folder = data.PathOf(parts.settings.folder());
  parts.secret = start.Value(data.LoadSecret(edge));
  parts.open_identity = [&data, edge] {
    return OpenChannel(data, kIdentity, edge, kAddressTimeout);
  };
  parts.types = start.Value(TypeRegistry::Build(
      start.Value(data.LoadTypes()), start.Value(data.LoadCodeLists())));
  return parts;
}

}  // namespace

int RunCaseFileEdge(const StartUp& start, const DataDirectory& data,
                    const std::string& edge) {
  const Logger log(edge);
  Metrics metrics;
  const SystemClock clock;
  const SystemSteadyClock steady;
  SystemRandom random;
  const auto registry = start.Value(
      LiveRegistry::Open(data, clock, [&log](const absl::Status& status) {
        log.Error("registry not read", {{"status", status.ToString()}});
      }));
  const auto* const self = registry->Current()->FindByName(edge);
  if (self == nullptr) {
    start.Check(absl::NotFoundError(
        absl::StrCat("registry: there is no principal ", edge)));
  }
  const std::string folder = start.Value(data.StateFolder(edge));
  const auto directory = start.Value(PosixDirectory::OpenLocked(folder));
  const auto bus = start.Value(ConnectBus(data, edge));

  CaseFileEdgeParts parts = MakeParts(start, data, edge);
  parts.principal = *self;
  parts.directory = directory.get();
  const hub::v1::WatchSettings watch = start.Value(LoadWatchSettings(data));
  SpanExporter spans(edge, static_cast<uint16_t>(watch.trace_port()), random,
                     metrics);
  // A file begins a trace.
  TracedBusClient traced(*bus, spans, clock, TracedBusClient::Traces::kBegin);
  parts.bus = &traced;
  const LogClock log_clock(data.environment(), *bus, clock);
  parts.clock = &clock;
  parts.steady = &steady;
  parts.random = &random;
  parts.log = &log;
  const std::string clerk_role = parts.settings.clerk_role();
  const auto process =
      start.Value(CaseFileEdgeProcess::Start(std::move(parts)));

  const auto access = start.Value(OpenAccessLog(folder + "/access"));
  start.Check(BeginAccess(*access, edge, clock.Now()));
  AccessDesk access_desk(edge, *access);
  ServerHostOptions options;
  options.program = edge;
  options.port = start.Value(data.Port(edge, "grpc"));
  options.tls = start.Value(data.LoadTls(edge));
  SetWatch(watch, &options);
  ServerHost host(std::move(options), registry->source(), clock, log, metrics,
                  *access);
  casefile::CaseService service(
      {.agency = self->agency(),
       .clerk_role = clerk_role,
       .store = &process->store(),
       .worker = &process->worker(),
       .marks = &process->marks(),
       .clock = &clock,
       .log_clock = &log_clock,
       .allows =
           [&process](const PersonKey& subject,
                      const bus::v1::Principal& caller) {
             Recipient to{caller.agency(), caller.role(), {}};
             to.principal = caller.name();
             return process->cohort().Allows(subject, to);
           },
       .load_mappings = [&process] { return process->LoadMappings(); },
       .wake = [&process] { process->Wake(); }});
  service.AddTo(host);
  access_desk.Serve(host);
  WatchRegistry(*registry, host.health());
  WatchLog(*bus, host.health());
  host.SetStatus([&process](hub::v1::GetStatusResponse* status) {
    process->FillStatus(status);
  });
  const uint16_t port = start.Value(host.Start());
  const std::string scraped =
      start.Value(metrics.Listen(start.Value(data.Port(edge, "metrics"))));
  start.Check(data.WriteAddresses(
      edge,
      {{"grpc", absl::StrCat("127.0.0.1:", port)}, {"metrics", scraped}}));
  log.Info("listening", {{"grpc", port}});
  start.WaitForStop();
  data.ForgetAddresses(edge);
  access_desk.Stop();
  host.Stop();
  EndAccess(*access, clock.Now()).IgnoreError();
  return 0;
}

}  // namespace concordat::edge

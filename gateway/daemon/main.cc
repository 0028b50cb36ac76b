// concordat-gateway: the hub over HTTP, for people in a browser and for systems
// that speak HTTP.
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/api/alert_door.h"
#include "gateway/api/alert_task.h"
#include "gateway/api/connect_door.h"
#include "gateway/api/documents.h"
#include "gateway/api/events_door.h"
#include "gateway/api/opening_note.h"
#include "gateway/api/upstream.h"
#include "gateway/common/event_maker.h"
#include "gateway/common/schemas.h"
#include "gateway/daemon/options.h"
#include "gateway/http/request_log.h"
#include "gateway/http/router.h"
#include "gateway/http/server.h"
#include "gateway/http/static_files.h"
#include "gateway/signin/sign_in.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/config/live_registry.h"
#include "services/common/config/settings.h"
#include "services/common/config/start_up.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/access_service.h"
#include "services/common/rpc/health_watch.h"
#include "services/common/rpc/server_host.h"
#include "services/common/telemetry/log.h"
#include "services/common/telemetry/metrics.h"
#include "services/common/telemetry/trace.h"

namespace concordat::gateway {
namespace {

constexpr char kProgram[] = "concordat-gateway";
constexpr char kPrincipal[] = "gateway";
constexpr char kGatewaySettings[] = "doors/gateway.textproto";

// A connection is a descriptor.
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Beside the program's folder, where the build puts it.
std::string BesideProgram(const char* name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path().parent_path() / name).string();
}

// The data directory's types for the documents: with the comments of the protos
// when those at `path` are theirs.
std::string Documented(std::string types, const std::string& path,
                       const Logger& log) {
  std::ifstream file(path, std::ios::binary);
  std::string documented((std::istreambuf_iterator<char>(file)), {});
  const absl::Status status = CheckDocumented(types, documented);
  if (status.ok()) return documented;
  log.Warning("the documents have no descriptions",
              {{"file", path}, {"why", status.message()}});
  return types;
}

void AddDocument(const char* path, std::string document, Router& router) {
  router.Add("GET", path, Access::kAnyone,
             [document = std::move(document)](
                 const std::shared_ptr<Exchange>& exchange) {
               exchange->Send(JsonResponse(200, document));
             });
}

void AddDocuments(const Schemas& schemas, Router& router) {
  AddDocument("/openapi.json", OpenApi(schemas), router);
  AddDocument("/asyncapi.json", AsyncApi(schemas), router);
}

int Main(int argc, char** argv) {
  StartUp start(kProgram, "The hub over HTTP: calls, events, alerts, pages.");
  std::string console = BesideProgram("console");
  std::string documented = BesideProgram("concordat-documented.binpb");
  start.flags().AddString("console", "Folder of the pages.", &console);
  start.flags().AddString("documented", "The types with their comments.",
                          &documented);
  start.DescribeSettings(kWatchSettings, *hub::v1::WatchSettings::descriptor());
  start.DescribeSettings(kGatewaySettings, *v1::GatewaySettings::descriptor());
  const DataDirectory data = start.Open(argc, argv);
  RaiseFileLimit();
  const Logger log(kProgram);
  Metrics metrics;
  SystemClock clock;
  SystemSteadyClock steady;
  SystemRandom random;
  const auto registry = start.Value(
      LiveRegistry::Open(data, clock, [&log](const absl::Status& status) {
        log.Error("the new registry does not load; the old one holds",
                  {{"why", status.message()}});
      }));
  const hub::v1::WatchSettings watch = start.Value(LoadWatchSettings(data));
  SpanExporter spans(kProgram, static_cast<uint16_t>(watch.trace_port()),
                     random, metrics);
  v1::GatewaySettings settings;
  start.Check(LoadCheckedSettings(data, kGatewaySettings, &settings,
                                  WhenAbsent::kError));
  DoorOptions options = start.Value(OptionsOf(settings));
  options.server.port = start.Value(data.Port(kProgram, "https"));
  options.server.tls = start.Value(data.LoadTls(kPrincipal));
  const std::string folder = start.Value(data.StateFolder("gateway"));
  const auto access =
      start.Value(OpenAccessLog(absl::StrCat(folder, "/access")));
  start.Check(BeginAccess(*access, kProgram, clock.Now()));
  // Its access log is asked as that of any program.
  AccessDesk access_desk(kProgram, *access);
  ServerHostOptions host_options;
  host_options.program = kProgram;
  host_options.port = start.Value(data.Port(kProgram, "grpc"));
  host_options.tls = start.Value(data.LoadTls(kPrincipal));
  SetWatch(watch, &host_options);
  ServerHost host(std::move(host_options), registry->source(), clock, log,
                  metrics, *access);
  access_desk.Serve(host);
  WatchRegistry(*registry, host.health());
  const auto requests =
      start.Value(OpenRequestLog(absl::StrCat(folder, "/requests.log")));
  const std::string types = start.Value(data.LoadTypes());
  const auto schemas = start.Value(Schemas::Build(types));
  const auto pages = start.Value(StaticFiles::Load(console));
  if (pages->size() == 0) log.Warning("there are no pages to serve");

  Router router;
  router.Add("GET", "/healthz", Access::kAnyone,
             [](const std::shared_ptr<Exchange>& exchange) {
               exchange->Send(JsonResponse(200, R"({"status":"ok"})"));
             });
  router.Add("GET", "/*", Access::kAnyone,
             [&pages](const std::shared_ptr<Exchange>& exchange) {
               exchange->Send(pages->Answer(exchange->request()));
             });
  AddDocuments(*start.Value(Schemas::Build(Documented(types, documented, log))),
               router);
  Upstream upstream(data, registry->source());
  const auto sign_in = start.Value(SignIn::Open(
      data, registry->source(),
      [&](const Caller& caller, const std::string& subject,
          const std::string& task) {
        return CheckAlertTask(upstream, caller, subject, task,
                              options.calls.timeout);
      },
      [&](const Caller& caller, const std::string& subject,
          const std::string& purpose) {
        const absl::Status noted = NoteOpening(
            upstream, caller, subject, purpose, random, options.calls.timeout);
        if (noted.ok()) return;
        log.Warning("an opening without a task is not in the log",
                    {{"principal", caller.principal},
                     {"code", absl::StatusCodeToString(noted.code())}});
      },
      *access, clock, steady, random, log));
  sign_in->Register(router);
  Authenticator& sessions = sign_in->authenticator();
  ConnectDoor connect(*schemas, upstream, options.calls, metrics);
  connect.Register(router);
  EventsDoor events(EventMaker(start.Value(TypeRegistry::Build(
                                   types, start.Value(data.LoadCodeLists()))),
                               start.Value(data.LoadSecret(kPrincipal))),
                    upstream, registry->source(), options.calls.timeout);
  events.Register(router);
  AlertDoor alerts({*schemas, upstream, registry->source(), sessions, *access,
                    clock, steady, metrics, spans},
                   options.heartbeat);
  alerts.Register(router);

  HttpServer server(std::move(options.server),
                    {router, registry->source(), sessions, clock, steady,
                     random, log, metrics, *requests});
  const uint16_t port = start.Value(server.Start());
  std::vector<std::pair<std::string, std::string>> addresses = {
      {"https", absl::StrCat("127.0.0.1:", port)}};
  addresses.emplace_back("grpc",
                         absl::StrCat("127.0.0.1:", start.Value(host.Start())));
  addresses.emplace_back(
      "metrics",
      start.Value(metrics.Listen(start.Value(data.Port(kProgram, "metrics")))));
  start.Check(data.WriteAddresses(kProgram, addresses));
  start.WaitForStop();
  log.Info("stopping");
  data.ForgetAddresses(kProgram);
  server.Stop();
  alerts.Stop();
  access_desk.Stop();
  host.Stop();
  EndAccess(*access, clock.Now()).IgnoreError();
  return 0;
}

}  // namespace
}  // namespace concordat::gateway

int main(int argc, char** argv) { return concordat::gateway::Main(argc, argv); }

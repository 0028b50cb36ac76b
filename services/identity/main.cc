// concordat-identity: the only store of names and numbers.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/live_registry.h"
#include "services/common/config/start_up.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/server_host.h"
#include "services/common/telemetry/log.h"
#include "services/common/telemetry/metrics.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/rpc/cohort_feed.h"
#include "services/identity/rpc/identity_service.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/outbox_publisher.h"

namespace concordat::identity {
namespace {

constexpr char kProgram[] = "concordat-identity";
constexpr char kPrincipal[] = "service-identity";

int Main(int argc, char** argv) {
  StartUp start(kProgram, "Who is who: the only store of names and numbers.");
  const DataDirectory data = start.Open(argc, argv);
  const Logger log(kProgram);
  const SystemClock clock;
  const SystemSteadyClock steady;
  SystemRandom random;

  const auto registry =
      start.Value(LiveRegistry::Open(data, [&log](const absl::Status& problem) {
        log.Error("the registry does not load",
                  {{"status", problem.ToString()}});
      }));
  const auto types = start.Value(TypeRegistry::Build(
      start.Value(data.LoadTypes()), start.Value(data.LoadCodeLists())));
  const bus::v1::Principal* self = registry->Current()->FindByName(kPrincipal);
  if (self == nullptr) {
    start.Check(absl::NotFoundError("the registry has no service-identity"));
  }
  const std::string folder = start.Value(data.StateFolder("identity"));
  const auto store = start.Value(IdentityStore::Open(
      absl::StrCat(folder, "/identity.sqlite"),
      start.Value(data.LoadSecret("identity")), clock, random));
  const auto access =
      start.Value(OpenAccessLog(absl::StrCat(folder, "/access.log")));
  const auto bus = start.Value(ConnectBus(data, kPrincipal));

  OutboxPublisher outbox(*store, *bus, types, SourceOf(*self), log);
  // The arrangement is the body that this service is of.
  CaseParties parties(*bus, types, self->agency(), steady, log);
  CohortFeed cohort(*store, parties, steady, log);
  IdentityService service(*store, outbox, parties, cohort, clock);

  Metrics metrics;
  ServerHostOptions options;
  options.program = kProgram;
  options.port = start.Value(data.Port(kProgram, "grpc"));
  options.tls = start.Value(data.LoadTls(kPrincipal));
  ServerHost host(options, registry->source(), clock, log, metrics, *access);
  service.AddTo(host);
  host.SetStatus([&](hub::v1::GetStatusResponse* status) {
    status->set_ready(parties.current());
    status->set_position(parties.position().value);
    status->set_log_end(parties.log_end().value);
    if (!parties.current()) {
      status->set_degraded_because("the cases are not read to the log's end");
    } else if (outbox.refused() > 0) {
      status->set_degraded_because("the bus refused an event");
    }
  });
  parties.Start([&cohort](const PersonKey& person) {
    if (person.empty()) {
      cohort.Wake();
    } else {
      cohort.PersonChanged(person);
    }
  });
  const uint16_t port = start.Value(host.Start());
  if (const uint16_t metrics_port = start.Value(data.Port(kProgram, "metrics"));
      metrics_port != 0) {
    start.Check(metrics.Listen(metrics_port));
  }
  start.Check(data.WriteAddresses(
      kProgram, {{"grpc", absl::StrCat("127.0.0.1:", port)}}));
  start.WaitForStop();
  data.ForgetAddresses(kProgram);
  parties.Stop();
  cohort.Stop();
  host.Stop();
  return 0;
}

}  // namespace
}  // namespace concordat::identity

int main(int argc, char** argv) {
  return concordat::identity::Main(argc, argv);
}

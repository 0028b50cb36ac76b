// concordat-identity: the only store of names and numbers.
#include <string>

#include "absl/strings/str_cat.h"
#include "services/common/base/system_clock.h"
#include "services/common/bus_client/log_clock.h"
#include "services/common/bus_client/traced_bus_client.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/program.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/rpc/cohort_feed.h"
#include "services/identity/rpc/identity_service.h"
#include "services/identity/rpc/people_desk.h"
#include "services/identity/rpc/read_command.h"
#include "services/identity/rpc/review_service.h"
#include "services/identity/rpc/role_desk.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/outbox_publisher.h"

int main(int argc, char** argv) {
  constexpr char kPrincipal[] = "service-identity";
  concordat::Program program(
      {.name = "concordat-identity",
       .summary = "Who is who: the only store of names and numbers.",
       .principal = kPrincipal,
       .folder = "identity"},
      argc, argv);
  const concordat::StartUp& start = program.start();
  const concordat::DataDirectory& data = program.data();
  const concordat::SystemSteadyClock steady;

  const auto types = start.Value(concordat::TypeRegistry::Build(
      start.Value(data.LoadTypes()), start.Value(data.LoadCodeLists())));
  const auto client = start.Value(concordat::ConnectBus(data, kPrincipal));
  concordat::WatchLog(*client, program.host().health());
  concordat::TracedBusClient bus(*client, program.spans(), program.clock());
  const concordat::LogClock log_clock(data.environment(), bus, program.clock());
  const auto store = start.Value(concordat::identity::IdentityStore::Open(
      absl::StrCat(program.folder(), "/identity.sqlite"),
      start.Value(data.LoadSecret("identity")),
      concordat::identity::OwnContext(program.self()), log_clock,
      program.random()));

  concordat::identity::OutboxPublisher outbox(
      *store, bus, types, concordat::SourceOf(program.self()), program.log());
  // The arrangement is the body that this service is of.
  concordat::identity::CaseParties parties(bus, types, program.self().agency(),
                                           steady, program.log());
  concordat::identity::CohortFeed cohort(*store, parties, steady,
                                         program.log());
  concordat::identity::IdentityService service(*store, outbox, parties, cohort,
                                               program.clock());
  service.AddTo(program.host());
  concordat::identity::PeopleDesk people(*store, parties, program.clock(),
                                         steady);
  people.AddTo(program.host());
  concordat::identity::ReviewService reviews(*store, outbox, parties, cohort,
                                             *types, program.clock());
  reviews.AddTo(program.host());
  const absl::TimeZone london = start.Value(concordat::LondonTime());
  const auto calendars = std::make_shared<const concordat::Calendars>(
      start.Value(concordat::Calendars::Build(start.Value(data.LoadCalendars()),
                                              london)));
  const auto roles = start.Value(concordat::identity::RoleDesk::Open(
      *store, outbox, parties, start.Value(data.LoadRoles()),
      start.Value(data.LoadHolders()), calendars, london, program.self(),
      program.clock(), log_clock));
  roles->AddTo(program.host());
  program.host().SetStatus([&](concordat::hub::v1::GetStatusResponse* status) {
    status->set_ready(parties.current());
    status->set_position(parties.position().value);
    status->set_log_end(parties.log_end().value);
    if (!parties.current()) {
      status->set_degraded_because("the cases are not read to the log's end");
    } else if (outbox.refused() > 0) {
      status->set_degraded_because("the bus refused an event");
    }
  });
  parties.OnErased(
      [&](const concordat::PersonKey& person, const std::string& ref) {
        const auto erased = store->ErasePerson(person, ref);
        if (!erased.ok()) {
          // The next start does it.
          program.log().Error(
              "an erasure was not done",
              {{"erasure", ref}, {"status", erased.status().ToString()}});
        } else if (*erased) {
          outbox.Wake();
          cohort.PersonChanged(person);
        }
      });
  parties.Start([&cohort](const concordat::PersonKey& person) {
    if (person.empty()) {
      cohort.Wake();
    } else {
      cohort.PersonChanged(person);
    }
  });
  program.Serve();
  parties.Stop();  // It calls the cohort, which goes first.
  return 0;
}

// concordat-alerts: rules over the log's events, and the alerts they raise.
#include <signal.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "services/alerts/domain/engine.h"
#include "services/alerts/notify/identity_contacts.h"
#include "services/alerts/notify/notifier.h"
#include "services/alerts/rpc/desk.h"
#include "services/alerts/rpc/handlers.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/rpc/program.h"

namespace concordat::alerts {
namespace {

// Who co-ordinators act for; the rules' "arrangement".
constexpr char kArrangementRole[] = "coordinator";

absl::StatusOr<RuleBook> LoadRules(const DataDirectory& data,
                                   const TypeRegistry& types) {
  const auto files = data.LoadRules();
  if (!files.ok()) return files.status();
  std::vector<v1::Rule> rules;
  for (const TextFile& file : *files) {
    if (absl::Status status = ParseTextProto(file, &rules.emplace_back());
        !status.ok()) {
      return status;
    }
  }
  return RuleBook::Build(rules, types);
}

absl::StatusOr<Engine> MakeEngine(const DataDirectory& data,
                                  const PrincipalRegistry& registry,
                                  std::shared_ptr<const TypeRegistry> types) {
  auto rules = LoadRules(data, *types);
  if (!rules.ok()) return rules.status();
  std::string arrangement;
  for (const bus::v1::Principal& principal : registry.proto().principals()) {
    if (principal.role() == kArrangementRole) arrangement = principal.agency();
  }
  std::map<std::string, std::string> names;
  for (const bus::v1::Agency& agency : registry.proto().agencies()) {
    names[agency.name()] = agency.display_name();
  }
  return Engine(std::move(types), *std::move(rules), arrangement, names);
}

}  // namespace
}  // namespace concordat::alerts

int main(int argc, char** argv) {
  concordat::Program program(
      {.name = "concordat-alerts",
       .summary = "Judges rules over the log's events and keeps the alerts.",
       .principal = "service-alerts",
       .folder = "alerts"},
      argc, argv);
  const concordat::StartUp& start = program.start();
  const auto codes = start.Value(program.data().LoadCodeLists());
  const auto types = start.Value(concordat::TypeRegistry::Build(
      start.Value(program.data().LoadTypes()), codes));
  auto engine = start.Value(concordat::alerts::MakeEngine(
      program.data(), *program.registry()(), types));
  const auto bus =
      start.Value(concordat::ConnectBus(program.data(), "service-alerts"));
  concordat::alerts::Desk desk(std::move(engine), *bus, types, program.self(),
                               program.data().environment(), program.clock(),
                               program.random(), program.log());
  concordat::alerts::Serve(desk, program.host());
  std::thread fold([&] {
    if (absl::Status status = desk.Run(); !status.ok()) {
      program.log().Error("the bus gives no events any more; stopping",
                          {{"why", status.message()}});
      kill(getpid(), SIGTERM);  // To WaitForStop().
    }
  });
  concordat::alerts::v1::NotifierSettings settings;
  start.Check(
      program.data().LoadSettings("notifier/notifier.textproto", &settings));
  start.Check(concordat::alerts::CheckNotifierSettings(settings));
  const absl::TimeZone london = start.Value(concordat::LondonTime());
  const concordat::SystemSteadyClock steady;
  concordat::alerts::Notifier notifier(
      settings,
      concordat::RoleDirectory(
          std::make_shared<const concordat::Calendars>(
              start.Value(concordat::Calendars::Build(
                  start.Value(program.data().LoadCalendars()), london))),
          london),
      concordat::alerts::IdentityContacts(program.data(), "service-alerts"),
      *bus, types, program.self(), program.clock(), steady, program.random(),
      program.log());
  notifier.Start();
  program.Serve();
  notifier.Stop();
  desk.Stop();
  fold.join();
}

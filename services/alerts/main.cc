// concordat-alerts: rules over the log's events, and the alerts they raise.
#include <signal.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/alerts/domain/definitions.h"
#include "services/alerts/notify/identity_contacts.h"
#include "services/alerts/notify/notifier.h"
#include "services/alerts/rpc/desk.h"
#include "services/alerts/rpc/handlers.h"
#include "services/alerts/rpc/rule_adoption.h"
#include "services/common/bus_client/traced_bus_client.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/settings.h"
#include "services/common/rpc/program.h"
#include "services/common/storage/posix_directory.h"

namespace concordat::alerts {
namespace {

template <typename Message>
absl::StatusOr<std::vector<Message>> ReadAll(
    const absl::StatusOr<std::vector<TextFile>>& files) {
  if (!files.ok()) return files.status();
  std::vector<Message> messages;
  for (const TextFile& file : *files) {
    if (absl::Status status = ParseTextProto(file, &messages.emplace_back());
        !status.ok()) {
      return status;
    }
  }
  return messages;
}

absl::StatusOr<Definitions> LoadDefinitions(
    const DataDirectory& data, const PrincipalRegistry& registry,
    std::shared_ptr<const TypeRegistry> types) {
  Definitions definitions;
  definitions.types = std::move(types);
  auto rules = ReadAll<v1::Rule>(data.LoadRules());
  if (!rules.ok()) return rules.status();
  definitions.rules = *std::move(rules);
  auto feeds = ReadAll<hub::v1::Feed>(data.LoadFeeds());
  if (!feeds.ok()) return feeds.status();
  definitions.feeds = *std::move(feeds);
  auto calendars = data.LoadCalendars();
  if (!calendars.ok()) return calendars.status();
  definitions.calendars = *std::move(calendars);
  auto clocks = data.LoadClocks();
  if (!clocks.ok()) return clocks.status();
  definitions.clocks = *std::move(clocks);
  auto roles = data.LoadRoles();
  if (!roles.ok()) return roles.status();
  definitions.roles = *std::move(roles);
  AddRegistry(registry.proto(), &definitions);
  return definitions;
}

}  // namespace
}  // namespace concordat::alerts

// How long a log that does not answer is asked for what two people agreed to.
static constexpr absl::Duration kApprovalPatience = absl::Seconds(10);

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
  auto definitions = start.Value(concordat::alerts::LoadDefinitions(
      program.data(), *program.registry()(), types));
  // The folder's are looked at whether or not they come into force.
  start.Check(concordat::alerts::MakeEngine(definitions).status());
  const auto client =
      start.Value(concordat::ConnectBus(program.data(), "service-alerts"));
  concordat::WatchLog(*client, program.host().health());
  concordat::TracedBusClient bus(*client, program.spans(), program.clock());
  const concordat::SystemSteadyClock steady;
  const auto folder =
      start.Value(concordat::PosixDirectory::Open(program.folder()));
  concordat::alerts::RulesInForce in_force =
      start.Value(concordat::alerts::FindRulesInForce(
          *folder, definitions.rules, bus, steady, kApprovalPatience));
  definitions.rules = in_force.rules;
  auto engine = start.Value(concordat::alerts::MakeEngine(definitions));
  concordat::alerts::Desk desk(std::move(engine), bus, types, program.self(),
                               program.data().environment(), program.clock(),
                               program.random(), program.log());
  concordat::alerts::RuleDesk rules(
      definitions, in_force.waiting,
      start.Value(program.data().LoadAgreements()), bus, program.clock());
  concordat::alerts::Serve(desk, rules, program.host());
  if (!in_force.waiting.digest().empty()) {
    program.host().health().Add([&](concordat::Troubles& troubles) {
      troubles.push_back({"rules", "",
                          absl::StrCat("rules in the folder wait for two "
                                       "people (concordat rules adopt): ",
                                       in_force.waiting.what()),
                          false});
    });
  }
  std::thread fold([&] {
    if (in_force.adopted) {
      const absl::Status said = concordat::alerts::SayAdopted(
          in_force.rules, program.self(), bus, *types, program.random());
      if (!said.ok()) {
        program.log().Error("that rules were adopted is not in the log",
                            {{"why", said.message()}});
      }
    }
    if (absl::Status status = desk.Run(); !status.ok()) {
      program.log().Error("the bus gives no events any more; stopping",
                          {{"why", status.message()}});
      kill(getpid(), SIGTERM);  // To WaitForStop().
    }
  });
  concordat::alerts::v1::NotifierSettings settings;
  start.Check(concordat::LoadCheckedSettings(
      program.data(), "notifier/notifier.textproto", &settings,
      concordat::WhenAbsent::kError));
  start.Check(concordat::alerts::CheckNotifierSettings(settings));
  const absl::TimeZone london = start.Value(concordat::LondonTime());
  concordat::alerts::Notifier notifier(
      settings,
      concordat::RoleDirectory(
          std::make_shared<const concordat::Calendars>(start.Value(
              concordat::Calendars::Build(definitions.calendars, london))),
          london),
      concordat::alerts::IdentityContacts(program.data(), "service-alerts"),
      [&program](const std::string& server) {
        return program.data().ReadAddress(server, "smtp");
      },
      bus, types, program.self(), program.clock(), steady, program.random(),
      program.log());
  notifier.Start();
  program.Serve();
  notifier.Stop();
  desk.Stop();
  fold.join();
}

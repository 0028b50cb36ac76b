// concordat-alerts: rules over the log's events, and the alerts they raise.
#include <signal.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/alerts/domain/definitions.h"
#include "services/alerts/notify/identity_contacts.h"
#include "services/alerts/notify/notifier.h"
#include "services/alerts/rpc/desk.h"
#include "services/alerts/rpc/handlers.h"
#include "services/alerts/rpc/rule_adoption.h"
#include "services/alerts/rpc/rules_folder.h"
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
  const concordat::alerts::FolderRules read_folder =
      [&program, &base = std::as_const(definitions)]()
      -> absl::StatusOr<std::vector<concordat::alerts::v1::Rule>> {
    auto rules = concordat::alerts::ReadAll<concordat::alerts::v1::Rule>(
        program.data().LoadRules());
    if (!rules.ok()) return rules.status();
    const auto wanted = concordat::alerts::WantedBy(base, *rules);
    if (!wanted.ok()) return wanted.status();
    return rules;
  };
  concordat::alerts::RulesFolder rules_folder(program.data().PathOf("rules"),
                                              read_folder, program.clock());
  const concordat::alerts::FolderRules of_folder = [&rules_folder] {
    return rules_folder.Rules();
  };
  // The folder's are looked at whether or not they come into force.
  const auto now = start.Value(of_folder());
  definitions.wanted =
      start.Value(concordat::alerts::WantedBy(definitions, now));
  const auto client =
      start.Value(concordat::ConnectBus(program.data(), "service-alerts"));
  concordat::WatchLog(*client, program.host().health());
  concordat::TracedBusClient bus(*client, program.spans(), program.clock());
  const concordat::SystemSteadyClock steady;
  const auto folder =
      start.Value(concordat::PosixDirectory::Open(program.folder()));
  definitions.rules = start.Value(concordat::alerts::FirstRules(*folder, now));
  auto engine = start.Value(concordat::alerts::MakeEngine(definitions));
  concordat::alerts::Desk desk(std::move(engine), bus, types, program.self(),
                               program.data().environment(), program.clock(),
                               program.random(), program.log());
  desk.AdoptFrom(of_folder, [&](concordat::alerts::WantedFields wanted) {
    concordat::alerts::Definitions wider = definitions;
    wider.wanted = std::move(wanted);
    return concordat::alerts::MakeEngine(wider);
  });
  const auto in_force = [&desk](absl::Time deadline) {
    return desk.Rules(deadline);
  };
  concordat::alerts::RuleDesk rules(
      definitions, in_force, of_folder,
      start.Value(program.data().LoadAgreements()), bus, program.clock());
  concordat::alerts::Serve(desk, rules, program.host());
  program.host().health().Add([&](concordat::Troubles& troubles) {
    const auto listed = rules.List(program.clock().Now());
    if (!listed.ok() || !listed->has_waiting()) return;
    troubles.push_back({"rules", "",
                        absl::StrCat("rules in the folder are not in force "
                                     "(concordat rules adopt): ",
                                     listed->waiting().what()),
                        false});
  });
  std::thread fold([&] {
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

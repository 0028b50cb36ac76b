// The command line: `concordat SUBCOMMAND …`.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/cli/command.h"

namespace {

constexpr concordat::cli::Command kCommands[] = {
    {"publish", "Publishes CloudEvents, one a line",
     concordat::cli::RunPublish},
    {"spool", "What this machine has taken and the bus has not",
     concordat::cli::RunSpool},
    {"tail", "Prints the events that a profile may see",
     concordat::cli::RunTail},
    {"alerts", "Lists, follows, accepts and closes alerts",
     concordat::cli::RunAlerts},
    {"call", "Calls a method of a service with JSON", concordat::cli::RunCall},
    {"subscriptions", "Places in the log, who is behind, what is set aside",
     concordat::cli::RunSubscriptions},
    {"rejects", "What an agency's edge held back or refused",
     concordat::cli::RunRejects},
    {"person",
     "Finds people: who, the case, whom to ring; reviews of who is who",
     concordat::cli::RunPerson},
    {"rules", "The alert rules: list, test, backtest",
     concordat::cli::RunRules},
    {"log", "State of the log; its verification, backup and restore",
     concordat::cli::RunLog},
    {"retention", "What is past its period, and its removal from the log",
     concordat::cli::RunRetention},
    {"erasure", "Erases people from the hub; who has confirmed it",
     concordat::cli::RunErasure},
    {"corrections",
     "Who has a correction of what they were told, and who has not",
     concordat::cli::RunCorrections},
    {"hold", "Legal holds, by which nothing of a person is erased",
     concordat::cli::RunHold},
    {"restriction", "Shows what your agency told of a person to nobody else",
     concordat::cli::RunRestriction},
    {"wrapping-key",
     "Changes the key that every key of the log is wrapped with",
     concordat::cli::RunWrappingKey},
    {"watch", "Asks every program of the hub whether all is well",
     concordat::cli::RunWatch},
    {"settings", "Prints the reference of what can be set",
     concordat::cli::RunSettings},
    {"agreements", "Agreements, and why somebody sees an event or not",
     concordat::cli::RunAgreements},
    {"approvals", "What waits for a second person to agree",
     concordat::cli::RunApprovals},
    {"documents", "Governance papers made from the data: schedule, fields …",
     concordat::cli::RunDocuments},
    {"access", "Who reached what of whom: the s.62 extract",
     concordat::cli::RunAccess},
    {"who-knew", "Who knew what of a person at a moment",
     concordat::cli::RunWhoKnew},
    {"verify", "Checks an evidence bundle with public keys alone",
     concordat::cli::RunVerify},
    {"bench", "Measures a bus of its own", concordat::cli::RunBench},
    {"account", "Accounts of people who sign in at the gateway",
     concordat::cli::RunAccount},
    {"keys", "Enrols systems; lists keys; makes a demo data directory",
     concordat::cli::RunKeys},
    {"demo", "Plays the story, moves its clock, shows how far the hub is",
     concordat::cli::RunDemo},
};

void PrintHelp() {
  std::printf("Usage: concordat SUBCOMMAND [--help] …\n");
  for (const concordat::cli::Command& command : kCommands) {
    std::printf("  %-14s %s\n", command.name, command.summary);
  }
}

// A full disk, or a reader that broke off, took what was printed: said once here.
bool IsPrinted(const char* command) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  std::fprintf(stderr, "concordat %s: not all of it could be printed\n",
               command);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);
  const absl::string_view name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "help") {
    PrintHelp();
    return argc > 1 ? 0 : 2;
  }
  for (const concordat::cli::Command& command : kCommands) {
    if (name != command.name) continue;
    const absl::Status status =
        command.run(std::vector<std::string>(argv + 2, argv + argc));
    if (status.ok()) return IsPrinted(command.name) ? 0 : 1;
    std::fprintf(stderr, "concordat %s: %s\n", command.name,
                 std::string(status.message()).c_str());
    return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
  }
  std::fprintf(stderr, "concordat: no subcommand %s; see concordat --help\n",
               argv[1]);
  return 2;
}

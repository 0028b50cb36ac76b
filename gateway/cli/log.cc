// concordat log status|verify|checkpoint|prove|drain|resume|maintenance|backup|restore|
//   restored
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/drain.h"
#include "gateway/cli/evidence.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.BusService/";
// Reading a whole log takes its time.
constexpr absl::Duration kVerifyTimeout = absl::Minutes(30);

// What an urgent type was forgiven: somebody has to mend the records.
absl::Status PrintFaults(Hub& hub) {
  const auto list = hub.Call<bus::v1::ListFaultsResponse>(
      kProgram, absl::StrCat(kService, "ListFaults"),
      bus::v1::ListFaultsRequest());
  // The operator alone may see which.
  if (absl::IsPermissionDenied(list.status())) return absl::OkStatus();
  if (!list.ok()) return list.status();
  for (const auto& each : list->faults()) {
    std::printf("  %llu of %s from %s, the last at %llu: %s\n",
                static_cast<unsigned long long>(each.count()),
                each.type().c_str(), each.source().c_str(),
                static_cast<unsigned long long>(each.last_sequence()),
                absl::StrJoin(each.last_faults(), "; ").c_str());
  }
  return absl::OkStatus();
}

absl::Status Status(Hub& hub, bool as_json) {
  const auto status = hub.Call<bus::v1::GetLogStatusResponse>(
      kProgram, absl::StrCat(kService, "GetLogStatus"),
      bus::v1::GetLogStatusRequest());
  if (!status.ok()) return status.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*status).c_str());
    return absl::OkStatus();
  }
  std::printf(
      "log          %s, epoch %u, environment %s\n"
      "events       %llu\n"
      "log time     %s\n"
      "size         %llu bytes in %u segments\n"
      "sessions     %u\n"
      "writes       %s\n",
      absl::BytesToHexString(status->log_id()).c_str(), status->epoch(),
      status->environment().c_str(),
      static_cast<unsigned long long>(status->end_sequence()),
      LocalTime(status->log_time()).c_str(),
      static_cast<unsigned long long>(status->bytes()), status->segments(),
      status->sessions(),
      status->read_only()
          ? absl::StrCat("NONE: ", status->read_only_because()).c_str()
      : status->follows() ? "by another process"
                          : "taken");
  PrintOperation(*status);
  if (status->removed_events() > 0) {
    std::printf("removed      %llu events up to %llu, the last time on %s\n",
                static_cast<unsigned long long>(status->removed_events()),
                static_cast<unsigned long long>(status->removed_through()),
                LocalTime(status->removed_time()).c_str());
  }
  if (status->accepted_with_faults() == 0) return absl::OkStatus();
  std::printf("faults       %llu events of urgent types accepted with them\n",
              static_cast<unsigned long long>(status->accepted_with_faults()));
  return PrintFaults(hub);
}

absl::StatusOr<bus::v1::VerifyLogResponse> VerifyBlocks(Hub& hub) {
  CallOptions options;
  options.timeout = kVerifyTimeout;
  bus::v1::VerifyLogRequest request;
  for (;;) {
    auto response = hub.Call<bus::v1::VerifyLogResponse>(
        kProgram, absl::StrCat(kService, "VerifyLog"), request, options);
    if (!response.ok()) return response.status();
    if (response->events() == response->end()) return response;
    if (response->events() <= request.events()) {
      return absl::InternalError("the bus verifies nothing more of its log");
    }
    if (isatty(STDERR_FILENO) != 0) {
      std::fprintf(stderr, "log:   %llu of %llu events\n",
                   static_cast<unsigned long long>(response->events()),
                   static_cast<unsigned long long>(response->end()));
    }
    request.set_end(response->end());
    request.set_events(response->events());
    request.set_blocks(response->blocks());
  }
}

absl::Status Verify(Hub& hub, bool as_json) {
  const auto verified = VerifyBlocks(hub);
  if (!verified.ok()) return verified.status();
  const auto tree = VerifyTree(hub);
  if (!tree.ok()) return tree.status();
  if (as_json) {
    std::string json = ToJson(*verified);
    json.insert(json.rfind('}'), absl::StrCat(json == "{}" ? "" : ",",
                                              "\"tree\":", ToJson(*tree)));
    std::printf("%s\n", json.c_str());
    return absl::OkStatus();
  }
  std::printf("whole: %llu events in %llu blocks, %llu bytes %s\n",
              static_cast<unsigned long long>(verified->events()),
              static_cast<unsigned long long>(verified->blocks()),
              static_cast<unsigned long long>(verified->bytes()),
              absl::BytesToHexString(verified->last_block_hash()).c_str());
  std::printf("tree:  %llu events, root %s\n",
              static_cast<unsigned long long>(tree->size()),
              absl::Base64Escape(tree->root()).c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunLog(const std::vector<std::string>& arguments) {
  CommandLine line(
      "log status|verify|checkpoint|prove|drain|resume|maintenance|backup|"
      "restore|restored [--profile admin]",
      "status   how far the log is, and whether it takes events\n"
      "verify   reads every block and checks it, and its tree against it\n"
      "checkpoint\n"
      "         what the log signed last of its tree, checked with the key "
      "here\n"
      "prove    --sequence N [--size M]: that an event is in the tree, checked "
      "here\n"
      "drain    --why TEXT: publishers leave and keep what they have, readers "
      "are\n"
      "         served to the end; returns when the bus may be stopped\n"
      "resume   --why TEXT: it takes events again, as after each start\n"
      "maintenance --until TIME --why TEXT, or --over --why TEXT: tells who "
      "asks how\n"
      "         the hub is, and the outside watcher\n"
      "backup   --to DIR [--rate MIB]: copies the log of --data, while a bus "
      "writes it\n"
      "restore  --from DIR [--at SEQUENCE|TIME]: makes the log of --data, "
      "which "
      "has none\n"
      "restored where the log is in PostgreSQL, whose database was restored to "
      "before the\n"
      "         log's end: begins an epoch on it, while no bus runs\n"
      "deploy/docs/operators.md, backup.md and postgresql.md tell when and "
      "how.");
  std::string to;
  std::string from;
  std::string at;
  std::string rate;
  line.flags().AddString("to",
                         "The backup's folder; kept from one backup to "
                         "the next, which copies what is new.",
                         &to);
  line.flags().AddString("from", "The backup's folder.", &from);
  line.flags().AddString("at",
                         "The last event to restore, or a time "
                         "(2026-11-26T09:30:00Z); default: all.",
                         &at);
  line.flags().AddString("rate",
                         "MiB a second that a backup reads at most; default "
                         "8.",
                         &rate);
  std::string why;
  std::string until;
  bool over = false;
  line.flags().AddString("why", "In a few words, for the record.", &why);
  line.flags().AddString("until",
                         "Of a maintenance: 2026-11-26T09:30:00Z, or how long "
                         "from now: 45m, 2h.",
                         &until);
  line.flags().AddBool("over", "Of a maintenance: it is over.", &over);
  std::string sequence;
  std::string size;
  line.flags().AddString("sequence", "Of the event to prove.", &sequence);
  line.flags().AddString("size",
                         "Of the tree to prove it in; default: the newest "
                         "checkpoint's.",
                         &size);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 1, 1);
  if (!go.ok() || !*go) return go.status();
  const std::string& word = line.words()[0];
  if (word == "restored") {
    std::vector<std::string> flags = {"--data", line.data_path()};
    if (line.json()) flags.push_back("--json");
    return RunBeside("concordat-log-restored", flags);
  }
  if (word == "backup" || word == "restore") {
    const bool is_backup = word == "backup";
    if ((is_backup ? to : from).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("log ", word, is_backup ? ": --to" : ": --from",
                       " says where the backup is"));
    }
    uint32_t mib = 0;
    if (!rate.empty() && (!absl::SimpleAtoi(rate, &mib) || mib == 0)) {
      return absl::InvalidArgumentError("--rate: MiB a second, from 1");
    }
    std::vector<std::string> flags = {"--data", line.data_path()};
    for (const auto& [name, value] :
         {std::pair("--to", to), std::pair("--from", from),
          std::pair("--at", at), std::pair("--rate", rate)}) {
      if (value.empty()) continue;
      flags.push_back(name);
      flags.push_back(value);
    }
    if (line.json()) flags.push_back("--json");
    // The log's own program does it, on the files: a bus need not answer, and who
    // may read the data directory is who operates it.
    return RunBeside("concordat-log-backup", flags);
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (word == "status") return Status(**hub, line.json());
  if (word == "verify") return Verify(**hub, line.json());
  if (word == "checkpoint") return ShowCheckpoint(**hub, line.json());
  if (word == "prove") return ProveEvent(**hub, sequence, size, line.json());
  if (word == "drain") return DrainBus(**hub, why);
  if (word == "resume") return ResumeBus(**hub, why);
  if (word == "maintenance") return Maintain(**hub, over, until, why);
  return absl::InvalidArgumentError(
      absl::StrCat("log ", word,
                   "? status, verify, checkpoint, prove, drain, resume, "
                   "maintenance, backup, restore or "
                   "restored"));
}

}  // namespace concordat::cli

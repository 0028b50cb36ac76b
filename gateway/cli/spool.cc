// concordat spool [list | send | retry N | drop N]
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/cli/command.h"
#include "gateway/cli/json.h"
#include "gateway/cli/local_spool.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/codec.h"

namespace concordat::cli {
namespace {

// Envelopes only: an operator has no business with what the events say.
absl::Status PrintRefused(size_t number, const bus::v1::RefusedSet& refused) {
  const auto events = DecodeBatch(refused.set().batch());
  if (!events.ok()) return events.status();
  if (refused.index() >= events->size()) {
    return absl::DataLossError("a refused set is about none of its events");
  }
  const HeaderView& header = (*events)[refused.index()].header;
  std::printf("%-4zu %s  %s %s, %s: %s\n", number,
              LocalTime(refused.refused_at()).c_str(),
              std::string(header.type).c_str(), std::string(header.id).c_str(),
              RefusalWord(refused.refusal()).c_str(), refused.detail().c_str());
  return absl::OkStatus();
}

absl::Status List(PublishSpool& spool) {
  std::printf("waiting %llu, %llu bytes%s; refused %zu\n",
              static_cast<unsigned long long>(spool.waiting()),
              static_cast<unsigned long long>(spool.bytes()),
              spool.waiting() == 0
                  ? ""
                  : absl::StrCat(", the oldest taken ",
                                 LocalTime(spool.oldest_taken_us()))
                        .c_str(),
              spool.refused().size());
  size_t number = 0;
  for (const auto& refused : spool.refused()) {
    if (auto printed = PrintRefused(++number, refused); !printed.ok()) {
      return printed;
    }
  }
  return absl::OkStatus();
}

absl::Status Send(LocalSpool& spool, const DataDirectory& data,
                  const std::string& profile, absl::Duration timeout) {
  const auto bus = ConnectBus(data, profile);
  if (!bus.ok()) return bus.status();
  const auto publisher = spool.PublishTo(**bus);
  PrintSent(*publisher, timeout);
  return publisher->state().waiting_sets == 0
             ? absl::OkStatus()
             : absl::UnavailableError("not everything was sent in time");
}

}  // namespace

absl::Status RunSpool(const std::vector<std::string>& arguments) {
  CommandLine line(
      "spool [list | send | retry N | drop N] --profile NAME",
      "What `concordat publish --spool` has taken on this machine and the bus "
      "has\n"
      "not: how many wait, and what the bus refused, by number.\n"
      "send     sends what waits, and ends when the bus has it all\n"
      "retry N  a refused one waits again, as the newest\n"
      "drop N   destroys a refused one");
  std::string timeout_text = "10m";
  line.flags().AddString("timeout", "How long to send.", &timeout_text);
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  absl::Duration timeout;
  if (!absl::ParseDuration(timeout_text, &timeout)) {
    return absl::InvalidArgumentError("--timeout is not like 10s");
  }
  const std::vector<std::string>& words = line.words();
  const std::string what = words.empty() ? "list" : words[0];
  const bool is_about_one = what == "retry" || what == "drop";
  size_t number = 0;
  if ((what != "list" && what != "send" && !is_about_one) ||
      (words.size() == 2) != is_about_one ||
      (is_about_one && (!absl::SimpleAtoi(words[1], &number) || number == 0))) {
    return absl::InvalidArgumentError(
        "usage: spool [list | send | retry N | drop N]");
  }
  if (line.profile().empty()) {
    return absl::InvalidArgumentError("say whose it is with --profile");
  }
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  auto local = LocalSpool::Open(*data, line.profile());
  if (!local.ok()) return local.status();
  PublishSpool& spool = (*local)->spool();
  if (what == "send") return Send(**local, *data, line.profile(), timeout);
  if (what == "list") return List(spool);
  const auto now =
      static_cast<uint64_t>(absl::ToUnixMicros(SystemClock().Now()));
  return what == "retry" ? spool.Retry(number - 1, now)
                         : spool.Drop(number - 1);
}

}  // namespace concordat::cli

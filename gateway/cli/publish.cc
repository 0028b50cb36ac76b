// concordat publish --file F [--spool]
#include <cstdio>
#include <fstream>
#include <iostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/cli/command.h"
#include "gateway/cli/event_door.h"
#include "gateway/cli/local_spool.h"
#include "services/common/publish_spool/spooled_publisher.h"

namespace concordat::cli {
namespace {

struct Tally {
  size_t events = 0;
  size_t refused = 0;
};

void Print(const gateway::PublishedEvent& event, Tally& tally) {
  ++tally.events;
  if (!event.status.ok()) ++tally.refused;
  std::printf("%s\n", event.ToJson().c_str());
  std::fflush(stdout);
}

absl::Status Result(const Tally& tally) {
  if (tally.refused == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      tally.refused, " of ", tally.events, " events were not accepted"));
}

absl::Status PublishAll(std::istream& in, EventDoor& door,
                        absl::Duration timeout) {
  Tally tally;
  std::string text;
  while (std::getline(in, text)) {
    if (text.empty()) continue;
    const gateway::PublishedEvent published = door.Publish(text, timeout);
    Print(published, tally);
    // Nobody answers: the rest would only wait as long each.
    if (absl::IsUnavailable(published.status)) return published.status;
  }
  return Result(tally);
}

gateway::PublishedEvent Spool(const std::string& text, const EventDoor& door,
                              SpooledPublisher& publisher) {
  gateway::PublishedEvent event;
  auto made = door.Make(text, &event.id);
  event.status = made.status();
  if (!made.ok()) return event;
  std::vector<Event> set;
  set.push_back(*std::move(made));
  event.status = publisher.Publish(std::move(set), nullptr);
  event.spooled = event.status.ok();
  return event;
}

absl::Status SpoolAll(std::istream& in, const Hub& hub, EventDoor& door,
                      absl::Duration timeout) {
  auto spool = LocalSpool::Open(hub.data(), hub.profile());
  if (!spool.ok()) return spool.status();
  const auto publisher = (*spool)->PublishTo(door.bus());
  Tally tally;
  std::string text;
  while (std::getline(in, text)) {
    if (text.empty()) continue;
    const gateway::PublishedEvent event = Spool(text, door, *publisher);
    Print(event, tally);
    if (absl::IsResourceExhausted(event.status)) return event.status;
  }
  PrintSent(*publisher, timeout);
  return Result(tally);
}

}  // namespace

absl::Status RunPublish(const std::vector<std::string>& arguments) {
  CommandLine line(
      "publish --profile NAME [--file F] [--spool]",
      "Publishes CloudEvents, one JSON object a line, from a file or standard\n"
      "input, and answers each with one line: {\"id\",\"sequence\",\n"
      "\"duplicate\"} or {\"id\",\"error\"}. subject is p-… or\n"
      "ref:<system>:<number>, which identity resolves. What an event leaves "
      "out\n"
      "of source, controller, purpose, gateway, regime and stream is the\n"
      "principal's usual one. A line sent again is the same event.\n"
      "With --spool each line is answered {\"id\",\"spooled\"} once it is on "
      "this\n"
      "machine's disk, whether or not the bus is there; see concordat spool.");
  std::string file = "-";
  std::string timeout_text = "10s";
  line.flags().AddString("file", "Where the events are; - standard input.",
                         &file);
  line.flags().AddString(
      "timeout", "How long to wait for each answer; with --spool, for all.",
      &timeout_text);
  bool spool = false;
  line.flags().AddBool("spool", "Takes the events while the bus is away.",
                       &spool);
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  absl::Duration timeout;
  if (!absl::ParseDuration(timeout_text, &timeout)) {
    return absl::InvalidArgumentError("--timeout is not like 10s");
  }
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) return absl::NotFoundError(absl::StrCat("cannot read ", file));
  }
  std::istream& in = file == "-" ? std::cin : opened;
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const auto door = EventDoor::Open(**hub);
  if (!door.ok()) return door.status();
  return spool ? SpoolAll(in, **hub, **door, timeout)
               : PublishAll(in, **door, timeout);
}

}  // namespace concordat::cli

// concordat publish --file F
#include <cstdio>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/cli/command.h"
#include "gateway/cli/event_door.h"

namespace concordat::cli {

absl::Status RunPublish(const std::vector<std::string>& arguments) {
  CommandLine line(
      "publish --profile NAME [--file F]",
      "Publishes CloudEvents, one JSON object a line, from a file or standard\n"
      "input, and answers each with one line: {\"id\",\"sequence\",\n"
      "\"duplicate\"} or {\"id\",\"error\"}. subject is p-… or\n"
      "ref:<system>:<number>, which identity resolves. What an event leaves "
      "out\n"
      "of source, controller, purpose, gateway, regime and stream is the\n"
      "principal's usual one. A line sent again is the same event.");
  std::string file = "-";
  std::string timeout_text = "10s";
  line.flags().AddString("file", "Where the events are; - standard input.",
                         &file);
  line.flags().AddString("timeout", "How long to wait for each answer.",
                         &timeout_text);
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
  size_t sent = 0;
  size_t refused = 0;
  std::string text;
  while (std::getline(in, text)) {
    if (text.empty()) continue;
    const gateway::PublishedEvent published = (*door)->Publish(text, timeout);
    ++sent;
    if (!published.status.ok()) ++refused;
    std::printf("%s\n", published.ToJson().c_str());
    std::fflush(stdout);
    // Nobody answers: the rest would only wait as long each.
    if (absl::IsUnavailable(published.status)) return published.status;
  }
  if (refused == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(refused, " of ", sent, " events were not accepted"));
}

}  // namespace concordat::cli

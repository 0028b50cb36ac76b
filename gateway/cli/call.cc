// concordat call METHOD JSON
#include <cstdio>
#include <iostream>
#include <iterator>

#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"

namespace concordat::cli {

absl::Status RunCall(const std::vector<std::string>& arguments) {
  CommandLine line(
      "call METHOD [JSON|-] --profile NAME",
      "Calls a service. METHOD is mappa.OpenCase or a full name; JSON is the\n"
      "request, - reads it from standard input. A command gets a request id\n"
      "when it has none; say one to repeat a command safely. subject may be\n"
      "ref:chi:N, ref:pnc:N or ref:<system>:N. Times are "
      "2025-11-24T17:25:00Z.");
  std::string purpose;
  line.flags().AddString("purpose", "Why; default: the principal's usual one.",
                         &purpose);
  const auto go = line.Parse(arguments, 1, 2);
  if (!go.ok() || !*go) return go.status();
  std::string json = line.words().size() > 1 ? line.words()[1] : "{}";
  if (json == "-") {
    json.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  CallOptions options;
  options.purpose = purpose;
  const auto answer = (*hub)->CallJson(line.words()[0], json, options);
  if (!answer.ok()) {
    return absl::Status(
        answer.status().code(),
        absl::StrCat(absl::StatusCodeToString(answer.status().code()), ": ",
                     answer.status().message()));
  }
  std::printf("%s\n", answer->c_str());
  return absl::OkStatus();
}

}  // namespace concordat::cli

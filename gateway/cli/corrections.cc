// concordat corrections: who of those that had a fact has its correction, too.
#include <cstdio>

#include "concordat/bus/v1/corrections.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {

absl::Status RunCorrections(const std::vector<std::string>& arguments) {
  CommandLine line(
      "corrections [--open] --profile NAME",
      "Corrections and retractions of what your agency told, and who of those "
      "that\nhad the original has not accepted them; to the operator all of "
      "them.");
  bool open = false;
  line.flags().AddBool("open", "Those alone that wait for somebody.", &open);
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  bus::v1::ListCorrectionsRequest request;
  request.set_open(open);
  const auto list = (*hub)->Call<bus::v1::ListCorrectionsResponse>(
      "concordat-bus", "concordat.bus.v1.CorrectionService/ListCorrections",
      request);
  if (!list.ok()) return list.status();
  if (line.json()) {
    std::printf("%s\n", ToJson(*list).c_str());
    return absl::OkStatus();
  }
  for (const bus::v1::Correction& each : list->corrections()) {
    std::printf("%llu  %s  %s %s of %llu, %s\n",
                static_cast<unsigned long long>(each.sequence()),
                LocalTime(each.accepted_time()).c_str(),
                each.retraction() ? "retraction" : "correction",
                each.type().c_str(),
                static_cast<unsigned long long>(each.original()),
                each.waits_for() == 0 ? "complete" : "waits for");
    for (const bus::v1::CorrectionRecipient& one : each.recipients()) {
      if (one.accepted()) continue;
      std::printf("    %s/%s/%s\n", one.agency().c_str(), one.role().c_str(),
                  one.name().c_str());
    }
  }
  if (list->corrections().empty()) std::printf("no corrections\n");
  return absl::OkStatus();
}

}  // namespace concordat::cli

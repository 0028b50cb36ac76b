// concordat rejects
#include <cstdio>

#include "concordat/edge/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {

absl::Status RunRejects(const std::vector<std::string>& arguments) {
  CommandLine line(
      "rejects --profile NAME",
      "What the adapter at the edge of an agency did with its messages: "
      "counts,\n"
      "and for its own people what is held for them or was refused.");
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const auto list = (*hub)->Call<edge::v1::ListRejectsResponse>(
      "concordat-adapter", "concordat.edge.v1.EdgeService/ListRejects",
      edge::v1::ListRejectsRequest());
  if (!list.ok()) return list.status();
  if (line.json()) {
    std::printf("%s\n", ToJson(*list).c_str());
    return absl::OkStatus();
  }
  const auto& counts = list->counts();
  std::printf(
      "held %llu, to identity %llu, published %llu, not in cohort %llu, "
      "refused %llu, waiting %llu\n",
      static_cast<unsigned long long>(counts.held()),
      static_cast<unsigned long long>(counts.to_identity()),
      static_cast<unsigned long long>(counts.published()),
      static_cast<unsigned long long>(counts.not_in_cohort()),
      static_cast<unsigned long long>(counts.refused()),
      static_cast<unsigned long long>(counts.spooled()));
  for (const auto& item : list->items()) {
    std::printf("%-16s  %-8s %-8s %s %s\n",
                LocalTime(item.received_at()).c_str(), item.outcome().c_str(),
                item.message_type().c_str(), item.reason().c_str(),
                item.words().c_str());
  }
  return absl::OkStatus();
}

}  // namespace concordat::cli

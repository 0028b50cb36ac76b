#include "services/bus/evidence/producer_link.h"

#include <utility>

#include "services/common/evidence/producer_chain.h"

namespace concordat::bus {
namespace {

constexpr size_t kSearchBytes = size_t{64} << 20;

absl::StatusOr<std::vector<Digest>> DigestsOf(const EventLog& log,
                                              const v1::ChainSigned& link) {
  std::vector<Digest> digests;
  for (const v1::SequenceRun& run : link.runs()) {
    for (uint64_t i = 0; i < run.count(); ++i) {
      const absl::StatusOr<StoredEvent> event = log.ReadOne({run.first() + i});
      if (!event.ok()) return event.status();
      digests.push_back(event->digest);
    }
  }
  return digests;
}

}  // namespace

absl::StatusOr<std::optional<ProducerLink>> FindProducerLink(
    const EventLog& log, const ChainLog& chains, const StoredEvent& event) {
  const absl::string_view agency = AgencyOfSource(event.header.source);
  std::vector<Digest> digests;
  const auto holds = [&](const StoredLink& link) {
    if (link.agency != agency ||
        !CheckLink(log.Status().log_id, link.link).ok()) {
      return false;
    }
    absl::StatusOr<std::vector<Digest>> found = DigestsOf(log, link.link);
    if (!found.ok() || !CheckLinkDigests(link.link, *found).ok()) return false;
    digests = *std::move(found);
    return true;
  };
  auto link = chains.FindLink(event.sequence, kSearchBytes, holds);
  if (!link.ok()) return link.status();
  if (!link->has_value()) return std::optional<ProducerLink>();
  return std::optional<ProducerLink>(
      ProducerLink{**std::move(link), std::move(digests)});
}

}  // namespace concordat::bus

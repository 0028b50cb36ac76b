#include "adapters/core/edge_service.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::edge {
namespace {

constexpr char kLiaison[] = "nhs-liaison";
constexpr char kOperator[] = "operator";

const char* OutcomeWord(v1::Outcome outcome) {
  switch (outcome) {
    case v1::OUTCOME_REFUSED:
      return "refused";
    case v1::OUTCOME_TO_IDENTITY:
      return "to identity";
    default:
      return "held";
  }
}

}  // namespace

absl::StatusOr<v1::ListRejectsResponse> ListRejects(
    const EdgeStore& store, const std::string& agency,
    const bus::v1::Principal& caller) {
  const bool whole = caller.role() == kLiaison && caller.agency() == agency;
  if (!whole && caller.role() != kOperator) {
    return absl::PermissionDeniedError(
        "for the liaison officer of the edge's own agency");
  }
  v1::ListRejectsResponse response;
  const EdgeCounts counts = store.counts();
  v1::Counts& out = *response.mutable_counts();
  out.set_held(counts.held);
  out.set_to_identity(counts.to_identity);
  out.set_published(counts.published);
  out.set_not_in_cohort(counts.not_in_cohort);
  out.set_refused(counts.refused);
  out.set_spooled(counts.waiting);
  for (const KeptItem& kept : store.items()) {
    v1::Item& item = *response.add_items();
    item.set_outcome(OutcomeWord(kept.verdict.outcome));
    item.set_reason(kept.verdict.reason);
    if (!whole) continue;
    item.set_item_ref(absl::StrCat("H-", kept.number));
    item.set_received_at(kept.received_us);
    item.set_message_type(kept.verdict.message_type);
    item.set_subject(kept.verdict.subject.ToString());
    item.set_words(kept.verdict.words);
  }
  return response;
}

void AddEdgeService(const EdgeStore& store, std::string agency,
                    ServerHost& host) {
  host.Handle<v1::ListRejectsRequest, v1::ListRejectsResponse>(
      "concordat.edge.v1.EdgeService/ListRejects", {{kLiaison, kOperator}},
      [&store, agency = std::move(agency)](const Call& call,
                                           const v1::ListRejectsRequest&) {
        return ListRejects(store, agency, *call.principal);
      });
}

}  // namespace concordat::edge

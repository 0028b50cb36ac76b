#include "services/bus/daemon/correction_desk.h"

#include <algorithm>

namespace concordat::bus {
namespace {

constexpr char kMethod[] = "concordat.bus.v1.CorrectionService/ListCorrections";
constexpr int kListMax = 1000;

// A subscription's reader, for any purpose.
Recipient ReaderOf(const PrincipalRegistry& registry,
                   const SubscriptionInfo& info) {
  Recipient to;
  to.agency = info.agency;
  to.role = info.role;
  for (const v1::Principal& principal : registry.proto().principals()) {
    if (principal.agency() == info.agency && principal.role() == info.role &&
        principal.has_process()) {
      to.process_types = {principal.process().types().begin(),
                          principal.process().types().end()};
    }
  }
  return to;
}

}  // namespace

void CorrectionDesk::Serve(ServerHost& host) {
  host.Handle<v1::ListCorrectionsRequest, v1::ListCorrectionsResponse>(
      kMethod, {},
      [this](const Call& call, const v1::ListCorrectionsRequest& request) {
        return List(call, request);
      });
}

absl::Status CorrectionDesk::FillRecipients(const PrincipalRegistry& registry,
                                            const DeliverySnapshot& snapshot,
                                            v1::Correction& correction) const {
  if (correction.original() == 0) return absl::OkStatus();
  const auto original = log_.ReadOne({correction.original()});
  if (!original.ok()) return original.status();
  uint32_t waits_for = 0;
  for (const SubscriptionInfo& info : snapshot.subscriptions) {
    if (info.acknowledged.value < correction.original() ||
        fold_.Granted(*original, ReaderOf(registry, info)) == 0) {
      continue;
    }
    v1::CorrectionRecipient& one = *correction.add_recipients();
    one.set_agency(info.agency);
    one.set_role(info.role);
    one.set_name(info.name);
    one.set_accepted(info.acknowledged.value >= correction.sequence());
    if (!one.accepted()) ++waits_for;
  }
  correction.set_waits_for(waits_for);
  return absl::OkStatus();
}

absl::StatusOr<v1::ListCorrectionsResponse> CorrectionDesk::List(
    const Call& call, const v1::ListCorrectionsRequest& request) {
  absl::Status caught_up = fold_.CatchUp(log_);
  if (caught_up.ok()) caught_up = book_.CatchUp();
  if (!caught_up.ok()) return caught_up;
  const bool is_operator = call.principal->role() == "operator";
  const DeliverySnapshot snapshot = delivery_.Snapshot();
  v1::ListCorrectionsResponse response;
  const auto& entries = book_.entries();
  for (auto it = entries.rbegin();
       it != entries.rend() && response.corrections_size() < kListMax; ++it) {
    if (!is_operator && it->controller != call.principal->agency()) continue;
    v1::Correction correction;
    correction.set_sequence(it->sequence.value);
    correction.set_original(it->original.value);
    correction.set_type(it->type);
    correction.set_controller(it->controller);
    correction.set_retraction(it->is_retraction);
    correction.set_accepted_time(it->accepted_us);
    const absl::Status filled =
        FillRecipients(*call.registry, snapshot, correction);
    if (!filled.ok()) return filled;
    if (request.open() && correction.waits_for() == 0) continue;
    *response.add_corrections() = std::move(correction);
  }
  return response;
}

}  // namespace concordat::bus

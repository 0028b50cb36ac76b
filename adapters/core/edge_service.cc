#include "adapters/core/edge_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/core/act_request.h"
#include "adapters/core/operator_reply.h"
#include "services/common/config/principal_registry.h"

namespace concordat::edge {
namespace {

constexpr char kService[] = "concordat.edge.v1.EdgeService/";
constexpr char kOperator[] = "operator";
constexpr char kHeld[] = "held";

bool IsRefused(const KeptItem& item) {
  return item.verdict.outcome == v1::OUTCOME_REFUSED;
}

const char* StateWord(const KeptItem& item) {
  if (item.open()) return "open";
  if (!item.ended()) return "under way";
  switch (item.act->kind) {
    case v1::ACT_KIND_RELEASE:
      return "released";
    case v1::ACT_KIND_REPLAY:
      return "replayed";
    case v1::ACT_KIND_AGE:
      return "aged";
    default:
      return "left";
  }
}

// What the operator may know: of what is held for a person that it is held.
void FillEnvelope(const KeptItem& kept, v1::Item& item) {
  item.set_outcome(IsRefused(kept) ? "refused" : kHeld);
  item.set_reason(kept.verdict.reason);
  if (!IsRefused(kept)) return;
  item.set_item_ref(RefOf(kept));
  item.set_received_at(kept.message.received_us);
  item.set_state(StateWord(kept));
}

// "H-12" or "R-12"; 0: neither.
uint64_t NumberOf(absl::string_view item_ref) {
  uint64_t number = 0;
  if (item_ref.size() < 3 || (item_ref[0] != 'H' && item_ref[0] != 'R') ||
      item_ref[1] != '-' || !absl::SimpleAtoi(item_ref.substr(2), &number)) {
    return 0;
  }
  return number;
}

}  // namespace

absl::Status EdgeService::CheckCaller(const bus::v1::Principal& caller) const {
  if (caller.agency() == agency_ &&
      std::find(roles_.begin(), roles_.end(), caller.role()) != roles_.end()) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "for the ", absl::StrJoin(roles_, " or "), " of the edge's own agency"));
}

absl::Status EdgeService::CheckSeer(const bus::v1::Principal& caller) const {
  return caller.role() == kOperator ? absl::OkStatus() : CheckCaller(caller);
}

bool EdgeService::IsHidden(const bus::v1::Principal& caller,
                           const KeptItem& kept) const {
  // The operator sees nobody.
  return caller.agency() == agency_ && !kept.verdict.subject.empty() &&
         !allows_(kept.verdict.subject, caller);
}

uint64_t EdgeService::NumberFor(const bus::v1::Principal& caller,
                                absl::string_view item_ref) const {
  const uint64_t number = NumberOf(item_ref);
  const auto kept = store_.Find(number);
  return kept.has_value() && IsHidden(caller, *kept) ? 0 : number;
}

void EdgeService::Fill(const KeptItem& kept, v1::Item& item) const {
  FillEnvelope(kept, item);
  item.set_item_ref(RefOf(kept));
  item.set_received_at(kept.message.received_us);
  item.set_message_type(kept.verdict.message_type);
  if (!kept.verdict.subject.empty()) {
    item.set_subject(kept.verdict.subject.ToString());
  }
  item.set_words(kept.verdict.words);
  item.set_localsubject(kept.verdict.localsubject);
  item.set_happened_at(kept.verdict.happened_us);
  item.set_source(kept.verdict.source);
  item.set_place(kept.verdict.place);
  item.set_state(StateWord(kept));
  if (item.outcome() == kHeld && kept.open()) {
    const auto service = desk_.PreviewRelease(kept.message.number);
    if (service.ok()) {
      item.set_service_code(*service);
    } else {
      item.set_cannot_release(std::string(service.status().message()));
    }
  }
  if (!kept.act.has_value()) return;
  item.set_acted_by(kept.act->by);
  item.set_acted_at(kept.act->at_us);
  item.set_act_reason(kept.act->reason);
  item.set_act_note(kept.act->note);
  item.set_decision_ref(kept.act->decision_ref);
}

absl::StatusOr<v1::ListRejectsResponse> EdgeService::List(
    const bus::v1::Principal& caller,
    const v1::ListRejectsRequest& request) const {
  const absl::Status allowed = CheckSeer(caller);
  if (!allowed.ok()) return allowed;
  const bool whole = CheckCaller(caller).ok();
  v1::ListRejectsResponse response;
  const EdgeCounts counts = store_.counts();
  v1::Counts& out = *response.mutable_counts();
  out.set_held(counts.held);
  out.set_to_identity(counts.to_identity);
  out.set_published(counts.published);
  out.set_not_in_cohort(counts.not_in_cohort);
  out.set_refused(counts.refused);
  out.set_spooled(counts.waiting);
  out.set_left(counts.left);
  out.set_released(counts.released);
  if (fill_) fill_(out);
  for (const KeptItem& kept : store_.items(whole && request.with_ended())) {
    if (IsHidden(caller, kept)) continue;
    v1::Item& item = *response.add_items();
    if (whole) {
      Fill(kept, item);
    } else {
      FillEnvelope(kept, item);
    }
  }
  return response;
}

absl::StatusOr<Act> EdgeService::WishOf(const absl::Status& allowed,
                                        const bus::v1::Principal& caller,
                                        const hub::v1::Command& command,
                                        const std::string& item_ref,
                                        const std::string& reason,
                                        const std::string& note) const {
  if (!allowed.ok()) return allowed;
  const absl::Status fits = CheckActRequest(command, note);
  if (!fits.ok()) return fits;
  Act wish;
  wish.item = NumberFor(caller, item_ref);
  wish.by = SourceOf(caller);
  wish.request_id = command.request_id();
  wish.on_behalf_of = command.on_behalf_of();
  wish.at_us = command.time();
  wish.reason = reason;
  wish.note = note;
  return wish;
}

absl::StatusOr<v1::ActReply> EdgeService::Take(Act wish,
                                               Sequence min_position) {
  const auto taken = desk_.Take(std::move(wish), min_position);
  if (!taken.ok()) return taken.status();
  v1::ActReply reply;
  reply.set_position(taken->act.position.value);
  reply.set_duplicate(taken->duplicate);
  Fill(taken->item, *reply.mutable_item());
  return reply;
}

absl::StatusOr<v1::LookAtItemResponse> EdgeService::Look(
    const bus::v1::Principal& caller, const v1::LookAtItemRequest& request) {
  const absl::Status allowed = CheckCaller(caller);
  if (!allowed.ok()) return allowed;
  const absl::Status fits =
      CheckStaffReference("on_behalf_of", request.on_behalf_of());
  if (!fits.ok()) return fits;
  Act wish;
  wish.item = NumberFor(caller, request.item_ref());
  wish.by = SourceOf(caller);
  wish.on_behalf_of = request.on_behalf_of();
  const auto looked = desk_.Look(std::move(wish));
  if (!looked.ok()) return looked.status();
  v1::LookAtItemResponse response;
  Fill(looked->item, *response.mutable_item());
  for (const KeptField& field : looked->fields) {
    v1::ShownField& shown = *response.add_fields();
    shown.set_name(field.name);
    shown.set_value(field.value);
  }
  return response;
}

absl::StatusOr<v1::ActReply> EdgeService::Release(
    const bus::v1::Principal& caller, const v1::ReleaseItemRequest& request) {
  auto wish = WishOf(CheckCaller(caller), caller, request.command(),
                     request.item_ref(), request.reason(), request.note());
  if (!wish.ok()) return wish.status();
  wish->kind = v1::ACT_KIND_RELEASE;
  wish->decision_ref = request.decision_ref();
  return Take(*std::move(wish), Sequence{request.min_position()});
}

absl::StatusOr<v1::PreviewReplayResponse> EdgeService::PreviewReplay(
    const bus::v1::Principal& caller) const {
  const absl::Status allowed = CheckSeer(caller);
  if (!allowed.ok()) return allowed;
  v1::PreviewReplayResponse response;
  for (const KeptItem& kept : store_.items()) {
    if (!IsRefused(kept) || !kept.open() || IsHidden(caller, kept)) continue;
    if (response.items_size() == kPreviewItemsMax) {
      response.set_more(true);
      break;
    }
    v1::ReplayPreview& item = *response.add_items();
    item.set_item_ref(RefOf(kept));
    item.set_ready(desk_.PreviewReplay(kept.message.number).ok());
  }
  return response;
}

absl::StatusOr<v1::ActReply> EdgeService::Replay(
    const bus::v1::Principal& caller, const v1::ReplayItemRequest& request) {
  auto wish = WishOf(CheckSeer(caller), caller, request.command(),
                     request.item_ref(), request.reason(), request.note());
  if (!wish.ok()) return wish.status();
  wish->kind = v1::ACT_KIND_REPLAY;
  if (CheckCaller(caller).ok()) return Take(*std::move(wish), Sequence{});
  const auto taken =
      desk_.Take(*std::move(wish), Sequence{}, ItemDesk::Reach::kRefused);
  if (!taken.ok()) return ForOperator(taken.status());
  return ForOperator(taken->act.position, taken->duplicate, request.item_ref());
}

absl::StatusOr<v1::ActReply> EdgeService::Leave(
    const bus::v1::Principal& caller, const v1::LeaveItemRequest& request) {
  auto wish = WishOf(CheckCaller(caller), caller, request.command(),
                     request.item_ref(), request.reason(), request.note());
  if (!wish.ok()) return wish.status();
  wish->kind = v1::ACT_KIND_LEAVE;
  return Take(*std::move(wish), Sequence{});
}

void EdgeService::AddTo(ServerHost& host) {
  const auto name = [](const char* method) {
    return absl::StrCat(kService, method);
  };
  const MethodOptions own{.roles = roles_};
  MethodOptions seen = own;
  seen.roles.push_back(kOperator);
  host.Handle<v1::ListRejectsRequest, v1::ListRejectsResponse>(
      name("ListRejects"), seen, [this](const Call& call, const auto& request) {
        return List(*call.principal, request);
      });
  host.Handle<v1::PreviewReplayRequest, v1::PreviewReplayResponse>(
      name("PreviewReplay"), seen,
      [this](const Call& call, const v1::PreviewReplayRequest&) {
        return PreviewReplay(*call.principal);
      });
  host.Handle<v1::LookAtItemRequest, v1::LookAtItemResponse>(
      name("LookAtItem"), own, [this](const Call& call, const auto& request) {
        return Look(*call.principal, request);
      });
  host.Handle<v1::ReleaseItemRequest, v1::ActReply>(
      name("ReleaseItem"), own, [this](const Call& call, const auto& request) {
        return Release(*call.principal, request);
      });
  host.Handle<v1::ReplayItemRequest, v1::ActReply>(
      name("ReplayItem"), seen, [this](const Call& call, const auto& request) {
        return Replay(*call.principal, request);
      });
  host.Handle<v1::LeaveItemRequest, v1::ActReply>(
      name("LeaveItem"), own, [this](const Call& call, const auto& request) {
        return Leave(*call.principal, request);
      });
}

}  // namespace concordat::edge

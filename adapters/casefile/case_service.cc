#include "adapters/casefile/case_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "adapters/casefile/file_taker.h"
#include "adapters/core/act_request.h"
#include "adapters/core/operator_reply.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"

namespace concordat::casefile {
namespace {

using edge::v1::RejectAct;
using edge::v1::WaitingRow;

constexpr char kService[] = "concordat.edge.v1.EdgeService/";
constexpr char kOperator[] = "operator";
constexpr size_t kFilesShown = 30;

std::string RefOf(const WaitingRow& reject) {
  return absl::StrCat("R-", reject.number());
}

// 0: none.
uint64_t NumberOf(absl::string_view item_ref) {
  uint64_t number = 0;
  return absl::ConsumePrefix(&item_ref, "R-") &&
                 absl::SimpleAtoi(item_ref, &number)
             ? number
             : 0;
}

void FillEnvelope(const WaitingRow& reject, edge::v1::Item& item) {
  item.set_outcome("refused");
  item.set_item_ref(RefOf(reject));
  item.set_received_at(reject.taken_at());
  item.set_state("open");
}

void Fill(const WaitingRow& reject, edge::v1::Item& item) {
  FillEnvelope(reject, item);
  item.set_reason(reject.reason());
  item.set_message_type(reject.mapping());
  item.set_localsubject(reject.person());
  item.set_happened_at(reject.time());
  item.set_source(reject.file());
  if (reject.line() > 0) {
    item.set_place(absl::StrCat("line ", reject.line()));
  }
}

}  // namespace

void CaseService::AddTo(ServerHost& host) {
  const auto name = [](const char* method) {
    return absl::StrCat(kService, method);
  };
  host.Handle<edge::v1::ListRejectsRequest, edge::v1::ListRejectsResponse>(
      name("ListRejects"), {{parts_.clerk_role, kOperator}},
      [this](const Call& call, const edge::v1::ListRejectsRequest&) {
        return List(*call.principal);
      });
  host.Handle<edge::v1::PreviewReplayRequest, edge::v1::PreviewReplayResponse>(
      name("PreviewReplay"), {{parts_.clerk_role, kOperator}},
      [this](const Call& call, const edge::v1::PreviewReplayRequest&) {
        return PreviewReplay(*call.principal);
      });
  host.Handle<edge::v1::LookAtItemRequest, edge::v1::LookAtItemResponse>(
      name("LookAtItem"), {{parts_.clerk_role}},
      [this](const Call& call, const edge::v1::LookAtItemRequest& request) {
        return Look(*call.principal, request);
      });
  host.Handle<edge::v1::ReplayItemRequest, edge::v1::ActReply>(
      name("ReplayItem"), {{parts_.clerk_role, kOperator}},
      [this](const Call& call, const edge::v1::ReplayItemRequest& request) {
        return Replay(*call.principal, request);
      });
  host.Handle<edge::v1::LeaveItemRequest, edge::v1::ActReply>(
      name("LeaveItem"), {{parts_.clerk_role}},
      [this](const Call& call, const edge::v1::LeaveItemRequest& request) {
        return Leave(*call.principal, request);
      });
}

absl::Status CaseService::CheckCaller(const bus::v1::Principal& caller) const {
  if (caller.agency() == parts_.agency && caller.role() == parts_.clerk_role) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("for the ", parts_.clerk_role, " of the edge's own agency"));
}

absl::Status CaseService::CheckSeer(const bus::v1::Principal& caller) const {
  return caller.role() == kOperator ? absl::OkStatus() : CheckCaller(caller);
}

absl::StatusOr<edge::v1::ListRejectsResponse> CaseService::List(
    const bus::v1::Principal& caller) const {
  if (absl::Status allowed = CheckSeer(caller); !allowed.ok()) return allowed;
  const bool whole = CheckCaller(caller).ok();
  edge::v1::ListRejectsResponse response;
  const CaseTotals totals = parts_.store->totals();
  edge::v1::Counts& counts = *response.mutable_counts();
  counts.set_published(totals.counts.published());
  counts.set_not_in_cohort(totals.counts.not_in_cohort());
  counts.set_spooled(totals.waiting);
  uint64_t hidden = 0;
  for (const WaitingRow& reject : parts_.store->rejects()) {
    if (IsHidden(caller, reject)) {
      ++hidden;
      continue;
    }
    edge::v1::Item& item = *response.add_items();
    if (whole) {
      Fill(reject, item);
    } else {
      FillEnvelope(reject, item);
      item.set_reason(absl::StrCat("a row of ", reject.mapping()));
    }
    if (parts_.store->IsUnderWay(reject.number())) item.set_state("under way");
  }
  counts.set_refused(totals.rejects - hidden);
  for (const edge::v1::FileTaken& file : parts_.store->files(kFilesShown)) {
    edge::v1::FileReport& report = *response.add_files();
    report.set_at(file.at());
    report.set_rows(file.rows());
    report.set_refused(!file.refused().empty());
    if (!whole) continue;
    report.set_name(file.name());
    report.set_words(FileWords(file));
  }
  return response;
}

bool CaseService::IsHidden(const bus::v1::Principal& caller,
                           const WaitingRow& reject) const {
  // The operator sees nobody; of a row whose person cannot be read nobody is known.
  if (caller.agency() != parts_.agency || reject.subject().empty()) {
    return false;
  }
  const auto subject = PersonKey::FromBytes(reject.subject());
  return !subject.ok() || !parts_.allows(*subject, caller);
}

absl::StatusOr<WaitingRow> CaseService::Find(
    const bus::v1::Principal& caller, const std::string& item_ref) const {
  auto reject = parts_.store->FindReject(NumberOf(item_ref));
  if (reject.has_value() && !IsHidden(caller, *reject)) {
    return *std::move(reject);
  }
  return absl::NotFoundError(absl::StrCat("there is no item ", item_ref));
}

uint64_t CaseService::NowMicros() const {
  return static_cast<uint64_t>(absl::ToUnixMicros(parts_.log_clock->Now()));
}

absl::StatusOr<edge::v1::LookAtItemResponse> CaseService::Look(
    const bus::v1::Principal& caller,
    const edge::v1::LookAtItemRequest& request) {
  absl::Status allowed = CheckCaller(caller);
  allowed.Update(
      edge::CheckStaffReference("on_behalf_of", request.on_behalf_of()));
  if (!allowed.ok()) return allowed;
  const auto reject = Find(caller, request.item_ref());
  if (!reject.ok()) return reject.status();
  hub::v1::KeptItemOpened opened;
  opened.set_item_ref(request.item_ref());
  opened.set_by(SourceOf(caller));
  RowWorker::Fact fact;
  fact.type = opened.GetDescriptor()->full_name();
  fact.data = opened.SerializeAsString();
  fact.time_us = NowMicros();
  fact.id = DerivedId(
      "casefile-look",
      // Another look is another, also while a story's time stands still.
      absl::StrCat(request.item_ref(), "\n", opened.by(), "\n",
                   absl::ToUnixMicros(parts_.clock->Now())),
      0);
  fact.stream = absl::StrCat("kept-item/", request.item_ref());
  fact.on_behalf_of = request.on_behalf_of();
  // It is a fact before anything is shown.
  const auto said = parts_.worker->Publish(fact);
  if (!said.ok()) return said.status();
  edge::v1::LookAtItemResponse response;
  Fill(*reject, *response.mutable_item());
  for (const edge::v1::ColumnText& column : reject->columns()) {
    edge::v1::ShownField& field = *response.add_fields();
    field.set_name(column.column());
    field.set_value(column.text());
  }
  return response;
}

absl::StatusOr<MappingSet> CaseService::LoadMappings() const {
  auto mappings = parts_.load_mappings();
  if (mappings.ok()) return mappings;
  return absl::FailedPreconditionError(mappings.status().message());
}

absl::StatusOr<WaitingRow> CaseService::ReadAgain(
    const WaitingRow& reject, const MappingSet& mappings,
    const edge::v1::ReplayItemRequest& request) const {
  if (reject.vanished()) {
    WaitingRow gone = reject;
    gone.set_kind(edge::v1::ROW_KIND_VANISHED);
    return gone;
  }
  if (reject.columns().empty()) {
    return absl::FailedPreconditionError(
        "nothing of the row is kept: mend the file and drop it again");
  }
  const absl::CivilDay day = absl::CivilDay() + reject.file_day();
  const auto mapping = mappings.InForce(reject.mapping(), day);
  if (mapping == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("no mapping ", reject.mapping(), " is in force"));
  }
  TableRow row;
  row.line = reject.line();
  for (const std::string& column : mapping->columns()) {
    const auto kept =
        std::find_if(reject.columns().begin(), reject.columns().end(),
                     [&](const auto& each) { return each.column() == column; });
    const auto mended =
        std::find_if(request.mended().begin(), request.mended().end(),
                     [&](const auto& each) { return each.name() == column; });
    if (mended != request.mended().end()) {
      row.fields.push_back(mended->value());
    } else if (kept != reject.columns().end()) {
      row.fields.push_back(kept->text());
    } else {
      return absl::FailedPreconditionError(absl::StrCat(
          "the column ", column, " was not read when the file was taken"));
    }
  }
  for (const edge::v1::ShownField& mended : request.mended()) {
    const auto& columns = mapping->columns();
    if (std::find(columns.begin(), columns.end(), mended.name()) ==
        columns.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the mapping reads no column ", mended.name()));
    }
  }
  WaitingRow again = mapping->MapRow(row, reject.file(), day, *parts_.marks);
  again.set_taken_at(reject.taken_at());
  if (again.kind() == edge::v1::ROW_KIND_REJECT) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is a reject still: ", again.reason()));
  }
  if (again.kind() != edge::v1::ROW_KIND_FACT) {
    return absl::FailedPreconditionError("it is no fact for the hub: leave it");
  }
  return again;
}

template <typename Request>
absl::StatusOr<RejectAct> CaseService::WishOf(absl::Status allowed,
                                              const bus::v1::Principal& caller,
                                              const Request& request) const {
  const hub::v1::Command& command = request.command();
  allowed.Update(edge::CheckActRequest(command, request.note()));
  if (!allowed.ok()) return allowed;
  RejectAct act;
  edge::v1::Acted& acted = *act.mutable_acted();
  acted.set_item(NumberOf(request.item_ref()));
  acted.set_item_ref(request.item_ref());
  acted.set_request_id(command.request_id());
  acted.set_by(SourceOf(caller));
  acted.set_on_behalf_of(command.on_behalf_of());
  acted.set_reason(request.reason());
  acted.set_note(request.note());
  acted.set_at(command.time() != 0 ? command.time() : NowMicros());
  return act;
}

absl::StatusOr<edge::v1::ActReply> CaseService::Take(
    const bus::v1::Principal& caller, RejectAct act,
    const std::function<absl::Status(const WaitingRow&, RejectAct&)>& prepare) {
  const auto before = parts_.store->Check(act);
  if (!before.ok()) return before.status();
  const auto reject = Find(caller, act.acted().item_ref());
  if (before->has_value()) {
    return Answer((*before)->acted().act(), reject.value_or(WaitingRow()),
                  true);
  }
  if (!reject.ok()) return reject.status();
  absl::Status ready = prepare(*reject, act);
  // What breaks a rule of its fact is refused before it is an act.
  ready.Update(parts_.worker->Check(act.acted()));
  if (!ready.ok()) return ready;
  const auto number = parts_.store->Begin(std::move(act));
  if (!number.ok()) return number.status();
  parts_.wake();
  return Answer(*number, *reject, false);
}

absl::StatusOr<edge::v1::ActReply> CaseService::Answer(uint64_t act,
                                                       const WaitingRow& reject,
                                                       bool duplicate) const {
  const auto ended = parts_.store->AwaitEnd(act, parts_.patience);
  if (!ended.has_value()) {
    return absl::UnavailableError(
        "recorded, and not in the log yet; ask again with the same request id");
  }
  if (!ended->ended().done()) {
    return absl::FailedPreconditionError(ended->ended().why());
  }
  edge::v1::ActReply reply;
  reply.set_position(ended->ended().position());
  reply.set_duplicate(duplicate);
  edge::v1::Item& item = *reply.mutable_item();
  const edge::v1::Acted& acted = ended->acted();
  Fill(reject, item);
  item.set_item_ref(acted.item_ref());
  item.set_state(acted.kind() == edge::v1::ACT_KIND_REPLAY ? "replayed"
                                                           : "left");
  item.set_acted_by(acted.by());
  item.set_acted_at(acted.at());
  item.set_act_reason(acted.reason());
  item.set_act_note(acted.note());
  return reply;
}

absl::StatusOr<edge::v1::PreviewReplayResponse> CaseService::PreviewReplay(
    const bus::v1::Principal& caller) const {
  if (absl::Status allowed = CheckSeer(caller); !allowed.ok()) return allowed;
  const auto mappings = LoadMappings();
  if (!mappings.ok()) return mappings.status();
  edge::v1::PreviewReplayResponse response;
  for (const WaitingRow& reject : parts_.store->rejects()) {
    if (parts_.store->IsUnderWay(reject.number()) || IsHidden(caller, reject)) {
      continue;
    }
    if (response.items_size() == edge::kPreviewItemsMax) {
      response.set_more(true);
      break;
    }
    edge::v1::ReplayPreview& item = *response.add_items();
    item.set_item_ref(RefOf(reject));
    item.set_ready(!reject.vanished() && ReadAgain(reject, *mappings, {}).ok());
  }
  return response;
}

absl::StatusOr<edge::v1::ActReply> CaseService::Replay(
    const bus::v1::Principal& caller,
    const edge::v1::ReplayItemRequest& request) {
  const bool whole = CheckCaller(caller).ok();
  if (!whole && !request.mended().empty()) {
    return absl::PermissionDeniedError("a row is mended by its own agency");
  }
  auto act = WishOf(CheckSeer(caller), caller, request);
  if (!act.ok()) return act.status();
  act->mutable_acted()->set_kind(edge::v1::ACT_KIND_REPLAY);
  std::string mended;
  for (const edge::v1::ShownField& field : request.mended()) {
    absl::StrAppend(&mended, field.name().size(), ",", field.name(),
                    field.value().size(), ",", field.value());
  }
  const Sha256Hash mark = parts_.marks->Of(mended);
  act->set_mended(std::string(mark.begin(), mark.end()));
  const auto reply =
      Take(caller, *std::move(act),
           [&](const WaitingRow& reject, RejectAct& prepared) -> absl::Status {
             // Whether a row that is gone takes its fact back is the clerk's to say.
             if (!whole && reject.vanished()) {
               return absl::FailedPreconditionError("it is a question");
             }
             const auto mappings = LoadMappings();
             if (!mappings.ok()) return mappings.status();
             auto again = ReadAgain(reject, *mappings, request);
             if (again.ok()) *prepared.mutable_again() = *std::move(again);
             return again.status();
           });
  if (whole) return reply;
  if (!reply.ok()) return edge::ForOperator(reply.status());
  return edge::ForOperator(Sequence{reply->position()}, reply->duplicate(),
                           request.item_ref());
}

absl::StatusOr<edge::v1::ActReply> CaseService::Leave(
    const bus::v1::Principal& caller,
    const edge::v1::LeaveItemRequest& request) {
  auto act = WishOf(CheckCaller(caller), caller, request);
  if (!act.ok()) return act.status();
  act->mutable_acted()->set_kind(edge::v1::ACT_KIND_LEAVE);
  return Take(caller, *std::move(act),
              [](const WaitingRow&, RejectAct&) { return absl::OkStatus(); });
}

}  // namespace concordat::casefile

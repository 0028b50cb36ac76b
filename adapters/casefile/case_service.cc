#include "adapters/casefile/case_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "adapters/casefile/file_taker.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"

namespace concordat::casefile {
namespace {

using edge::v1::WaitingRow;

constexpr char kService[] = "concordat.edge.v1.EdgeService/";
constexpr char kOperator[] = "operator";
constexpr size_t kFilesShown = 30;

std::string RefOf(const WaitingRow& reject) {
  return absl::StrCat("R-", reject.number());
}

void Fill(const WaitingRow& reject, edge::v1::Item& item) {
  item.set_outcome("refused");
  item.set_item_ref(RefOf(reject));
  item.set_reason(reject.reason());
  item.set_received_at(reject.taken_at());
  item.set_message_type(reject.mapping());
  item.set_localsubject(reject.person());
  item.set_happened_at(reject.time());
  item.set_source(reject.file());
  if (reject.line() > 0) {
    item.set_place(absl::StrCat("line ", reject.line()));
  }
  item.set_state("open");
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
  host.Handle<edge::v1::LookAtItemRequest, edge::v1::LookAtItemResponse>(
      name("LookAtItem"), {{parts_.clerk_role}},
      [this](const Call& call, const edge::v1::LookAtItemRequest& request) {
        return Look(*call.principal, request);
      });
  host.Handle<edge::v1::ReplayItemRequest, edge::v1::ActReply>(
      name("ReplayItem"), {{parts_.clerk_role}},
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

absl::StatusOr<edge::v1::ListRejectsResponse> CaseService::List(
    const bus::v1::Principal& caller) const {
  const bool whole = CheckCaller(caller).ok();
  if (!whole && caller.role() != kOperator) return CheckCaller(caller);
  edge::v1::ListRejectsResponse response;
  const CaseTotals totals = parts_.store->totals();
  edge::v1::Counts& counts = *response.mutable_counts();
  counts.set_published(totals.counts.published());
  counts.set_not_in_cohort(totals.counts.not_in_cohort());
  counts.set_refused(totals.rejects);
  counts.set_spooled(totals.waiting);
  for (const WaitingRow& reject : parts_.store->rejects()) {
    edge::v1::Item& item = *response.add_items();
    if (whole) {
      Fill(reject, item);
    } else {
      item.set_outcome("refused");
      item.set_reason(absl::StrCat("a row of ", reject.mapping()));
    }
  }
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

absl::StatusOr<WaitingRow> CaseService::Find(
    const std::string& item_ref) const {
  uint64_t number = 0;
  absl::string_view digits = item_ref;
  if (absl::ConsumePrefix(&digits, "R-") && absl::SimpleAtoi(digits, &number)) {
    auto reject = parts_.store->FindReject(number);
    if (reject.has_value()) return *std::move(reject);
  }
  return absl::NotFoundError(absl::StrCat("there is no item ", item_ref));
}

template <typename Fact>
absl::StatusOr<Sequence> CaseService::Say(Fact fact,
                                          const bus::v1::Principal& caller,
                                          const std::string& item_ref,
                                          const std::string& on_behalf_of) {
  fact.set_item_ref(item_ref);
  fact.set_by(SourceOf(caller));
  RowWorker::Fact said;
  said.type = Fact::descriptor()->full_name();
  said.data = fact.SerializeAsString();
  said.time_us = static_cast<uint64_t>(absl::ToUnixMicros(parts_.clock->Now()));
  said.id = DerivedId("casefile-act",
                      absl::StrCat(said.type, "\n", item_ref, "\n", fact.by(),
                                   "\n", said.time_us),
                      0);
  said.stream = absl::StrCat("kept-item/", item_ref);
  said.on_behalf_of = on_behalf_of;
  return parts_.worker->Publish(said);
}

absl::StatusOr<edge::v1::LookAtItemResponse> CaseService::Look(
    const bus::v1::Principal& caller,
    const edge::v1::LookAtItemRequest& request) {
  if (absl::Status allowed = CheckCaller(caller); !allowed.ok()) return allowed;
  const auto reject = Find(request.item_ref());
  if (!reject.ok()) return reject.status();
  const auto said = Say(hub::v1::KeptItemOpened(), caller, request.item_ref(),
                        request.on_behalf_of());
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

absl::StatusOr<WaitingRow> CaseService::ReadAgain(
    const WaitingRow& reject,
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
  const auto mappings = parts_.load_mappings();
  if (!mappings.ok()) {
    return absl::FailedPreconditionError(mappings.status().message());
  }
  const absl::CivilDay day = absl::CivilDay() + reject.file_day();
  const auto mapping = mappings->InForce(reject.mapping(), day);
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

absl::StatusOr<edge::v1::ActReply> CaseService::Replay(
    const bus::v1::Principal& caller,
    const edge::v1::ReplayItemRequest& request) {
  if (absl::Status allowed = CheckCaller(caller); !allowed.ok()) return allowed;
  const auto reject = Find(request.item_ref());
  if (!reject.ok()) return reject.status();
  auto again = ReadAgain(*reject, request);
  if (!again.ok()) return again.status();
  hub::v1::KeptItemReplayed fact;
  fact.set_reason(request.reason());
  const auto said = Say(std::move(fact), caller, request.item_ref(),
                        request.command().on_behalf_of());
  if (!said.ok()) return said.status();
  absl::Status taken =
      parts_.store->Replay(reject->number(), *std::move(again));
  if (!taken.ok()) return taken;
  parts_.wake();
  edge::v1::ActReply reply;
  reply.set_position(said->value);
  Fill(*reject, *reply.mutable_item());
  reply.mutable_item()->set_state("replayed");
  return reply;
}

absl::StatusOr<edge::v1::ActReply> CaseService::Leave(
    const bus::v1::Principal& caller,
    const edge::v1::LeaveItemRequest& request) {
  if (absl::Status allowed = CheckCaller(caller); !allowed.ok()) return allowed;
  const auto reject = Find(request.item_ref());
  if (!reject.ok()) return reject.status();
  hub::v1::KeptItemLeft fact;
  fact.set_reason(request.reason());
  const auto said = Say(std::move(fact), caller, request.item_ref(),
                        request.command().on_behalf_of());
  if (!said.ok()) return said.status();
  if (absl::Status left = parts_.store->Leave(reject->number()); !left.ok()) {
    return left;
  }
  edge::v1::ActReply reply;
  reply.set_position(said->value);
  Fill(*reject, *reply.mutable_item());
  reply.mutable_item()->set_state("left");
  return reply;
}

}  // namespace concordat::casefile

#include "services/nhs/rpc/nhs_service.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/nhs/v1/service.pb.h"
#include "services/common/projection/handle_command.h"
#include "services/nhs/domain/detention.h"
#include "services/nhs/domain/disclosure.h"
#include "services/nhs/domain/sharing.h"

namespace concordat::nhs {
namespace {

constexpr int kListedMax = 1000;
// Others wait behind a read that waits.
constexpr absl::Duration kReadWait = absl::Seconds(2);

absl::StatusOr<CommandPlan> PlanSharing(const v1::DecideSharingRequest& request,
                                        absl::TimeZone zone) {
  const std::string& ref = request.decision().decision_ref();
  const absl::Status checked = CheckReference("decision.decision_ref", ref);
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = absl::StrCat("sharing/", ref),
                     .decide =
                         [&request](const std::vector<View>& history) {
                           return DecideSharing(history, request.decision());
                         },
                     .admit =
                         [&request, zone](absl::Time now) {
                           return CheckNotOver(request.decision(),
                                               absl::ToCivilDay(now, zone));
                         }};
}

absl::StatusOr<CommandPlan> PlanEnd(const Call&,
                                    const v1::EndSharingRequest& request) {
  const std::string& ref = request.ended().decision_ref();
  const absl::Status checked = CheckReference("ended.decision_ref", ref);
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = absl::StrCat("sharing/", ref),
                     .decide = [&request](const std::vector<View>& history) {
                       return DecideEnd(history, request.ended());
                     }};
}

absl::StatusOr<CommandPlan> PlanStatus(
    const Call&, const v1::ReportRestrictedPatientStatusRequest& request) {
  const absl::Status checked =
      CheckReference("detention_ref", request.detention_ref());
  if (!checked.ok()) return checked;
  return CommandPlan{
      .stream = absl::StrCat("detention/", request.detention_ref()),
      .decide = [&request](const std::vector<View>& history) {
        return DecideStatus(history, request.status());
      }};
}

absl::StatusOr<CommandPlan> PlanDisclosure(
    const v1::DiscloseRiskInformationRequest& request, absl::TimeZone zone) {
  const absl::Status checked =
      CheckReference("disclosure_ref", request.disclosure_ref());
  if (!checked.ok()) return checked;
  const absl::Time at =
      absl::FromUnixMicros(static_cast<int64_t>(request.command().time()));
  return CommandPlan{
      .stream = absl::StrCat("disclosure/", request.disclosure_ref()),
      .decide = [&request, day = absl::ToCivilDay(at, zone)](
                    const std::vector<View>& history) {
        return DecideDisclosure(history, request.disclosure(),
                                request.command().gateway(), day);
      }};
}

absl::StatusOr<v1::ListSharingDecisionsResponse> ListDecisions(
    const LiaisonBook& book, uint64_t now_us, const Recipient& reader,
    const v1::ListSharingDecisionsRequest& request) {
  const absl::Time at = absl::FromUnixMicros(
      static_cast<int64_t>(request.at() == 0 ? now_us : request.at()));
  v1::ListSharingDecisionsResponse response;
  for (v1::SharingDecision& one :
       book.Decisions(request.subject(), at, reader)) {
    if (!one.in_force() && !request.with_ended()) continue;
    if (response.decisions_size() == kListedMax) {
      response.set_more(true);
      break;
    }
    *response.add_decisions() = std::move(one);
  }
  return response;
}

absl::StatusOr<v1::ListDetentionsResponse> ListDetentions(
    const LiaisonBook& book, const Recipient& reader,
    const v1::ListDetentionsRequest& request) {
  v1::ListDetentionsResponse response;
  for (v1::Detention& one : book.Detentions(request.subject(), reader)) {
    if (response.detentions_size() == kListedMax) {
      response.set_more(true);
      break;
    }
    *response.add_detentions() = std::move(one);
  }
  return response;
}

// A read of the book by the liaison officer of the service's own board.
template <typename Request, typename Response>
void HandleRead(ServerHost& host, std::string method, const MethodOptions& who,
                const NhsReads& reads, const Clock& clock,
                std::function<absl::StatusOr<Response>(const Recipient& reader,
                                                       const Request&)>
                    read) {
  host.Handle<Request, Response>(
      std::move(method), who,
      [reads, &clock, read = std::move(read)](
          const Call& call,
          const Request& request) -> absl::StatusOr<Response> {
        if (call.principal->agency() != reads.board) {
          return absl::PermissionDeniedError("another board's service");
        }
        if (!request.subject().empty() &&
            !PersonKey::Parse(request.subject()).ok()) {
          return absl::InvalidArgumentError("subject: not a person key");
        }
        const absl::Status judged = reads.liaison->AwaitJudged(
            {request.min_position()},
            std::min(call.deadline - clock.Now(), kReadWait));
        if (!judged.ok()) return judged;
        const Sequence position = reads.liaison->judged_through();
        Recipient reader{call.principal->agency(), call.principal->role(), {}};
        reader.principal = call.principal->name();
        auto response = read(reader, request);
        if (response.ok()) response->set_position(position.value);
        return response;
      });
}

}  // namespace

void RegisterNhsService(ServerHost& host, CommandRunner& runner,
                        const NhsReads& reads, const Clock& clock,
                        absl::TimeZone zone) {
  const MethodOptions liaison{.roles = {"nhs-liaison"}};
  HandleRead<v1::ListSharingDecisionsRequest, v1::ListSharingDecisionsResponse>(
      host, "concordat.nhs.v1.NhsService/ListSharingDecisions", liaison, reads,
      clock,
      [reads, &runner](const Recipient& reader,
                       const v1::ListSharingDecisionsRequest& request) {
        return ListDecisions(*reads.book, runner.NowMicros(), reader, request);
      });
  HandleRead<v1::ListDetentionsRequest, v1::ListDetentionsResponse>(
      host, "concordat.nhs.v1.NhsService/ListDetentions", liaison, reads, clock,
      [reads](const Recipient& reader,
              const v1::ListDetentionsRequest& request) {
        return ListDetentions(*reads.book, reader, request);
      });
  HandleCommand<v1::DecideSharingRequest>(
      host, runner, "concordat.nhs.v1.NhsService/DecideSharing", liaison,
      [zone](const Call&, const v1::DecideSharingRequest& request) {
        return PlanSharing(request, zone);
      });
  HandleCommand<v1::EndSharingRequest>(
      host, runner, "concordat.nhs.v1.NhsService/EndSharing", liaison, PlanEnd);
  HandleCommand<v1::ReportRestrictedPatientStatusRequest>(
      host, runner, "concordat.nhs.v1.NhsService/ReportRestrictedPatientStatus",
      liaison, PlanStatus);
  HandleCommand<v1::DiscloseRiskInformationRequest>(
      host, runner, "concordat.nhs.v1.NhsService/DiscloseRiskInformation",
      liaison,
      [zone](const Call&, const v1::DiscloseRiskInformationRequest& request) {
        return PlanDisclosure(request, zone);
      });
}

}  // namespace concordat::nhs

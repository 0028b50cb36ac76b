#include "services/nhs/rpc/nhs_service.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "concordat/nhs/v1/service.pb.h"
#include "services/common/projection/handle_command.h"
#include "services/nhs/domain/detention.h"
#include "services/nhs/domain/disclosure.h"
#include "services/nhs/domain/sharing.h"

namespace concordat::nhs {
namespace {

absl::StatusOr<CommandPlan> PlanSharing(
    const Call&, const v1::DecideSharingRequest& request) {
  const std::string& ref = request.decision().decision_ref();
  const absl::Status checked = CheckReference("decision.decision_ref", ref);
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = absl::StrCat("sharing/", ref),
                     .decide = [&request](const std::vector<View>& history) {
                       return DecideSharing(history, request.decision());
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
    const v1::DiscloseRiskInformationRequest& request, const Clock& clock,
    absl::TimeZone zone) {
  const absl::Status checked =
      CheckReference("disclosure_ref", request.disclosure_ref());
  if (!checked.ok()) return checked;
  const absl::Time at = request.command().time() == 0
                            ? clock.Now()
                            : absl::FromUnixMicros(static_cast<int64_t>(
                                  request.command().time()));
  return CommandPlan{
      .stream = absl::StrCat("disclosure/", request.disclosure_ref()),
      .decide = [&request, day = absl::ToCivilDay(at, zone)](
                    const std::vector<View>& history) {
        return DecideDisclosure(history, request.disclosure(),
                                request.command().gateway(), day);
      }};
}

}  // namespace

void RegisterNhsService(ServerHost& host, CommandRunner& runner,
                        const Clock& clock, absl::TimeZone zone) {
  const MethodOptions liaison{.roles = {"nhs-liaison"}};
  HandleCommand<v1::DecideSharingRequest>(
      host, runner, "concordat.nhs.v1.NhsService/DecideSharing", liaison,
      PlanSharing);
  HandleCommand<v1::EndSharingRequest>(
      host, runner, "concordat.nhs.v1.NhsService/EndSharing", liaison, PlanEnd);
  HandleCommand<v1::ReportRestrictedPatientStatusRequest>(
      host, runner, "concordat.nhs.v1.NhsService/ReportRestrictedPatientStatus",
      liaison, PlanStatus);
  HandleCommand<v1::DiscloseRiskInformationRequest>(
      host, runner, "concordat.nhs.v1.NhsService/DiscloseRiskInformation",
      liaison,
      [&clock, zone](const Call&,
                     const v1::DiscloseRiskInformationRequest& request) {
        return PlanDisclosure(request, clock, zone);
      });
}

}  // namespace concordat::nhs

#include "services/police/rpc/police_service.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "concordat/police/v1/service.pb.h"
#include "services/common/projection/handle_command.h"
#include "services/police/domain/police.h"

namespace concordat::police {
namespace {

std::string StreamOf(absl::string_view management_ref) {
  return absl::StrCat("management/", management_ref);
}

absl::StatusOr<CommandPlan> PlanStart(
    const Call&, const v1::StartManagementRequest& request) {
  const std::string& ref = request.management().management_ref();
  const absl::Status checked = CheckReference("management.management_ref", ref);
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = StreamOf(ref),
                     .decide = [&request](const std::vector<View>& history) {
                       return DecideStart(history, request.management());
                     }};
}

absl::StatusOr<CommandPlan> PlanVisit(const Call& call,
                                      const v1::RecordVisitRequest& request,
                                      absl::TimeZone zone) {
  const absl::Status checked =
      CheckReference("management_ref", request.management_ref());
  if (!checked.ok()) return checked;
  return CommandPlan{
      .stream = StreamOf(request.management_ref()),
      .decide =
          [&call, &request](const std::vector<View>&) {
            return DecideVisit(request.visit(), call.principal->agency(),
                               [&call](absl::string_view agency) {
                                 return call.registry->IsAgency(agency);
                               });
          },
      .admit =
          [&request, zone](absl::Time now) {
            return CheckHappened(request.command().time(), now, zone);
          }};
}

}  // namespace

void RegisterPoliceService(ServerHost& host, CommandRunner& runner,
                           absl::TimeZone zone) {
  const MethodOptions police{.roles = {"police"}};
  HandleCommand<v1::StartManagementRequest>(
      host, runner, "concordat.police.v1.PoliceService/StartManagement", police,
      PlanStart);
  HandleCommand<v1::RecordVisitRequest>(
      host, runner, "concordat.police.v1.PoliceService/RecordVisit", police,
      [zone](const Call& call, const v1::RecordVisitRequest& request) {
        return PlanVisit(call, request, zone);
      });
}

}  // namespace concordat::police

#include "services/alerts/rpc/handlers.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace concordat::alerts {
namespace {

std::string Method(absl::string_view name) {
  return absl::StrCat("concordat.alerts.v1.AlertsService/", name);
}

AlertCaller CallerOf(const Call& call) {
  const bus::v1::Principal& principal = *call.principal;
  return {principal.name(),
          principal.agency(),
          {principal.alert_roles().begin(), principal.alert_roles().end()}};
}

template <typename Request, typename Response>
void Unary(ServerHost& host, Desk& desk, absl::string_view name,
           absl::StatusOr<Response> (Desk::*method)(const AlertCaller&,
                                                    const Request&,
                                                    absl::Time)) {
  host.Handle<Request, Response>(
      Method(name), {},
      [&desk, method](const Call& call, const Request& request) {
        return (desk.*method)(CallerOf(call), request, call.deadline);
      });
}

}  // namespace

void Serve(Desk& desk, RuleDesk& rules, ServerHost& host) {
  Unary(host, desk, "ListAlerts", &Desk::List);
  Unary(host, desk, "ShowAlert", &Desk::Show);
  Unary(host, desk, "AcceptAlert", &Desk::Accept);
  Unary(host, desk, "CloseAlert", &Desk::Close);
  Unary(host, desk, "AcceptWithdrawal", &Desk::AcceptWithdrawal);
  host.Handle<v1::ListRulesRequest, v1::ListRulesResponse>(
      Method("ListRules"), {},
      [&rules](const Call&, const v1::ListRulesRequest&)
          -> absl::StatusOr<v1::ListRulesResponse> { return rules.List(); });
  host.Handle<v1::TestRulesRequest, v1::TestRulesResponse>(
      Method("TestRules"), {},
      [&rules](const Call&, const v1::TestRulesRequest& request)
          -> absl::StatusOr<v1::TestRulesResponse> {
        return rules.Test(request);
      });
  host.Handle<v1::BacktestRulesRequest, v1::BacktestRulesResponse>(
      Method("BacktestRules"), {},
      [&rules](const Call& call, const v1::BacktestRulesRequest& request) {
        return rules.Backtest(CallerOf(call), request, call.deadline);
      });
  host.HandleStream<v1::FollowAlertsRequest, v1::Alert>(
      Method("FollowAlerts"), {},
      [&desk](const Call& call, const v1::FollowAlertsRequest&,
              std::shared_ptr<ResponseStream<v1::Alert>> stream) {
        desk.Follow(CallerOf(call), [stream](const v1::Alert& alert) {
          return stream->Write(alert);
        });
        return absl::OkStatus();
      });
  host.SetStatus(
      [&desk](hub::v1::GetStatusResponse* status) { desk.FillStatus(status); });
}

}  // namespace concordat::alerts

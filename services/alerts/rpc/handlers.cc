#include "services/alerts/rpc/handlers.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::alerts {
namespace {

// As the registry calls the hub's own.
constexpr char kOperator[] = "operator";

std::string Method(absl::string_view name) {
  return absl::StrCat("concordat.alerts.v1.AlertsService/", name);
}

AlertCaller CallerOf(const Call& call) {
  const bus::v1::Principal& principal = *call.principal;
  AlertCaller caller{
      principal.name(),
      principal.agency(),
      {principal.alert_roles().begin(), principal.alert_roles().end()}};
  caller.staff = call.staff;
  caller.is_operator = principal.role() == kOperator;
  caller.role = principal.role();
  caller.purpose = call.purpose;
  return caller;
}

// Names as people write them.
void FillNames(const PrincipalRegistry& registry, v1::Doer* doer) {
  for (const bus::v1::Agency& agency : registry.proto().agencies()) {
    if (agency.name() == doer->agency()) {
      doer->set_agency_name(agency.display_name());
    }
  }
  const bus::v1::Principal* by = registry.FindByName(doer->by());
  if (by != nullptr) doer->set_by_name(by->display_name());
}

void FillNames(const PrincipalRegistry& registry, v1::Alert* alert) {
  for (v1::Acceptance& each : *alert->mutable_acceptances()) {
    FillNames(registry, each.mutable_doer());
  }
  for (v1::Passing& each : *alert->mutable_passed_on()) {
    FillNames(registry, each.mutable_doer());
  }
  for (v1::Dispute& each : *alert->mutable_disputes()) {
    FillNames(registry, each.mutable_doer());
  }
  if (alert->has_closed_by()) FillNames(registry, alert->mutable_closed_by());
}

void FillNames(const PrincipalRegistry& registry,
               v1::ListAlertsResponse* response) {
  for (v1::Alert& alert : *response->mutable_alerts()) {
    FillNames(registry, &alert);
  }
}

void FillNames(const PrincipalRegistry&, v1::ListFeedsResponse*) {}
void FillNames(const PrincipalRegistry&, v1::ListClocksResponse*) {}

template <typename Request, typename Response>
void Unary(ServerHost& host, Desk& desk, absl::string_view name,
           absl::StatusOr<Response> (Desk::*method)(const AlertCaller&,
                                                    const Request&,
                                                    absl::Time)) {
  host.Handle<Request, Response>(
      Method(name), {},
      [&desk, method](const Call& call,
                      const Request& request) -> absl::StatusOr<Response> {
        auto response = (desk.*method)(CallerOf(call), request, call.deadline);
        if (response.ok()) FillNames(*call.registry, &*response);
        return response;
      });
}

}  // namespace

void Serve(Desk& desk, RuleDesk& rules, ServerHost& host) {
  Unary(host, desk, "ListAlerts", &Desk::List);
  Unary(host, desk, "ShowAlert", &Desk::Show);
  Unary(host, desk, "AcceptAlert", &Desk::Accept);
  Unary(host, desk, "CloseAlert", &Desk::Close);
  Unary(host, desk, "AcceptWithdrawal", &Desk::AcceptWithdrawal);
  Unary(host, desk, "PassAlert", &Desk::Pass);
  Unary(host, desk, "DisputeAlert", &Desk::Dispute);
  Unary(host, desk, "ListFeeds", &Desk::ListFeeds);
  Unary(host, desk, "ListClocks", &Desk::ListClocks);
  host.Handle<v1::ListRulesRequest, v1::ListRulesResponse>(
      Method("ListRules"), {},
      [&rules](const Call& call, const v1::ListRulesRequest&) {
        return rules.List(call.deadline);
      });
  const MethodOptions for_rules = {
      {"coordinator", "guardian", "operator", "service-manager"}};
  host.Handle<v1::TestRulesRequest, v1::TestRulesResponse>(
      Method("TestRules"), for_rules,
      [&rules](const Call& call, const v1::TestRulesRequest& request) {
        return rules.Test(request, call.deadline);
      });
  host.HandleLater<v1::BacktestRulesRequest, v1::BacktestRulesResponse>(
      Method("BacktestRules"), for_rules,
      [&rules](const Call& call, const v1::BacktestRulesRequest& request,
               Reply<v1::BacktestRulesResponse> reply) {
        rules.BacktestLater(CallerOf(call), request, call.deadline,
                            std::move(reply));
      });
  host.HandleStream<v1::FollowAlertsRequest, v1::Alert>(
      Method("FollowAlerts"), {},
      [&desk](const Call& call, const v1::FollowAlertsRequest& request,
              std::shared_ptr<ResponseStream<v1::Alert>> stream) {
        desk.Follow(CallerOf(call), Sequence{request.after()},
                    [stream, registry = call.registry](v1::Alert alert) {
                      FillNames(*registry, &alert);
                      return stream->Write(alert);
                    });
        return absl::OkStatus();
      });
  host.SetStatus(
      [&desk](hub::v1::GetStatusResponse* status) { desk.FillStatus(status); });
}

}  // namespace concordat::alerts

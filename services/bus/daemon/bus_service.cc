#include "services/bus/daemon/bus_service.h"

#include <string>

#include "concordat/bus/v1/service.pb.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.BusService/";
constexpr size_t kReadBytes = 4u << 20;

absl::StatusOr<v1::VerifyLogResponse> Verify(const EventLog& log) {
  v1::VerifyLogResponse response;
  Sequence at;
  for (;;) {
    const auto block = log.Read(at, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) break;
    for (const StoredEvent& event : (*block)->events) {
      if (event.sequence.value != at.value + 1) {
        return absl::DataLossError(absl::StrCat("no event ", at.value + 1));
      }
      at = event.sequence;
    }
    response.set_blocks(response.blocks() + 1);
  }
  response.set_events(at.value);
  response.set_bytes(log.Status().bytes);
  return response;
}

void ServeReasons(ServerHost& host, Explainer& explainer) {
  host.Handle<v1::ListAgreementsRequest, v1::ListAgreementsResponse>(
      absl::StrCat(kService, "ListAgreements"), {},
      [&explainer](const Call& call, const v1::ListAgreementsRequest&) {
        return explainer.Agreements(*call.principal);
      });
  host.Handle<v1::ExplainViewRequest, v1::ExplainViewResponse>(
      absl::StrCat(kService, "ExplainView"), {},
      [&explainer](const Call& call, const v1::ExplainViewRequest& request) {
        return explainer.Explain(*call.principal, call.purpose, request);
      });
}

}  // namespace

void ServeBus(ServerHost& host, v1::Environment environment,
              const BusParts& parts) {
  const EventLog& log = parts.log;
  const IngestLoop& ingest = parts.ingest;
  const DeliveryLoop& delivery = parts.delivery;
  const Refusals& refusals = parts.refusals;
  const Faults& faults = parts.faults;
  const auto method = [](absl::string_view name) {
    return absl::StrCat(kService, name);
  };
  host.Handle<v1::GetLogStatusRequest, v1::GetLogStatusResponse>(
      method("GetLogStatus"), {},
      [&log, &ingest, &delivery, &faults, environment](
          const Call&, const v1::GetLogStatusRequest&)
          -> absl::StatusOr<v1::GetLogStatusResponse> {
        const LogStatus status = log.Status();
        const DeliverySnapshot snapshot = delivery.Snapshot();
        v1::GetLogStatusResponse response;
        response.set_log_id(status.log_id);
        response.set_epoch(status.epoch);
        response.set_end_sequence(status.end.value);
        response.set_bytes(status.bytes);
        response.set_read_only(status.read_only);
        response.set_read_only_because(status.read_only_because);
        response.set_environment(std::string(EnvironmentName(environment)));
        response.set_segments(status.segments);
        response.set_log_time(ingest.now_us());
        response.set_accepted_with_faults(faults.total());
        response.set_sessions(
            static_cast<uint32_t>(snapshot.sessions + ingest.sessions()));
        return response;
      });
  host.Handle<v1::VerifyLogRequest, v1::VerifyLogResponse>(
      method("VerifyLog"), {{"operator"}},
      [&log](const Call&, const v1::VerifyLogRequest&) { return Verify(log); });
  host.Handle<v1::ListSubscriptionsRequest, v1::ListSubscriptionsResponse>(
      method("ListSubscriptions"), {{"operator"}},
      [&delivery](const Call&, const v1::ListSubscriptionsRequest&)
          -> absl::StatusOr<v1::ListSubscriptionsResponse> {
        const DeliverySnapshot snapshot = delivery.Snapshot();
        v1::ListSubscriptionsResponse response;
        for (const SubscriptionInfo& info : snapshot.subscriptions) {
          v1::SubscriptionState& state = *response.add_subscriptions();
          state.set_name(info.name);
          state.set_agency(info.agency);
          state.set_role(info.role);
          state.set_acknowledged(info.acknowledged.value);
          state.set_sent(info.sent.value);
          state.set_lag(snapshot.folded.value - info.acknowledged.value);
          state.set_connected(info.connected);
        }
        return response;
      });
  host.Handle<v1::ListRefusalsRequest, v1::ListRefusalsResponse>(
      method("ListRefusals"), {{"operator"}},
      [&refusals](const Call&, const v1::ListRefusalsRequest&)
          -> absl::StatusOr<v1::ListRefusalsResponse> {
        v1::ListRefusalsResponse response;
        for (const Refusals::Count& each : refusals.List()) {
          v1::RefusalCount& count = *response.add_refusals();
          count.set_reason(v1::Refusal_Name(each.refusal));
          count.set_principal(each.principal);
          count.set_count(each.count);
          count.set_last_detail(each.last_detail);
        }
        return response;
      });
  host.Handle<v1::ListFaultsRequest, v1::ListFaultsResponse>(
      method("ListFaults"), {{"operator"}},
      [&faults](const Call&, const v1::ListFaultsRequest&)
          -> absl::StatusOr<v1::ListFaultsResponse> {
        v1::ListFaultsResponse response;
        for (const Faults::Count& each : faults.List()) {
          v1::FaultCount& count = *response.add_faults();
          count.set_source(each.last.source);
          count.set_type(each.last.type);
          count.set_count(each.count);
          count.set_last_sequence(each.last.sequence.value);
          count.mutable_last_faults()->Assign(each.last.faults.begin(),
                                              each.last.faults.end());
        }
        return response;
      });
  ServeReasons(host, parts.explainer);
  host.SetStatus([&log, &ingest](hub::v1::GetStatusResponse* response) {
    const LogStatus status = log.Status();
    response->set_ready(true);
    if (status.read_only) {
      response->set_degraded_because(status.read_only_because);
    }
    response->set_position(status.end.value);
    response->set_log_end(status.end.value);
    response->set_time(ingest.now_us());
  });
}

}  // namespace concordat::bus

#include "services/bus/daemon/bus_service.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "concordat/bus/v1/service.pb.h"
#include "services/bus/daemon/record_desk.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.BusService/";

// One outcome for each event, in order; `digests` are those that they came with.
v1::PublishResponse ResponseOf(const v1::Receipts& receipts,
                               const std::vector<std::string>& digests) {
  v1::PublishResponse response;
  response.set_epoch(receipts.epoch());
  for (size_t i = 0; i < digests.size(); ++i) response.add_outcomes();
  for (const v1::Outcome& outcome : receipts.outcomes()) {
    *response.mutable_outcomes(static_cast<int>(outcome.index())) = outcome;
  }
  for (const v1::Accepted& run : receipts.accepted()) {
    for (uint32_t i = 0; i < run.count(); ++i) {
      const uint32_t index = run.index() + i;
      v1::Outcome& outcome =
          *response.mutable_outcomes(static_cast<int>(index));
      outcome.set_index(index);
      outcome.set_sequence(run.first_sequence() + i);
      outcome.set_accepted_time(run.accepted_time());
      outcome.set_digest(digests[index]);
    }
  }
  return response;
}

void ServePublish(ServerHost& host, IngestLoop& ingest, std::string log_id) {
  host.HandleLater<v1::PublishRequest, v1::PublishResponse>(
      absl::StrCat(kService, "Publish"), {},
      [&ingest, log_id](const Call& call, const v1::PublishRequest& request,
                        Reply<v1::PublishResponse> reply) {
        std::vector<std::string> digests;
        for (const v1::Event& event : request.batch().events()) {
          digests.push_back(event.digest());
        }
        const absl::Status taken = ingest.Publish(
            {call.registry, call.principal, request.batch().SerializeAsString(),
             [log_id, reply, digests = std::move(digests)](
                 const absl::Status& status, const v1::Receipts& receipts) {
               if (!status.ok()) return reply(status);
               v1::PublishResponse response = ResponseOf(receipts, digests);
               response.set_log_id(log_id);
               reply(std::move(response));
             }});
        if (!taken.ok()) reply(taken);
      });
}

void ServeSessions(ServerHost& host, absl::string_view method,
                   GrpcCarrier& carrier) {
  host.HandleSession(
      absl::StrCat(kService, method), {},
      [&carrier](const Call& call, std::shared_ptr<RawSession> session) {
        return carrier.Open(call, std::move(session));
      });
}

void ServePersons(ServerHost& host, const EventLog& log, PersonReader& persons,
                  GlassDesk& glass) {
  host.Handle<v1::ReadPersonRequest, v1::ReadPersonResponse>(
      absl::StrCat(kService, "ReadPerson"), {},
      [&log, &persons, &glass](const Call& call,
                               const v1::ReadPersonRequest& request)
          -> absl::StatusOr<v1::ReadPersonResponse> {
        const auto person = PersonKey::Parse(request.subject());
        if (!person.ok()) {
          return absl::InvalidArgumentError("subject: not a person key");
        }
        const auto opened = glass.OpenedTo(call, *person);
        if (!opened.ok()) return opened.status();
        const auto answer = persons.Read(*call.principal, call.purpose,
                                         {*person,
                                          {request.after()},
                                          request.limit(),
                                          call.deadline,
                                          *opened});
        if (!answer.ok()) return answer.status();
        // `dictionary` and `views` have the same numbers in both.
        v1::ReadPersonResponse response;
        if (!response.ParseFromString(answer->views)) {
          return absl::InternalError("views that cannot be read");
        }
        const LogStatus status = log.Status();
        v1::Position& position = *response.mutable_position();
        position.set_log_id(status.log_id);
        position.set_epoch(status.epoch);
        position.set_sequence(answer->position.value);
        response.set_more(answer->more);
        response.set_removed(answer->removed);
        response.set_removed_time(answer->removed_us);
        response.mutable_restricted()->Assign(answer->restricted.begin(),
                                              answer->restricted.end());
        return response;
      });
}

void ServeReasons(ServerHost& host, Explainer& explainer) {
  host.Handle<v1::ListAgreementsRequest, v1::ListAgreementsResponse>(
      absl::StrCat(kService, "ListAgreements"), {},
      [&explainer](const Call& call, const v1::ListAgreementsRequest&) {
        return explainer.Agreements(*call.principal, call.purpose);
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
  IngestLoop& ingest = parts.ingest;
  const DeliveryLoop& delivery = parts.delivery;
  const Refusals& refusals = parts.refusals;
  const Faults& faults = parts.faults;
  OperatorDesk& operators = parts.operators;
  const auto method = [](absl::string_view name) {
    return absl::StrCat(kService, name);
  };
  // What a steady clock showed, as a time of day; 0 for never.
  const auto real_time = [&clock = parts.clock,
                          &steady = parts.steady](absl::Duration at) {
    if (at == -absl::InfiniteDuration()) return uint64_t{0};
    return static_cast<uint64_t>(
        absl::ToUnixMicros(clock.Now() - (steady.Elapsed() - at)));
  };
  ServePublish(host, ingest, log.Status().log_id);
  ServeSessions(host, "Ingest", parts.ingest_calls);
  ServeSessions(host, "Delivery", parts.delivery_calls);
  ServePersons(host, log, parts.persons, parts.glass);
  parts.glass.Serve(host);
  host.Handle<v1::GetLogStatusRequest, v1::GetLogStatusResponse>(
      method("GetLogStatus"), {},
      [&log, &ingest, &delivery, &faults, &operators, &keys = parts.keys,
       environment](const Call&, const v1::GetLogStatusRequest&)
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
        response.set_follows(ingest.follows());
        response.set_accepted_with_faults(faults.total());
        response.set_sessions(
            static_cast<uint32_t>(snapshot.sessions + ingest.sessions()));
        response.set_publisher_sessions(
            static_cast<uint32_t>(ingest.sessions()));
        response.set_subscriber_sessions(
            static_cast<uint32_t>(snapshot.sessions));
        response.set_waiting_publish_calls(
            static_cast<uint32_t>(ingest.waiting_calls()));
        operators.Fill(&response);
        for (const ServedKeys& each : keys.List()) {
          v1::ServerKeyState& state = *response.add_server_keys();
          state.set_public_key(each.keys.public_key);
          state.set_ingest(each.ingest);
          state.set_delivery(each.delivery);
          state.set_connections(static_cast<uint32_t>(each.connections));
        }
        response.set_removed_events(status.removal.events);
        response.set_removed_through(status.removal.through.value);
        response.set_removed_time(status.removal.at_us);
        return response;
      });
  host.Handle<v1::ListSubscriptionsRequest, v1::ListSubscriptionsResponse>(
      method("ListSubscriptions"), {{"operator"}},
      [&delivery, real_time](const Call&, const v1::ListSubscriptionsRequest&)
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
          state.set_lag(snapshot.folded.value -
                        std::min(snapshot.folded, info.acknowledged).value);
          state.set_connected(info.connected);
          state.set_connected_since(real_time(info.connected_at));
          state.set_acknowledged_time(real_time(info.acknowledged_at));
          state.set_outstanding(info.outstanding);
          state.set_outstanding_bytes(info.outstanding_bytes);
          state.set_singly(info.singly);
          state.set_members(static_cast<uint32_t>(info.members));
          state.set_waiting(info.waiting);
          state.set_set_aside(info.set_aside);
          state.set_parked(info.parked);
          state.set_stopped_because(info.stopped_because);
          state.set_paused(info.paused);
          state.set_stalled_since(real_time(info.stalled_since));
          state.set_used_time(info.used_us);
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
  parts.desk.Serve(host);
  operators.Serve(host);
  parts.retention.Serve(host);
  ServeRecords(host, log);
  host.SetStatus(
      [&log, &ingest, &operators](hub::v1::GetStatusResponse* response) {
        const LogStatus status = log.Status();
        response->set_ready(!operators.drained());
        response->set_position(status.end.value);
        response->set_log_end(status.end.value);
        response->set_time(ingest.now_us());
      });
}

}  // namespace concordat::bus

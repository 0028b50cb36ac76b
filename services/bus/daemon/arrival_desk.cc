#include "services/bus/daemon/arrival_desk.h"

#include <map>
#include <string>
#include <utility>

#include "services/bus/oversight/arrival.h"

namespace concordat::bus {
namespace {

constexpr char kMethod[] = "concordat.bus.v1.ArrivalService/ExplainArrival";

}  // namespace

struct ArrivalDesk::Run {
  v1::ExplainViewResponse view;
  StoredEvent event;
  std::map<std::string, ArrivalState> states;  // By name.
  Reply<v1::ExplainArrivalResponse> reply;
};

ArrivalDesk::ArrivalDesk(EventLog& log, Explainer& explainer,
                         DeliveryLoop& delivery, const AccessStore& store,
                         std::string missing,
                         std::unique_ptr<Background> thread)
    : log_(log),
      explainer_(explainer),
      delivery_(delivery),
      store_(store),
      missing_(std::move(missing)),
      thread_(std::move(thread)) {}

void ArrivalDesk::Serve(ServerHost& host) {
  host.HandleLater<v1::ExplainArrivalRequest, v1::ExplainArrivalResponse>(
      kMethod, {},
      [this](const Call& call, const v1::ExplainArrivalRequest& request,
             Reply<v1::ExplainArrivalResponse> reply) {
        Begin(call, request, std::move(reply));
      });
}

void ArrivalDesk::Begin(const Call& call,
                        const v1::ExplainArrivalRequest& request,
                        Reply<v1::ExplainArrivalResponse> reply) {
  v1::ExplainViewRequest view;
  view.set_sequence(request.sequence());
  view.set_event(request.event());
  view.set_agency(request.agency());
  view.set_role(request.role());
  view.set_purpose(request.purpose());
  auto seen = explainer_.Explain(*call.principal, call.purpose, view);
  if (!seen.ok()) return reply(seen.status());
  auto event = log_.ReadOne({seen->sequence()});
  if (!event.ok()) return reply(event.status());
  auto run = std::make_shared<Run>();
  run->view = *std::move(seen);
  run->event = *std::move(event);
  run->reply = std::move(reply);
  if (!request.name().empty()) {
    run->states[request.name()];
  } else {
    for (const SubscriptionInfo& info : delivery_.Snapshot().subscriptions) {
      if (info.agency == run->view.agency() && info.role == run->view.role() &&
          !info.name.empty()) {
        run->states[info.name];
      }
    }
  }
  delivery_.Perform(
      "",
      [run](DeliveryCore& core) {
        for (auto& [name, state] : run->states) {
          state = core.ArrivalOf(
              SubscriptionKey(run->view.agency(), run->view.role(), name),
              run->event);
        }
        return absl::OkStatus();
      },
      [this, run](const absl::Status& status) {
        if (!status.ok()) return run->reply(status);
        const absl::Status asked = thread_.Ask([this, run] { Answer(*run); });
        if (!asked.ok()) run->reply(asked);
      });
}

void ArrivalDesk::Answer(Run& run) const {
  const v1::ExplainViewResponse& view = run.view;
  const auto times =
      SentTimesOf(store_, view.agency(), view.role(), run.event.sequence);
  if (!times.ok()) return run.reply(times.status());
  v1::ExplainArrivalResponse response;
  response.set_sequence(view.sequence());
  response.set_type(view.type());
  response.set_controller(view.controller());
  response.set_accepted_time(view.accepted_time());
  response.set_agency(view.agency());
  response.set_role(view.role());
  response.set_missing(missing_);
  const auto add = [&](const std::string& name, const ArrivalState& state) {
    const auto sent = times->find(name);
    *response.add_arrivals() =
        ArrivalInWords(name, run.event, view, state,
                       sent == times->end() ? SentTimes() : sent->second);
  };
  for (const auto& [name, state] : run.states) add(name, state);
  // What a tail was sent, or nothing.
  if (run.states.empty() || times->contains("")) add("", ArrivalState());
  run.reply(std::move(response));
}

}  // namespace concordat::bus

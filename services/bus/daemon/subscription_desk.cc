#include "services/bus/daemon/subscription_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/bus/delivery/event_filter.h"
#include "services/bus/ingest/hub_records.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.BusService/";
constexpr size_t kPageMax = 256;

using hub::v1::SubscriptionActed;

std::string KeyOf(const v1::SubscriptionName& name) {
  return SubscriptionKey(name.agency(), name.role(), name.name());
}

v1::SetAsideState StateOf(const Row& row) {
  switch (row.state) {
    case RowState::kWaiting:
      return v1::SET_ASIDE_STATE_WAITING;
    case RowState::kSetAside:
      return v1::SET_ASIDE_STATE_SET_ASIDE;
    case RowState::kParked:
      return v1::SET_ASIDE_STATE_PARKED;
  }
  return v1::SET_ASIDE_STATE_UNSPECIFIED;
}

SubscriptionActed ActedOf(const Call& call, const v1::SubscriptionName& name,
                          SubscriptionActed::Act act, const std::string& why) {
  SubscriptionActed acted;
  acted.set_agency(name.agency());
  acted.set_role(name.role());
  acted.set_name(name.name());
  acted.set_act(act);
  acted.set_by(call.principal->name());
  acted.set_why(why);
  return acted;
}

Act ActOnRowsOf(absl::string_view kind, const std::string& key,
                const std::vector<uint64_t>& rows) {
  Act act;
  act.kind = std::string(kind);
  act.what = absl::StrCat(kind, " ", key, ": ", rows.size(), " events");
  act.digest = ActDigest(kind, {key, absl::StrJoin(rows, ",")});
  act.count = rows.size();
  return act;
}

}  // namespace

SubscriptionDesk::SubscriptionDesk(const EventLog& log, DeliveryLoop& delivery,
                                   ActRecorder& recorder, FourEyes& four_eyes,
                                   uint32_t redrive_per_s)
    : log_(log),
      delivery_(delivery),
      recorder_(recorder),
      four_eyes_(four_eyes),
      redrive_per_s_(redrive_per_s) {}

void SubscriptionDesk::WithRows(
    const v1::SubscriptionName& name,
    std::function<void(absl::StatusOr<Rows>)> then) {
  auto rows = std::make_shared<Rows>();
  delivery_.Perform(
      KeyOf(name),
      [rows, key = KeyOf(name)](DeliveryCore& core) {
        auto found = core.RowsOf(key);
        if (found.ok()) *rows = *std::move(found);
        return found.status();
      },
      [this, rows, then](const absl::Status& status) {
        if (!status.ok()) return then(status);
        // The log is read there, not on the thread that delivers.
        const bool posted = host_->Post([rows, then] { then(*rows); });
        if (!posted) then(absl::ResourceExhaustedError("too many calls"));
      });
}

absl::StatusOr<bool> SubscriptionDesk::Picks(const v1::SetAsideFilter& filter,
                                             const Row& row,
                                             v1::SetAsideEvent& event) const {
  if (!filter.reason().empty() && !GlobCovers(filter.reason(), row.reason)) {
    return false;
  }
  const auto stored = log_.ReadOne(row.id.sequence);
  if (!stored.ok()) return stored.status();
  const HeaderView& header = stored->header;
  const auto& types = filter.types();
  const auto& agencies = filter.agencies();
  if (!types.empty() &&
      std::none_of(types.begin(), types.end(), [&](const auto& pattern) {
        return GlobCovers(pattern, header.type);
      })) {
    return false;
  }
  if (!agencies.empty() &&
      std::none_of(agencies.begin(), agencies.end(), [&](const auto& agency) {
        return agency == header.controller;
      })) {
    return false;
  }
  event.set_row(row.order);
  event.set_state(StateOf(row));
  event.set_sequence(row.id.sequence.value);
  event.set_backfill_cause(row.id.cause.value);
  event.set_type(std::string(header.type));
  event.set_source(std::string(header.source));
  event.set_controller(std::string(header.controller));
  event.set_accepted_time(stored->accepted_us);
  event.set_attempts(row.attempts);
  event.set_first_time(row.first_us);
  event.set_last_time(row.last_us);
  event.set_reason(row.reason);
  return true;
}

absl::StatusOr<v1::ListSetAsideResponse> SubscriptionDesk::Page(
    const v1::ListSetAsideRequest& request, const Rows& rows) const {
  const size_t limit = request.limit() == 0
                           ? kPageMax
                           : std::min<size_t>(request.limit(), kPageMax);
  v1::ListSetAsideResponse response;
  for (const Row& row : rows) {
    if (row.order <= request.after() ||
        (row.state == RowState::kWaiting && !request.with_waiting())) {
      continue;
    }
    v1::SetAsideEvent event;
    const auto picks = Picks(request.filter(), row, event);
    if (!picks.ok()) return picks.status();
    if (!*picks) continue;
    if (static_cast<size_t>(response.events_size()) == limit) {
      response.set_more(true);
      break;
    }
    *response.add_events() = std::move(event);
  }
  return response;
}

absl::StatusOr<std::vector<uint64_t>> SubscriptionDesk::Choose(
    const v1::SetAsideChoice& choice, bool with_parked,
    const Rows& rows) const {
  std::vector<uint64_t> chosen;
  const std::set<uint64_t> named(choice.rows().begin(), choice.rows().end());
  for (const Row& row : rows) {
    if (!named.empty()) {
      const bool fits = row.state == RowState::kSetAside ||
                        (with_parked && row.state == RowState::kParked);
      if (fits && named.contains(row.order)) chosen.push_back(row.order);
      continue;
    }
    // What is parked is for people: they name it.
    if (row.state != RowState::kSetAside) continue;
    v1::SetAsideEvent event;
    const auto picks = Picks(choice.filter(), row, event);
    if (!picks.ok()) return picks.status();
    if (*picks) chosen.push_back(row.order);
  }
  return chosen;
}

template <typename Request, typename Response>
void SubscriptionDesk::ActOnRows(
    const Call& call, const Request& request, Reply<Response> reply,
    Response response, bool with_parked, absl::string_view kind,
    SubscriptionActed::Act act,
    absl::StatusOr<size_t> (DeliveryCore::*how)(const std::string&,
                                                absl::Span<const uint64_t>)) {
  if (!MayAgree(*call.principal, kind)) {
    return reply(absl::PermissionDeniedError(absl::StrCat(
        "this needs the right ", RightTo(kind), " of the registry")));
  }
  const bool is_confirmed = request.has_confirmed_count();
  if (is_confirmed && request.approval().empty()) {
    const absl::Status why = CheckWhy(request.why());
    if (!why.ok()) return reply(why);
  }
  SubscriptionActed acted =
      ActedOf(call, request.choice().subscription(), act, request.why());
  WithRows(
      request.choice().subscription(),
      [this, call, request, reply, response, with_parked, is_confirmed, kind,
       how, acted](absl::StatusOr<Rows> rows) mutable {
        if (!rows.ok()) return reply(rows.status());
        const auto chosen = Choose(request.choice(), with_parked, *rows);
        if (!chosen.ok()) return reply(chosen.status());
        const auto count = static_cast<uint32_t>(chosen->size());
        response.set_count(count);
        if (!is_confirmed) return reply(std::move(response));
        if (request.confirmed_count() != count) {
          return reply(absl::FailedPreconditionError(absl::StrCat(
              "there are ", count, " now, not ", request.confirmed_count())));
        }
        acted.set_count(count);
        const std::string key = KeyOf(request.choice().subscription());
        four_eyes_.Decide(call, ActOnRowsOf(kind, key, *chosen), request.why(),
                          request.approval(),
                          [this, reply, response, acted, key, rows = *chosen,
                           how](absl::StatusOr<Decision> decision) mutable {
                            if (!decision.ok()) return reply(decision.status());
                            if (decision->asked.has_value()) {
                              *response.mutable_asked() = *decision->asked;
                              return reply(response);
                            }
                            acted.set_by(decision->agreed->agreed_by);
                            acted.set_why(decision->agreed->why);
                            response.set_done(true);
                            RecordAndDo(
                                acted,
                                [key, rows, how](DeliveryCore& core) {
                                  return (core.*how)(key, rows).status();
                                },
                                [reply, response](const absl::Status& status) {
                                  if (!status.ok()) return reply(status);
                                  reply(response);
                                });
                          });
      });
}

void SubscriptionDesk::RecordAndDo(
    const SubscriptionActed& acted,
    std::function<absl::Status(DeliveryCore&)> act, Then then) {
  recorder_.Record(
      acted,
      [this, key = SubscriptionKey(acted.agency(), acted.role(), acted.name()),
       act = std::move(act), then](const absl::Status& recorded) {
        if (!recorded.ok()) return then(recorded);
        delivery_.Perform(key, act, then);
      });
}

void SubscriptionDesk::Expire(const std::string& key) {
  {
    MutexLock lock(mu_);
    if (!expiring_.insert(key).second) return;
  }
  const std::vector<std::string> parts =
      absl::StrSplit(key, absl::MaxSplits('/', 2));
  SubscriptionActed acted;
  acted.set_agency(parts[0]);
  acted.set_role(parts[1]);
  acted.set_name(parts[2]);
  acted.set_act(SubscriptionActed::ACT_EXPIRED);
  acted.set_by(HubPrincipal().name());
  RecordAndDo(
      acted, [key](DeliveryCore& core) { return core.Remove(key); },
      [this, key](const absl::Status&) {
        // Used again meanwhile, or not recorded: it is looked at again.
        MutexLock lock(mu_);
        expiring_.erase(key);
      });
}

void SubscriptionDesk::Serve(ServerHost& host) {
  host_ = &host;
  const MethodOptions operators = {{"operator"}};
  const auto method = [](const char* name) {
    return absl::StrCat(kService, name);
  };
  host.HandleLater<v1::ListSetAsideRequest, v1::ListSetAsideResponse>(
      method("ListSetAside"), operators,
      [this](const Call&, const v1::ListSetAsideRequest& request,
             Reply<v1::ListSetAsideResponse> reply) {
        WithRows(request.subscription(),
                 [this, request, reply](absl::StatusOr<Rows> rows) {
                   if (!rows.ok()) return reply(rows.status());
                   reply(Page(request, *rows));
                 });
      });
  host.HandleLater<v1::RedriveRequest, v1::RedriveResponse>(
      method("Redrive"), operators,
      [this](const Call& call, const v1::RedriveRequest& request,
             Reply<v1::RedriveResponse> reply) {
        v1::RedriveResponse response;
        response.set_per_s(redrive_per_s_);
        ActOnRows(call, request, std::move(reply), std::move(response),
                  /*with_parked=*/true, kRedriveAct,
                  SubscriptionActed::ACT_REDRIVEN, &DeliveryCore::Redrive);
      });
  host.HandleLater<v1::ParkRequest, v1::ParkResponse>(
      method("Park"), operators,
      [this](const Call& call, const v1::ParkRequest& request,
             Reply<v1::ParkResponse> reply) {
        ActOnRows(call, request, std::move(reply), v1::ParkResponse(),
                  /*with_parked=*/false, kParkAct,
                  SubscriptionActed::ACT_PARKED, &DeliveryCore::Park);
      });
  host.HandleLater<v1::SetPausedRequest, v1::SetPausedResponse>(
      method("SetPaused"), operators,
      [this](const Call& call, const v1::SetPausedRequest& request,
             Reply<v1::SetPausedResponse> reply) {
        const absl::Status why = CheckWhy(request.why());
        if (!why.ok()) return reply(why);
        const auto act = request.paused() ? SubscriptionActed::ACT_PAUSED
                                          : SubscriptionActed::ACT_RESUMED;
        const auto acted =
            ActedOf(call, request.subscription(), act, request.why());
        // Only what is there is recorded.
        WithRows(request.subscription(),
                 [this, request, reply, acted](absl::StatusOr<Rows> rows) {
                   if (!rows.ok()) return reply(rows.status());
                   RecordAndDo(
                       acted,
                       [request](DeliveryCore& core) {
                         return core.SetPaused(KeyOf(request.subscription()),
                                               request.paused());
                       },
                       [reply](const absl::Status& status) {
                         if (!status.ok()) return reply(status);
                         reply(v1::SetPausedResponse());
                       });
                 });
      });
  host.HandleLater<v1::RemoveSubscriptionRequest,
                   v1::RemoveSubscriptionResponse>(
      method("RemoveSubscription"), operators,
      [this](const Call& call, const v1::RemoveSubscriptionRequest& request,
             Reply<v1::RemoveSubscriptionResponse> reply) {
        const absl::Status why = CheckWhy(request.why());
        if (!why.ok()) return reply(why);
        const std::string key = KeyOf(request.subscription());
        const auto acted =
            ActedOf(call, request.subscription(),
                    SubscriptionActed::ACT_REMOVED, request.why());
        delivery_.Perform(
            key, [key](DeliveryCore& core) { return core.MayRemove(key); },
            [this, key, acted, reply](const absl::Status& may) {
              if (!may.ok()) return reply(may);
              RecordAndDo(
                  acted, [key](DeliveryCore& core) { return core.Remove(key); },
                  [reply](const absl::Status& status) {
                    if (!status.ok()) return reply(status);
                    reply(v1::RemoveSubscriptionResponse());
                  });
            });
      });
}

}  // namespace concordat::bus

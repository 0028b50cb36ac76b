#include "services/bus/daemon/operator_desk.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/hub/v1/maintenance.pb.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.BusService/";

using hub::v1::Maintenance;
using hub::v1::OperatorActed;

absl::Time FromMicros(uint64_t us) {
  return absl::FromUnixMicros(static_cast<int64_t>(us));
}

uint64_t ToMicros(absl::Time time) {
  return static_cast<uint64_t>(absl::ToUnixMicros(time));
}

OperatorActed ActedOf(const Call& call, OperatorActed::Act act,
                      const std::string& why) {
  OperatorActed acted;
  acted.set_act(act);
  acted.set_by(call.principal->name());
  acted.set_why(why);
  return acted;
}

v1::DrainPhase ToWire(Drain::Phase phase) {
  switch (phase) {
    case Drain::Phase::kTaking:
      return v1::DRAIN_PHASE_UNSPECIFIED;
    case Drain::Phase::kDraining:
      return v1::DRAIN_PHASE_DRAINING;
    case Drain::Phase::kDrained:
      return v1::DRAIN_PHASE_DRAINED;
  }
  return v1::DRAIN_PHASE_UNSPECIFIED;
}

}  // namespace

void OperatorDesk::Serve(ServerHost& host) {
  host_ = &host;
  const MethodOptions operators = {{"operator"}};
  host.HandleLater<v1::SetDrainingRequest, v1::SetDrainingResponse>(
      absl::StrCat(kService, "SetDraining"), operators,
      [this](const Call& call, const v1::SetDrainingRequest& request,
             Reply<v1::SetDrainingResponse> reply) {
        const absl::Status why = CheckWhy(request.why());
        if (!why.ok()) return reply(why);
        recorder_.Record(
            ActedOf(call,
                    request.draining() ? OperatorActed::ACT_DRAINED
                                       : OperatorActed::ACT_RESUMED,
                    request.why()),
            [this, request, reply](const absl::Status& recorded) {
              if (!recorded.ok()) return reply(recorded);
              if (request.draining()) {
                drain_.Begin(clock_.Now(), request.why());
              } else {
                drain_.End();
              }
              reply(v1::SetDrainingResponse());
            });
      });
  host.HandleLater<v1::SetMaintenanceRequest, v1::SetMaintenanceResponse>(
      absl::StrCat(kService, "SetMaintenance"), operators,
      [this](const Call& call, const v1::SetMaintenanceRequest& request,
             Reply<v1::SetMaintenanceResponse> reply) {
        SetMaintenance(call, request, std::move(reply));
      });
}

void OperatorDesk::SetMaintenance(const Call& call,
                                  const v1::SetMaintenanceRequest& request,
                                  Reply<v1::SetMaintenanceResponse> reply) {
  const absl::Status why = CheckWhy(request.why());
  if (!why.ok()) return reply(why);
  const bool announced = request.until() != 0;
  const absl::Time now = clock_.Now();
  if (announced && (FromMicros(request.until()) <= now ||
                    FromMicros(request.until()) > now + kMaintenanceMax)) {
    return reply(absl::InvalidArgumentError(
        "until: a time from now on, at most 7 days ahead"));
  }
  OperatorActed acted =
      ActedOf(call,
              announced ? OperatorActed::ACT_MAINTENANCE_ANNOUNCED
                        : OperatorActed::ACT_MAINTENANCE_ENDED,
              request.why());
  acted.set_until(request.until());
  std::optional<Maintenance> maintenance;
  if (announced) {
    maintenance.emplace();
    maintenance->set_since(ToMicros(now));
    maintenance->set_until(request.until());
    maintenance->set_why(request.why());
    maintenance->set_by(call.principal->name());
  }
  recorder_.Record(
      acted, [this, maintenance, reply](const absl::Status& recorded) {
        if (!recorded.ok()) return reply(recorded);
        // The thread that publishes does not wait for files.
        const bool posted = host_->Post([this, maintenance, reply] {
          const absl::Status written = data_.WriteMaintenance(maintenance);
          if (!written.ok()) return reply(written);
          reply(v1::SetMaintenanceResponse());
        });
        if (!posted) reply(absl::ResourceExhaustedError("too many calls"));
      });
}

void OperatorDesk::Fill(v1::GetLogStatusResponse* status) const {
  const Drain::State state = drain_.state();
  if (state.phase != Drain::Phase::kTaking) {
    v1::DrainState& drain = *status->mutable_drain();
    drain.set_phase(ToWire(state.phase));
    drain.set_since(ToMicros(state.since));
    drain.set_why(state.why);
    drain.mutable_behind()->Assign(state.behind.begin(), state.behind.end());
  }
  const auto maintenance = data_.ReadMaintenance();
  if (maintenance.ok() && maintenance->has_value()) {
    *status->mutable_maintenance() = **maintenance;
  }
}

std::string OperatorDesk::TimeOf(absl::Time at) const {
  return absl::FormatTime("%Y-%m-%d %H:%M", at, zone_);
}

void OperatorDesk::Judge(Troubles& troubles) const {
  const Drain::State state = drain_.state();
  const std::string left = absl::StrJoin(state.behind, ", ");
  if (state.phase == Drain::Phase::kDraining) {
    troubles.push_back(
        {"drain", "",
         absl::StrCat("draining since ", TimeOf(state.since), " because ",
                      state.why, left.empty() ? "" : "; waits: ", left),
         false});
  } else if (state.phase == Drain::Phase::kDrained) {
    troubles.push_back(
        {"drain", "",
         absl::StrCat("drained; safe to stop",
                      left.empty() ? "" : "; after the next start: ", left),
         false});
  }
  const auto read = data_.ReadMaintenance();
  if (!read.ok()) {
    troubles.push_back(
        {"maintenance", "", std::string(read.status().message()), false});
  } else if (read->has_value()) {
    const absl::Time until = FromMicros((*read)->until());
    troubles.push_back(
        {"maintenance", "",
         clock_.Now() < until
             ? absl::StrCat("in maintenance since ",
                            TimeOf(FromMicros((*read)->since())), " until ",
                            TimeOf(until), " because ", (*read)->why())
             : absl::StrCat("the maintenance was to end at ", TimeOf(until),
                            ", and nobody has said that it is over"),
         false});
  }
}

}  // namespace concordat::bus

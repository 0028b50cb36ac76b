#include "services/bus/daemon/retention_desk.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace concordat::bus {
namespace {

constexpr char kMethod[] = "concordat.bus.v1.BusService/RunRetention";

template <typename Counts, typename Field>
void Put(Counts counts, Field* field) {
  field->Assign(counts.begin(), counts.end());
}

// What would go, to the last segment and count.
Act RetentionActOf(const RetentionTerms& terms, const RetentionPlan& plan) {
  Act act;
  act.kind = std::string(kRetentionAct);
  act.count = plan.tally.removed();
  act.what = absl::StrCat("retention by policy version ", terms.version,
                          " and the periods of ", terms.agreements.size(),
                          " agreements: ", act.count, " events up to ",
                          plan.through.value);
  act.digest = ActDigest(
      act.kind,
      {absl::StrCat(terms.version), absl::StrJoin(terms.agreements, "\n"),
       absl::StrJoin(plan.segments, ","), absl::StrCat(plan.through.value),
       absl::StrCat(act.count)});
  return act;
}

}  // namespace

RetentionDesk::RetentionDesk(const EventLog& log, CompactableLog& compactable,
                             IngestLoop& ingest, DeliveryLoop& delivery,
                             ActRecorder& recorder, FourEyes& four_eyes,
                             std::shared_ptr<const TypeRegistry> types,
                             LoadPolicy policy, absl::TimeZone london,
                             std::unique_ptr<Background> thread)
    : compactable_(compactable),
      ingest_(ingest),
      delivery_(delivery),
      recorder_(recorder),
      four_eyes_(four_eyes),
      policy_(std::move(policy)),
      london_(london),
      judge_(log, std::move(types)),
      thread_(std::move(thread)) {}

void RetentionDesk::Serve(ServerHost& host) {
  host.HandleLater<v1::RunRetentionRequest, v1::RunRetentionResponse>(
      kMethod, {{"operator"}},
      [this](const Call& call, const v1::RunRetentionRequest& request,
             Reply<v1::RunRetentionResponse> reply) {
        Begin(call, request, std::move(reply));
      });
}

void RetentionDesk::Begin(const Call& call,
                          const v1::RunRetentionRequest& request,
                          Reply<v1::RunRetentionResponse> reply) {
  if (!MayAgree(*call.principal, kRetentionAct)) {
    return reply(absl::PermissionDeniedError(absl::StrCat(
        "this needs the right ", RightTo(kRetentionAct), " of the registry")));
  }
  if (request.has_confirmed_count() && request.approval().empty()) {
    const absl::Status why = CheckWhy(request.why());
    if (!why.ok()) return reply(why);
  }
  if (running_.exchange(true)) {
    return reply(absl::FailedPreconditionError("a run is under way"));
  }
  auto run = std::make_shared<Run>();
  run->call = call;
  run->request = request;
  run->reply = std::move(reply);
  delivery_.Perform(
      "",
      [run](DeliveryCore& core) {
        run->needed = core.FirstNeeded();
        return absl::OkStatus();
      },
      [this, run](const absl::Status& status) {
        if (!status.ok()) return End(run, status);
        thread_->Post([this, run] { Look(run); });
      });
}

void RetentionDesk::End(const SharedRun& run, const absl::Status& status) {
  running_ = false;
  if (!status.ok()) return run->reply(status);
  run->reply(run->response);
}

absl::Status RetentionDesk::Plan(Run& run) {
  const auto policy = policy_();
  if (absl::IsNotFound(policy.status())) {
    return absl::FailedPreconditionError(
        "there is no retention policy: nothing is ever removed");
  }
  if (!policy.ok()) return policy.status();
  const uint64_t now_us = ingest_.now_us();
  auto terms =
      TermsOf(*policy, ingest_.agreements()->List(now_us), now_us, london_);
  if (!terms.ok()) return terms.status();
  run.terms = *std::move(terms);
  const absl::Status known = judge_.CatchUp();
  if (!known.ok()) return known;
  auto plan = PlanRetention(compactable_, judge_, run.terms, run.needed,
                            [this] { return !stopping_; });
  if (!plan.ok()) return plan.status();
  run.plan = *std::move(plan);
  v1::RunRetentionResponse& response = run.response;
  response.set_count(run.plan.tally.removed());
  response.set_policy_version(run.terms.version);
  Put(run.terms.agreements, response.mutable_agreements());
  response.set_through(run.plan.through.value);
  response.set_segments(run.plan.looked_at);
  Put(run.plan.tally.Removed(), response.mutable_removed());
  Put(run.plan.tally.Kept(), response.mutable_kept());
  Put(run.plan.waits_for, response.mutable_waits_for());
  return absl::OkStatus();
}

void RetentionDesk::Look(const SharedRun& run) {
  const absl::Status planned = Plan(*run);
  if (!planned.ok() || !run->request.has_confirmed_count()) {
    return End(run, planned);
  }
  const uint64_t count = run->response.count();
  if (run->request.confirmed_count() != count) {
    return End(run, absl::FailedPreconditionError(
                        absl::StrCat("there are ", count, " now, not ",
                                     run->request.confirmed_count())));
  }
  if (count == 0) return End(run, absl::OkStatus());
  four_eyes_.Decide(run->call, RetentionActOf(run->terms, run->plan),
                    run->request.why(), run->request.approval(),
                    [this, run](absl::StatusOr<Decision> decision) {
                      if (!decision.ok()) return End(run, decision.status());
                      if (decision->asked.has_value()) {
                        *run->response.mutable_asked() = *decision->asked;
                        return End(run, absl::OkStatus());
                      }
                      run->by = decision->agreed->agreed_by;
                      run->why = decision->agreed->why;
                      Start(run);
                    });
}

void RetentionDesk::Start(const SharedRun& run) {
  hub::v1::RetentionStarted started;
  started.set_by(run->by);
  started.set_why(run->why);
  started.set_policy_version(run->terms.version);
  Put(run->terms.agreements, started.mutable_agreements());
  started.set_events(run->response.count());
  started.set_through(run->plan.through.value);
  run->name = recorder_.NewId("retention");
  recorder_.Record(run->name, started, [this, run](const absl::Status& status) {
    if (!status.ok()) return End(run, status);
    thread_->Post([this, run] { Remove(run); });
  });
}

void RetentionDesk::Remove(const SharedRun& run) {
  RetentionTally removed;
  hub::v1::RetentionEnded ended;
  for (const uint32_t segment : run->plan.segments) {
    if (stopping_) {
      ended.set_failed("the bus was stopped");
      break;
    }
    const absl::Status status = RemoveFrom(segment, *run, removed);
    if (status.ok()) continue;
    ended.set_failed(absl::StrCat("segment ", segment, ": ", status.message()));
    break;
  }
  // What was read of the log before stands in memory there.
  delivery_.Perform(
      "",
      [](DeliveryCore& core) {
        core.Forget();
        return absl::OkStatus();
      },
      [](const absl::Status&) {});
  v1::RunRetentionResponse& response = run->response;
  response.set_done(true);
  response.set_count(removed.removed());
  response.set_failed(ended.failed());
  Put(removed.Removed(), response.mutable_removed());
  ended.set_events(response.count());
  ended.set_freed_bytes(response.freed_bytes());
  *ended.mutable_removed() = response.removed();
  *ended.mutable_kept() = response.kept();
  recorder_.Record(run->name, ended, [this, run](const absl::Status& status) {
    End(run, status);
  });
}

absl::Status RetentionDesk::RemoveFrom(uint32_t segment, Run& run,
                                       RetentionTally& removed) {
  // A case may have been opened meanwhile.
  absl::Status status = judge_.CatchUp();
  if (!status.ok()) return status;
  RetentionTally with = removed;
  const auto outcome = compactable_.Compact(
      segment,
      [&](const EventFacts& event) {
        const auto judged = judge_.Judge(event, run.terms);
        if (!judged.ok()) {
          status.Update(judged.status());
          return true;
        }
        with.Add(event, *judged);
        return judged->because != KeptBecause::kNothing;
      },
      ingest_.now_us());
  if (!outcome.ok()) return outcome.status();
  removed = std::move(with);
  run.response.set_freed_bytes(run.response.freed_bytes() +
                               outcome->freed_bytes);
  return status;
}

}  // namespace concordat::bus

#include "services/bus/daemon/correction_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "concordat/hub/v1/correction.pb.h"
#include "services/bus/ingest/hub_records.h"
#include "services/bus/oversight/correction_uses.h"
#include "services/common/event/reference_rules.h"
#include "services/common/rpc/access_service.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.CorrectionService/";
// The name that the alerts service reads by.
constexpr char kAlerts[] = "alerts";
constexpr size_t kHowBytesMax = 200;

bool IsOperator(const Call& call) {
  return call.principal->role() == "operator";
}

// How somebody was told goes into the log.
absl::Status CheckHow(const std::string& how) {
  if (how.empty() || how.size() > kHowBytesMax || !IsPrintable(how)) {
    return absl::InvalidArgumentError("how: 1 to 200 printable bytes");
  }
  if (!BrokenReferenceRule(how).empty()) {
    return absl::InvalidArgumentError("how: it looks like a number or address");
  }
  return absl::OkStatus();
}

}  // namespace

CorrectionDesk::CorrectionDesk(EventLog& log,
                               std::shared_ptr<const TypeRegistry> types,
                               const DeliveryLoop& delivery,
                               ActRecorder& recorder,
                               CorrectionRegister corrections,
                               std::string missing,
                               std::unique_ptr<Background> thread)
    : log_(log),
      types_(std::move(types)),
      delivery_(delivery),
      recorder_(recorder),
      missing_(std::move(missing)),
      register_(std::move(corrections)),
      thread_(std::move(thread)) {}

void CorrectionDesk::Serve(ServerHost& host) {
  host.HandleLater<v1::ListCorrectionsRequest, v1::ListCorrectionsResponse>(
      absl::StrCat(kService, "ListCorrections"), {},
      [this](const Call& call, const v1::ListCorrectionsRequest& request,
             Reply<v1::ListCorrectionsResponse> reply) {
        const absl::Status asked = thread_.Ask(
            [this, call, request, reply] { reply(List(call, request)); });
        if (!asked.ok()) reply(asked);
      });
  host.HandleLater<v1::TraceCorrectionRequest, v1::TraceCorrectionResponse>(
      absl::StrCat(kService, "TraceCorrection"), {},
      [this](const Call& call, const v1::TraceCorrectionRequest& request,
             Reply<v1::TraceCorrectionResponse> reply) {
        const absl::Status asked = thread_.Ask(
            [this, call, request, reply] { reply(Trace(call, request)); });
        if (!asked.ok()) reply(asked);
      });
  host.HandleLater<v1::AcceptCorrectionRequest, v1::AcceptCorrectionResponse>(
      absl::StrCat(kService, "AcceptCorrection"), {},
      [this](const Call& call, const v1::AcceptCorrectionRequest& request,
             Reply<v1::AcceptCorrectionResponse> reply) {
        const absl::Status asked = thread_.Ask(
            [this, call, request, reply] { Accept(call, request, reply); });
        if (!asked.ok()) reply(asked);
      });
}

CorrectionRegister::Question CorrectionDesk::QuestionOf(
    const Call& call) const {
  return {RecipientOf(*call.principal, call.purpose),
          IsOperator(call) || ReadsAllAccess(*call.principal),
          call.registry.get(), delivery_.Snapshot().subscriptions};
}

absl::StatusOr<v1::ListCorrectionsResponse> CorrectionDesk::List(
    const Call& call, const v1::ListCorrectionsRequest& request) {
  auto corrections = register_.List(QuestionOf(call));
  if (!corrections.ok()) return corrections.status();
  v1::ListCorrectionsResponse response;
  response.set_missing(missing_);
  for (v1::Correction& each : *corrections) {
    if (request.open() && each.waits_for() == 0) continue;
    *response.add_corrections() = std::move(each);
  }
  return response;
}

Sequence CorrectionDesk::AlertsAt(
    const CorrectionRegister::Question& question) const {
  Sequence at;
  for (const SubscriptionInfo& info : question.subscriptions) {
    const auto& principals = question.registry->proto().principals();
    const bool is_hubs = std::any_of(
        principals.begin(), principals.end(), [&](const v1::Principal& each) {
          return each.has_process() && each.agency() == info.agency &&
                 each.role() == info.role;
        });
    if (info.name == kAlerts && is_hubs) at = std::max(at, info.acknowledged);
  }
  return at;
}

absl::StatusOr<v1::TraceCorrectionResponse> CorrectionDesk::Trace(
    const Call& call, const v1::TraceCorrectionRequest& request) {
  Sequence at = {request.sequence()};
  if (!request.event().empty()) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(request.event(), absl::MaxSplits('#', 1));
    const auto of_id = log_.OfId(parts.first, parts.second);
    if (!of_id.ok()) return of_id.status();
    at = *of_id;
  }
  const CorrectionRegister::Question question = QuestionOf(call);
  auto found = register_.Find(question, at);
  if (!found.ok()) return found.status();
  v1::TraceCorrectionResponse response;
  response.set_missing(missing_);
  bool complete = missing_.empty() && found->correction.waits_for() == 0;
  if (found->whole) {
    auto uses = UsesOf(log_, *types_, found->entry, AlertsAt(question));
    if (!uses.ok()) return uses.status();
    for (v1::CorrectionUse& use : *uses) {
      complete &= use.settled();
      if (IsOperator(call)) {
        use.clear_ref();
        use.clear_what();
      }
      *response.add_uses() = std::move(use);
    }
  }
  *response.mutable_correction() = std::move(found->correction);
  response.set_complete(complete);
  return response;
}

absl::Status CorrectionDesk::CheckAcceptance(
    const Call& call, const v1::AcceptCorrectionRequest& request,
    const CorrectionRegister::Found& found) const {
  const std::string& own = call.principal->agency();
  const std::string& agency = request.agency().empty() ? own : request.agency();
  if (agency != own) {
    if (found.entry.controller != own) {
      return absl::PermissionDeniedError(
          "agency: another one was told by who controls the fact");
    }
    const absl::Status how = CheckHow(request.how());
    if (!how.ok()) return how;
  } else if (!request.how().empty()) {
    return absl::InvalidArgumentError("how: of another agency alone");
  }
  bool had = false;
  bool sees = false;
  for (const v1::CorrectionRecipient& each : found.correction.recipients()) {
    if (each.agency() != agency) continue;
    had = true;
    sees |= !each.left();
  }
  if (!had) {
    return absl::NotFoundError(
        absl::StrCat("agency: ", agency, " did not have the original"));
  }
  if (agency != own && sees) {
    return absl::FailedPreconditionError(absl::StrCat(
        "agency: ", agency, " sees the correction in the hub, and accepts it"));
  }
  return absl::OkStatus();
}

void CorrectionDesk::Accept(const Call& call,
                            const v1::AcceptCorrectionRequest& request,
                            Reply<v1::AcceptCorrectionResponse> reply) {
  const auto found = register_.Find(QuestionOf(call), {request.sequence()});
  if (!found.ok()) return reply(found.status());
  const absl::Status may = CheckAcceptance(call, request, *found);
  if (!may.ok()) return reply(may);
  hub::v1::CorrectionAccepted accepted;
  accepted.set_correction(found->entry.sequence.value);
  accepted.set_agency(request.agency().empty() ? call.principal->agency()
                                               : request.agency());
  accepted.set_told_outside(accepted.agency() != call.principal->agency());
  accepted.set_by(call.principal->name());
  accepted.set_how(request.how());
  const auto answer = [this, call, at = found->entry.sequence, reply] {
    auto now = register_.Find(QuestionOf(call), at);
    if (!now.ok()) return reply(now.status());
    v1::AcceptCorrectionResponse response;
    *response.mutable_correction() = std::move(now->correction);
    reply(std::move(response));
  };
  const std::string id = AcceptanceId(found->entry.sequence, accepted.agency());
  const auto said = log_.OfId(kHubSource, id);
  if (!said.ok()) return reply(said.status());
  if (said->value != 0) return answer();
  recorder_.RecordIn(id, kCorrectionsStream, PersonKey(), accepted,
                     [this, reply, answer](const absl::Status& status) {
                       if (!status.ok()) return reply(status);
                       thread_.GoOn(answer);
                     });
}

}  // namespace concordat::bus

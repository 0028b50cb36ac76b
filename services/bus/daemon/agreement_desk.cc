#include "services/bus/daemon/agreement_desk.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "services/bus/daemon/agreed_text.h"
#include "services/bus/daemon/simulation.h"
#include "services/common/policy/diff.h"
#include "services/common/policy/london_day.h"
#include "services/common/policy/signing.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.AgreementService/";

const AdoptedAgreement* Find(const std::vector<AdoptedAgreement>& list,
                             const std::string& name) {
  const auto found = std::find_if(
      list.begin(), list.end(),
      [&name](const auto& each) { return each.agreement.name() == name; });
  return found == list.end() ? nullptr : &*found;
}

// Of what is adopted by the candidate's name only a party is told: a text of the
// caller's own may name anybody.
absl::Status MayCompare(const Call& call,
                        const policy::v1::Agreement& candidate,
                        const AdoptedAgreement* known) {
  const policy::v1::Agreement& of =
      known == nullptr ? candidate : known->agreement;
  if (call.principal->role() == "operator" ||
      IsOf(of, call.principal->agency())) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError("candidate: you are no party to it");
}

// The step of the warning that so many days are in; none: it is too early.
std::optional<uint32_t> StepOf(uint32_t left, uint32_t warning_days) {
  std::optional<uint32_t> step;
  for (const uint32_t each : {warning_days, 14u, 7u, 3u, 1u, 0u}) {
    const bool is_one = each <= warning_days && left <= each;
    if (is_one && (!step.has_value() || each < *step)) step = each;
  }
  return step;
}

std::string TextOf(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

// Whether the log has just this.
absl::StatusOr<bool> IsAdopted(const AdoptedAgreement* known,
                               const policy::v1::Agreement& agreement) {
  if (known == nullptr || agreement.version() > known->agreement.version()) {
    return false;
  }
  if (agreement.SerializeAsString() == known->agreement.SerializeAsString()) {
    return true;
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "agreement ", agreement.name(), ": version ", known->agreement.version(),
      " is adopted; a changed agreement needs a higher version"));
}

}  // namespace

void AgreementDesk::Serve(ServerHost& host) {
  host_ = &host;
  const auto method = [](absl::string_view name) {
    return absl::StrCat(kService, name);
  };
  const MethodOptions operators = {{"operator"}};
  host.HandleLater<v1::AdoptAgreementRequest, v1::AdoptAgreementResponse>(
      method("AdoptAgreement"), operators,
      [this](const Call& call, const v1::AdoptAgreementRequest& request,
             Reply<v1::AdoptAgreementResponse> reply) {
        Adopt(call, request, std::move(reply));
      });
  host.HandleLater<v1::RetireAgreementRequest, v1::RetireAgreementResponse>(
      method("RetireAgreement"), operators,
      [this](const Call& call, const v1::RetireAgreementRequest& request,
             Reply<v1::RetireAgreementResponse> reply) {
        Retire(call, request, std::move(reply));
      });
  host.Handle<v1::DiffAgreementRequest, v1::DiffAgreementResponse>(
      method("DiffAgreement"), {},
      [this](const Call& call, const v1::DiffAgreementRequest& request) {
        return Diff(call, request);
      });
  host.HandleLater<v1::SimulateAgreementRequest, v1::SimulateAgreementResponse>(
      method("SimulateAgreement"), {{"operator", "coordinator"}},
      [this](const Call& call, const v1::SimulateAgreementRequest& request,
             Reply<v1::SimulateAgreementResponse> reply) {
        Try(call, request, std::move(reply));
      });
}

void AgreementDesk::Adopt(const Call&, const v1::AdoptAgreementRequest& request,
                          Reply<v1::AdoptAgreementResponse> reply) {
  const auto agreements = ingest_.agreements();
  const auto agreed =
      ReadAgreed(data_, request.text(), request.signatures(), clock_.Now());
  if (!agreed.ok()) return reply(agreed.status());
  const policy::v1::Agreement& agreement = agreed->agreement;
  if (const auto loads = agreements->With(agreement); !loads.ok()) {
    return reply(loads.status());
  }
  const auto list = agreements->List(ingest_.now_us());
  const auto has = IsAdopted(Find(list, agreement.name()), agreement);
  if (!has.ok()) return reply(has.status());
  // It would end what is in force, and give nothing.
  if (!*has && agreement.valid_to() < IsoDay(ingest_.now_us())) {
    return reply(absl::InvalidArgumentError(absl::StrCat(
        "valid_to: ", agreement.valid_to(), " is past: it would be over")));
  }
  v1::AdoptAgreementResponse response;
  response.set_name(agreement.name());
  response.set_version(agreement.version());
  response.set_duplicate(*has);
  for (const hub::v1::PartySignature& each : agreed->signatures) {
    response.add_signed_by(each.party());
  }
  if (*has || request.check_only()) return reply(std::move(response));
  recorder_.Record(AdoptedOf(*agreed), [this, request, response,
                                        reply](const absl::Status& recorded) {
    if (!recorded.ok()) return reply(recorded);
    // The thread that publishes does not wait for files.
    const bool posted = host_->Post([this, request, response, reply] {
      const absl::Status written = data_.WriteAgreement(
          response.name(), request.text(),
          request.has_signatures() ? TextOf(request.signatures()) : "");
      if (!written.ok()) return reply(written);
      reply(response);
    });
    if (!posted) reply(response);
  });
}

void AgreementDesk::Retire(const Call&,
                           const v1::RetireAgreementRequest& request,
                           Reply<v1::RetireAgreementResponse> reply) {
  auto retired =
      ReadRetired(data_, request.text(), request.signatures(), clock_.Now());
  if (!retired.ok()) return reply(retired.status());
  const uint64_t now_us = ingest_.now_us();
  const auto agreements = ingest_.agreements();
  const auto list = agreements->List(now_us);
  const AdoptedAgreement* const known = Find(list, retired->name());
  if (known == nullptr) {
    return reply(
        absl::NotFoundError(absl::StrCat("no agreement ", retired->name())));
  }
  if (!IsOf(known->agreement, retired->party())) {
    return reply(absl::PermissionDeniedError(absl::StrCat(
        "party: ", retired->party(), " is not of ", retired->name())));
  }
  if (retired->from() != 0 && IsoDay(retired->from()) < IsoDay(now_us)) {
    return reply(absl::InvalidArgumentError(
        absl::StrCat("from: ", IsoDay(retired->from()),
                     " is past: leave it out to end it at once")));
  }
  *retired->mutable_parties() = known->agreement.parties();
  // At once is now: nothing is retired after the fact.
  retired->set_from(std::max<uint64_t>(retired->from(), now_us));
  if (agreements->Ended({retired->name(), retired->version(), retired->from(),
                         retired->party(), retired->reason()}) == nullptr) {
    return reply(absl::FailedPreconditionError(absl::StrCat(
        retired->name(), ": version ", known->agreement.version(),
        " is the newest, and ends on ", DayInWords(known->until_us - 1))));
  }
  v1::RetireAgreementResponse response;
  response.set_name(retired->name());
  response.set_version(retired->version());
  response.set_from(retired->from());
  recorder_.Record(*retired, [response, reply](const absl::Status& recorded) {
    if (!recorded.ok()) return reply(recorded);
    reply(response);
  });
}

absl::StatusOr<v1::DiffAgreementResponse> AgreementDesk::Diff(
    const Call& call, const v1::DiffAgreementRequest& request) {
  const auto candidate = ParseAgreement(request.candidate());
  if (!candidate.ok()) return candidate.status();
  const auto list = ingest_.agreements()->List(ingest_.now_us());
  // Of two texts of the caller's own nothing that is adopted is told.
  const AdoptedAgreement* const known =
      request.base().empty() ? Find(list, candidate->name()) : nullptr;
  policy::v1::Agreement before;
  if (!request.base().empty()) {
    auto base = ParseAgreement(request.base());
    if (!base.ok()) return base.status();
    before = *std::move(base);
  } else if (known != nullptr) {
    before = known->agreement;
  }
  if (const absl::Status may = MayCompare(call, *candidate, known);
      !may.ok() && !IsOf(before, call.principal->agency())) {
    return may;
  }
  const auto none = Agreements::None(types_);
  const auto after = none->With(*candidate);
  if (!after.ok()) return after.status();
  std::map<GrantCell, GroupMask> old;
  if (!before.name().empty()) {
    const auto loaded = none->With(before);
    if (!loaded.ok()) return loaded.status();
    old = (*loaded)->CellsOf(before.name());
  }
  v1::DiffAgreementResponse response;
  response.set_name(candidate->name());
  response.set_from_version(before.version());
  response.set_to_version(candidate->version());
  for (std::string& words : DiffTerms(before, *candidate)) {
    response.add_terms(std::move(words));
  }
  for (GrantChange& each :
       DiffGrants(*types_, old, (*after)->CellsOf(candidate->name()))) {
    v1::AgreementChange& change = *response.add_changes();
    change.set_agency(std::move(each.agency));
    change.set_role(std::move(each.role));
    change.set_type(std::move(each.type));
    change.set_audience(std::move(each.audience));
    change.mutable_more()->Assign(each.more.begin(), each.more.end());
    change.mutable_less()->Assign(each.less.begin(), each.less.end());
  }
  return response;
}

void AgreementDesk::Try(const Call& call,
                        const v1::SimulateAgreementRequest& request,
                        Reply<v1::SimulateAgreementResponse> reply) {
  auto candidate = ParseAgreement(request.candidate());
  if (!candidate.ok()) return reply(candidate.status());
  const auto list = ingest_.agreements()->List(ingest_.now_us());
  if (const absl::Status may =
          MayCompare(call, *candidate, Find(list, candidate->name()));
      !may.ok()) {
    return reply(may);
  }
  if (const auto caught_up = asked_.CatchUp(log_); !caught_up.ok()) {
    return reply(caught_up);
  }
  if (trying_.exchange(true)) {
    return reply(absl::ResourceExhaustedError(
        "another agreement is being tried: try again when it is done"));
  }
  const SimulatedPeriod period = {request.from(), request.to()};
  auto fold = std::make_shared<const PolicyFold>(asked_);
  thread_->Post([this, fold, candidate = *std::move(candidate), period, reply,
                 deadline = call.deadline] {
    auto response = Simulate(log_, *fold, candidate, period, [&] {
      return !stopping_ && clock_.Now() < deadline;
    });
    trying_ = false;
    reply(std::move(response));
  });
}

void AgreementDesk::Warn(uint32_t warning_days) {
  if (ingest_.follows()) return;
  const uint64_t now_us = ingest_.now_us();
  const auto agreements = ingest_.agreements();
  if (agreements == nullptr) return;
  for (const AdoptedAgreement& each : agreements->List(now_us)) {
    if (!each.in_force) continue;
    const auto left =
        static_cast<uint32_t>(DaysFromTo(now_us, each.until_us - 1));
    const std::optional<uint32_t> step = StepOf(left, warning_days);
    if (!step.has_value()) continue;
    const std::string said = absl::StrCat(each.agreement.name(), "/",
                                          each.agreement.version(), "/", *step);
    {
      MutexLock lock(mu_);
      if (!warned_.insert(said).second) continue;
    }
    hub::v1::AgreementEndWarned warned;
    warned.set_name(each.agreement.name());
    warned.set_version(each.agreement.version());
    warned.set_last_day(IsoDay(each.until_us - 1));
    warned.set_days_left(left);
    warned.set_arrangement(each.agreement.arrangement());
    *warned.mutable_parties() = each.agreement.parties();
    warned.set_words(EndInWords(each, now_us, warning_days));
    // What is not recorded is tried again, and health says it all along.
    recorder_.Record(warned, *step, [this, said](const absl::Status& recorded) {
      if (recorded.ok()) return;
      MutexLock lock(mu_);
      warned_.erase(said);
    });
  }
}

}  // namespace concordat::bus

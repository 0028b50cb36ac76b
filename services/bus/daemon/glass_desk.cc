#include "services/bus/daemon/glass_desk.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/daemon/act.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/common/event/codec.h"
#include "services/common/rpc/access_service.h"

namespace concordat::bus {
namespace {

using access::v1::GlassBroken;
using access::v1::GlassEntry;
using access::v1::GlassReviewed;

constexpr char kService[] = "concordat.access.v1.GlassService/";
constexpr char kPolicyFile[] = "access/break-glass.textproto";
constexpr uint32_t kMinutesMax = 24 * 60;

// Nobody signed in stands behind these.
constexpr char kPersonOpened[] = "concordat.access.v1.PersonOpened";

bool IsProfessional(const v1::Principal& caller) {
  return !caller.has_process() && !SpeaksForOthers(caller) &&
         caller.role() != "operator" && caller.role() != "service" &&
         caller.role() != "adapter" && caller.role() != "player";
}

}  // namespace

absl::StatusOr<access::v1::BreakGlassPolicy> LoadBreakGlassPolicy(
    const DataDirectory& data, const LimitClocks& clocks, absl::Time now) {
  access::v1::BreakGlassPolicy policy;
  const absl::Status loaded = data.LoadSettings(kPolicyFile, &policy);
  if (absl::IsNotFound(loaded)) return access::v1::BreakGlassPolicy();
  if (!loaded.ok()) return loaded;
  if (policy.version() == 0 || policy.effective().empty() ||
      policy.authority().empty()) {
    return absl::InvalidArgumentError(
        "break-glass: version, effective and authority are needed");
  }
  if (policy.minutes() == 0 || policy.minutes() > kMinutesMax) {
    return absl::InvalidArgumentError("break-glass: minutes: 1 to 1,440");
  }
  const auto clock = clocks.Find(policy.review_clock(), now);
  if (!clock.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("break-glass: review_clock: ", clock.status().message()));
  }
  return policy;
}

GlassDesk::GlassDesk(const EventLog& log, PersonLists& lists,
                     IngestLoop& ingest,
                     std::shared_ptr<const TypeRegistry> types, Random& random,
                     const Clock& clock, access::v1::BreakGlassPolicy policy,
                     const LimitClocks& clocks)
    : log_(log),
      lists_(lists),
      ingest_(ingest),
      types_(std::move(types)),
      random_(random),
      clock_(clock),
      policy_(std::move(policy)),
      clocks_(clocks),
      register_(log) {}

uint64_t GlassDesk::now_us() const {
  return static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
}

absl::StatusOr<bool> GlassDesk::OpenedTo(const Call& call,
                                         const PersonKey& person) {
  const auto open = register_.OpenTo(call.principal->name(), call.staff,
                                     person.ToString(), now_us());
  if (!open.ok()) return open.status();
  return open->has_value();
}

const v1::Principal* GlassDesk::PublisherFor(const std::string& agency) {
  MutexLock lock(mu_);
  v1::Principal& principal = publishers_[agency];
  if (principal.name().empty()) {
    principal.set_agency(agency);
    principal.set_system("access");
    principal.set_name("hub");
    v1::PublishGrant& grant = *principal.add_publish();
    grant.set_source(SourceOf(principal));
    grant.add_types(kGlassBroken);
    grant.add_types(kGlassReviewed);
    grant.add_types(kPersonOpened);
  }
  return &principal;
}

void GlassDesk::Publish(const Call& call, const std::string& agency,
                        std::string id, const PersonKey& person,
                        const google::protobuf::MessageLite& message,
                        Then then) {
  const v1::Principal* const publisher = PublisherFor(agency);
  Header header;
  header.source = SourceOf(*publisher);
  header.controller = publisher->agency();
  header.purpose = call.purpose;
  header.gateway = call.principal->default_gateway();
  header.regime = v1::REGIME_GDPR;
  header.classification = v1::CLASSIFICATION_OFFICIAL;
  header.id = std::move(id);
  header.subject = person;
  header.time_us = ingest_.now_us();
  const auto event = MakeEvent(*types_, std::move(header), message, random_);
  if (!event.ok()) return then(event.status());
  BatchEncoder batch;
  batch.Add(AsView(*event));
  const absl::Status taken = ingest_.Publish(
      {nullptr, publisher, batch.Take(),
       [then](const absl::Status& status, const v1::Receipts& receipts) {
         if (!status.ok()) return then(status);
         for (const v1::Outcome& outcome : receipts.outcomes()) {
           if (outcome.refusal() == v1::REFUSAL_UNSPECIFIED) continue;
           if (outcome.refusal() == v1::REFUSAL_ID_REUSED) {
             return then(absl::AlreadyExistsError(outcome.detail()));
           }
           return then(outcome.refusal() == v1::REFUSAL_NO_AGREEMENT
                           ? absl::PermissionDeniedError(absl::StrCat(
                                 "your agency: ", outcome.detail()))
                           : absl::InvalidArgumentError(outcome.detail()));
         }
         then(absl::OkStatus());
       }});
  if (!taken.ok()) then(taken);
}

absl::StatusOr<GlassBroken> GlassDesk::OpeningOf(
    const Call& call, const access::v1::BreakGlassRequest& request) const {
  if (policy_.minutes() == 0) {
    return absl::FailedPreconditionError(
        "nobody has decided here how a person is opened without an interest");
  }
  if (!IsProfessional(*call.principal)) {
    return absl::PermissionDeniedError(
        "only a professional of an agency opens a person so");
  }
  if (request.command().request_id().empty()) {
    return absl::InvalidArgumentError("command.request_id: needed");
  }
  const absl::Time now = clock_.Now();
  const auto clock = clocks_.Find(policy_.review_clock(), now);
  if (!clock.ok()) return clock.status();
  const auto due = clocks_.Due(**clock, {.start = now}, now);
  if (!due.ok()) return due.status();
  GlassBroken opening;
  opening.set_opening_ref(absl::StrCat(
      "G-", DerivedId("glass",
                      absl::StrCat(call.principal->name(), "\n", call.staff,
                                   "\n", request.command().request_id()),
                      0)));
  opening.set_by(call.principal->name());
  opening.set_staff(call.staff);
  opening.set_reason(request.reason());
  opening.set_words(request.words());
  opening.set_until(static_cast<uint64_t>(
      absl::ToUnixMicros(now + absl::Minutes(policy_.minutes()))));
  opening.set_review_by(static_cast<uint64_t>(absl::ToUnixMicros(*due)));
  return opening;
}

void GlassDesk::Break(const Call& call,
                      const access::v1::BreakGlassRequest& request,
                      Reply<access::v1::BreakGlassResponse> reply) {
  const auto opening = OpeningOf(call, request);
  if (!opening.ok()) return reply(opening.status());
  const auto person = PersonOf(call, request.subject());
  if (!person.ok()) return reply(person.status());
  access::v1::BreakGlassResponse response;
  auto open = register_.OpenTo(call.principal->name(), call.staff,
                               request.subject(), now_us());
  if (!open.ok()) return reply(open.status());
  if (open->has_value()) {
    *response.mutable_opening() = **std::move(open);
    response.set_was_open(true);
    return reply(response);
  }
  *response.mutable_opening() = *opening;
  Publish(call, call.principal->agency(), opening->opening_ref(), *person,
          *opening, [response, reply](const absl::Status& status) {
            if (!status.ok()) return reply(status);
            reply(response);
          });
}

absl::StatusOr<PersonKey> GlassDesk::PersonOf(const Call& call,
                                              const std::string& subject) {
  auto person = PersonKey::Parse(subject);
  if (!person.ok()) {
    return absl::InvalidArgumentError("subject: not a person key");
  }
  const auto events = log_.OfPerson(*person, {0}, log_.Status().end);
  if (!events.ok()) return events.status();
  const auto allowed = Allows(call, subject);
  if (!allowed.ok()) return allowed.status();
  if (events->empty() || !*allowed) {
    return absl::NotFoundError("there is no such person");
  }
  return person;
}

absl::StatusOr<bool> GlassDesk::Allows(const Call& call,
                                       const std::string& subject) {
  const auto person = PersonKey::Parse(subject);
  if (!person.ok()) return true;  // Nobody's.
  return lists_.Allow(RecipientOf(*call.principal, call.purpose), *person);
}

void GlassDesk::Note(const Call& call,
                     const access::v1::NoteOpeningRequest& request,
                     Reply<access::v1::NoteOpeningResponse> reply) {
  if (!IsProfessional(*call.principal)) {
    return reply(absl::PermissionDeniedError(
        "only a professional of an agency opens a person"));
  }
  if (request.command().request_id().empty()) {
    return reply(absl::InvalidArgumentError("command.request_id: needed"));
  }
  const auto person = PersonOf(call, request.subject());
  if (!person.ok()) return reply(person.status());
  access::v1::PersonOpened opened;
  opened.set_by(call.principal->name());
  opened.set_staff(call.staff);
  Publish(call, call.principal->agency(),
          DerivedId("opened",
                    absl::StrCat(call.principal->name(), "\n", call.staff, "\n",
                                 request.command().request_id()),
                    0),
          *person, opened, [reply](const absl::Status& status) {
            // The same request is in the log already, at the time of the first.
            if (!status.ok() && !absl::IsAlreadyExists(status)) {
              return reply(status);
            }
            reply(access::v1::NoteOpeningResponse());
          });
}

void GlassDesk::Review(const Call& call,
                       const access::v1::ReviewGlassRequest& request,
                       Reply<access::v1::ReviewGlassResponse> reply) {
  if (!MayReadAccess(*call.principal)) {
    return reply(absl::PermissionDeniedError(
        "openings are reviewed by co-ordinators and guardians"));
  }
  const auto found = register_.Find(
      request.opening_ref(),
      ReadsAllAccess(*call.principal) ? "" : call.principal->agency());
  if (!found.ok()) return reply(found.status());
  const auto allowed = found->has_value() ? Allows(call, (*found)->subject())
                                          : absl::StatusOr<bool>(false);
  if (!allowed.ok()) return reply(allowed.status());
  if (!*allowed) {
    return reply(absl::NotFoundError("opening_ref: there is none of yours"));
  }
  const GlassEntry& entry = **found;
  if (IsSamePerson({entry.opening().by(), entry.opening().staff(), ""},
                   {call.principal->name(), call.staff, ""})) {
    return reply(absl::PermissionDeniedError(
        "somebody else reviews what one has opened"));
  }
  if (entry.has_review()) {
    return reply(absl::FailedPreconditionError("it is reviewed already"));
  }
  const auto person = PersonKey::Parse(entry.subject());
  if (!person.ok()) return reply(person.status());
  GlassReviewed review;
  review.set_opening_ref(request.opening_ref());
  review.set_by(call.principal->name());
  review.set_staff(call.staff);
  review.set_outcome(request.outcome());
  review.set_words(request.words());
  Publish(call, entry.agency(),
          absl::StrCat(request.opening_ref(), "-reviewed"), *person, review,
          [reply](const absl::Status& status) {
            if (!status.ok()) return reply(status);
            reply(access::v1::ReviewGlassResponse());
          });
}

absl::StatusOr<access::v1::ListGlassResponse> GlassDesk::List(
    const Call& call) {
  if (!MayReadAccess(*call.principal)) {
    return absl::PermissionDeniedError(
        "the register is read by co-ordinators and guardians");
  }
  access::v1::ListGlassResponse response;
  auto entries = register_.List(
      ReadsAllAccess(*call.principal) ? "" : call.principal->agency(),
      now_us());
  if (!entries.ok()) return entries.status();
  for (GlassEntry& entry : *entries) {
    const auto allowed = Allows(call, entry.subject());
    if (!allowed.ok()) return allowed.status();
    if (*allowed) *response.add_entries() = std::move(entry);
  }
  return response;
}

absl::StatusOr<access::v1::GetOpeningResponse> GlassDesk::Opening(
    const Call& call, const access::v1::GetOpeningRequest& request) {
  const auto allowed = Allows(call, request.subject());
  if (!allowed.ok()) return allowed.status();
  access::v1::GetOpeningResponse response;
  if (!*allowed) return response;
  auto open = register_.OpenTo(call.principal->name(), call.staff,
                               request.subject(), now_us());
  if (!open.ok()) return open.status();
  if (open->has_value()) *response.mutable_opening() = **std::move(open);
  return response;
}

void GlassDesk::Serve(ServerHost& host) {
  host.HandleLater<access::v1::BreakGlassRequest,
                   access::v1::BreakGlassResponse>(
      absl::StrCat(kService, "BreakGlass"), {},
      [this](const Call& call, const access::v1::BreakGlassRequest& request,
             Reply<access::v1::BreakGlassResponse> reply) {
        Break(call, request, std::move(reply));
      });
  host.Handle<access::v1::GetOpeningRequest, access::v1::GetOpeningResponse>(
      absl::StrCat(kService, "GetOpening"), {},
      [this](const Call& call, const access::v1::GetOpeningRequest& request) {
        return Opening(call, request);
      });
  host.HandleLater<access::v1::ReviewGlassRequest,
                   access::v1::ReviewGlassResponse>(
      absl::StrCat(kService, "ReviewGlass"), {},
      [this](const Call& call, const access::v1::ReviewGlassRequest& request,
             Reply<access::v1::ReviewGlassResponse> reply) {
        Review(call, request, std::move(reply));
      });
  host.HandleLater<access::v1::NoteOpeningRequest,
                   access::v1::NoteOpeningResponse>(
      absl::StrCat(kService, "NoteOpening"), {},
      [this](const Call& call, const access::v1::NoteOpeningRequest& request,
             Reply<access::v1::NoteOpeningResponse> reply) {
        Note(call, request, std::move(reply));
      });
  host.Handle<access::v1::ListGlassRequest, access::v1::ListGlassResponse>(
      absl::StrCat(kService, "ListGlass"), {},
      [this](const Call& call, const access::v1::ListGlassRequest&) {
        return List(call);
      });
}

}  // namespace concordat::bus

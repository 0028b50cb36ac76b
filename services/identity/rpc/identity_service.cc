#include "services/identity/rpc/identity_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/identity/rpc/read_command.h"
#include "services/identity/rpc/request_checks.h"

namespace concordat::identity {
namespace {

constexpr char kService[] = "concordat.identity.v1.IdentityService/";
constexpr size_t kNameBytesMax = 100;
constexpr int kOtherNamesMax = 8;

absl::Status Nobody() {
  return absl::NotFoundError(
      "nobody your agency registered or is party to has these numbers by a "
      "link that may be used");
}

absl::StatusOr<PersonDetails> ReadDetails(const v1::RegisterRequest& request) {
  struct Limit {
    const char* field;
    const std::string& text;
    size_t bytes_max;
  };
  for (const Limit& limit :
       {Limit{"family_name", request.family_name(), kNameBytesMax},
        Limit{"given_name", request.given_name(), kNameBytesMax},
        Limit{"address.text", request.address().text(), kTextBytesMax}}) {
    absl::Status s = CheckText(limit.field, limit.text, limit.bytes_max);
    if (!s.ok()) return s;
  }
  if (!request.birth_date().empty() && !IsIsoDate(request.birth_date())) {
    return absl::InvalidArgumentError("birth_date: not a date YYYY-MM-DD");
  }
  if (request.family_name().empty() && request.identifiers().empty()) {
    return absl::InvalidArgumentError("a name or an identifier is needed");
  }
  PersonDetails details;
  details.family_name = request.family_name();
  details.given_name = request.given_name();
  details.birth_date = request.birth_date();
  details.address = request.address().text();
  if (request.other_names_size() > kOtherNamesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("other_names: more than ", kOtherNamesMax));
  }
  for (const v1::PersonName& name : request.other_names()) {
    if (name.family_name().empty()) {
      return absl::InvalidArgumentError("other_names: without a family name");
    }
    for (const std::string* part : {&name.family_name(), &name.given_name()}) {
      absl::Status s = CheckText("other_names", *part, kNameBytesMax);
      if (!s.ok()) return s;
    }
    details.other_names.push_back({name.family_name(), name.given_name()});
  }
  if (request.address().has_uprn()) {
    absl::StatusOr<uint64_t> uprn =
        ParseUprn(absl::StrCat(request.address().uprn()));
    if (!uprn.ok()) return std::move(uprn).status();
    details.uprn = *uprn;
  }
  return details;
}

}  // namespace

IdentityService::IdentityService(IdentityStore& store, OutboxPublisher& outbox,
                                 const CaseParties& parties, CohortFeed& cohort,
                                 const Clock& clock)
    : store_(store),
      outbox_(outbox),
      parties_(parties),
      cohort_(cohort),
      clock_(clock) {}

void IdentityService::AddTo(ServerHost& host) {
  const auto name = [](const char* method) {
    return absl::StrCat(kService, method);
  };
  host.Handle<v1::RegisterRequest, v1::RegisterResponse>(
      name("Register"), {}, [this](const Call& call, const auto& request) {
        return Register(call, request);
      });
  host.Handle<v1::ResolveRequest, v1::ResolveResponse>(
      name("Resolve"), {}, [this](const Call& call, const auto& request) {
        return Resolve(call, request);
      });
  host.Handle<v1::ConfirmLinkRequest, v1::ConfirmLinkResponse>(
      name("ConfirmLink"), {}, [this](const Call& call, const auto& request) {
        return ConfirmLink(call, request);
      });
  host.Handle<v1::LocalSubjectRequest, v1::LocalSubjectResponse>(
      name("LocalSubject"), {}, [this](const Call& call, const auto& request) {
        return LocalSubject(call, request);
      });
  host.HandleStream<v1::CohortRequest, v1::CohortChange>(
      name("Cohort"), {{"adapter"}},
      [this](const Call& call, const v1::CohortRequest& request,
             std::shared_ptr<ResponseStream<v1::CohortChange>> stream) {
        return Cohort(
            call, request,
            {[stream](const v1::CohortChange& change) {
               return stream->Write(change);
             },
             [stream](const absl::Status& status) { stream->Finish(status); }});
      });
}

absl::StatusOr<WrittenIdentifier> IdentityService::Read(
    const Call& call, const v1::Identifier& written) const {
  return ReadIdentifier(call, written, clock_);
}

absl::StatusOr<bool> IdentityService::HasInterest(
    const Call& call, const PersonKey& person) const {
  return identity::HasInterest(store_, parties_, *call.principal, person);
}

absl::StatusOr<std::optional<PersonKey>> IdentityService::InterestByCase(
    const Call& call,
    const std::vector<CanonicalIdentifier>& identifiers) const {
  for (const CanonicalIdentifier& identifier : identifiers) {
    absl::StatusOr<std::optional<PersonKey>> person =
        store_.Resolve({identifier});
    if (!person.ok()) return std::move(person).status();
    if (!person->has_value()) continue;
    absl::StatusOr<bool> party =
        parties_.IsParty(call.principal->agency(), **person);
    // Not known is no interest: the store asks whether they registered them.
    if (party.ok() && *party) return person;
  }
  return std::optional<PersonKey>();
}

absl::StatusOr<v1::RegisterResponse> IdentityService::Register(
    const Call& call, const v1::RegisterRequest& request) {
  if (!ActsForAnAgency(*call.principal)) {
    return absl::PermissionDeniedError("only an agency registers people");
  }
  absl::StatusOr<CommandContext> context = ReadCommand(call, request.command());
  if (!context.ok()) return std::move(context).status();
  context->position = parties_.position();
  absl::StatusOr<PersonDetails> details = ReadDetails(request);
  if (!details.ok()) return std::move(details).status();
  auto identifiers = ReadIdentifiers(call, request.identifiers(), clock_);
  if (!identifiers.ok()) return std::move(identifiers).status();
  std::vector<CanonicalIdentifier> canonical;
  for (const WrittenIdentifier& identifier : *identifiers) {
    canonical.push_back(identifier.canonical);
  }
  absl::StatusOr<std::optional<PersonKey>> interest =
      InterestByCase(call, canonical);
  if (!interest.ok()) return std::move(interest).status();
  absl::StatusOr<CommandOutcome> outcome =
      store_.Register(*context, *details, *identifiers, *interest);
  if (!outcome.ok()) return std::move(outcome).status();
  if (!outcome->duplicate) cohort_.PersonChanged(outcome->person);
  absl::StatusOr<Sequence> position =
      AwaitPublished(outbox_, *outcome, call, clock_, parties_.position());
  if (!position.ok()) return std::move(position).status();

  v1::RegisterResponse response;
  response.set_subject(outcome->person.ToString());
  response.set_created(outcome->created);
  response.set_position(position->value);
  for (const std::string& scheme : outcome->unconfirmed_schemes) {
    response.add_unconfirmed_schemes(scheme);
  }
  return response;
}

absl::StatusOr<v1::ResolveResponse> IdentityService::Resolve(
    const Call& call, const v1::ResolveRequest& request) {
  if (request.identifiers().empty() ||
      request.identifiers_size() > kIdentifiersMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("identifiers: 1 to ", kIdentifiersMax));
  }
  std::vector<CanonicalIdentifier> identifiers;
  for (const v1::Identifier& written : request.identifiers()) {
    absl::StatusOr<WrittenIdentifier> identifier = Read(call, written);
    if (!identifier.ok()) return std::move(identifier).status();
    identifiers.push_back(std::move(identifier->canonical));
  }
  const auto person = PersonFor(store_, parties_, call, identifiers);
  if (!person.ok()) return person.status();
  if (!person->has_value()) return Nobody();
  // What it tells of the person after this came by these numbers.
  if (absl::Status s =
          store_.NoteUses(**person, identifiers, SystemOf(*call.principal),
                          parties_.position());
      !s.ok()) {
    return s;
  }
  v1::ResolveResponse response;
  response.set_subject((*person)->ToString());
  return response;
}

absl::StatusOr<v1::ConfirmLinkResponse> IdentityService::ConfirmLink(
    const Call& call, const v1::ConfirmLinkRequest& request) {
  if (!ActsForAnAgency(*call.principal)) {
    return absl::PermissionDeniedError("a person confirms a link");
  }
  absl::StatusOr<CommandContext> context = ReadCommand(call, request.command());
  if (!context.ok()) return std::move(context).status();
  context->position = parties_.position();
  if (absl::Status s = CheckText("reason", request.reason(), kTextBytesMax);
      !s.ok()) {
    return s;
  }
  absl::StatusOr<PersonKey> person = ReadSubject(request.subject());
  if (!person.ok()) return std::move(person).status();
  absl::StatusOr<WrittenIdentifier> identifier =
      Read(call, request.identifier());
  if (!identifier.ok()) return std::move(identifier).status();
  absl::StatusOr<bool> interest = HasInterest(call, *person);
  if (!interest.ok()) return std::move(interest).status();
  if (!*interest) return NotForYou();

  absl::StatusOr<std::optional<PersonKey>> by_case =
      InterestByCase(call, {identifier->canonical});
  if (!by_case.ok()) return std::move(by_case).status();
  absl::StatusOr<CommandOutcome> outcome = store_.ConfirmLink(
      *context, *person, *identifier, request.reason(), *by_case);
  if (absl::IsNotFound(outcome.status())) return NotForYou();
  if (!outcome.ok()) return std::move(outcome).status();
  if (!outcome->duplicate) cohort_.PersonChanged(*person);
  absl::StatusOr<Sequence> position =
      AwaitPublished(outbox_, *outcome, call, clock_, parties_.position());
  if (!position.ok()) return std::move(position).status();
  v1::ConfirmLinkResponse response;
  response.set_position(position->value);
  return response;
}

absl::StatusOr<v1::LocalSubjectResponse> IdentityService::LocalSubject(
    const Call& call, const v1::LocalSubjectRequest& request) {
  absl::StatusOr<PersonKey> person = ReadSubject(request.subject());
  if (!person.ok()) return std::move(person).status();
  absl::StatusOr<bool> interest = HasInterest(call, *person);
  if (!interest.ok()) return std::move(interest).status();
  absl::StatusOr<std::optional<std::string>> number = std::nullopt;
  if (*interest) {
    number = store_.LocalNumber(*person, SystemOf(*call.principal));
    if (!number.ok()) return std::move(number).status();
  }
  if (!number->has_value()) {
    return absl::NotFoundError("your system has no number of this person");
  }
  v1::LocalSubjectResponse response;
  response.set_localsubject(**number);
  return response;
}

absl::Status IdentityService::Cohort(const Call& call,
                                     const v1::CohortRequest& request,
                                     CohortFeed::Sink sink) {
  cohort_.Open(SystemOf(*call.principal), request.registered_too(),
               std::move(sink));
  return absl::OkStatus();
}

}  // namespace concordat::identity

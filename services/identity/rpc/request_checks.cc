#include "services/identity/rpc/request_checks.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/identity/rpc/read_command.h"

namespace concordat::identity {

absl::Status NotForYou() {
  return absl::PermissionDeniedError(
      "no such person, or your agency neither registered them nor is party to "
      "an open case");
}

absl::StatusOr<PersonKey> ReadSubject(const std::string& text) {
  absl::StatusOr<PersonKey> person = PersonKey::Parse(text);
  if (!person.ok()) {
    return absl::InvalidArgumentError("subject: not a person key");
  }
  return person;
}

absl::StatusOr<WrittenIdentifier> ReadIdentifier(const Call& call,
                                                 const v1::Identifier& written,
                                                 const Clock& clock) {
  std::vector<System> systems;
  for (const bus::v1::Principal& principal :
       call.registry->proto().principals()) {
    systems.push_back(SystemOf(principal));
  }
  const auto this_year = static_cast<int>(
      absl::ToCivilYear(clock.Now(), absl::UTCTimeZone()).year());
  absl::StatusOr<CanonicalIdentifier> canonical =
      Canonicalise(written.scheme(), written.value(), written.authority(),
                   SystemOf(*call.principal), systems, this_year);
  if (!canonical.ok()) return std::move(canonical).status();
  return WrittenIdentifier{written.value(), *std::move(canonical)};
}

absl::StatusOr<std::vector<WrittenIdentifier>> ReadIdentifiers(
    const Call& call,
    const google::protobuf::RepeatedPtrField<v1::Identifier>& written,
    const Clock& clock) {
  if (written.size() > kIdentifiersMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("identifiers: more than ", kIdentifiersMax));
  }
  std::vector<WrittenIdentifier> identifiers;
  for (const v1::Identifier& one : written) {
    auto identifier = ReadIdentifier(call, one, clock);
    if (!identifier.ok()) return std::move(identifier).status();
    identifiers.push_back(*std::move(identifier));
  }
  return identifiers;
}

absl::StatusOr<bool> HasInterest(IdentityStore& store,
                                 const CaseParties& parties,
                                 const bus::v1::Principal& caller,
                                 const PersonKey& person) {
  absl::StatusOr<bool> interest = store.IsRegisteredBy(person, caller.agency());
  if (interest.ok() && !*interest) {
    interest = parties.IsParty(caller.agency(), person);
  }
  if (!interest.ok() || !*interest) return interest;
  return parties.Allows(caller, person);
}

absl::StatusOr<std::optional<PersonKey>> PersonFor(
    IdentityStore& store, const CaseParties& parties, const Call& call,
    const std::vector<CanonicalIdentifier>& identifiers) {
  const std::string& agency = call.principal->agency();
  auto person = store.Resolve(identifiers);
  // That they are two people's is for those to know who have an interest in
  // both: here it is nobody.
  if (absl::IsFailedPrecondition(person.status())) {
    return std::optional<PersonKey>();
  }
  if (!person.ok() || !person->has_value()) return person;
  const auto interest = HasInterest(store, parties, *call.principal, **person);
  if (!interest.ok()) return interest.status();
  if (*interest) return person;
  person = store.ResolveOwn(identifiers, agency);
  if (absl::IsFailedPrecondition(person.status())) {
    return std::optional<PersonKey>();
  }
  if (!person.ok() || !person->has_value()) return person;
  const auto allowed = parties.Allows(*call.principal, **person);
  if (!allowed.ok()) return allowed.status();
  return *allowed ? person : std::optional<PersonKey>();
}

absl::StatusOr<std::set<std::string>> KnownAgencies(const CaseParties& parties,
                                                    const Call& call,
                                                    const PersonKey& person) {
  const std::string& agency = call.principal->agency();
  auto involved = parties.InvolvedFor(agency, person);
  if (!involved.ok()) return std::move(involved).status();
  std::set<std::string> known = std::move(involved->parties);
  known.insert(agency);
  return known;
}

std::string AgencyName(const PrincipalRegistry& registry,
                       const std::string& agency) {
  for (const bus::v1::Agency& one : registry.proto().agencies()) {
    if (one.name() == agency && !one.display_name().empty()) {
      return one.display_name();
    }
  }
  return agency;
}

}  // namespace concordat::identity

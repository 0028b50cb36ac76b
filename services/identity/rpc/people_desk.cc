#include "services/identity/rpc/people_desk.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/identity/domain/matching.h"
#include "services/identity/rpc/read_command.h"
#include "services/identity/rpc/request_checks.h"

namespace concordat::identity {
namespace {

constexpr char kService[] = "concordat.identity.v1.IdentityService/";

std::string NumberName(Scheme scheme) {
  switch (scheme) {
    case Scheme::kChi:
      return "CHI number";
    case Scheme::kPnc:
      return "PNC number";
    case Scheme::kCro:
      return "CRO number";
    case Scheme::kCouncil:
      return "council number";
    case Scheme::kLocal:
      return "local number";
  }
  return "number";
}

// "A", "A and B", "A, B and C".
std::string InWords(const std::vector<std::string>& parts) {
  if (parts.size() < 2) return absl::StrJoin(parts, "");
  return absl::StrCat(absl::StrJoin(parts.begin(), parts.end() - 1, ", "),
                      " and ", parts.back());
}

// Of agencies in `known` alone.
std::vector<std::string> SameBecause(const std::vector<NumberLink>& links,
                                     const std::set<std::string>& known,
                                     const PrincipalRegistry& registry) {
  // Numbers that the same agencies gave, in one sentence.
  std::map<std::vector<std::string>, std::vector<std::string>> given;
  std::vector<std::string> sentences;
  for (const NumberLink& link : links) {
    std::vector<std::string> agencies;
    for (const std::string& agency : link.given_by) {
      if (known.count(agency) != 0) {
        agencies.push_back(AgencyName(registry, agency));
      }
    }
    const std::string number = absl::StrCat("the ", NumberName(link.scheme));
    if (!agencies.empty()) given[agencies].push_back(number);
    if (known.count(link.confirmed_by) != 0) {
      sentences.push_back(absl::StrCat("Somebody at ",
                                       AgencyName(registry, link.confirmed_by),
                                       " confirmed ", number, "."));
    }
  }
  for (const auto& [agencies, numbers] : given) {
    const char* gave = agencies.size() > 1 ? " have the same person with "
                                           : " registered the person with ";
    sentences.push_back(
        absl::StrCat(InWords(agencies), gave, InWords(numbers), "."));
  }
  return sentences;
}

bool HasName(const PersonDetails& details,
             const v1::FindPeopleRequest& request) {
  const auto fits = [&](const std::string& family, const std::string& given) {
    return FoldName(family) == FoldName(request.family_name()) &&
           absl::StartsWith(FoldName(given), FoldName(request.given_name()));
  };
  const bool named =
      fits(details.family_name, details.given_name) ||
      std::any_of(details.other_names.begin(), details.other_names.end(),
                  [&](const PersonName& name) {
                    return fits(name.family_name, name.given_name);
                  });
  return named && (request.birth_date().empty() ||
                   request.birth_date() == details.birth_date);
}

// What was asked, as it is answered: by name, by what the caller is shown.
bool Fits(const v1::PersonDescription& person,
          const v1::FindPeopleRequest& request) {
  if (request.has_identifier()) return true;
  PersonDetails details;
  details.family_name = person.family_name();
  details.given_name = person.given_name();
  details.birth_date = person.birth_date();
  for (const v1::PersonName& name : person.other_names()) {
    details.other_names.push_back({name.family_name(), name.given_name()});
  }
  return HasName(details, request);
}

//   INVALID_ARGUMENT  names the field.
absl::Status CheckSearch(const v1::FindPeopleRequest& request) {
  const bool by_name = !request.family_name().empty() ||
                       !request.given_name().empty() ||
                       !request.birth_date().empty();
  if (request.has_identifier()) {
    if (!by_name) return absl::OkStatus();
    return absl::InvalidArgumentError("identifier: by it, or by name");
  }
  if (FoldName(request.family_name()).size() < 2) {
    return absl::InvalidArgumentError(
        "family_name: the whole of it, or a number");
  }
  if (!request.birth_date().empty() && !IsIsoDate(request.birth_date())) {
    return absl::InvalidArgumentError("birth_date: not a date YYYY-MM-DD");
  }
  if (FoldName(request.given_name()).empty() && request.birth_date().empty()) {
    return absl::InvalidArgumentError(
        "given_name: a family name needs a given name or a date of birth "
        "beside it");
  }
  for (const std::string* name :
       {&request.family_name(), &request.given_name()}) {
    if (absl::Status s = CheckText("family_name, given_name", *name, 100);
        !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

std::string PurposeOf(const Call& call, const std::string& asked) {
  return asked.empty() ? call.purpose : asked;
}

absl::Status CheckCaller(const Call& call, const std::string& purpose) {
  if (!ActsForAnAgency(*call.principal)) return NotForYou();
  if (!purpose.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("purpose: names are given for one");
}

}  // namespace

void PeopleDesk::AddTo(ServerHost& host) {
  const auto name = [](const char* method) {
    return absl::StrCat(kService, method);
  };
  host.Handle<v1::DescribeRequest, v1::DescribeResponse>(
      name("Describe"), {}, [this](const Call& call, const auto& request) {
        return Describe(call, request);
      });
  host.Handle<v1::DescribeManyRequest, v1::DescribeManyResponse>(
      name("DescribeMany"), {}, [this](const Call& call, const auto& request) {
        return DescribeMany(call, request);
      });
  host.Handle<v1::FindPeopleRequest, v1::FindPeopleResponse>(
      name("FindPeople"), {}, [this](const Call& call, const auto& request) {
        return FindPeople(call, request);
      });
}

absl::Status PeopleDesk::Note(const Call& call, const std::string& purpose,
                              const std::vector<PersonKey>& people) {
  return store_.NoteDescriptions(people, {.principal = call.principal->name(),
                                          .staff = call.staff,
                                          .purpose = purpose});
}

absl::StatusOr<std::optional<v1::PersonDescription>> PeopleDesk::DescriptionOf(
    const Call& call, const PersonKey& person) {
  const auto interest = HasInterest(store_, parties_, *call.principal, person);
  if (!interest.ok()) return interest.status();
  if (!*interest) return std::nullopt;
  const auto overview = store_.Overview(person, SystemOf(*call.principal));
  if (!overview.ok()) return overview.status();
  if (!overview->has_value()) return std::nullopt;
  const auto known = KnownAgencies(parties_, call, person);
  if (!known.ok()) return known.status();
  const PersonDetails& details = (*overview)->details;
  v1::PersonDescription description;
  description.set_subject(person.ToString());
  description.set_family_name(details.family_name);
  description.set_given_name(details.given_name);
  description.set_birth_date(details.birth_date);
  for (const PersonName& name : details.other_names) {
    v1::PersonName& other = *description.add_other_names();
    other.set_family_name(name.family_name);
    other.set_given_name(name.given_name);
  }
  description.set_localsubject((*overview)->local_number.value_or(""));
  description.set_in_doubt((*overview)->in_doubt);
  for (const std::string& sentence :
       SameBecause((*overview)->links, *known, *call.registry)) {
    description.add_same_because(sentence);
  }
  return description;
}

absl::StatusOr<v1::DescribeResponse> PeopleDesk::Describe(
    const Call& call, const v1::DescribeRequest& request) {
  const std::string purpose = PurposeOf(call, request.purpose());
  if (absl::Status s = CheckCaller(call, purpose); !s.ok()) return s;
  const auto person = ReadSubject(request.subject());
  if (!person.ok()) return person.status();
  const auto interest = HasInterest(store_, parties_, *call.principal, *person);
  if (!interest.ok()) return interest.status();
  if (!*interest) return NotForYou();
  const auto details = store_.Describe(*person, call.principal->agency());
  if (!details.ok()) return details.status();
  if (!details->has_value()) return NotForYou();
  if (absl::Status s = Note(call, purpose, {*person}); !s.ok()) return s;
  v1::DescribeResponse response;
  response.set_family_name((*details)->family_name);
  response.set_given_name((*details)->given_name);
  response.set_birth_date((*details)->birth_date);
  return response;
}

absl::StatusOr<v1::DescribeManyResponse> PeopleDesk::DescribeMany(
    const Call& call, const v1::DescribeManyRequest& request) {
  const std::string purpose = PurposeOf(call, request.purpose());
  if (absl::Status s = CheckCaller(call, purpose); !s.ok()) return s;
  if (request.subjects_size() > kSubjectsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("subjects: more than ", kSubjectsMax));
  }
  v1::DescribeManyResponse response;
  std::vector<PersonKey> given;
  for (const std::string& subject : request.subjects()) {
    const auto person = ReadSubject(subject);
    if (!person.ok()) return person.status();
    auto description = DescriptionOf(call, *person);
    if (!description.ok()) return std::move(description).status();
    if (!description->has_value()) continue;
    *response.add_people() = **std::move(description);
    given.push_back(*person);
  }
  if (absl::Status s = Note(call, purpose, given); !s.ok()) return s;
  return response;
}

absl::StatusOr<std::vector<PersonKey>> PeopleDesk::Candidates(
    const Call& call, const v1::FindPeopleRequest& request) {
  if (!request.has_identifier()) {
    return store_.PeopleNamed(request.family_name());
  }
  const auto identifier = ReadIdentifier(call, request.identifier(), clock_);
  if (!identifier.ok()) return identifier.status();
  const auto person =
      PersonFor(store_, parties_, call, {identifier->canonical});
  if (!person.ok()) return person.status();
  std::vector<PersonKey> people;
  if (person->has_value()) people.push_back(**person);
  return people;
}

absl::StatusOr<v1::FindPeopleResponse> PeopleDesk::FindPeople(
    const Call& call, const v1::FindPeopleRequest& request) {
  const std::string purpose = PurposeOf(call, request.purpose());
  if (absl::Status s = CheckCaller(call, purpose); !s.ok()) return s;
  if (absl::Status s = CheckSearch(request); !s.ok()) return s;
  if (!limit_.Allow(absl::StrCat(call.principal->name(), "/", call.staff))) {
    return absl::ResourceExhaustedError(
        "you have searched too often; try again in a minute");
  }
  const auto candidates = Candidates(call, request);
  if (!candidates.ok()) return candidates.status();
  std::vector<v1::PersonDescription> found;
  for (const PersonKey& person : *candidates) {
    auto description = DescriptionOf(call, person);
    if (!description.ok()) return std::move(description).status();
    if (description->has_value() && Fits(**description, request)) {
      found.push_back(**std::move(description));
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.family_name(), a.given_name(), a.birth_date(),
                    a.subject()) < std::tie(b.family_name(), b.given_name(),
                                            b.birth_date(), b.subject());
  });
  v1::FindPeopleResponse response;
  std::vector<PersonKey> given;
  for (v1::PersonDescription& person : found) {
    if (response.people_size() == kFoundMax) {
      response.set_more(true);
      break;
    }
    given.push_back(*PersonKey::Parse(person.subject()));
    *response.add_people() = std::move(person);
  }
  if (absl::Status s = Note(call, purpose, given); !s.ok()) return s;
  return response;
}

}  // namespace concordat::identity

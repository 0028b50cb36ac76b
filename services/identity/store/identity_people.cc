// The part of the identity store that tells of people: by name, with what holds
// their records together, and who holds an agency's roles.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/identity_tables.h"
#include "services/identity/store/people_tables.h"
#include "services/identity/store/review_tables.h"

namespace concordat::identity {
namespace {

// Of "urn:concordat:<agency>:<system>", with or without more behind it.
std::string AgencyOf(const std::string& urn) {
  return std::string(AgencyOfSource(urn.substr(0, urn.find(' '))));
}

}  // namespace

absl::Status IdentityStore::NoteUsesNow(
    const PersonKey& person,
    const std::vector<CanonicalIdentifier>& identifiers, const System& system,
    bool gave, Sequence after) {
  absl::Status done;
  for (const CanonicalIdentifier& identifier : identifiers) {
    if (!done.ok()) break;
    done = people_->NoteUse(person, identifier,
                            {.system = system.ToUrn(),
                             .gave = gave,
                             .alone = identifiers.size() == 1,
                             .after = after});
  }
  return done;
}

absl::Status IdentityStore::NoteUses(
    const PersonKey& person,
    const std::vector<CanonicalIdentifier>& identifiers, const System& system,
    Sequence after) {
  MutexLock lock(mu_);
  return NoteUsesNow(person, identifiers, system, false, after);
}

absl::StatusOr<std::vector<NumberUse>> IdentityStore::UsesOf(
    const PersonKey& person, const CanonicalIdentifier& identifier) {
  MutexLock lock(mu_);
  const auto all = people_->Uses(person);
  if (!all.ok()) return all.status();
  const std::string index = people_->ValueIndex(identifier);
  std::map<std::string, int> numbers;  // That each system had.
  for (const PeopleTables::UseOf& one : *all) ++numbers[one.use.system];
  std::vector<NumberUse> uses;
  for (const PeopleTables::UseOf& one : *all) {
    if (one.value_index != index) continue;
    uses.push_back(one.use);
    uses.back().alone |= numbers[one.use.system] == 1;
  }
  return uses;
}

absl::StatusOr<std::optional<PersonOverview>> IdentityStore::Overview(
    const PersonKey& person, const System& system) {
  PersonOverview overview;
  auto local = LocalNumber(person, system);
  if (!local.ok()) return std::move(local).status();
  overview.local_number = *std::move(local);
  MutexLock lock(mu_);
  auto details = tables_->Describe(person, system.agency);
  if (!details.ok()) return std::move(details).status();
  if (!details->has_value()) return std::nullopt;
  overview.details = **std::move(details);
  auto names = people_->OtherNames(person);
  if (!names.ok()) return std::move(names).status();
  // Two agencies may know the same one.
  for (PersonName& name : *names) {
    auto& listed = overview.details.other_names;
    if (std::find(listed.begin(), listed.end(), name) == listed.end()) {
      listed.push_back(std::move(name));
    }
  }
  const auto in_doubt = reviews_->IsInDoubt(person);
  if (!in_doubt.ok()) return in_doubt.status();
  overview.in_doubt = *in_doubt;

  const auto uses = people_->Uses(person);
  if (!uses.ok()) return uses.status();
  const auto held = tables_->HeldBy(person);
  if (!held.ok()) return held.status();
  for (const HeldIdentifier& one : *held) {
    if (!one.confirmed) continue;
    NumberLink link;
    link.scheme = one.identifier.scheme;
    link.confirmed_by = AgencyOf(one.confirmed_by);
    const std::string index = people_->ValueIndex(one.identifier);
    std::set<std::string> agencies;
    for (const PeopleTables::UseOf& use : *uses) {
      if (use.value_index == index && use.use.gave) {
        agencies.insert(AgencyOf(use.use.system));
      }
    }
    link.given_by = {agencies.begin(), agencies.end()};
    overview.links.push_back(std::move(link));
  }
  return overview;
}

absl::StatusOr<std::vector<PersonKey>> IdentityStore::PeopleNamed(
    absl::string_view family_name) {
  MutexLock lock(mu_);
  const auto named = people_->Named(family_name);
  if (!named.ok()) return named.status();
  std::set<PersonKey> people;
  for (const PersonKey& person : *named) {
    const auto survivor = reviews_->SurvivorOf(person);
    if (!survivor.ok()) return survivor.status();
    people.insert(*survivor);
  }
  return std::vector<PersonKey>(people.begin(), people.end());
}

absl::Status IdentityStore::NoteDescriptions(
    const std::vector<PersonKey>& people, const DescribedTo& to) {
  if (people.empty()) return absl::OkStatus();
  MutexLock lock(mu_);
  return InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS
                       -> absl::StatusOr<CommandOutcome> {
           for (const PersonKey& person : people) {
             const absl::Status noted =
                 people_->NoteDescription(person, to, tables_->NowUs());
             if (!noted.ok()) return noted;
           }
           return CommandOutcome();
         })
      .status();
}

absl::StatusOr<uint64_t> IdentityStore::DescriptionsTo(
    const PersonKey& person, absl::string_view principal) {
  MutexLock lock(mu_);
  return people_->Descriptions(person, principal);
}

absl::Status IdentityStore::AdoptHolders(const v1::RoleHolders& holders) {
  MutexLock lock(mu_);
  const auto kept = people_->Holders();
  if (!kept.ok()) return kept.status();
  for (const v1::RoleHolders& one : *kept) {
    if (one.agency() != holders.agency() ||
        one.version() != holders.version()) {
      continue;
    }
    if (one.SerializeAsString() == holders.SerializeAsString()) {
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "holders of ", holders.agency(), " version ", holders.version(),
        ": it was adopted before and reads otherwise now; give it a new "
        "version"));
  }
  return people_->KeepHolders(holders);
}

absl::StatusOr<std::vector<v1::RoleHolders>> IdentityStore::Holders() {
  MutexLock lock(mu_);
  return people_->Holders();
}

}  // namespace concordat::identity

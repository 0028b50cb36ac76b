#include "services/identity/store/identity_store.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "concordat/identity/v1/events.pb.h"
#include "services/common/projection/sqlite.h"
#include "services/identity/domain/matching.h"
#include "services/identity/store/identity_schema.h"
#include "services/identity/store/identity_tables.h"
#include "services/identity/store/people_tables.h"
#include "services/identity/store/review_tables.h"

namespace concordat::identity {
namespace {

constexpr char kConfirmed[] = "CONFIRMED_BY_PERSON";

// Field lengths in front, so that no two requests have one text.
void AppendPart(std::string& text, absl::string_view part) {
  absl::StrAppend(&text, part.size(), ":", part);
}

std::string Content(const std::vector<std::string>& parts,
                    const std::vector<WrittenIdentifier>& identifiers) {
  std::string content;
  for (const std::string& part : parts) AppendPart(content, part);
  for (const WrittenIdentifier& identifier : identifiers) {
    AppendPart(content, identifier.canonical.MatchKey());
  }
  return content;
}

// Nothing for none, so that a request from before there were any is the same.
std::string NamesContent(const std::vector<PersonName>& names) {
  std::string content;
  for (const PersonName& name : names) {
    AppendPart(content, name.family_name);
    AppendPart(content, name.given_name);
  }
  return content;
}

}  // namespace

IdentityStore::IdentityStore(CommandContext self,
                             std::unique_ptr<IdentityTables> tables,
                             std::unique_ptr<ReviewTables> reviews,
                             std::unique_ptr<PeopleTables> people)
    : tables_(std::move(tables)),
      reviews_(std::move(reviews)),
      people_(std::move(people)),
      self_(std::move(self)) {}
IdentityStore::~IdentityStore() = default;

absl::StatusOr<std::unique_ptr<IdentityStore>> IdentityStore::Open(
    const std::string& path, absl::string_view secret, CommandContext self,
    const Clock& clock, Random& random) {
  absl::StatusOr<std::unique_ptr<Database>> db =
      Database::Open(path, Database::Durability::kFull);
  if (!db.ok()) return std::move(db).status();
  if (absl::Status s = PrepareSchema(**db); !s.ok()) return s;
  auto tables =
      std::make_unique<IdentityTables>(*std::move(db), secret, clock, random);
  if (absl::Status s = tables->CheckSecret(); !s.ok()) return s;
  auto reviews = std::make_unique<ReviewTables>(tables->db(), secret, random);
  auto people = std::make_unique<PeopleTables>(tables->db(), secret, random);
  std::unique_ptr<IdentityStore> store(
      new IdentityStore(std::move(self), std::move(tables), std::move(reviews),
                        std::move(people)));
  if (absl::Status s = store->FinishMigration(); !s.ok()) return s;
  return store;
}

absl::Status IdentityStore::FinishMigration() {
  MutexLock lock(mu_);
  return InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS
                       -> absl::StatusOr<CommandOutcome> {
           absl::Status done = people_->FillFamilyIndex();
           if (done.ok()) done = ReviewOldClaims();
           if (!done.ok()) return done;
           return CommandOutcome();
         })
      .status();
}

absl::StatusOr<CommandOutcome> IdentityStore::InTransaction(
    const std::function<absl::StatusOr<CommandOutcome>()>& body) {
  Transaction transaction(tables_->db());
  if (!transaction.status().ok()) return transaction.status();
  absl::StatusOr<CommandOutcome> result = body();
  if (!result.ok()) return result;
  if (absl::Status s = transaction.Commit(); !s.ok()) return s;
  return result;
}

absl::StatusOr<CommandOutcome> IdentityStore::Register(
    const CommandContext& context, const PersonDetails& details,
    const std::vector<WrittenIdentifier>& identifiers,
    const std::optional<PersonKey>& interest) {
  MutexLock lock(mu_);
  return InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return RegisterNow(context, details, identifiers, interest);
  });
}

absl::StatusOr<CommandOutcome> IdentityStore::ConfirmLink(
    const CommandContext& context, const PersonKey& person,
    const WrittenIdentifier& identifier, absl::string_view reason,
    const std::optional<PersonKey>& interest) {
  MutexLock lock(mu_);
  return InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return ConfirmLinkNow(context, person, identifier, reason, interest);
  });
}

absl::StatusOr<std::optional<PersonKey>> IdentityStore::SurvivingHolder(
    const CanonicalIdentifier& identifier) {
  absl::StatusOr<std::optional<PersonKey>> holder =
      tables_->HolderOf(identifier);
  if (!holder.ok() || !holder->has_value()) return holder;
  absl::StatusOr<PersonKey> survivor = reviews_->SurvivorOf(**holder);
  if (!survivor.ok()) return std::move(survivor).status();
  return std::optional<PersonKey>(*survivor);
}

absl::StatusOr<bool> IdentityStore::Registered(const PersonKey& person,
                                               absl::string_view agency) {
  absl::StatusOr<std::vector<PersonKey>> keys = reviews_->MergedInto(person);
  if (!keys.ok()) return std::move(keys).status();
  keys->push_back(person);
  for (const PersonKey& key : *keys) {
    absl::StatusOr<bool> registered = tables_->IsRegisteredBy(key, agency);
    if (!registered.ok() || *registered) return registered;
  }
  return false;
}

absl::StatusOr<std::optional<PersonKey>> IdentityStore::Match(
    const std::vector<CanonicalIdentifier>& identifiers) {
  std::vector<GivenIdentifier> given;
  for (const CanonicalIdentifier& identifier : identifiers) {
    absl::StatusOr<std::optional<PersonKey>> holder =
        SurvivingHolder(identifier);
    if (!holder.ok()) return std::move(holder).status();
    given.push_back({identifier, *holder});
  }
  return MatchPerson(given);
}

absl::StatusOr<bool> IdentityStore::MayKnow(
    const CommandContext& context, const PersonKey& person,
    const std::optional<PersonKey>& interest, const PersonDetails& details) {
  if (interest == person) return true;
  absl::StatusOr<bool> registered = Registered(person, context.caller.agency);
  if (!registered.ok() || *registered) return registered;
  absl::StatusOr<std::optional<PersonDetails>> known =
      tables_->Describe(person, context.caller.agency);
  if (!known.ok()) return std::move(known).status();
  const auto comparable = [](const PersonDetails& from) {
    return NameAndBirth{from.family_name, from.given_name, from.birth_date};
  };
  return known->has_value() && Agree(comparable(**known), comparable(details));
}

absl::StatusOr<std::optional<PersonKey>> IdentityStore::MatchFor(
    const CommandContext& context, const PersonDetails& details,
    const std::vector<CanonicalIdentifier>& identifiers,
    const std::optional<PersonKey>& interest) {
  std::vector<GivenIdentifier> known;
  std::vector<GivenIdentifier> own;
  bool all_known = true;
  for (const CanonicalIdentifier& identifier : identifiers) {
    absl::StatusOr<std::optional<PersonKey>> holder =
        SurvivingHolder(identifier);
    if (!holder.ok()) return std::move(holder).status();
    known.push_back({identifier, *holder});
    if (!holder->has_value()) continue;
    absl::StatusOr<bool> may = MayKnow(context, **holder, interest, details);
    if (!may.ok()) return std::move(may).status();
    if (*may) {
      own.push_back({identifier, *holder});
      continue;
    }
    all_known = false;
    holder = tables_->OwnHolderOf(identifier, context.caller.agency);
    if (!holder.ok()) return std::move(holder).status();
    own.push_back({identifier, *holder});
  }
  return MatchPerson(all_known ? known : own);
}

absl::StatusOr<CommandOutcome> IdentityStore::RegisterNow(
    const CommandContext& context, const PersonDetails& details,
    const std::vector<WrittenIdentifier>& identifiers,
    const std::optional<PersonKey>& interest) {
  const std::string content = Content(
      {"register", details.family_name, details.given_name, details.birth_date,
       details.address, absl::StrCat(details.uprn.value_or(0)),
       NamesContent(details.other_names)},
      identifiers);
  absl::StatusOr<std::optional<CommandOutcome>> answered =
      tables_->FindAnswer(context, content);
  if (!answered.ok()) return std::move(answered).status();
  if (answered->has_value()) return **answered;

  std::vector<CanonicalIdentifier> canonical;
  for (const WrittenIdentifier& identifier : identifiers) {
    canonical.push_back(identifier.canonical);
  }
  absl::StatusOr<std::optional<PersonKey>> match =
      MatchFor(context, details, canonical, interest);
  if (!match.ok()) return std::move(match).status();

  CommandOutcome outcome;
  outcome.created = !match->has_value();
  std::vector<HeldIdentifier> held;
  std::vector<HeldIdentifier> known_elsewhere;  // By the other key of them.
  if (!outcome.created) {
    outcome.person = **match;
    absl::StatusOr<std::vector<HeldIdentifier>> known =
        tables_->HeldBy(outcome.person);
    if (!known.ok()) return std::move(known).status();
    held = *std::move(known);
    auto merged = reviews_->MergedInto(outcome.person);
    if (!merged.ok()) return std::move(merged).status();
    for (const PersonKey& other : *merged) {
      auto more = tables_->HeldBy(other);
      if (!more.ok()) return std::move(more).status();
      known_elsewhere.insert(known_elsewhere.end(), more->begin(), more->end());
    }
  }
  std::vector<CanonicalIdentifier> held_identifiers;
  for (const HeldIdentifier& one : held)
    held_identifiers.push_back(one.identifier);
  if (absl::Status s = CheckCompatible(canonical, held_identifiers); !s.ok()) {
    return s;
  }
  held.insert(held.end(), known_elsewhere.begin(), known_elsewhere.end());
  if (outcome.created) {
    absl::StatusOr<PersonKey> person = tables_->MakePerson();
    if (!person.ok()) return std::move(person).status();
    outcome.person = *person;
  }
  for (const WrittenIdentifier& identifier : identifiers) {
    const std::string key = identifier.canonical.MatchKey();
    const auto known =
        std::find_if(held.begin(), held.end(), [&](const HeldIdentifier& one) {
          return one.identifier.MatchKey() == key;
        });
    bool usable = identifier.canonical.links_by_itself;
    if (known != held.end()) {
      // A link that waits beside another person's looks like any other.
      usable |= known->confirmed;
    } else {
      absl::StatusOr<std::optional<PersonKey>> other =
          tables_->HolderOf(identifier.canonical);
      if (!other.ok()) return std::move(other).status();
      absl::Status added =
          tables_->AddIdentifier(outcome.person, context.caller, identifier,
                                 usable && !other->has_value());
      if (added.ok()) added = ReviewClaims(identifier.canonical);
      if (!added.ok()) return added;
      held.push_back({identifier.canonical, usable, ""});  // Given twice.
    }
    if (!usable) {
      outcome.unconfirmed_schemes.emplace_back(
          SchemeName(identifier.canonical.scheme));
    }
  }
  absl::Status kept =
      tables_->KeepDetails(outcome.person, context.caller.agency, details);
  if (kept.ok() && !details.other_names.empty()) {
    kept = people_->KeepOtherNames(outcome.person, context.caller.agency,
                                   details.other_names);
  }
  if (kept.ok()) {
    kept = NoteUsesNow(outcome.person, canonical, context.caller, true,
                       context.position);
  }
  if (!kept.ok()) return kept;
  absl::StatusOr<int64_t> news =
      tables_->NoteRegistration(context, outcome.person);
  if (!news.ok()) return std::move(news).status();
  outcome.outbox_id = *news;
  if (absl::Status s = tables_->KeepAnswer(context, content, outcome); !s.ok())
    return s;
  return outcome;
}

absl::StatusOr<CommandOutcome> IdentityStore::ConfirmLinkNow(
    const CommandContext& context, const PersonKey& person,
    const WrittenIdentifier& identifier, absl::string_view reason,
    const std::optional<PersonKey>& interest) {
  absl::StatusOr<bool> known = tables_->HasPerson(person);
  if (!known.ok()) return std::move(known).status();
  if (!*known) return absl::NotFoundError("no such person");
  const std::string content = Content(
      {"confirm", person.ToString(), std::string(reason)}, {identifier});
  absl::StatusOr<std::optional<CommandOutcome>> answered =
      tables_->FindAnswer(context, content);
  if (!answered.ok()) return std::move(answered).status();
  if (answered->has_value()) return **answered;

  const CanonicalIdentifier& canonical = identifier.canonical;
  absl::StatusOr<std::optional<PersonKey>> holder = Match({canonical});
  if (!holder.ok()) return std::move(holder).status();
  const bool others_link = holder->has_value() && **holder != person;
  if (others_link) {
    absl::StatusOr<bool> may = MayKnow(context, **holder, interest, {});
    if (!may.ok()) return std::move(may).status();
    if (*may) {
      return absl::FailedPreconditionError(absl::StrCat(
          SchemeName(canonical.scheme), ": it is another person's"));
    }
  }
  absl::StatusOr<std::vector<HeldIdentifier>> held = tables_->HeldBy(person);
  if (!held.ok()) return std::move(held).status();
  std::vector<CanonicalIdentifier> others;
  bool given_before = false;
  for (const HeldIdentifier& one : *held) {
    others.push_back(one.identifier);
    given_before =
        given_before || one.identifier.MatchKey() == canonical.MatchKey();
  }
  if (absl::Status s = CheckCompatible({canonical}, others); !s.ok()) return s;

  CommandOutcome outcome;
  outcome.person = person;
  if (others_link || !holder->has_value()) {
    absl::Status done = given_before
                            ? absl::OkStatus()
                            : tables_->AddIdentifier(person, context.caller,
                                                     identifier, !others_link);
    if (!done.ok()) return done;
    const std::string by =
        absl::StrCat(context.caller.ToUrn(), " ", context.on_behalf_of);
    done = others_link
               ? tables_->NoteConfirmation(person, canonical, by, reason)
               : tables_->ConfirmIdentifier(person, canonical, by, reason);
    if (done.ok()) done = ReviewClaims(canonical);
    // That it is theirs is what somebody says, not how facts came to them.
    if (done.ok()) {
      done = people_->NoteUse(person, canonical,
                              {.system = context.caller.ToUrn(),
                               .gave = true,
                               .alone = false,
                               .after = context.position});
    }
    if (!done.ok()) return done;
    v1::IdentifierLinked linked;
    linked.set_scheme(std::string(SchemeName(canonical.scheme)));
    linked.set_by(kConfirmed);
    absl::StatusOr<int64_t> news =
        tables_->AddToOutbox(context, person, linked);
    if (!news.ok()) return std::move(news).status();
    outcome.outbox_id = *news;
  }
  if (absl::Status s = tables_->KeepAnswer(context, content, outcome); !s.ok())
    return s;
  return outcome;
}

absl::StatusOr<std::optional<PersonKey>> IdentityStore::Resolve(
    const std::vector<CanonicalIdentifier>& identifiers) {
  MutexLock lock(mu_);
  return Match(identifiers);
}

absl::StatusOr<std::optional<PersonKey>> IdentityStore::ResolveOwn(
    const std::vector<CanonicalIdentifier>& identifiers,
    absl::string_view agency) {
  MutexLock lock(mu_);
  std::vector<GivenIdentifier> own;
  for (const CanonicalIdentifier& identifier : identifiers) {
    absl::StatusOr<std::optional<PersonKey>> holder =
        tables_->OwnHolderOf(identifier, agency);
    if (!holder.ok()) return std::move(holder).status();
    own.push_back({identifier, *holder});
  }
  return MatchPerson(own);
}

absl::StatusOr<std::optional<PersonDetails>> IdentityStore::Describe(
    const PersonKey& person, absl::string_view agency) {
  MutexLock lock(mu_);
  return tables_->Describe(person, agency);
}

absl::StatusOr<bool> IdentityStore::IsRegisteredBy(const PersonKey& person,
                                                   absl::string_view agency) {
  MutexLock lock(mu_);
  return Registered(person, agency);
}

absl::StatusOr<std::vector<CanonicalIdentifier>>
IdentityStore::UsableIdentifiers(const PersonKey& person) {
  MutexLock lock(mu_);
  auto held = tables_->HeldBy(person);
  if (!held.ok()) return std::move(held).status();
  std::vector<CanonicalIdentifier> usable;
  for (auto& one : *held) {
    if (one.confirmed) usable.push_back(std::move(one.identifier));
  }
  return usable;
}

absl::StatusOr<std::optional<std::string>> IdentityStore::LocalNumber(
    const PersonKey& person, const System& system) {
  absl::StatusOr<std::vector<CanonicalIdentifier>> usable =
      UsableIdentifiers(person);
  if (!usable.ok()) return std::move(usable).status();
  const std::string agency_prefix = System{system.agency, ""}.ToUrn();
  std::optional<std::string> found;
  for (const CanonicalIdentifier& identifier : *usable) {
    if (identifier.authority == system.ToUrn()) return identifier.value;
    if (!found.has_value() &&
        absl::StartsWith(identifier.authority, agency_prefix)) {
      found = identifier.value;
    }
  }
  return found;
}

absl::StatusOr<std::vector<OutboxEntry>> IdentityStore::PendingOutbox(
    int64_t after, int count_max) {
  MutexLock lock(mu_);
  return tables_->PendingOutbox(after, count_max);
}

absl::Status IdentityStore::MarkPublished(int64_t outbox_id,
                                          Sequence position) {
  MutexLock lock(mu_);
  return tables_->MarkPublished(outbox_id, position);
}

absl::StatusOr<std::optional<Sequence>> IdentityStore::PositionOf(
    int64_t outbox_id) {
  MutexLock lock(mu_);
  return tables_->PositionOf(outbox_id);
}

absl::Status IdentityStore::RecordDisclosure(
    const System& edge, const std::vector<ToldNumbers>& joined, uint64_t left,
    Sequence position) {
  MutexLock lock(mu_);
  return InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS
                       -> absl::StatusOr<CommandOutcome> {
           absl::Status done =
               tables_->RecordDisclosure(edge, joined.size(), left, position);
           for (const ToldNumbers& told : joined) {
             if (!done.ok()) break;
             done = NoteUsesNow(told.person, told.identifiers, edge, false,
                                position);
           }
           if (!done.ok()) return done;
           return CommandOutcome();
         })
      .status();
}

absl::StatusOr<Disclosures> IdentityStore::DisclosedTo(const System& edge) {
  MutexLock lock(mu_);
  return tables_->DisclosedTo(edge);
}

}  // namespace concordat::identity

// The only store of names and numbers: SQLite, primary data, every commit
// synced before it is answered. Names, numbers and addresses are sealed; a
// number is found by a keyed index. What is to be published stands in the same
// transaction as what it is about (the outbox), so that a crash between the
// two neither loses nor doubles an event.
//
// Threads  Any; one transaction at a time.
// Errors   Besides those listed: those of Database, when nothing was changed;
//          DATA_LOSS, a column does not open.
#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_STORE_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/identity/v1/holders.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/identity/domain/identifiers.h"
#include "services/identity/domain/review.h"
#include "services/identity/store/identity_records.h"

namespace concordat {
class Database;
}  // namespace concordat

namespace concordat::identity {

class IdentityTables;
class PeopleTables;
class ReviewTables;

class IdentityStore {
 public:
  static constexpr int kSchemaVersion = 5;

  // Opens or makes the database. `self` heads what nobody asked for. `clock` and
  // `random` outlive it.
  //   FAILED_PRECONDITION  of a later schema version, or of another secret.
  static absl::StatusOr<std::unique_ptr<IdentityStore>> Open(
      const std::string& path, absl::string_view secret, CommandContext self,
      const Clock& clock, Random& random);
  ~IdentityStore();

  // Finds the person whom these identifiers name, or makes one, and notes that
  // the caller's agency registered them. The agency's first registration of a
  // person is published.
  //
  // A number alone tells nobody who is known here. Whoever holds these numbers
  // is found for an agency that registered them before, for one with an interest
  // by a case (`interest`), or when name and date of birth agree with what is
  // known. Else the agency gets a person of its own, as it would for numbers
  // that nobody has; its links stay unconfirmed beside the other's, and a review
  // is opened of the two, for whoever knows both.
  //   INVALID_ARGUMENT     the request id was used for something else.
  //   FAILED_PRECONDITION  the identifiers contradict each other or what is
  //                        known; names the schemes.
  absl::StatusOr<CommandOutcome> Register(
      const CommandContext& context, const PersonDetails& details,
      const std::vector<WrittenIdentifier>& identifiers,
      const std::optional<PersonKey>& interest = std::nullopt);

  // Makes a link usable on a person's word. When a person of no interest to the
  // caller has it, the word is kept for a review and nothing else changes.
  //   NOT_FOUND            no such person.
  //   INVALID_ARGUMENT     the request id was used for something else.
  //   FAILED_PRECONDITION  it is another person's, or the person has another.
  absl::StatusOr<CommandOutcome> ConfirmLink(
      const CommandContext& context, const PersonKey& person,
      const WrittenIdentifier& identifier, absl::string_view reason,
      const std::optional<PersonKey>& interest = std::nullopt);

  // Exact, by confirmed links alone; nothing: nobody.
  //   FAILED_PRECONDITION  they point at different people.
  absl::StatusOr<std::optional<PersonKey>> Resolve(
      const std::vector<CanonicalIdentifier>& identifiers);
  // Whom the agency itself registered with one of them when others have it.
  absl::StatusOr<std::optional<PersonKey>> ResolveOwn(
      const std::vector<CanonicalIdentifier>& identifiers,
      absl::string_view agency);
  // As `agency` wrote it, else as the first agency did. Nothing: nobody.
  absl::StatusOr<std::optional<PersonDetails>> Describe(
      const PersonKey& person, absl::string_view agency);

  // The person as the system's agency may be told of them, whose interest the
  // caller has judged. Nothing: nobody.
  absl::StatusOr<std::optional<PersonOverview>> Overview(
      const PersonKey& person, const System& system);
  // Whoever has this family name by the word of any agency, once each; of two keys
  // of one person the one that goes on.
  absl::StatusOr<std::vector<PersonKey>> PeopleNamed(
      absl::string_view family_name);
  // Notes that names were given: what is not noted must not be given.
  absl::Status NoteDescriptions(const std::vector<PersonKey>& people,
                                const DescribedTo& to);
  absl::StatusOr<uint64_t> DescriptionsTo(const PersonKey& person,
                                          absl::string_view principal);

  // Notes that a system found the person by these numbers.
  absl::Status NoteUses(const PersonKey& person,
                        const std::vector<CanonicalIdentifier>& identifiers,
                        const System& system, Sequence after);
  // Who had this number of the person's. `alone` also where a system had no other.
  absl::StatusOr<std::vector<NumberUse>> UsesOf(
      const PersonKey& person, const CanonicalIdentifier& identifier);

  // As this agency wrote it; empty: it did not.
  absl::StatusOr<std::string> AddressBy(const PersonKey& person,
                                        absl::string_view agency);

  absl::StatusOr<bool> IsRegisteredBy(const PersonKey& person,
                                      absl::string_view agency);

  // Those whose link may be used, in the order they were given.
  absl::StatusOr<std::vector<CanonicalIdentifier>> UsableIdentifiers(
      const PersonKey& person);

  // The number that `system` has for the person, else one of another system of
  // its agency. Never a national number. Nothing: none.
  absl::StatusOr<std::optional<std::string>> LocalNumber(
      const PersonKey& person, const System& system);

  // Publishes an event of the role directory about no person, in `stream`.
  //   INVALID_ARGUMENT  the request id was used for something else.
  absl::StatusOr<CommandOutcome> PublishRole(
      const CommandContext& context, absl::string_view stream,
      const google::protobuf::Message& event);
  // The same, and keeps the address, sealed; channel NONE forgets it.
  absl::StatusOr<CommandOutcome> SetContact(const CommandContext& context,
                                            absl::string_view stream,
                                            const v1::RoleContactSet& event,
                                            absl::string_view address);
  // Nothing: none is set.
  absl::StatusOr<std::optional<RoleContact>> ContactOf(absl::string_view agency,
                                                       absl::string_view role);
  // Every RolesDefined and RoleAbsenceSet, in order.
  absl::StatusOr<std::vector<RoleEvent>> RoleEvents();
  // Keeps who holds an agency's roles, sealed.
  //   FAILED_PRECONDITION  the version was kept before and reads otherwise.
  absl::Status AdoptHolders(const v1::RoleHolders& holders);
  // Every version, by agency.
  absl::StatusOr<std::vector<v1::RoleHolders>> Holders();

  // Destroys all that is kept of the person, for the erasure of this reference, and,
  // once nothing of it is in the files, has it confirmed in the log. False: that was
  // done before.
  //   UNAVAILABLE  somebody reads the files, a backup say: destroyed and not confirmed;
  //                ask again.
  absl::StatusOr<bool> ErasePerson(const PersonKey& person,
                                   const std::string& ref);

  // Opens a review. Of an address that the agency has already, or that another
  // open review holds: nothing, no number. An address stands here alone; any
  // other opening is published.
  //   NOT_FOUND         no such person.
  //   INVALID_ARGUMENT  the request id was used for something else.
  absl::StatusOr<CommandOutcome> OpenReview(const CommandContext& context,
                                            const Review& review);
  // Decides one, or proposes a cut.
  //   NOT_FOUND            no such review.
  //   INVALID_ARGUMENT     the request id was used for something else.
  //   and as CheckDecision(); FAILED_PRECONDITION also when the numbers
  //   contradict it: names the scheme.
  absl::StatusOr<CommandOutcome> DecideReview(const CommandContext& context,
                                              const ReviewDecision& decision);
  // Oldest first. The caller says who may see them.
  absl::StatusOr<std::vector<Review>> Reviews(bool with_decided);
  absl::StatusOr<std::optional<Review>> FindReview(int64_t number);
  // Who has it by a link that may be used.
  absl::StatusOr<std::optional<PersonKey>> HolderOf(
      const CanonicalIdentifier& identifier);

  // Entries after `after` that have no position yet, in order.
  absl::StatusOr<std::vector<OutboxEntry>> PendingOutbox(int64_t after,
                                                         int count_max);
  absl::Status MarkPublished(int64_t outbox_id, Sequence position);
  // Nothing: not published yet.
  absl::StatusOr<std::optional<Sequence>> PositionOf(int64_t outbox_id);

  // Notes that an edge was told of changes to its cohort: how many, never who; and
  // that it has the numbers of those who joined.
  absl::Status RecordDisclosure(const System& edge,
                                const std::vector<ToldNumbers>& joined,
                                uint64_t left, Sequence position);
  absl::StatusOr<Disclosures> DisclosedTo(const System& edge);

 private:
  IdentityStore(CommandContext self, std::unique_ptr<IdentityTables> tables,
                std::unique_ptr<ReviewTables> reviews,
                std::unique_ptr<PeopleTables> people);
  absl::StatusOr<CommandOutcome> RegisterNow(
      const CommandContext& context, const PersonDetails& details,
      const std::vector<WrittenIdentifier>& identifiers,
      const std::optional<PersonKey>& interest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<CommandOutcome> ConfirmLinkNow(
      const CommandContext& context, const PersonKey& person,
      const WrittenIdentifier& identifier, absl::string_view reason,
      const std::optional<PersonKey>& interest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<CommandOutcome> OpenReviewNow(const CommandContext& context,
                                               const Review& review)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<CommandOutcome> DecideReviewNow(const CommandContext& context,
                                                 const ReviewDecision& decision)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What a decision does to names and numbers; the key it retires, or empty.
  absl::StatusOr<PersonKey> Apply(const CommandContext& context,
                                  const Review& review)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status LinkAll(const CommandContext& context, const Review& review)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<PersonKey> MergeHolders(const Review& review)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<PersonKey> MergeClaimant(const Review& review)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whoever has the number by a link that may be used, and whoever was registered
  // with it besides: opens a review of each two of which there was none.
  absl::Status ReviewClaims(const CanonicalIdentifier& identifier)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status ReviewOldClaims() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How many rows went.
  static absl::StatusOr<uint64_t> EraseNow(Database& db,
                                           const PersonKey& person);
  // What a database of an earlier version lacks.
  absl::Status FinishMigration();
  absl::Status NoteUsesNow(const PersonKey& person,
                           const std::vector<CanonicalIdentifier>& identifiers,
                           const System& system, bool gave, Sequence after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<bool> IsKnownAddress(const Review& review)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Runs `body` as one transaction: committed and synced, or as if never run.
  absl::StatusOr<CommandOutcome> InTransaction(
      const std::function<absl::StatusOr<CommandOutcome>()>& body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Who has this number by a confirmed link; of two keys of one person the one
  // that goes on.
  absl::StatusOr<std::optional<PersonKey>> SurvivingHolder(
      const CanonicalIdentifier& identifier) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether the agency registered the person under any key of theirs.
  absl::StatusOr<bool> Registered(const PersonKey& person,
                                  absl::string_view agency)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // May the caller learn that this person is known?
  absl::StatusOr<bool> MayKnow(const CommandContext& context,
                               const PersonKey& person,
                               const std::optional<PersonKey>& interest,
                               const PersonDetails& details)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whom these numbers name for the caller: by confirmed links to people that
  // it may know, else its own.
  absl::StatusOr<std::optional<PersonKey>> MatchFor(
      const CommandContext& context, const PersonDetails& details,
      const std::vector<CanonicalIdentifier>& identifiers,
      const std::optional<PersonKey>& interest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Who has which of these numbers by a confirmed link.
  absl::StatusOr<std::optional<PersonKey>> Match(
      const std::vector<CanonicalIdentifier>& identifiers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Mutex mu_;
  const std::unique_ptr<IdentityTables> tables_ ABSL_PT_GUARDED_BY(mu_);
  const std::unique_ptr<ReviewTables> reviews_ ABSL_PT_GUARDED_BY(mu_);
  const std::unique_ptr<PeopleTables> people_ ABSL_PT_GUARDED_BY(mu_);
  const CommandContext self_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_STORE_H_

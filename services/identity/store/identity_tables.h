// The identity store's tables: every statement, and what is sealed in them. No
// decisions; a transaction is its caller's.
//
// Threads  One at a time.
// Errors   Those of Database; DATA_LOSS: a column does not open.
#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_TABLES_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_TABLES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"
#include "services/common/base/random.h"
#include "services/common/projection/sqlite.h"
#include "services/identity/domain/identifiers.h"
#include "services/identity/store/column_sealer.h"
#include "services/identity/store/identity_records.h"

namespace concordat::identity {

struct HeldIdentifier {
  CanonicalIdentifier identifier;
  bool confirmed = false;
  std::string confirmed_by;  // By whose word; empty: nobody's.
};

class IdentityTables {
 public:
  // `clock` and `random` outlive this.
  IdentityTables(std::unique_ptr<Database> db, absl::string_view secret,
                 const Clock& clock, Random& random);

  Database& db() { return *db_; }
  uint64_t NowUs() const;

  //   FAILED_PRECONDITION  the database was made with another secret.
  absl::Status CheckSecret();

  // The first answer to this request, if it was asked before.
  //   INVALID_ARGUMENT  it was asked with another content.
  absl::StatusOr<std::optional<CommandOutcome>> FindAnswer(
      const CommandContext& context, absl::string_view content);
  absl::Status KeepAnswer(const CommandContext& context,
                          absl::string_view content,
                          const CommandOutcome& outcome);

  absl::StatusOr<PersonKey> MakePerson();
  absl::StatusOr<bool> HasPerson(const PersonKey& person);
  absl::Status KeepDetails(const PersonKey& person, absl::string_view agency,
                           const PersonDetails& details);
  absl::StatusOr<std::optional<PersonDetails>> Describe(
      const PersonKey& person, absl::string_view agency);

  // As this agency wrote it; empty: it did not.
  absl::StatusOr<std::string> AddressBy(const PersonKey& person,
                                        absl::string_view agency);

  // Who has it by a confirmed link.
  absl::StatusOr<std::optional<PersonKey>> HolderOf(
      const CanonicalIdentifier& identifier);
  // Whom `agency` itself registered with it, when another person has it by a
  // confirmed link: the one that the agency knows.
  absl::StatusOr<std::optional<PersonKey>> OwnHolderOf(
      const CanonicalIdentifier& identifier, absl::string_view agency);
  absl::StatusOr<std::vector<HeldIdentifier>> HeldBy(const PersonKey& person);
  absl::Status AddIdentifier(const PersonKey& person, const System& from,
                             const WrittenIdentifier& identifier,
                             bool confirmed);
  absl::Status ConfirmIdentifier(const PersonKey& person,
                                 const CanonicalIdentifier& identifier,
                                 absl::string_view by,
                                 absl::string_view reason);

  absl::Status RemoveIdentifier(const PersonKey& person,
                                const CanonicalIdentifier& identifier);
  // Who was registered with a number that is another person's.
  absl::StatusOr<std::vector<PersonKey>> ClaimantsOf(
      const CanonicalIdentifier& identifier);
  // Everybody who has a number that another was registered with.
  absl::StatusOr<std::vector<PersonKey>> ClaimedHolders();
  // A person's word, when another has it by a confirmed link: it is kept, and
  // the link stays as it is.
  absl::Status NoteConfirmation(const PersonKey& person,
                                const CanonicalIdentifier& identifier,
                                absl::string_view by, absl::string_view reason);

  // Notes that the caller's agency registered the person; the outbox entry of
  // the news, 0 when it is none.
  absl::StatusOr<int64_t> NoteRegistration(const CommandContext& context,
                                           const PersonKey& person);
  absl::StatusOr<bool> IsRegisteredBy(const PersonKey& person,
                                      absl::string_view agency);

  // In the person's registration stream. `index` is the event's among those of
  // the request, from 0.
  absl::StatusOr<int64_t> AddToOutbox(const CommandContext& context,
                                      const PersonKey& person,
                                      const google::protobuf::Message& event,
                                      uint32_t index = 0);
  // In any stream; the person may be nobody.
  absl::StatusOr<int64_t> AddToOutbox(const CommandContext& context,
                                      const PersonKey& person,
                                      absl::string_view stream,
                                      const google::protobuf::Message& event,
                                      uint32_t index = 0);
  absl::StatusOr<std::vector<OutboxEntry>> PendingOutbox(int64_t after,
                                                         int count_max);
  absl::Status MarkPublished(int64_t outbox_id, Sequence position);
  absl::StatusOr<std::optional<Sequence>> PositionOf(int64_t outbox_id);

  absl::Status KeepContact(absl::string_view agency, absl::string_view role,
                           const RoleContact& contact);
  absl::Status ForgetContact(absl::string_view agency, absl::string_view role);
  absl::StatusOr<std::optional<RoleContact>> ContactOf(absl::string_view agency,
                                                       absl::string_view role);
  absl::StatusOr<std::vector<RoleEvent>> RoleEvents();

  absl::Status RecordDisclosure(const System& edge, uint64_t joined,
                                uint64_t left, Sequence position);
  absl::StatusOr<Disclosures> DisclosedTo(const System& edge);

 private:
  const std::unique_ptr<Database> db_;
  ColumnSealer sealer_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_TABLES_H_

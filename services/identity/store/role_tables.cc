// The role directory's part of the store: contacts, and the directory's events,
// which the outbox keeps.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/projection/sqlite.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/identity_tables.h"

namespace concordat::identity {
namespace {

constexpr absl::string_view kNoChannel = "NONE";

// An address moved to another role does not open.
std::string AddressColumn(absl::string_view agency, absl::string_view role) {
  return absl::StrCat("contact.address/", agency, "/", role);
}

}  // namespace

absl::Status IdentityTables::KeepContact(absl::string_view agency,
                                         absl::string_view role,
                                         const RoleContact& contact) {
  const std::string sealed =
      sealer_.Seal(AddressColumn(agency, role), PersonKey(), contact.address);
  return db_->Run(
      "INSERT OR REPLACE INTO contact (agency, role, channel, address, at_us) "
      "VALUES (?, ?, ?, ?, ?)",
      {agency, role, contact.channel, SqlValue::Blob(sealed), NowUs()});
}

absl::Status IdentityTables::ForgetContact(absl::string_view agency,
                                           absl::string_view role) {
  return db_->Run("DELETE FROM contact WHERE agency = ? AND role = ?",
                  {agency, role});
}

absl::StatusOr<std::optional<RoleContact>> IdentityTables::ContactOf(
    absl::string_view agency, absl::string_view role) {
  std::optional<RoleContact> found;
  absl::Status read = db_->Query(
      "SELECT channel, address FROM contact WHERE agency = ? AND role = ?",
      {agency, role}, [&](const SqlRow& row) {
        found = RoleContact{row.Text(0), row.Text(1)};
      });
  if (!read.ok()) return read;
  if (!found.has_value()) return found;
  auto address =
      sealer_.Open(AddressColumn(agency, role), PersonKey(), found->address);
  if (!address.ok()) return std::move(address).status();
  found->address = *std::move(address);
  return found;
}

absl::StatusOr<std::vector<RoleEvent>> IdentityTables::RoleEvents() {
  std::vector<RoleEvent> events;
  absl::Status read = db_->Query(
      "SELECT type, message FROM outbox WHERE type IN (?, ?) ORDER BY id",
      {v1::RolesDefined::descriptor()->full_name(),
       v1::RoleAbsenceSet::descriptor()->full_name()},
      [&](const SqlRow& row) {
        events.push_back({row.Text(0), row.Text(1)});
      });
  if (!read.ok()) return read;
  return events;
}

absl::StatusOr<CommandOutcome> IdentityStore::PublishRole(
    const CommandContext& context, absl::string_view stream,
    const google::protobuf::Message& event) {
  const std::string content = absl::StrCat(event.GetDescriptor()->full_name(),
                                           "\n", event.SerializeAsString());
  MutexLock lock(mu_);
  return InTransaction(
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<CommandOutcome> {
        auto answered = tables_->FindAnswer(context, content);
        if (!answered.ok()) return std::move(answered).status();
        if (answered->has_value()) return **answered;
        CommandOutcome outcome;
        const auto news =
            tables_->AddToOutbox(context, PersonKey(), stream, event);
        if (!news.ok()) return news.status();
        outcome.outbox_id = *news;
        absl::Status kept = tables_->KeepAnswer(context, content, outcome);
        if (!kept.ok()) return kept;
        return outcome;
      });
}

absl::StatusOr<CommandOutcome> IdentityStore::SetContact(
    const CommandContext& context, absl::string_view stream,
    const v1::RoleContactSet& event, absl::string_view address) {
  const std::string content =
      absl::StrCat("contact\n", event.SerializeAsString(), "\n", address);
  MutexLock lock(mu_);
  return InTransaction(
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<CommandOutcome> {
        auto answered = tables_->FindAnswer(context, content);
        if (!answered.ok()) return std::move(answered).status();
        if (answered->has_value()) return **answered;
        absl::Status kept =
            event.channel() == kNoChannel
                ? tables_->ForgetContact(event.agency(), event.role())
                : tables_->KeepContact(event.agency(), event.role(),
                                       {event.channel(), std::string(address)});
        if (!kept.ok()) return kept;
        CommandOutcome outcome;
        const auto news =
            tables_->AddToOutbox(context, PersonKey(), stream, event);
        if (!news.ok()) return news.status();
        outcome.outbox_id = *news;
        kept = tables_->KeepAnswer(context, content, outcome);
        if (!kept.ok()) return kept;
        return outcome;
      });
}

absl::StatusOr<std::optional<RoleContact>> IdentityStore::ContactOf(
    absl::string_view agency, absl::string_view role) {
  MutexLock lock(mu_);
  return tables_->ContactOf(agency, role);
}

absl::StatusOr<std::vector<RoleEvent>> IdentityStore::RoleEvents() {
  MutexLock lock(mu_);
  return tables_->RoleEvents();
}

}  // namespace concordat::identity

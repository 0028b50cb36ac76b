#include "services/nhs/engagement/engagement_reporter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/make_event.h"
#include "services/common/projection/command_runner.h"
#include "services/common/projection/erasure_confirmation.h"

namespace concordat::nhs {
namespace {

constexpr absl::Duration kPublishWait = absl::Seconds(10);

}  // namespace

EngagementReporter::EngagementReporter(const bus::v1::Principal& self,
                                       Publisher& publisher,
                                       const TypeRegistry& types,
                                       const Clock& clock, Random& random,
                                       absl::TimeZone zone,
                                       absl::string_view secret, Others others)
    : self_(self),
      publisher_(publisher),
      types_(types),
      clock_(clock),
      random_(random),
      zone_(zone),
      others_(std::move(others)),
      key_(HmacSha256(secret).Of("concordat/nhs/engagement/1")),
      nonces_(random) {}

std::vector<std::string> EngagementReporter::Types() {
  return {v1::SharingDecided::descriptor()->full_name(),
          v1::SharingEnded::descriptor()->full_name(),
          v1::AppointmentMissed::descriptor()->full_name(),
          v1::AppointmentAttended::descriptor()->full_name(),
          kPersonErasedType};
}

std::string EngagementReporter::schema() const {
  return "CREATE TABLE IF NOT EXISTS sharing("
         "  decision_ref TEXT PRIMARY KEY,"
         "  subject BLOB NOT NULL,"
         "  what TEXT NOT NULL,"
         "  service BLOB NOT NULL,"  // Sealed.
         "  until TEXT NOT NULL,"
         "  ended INTEGER NOT NULL) WITHOUT ROWID;";
}

absl::StatusOr<Sharing> EngagementReporter::ReadSharing(
    absl::string_view decision_ref, Database& database) {
  Sharing sharing;
  bool opened = true;
  const absl::Status read = database.Query(
      "SELECT subject, what, service, until, ended FROM sharing "
      "WHERE decision_ref = ?1",
      {decision_ref}, [&](const SqlRow& row) {
        sharing.decided = true;
        const auto subject = PersonKey::FromBytes(row.Text(0));
        if (subject.ok()) sharing.subject = *subject;
        sharing.what = row.Text(1);
        opened = Open(decision_ref, row.Text(2), sharing.service_code);
        sharing.until = row.Text(3);
        sharing.ended = row.Int(4) != 0;
      });
  if (!read.ok()) return read;
  if (!opened) {
    return absl::DataLossError("a sharing decision does not open");
  }
  return sharing;
}

std::string EngagementReporter::Seal(absl::string_view decision_ref,
                                     absl::string_view plain) {
  const Nonce nonce = nonces_.Next();
  std::string sealed(nonce.begin(), nonce.end());
  key_.Seal(nonce, decision_ref, plain, sealed);
  return sealed;
}

bool EngagementReporter::Open(absl::string_view decision_ref,
                              absl::string_view sealed, std::string& plain) {
  Nonce nonce;
  if (sealed.size() < nonce.size()) return false;
  std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
  return key_.Open(nonce, decision_ref, sealed.substr(nonce.size()), plain);
}

absl::Status EngagementReporter::Erase(const View& erased, Database& database) {
  if (others_ != nullptr) {
    const absl::Status come = others_(erased.sequence);
    if (!come.ok()) return come;
  }
  absl::Status status =
      database.Run("DELETE FROM sharing WHERE subject = ?1",
                   {SqlValue::Blob(erased.header.subject.bytes())});
  uint64_t destroyed = 0;
  if (status.ok()) {
    status = database.Query("SELECT changes()", {}, [&](const SqlRow& row) {
      destroyed = row.Uint(0);
    });
  }
  if (!status.ok()) return status;
  return ConfirmErasure(erased, destroyed, self_, publisher_, types_, random_);
}

absl::Status EngagementReporter::Apply(const View& view, Database& database) {
  if (view.header.type == kPersonErasedType) return Erase(view, database);
  v1::SharingDecided decided;
  v1::SharingEnded ended;
  std::string ref;
  if (ReadAs(view, &decided)) ref = decided.decision_ref();
  if (ReadAs(view, &ended)) ref = ended.decision_ref();
  if (ref.empty()) ref = DecisionOf(view);
  if (ref.empty()) return absl::OkStatus();

  auto sharing = ReadSharing(ref, database);
  if (!sharing.ok()) return sharing.status();
  const auto report = ReportFor(view, *sharing, zone_);
  if (report.has_value()) return Publish(view, *report);
  Evolve(*sharing, view);
  if (!sharing->decided) return absl::OkStatus();
  const std::string service = Seal(ref, sharing->service_code);
  return database.Run(
      "INSERT OR REPLACE INTO sharing VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
      {ref, SqlValue::Blob(sharing->subject.bytes()), sharing->what,
       SqlValue::Blob(service), sharing->until, sharing->ended});
}

absl::Status EngagementReporter::Publish(const View& cause,
                                         const ProposedEvent& report) {
  const std::string caused_by =
      absl::StrCat(cause.header.source, "#", cause.header.id);
  Header header;
  header.source = SourceOf(self_);
  header.type = report.type;
  header.controller = self_.agency();
  header.purpose = self_.default_purpose();
  header.gateway = self_.default_gateway();
  header.regime = self_.default_regime();
  header.basis = bus::v1::BASIS_OBSERVED;
  header.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
  header.id = DerivedId("concordat-nhs/engagement", caused_by, 0);
  header.subject = cause.header.subject;
  header.stream = absl::StrCat("engagement/", header.id);
  header.time_us = cause.header.time_us;
  header.time_precision = cause.header.time_precision;
  header.recorded_us = static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
  header.causation = caused_by;
  auto event =
      MakeEvent(types_, std::move(header), report.data, DrawSeed(random_));
  if (!event.ok()) return event.status();
  std::vector<Event> set;
  set.push_back(*std::move(event));
  const auto outcomes =
      PublishAndWait(publisher_, std::move(set), kPublishWait);
  if (!outcomes.ok()) return outcomes.status();
  return outcomes->front().accepted ? absl::OkStatus()
                                    : FromRefusal(outcomes->front());
}

}  // namespace concordat::nhs

// Tells partners of each appointment kept or missed under a sharing decision in
// force: EngagementReported, once, caused by that appointment.
#ifndef CONCORDAT_SERVICES_NHS_ENGAGEMENT_ENGAGEMENT_REPORTER_H_
#define CONCORDAT_SERVICES_NHS_ENGAGEMENT_ENGAGEMENT_REPORTER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/crypto/aead.h"
#include "services/common/crypto/nonce_pool.h"
#include "services/common/event/type_table.h"
#include "services/common/projection/projection.h"
#include "services/nhs/domain/sharing.h"

namespace concordat::nhs {

// The read model of decisions, and what follows from an appointment. A report's
// id is derived from the appointment's, so that one that is judged twice, after
// a crash between report and commit, is still reported once.
//
// Threads  The projection's.
class EngagementReporter : public ReadModel {
 public:
  // What else of the service has to have come to that place before an erasure is
  // confirmed.  UNAVAILABLE  it has not.
  using Others = std::function<absl::Status(Sequence)>;

  // `self` is the service's principal. Which service a decision is about tells
  // of somebody's health: it is kept sealed, by a key made from `secret`. All
  // but `secret` are borrowed.
  EngagementReporter(const bus::v1::Principal& self, Publisher& publisher,
                     const TypeRegistry& types, const Clock& clock,
                     Random& random, absl::TimeZone zone,
                     absl::string_view secret, Others others = nullptr);

  // The types that the projection subscribes to.
  static std::vector<std::string> Types();

  int version() const override { return 2; }
  std::string schema() const override;
  //   UNAVAILABLE  the bus did not take the report; it will be tried again.
  //   DATA_LOSS    a decision was kept under another secret.
  absl::Status Apply(const View& view, Database& database) override;

 private:
  absl::StatusOr<Sharing> ReadSharing(absl::string_view decision_ref,
                                      Database& database);
  std::string Seal(absl::string_view decision_ref, absl::string_view plain);
  bool Open(absl::string_view decision_ref, absl::string_view sealed,
            std::string& plain);
  absl::Status Publish(const View& cause, const ProposedEvent& report);
  absl::Status Erase(const View& erased, Database& database);

  const bus::v1::Principal& self_;
  Publisher& publisher_;
  const TypeRegistry& types_;
  const Clock& clock_;
  Random& random_;
  const absl::TimeZone zone_;
  const Others others_;
  AeadKey key_;
  NoncePool nonces_;
};

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_ENGAGEMENT_ENGAGEMENT_REPORTER_H_

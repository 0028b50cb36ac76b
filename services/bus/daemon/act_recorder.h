#ifndef CONCORDAT_SERVICES_BUS_DAEMON_ACT_RECORDER_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_ACT_RECORDER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"
#include "services/common/base/random.h"
#include "services/common/event/make_event.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// Why an operator does something: it goes into the log.
//   INVALID_ARGUMENT  not 1 to 200 printable bytes, or shaped like an identifier.
absl::Status CheckWhy(const std::string& why);

// Has the log told of an act before it is done.
//
// Threads  Any.
class ActRecorder {
 public:
  using Then = std::function<void(const absl::Status&)>;

  // Everything outlives it; `random` may be asked from any thread.
  ActRecorder(IngestLoop& ingest, std::shared_ptr<const TypeRegistry> types,
              Random& random, const Clock& clock);

  // `then` runs once, on the ingest thread when the record is durable, and must
  // not wait.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED  it is not recorded: do nothing.
  void Record(const hub::v1::SubscriptionActed& acted, Then then);
  void Record(const hub::v1::OperatorActed& acted, Then then);
  // A run of retention has a name, of NewId(), by which start and end belong
  // together.
  void Record(const std::string& run, const hub::v1::RetentionStarted& started,
              Then then);
  void Record(const std::string& run, const hub::v1::RetentionEnded& ended,
              Then then);
  // Any other type of the bus's own, about nobody or about this person. `id` is
  // new.
  void RecordIn(std::string id, std::string stream, const PersonKey& subject,
                const google::protobuf::MessageLite& message, Then then);
  absl::StatusOr<Event> EventOf(std::string id, std::string stream,
                                const PersonKey& subject,
                                const google::protobuf::MessageLite& message);
  // All in one commit. `first` is done on the ingest thread right before: unless it
  // is OK nothing is recorded.
  void Publish(const std::vector<Event>& events, Then then,
               std::function<absl::Status()> first = nullptr);
  void Record(const hub::v1::AgreementAdopted& adopted, Then then);
  void Record(const hub::v1::AgreementRetired& retired, Then then);
  // Said before at this step: nothing is added, and `then` has OK.
  void Record(const hub::v1::AgreementEndWarned& warned, uint32_t step,
              Then then);
  std::string NewId(absl::string_view of);

 private:
  void Publish(const absl::StatusOr<Event>& event, Then then);

  IngestLoop& ingest_;
  const std::shared_ptr<const TypeRegistry> types_;
  Random& random_;
  const Clock& clock_;
  UuidV7 ids_;
  const v1::Principal hub_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_ACT_RECORDER_H_

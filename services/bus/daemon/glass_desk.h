#ifndef CONCORDAT_SERVICES_BUS_DAEMON_GLASS_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_GLASS_DESK_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "concordat/access/v1/glass.pb.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/log/event_log.h"
#include "services/bus/oversight/glass_register.h"
#include "services/bus/oversight/person_lists.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/calendar/limit_clocks.h"
#include "services/common/config/data_directory.h"
#include "services/common/event/make_event.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// Persons opened without an interest, or without a task:
// concordat.access.v1.GlassService. What is
// open is what the log says; times are real ones. To whom
// a person's own lists do not let there is no such person.
//
// Threads  Serve: before the host starts. OpenedTo: any.
class GlassDesk {
 public:
  // All outlive it; it outlives the host and the ingest thread.
  GlassDesk(const EventLog& log, PersonLists& lists, IngestLoop& ingest,
            std::shared_ptr<const TypeRegistry> types, Random& random,
            const Clock& clock, access::v1::BreakGlassPolicy policy,
            const LimitClocks& clocks);

  void Serve(ServerHost& host);

  // Whether the person is open to the caller now.
  //   DATA_LOSS, UNAVAILABLE  the log cannot be read.
  absl::StatusOr<bool> OpenedTo(const Call& call, const PersonKey& person);

 private:
  using Then = std::function<void(const absl::Status&)>;

  void Break(const Call& call, const access::v1::BreakGlassRequest& request,
             Reply<access::v1::BreakGlassResponse> reply);
  void Review(const Call& call, const access::v1::ReviewGlassRequest& request,
              Reply<access::v1::ReviewGlassResponse> reply);
  void Note(const Call& call, const access::v1::NoteOpeningRequest& request,
            Reply<access::v1::NoteOpeningResponse> reply);
  // Of a person that the log has, and whose lists allow the caller.
  //   INVALID_ARGUMENT  names the field.
  //   NOT_FOUND         either is not so: the answer does not tell which.
  //   DATA_LOSS, UNAVAILABLE  the log cannot be read.
  absl::StatusOr<PersonKey> PersonOf(const Call& call,
                                     const std::string& subject);
  absl::StatusOr<access::v1::ListGlassResponse> List(const Call& call);
  absl::StatusOr<access::v1::GetOpeningResponse> Opening(
      const Call& call, const access::v1::GetOpeningRequest& request);
  // Whether the person's own lists let the caller.
  absl::StatusOr<bool> Allows(const Call& call, const std::string& subject);
  absl::StatusOr<access::v1::GlassBroken> OpeningOf(
      const Call& call, const access::v1::BreakGlassRequest& request) const;
  // In the name of the agency whose professional opened, with which an agreement
  // in force has to be: so its guardian sees both.
  void Publish(const Call& call, const std::string& agency, std::string id,
               const PersonKey& person,
               const google::protobuf::MessageLite& message, Then then);
  const v1::Principal* PublisherFor(const std::string& agency);
  uint64_t now_us() const;

  const EventLog& log_;
  PersonLists& lists_;
  IngestLoop& ingest_;
  const std::shared_ptr<const TypeRegistry> types_;
  Random& random_;
  const Clock& clock_;
  const access::v1::BreakGlassPolicy policy_;
  const LimitClocks& clocks_;

  GlassRegister register_;
  Mutex mu_;
  // By agency; they outlive the calls that publish as them.
  std::map<std::string, v1::Principal> publishers_ ABSL_GUARDED_BY(mu_);
};

// The one of the data directory; there is none: an empty one, and nothing is opened.
//   INVALID_ARGUMENT  names the field.  As DataDirectory::LoadSettings.
absl::StatusOr<access::v1::BreakGlassPolicy> LoadBreakGlassPolicy(
    const DataDirectory& data, const LimitClocks& clocks, absl::Time now);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_GLASS_DESK_H_

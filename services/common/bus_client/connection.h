// One connection of a client to a port of the bus, made again and again: a wire,
// and a session on it.
//
// Threads  One thread, the client's, uses it.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CONNECTION_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CONNECTION_H_

#include <poll.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/bus_client/client_session.h"
#include "services/common/bus_client/wire.h"

namespace concordat {

// Since some moment in the past; never steps back.
absl::Duration SteadyNow();

// Asked at each new connection, and now and then while there is one: a bus that
// started again may have moved, and who changes keys is reached by others from
// then on. Where several processes have one log, the endpoint is theirs, with
// commas between them: they are tried in turn.
using DoorFinder = std::function<absl::StatusOr<Door>()>;

class Connection {
 public:
  // Called from within Step().
  class User {
   public:
    virtual ~User() = default;
    virtual void OnOpen(absl::Duration now) = 0;
    // A frame that is no heartbeat. False: it makes no sense; the connection is
    // given up and made again.
    virtual bool OnFrame(FrameKind kind, OwnedBytes body,
                         absl::Duration now) = 0;
    // `refusal` is the bus's, or none when the connection was lost.
    virtual void OnLost(bus::v1::Refusal refusal, const std::string& detail,
                        absl::Duration now) = 0;
  };

  // `dialer` and `user` outlive it.
  Connection(Dialer& dialer, ClientIdentity identity, DoorFinder finder,
             User& user);

  // Connects, receives, keeps time, as far as that goes without waiting. True:
  // there may be more to receive.
  bool Step(absl::Duration now);
  // What to wait for, having just stepped. True: do not wait.
  bool AddPollItems(std::vector<pollfd>& items) const;
  // When Step() is due at the latest.
  absl::Duration due() const { return due_; }

  bool open() const { return session_ && session_->open(); }
  // Of the open session.
  const ClientSession& session() const { return *session_; }
  // The number of the frame, or 0: not open, or it was lost just now.
  uint64_t Send(FrameKind kind, absl::string_view body, absl::Duration now);
  // Without copying: `frame` has room for its head, and stays as it is then.
  uint64_t Send(FrameKind kind, std::shared_ptr<std::string> frame,
                absl::Duration now);
  // The session did what it is for: the next loss is no repeated failure.
  void Progress() { backoff_ = kBackoffMin; }
  // Ends the session and leaves: what was sent may still go out.
  void Close(absl::Duration now);

 private:
  static constexpr absl::Duration kBackoffMin = absl::Milliseconds(10);
  static constexpr absl::Duration kBackoffMax = absl::Seconds(1);

  absl::Status Connect(absl::Duration now);
  // Whether there is another door than the one tried last; it is looked for so
  // often at most.
  bool HasMoved(absl::Duration now, absl::Duration every);
  uint64_t Hand(std::shared_ptr<const std::string> frame);
  bool Take(absl::Duration now);
  void Watch(absl::Duration now);
  void Lose(bus::v1::Refusal refusal, const std::string& detail,
            absl::Duration now);

  Dialer& dialer_;
  const ClientIdentity identity_;
  const DoorFinder finder_;
  User& user_;
  std::unique_ptr<Wire> wire_;
  std::optional<ClientSession> session_;  // There while there is a wire.
  std::string hello_;                     // Until it has been sent.
  bool broken_ = false;                   // A frame could not be sent.
  bool heard_ = false;                    // Take() took something.
  absl::Duration watched_at_;
  absl::Duration give_up_at_;  // Without a Welcome.
  absl::Duration retry_at_ = -absl::InfiniteDuration();
  absl::Duration backoff_ = kBackoffMin;
  std::optional<Door> door_;  // As found last; none: there was none.
  size_t tried_ = 0;          // Of its endpoints, connections so far.
  absl::Duration looked_at_;
  absl::Duration stepped_at_;
  absl::Duration due_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CONNECTION_H_

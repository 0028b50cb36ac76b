// Publishes what the store's outbox holds, in order, at start and as it fills,
// until the bus has answered for each entry. Id, seed and bytes of an entry
// never change, so that an entry sent before a crash and again after it is one
// event.
//
// Overload  At most kInFlightMax entries are with the publisher; the rest wait
//           on disk.
#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_OUTBOX_PUBLISHER_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_OUTBOX_PUBLISHER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/telemetry/log.h"
#include "services/identity/store/identity_store.h"

namespace concordat::identity {

class OutboxPublisher {
 public:
  static constexpr int kInFlightMax = 64;
  static constexpr absl::Duration kStalledWait = absl::Milliseconds(100);

  // Starts at once. `source` heads the events. All outlive this.
  OutboxPublisher(IdentityStore& store, Publisher& publisher,
                  std::shared_ptr<const TypeRegistry> types, std::string source,
                  const Logger& log);
  // What is not answered for is published after the next start.
  ~OutboxPublisher();

  // There may be new entries. Any thread; never waits.
  void Wake();

  // Waits until the entry has its place in the log; once somebody has waited in
  // vain, only kStalledWait until the bus answers again. Any thread.
  //   UNAVAILABLE          not in time; it stays on its way.
  //   FAILED_PRECONDITION  the bus refused it; see SendAgain().
  absl::StatusOr<Sequence> WaitFor(int64_t outbox_id, absl::Duration timeout);

  // Sends an entry that was refused once more. Others are left alone.
  void SendAgain(int64_t outbox_id);

  // Entries that the bus refused and nobody has sent again.
  int refused() const;

 private:
  struct State;
  void Run();
  void HandOver(const OutboxEntry& entry);

  IdentityStore& store_;
  Publisher& publisher_;
  const std::shared_ptr<const TypeRegistry> types_;
  const std::string source_;
  const Logger& log_;
  // Shared with the publisher's callbacks, which may outlive this.
  const std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_OUTBOX_PUBLISHER_H_

// Which bus processes live, and which of them writes the log.
//
// A process lives until a moment by the server's clock, which it puts off; the
// lease is its until then. Each taking of the lease begins a term; a block is
// added in the newest term alone (postgres_block_store.h), so that a holder that
// does not know yet that it is none can do no harm. A term is not an epoch: what
// was durable in one is durable in the next.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_WRITER_LEASE_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_WRITER_LEASE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/bus/log/postgres/connection.h"

namespace concordat::bus {

class WriterLease {
 public:
  // `process` is of this one alone: no other, now or later, has it.
  WriterLease(const PostgresOptions& options, std::string process,
              absl::Duration length)
      : options_(options), process_(std::move(process)), length_(length) {}

  // The process lives, for as long again, and holds on to what it has.
  //   ABORTED  the lease that it took is another's.  UNAVAILABLE: try again.
  //   FAILED_PRECONDITION, INTERNAL  the servers, as PostgresConnection::Connect.
  absl::Status Renew();
  // The new term when the lease was free; it is this process's then, and nothing
  // is added in an earlier term any more. 0: another has it.
  //   UNAVAILABLE, FAILED_PRECONDITION, INTERNAL
  absl::StatusOr<uint64_t> TryTake();
  // Another may take the lease at once.
  void GiveUp();
  // The process lives no more; nothing is called after it.
  void End();

 private:
  absl::Status Connect();

  const PostgresOptions options_;
  const std::string process_;
  const absl::Duration length_;
  uint64_t term_ = 0;
  std::unique_ptr<PostgresConnection> connection_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_WRITER_LEASE_H_

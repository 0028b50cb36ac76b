// Who writes the log: the holder of the one lease row, until a moment by the
// server's clock. Each taking begins a term; a block is added in the newest term
// alone (postgres_block_store.h), so that a holder that does not know yet that it
// is none can do no harm. A term is not an epoch: what was durable in one is
// durable in the next.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_WRITER_LEASE_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_WRITER_LEASE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/bus/log/postgres/connection.h"

namespace concordat::bus {

class WriterLease {
 public:
  // `holder` is of this process alone: no other, now or later, has it.
  WriterLease(const PostgresOptions& options, std::string holder,
              absl::Duration length)
      : options_(options), holder_(std::move(holder)), length_(length) {}

  // The new term when it was free; it is this process's then, and nothing is
  // added in an earlier term any more. 0: another holds it.
  //   UNAVAILABLE, FAILED_PRECONDITION, INTERNAL
  absl::StatusOr<uint64_t> TryTake();
  // Says that this process lives, for as long again, and holds on to the term
  // taken last, if it took one.
  //   FAILED_PRECONDITION  another has it.  UNAVAILABLE: try again.
  absl::Status Renew();
  // Lets the next one take it at once, and what else this process has. The end.
  void GiveUp();

 private:
  absl::Status Connect();

  const PostgresOptions options_;
  const std::string holder_;
  const absl::Duration length_;
  uint64_t term_ = 0;
  bool given_up_ = false;
  std::unique_ptr<PostgresConnection> connection_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_WRITER_LEASE_H_

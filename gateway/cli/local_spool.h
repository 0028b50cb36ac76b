// The spool of one principal in a data directory: "<data>/spool-<principal>",
// for one process at a time.
#ifndef CONCORDAT_GATEWAY_CLI_LOCAL_SPOOL_H_
#define CONCORDAT_GATEWAY_CLI_LOCAL_SPOOL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/config/data_directory.h"
#include "services/common/publish_spool/publish_spool.h"
#include "services/common/publish_spool/spooled_publisher.h"
#include "services/common/storage/posix_directory.h"

namespace concordat::cli {

class LocalSpool {
 public:
  //   FAILED_PRECONDITION  another process has it.
  //   Others               as PublishSpool::Open() and LoadSecret().
  static absl::StatusOr<std::unique_ptr<LocalSpool>> Open(
      const DataDirectory& data, absl::string_view principal);

  PublishSpool& spool() { return *spool_; }
  // Call once; spool() is its own from then on. Borrows this and `bus`.
  std::unique_ptr<SpooledPublisher> PublishTo(Publisher& bus);

 private:
  explicit LocalSpool(std::unique_ptr<PosixDirectory> directory)
      : directory_(std::move(directory)) {}

  SystemClock clock_;
  SystemRandom random_;
  const std::unique_ptr<PosixDirectory> directory_;
  std::unique_ptr<PublishSpool> spool_;
};

// Waits up to `timeout` for everything to be sent, and says on standard error
// what was not and why.
void PrintSent(const SpooledPublisher& publisher, absl::Duration timeout);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_LOCAL_SPOOL_H_

// How the processes that share a log (shared_log.h) change its wrapping key
// together. Each has a key file of its own, and a row of `key_holder` that says
// which keys it holds. A new wrapping key comes to the others in that row, sealed to
// a key that each process makes when it starts and has in memory alone: nothing that
// stands in the database, or in a backup of it, opens it later. A process proves
// with its newest wrapping key that it may be given the next, and whoever gives it
// proves the same.
//
// Threads  One of its own. HandOver, AwaitDestroyed: one at a time. The rest: any.
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_SHARED_KEYS_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_SHARED_KEYS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/bus/log/key_file.h"
#include "services/bus/log/key_sharers.h"
#include "services/bus/log/postgres/connection.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/crypto/sealed_box.h"

namespace concordat::bus {

struct SharedKeysOptions {
  PostgresOptions postgres;
  std::string holder;  // The key file's name among all: machine and path.
  // How long it is waited for others.
  absl::Duration patience = absl::Seconds(20);
};

class SharedKeys : public KeySharers {
 public:
  // Says which keys the file holds, and goes on doing so. Everything outlives it.
  //   as KeyFile::Load(), PostgresConnection::Connect() and Run().
  static absl::StatusOr<std::unique_ptr<SharedKeys>> Start(
      SharedKeysOptions options, KeyFile& file, Random& random);
  ~SharedKeys() override;

  absl::Status HandOver(const WrappingKeys& keys) override;
  absl::Status AwaitDestroyed(uint32_t below) override;

  // The log that this process follows has a key table under this wrapping key: every
  // lower one leaves the file.
  void Drop(uint32_t below) { drop_below_ = below; }
  // Why others may not know what this file holds, for people; empty: they do.
  std::string Trouble() const;

 private:
  SharedKeys(SharedKeysOptions options, KeyFile& file, Random& random)
      : options_(std::move(options)),
        file_(file),
        random_(random),
        box_(random) {}

  void Keep();
  // One look at the row, and at the file.
  absl::Status Look();
  absl::Status Say(const WrappingKeys& keys);
  absl::Status Take(absl::string_view offered);
  // Until `sql`, of this holder and a number, answers no row any more.
  absl::Status Await(const char* sql, uint32_t number, absl::string_view what);
  bool Wait(absl::Duration time);

  const SharedKeysOptions options_;
  KeyFile& file_;
  Random& random_;
  const BoxKey box_;
  std::atomic<uint32_t> drop_below_ = 0;
  // The thread's.
  std::unique_ptr<PostgresConnection> connection_;
  std::string said_;  // Keys of the file, as the row has them.
  int looks_ = 0;     // Since then.
  mutable Mutex mu_;
  CondVar ends_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status looked_ ABSL_GUARDED_BY(mu_);
  std::thread keep_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_SHARED_KEYS_H_

// The registry as its file says now: rights are decided per frame and per call,
// so a revocation must not wait for a restart.
#ifndef CONCORDAT_SERVICES_COMMON_CONFIG_LIVE_REGISTRY_H_
#define CONCORDAT_SERVICES_COMMON_CONFIG_LIVE_REGISTRY_H_

#include <sys/stat.h>

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/config/data_directory.h"

namespace concordat {

// How those who decide by the registry get it. Never null; any thread.
using RegistrySource =
    std::function<std::shared_ptr<const PrincipalRegistry>()>;

// Threads  Any.
class LiveRegistry {
 public:
  // As DataDirectory::LoadRegistry(). `on_problem` is told, once a change, of a
  // new file that does not load; until it does the last good one holds.
  // By `clock`, which outlives it, keys end.
  static absl::StatusOr<std::unique_ptr<LiveRegistry>> Open(
      const DataDirectory& data, const Clock& clock,
      std::function<void(const absl::Status&)> on_problem);

  // Looks at the file (one stat) and reads it again if it was replaced, or a key
  // has ended.
  std::shared_ptr<const PrincipalRegistry> Current();
  // Why the file as it is now does not load; OK: it did.
  absl::Status problem() const;
  // Current() as a value; the LiveRegistry must outlive it.
  RegistrySource source();

 private:
  LiveRegistry(const DataDirectory& data, const Clock& clock,
               std::function<void(const absl::Status&)> on_problem);

  const DataDirectory data_;
  const Clock& clock_;
  const std::string path_;
  const std::function<void(const absl::Status&)> on_problem_;
  mutable Mutex mu_;
  absl::Status problem_ ABSL_GUARDED_BY(mu_);
  struct stat seen_ ABSL_GUARDED_BY(mu_) = {};
  std::shared_ptr<const PrincipalRegistry> registry_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CONFIG_LIVE_REGISTRY_H_

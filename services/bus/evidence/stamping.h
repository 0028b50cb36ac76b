#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_STAMPING_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_STAMPING_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "services/bus/evidence/http_stamp_authority.h"
#include "services/bus/evidence/log_tree.h"
#include "services/bus/evidence/stamp_keeper.h"
#include "services/bus/evidence/stamp_thread.h"
#include "services/common/base/clock.h"
#include "services/common/config/data_directory.h"
#include "services/common/storage/posix_directory.h"
#include "services/common/telemetry/health.h"
#include "services/common/telemetry/metrics.h"

namespace concordat::bus {

// Stamps as evidence.textproto of the data directory has them: all of it together.
//
// Threads  Judge, Collect, Newest: any.
class Stamping {
 public:
  static constexpr char kAuthority[] = "keys/stamp-authority.pem";
  static constexpr absl::Duration kPatience = absl::Seconds(10);

  // Null: nobody is to stamp. All but `data` outlive it; it keeps stamps in
  // `<folder>/stamps`.
  //   NOT_FOUND, INVALID_ARGUMENT  as LoadCheckedSettings; no authority's
  //   certificate, or stamps that are due more often than they may be late.
  static absl::StatusOr<std::unique_ptr<Stamping>> Start(
      const DataDirectory& data, const std::string& folder, const LogTree& tree,
      const SteadyClock& clock, Random& random);

  void Judge(Troubles& troubles) const;
  void Collect(Samples& samples) const;
  std::pair<std::string, std::string> Newest() const {
    return keeper_->Newest();
  }

 private:
  Stamping(const SteadyClock& clock, HttpStampAuthority authority,
           std::unique_ptr<PosixDirectory> folder)
      : clock_(clock),
        authority_(std::move(authority)),
        folder_(std::move(folder)) {}

  const SteadyClock& clock_;
  HttpStampAuthority authority_;
  const std::unique_ptr<PosixDirectory> folder_;
  std::unique_ptr<StampKeeper> keeper_;
  std::unique_ptr<StampThread> thread_;  // Last: it uses the others.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_STAMPING_H_

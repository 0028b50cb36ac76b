// RFC 3161 stamps on checkpoints, from an authority that is not the hub's. Never
// on the write path. In `<data>/bus/stamps`:
//
//   <size>.note   the checkpoint that was stamped
//   <size>.tsr    the authority's response over the note's text
//
// Threads  Step: one. The rest: any.
#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_KEEPER_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_KEEPER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/storage/storage.h"
#include "services/common/telemetry/health.h"

namespace concordat::bus {

class StampAuthority {
 public:
  virtual ~StampAuthority() = default;
  // Sends a TimeStampReq and waits for the TimeStampResp, both DER.
  //   UNAVAILABLE, DEADLINE_EXCEEDED
  virtual absl::StatusOr<std::string> Ask(absl::string_view request) = 0;
};

struct StampOptions {
  std::string roots;  // PEM of the authority, or of those above it.
  absl::Duration every = absl::Hours(1);
  // A checkpoint that waits longer is an alarm.
  absl::Duration late_after = absl::Hours(2);
  absl::Duration retry_after = absl::Minutes(1);
};

class StampKeeper {
 public:
  struct State {
    uint64_t size = 0;  // Of the newest checkpoint with a stamp; 0: none.
    absl::Time at;      // As the authority says.
    // Since when a checkpoint waits for one; infinite: none does.
    absl::Duration waits_since = absl::InfiniteDuration();
    std::string last_failure;
  };

  // Reads what is there. All but the options outlive it.
  //   UNAVAILABLE  the disk.
  static absl::StatusOr<std::unique_ptr<StampKeeper>> Open(
      StampOptions options, Directory& directory, StampAuthority& authority,
      Random& random);

  // Has the newest checkpoint stamped, when that is due. Waits for the authority.
  void Step(absl::string_view note, absl::Duration now);

  State Now() const;
  // The newest: note and response. Empty: none.
  std::pair<std::string, std::string> Newest() const;
  //   code "stamp"  a checkpoint waits too long
  void Judge(absl::Duration now, Troubles& troubles) const;

 private:
  StampKeeper(StampOptions options, Directory& directory,
              StampAuthority& authority, Random& random)
      : options_(std::move(options)),
        directory_(directory),
        authority_(authority),
        random_(random) {}

  absl::Status Load();
  absl::Status Stamp(absl::string_view note, const Checkpoint& checkpoint,
                     absl::string_view text);

  const StampOptions options_;
  Directory& directory_;
  StampAuthority& authority_;
  Random& random_;
  absl::Duration stamped_at_ = -absl::InfiniteDuration();
  absl::Duration tried_at_ = -absl::InfiniteDuration();

  mutable Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_);
  std::string note_ ABSL_GUARDED_BY(mu_);
  std::string response_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_KEEPER_H_

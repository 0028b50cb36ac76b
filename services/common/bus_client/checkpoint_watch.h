// A client as witness of the log (DESIGN 6): it keeps the newest checkpoint that
// it has checked, durably, has the bus prove that each one it hears of goes on from
// there, and can say so with a cosignature. What does not go on is an alarm that
// stays: both checkpoints are kept, and prove it to anybody. PURE.
//
//   Hear → NextQuestion → Answer → TakeCosignature
//
// Epochs   The tree of a new epoch has to go on from what was kept too: when it
//          does not, events that this client's checkpoint covers are gone. That is
//          an alarm; the new tree is gone on with.
// Threads  One; alarm(): any.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CHECKPOINT_WATCH_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CHECKPOINT_WATCH_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/evidence/checkpoint.h"

namespace concordat {

struct CheckpointWatchOptions {
  // The key that the log signs with, known by another way than the bus.
  Ed25519PublicKey log_key = {};
  // Its own, when it cosigns; an empty name: it does not.
  std::string witness_name = {};
  std::optional<Ed25519Signer> witness = std::nullopt;
  // Checks at most so often.
  absl::Duration every = absl::Seconds(10);
  // Makes bytes durable under a name. What is cosigned was kept before.
  std::function<absl::Status(absl::string_view name, absl::string_view bytes)>
      keep;
  std::function<uint64_t()> posix_seconds;
};

class CheckpointWatch {
 public:
  static constexpr char kKept[] = "checkpoint";
  static constexpr char kAlarm[] = "alarm";

  // `kept` and `alarm` are what was kept under these names; empty: nothing was.
  CheckpointWatch(CheckpointWatchOptions options, absl::string_view kept,
                  std::string alarm);

  // What a heartbeat said.
  void Hear(absl::string_view note, absl::Duration now);
  // To be asked now; one is out at a time.
  std::optional<bus::v1::ProveConsistency> NextQuestion(absl::Duration now);
  void Answer(const bus::v1::Consistency& answer);
  // Nothing that was asked will be answered.
  void Lost() { asked_ = std::nullopt; }
  std::optional<bus::v1::Cosign> TakeCosignature();

  const std::optional<Checkpoint>& kept() const { return kept_; }
  // Why people have to look, or nothing.
  std::string alarm() const;

 private:
  struct Heard {
    std::string note;
    OpenedCheckpoint opened;
  };
  struct Asked {
    uint64_t request = 0;
    Heard to;
  };

  absl::StatusOr<OpenedCheckpoint> Open(absl::string_view note) const;
  void Raise(absl::string_view why, absl::string_view other_note);
  void Accept(const Heard& heard);

  const CheckpointWatchOptions options_;
  std::optional<Checkpoint> kept_;
  std::string kept_note_;
  std::string last_heard_;  // As it came: most heartbeats say nothing new.
  std::optional<Heard> heard_;
  std::optional<Asked> asked_;
  uint64_t requests_ = 0;
  absl::Duration looked_at_ = -absl::InfiniteDuration();
  std::optional<bus::v1::Cosign> cosignature_;

  mutable Mutex mu_;
  std::string alarm_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CHECKPOINT_WATCH_H_

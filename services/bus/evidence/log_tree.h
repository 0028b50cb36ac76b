// The Merkle tree over a log's spines, behind the write path: an event is
// acknowledged without waiting for it. What is signed was durable in the log
// before, so that a tree that is made anew from the log agrees with all that was
// ever signed; one that does not is refused, and nothing more is signed.
//
// Origin   "<environment>.concordat/log/<log id, hex>/<epoch>". A restore or a
//          cut begins an epoch, and with it a C2SP log of its own: its tree
//          begins with the leaves that were kept (ADR 0035).
// Threads  Open, TakeIn, Follow, Flush: one. The rest: any.
// Errors   UNAVAILABLE, RESOURCE_EXHAUSTED  the disk; the next Follow() goes on.
#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_LOG_TREE_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_LOG_TREE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/bus/evidence/tree_files.h"
#include "services/bus/log/event_log.h"
#include "services/bus/log/spine_log.h"
#include "services/common/base/mutex.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/note.h"

namespace concordat::bus {

// "demo.concordat/log/0123…/1".
std::string OriginOf(v1::Environment environment, absl::string_view log_id,
                     uint32_t epoch);

class LogTree {
 public:
  // What people need to know of it, all at one moment.
  struct View {
    // The newest checkpoint, signed by the log; null: none yet.
    std::shared_ptr<const std::string> note;
    Checkpoint checkpoint;
    // The newest that witnesses signed too; empty: none of this epoch.
    std::string cosigned;
    uint64_t leaves = 0;          // Taken in so far.
    std::string refused_because;  // Nothing more is signed.
  };

  // `spines` is `log`; all outlive this. What is on the disk is used when it is
  // whole and agrees with its checkpoint and the newest of the log's spines; else
  // the tree is made anew by Follow().
  //   FAILED_PRECONDITION  the tree is another log's.
  static absl::StatusOr<std::unique_ptr<LogTree>> Open(
      v1::Environment environment, const EventLog& log, const SpineLog& spines,
      const Ed25519Signer& signer, Directory& directory);

  // Takes in what is durable in the log, a good part of it at a time. Returns early
  // after Stop().
  //   DATA_LOSS  it is refused, for good: what was signed is not what the log has.
  absl::Status TakeIn();
  // The same, and signs a checkpoint if there is anything that none is of.
  absl::Status Follow();
  // Makes tree and checkpoint durable, so that the next Open() goes on from here.
  absl::Status Flush();
  void Stop() { stopping_ = true; }
  // There is a part as large as TakeIn() takes: call it again at once. The
  // follower's thread.
  bool is_behind() const;

  View Now() const;
  const NoteVerifier& key() const { return key_; }

  // Of a tree that is not larger than the newest checkpoint's.
  //   OUT_OF_RANGE  it is, or it is smaller than what it is to hold.
  absl::StatusOr<std::vector<TreeHash>> ProveInclusion(Sequence sequence,
                                                       uint64_t size) const;
  absl::StatusOr<std::vector<TreeHash>> ProveConsistency(uint64_t from,
                                                         uint64_t to) const;
  absl::StatusOr<TreeHash> RootOf(uint64_t size) const;
  // A tile of hashes. NOT_FOUND  the newest checkpoint's tree has none so wide.
  absl::StatusOr<std::string> ReadTile(const Tile& tile) const;
  // The hash of one leaf, as the tree has it.  OUT_OF_RANGE
  absl::StatusOr<TreeHash> LeafHash(Sequence sequence) const;

  // A witness's cosignature of a recent checkpoint: it stands beside the newest
  // that has one.
  //   NOT_FOUND  no recent checkpoint has this size.
  //   PERMISSION_DENIED  the witness did not sign it.
  absl::Status AddCosignature(uint64_t size, absl::string_view line,
                              const NoteVerifier& witness);
  // The same by the key that the registry has for a principal.
  //   PERMISSION_DENIED  also: it has none.
  absl::Status AddCosignature(const v1::Principal& principal,
                              const v1::Cosign& cosignature);
  // As a session's frames have it.
  v1::Consistency Answer(const v1::ProveConsistency& question) const;

  // Makes leaves' hashes anew from the log and compares, with the tree of `size`
  // events, from where `so_far` ends on and about `leaves_max` of them. Returns how
  // far it is; at the end of the tree it has its root.
  //   DATA_LOSS     names the first sequence that differs.
  //   OUT_OF_RANGE  there is no such tree, or `so_far` is beyond it.
  absl::StatusOr<TreeEdge> Verify(TreeEdge so_far, uint64_t size,
                                  uint64_t leaves_max) const;

 private:
  LogTree(const EventLog& log, const SpineLog& spines,
          const Ed25519Signer& signer, std::unique_ptr<TreeFiles> files,
          NoteVerifier key);

  // What was signed last, as the disk has it.
  struct Signed {
    Checkpoint checkpoint;
    uint64_t kept = 0;  // Leaves of it that the log still has.
  };
  absl::StatusOr<std::optional<Signed>> LoadSigned(v1::Environment environment);
  // Goes on from the files when they hold what was signed.
  absl::Status Resume(const Signed& was);
  // The first of the newest leaves that is not the log's; 0: all are.
  //   DATA_LOSS  the files are damaged, or the log is.
  absl::StatusOr<uint64_t> FindDifference(uint64_t size) const;
  void LoadCosigned();
  absl::Status Take(absl::string_view spine);
  absl::Status Refuse(std::string why);
  void Sign();
  ReadSubtree Reader(uint64_t size) const;
  // Of a tree of that size; a full one has to be what the level above says.
  //   DATA_LOSS  it is damaged.
  absl::StatusOr<std::string> CheckedTile(const Tile& tile,
                                          uint64_t size) const;
  absl::Status CheckSize(uint64_t size) const;

  const EventLog& log_;
  const SpineLog& spines_;
  const Ed25519Signer signer_;
  const std::unique_ptr<TreeFiles> files_;
  const NoteVerifier key_;
  std::atomic<bool> stopping_ = false;

  // The follower's thread.
  TreeEdge edge_;
  std::string leaf_;  // Kept for its memory.
  // When the tree is made anew: what it has to become on its way.
  std::optional<Checkpoint> must_become_;
  uint64_t flushed_size_ = 0;

  mutable Mutex mu_;
  View view_ ABSL_GUARDED_BY(mu_);
  // Those that witnesses may still sign, oldest first.
  std::deque<Note> recent_ ABSL_GUARDED_BY(mu_);
  uint64_t cosigned_size_ ABSL_GUARDED_BY(mu_) = 0;
  bool cosigned_changed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_LOG_TREE_H_

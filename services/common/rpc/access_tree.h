#ifndef CONCORDAT_SERVICES_COMMON_RPC_ACCESS_TREE_H_
#define CONCORDAT_SERVICES_COMMON_RPC_ACCESS_TREE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/access/v1/bundle.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/base/ticker.h"
#include "services/common/crypto/ed25519.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/whole_tree.h"
#include "services/common/rpc/access_log.h"
#include "services/common/storage/storage.h"
#include "services/common/telemetry/health.h"

namespace concordat {

// The Merkle tree over an access log: a leaf is a record's bytes. Everything that
// shows a record of it (evidence bundles, s.62 extracts) has it from here.
//
// The bus's is signed, each second in which there was a record more, as the log's own
// tree is, so that who reached what cannot be told otherwise later. The newest
// checkpoint is kept beside the log's tree, and what is recorded has to begin with
// what it is of. Another program's is signed by nobody: its checkpoints are their
// text alone.
//
// Memory   64 bytes a record that it has followed.
// Threads  Open, Start: one. The rest: any.
class AccessTree {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(1);

  // Reads the whole access log. All outlive it; `directory` is the tree's.
  //   UNAVAILABLE, DATA_LOSS  the access log cannot be read.
  static absl::StatusOr<std::unique_ptr<AccessTree>> Open(
      const AccessStore& store, std::string origin, const Ed25519Signer& signer,
      Directory& directory);

  // One that nobody signs. Reads nothing before it follows.
  AccessTree(const AccessStore& store, std::string origin)
      : store_(store), origin_(std::move(origin)) {}
  AccessTree(const AccessTree&) = delete;
  AccessTree& operator=(const AccessTree&) = delete;
  ~AccessTree();  // Keeps what is signed.

  // Follows the access log by itself, until it is destroyed.
  void Start();
  // Takes in what was recorded since, and signs it if it is signed at all.
  //   DATA_LOSS  what was signed before is not what is recorded: nothing more is.
  absl::Status Follow();

  struct View {
    std::string note;  // Empty: there is none.
    Checkpoint checkpoint;
  };
  View Now() const;
  // Record `number` (from 0), whose bytes are these, with its proof in the tree of
  // `size` records.
  //   OUT_OF_RANGE  there is no checkpoint of so many, or it has not so many.
  absl::StatusOr<access::v1::BundledRecord> Show(uint64_t number,
                                                 absl::string_view bytes,
                                                 uint64_t size) const;
  // That one tree begins another.
  //   OUT_OF_RANGE
  absl::StatusOr<std::vector<TreeHash>> ProveConsistency(uint64_t from,
                                                         uint64_t to) const;
  // code "access"  critical: nothing more is signed, and why
  void Judge(Troubles& troubles) const;

 private:
  absl::Status Begin();
  // What was signed last, as the disk has it; of nothing: there is none.
  absl::StatusOr<Checkpoint> LoadSigned() const;
  // All that is recorded and not in the tree. On the way it has to become `was`.
  absl::Status Take(const Checkpoint& was);
  void Sign() ABSL_EXCLUSIVE_LOCKS_REQUIRED(follow_mu_);
  ReadSubtree Reader() const;
  absl::Status CheckSize(uint64_t size) const;

  const AccessStore& store_;
  const std::string origin_;
  const Ed25519Signer* signer_ = nullptr;  // Null: nobody signs,
  Directory* directory_ = nullptr;         // and nothing is kept.

  Mutex follow_mu_;  // Before mu_: who follows reads the disk.
  int to_keep_ ABSL_GUARDED_BY(follow_mu_) =
      0;  // Checkpoints since it was kept.
  mutable Mutex mu_;
  WholeTree tree_ ABSL_GUARDED_BY(mu_);
  View view_ ABSL_GUARDED_BY(mu_);
  absl::Status last_ ABSL_GUARDED_BY(mu_);
  Ticker ticker_;  // Last: it uses the others.
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_ACCESS_TREE_H_

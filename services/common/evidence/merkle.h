// The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, proofs made and
// proofs checked. PURE.
//
// A *subtree* is the leaves [begin, end) of a tree. It is *complete* when their
// number is a power of two that divides `begin`: such a one is the same in every
// larger tree, and is named by level (0: a leaf) and index at that level.
// Sizes and indexes are below 2^62.
#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_MERKLE_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_MERKLE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/common/crypto/sha256.h"

namespace concordat {

using TreeHash = Sha256Hash;

inline constexpr uint64_t kTreeSizeMax = (uint64_t{1} << 62) - 1;

TreeHash HashLeaf(absl::string_view leaf);
TreeHash HashNode(const TreeHash& left, const TreeHash& right);
// Of a tree without leaves.
TreeHash EmptyTreeHash();
// Nothing: not 32 bytes.
std::optional<TreeHash> TreeHashOf(absl::string_view bytes);
// Of a message's repeated bytes. Nothing: one is not 32 bytes.
template <typename Texts>
std::optional<std::vector<TreeHash>> TreeHashesOf(const Texts& texts) {
  std::vector<TreeHash> hashes;
  for (const std::string& bytes : texts) {
    const std::optional<TreeHash> hash = TreeHashOf(bytes);
    if (!hash.has_value()) return std::nullopt;
    hashes.push_back(*hash);
  }
  return hashes;
}
// And into one.
template <typename Texts>
void AddTreeHashes(absl::Span<const TreeHash> hashes, Texts& texts) {
  for (const TreeHash& hash : hashes) {
    *texts.Add() =
        std::string(reinterpret_cast<const char*>(hash.data()), hash.size());
  }
}

// The hash of a complete subtree. Its errors are handed through.
using ReadSubtree =
    std::function<absl::StatusOr<TreeHash>(int level, uint64_t index)>;

// The root of the tree of the first `size` leaves.
absl::StatusOr<TreeHash> RootOf(uint64_t size, const ReadSubtree& read);

// That the leaf `index` is in the tree of `size`, nearest first.
//   OUT_OF_RANGE  there is no such leaf.
absl::StatusOr<std::vector<TreeHash>> ProveInclusion(uint64_t index,
                                                     uint64_t size,
                                                     const ReadSubtree& read);

// That the tree of `from` leaves is the beginning of that of `to`. Empty when
// `from` is 0 or `to`.
//   OUT_OF_RANGE  `from` is larger.
absl::StatusOr<std::vector<TreeHash>> ProveConsistency(uint64_t from,
                                                       uint64_t to,
                                                       const ReadSubtree& read);

// The root that a leaf and its inclusion proof lead to. With begin and end of a
// subtree: of that subtree.
//   INVALID_ARGUMENT  the proof is not one for that leaf and that size.
absl::StatusOr<TreeHash> RootFromInclusion(uint64_t index, uint64_t size,
                                           const TreeHash& leaf,
                                           absl::Span<const TreeHash> proof);
//   DATA_LOSS  the proof leads elsewhere.  INVALID_ARGUMENT  as above.
absl::Status CheckInclusion(uint64_t index, uint64_t size, const TreeHash& leaf,
                            absl::Span<const TreeHash> proof,
                            const TreeHash& root);
absl::Status CheckSubtreeInclusion(uint64_t index, uint64_t begin, uint64_t end,
                                   const TreeHash& leaf,
                                   absl::Span<const TreeHash> proof,
                                   const TreeHash& root);

//   DATA_LOSS  the two trees are not one log's, by this proof.
//   INVALID_ARGUMENT  the proof is not one for those sizes, or it would be of a
//   tree of nothing, which says nothing of another.
absl::Status CheckConsistency(uint64_t from, uint64_t to,
                              const TreeHash& from_root,
                              const TreeHash& to_root,
                              absl::Span<const TreeHash> proof);
// The same of a subtree that begins later
// (draft-ietf-plants-merkle-tree-certs, "Subtree Consistency Proofs").
absl::Status CheckSubtreeConsistency(uint64_t begin, uint64_t end, uint64_t to,
                                     const TreeHash& subtree_root,
                                     const TreeHash& to_root,
                                     absl::Span<const TreeHash> proof);

// A tree that grows: it keeps what is needed for its root alone, one hash for each
// complete subtree on the right edge.
//
// Threads  One at a time.
class TreeEdge {
 public:
  // Of a tree of `size`, from the complete subtrees that it has.
  static absl::StatusOr<TreeEdge> Load(uint64_t size, const ReadSubtree& read);

  // Called with each complete subtree that the leaf completes, itself first.
  using OnComplete =
      std::function<void(int level, uint64_t index, const TreeHash& hash)>;
  void Append(const TreeHash& leaf, const OnComplete& on_complete);
  void Append(const TreeHash& leaf);

  uint64_t size() const { return size_; }
  TreeHash root() const;
  // Largest first: one for each bit of size().
  const std::vector<TreeHash>& subtrees() const { return edge_; }

 private:
  uint64_t size_ = 0;
  std::vector<TreeHash> edge_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_MERKLE_H_

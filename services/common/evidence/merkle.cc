#include "services/common/evidence/merkle.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

absl::string_view View(const TreeHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// The largest power of two below `count`, which is above 1.
uint64_t SplitOf(uint64_t count) { return std::bit_floor(count - 1); }

bool IsComplete(uint64_t begin, uint64_t end) {
  const uint64_t count = end - begin;
  return std::has_single_bit(count) && begin % count == 0;
}

absl::StatusOr<TreeHash> RangeHash(uint64_t begin, uint64_t end,
                                   const ReadSubtree& read) {
  if (IsComplete(begin, end)) {
    const int level = std::countr_zero(end - begin);
    return read(level, begin >> level);
  }
  const uint64_t middle = begin + SplitOf(end - begin);
  const absl::StatusOr<TreeHash> left = RangeHash(begin, middle, read);
  if (!left.ok()) return left;
  const absl::StatusOr<TreeHash> right = RangeHash(middle, end, read);
  if (!right.ok()) return right;
  return HashNode(*left, *right);
}

absl::Status AddHashOf(uint64_t begin, uint64_t end, const ReadSubtree& read,
                       std::vector<TreeHash>& proof) {
  const absl::StatusOr<TreeHash> hash = RangeHash(begin, end, read);
  if (!hash.ok()) return hash.status();
  proof.push_back(*hash);
  return absl::OkStatus();
}

// Whether a tree has a node that is the subtree, or one that begins so.
bool IsSubtree(uint64_t begin, uint64_t end) {
  return begin < end && end <= kTreeSizeMax &&
         begin % std::bit_ceil(end - begin) == 0;
}

absl::Status Elsewhere() {
  return absl::DataLossError("the proof does not lead to that root");
}

absl::Status NoProof(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("no such proof: ", why));
}

}  // namespace

TreeHash HashLeaf(absl::string_view leaf) {
  return Sha256().Update(absl::string_view("\0", 1)).Update(leaf).Finish();
}

TreeHash HashNode(const TreeHash& left, const TreeHash& right) {
  uint8_t bytes[1 + 2 * kSha256Bytes];
  bytes[0] = 1;
  std::copy(left.begin(), left.end(), bytes + 1);
  std::copy(right.begin(), right.end(), bytes + 1 + kSha256Bytes);
  return Sha256::Of(
      absl::string_view(reinterpret_cast<const char*>(bytes), sizeof(bytes)));
}

TreeHash EmptyTreeHash() { return Sha256::Of(""); }

std::optional<TreeHash> TreeHashOf(absl::string_view bytes) {
  TreeHash hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

absl::StatusOr<TreeHash> RootOf(uint64_t size, const ReadSubtree& read) {
  if (size > kTreeSizeMax) return absl::OutOfRangeError("no tree is so large");
  return size == 0 ? EmptyTreeHash() : RangeHash(0, size, read);
}

absl::StatusOr<std::vector<TreeHash>> ProveInclusion(uint64_t index,
                                                     uint64_t size,
                                                     const ReadSubtree& read) {
  if (index >= size || size > kTreeSizeMax) {
    return absl::OutOfRangeError(
        absl::StrCat("leaf ", index, " is not in a tree of ", size, " leaves"));
  }
  // From the root down, then turned round.
  std::vector<TreeHash> proof;
  uint64_t begin = 0;
  uint64_t end = size;
  while (end - begin > 1) {
    const uint64_t middle = begin + SplitOf(end - begin);
    const bool is_left = index < middle;
    const absl::Status added = is_left ? AddHashOf(middle, end, read, proof)
                                       : AddHashOf(begin, middle, read, proof);
    if (!added.ok()) return added;
    (is_left ? end : begin) = middle;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

absl::StatusOr<std::vector<TreeHash>> ProveConsistency(
    uint64_t from, uint64_t to, const ReadSubtree& read) {
  if (from > to || to > kTreeSizeMax) {
    return absl::OutOfRangeError(
        absl::StrCat("a tree of ", from, " leaves does not begin one of ", to));
  }
  std::vector<TreeHash> proof;
  if (from == 0 || from == to) return proof;
  uint64_t begin = 0;
  uint64_t end = to;
  // SUBPROOF of RFC 6962: down to where the smaller tree ends.
  while (end != from) {
    const uint64_t middle = begin + SplitOf(end - begin);
    const bool ends_left = from <= middle;
    const absl::Status added = ends_left
                                   ? AddHashOf(middle, end, read, proof)
                                   : AddHashOf(begin, middle, read, proof);
    if (!added.ok()) return added;
    (ends_left ? end : begin) = middle;
  }
  // Its whole is known to who asks.
  if (begin != 0) {
    const absl::Status added = AddHashOf(begin, end, read, proof);
    if (!added.ok()) return added;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

// RFC 9162, section 2.1.3.2.
absl::StatusOr<TreeHash> RootFromInclusion(uint64_t index, uint64_t size,
                                           const TreeHash& leaf,
                                           absl::Span<const TreeHash> proof) {
  if (index >= size || size > kTreeSizeMax) {
    return NoProof("the leaf is not in the tree");
  }
  uint64_t at = index;
  uint64_t last = size - 1;
  TreeHash hash = leaf;
  for (const TreeHash& next : proof) {
    if (last == 0) return NoProof("it is too long");
    if (at % 2 == 1 || at == last) {
      hash = HashNode(next, hash);
      const int shift = std::countr_zero(at);  // `at` is not 0, or `last` was.
      at >>= shift;
      last >>= shift;
    } else {
      hash = HashNode(hash, next);
    }
    at >>= 1;
    last >>= 1;
  }
  if (last != 0) return NoProof("it is too short");
  return hash;
}

absl::Status CheckInclusion(uint64_t index, uint64_t size, const TreeHash& leaf,
                            absl::Span<const TreeHash> proof,
                            const TreeHash& root) {
  const absl::StatusOr<TreeHash> found =
      RootFromInclusion(index, size, leaf, proof);
  if (!found.ok()) return found.status();
  return View(*found) == View(root) ? absl::OkStatus() : Elsewhere();
}

absl::Status CheckSubtreeInclusion(uint64_t index, uint64_t begin, uint64_t end,
                                   const TreeHash& leaf,
                                   absl::Span<const TreeHash> proof,
                                   const TreeHash& root) {
  if (!IsSubtree(begin, end) || index < begin) {
    return NoProof("no tree has that subtree with that leaf");
  }
  return CheckInclusion(index - begin, end - begin, leaf, proof, root);
}

absl::Status CheckConsistency(uint64_t from, uint64_t to,
                              const TreeHash& from_root,
                              const TreeHash& to_root,
                              absl::Span<const TreeHash> proof) {
  // Of nothing, a subtree is that of any tree; a tree of nothing is one.
  if (from == to && from_root != to_root) return Elsewhere();
  if (from == 0 && to != 0) return NoProof("a tree of nothing begins any");
  return CheckSubtreeConsistency(0, from, to, from_root, to_root, proof);
}

absl::Status CheckSubtreeConsistency(uint64_t begin, uint64_t end, uint64_t to,
                                     const TreeHash& subtree_root,
                                     const TreeHash& to_root,
                                     absl::Span<const TreeHash> proof) {
  if (end > to || to > kTreeSizeMax) return NoProof("the tree ends before");
  if (begin == end) {
    if (!proof.empty()) return NoProof("it is too long");
    return View(subtree_root) == View(EmptyTreeHash()) ? absl::OkStatus()
                                                       : Elsewhere();
  }
  if (!IsSubtree(begin, end)) return NoProof("no tree has that subtree");
  uint64_t first = begin;   // Of the subtree,
  uint64_t last = end - 1;  // its last,
  uint64_t tree = to - 1;   // and that of the tree, at the level reached.
  const auto rise = [&] {
    first >>= 1;
    last >>= 1;
    tree >>= 1;
  };
  const bool ends_with_tree = last == tree;
  while (first != last && (ends_with_tree || last % 2 == 1)) rise();
  TreeHash from_hash = subtree_root;
  if (first != last) {
    if (proof.empty()) return NoProof("it is too short");
    from_hash = proof.front();
    proof.remove_prefix(1);
  }
  TreeHash to_hash = from_hash;
  for (const TreeHash& next : proof) {
    if (tree == 0) return NoProof("it is too long");
    if (last % 2 == 1 || last == tree) {
      if (first < last) from_hash = HashNode(next, from_hash);
      to_hash = HashNode(next, to_hash);
      while (last != 0 && last % 2 == 0) rise();
    } else {
      to_hash = HashNode(to_hash, next);
    }
    rise();
  }
  if (tree != 0) return NoProof("it is too short");
  const bool leads_to_both =
      View(from_hash) == View(subtree_root) && View(to_hash) == View(to_root);
  return leads_to_both ? absl::OkStatus() : Elsewhere();
}

absl::StatusOr<TreeEdge> TreeEdge::Load(uint64_t size,
                                        const ReadSubtree& read) {
  TreeEdge edge;
  edge.size_ = size;
  for (int level = 61; level >= 0; --level) {
    if ((size >> level) % 2 == 0) continue;
    const absl::StatusOr<TreeHash> hash = read(level, (size >> level) - 1);
    if (!hash.ok()) return hash.status();
    edge.edge_.push_back(*hash);
  }
  return edge;
}

void TreeEdge::Append(const TreeHash& leaf, const OnComplete& on_complete) {
  TreeHash hash = leaf;
  int level = 0;
  on_complete(level, size_, hash);
  for (uint64_t rest = size_; rest % 2 == 1; rest >>= 1) {
    hash = HashNode(edge_.back(), hash);
    edge_.pop_back();
    on_complete(++level, rest >> 1, hash);
  }
  edge_.push_back(hash);
  ++size_;
}

void TreeEdge::Append(const TreeHash& leaf) {
  Append(leaf, [](int, uint64_t, const TreeHash&) {});
}

TreeHash TreeEdge::root() const {
  if (edge_.empty()) return EmptyTreeHash();
  TreeHash hash = edge_.back();
  for (auto left = edge_.rbegin() + 1; left != edge_.rend(); ++left) {
    hash = HashNode(*left, hash);
  }
  return hash;
}

}  // namespace concordat

#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_WHOLE_TREE_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_WHOLE_TREE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/evidence/merkle.h"

namespace concordat {

// A tree of which every complete subtree is in memory: about 64 bytes a leaf.
//
// Threads  One at a time.
class WholeTree {
 public:
  void Add(absl::string_view leaf) {
    edge_.Append(HashLeaf(leaf),
                 [this](int level, uint64_t, const TreeHash& hash) {
                   const auto at = static_cast<size_t>(level);
                   if (levels_.size() <= at) levels_.resize(at + 1);
                   levels_[at].push_back(hash);
                 });
  }
  uint64_t size() const { return edge_.size(); }
  TreeHash root() const { return edge_.root(); }
  // The hash of a complete subtree.  OUT_OF_RANGE  there is none.
  absl::StatusOr<TreeHash> Subtree(int level, uint64_t index) const {
    const auto at = static_cast<size_t>(level);
    if (at >= levels_.size() || index >= levels_[at].size()) {
      return absl::OutOfRangeError("the tree is smaller");
    }
    return levels_[at][index];
  }
  //   OUT_OF_RANGE  there is no such leaf.
  absl::StatusOr<std::vector<TreeHash>> Prove(uint64_t index) const {
    return ProveInclusion(index, size(), [this](int level, uint64_t at) {
      return Subtree(level, at);
    });
  }

 private:
  TreeEdge edge_;
  std::vector<std::vector<TreeHash>> levels_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_WHOLE_TREE_H_

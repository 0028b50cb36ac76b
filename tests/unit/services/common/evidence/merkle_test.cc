// Bugs this file catches:
//   leaf and node hashed alike (second preimage)     Tree.LeafIsNoNode
//   a proof that is one hash wrong, short or long    Tree.ProofsAreThoseOf…, ChangedProofs…
//   consistency that does not look at the old root   Tree.ForkIsNoticed
//   an edge that loses a subtree when it is loaded   Edge.GrowsFromAnySize
#include "services/common/evidence/merkle.h"

#include <map>
#include <random>
#include <utility>

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/common/evidence/naive_tree.h"

namespace concordat {
namespace {

using testing::HasCode;
using testing::IsOk;
using testing::Leaves;

constexpr size_t kLeaves = 70;

class Tree : public ::testing::Test {
 protected:
  Tree() {
    TreeEdge edge;
    for (const std::string& leaf : leaves_) {
      edge.Append(
          HashLeaf(leaf), [&](int level, uint64_t index, const TreeHash& hash) {
            EXPECT_TRUE(nodes_.emplace(std::pair(level, index), hash).second);
          });
    }
  }
  Leaves First(size_t count) const { return Leaves(leaves_).subspan(0, count); }
  ReadSubtree Reader() const {
    return [this](int level, uint64_t index) -> absl::StatusOr<TreeHash> {
      const auto it = nodes_.find({level, index});
      if (it == nodes_.end()) return absl::NotFoundError("no such subtree");
      return it->second;
    };
  }

  const std::vector<std::string> leaves_ = testing::SomeLeaves(kLeaves);
  std::map<std::pair<int, uint64_t>, TreeHash> nodes_;
};

TEST_F(Tree, LeafIsNoNode) {
  const TreeHash left = HashLeaf("a");
  const TreeHash right = HashLeaf("b");
  EXPECT_NE(HashLeaf(testing::Text(left) + testing::Text(right)),
            HashNode(left, right));
}

TEST_F(Tree, ProofsAreThoseOfTheRfc) {
  for (size_t size = 0; size <= kLeaves; ++size) {
    const absl::StatusOr<TreeHash> root = RootOf(size, Reader());
    ASSERT_THAT(root, IsOk());
    EXPECT_EQ(*root, testing::NaiveRoot(First(size)));
    for (size_t index = 0; index < size; ++index) {
      const auto proof = ProveInclusion(index, size, Reader());
      ASSERT_THAT(proof, IsOk());
      EXPECT_EQ(*proof, testing::NaivePath(index, First(size)));
      EXPECT_THAT(
          CheckInclusion(index, size, HashLeaf(leaves_[index]), *proof, *root),
          IsOk());
    }
    for (size_t from = 1; from <= size; ++from) {
      const auto proof = ProveConsistency(from, size, Reader());
      ASSERT_THAT(proof, IsOk());
      EXPECT_EQ(*proof, testing::NaiveSubproof(from, First(size), true));
      EXPECT_THAT(CheckConsistency(from, size, testing::NaiveRoot(First(from)),
                                   *root, *proof),
                  IsOk());
    }
  }
}

// A random proof, changed in one way, is never one of that leaf or those sizes.
TEST_F(Tree, ChangedProofsAreRefused) {
  std::mt19937_64 draw(6962);
  for (int turn = 0; turn < 3'000; ++turn) {
    const uint64_t size = 2 + draw() % (kLeaves - 1);
    const uint64_t index = draw() % size;
    auto proof = *ProveInclusion(index, size, Reader());
    const uint64_t from = 1 + draw() % (size - 1);
    auto consistency = *ProveConsistency(from, size, Reader());
    const TreeHash root = testing::NaiveRoot(First(size));
    uint64_t other = index;
    const auto change = [&](std::vector<TreeHash>& hashes) {
      const uint64_t how = draw() % 4;
      const size_t at = draw() % hashes.size();
      if (how == 0) hashes[at][draw() % 32] ^= uint8_t(1u << draw() % 8);
      if (how == 1) hashes.erase(hashes.begin() + static_cast<ptrdiff_t>(at));
      if (how == 2) {
        hashes.insert(hashes.begin() + static_cast<ptrdiff_t>(at), hashes[at]);
      }
      if (how == 3) hashes.push_back(root);
    };
    if (draw() % 5 == 0) {
      other = (index + 1 + draw() % (size - 1)) % size;
    } else {
      change(proof);
    }
    EXPECT_FALSE(
        CheckInclusion(other, size, HashLeaf(leaves_[index]), proof, root)
            .ok());
    change(consistency);
    EXPECT_FALSE(CheckConsistency(from, size, testing::NaiveRoot(First(from)),
                                  root, consistency)
                     .ok());
  }
}

TEST_F(Tree, ForkIsNoticed) {
  std::vector<std::string> forked = leaves_;
  forked[3] = "another";
  const auto proof = *ProveConsistency(5, kLeaves, Reader());
  const TreeHash root = testing::NaiveRoot(leaves_);
  EXPECT_THAT(
      CheckConsistency(5, kLeaves, testing::NaiveRoot(First(5)), root, proof),
      IsOk());
  EXPECT_THAT(CheckConsistency(5, kLeaves,
                               testing::NaiveRoot(Leaves(forked).subspan(0, 5)),
                               root, proof),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(Tree, NoLeafBeyondTheTree) {
  EXPECT_THAT(ProveInclusion(7, 7, Reader()),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(ProveConsistency(8, 7, Reader()),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(CheckInclusion(0, 0, {}, {}, EmptyTreeHash()),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckConsistency(2, 1, {}, {}, {}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckConsistency(0, 1, EmptyTreeHash(), {}, {}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckConsistency(0, 0, EmptyTreeHash(), EmptyTreeHash(), {}),
              IsOk());
  EXPECT_EQ(TreeHashOf("short"), std::nullopt);
}

TEST_F(Tree, EdgeGrowsFromAnySize) {
  for (size_t size = 0; size < kLeaves; ++size) {
    absl::StatusOr<TreeEdge> edge = TreeEdge::Load(size, Reader());
    ASSERT_THAT(edge, IsOk());
    for (size_t more = size; more < kLeaves; ++more) {
      EXPECT_EQ(edge->root(), testing::NaiveRoot(First(more)));
      edge->Append(HashLeaf(leaves_[more]));
    }
    EXPECT_EQ(edge->size(), kLeaves);
  }
}

}  // namespace
}  // namespace concordat

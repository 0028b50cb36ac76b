// What the tree over an access log promises, and the bug each test catches:
//
//   a record left out, twice, or another in its place   SignsWhatIsRecorded
//   a restart that begins another tree                  GoesOnAfterARestart
//   records that were changed are signed anew           RecordsThatWereChanged…
//   fewer records than were signed are signed           FewerRecords…
//   a damaged note stops the bus                        ADamagedNoteSaysNothing
//   one without a key is signed, or not followed        OneThatNobodySigns…
#include "services/common/rpc/access_tree.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/evidence/note.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kOrigin[] = "demo.concordat/access/01/1";

class AccessTreeTest : public ::testing::Test {
 protected:
  void SetUp() override { Record(records_, "first", 5); }

  // So many calls of somebody, into the log on this disk.
  static void Record(FakeDisk& disk, const std::string& who, int count) {
    const auto store = AccessStore::Open(disk);
    ASSERT_THAT(store, IsOk());
    for (int i = 0; i < count; ++i) {
      access::v1::Record record;
      record.mutable_called()->set_principal(absl::StrCat(who, i));
      ASSERT_THAT((*store)->Add(absl::MakeConstSpan(&record, 1)), IsOk());
    }
  }
  absl::Status Open(FakeDisk& records) {
    tree_ = nullptr;
    store_ = *AccessStore::Open(records);
    auto tree = AccessTree::Open(*store_, kOrigin, signer_, kept_);
    if (!tree.ok()) return tree.status();
    tree_ = *std::move(tree);
    return absl::OkStatus();
  }
  void Add(int count) {
    for (int i = 0; i < count; ++i) {
      access::v1::Record record;
      record.mutable_ended()->set_session(static_cast<uint64_t>(i));
      ASSERT_THAT(store_->Add(absl::MakeConstSpan(&record, 1)), IsOk());
    }
  }
  // As whoever has the key reads it.
  Checkpoint Signed() const {
    const auto key =
        MakeVerifier(kOrigin, NoteKeyType::kEd25519, signer_.public_key());
    const auto opened = OpenCheckpoint(tree_->Now().note, *key);
    EXPECT_THAT(opened, IsOk());
    return opened.ok() ? opened->checkpoint : Checkpoint();
  }
  std::vector<std::string> Leaves() const {
    std::vector<std::string> leaves;
    EXPECT_THAT(store_->Read(0,
                             [&](uint64_t, const access::v1::Record&,
                                 absl::string_view bytes) {
                               leaves.emplace_back(bytes);
                               return absl::OkStatus();
                             }),
                IsOk());
    return leaves;
  }
  std::string Trouble() const {
    Troubles troubles;
    tree_->Judge(troubles);
    return troubles.empty() ? "" : troubles.front().what;
  }

  const Ed25519Signer signer_{Ed25519Seed{7}};
  FakeDisk records_;
  FakeDisk kept_;
  std::unique_ptr<AccessStore> store_;
  std::unique_ptr<AccessTree> tree_;
};

TEST_F(AccessTreeTest, SignsWhatIsRecorded) {
  ASSERT_THAT(Open(records_), IsOk());
  Add(20);
  ASSERT_THAT(tree_->Follow(), IsOk());
  const Checkpoint checkpoint = Signed();
  const std::vector<std::string> leaves = Leaves();
  ASSERT_EQ(leaves.size(), 25u);
  ASSERT_EQ(checkpoint.size, 25u);
  for (uint64_t i = 0; i < leaves.size(); ++i) {
    const auto shown = tree_->Show(i, leaves[i], checkpoint.size);
    ASSERT_THAT(shown, IsOk());
    EXPECT_EQ(shown->number(), i);
    EXPECT_THAT(CheckInclusion(i, checkpoint.size, HashLeaf(shown->record()),
                               *TreeHashesOf(shown->proof()), checkpoint.root),
                IsOk());
  }
  EXPECT_THAT(tree_->Show(3, leaves[3], 26),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(Trouble(), "");
}

TEST_F(AccessTreeTest, GoesOnAfterARestart) {
  ASSERT_THAT(Open(records_), IsOk());
  const Checkpoint before = Signed();
  ASSERT_EQ(before.size, 5u);
  ASSERT_THAT(Open(records_), IsOk());
  Add(3);
  ASSERT_THAT(tree_->Follow(), IsOk());
  const Checkpoint after = Signed();
  ASSERT_EQ(after.size, 8u);
  const auto proof = tree_->ProveConsistency(before.size, after.size);
  ASSERT_THAT(proof, IsOk());
  EXPECT_THAT(CheckConsistency(before.size, after.size, before.root, after.root,
                               *proof),
              IsOk());
}

TEST_F(AccessTreeTest, RecordsThatWereChangedAreNotSigned) {
  ASSERT_THAT(Open(records_), IsOk());
  tree_ = nullptr;  // Keeps what it signed.
  FakeDisk others;
  Record(others, "other", 7);
  ASSERT_THAT(Open(others), IsOk());
  EXPECT_THAT(Trouble(), HasSubstr("not those that were signed"));
  EXPECT_EQ(tree_->Now().note, "");
  Add(2);
  EXPECT_THAT(tree_->Follow(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_EQ(tree_->Now().note, "");
}

TEST_F(AccessTreeTest, FewerRecordsThanWereSignedAreNotSigned) {
  ASSERT_THAT(Open(records_), IsOk());
  tree_ = nullptr;
  FakeDisk fewer;
  Record(fewer, "first", 4);
  ASSERT_THAT(Open(fewer), IsOk());
  EXPECT_THAT(Trouble(), HasSubstr("there are 4"));
  Add(5);
  EXPECT_THAT(tree_->Follow(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(AccessTreeTest, ADamagedNoteSaysNothing) {
  ASSERT_THAT(Open(records_), IsOk());
  tree_ = nullptr;
  kept_.Overwrite("access-checkpoint", "rubbish");
  ASSERT_THAT(Open(records_), IsOk());
  EXPECT_EQ(Trouble(), "");
  EXPECT_EQ(Signed().size, 5u);
}

TEST_F(AccessTreeTest, OneThatNobodySignsIsItsTextAlone) {
  store_ = *AccessStore::Open(records_);
  AccessTree tree(*store_, "concordat-nhs/access");
  EXPECT_EQ(tree.Now().note, "");
  ASSERT_THAT(tree.Follow(), IsOk());
  Add(2);
  ASSERT_THAT(tree.Follow(), IsOk());
  const auto checkpoint = ParseCheckpoint(tree.Now().note);
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_EQ(checkpoint->origin, "concordat-nhs/access");
  EXPECT_EQ(checkpoint->size, 7u);
  WholeTree whole;
  for (const std::string& leaf : Leaves()) whole.Add(leaf);
  EXPECT_EQ(checkpoint->root, whole.root());
}

}  // namespace
}  // namespace concordat::testing

// What the tree of a log promises, and the bug each test catches:
//
//   a leaf left out, twice, or in another order        IsTheTreeOfTheLogsSpines
//   a proof of one size given for another              ProvesWhatItSigned
//   a restart that signs another tree                  GoesOnAfterARestart
//   a power cut after which it signs another tree      APowerCutAtEveryCall…
//   a damaged file that is believed                    DamagedFilesAre…, NothingIsProved…
//   a log that was changed under its signature         AChangedLogIsRefused
//   a log that lost events in the same epoch           ALogThatLostEvents…
//   a cut log whose tree signs on as if nothing were   ACutBeginsATreeOfItsOwn
//   retention that changes a leaf                      RetentionChangesNoLeaf
//   a witness's line believed without its key          WitnessesStandBeside…
#include "services/bus/evidence/log_tree.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "services/bus/log/fsck.h"
#include "services/bus/log/segment_scan.h"
#include "services/bus/log/segment_store.h"
#include "services/common/evidence/spine.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::LogTree;
using ::testing::HasSubstr;
using Survives = FakeDisk::Survives;

class LogTreeTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(log_.Open(), IsOk()); }

  // Up to and with event `last`, some to a block.
  void AppendTo(uint64_t last) {
    const auto fields = [this](uint64_t number) {
      TestEvent::Fields of;
      of.id = absl::StrFormat("id-%06u-%u", number, round_);
      of.stream = absl::StrCat("order/", number % 3);
      of.person = static_cast<uint8_t>(number % 4);
      return of;
    };
    ASSERT_THAT(log_.AppendTo(last, fields, 7), IsOk());
  }
  absl::Status OpenTree() {
    tree_ = nullptr;
    auto tree = LogTree::Open(bus::v1::ENVIRONMENT_DEMO, log_.log(), log_.log(),
                              signer_, *disk_);
    if (!tree.ok()) return tree.status();
    tree_ = *std::move(tree);
    return absl::OkStatus();
  }
  // Opens it and follows the log to its end.
  absl::Status Follow() {
    const absl::Status opened =
        tree_ == nullptr ? OpenTree() : absl::OkStatus();
    return opened.ok() ? tree_->Follow() : opened;
  }
  absl::Status ReopenLog() {
    tree_ = nullptr;
    return log_.Open();
  }
  // What the log's own key signed, checked.
  Checkpoint Newest() {
    const LogTree::View now = tree_->Now();
    EXPECT_NE(now.note, nullptr);
    if (now.note == nullptr) return {};
    const auto opened = OpenCheckpoint(*now.note, tree_->key());
    EXPECT_THAT(opened, IsOk());
    return opened->checkpoint;
  }
  // The whole tree, so many leaves at a time.
  absl::StatusOr<uint64_t> VerifyAll(uint64_t at_a_time = UINT64_MAX) {
    const uint64_t size = tree_->Now().checkpoint.size;
    TreeEdge edge;
    do {
      absl::StatusOr<TreeEdge> next = tree_->Verify(edge, size, at_a_time);
      if (!next.ok()) return next.status();
      EXPECT_LE(next->size() - edge.size(), at_a_time);
      edge = *std::move(next);
    } while (edge.size() < size);
    return edge.size();
  }
  std::vector<std::string> Leaves() {
    std::vector<std::string> leaves;
    std::string buffer;
    Sequence at;
    while (at < log_.log().Status().end) {
      const auto last = log_.log().ForEachSpine(
          at, 1, [&](absl::string_view spine) -> absl::Status {
            leaves.emplace_back(*LeafOfSpine(spine, buffer));
            return absl::OkStatus();
          });
      EXPECT_THAT(last, IsOk());
      if (!last.ok()) break;
      at = *last;
    }
    return leaves;
  }
  TreeHash RootOfLog(uint64_t size) {
    const std::vector<std::string> leaves = Leaves();
    TreeEdge edge;
    for (uint64_t i = 0; i < size; ++i) edge.Append(HashLeaf(leaves[i]));
    return edge.root();
  }

  const Ed25519Signer signer_{Ed25519Seed{42}};
  TestLog log_ = TestLog(TestLog::Small());
  std::unique_ptr<FakeDisk> disk_ = std::make_unique<FakeDisk>();
  std::unique_ptr<LogTree> tree_;
  uint32_t round_ = 0;
};

TEST_F(LogTreeTest, IsTheTreeOfTheLogsSpines) {
  AppendTo(600);
  ASSERT_THAT(Follow(), IsOk());
  const std::vector<std::string> leaves = Leaves();
  ASSERT_EQ(leaves.size(), 600u);
  for (uint64_t i = 0; i < leaves.size(); ++i) {
    EXPECT_EQ(DecodeSpine(leaves[i])->sequence.value, i + 1);
    EXPECT_EQ(*tree_->LeafHash({i + 1}), HashLeaf(leaves[i]));
  }
  EXPECT_EQ(Newest().size, 600u);
  EXPECT_EQ(Newest().root, RootOfLog(600));
  EXPECT_THAT(Newest().origin, ::testing::StartsWith("demo.concordat/log/"));
  EXPECT_EQ(*VerifyAll(), 600u);
  EXPECT_EQ(*VerifyAll(77), 600u);
}

TEST_F(LogTreeTest, ProvesWhatItSigned) {
  AppendTo(100);
  ASSERT_THAT(Follow(), IsOk());
  const Checkpoint first = Newest();
  AppendTo(300);
  ASSERT_THAT(Follow(), IsOk());
  const Checkpoint second = Newest();
  const auto consistency = tree_->ProveConsistency(100, 300);
  ASSERT_THAT(consistency, IsOk());
  EXPECT_THAT(CheckConsistency(100, 300, first.root, second.root, *consistency),
              IsOk());
  for (const uint64_t size : {100u, 257u, 300u}) {
    const auto proof = tree_->ProveInclusion({77}, size);
    ASSERT_THAT(proof, IsOk());
    EXPECT_THAT(CheckInclusion(76, size, HashLeaf(Leaves()[76]), *proof,
                               *tree_->RootOf(size)),
                IsOk());
  }
  EXPECT_THAT(tree_->ProveInclusion({301}, 301),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(tree_->ProveInclusion({0}, 300),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(tree_->ProveInclusion({200}, 100),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(tree_->ReadTile({.level = 1, .index = 0, .width = 1}), IsOk());
  EXPECT_THAT(tree_->ReadTile({.level = 1, .index = 0, .width = 2}),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(tree_->ReadTile({.is_entries = true, .width = 1}),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(LogTreeTest, GoesOnAfterARestart) {
  AppendTo(290);
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  AppendTo(400);
  ASSERT_THAT(Follow(), IsOk());  // Not flushed: made anew from there on.
  ASSERT_THAT(ReopenLog(), IsOk());
  AppendTo(555);
  ASSERT_THAT(Follow(), IsOk());
  EXPECT_EQ(Newest().size, 555u);
  EXPECT_EQ(Newest().root, RootOfLog(555));
}

TEST_F(LogTreeTest, AnEmptyLogHasNoCheckpoint) {
  ASSERT_THAT(Follow(), IsOk());
  EXPECT_EQ(tree_->Now().note, nullptr);
  EXPECT_THAT(tree_->Flush(), IsOk());
}

TEST_F(LogTreeTest, APowerCutAtEveryCallChangesNothingSigned) {
  for (const Survives survives :
       {Survives::kNothing, Survives::kEverything, Survives::kSomePages,
        Survives::kSomeSectors}) {
    bool done = false;
    for (uint64_t call = 1; !done; ++call) {
      SCOPED_TRACE(call);
      AppendTo(300);
      tree_ = nullptr;
      disk_ = std::make_unique<FakeDisk>();
      disk_->LosePowerAt(call);
      const auto run = [&](uint64_t size) {
        if (!OpenTree().ok()) return false;
        return tree_->Follow().ok() && tree_->Flush().ok() && size > 0;
      };
      done = run(300);
      disk_->PowerCut(survives, call);
      tree_ = nullptr;
      ASSERT_THAT(Follow(), IsOk());
      ASSERT_EQ(Newest().root, RootOfLog(300));
      ASSERT_EQ(*VerifyAll(), 300u);
    }
  }
}

TEST_F(LogTreeTest, DamagedFilesAreMadeAnew) {
  AppendTo(300);
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  const Checkpoint signed_before = Newest();
  for (const auto& [name, byte] :
       {std::pair("level-0", 290 * 32), std::pair("level-1", 20),
        std::pair("checkpoint", 20)}) {
    SCOPED_TRACE(name);
    tree_ = nullptr;
    disk_->FlipBit(name, static_cast<uint64_t>(8 * byte));
    ASSERT_THAT(Follow(), IsOk());
    EXPECT_EQ(Newest(), signed_before);
    EXPECT_EQ(*VerifyAll(), 300u);
    ASSERT_THAT(tree_->Flush(), IsOk());
  }
  tree_ = nullptr;
  disk_->Drop("level-0");
  ASSERT_THAT(Follow(), IsOk());
  EXPECT_EQ(Newest(), signed_before);
}

// In the middle of the tree nobody looks at the start: no proof is made of it.
TEST_F(LogTreeTest, NothingIsProvedFromADamagedTile) {
  AppendTo(600);
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  tree_ = nullptr;
  disk_->FlipBit("level-0", 8 * 20);
  ASSERT_THAT(Follow(), IsOk());
  EXPECT_THAT(tree_->ProveInclusion({7}, 600),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(VerifyAll(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(VerifyAll(100), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(tree_->ProveInclusion({590}, 600), IsOk());
}

// Another log of the same id, as who could write its files might make it.
TEST_F(LogTreeTest, AChangedLogIsRefused) {
  AppendTo(100);
  const std::unique_ptr<FakeDisk> before = log_.disk().Copy();
  AppendTo(300);
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  tree_ = nullptr;
  log_.set_disk(before->Copy());
  log_.DropIndex();
  ASSERT_THAT(log_.Open(), IsOk());
  round_ = 1;  // From event 101 on they have other ids.
  AppendTo(300);
  EXPECT_THAT(Follow(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(tree_->Now().refused_because, HasSubstr("not the one"));
  EXPECT_EQ(tree_->Now().note, nullptr);

  // The same when its files are gone and it is made anew on its way.
  tree_ = nullptr;
  disk_->Drop("level-0");
  EXPECT_THAT(Follow(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(tree_->Now().refused_because, HasSubstr("not those"));
  EXPECT_EQ(tree_->Now().note, nullptr);
}

TEST_F(LogTreeTest, ALogThatLostEventsIsRefused) {
  AppendTo(100);
  const std::unique_ptr<FakeDisk> before = log_.disk().Copy();
  AppendTo(120);
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  tree_ = nullptr;
  log_.set_disk(before->Copy());
  log_.DropIndex();
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_THAT(Follow(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(tree_->Now().refused_because, HasSubstr("events were lost"));
}

TEST_F(LogTreeTest, ATreeOfAnotherLogIsNotTaken) {
  AppendTo(10);
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  tree_ = nullptr;
  TestLog::Options options = TestLog::Small();
  options.seed = 2;
  TestLog other(options);
  ASSERT_THAT(other.Open(), IsOk());
  EXPECT_THAT(LogTree::Open(bus::v1::ENVIRONMENT_DEMO, other.log(), other.log(),
                            signer_, *disk_),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(LogTreeTest, ACutBeginsATreeOfItsOwn) {
  AppendTo(300);
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  const Checkpoint before = Newest();
  tree_ = nullptr;
  log_.Close();
  bus::LogCut cut{2, 0, 0};
  const auto file = log_.disk().Open(bus::SegmentName(1));
  ASSERT_THAT(bus::ScanSegment(**file, {},
                               [&](const bus::ScannedBlock& block) {
                                 cut.last_kept += block.header.event_count;
                                 return absl::OkStatus();
                               }),
              IsOk());
  ASSERT_THAT(bus::CutLog(log_.disk(), cut, absl::UnixEpoch()), IsOk());
  ASSERT_THAT(log_.Open(), IsOk());
  round_ = 1;
  AppendTo(310);
  ASSERT_THAT(Follow(), IsOk());
  const Checkpoint after = Newest();
  EXPECT_NE(after.origin, before.origin);
  EXPECT_EQ(after.root, RootOfLog(310));
  // Who saw no more than was kept can go on; who saw more cannot.
  const auto kept = tree_->ProveConsistency(cut.last_kept, 310);
  ASSERT_THAT(kept, IsOk());
  EXPECT_THAT(CheckConsistency(cut.last_kept, 310, RootOfLog(cut.last_kept),
                               after.root, *kept),
              IsOk());
  const auto lost = tree_->ProveConsistency(300, 310);
  ASSERT_THAT(lost, IsOk());
  EXPECT_THAT(CheckConsistency(300, 310, before.root, after.root, *lost),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(LogTreeTest, RetentionChangesNoLeaf) {
  AppendTo(600);
  ASSERT_THAT(Follow(), IsOk());
  const Checkpoint before = Newest();
  const auto closed = log_.log().ClosedBefore(UINT64_MAX);
  ASSERT_FALSE(closed.empty());
  for (const auto& segment : closed) {
    ASSERT_THAT(log_.log().Compact(
                    segment.number,
                    [](const bus::EventFacts&) { return false; }, 1'000'000),
                IsOk());
  }
  EXPECT_GT(log_.log().Status().removal.events, 0u);
  EXPECT_EQ(*VerifyAll(), 600u);
  tree_ = nullptr;
  disk_ = std::make_unique<FakeDisk>();
  ASSERT_THAT(Follow(), IsOk());
  EXPECT_EQ(Newest(), before);
}

TEST_F(LogTreeTest, WitnessesStandBesideTheCheckpoint) {
  AppendTo(10);
  ASSERT_THAT(Follow(), IsOk());
  const Note note = *ParseNote(*tree_->Now().note);
  const Ed25519Signer witness(Ed25519Seed{5});
  const NoteVerifier key = *MakeVerifier(
      "police.example/w", NoteKeyType::kCosignature, witness.public_key());
  const std::string line =
      SignatureLine(Cosign(note.text, key.name, 1'700'000'000, witness));
  EXPECT_THAT(tree_->AddCosignature(11, line, key),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(tree_->AddCosignature(10, "no line", key),
              HasCode(absl::StatusCode::kInvalidArgument));
  const NoteVerifier other = *MakeVerifier(
      "police.example/w", NoteKeyType::kCosignature, signer_.public_key());
  EXPECT_THAT(tree_->AddCosignature(10, line, other),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(tree_->Now().cosigned, "");
  AppendTo(20);
  ASSERT_THAT(Follow(), IsOk());  // The witness may be a little late.
  EXPECT_THAT(tree_->AddCosignature(10, line, key), IsOk());
  ASSERT_THAT(tree_->Flush(), IsOk());
  ASSERT_THAT(ReopenLog(), IsOk());
  ASSERT_THAT(OpenTree(), IsOk());
  const auto cosigned =
      OpenCheckpoint(tree_->Now().cosigned, tree_->key(), {key});
  ASSERT_THAT(cosigned, IsOk());
  EXPECT_EQ(cosigned->checkpoint.size, 10u);
  EXPECT_EQ(cosigned->cosignatures.size(), 1u);
}

}  // namespace
}  // namespace concordat::testing

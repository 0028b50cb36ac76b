// Bugs this file catches:
//   a fork whose proof is not looked at              Watch.AForkIsAnAlarm…
//   two trees of one size that pass                  Watch.TwoTreesOfOneSize…
//   a checkpoint of anybody taken for the log's      Watch.AnothersSignature…
//   cosigned before it is kept, or without a proof   Watch.CosignsWhatItKept…
//   a restart that forgets                           Watch.GoesOnFromWhatWasKept
//   a restored log that passes as if nothing were    Watch.AnEpochThatLost…
#include "services/common/bus_client/checkpoint_watch.h"

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;

// A log that signs what it likes.
class FakeLog {
 public:
  explicit FakeLog(std::string origin = "demo.concordat/log/0a/1")
      : origin_(std::move(origin)) {}
  void GrowTo(uint64_t size, const std::string& what = "event") {
    while (edge_.size() < size) {
      edge_.Append(HashLeaf(absl::StrCat(what, edge_.size())),
                   [this](int level, uint64_t index, const TreeHash& hash) {
                     nodes_[{level, index}] = hash;
                   });
    }
  }
  std::string Sign(const Ed25519Signer& signer) const {
    return SignCheckpoint({origin_, edge_.size(), edge_.root(), {}}, signer);
  }
  bus::v1::Consistency Prove(const bus::v1::ProveConsistency& question) const {
    bus::v1::Consistency answer;
    answer.set_request(question.request());
    const auto proof = ProveConsistency(
        question.from_size(), question.to_size(),
        [this](int level, uint64_t index) -> absl::StatusOr<TreeHash> {
          return nodes_.at({level, index});
        });
    for (const TreeHash& hash : *proof) {
      answer.add_hashes(std::string(hash.begin(), hash.end()));
    }
    return answer;
  }

 private:
  const std::string origin_;
  TreeEdge edge_;
  std::map<std::pair<int, uint64_t>, TreeHash> nodes_;
};

class Watch : public ::testing::Test {
 protected:
  std::unique_ptr<CheckpointWatch> Make() {
    CheckpointWatchOptions options;
    options.log_key = signer_.public_key();
    options.witness_name = "police.example/w";
    options.witness = witness_;
    options.keep = [this](absl::string_view name, absl::string_view bytes) {
      if (disk_fails_) return absl::UnavailableError("a failing disk");
      disk_[std::string(name)] = std::string(bytes);
      return absl::OkStatus();
    };
    options.posix_seconds = [] { return uint64_t{1'700'000'000}; };
    return std::make_unique<CheckpointWatch>(std::move(options),
                                             disk_[CheckpointWatch::kKept],
                                             disk_[CheckpointWatch::kAlarm]);
  }
  // A heartbeat, and the answer to what it makes the client ask.
  void Beat(const FakeLog& log) {
    now_ += absl::Seconds(10);
    watch_->Hear(log.Sign(signer_), now_);
    const auto question = watch_->NextQuestion(now_);
    if (question.has_value()) watch_->Answer(log.Prove(*question));
  }

  const Ed25519Signer signer_{Ed25519Seed{1}};
  const Ed25519Signer witness_{Ed25519Seed{2}};
  std::map<std::string, std::string> disk_;
  bool disk_fails_ = false;
  absl::Duration now_;
  std::unique_ptr<CheckpointWatch> watch_ = Make();
};

TEST_F(Watch, CosignsWhatItKeptAndChecked) {
  FakeLog log;
  log.GrowTo(5);
  Beat(log);
  EXPECT_EQ(watch_->kept()->size, 5u);
  EXPECT_EQ(watch_->TakeCosignature()->size(), 5u);
  log.GrowTo(300);
  now_ += absl::Seconds(10);
  watch_->Hear(log.Sign(signer_), now_);
  const auto question = watch_->NextQuestion(now_);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->from_size(), 5u);
  EXPECT_EQ(watch_->TakeCosignature(), std::nullopt);  // Not proved yet.
  watch_->Answer(log.Prove(*question));
  const auto cosign = watch_->TakeCosignature();
  ASSERT_TRUE(cosign.has_value());
  EXPECT_EQ(cosign->size(), 300u);
  const auto key = MakeVerifier("police.example/w", NoteKeyType::kCosignature,
                                witness_.public_key());
  const auto note = ParseNote(log.Sign(signer_));
  EXPECT_TRUE(Verifies(note->text, *ParseSignatureLine(cosign->line()), *key));
  EXPECT_EQ(watch_->alarm(), "");

  log.GrowTo(301);
  disk_fails_ = true;
  Beat(log);
  EXPECT_EQ(watch_->TakeCosignature(), std::nullopt);
  EXPECT_EQ(watch_->kept()->size, 300u);
}

TEST_F(Watch, AForkIsAnAlarmThatStays) {
  FakeLog log;
  log.GrowTo(20);
  Beat(log);
  FakeLog forked;
  forked.GrowTo(10);
  forked.GrowTo(40, "another");
  Beat(forked);
  EXPECT_THAT(watch_->alarm(), HasSubstr("not the one"));
  EXPECT_EQ(watch_->kept()->size, 20u);
  // Both trees are there for who has to judge.
  EXPECT_THAT(disk_[CheckpointWatch::kAlarm], HasSubstr("\n20\n"));
  EXPECT_THAT(disk_[CheckpointWatch::kAlarm], HasSubstr("\n40\n"));
  watch_->TakeCosignature();
  log.GrowTo(50);
  Beat(log);
  EXPECT_EQ(watch_->TakeCosignature(), std::nullopt);
  EXPECT_THAT(Make()->alarm(), HasSubstr("not the one"));
}

TEST_F(Watch, TwoTreesOfOneSizeAreAnAlarm) {
  FakeLog log;
  log.GrowTo(20);
  Beat(log);
  FakeLog other;
  other.GrowTo(20, "another");
  Beat(other);
  EXPECT_THAT(watch_->alarm(), HasSubstr("two trees"));
}

TEST_F(Watch, AnothersSignatureIsAnAlarm) {
  FakeLog log;
  log.GrowTo(20);
  watch_->Hear(log.Sign(witness_), now_);
  EXPECT_THAT(watch_->alarm(), HasSubstr("did not sign"));
  EXPECT_EQ(watch_->kept(), std::nullopt);
}

TEST_F(Watch, GoesOnFromWhatWasKept) {
  FakeLog log;
  log.GrowTo(20);
  Beat(log);
  watch_ = Make();
  EXPECT_EQ(watch_->kept()->size, 20u);
  FakeLog other;
  other.GrowTo(30, "another");
  Beat(other);
  EXPECT_THAT(watch_->alarm(), HasSubstr("not the one"));
}

TEST_F(Watch, AsksAgainAfterALostSessionAndWhenTheBusCannotSay) {
  FakeLog log;
  log.GrowTo(20);
  Beat(log);
  log.GrowTo(21);
  now_ += absl::Seconds(10);
  watch_->Hear(log.Sign(signer_), now_);
  ASSERT_TRUE(watch_->NextQuestion(now_).has_value());
  EXPECT_FALSE(watch_->NextQuestion(now_).has_value());
  watch_->Lost();
  log.GrowTo(22);
  now_ += absl::Seconds(10);
  watch_->Hear(log.Sign(signer_), now_);
  const auto question = watch_->NextQuestion(now_);
  ASSERT_TRUE(question.has_value());
  bus::v1::Consistency cannot;
  cannot.set_request(question->request());
  cannot.set_detail("no such tree yet");
  watch_->Answer(cannot);
  EXPECT_EQ(watch_->alarm(), "");
  log.GrowTo(23);
  Beat(log);
  EXPECT_EQ(watch_->kept()->size, 23u);
}

TEST_F(Watch, IsNotAskedMoreOftenThanIsDue) {
  FakeLog log;
  log.GrowTo(20);
  Beat(log);
  log.GrowTo(21);
  watch_->Hear(log.Sign(signer_), now_ + absl::Seconds(1));
  EXPECT_FALSE(watch_->NextQuestion(now_ + absl::Seconds(1)).has_value());
}

TEST_F(Watch, AnEpochThatLostEventsIsAnAlarmAndIsGoneOnWith) {
  FakeLog log;
  log.GrowTo(20);
  Beat(log);
  FakeLog kept_all("demo.concordat/log/0a/7");
  kept_all.GrowTo(25);
  Beat(kept_all);
  EXPECT_EQ(watch_->alarm(), "");
  EXPECT_EQ(watch_->kept()->size, 25u);
  FakeLog lost("demo.concordat/log/0a/9");
  lost.GrowTo(22);
  Beat(lost);
  EXPECT_THAT(watch_->alarm(), HasSubstr("lost events"));
  EXPECT_EQ(watch_->kept()->size, 22u);
}

TEST_F(Watch, AnotherLogIsAnAlarm) {
  FakeLog log;
  log.GrowTo(20);
  Beat(log);
  FakeLog other("demo.concordat/log/0b/1");
  other.GrowTo(25);
  Beat(other);
  EXPECT_THAT(watch_->alarm(), HasSubstr("another log"));
}

}  // namespace
}  // namespace concordat

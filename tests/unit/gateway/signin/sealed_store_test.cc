// Mutant                                              Caught by
// a draft is in the file as it was written            TheFileTellsNothing
// anybody's draft opens by its name                   ADraftIsOnePersonsInOneRole
// the limit counts other people's, or never           SoManyDraftsAndNoMore
// replacing one counts as one more                    SoManyDraftsAndNoMore
// old drafts stay                                     DraftsAreForgottenAfterAWhile
// a choice loses its reason                           KeepsWhoChoseWhatAndWhy
// a draft, or a reason, about who is erased stays     ForgetsWhoIsErased
// somebody else's goes, or who looked and for what    the same
// what went is in the files still                     the same
// what does not open hides the rest                   ForgetsAllThatOpens
#include "gateway/signin/sealed_store.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::gateway {
namespace {

using concordat::testing::FakeClock;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::SeededRandom;
using concordat::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

class SealedStoreTest : public ::testing::Test {
 protected:
  SealedStoreTest() { Open("secret"); }
  void Open(const std::string& secret) {
    store_ = nullptr;
    store_ = SealedStore::Open(folder_.PathOf("s.db"), secret, clock_, random_)
                 .value();
  }
  std::vector<std::string> Names(const Person& person) {
    std::vector<std::string> names;
    const auto drafts = store_->ListDrafts(person);
    for (const Draft& draft : drafts.value()) names.push_back(draft.name);
    return names;
  }

  TempDir folder_;
  FakeClock clock_;
  SeededRandom random_;
  const Person mc_ = {.account = "mc", .principal = "coordinator"};
  const Person police_ = {.account = "police", .principal = "police"};
  std::unique_ptr<SealedStore> store_;
};

TEST_F(SealedStoreTest, GivesADraftBackAfterARestart) {
  ASSERT_THAT(store_->PutDraft(mc_, "note 1", R"({"a":"\n"})"), IsOk());
  Open("secret");
  const auto draft = store_->GetDraft(mc_, "note 1");
  ASSERT_THAT(draft, IsOk());
  EXPECT_EQ(draft->text, R"({"a":"\n"})");
  EXPECT_EQ(draft->name, "note 1");
  EXPECT_EQ(draft->saved,
            absl::FromUnixMicros(absl::ToUnixMicros(clock_.Now())));
}

TEST_F(SealedStoreTest, ReplacesAndDrops) {
  ASSERT_THAT(store_->PutDraft(mc_, "a", "1"), IsOk());
  ASSERT_THAT(store_->PutDraft(mc_, "a", "2"), IsOk());
  ASSERT_THAT(store_->PutDraft(mc_, "b", "3"), IsOk());
  EXPECT_EQ(store_->GetDraft(mc_, "a")->text, "2");
  EXPECT_THAT(Names(mc_), ::testing::ElementsAre("a", "b"));
  EXPECT_THAT(store_->DropDraft(mc_, "a"), IsOk());
  EXPECT_THAT(store_->DropDraft(mc_, "a"), IsOk());
  EXPECT_THAT(store_->GetDraft(mc_, "a"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Names(mc_), ::testing::ElementsAre("b"));
}

TEST_F(SealedStoreTest, ADraftIsOnePersonsInOneRole) {
  ASSERT_THAT(store_->PutDraft(mc_, "a", "1"), IsOk());
  Person moved = mc_;
  moved.principal = "police";
  for (const Person& other : {police_, moved, Person{.account = "m"}}) {
    EXPECT_THAT(store_->GetDraft(other, "a"),
                HasCode(absl::StatusCode::kNotFound));
    EXPECT_TRUE(Names(other).empty());
    ASSERT_THAT(store_->DropDraft(other, "a"), IsOk());
  }
  EXPECT_THAT(store_->GetDraft(mc_, "a"), IsOk());
}

TEST_F(SealedStoreTest, TheFileTellsNothing) {
  ASSERT_THAT(store_->PutDraft(mc_, "p-subject", "Morven Lunan"), IsOk());
  ASSERT_THAT(store_->Record({.at = clock_.Now(),
                              .account = "mc",
                              .subject = "p-subject",
                              .reason = "because of Morven"}),
              IsOk());
  store_ = nullptr;
  std::string all;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_.path())) {
    std::ifstream in(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_GT(all.size(), 100u);
  for (const char* word : {"Morven", "p-subject", "coordinator", "because"}) {
    EXPECT_THAT(all, Not(HasSubstr(word)));
  }
}

TEST_F(SealedStoreTest, AnotherSecretOpensNothing) {
  ASSERT_THAT(store_->PutDraft(mc_, "a", "1"), IsOk());
  Open("another");
  EXPECT_THAT(store_->GetDraft(mc_, "a"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_TRUE(Names(mc_).empty());
}

TEST_F(SealedStoreTest, SoManyDraftsAndNoMore) {
  for (size_t i = 0; i < kDraftsMax; ++i) {
    ASSERT_THAT(store_->PutDraft(mc_, absl::StrCat("d", i), "x"), IsOk());
  }
  EXPECT_THAT(store_->PutDraft(mc_, "one more", "x"),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(store_->PutDraft(mc_, "d0", "y"), IsOk());
  EXPECT_THAT(store_->PutDraft(police_, "d0", "y"), IsOk());
  EXPECT_THAT(store_->DropDraft(mc_, "d1"), IsOk());
  EXPECT_THAT(store_->PutDraft(mc_, "one more", "x"), IsOk());
}

TEST_F(SealedStoreTest, ADraftHasASize) {
  EXPECT_THAT(store_->PutDraft(mc_, "a", std::string(kDraftBytesMax, 'x')),
              IsOk());
  const auto no = HasCode(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(store_->PutDraft(mc_, "a", std::string(kDraftBytesMax + 1, 'x')),
              no);
  EXPECT_THAT(store_->PutDraft(mc_, "", "x"), no);
  EXPECT_THAT(store_->PutDraft(mc_, std::string(129, 'x'), "x"), no);
  EXPECT_THAT(store_->PutDraft(mc_, "a\nb", "x"), no);
}

TEST_F(SealedStoreTest, DraftsAreForgottenAfterAWhile) {
  ASSERT_THAT(store_->PutDraft(mc_, "a", "1"), IsOk());
  clock_.Advance(kDraftLifetime);
  EXPECT_THAT(store_->GetDraft(mc_, "a"), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(store_->GetDraft(mc_, "a"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_TRUE(Names(mc_).empty());
}

TEST_F(SealedStoreTest, KeepsWhoChoseWhatAndWhy) {
  const PurposeChoice first = {.at = clock_.Now(),
                               .account = "mc",
                               .principal = "coordinator",
                               .staff = "S-1",
                               .subject = "p-1",
                               .purpose = "MAPPA_RISK_MANAGEMENT",
                               .reason = "He rang.\nTwice.",
                               .task = "A-417"};
  ASSERT_THAT(store_->Record(first), IsOk());
  ASSERT_THAT(store_->Record({.at = clock_.Now(), .account = "police"}),
              IsOk());
  Open("secret");
  const auto choices = store_->Choices();
  ASSERT_THAT(choices, IsOk());
  ASSERT_EQ(choices->size(), 2u);
  const PurposeChoice& read = (*choices)[0];
  EXPECT_EQ(read.account, "mc");
  EXPECT_EQ(read.principal, "coordinator");
  EXPECT_EQ(read.staff, "S-1");
  EXPECT_EQ(read.subject, "p-1");
  EXPECT_EQ(read.purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(read.reason, "He rang.\nTwice.");
  EXPECT_EQ(read.task, "A-417");
  EXPECT_EQ((*choices)[1].account, "police");
  EXPECT_EQ((*choices)[1].reason, "");
}

TEST_F(SealedStoreTest, ForgetsWhoIsErased) {
  ASSERT_THAT(store_->PutDraft(mc_, "minute p-7", "he said"), IsOk());
  ASSERT_THAT(store_->PutDraft(police_, "note", R"({"subject":"p-7"})"),
              IsOk());
  ASSERT_THAT(store_->PutDraft(mc_, "minute p-8", "she said"), IsOk());
  const auto choose = [this](const char* subject, const char* reason) {
    return store_->Record({.at = clock_.Now(),
                           .account = "mc",
                           .principal = "coordinator",
                           .staff = "S-1",
                           .subject = subject,
                           .purpose = "MAPPA_RISK_MANAGEMENT",
                           .reason = reason,
                           .task = "A-417"});
  };
  ASSERT_THAT(choose("p-7", "He rang.\nTwice."), IsOk());
  ASSERT_THAT(choose("p-8", "She rang."), IsOk());
  ASSERT_THAT(choose("", "The board asked for p-7."), IsOk());
  ASSERT_THAT(choose("p-7", ""), IsOk());
  const auto sealed = [this] {
    std::vector<std::string> all;
    auto db =
        Database::Open(folder_.PathOf("s.db"), Database::Durability::kFull)
            .value();
    EXPECT_THAT(
        db->Query(
            "SELECT sealed FROM draft UNION ALL SELECT sealed FROM choice", {},
            [&](const SqlRow& row) { all.push_back(row.Text(0)); }),
        IsOk());
    return all;
  };
  const auto before = sealed();

  // As from another process than the gateway's, which has the file open.
  const auto other =
      SealedStore::Open(folder_.PathOf("s.db"), "secret", clock_, random_);
  ASSERT_THAT(other, IsOk());
  const auto went = (*other)->Forget("p-7");
  ASSERT_THAT(went, IsOk());
  EXPECT_EQ(*went, 4u);
  EXPECT_EQ((*other)->Forget("p-7").value(), 0u);

  EXPECT_THAT(Names(mc_), ::testing::ElementsAre("minute p-8"));
  EXPECT_TRUE(Names(police_).empty());
  const auto choices = store_->Choices();
  ASSERT_THAT(choices, IsOk());
  ASSERT_EQ(choices->size(), 4u);
  const PurposeChoice& kept = (*choices)[0];
  EXPECT_EQ(kept.reason, "");
  EXPECT_EQ(kept.subject, "p-7");
  EXPECT_EQ(kept.staff, "S-1");
  EXPECT_EQ(kept.purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(kept.task, "A-417");
  EXPECT_EQ((*choices)[1].reason, "She rang.");
  EXPECT_EQ((*choices)[2].reason, "");
  // Nor are the sealed bytes of before, which the secret would open.
  const auto after = sealed();
  std::string files;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_.path())) {
    std::ifstream in(entry.path(), std::ios::binary);
    files.append(std::istreambuf_iterator<char>(in), {});
  }
  int gone = 0;
  for (const std::string& one : before) {
    const bool stays =
        std::find(after.begin(), after.end(), one) != after.end();
    gone += !stays;
    EXPECT_EQ(files.find(one) != std::string::npos, stays);
  }
  EXPECT_EQ(gone, 4);
}

TEST_F(SealedStoreTest, ForgetsAllThatOpens) {
  ASSERT_THAT(store_->PutDraft(mc_, "a", "p-7"), IsOk());
  Open("another");
  ASSERT_THAT(store_->PutDraft(mc_, "b", "p-7"), IsOk());
  EXPECT_THAT(store_->Forget("p-7"), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(Names(mc_).empty());
  Open("secret");
  EXPECT_THAT(Names(mc_), ::testing::ElementsAre("a"));
}

}  // namespace
}  // namespace concordat::gateway

// Mutants, each with the test that catches it:
//   no sync, or OK before it               LosesNothingThatItTookWhenPowerGoes
//   goes on after a failed write           TakesNothingMoreAfterAFailedWrite
//   message sent again taken twice         TakesAMessageThatComesTwiceOnce
//   keys forgotten when rewritten          TakesAMessageThatComesTwiceOnce
//   counts doubled when rewritten          CountsAreTheSameAfterARewrite
//   bound not there, or counts finished    RefusesWhatIsOverItsBound
//   sealed with nothing, or not at all     NothingOnDiskCanBeRead
//   what is erased stays in the journal    ErasesAPersonAndWhatPeopleDid
//   outsiders stay in the journal          DropsOutsidersAsSoonAsNothingWaits
//   records can be swapped                 RefusesAJournalThatWasChanged
//   torn tail refused, damage cut off      CutsATornTail, RefusesAJournal...
#include "adapters/core/edge_store.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::edge {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::SeededRandom;

const std::string kKey(32, 'k');

// A disk in memory that forgets what was not synced, and fails on demand.
class CrashingDirectory : public Directory {
 public:
  struct Content {
    std::string now;
    std::string synced;
  };

  // The call after `calls` more fails, and every one after it.
  void FailAfter(int calls) { calls_left_ = calls; }
  int calls() const { return calls_; }
  // Power cut: a part of what was not synced may be there.
  void Crash(size_t torn_bytes) {
    calls_left_ = -1;
    names_ = synced_names_;
    for (auto& [name, content] : names_) {
      const std::string& now = content->now;
      std::string& kept = content->synced;
      if (now.size() > kept.size()) {
        kept += now.substr(kept.size(),
                           std::min(torn_bytes, now.size() - kept.size()));
      }
      content->now = kept;
    }
  }
  std::string& Bytes(const std::string& name) { return names_.at(name)->now; }

  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view name) override {
    const auto at = names_.find(std::string(name));
    if (at == names_.end()) return absl::NotFoundError("no file");
    return std::make_unique<OpenFile>(*this, at->second);
  }
  absl::StatusOr<std::unique_ptr<File>> Create(
      absl::string_view name) override {
    if (!Call()) return absl::UnavailableError("injected");
    if (names_.contains(std::string(name))) {
      return absl::AlreadyExistsError("there");
    }
    names_[std::string(name)] = std::make_shared<Content>();
    return Open(name);
  }
  absl::Status Rename(absl::string_view from, absl::string_view to) override {
    if (!Call()) return absl::UnavailableError("injected");
    names_[std::string(to)] = names_.at(std::string(from));
    names_.erase(std::string(from));
    return absl::OkStatus();
  }
  absl::Status Remove(absl::string_view name) override {
    return names_.erase(std::string(name)) > 0 ? absl::OkStatus()
                                               : absl::NotFoundError("none");
  }
  absl::StatusOr<std::vector<std::string>> List() const override {
    std::vector<std::string> all;
    for (const auto& [name, content] : names_) all.push_back(name);
    return all;
  }
  absl::Status Sync() override {
    if (!Call()) return absl::UnavailableError("injected");
    synced_names_ = names_;
    return absl::OkStatus();
  }

 private:
  class OpenFile : public File {
   public:
    OpenFile(CrashingDirectory& disk, std::shared_ptr<Content> content)
        : disk_(disk), content_(std::move(content)) {}
    absl::Status Write(uint64_t offset, absl::string_view bytes) override {
      if (!disk_.Call()) return absl::UnavailableError("injected");
      content_->now.resize(
          std::max<size_t>(content_->now.size(), offset + bytes.size()));
      content_->now.replace(offset, bytes.size(), std::string(bytes));
      return absl::OkStatus();
    }
    absl::Status Sync() override {
      if (!disk_.Call()) return absl::UnavailableError("injected");
      content_->synced = content_->now;
      return absl::OkStatus();
    }
    absl::Status Read(uint64_t offset, size_t count, char* out) const override {
      if (offset + count > content_->now.size()) {
        return absl::OutOfRangeError("end");
      }
      content_->now.copy(out, count, offset);
      return absl::OkStatus();
    }
    absl::StatusOr<uint64_t> Size() const override {
      return content_->now.size();
    }

   private:
    CrashingDirectory& disk_;
    const std::shared_ptr<Content> content_;
  };

  bool Call() {
    ++calls_;
    if (calls_left_ < 0) return true;
    if (calls_left_ == 0) return false;
    --calls_left_;
    return true;
  }

  std::map<std::string, std::shared_ptr<Content>> names_;
  std::map<std::string, std::shared_ptr<Content>> synced_names_;
  int calls_left_ = -1;
  int calls_ = 0;
};

MessageKey Key(int number) {
  MessageKey key = {};
  key[0] = static_cast<uint8_t>(number);
  key[1] = static_cast<uint8_t>(number >> 8);
  return key;
}

Verdict Becomes(v1::Outcome outcome) {
  Verdict verdict;
  verdict.outcome = outcome;
  verdict.reason = "reason";
  verdict.message_type = "ADT^A01";
  verdict.words = "admitted";
  return verdict;
}

WaitingMessage Message(uint64_t received_us) {
  WaitingMessage message;
  message.received_us = received_us;
  message.message = "MSH|^~\\&|PAS";
  return message;
}

Verdict Reject(const std::string& reason) {
  Verdict verdict = Becomes(v1::OUTCOME_REFUSED);
  verdict.reason = reason;
  return verdict;
}

class EdgeStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<EdgeStore> Open(EdgeLimits limits = EdgeLimits()) {
    auto store = EdgeStore::Open(disk_, kKey, random_, limits);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  CrashingDirectory disk_;
  SeededRandom random_;
};

TEST_F(EdgeStoreTest, KeepsEverythingOverARestart) {
  auto store = Open();
  ASSERT_THAT(store->Accept(Key(1), 11, "one"), IsOk());
  ASSERT_THAT(store->Accept(Key(2), 12, "two"), IsOk());
  ASSERT_THAT(store->Finish(1, Becomes(v1::OUTCOME_HELD)), IsOk());
  ASSERT_THAT(store->CountNotInCohort(), IsOk());
  ASSERT_THAT(store->Refuse(Message(13), Reject("cut off")), IsOk());

  store = Open();
  const auto oldest = store->Oldest();
  ASSERT_TRUE(oldest.has_value());
  EXPECT_EQ(oldest->number, 2u);
  EXPECT_EQ(oldest->message, "two");
  EXPECT_EQ(oldest->received_us, 12u);
  EXPECT_EQ(oldest->key, Key(2));
  const EdgeCounts counts = store->counts();
  EXPECT_EQ(counts.held, 1u);
  EXPECT_EQ(counts.waiting, 1u);
  EXPECT_EQ(counts.not_in_cohort, 1u);
  EXPECT_EQ(counts.refused, 1u);
  const auto items = store->items();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].verdict.words, "admitted");
  EXPECT_EQ(items[1].verdict.outcome, v1::OUTCOME_REFUSED);
  EXPECT_EQ(items[1].verdict.reason, "cut off");
  EXPECT_EQ(items[1].message.received_us, 13u);
}

TEST_F(EdgeStoreTest, TakesAMessageThatComesTwiceOnce) {
  auto store = Open();
  for (int restart = 0; restart < 3; ++restart) {
    ASSERT_THAT(store->Accept(Key(1), 1, "one"), IsOk());
    EXPECT_EQ(store->counts().waiting, restart == 0 ? 1u : 0u);
    if (restart == 0) {
      ASSERT_THAT(store->Accept(Key(1), 1, "one"), IsOk());
      ASSERT_THAT(store->Finish(1, Becomes(v1::OUTCOME_PUBLISHED)), IsOk());
      // The journal is rewritten for another's sake.
      ASSERT_THAT(store->Accept(Key(2), 2, "outsider"), IsOk());
      ASSERT_THAT(store->Finish(2, Becomes(v1::OUTCOME_NOT_IN_COHORT)), IsOk());
    }
    store = Open();
  }
  EXPECT_EQ(store->counts().published, 1u);
  EXPECT_FALSE(store->Oldest().has_value());
}

TEST_F(EdgeStoreTest, CountsAreTheSameAfterARewrite) {
  auto store = Open();
  ASSERT_THAT(store->Accept(Key(1), 1, "held"), IsOk());
  ASSERT_THAT(store->Finish(1, Becomes(v1::OUTCOME_HELD)), IsOk());
  ASSERT_THAT(store->Refuse(Message(2), Reject("not HL7")), IsOk());
  ASSERT_THAT(store->CountNotInCohort(), IsOk());
  ASSERT_THAT(store->Accept(Key(3), 3, "outsider"), IsOk());
  ASSERT_THAT(store->Finish(3, Becomes(v1::OUTCOME_NOT_IN_COHORT)), IsOk());
  for (int restart = 0; restart < 2; ++restart) {
    const EdgeCounts counts = store->counts();
    EXPECT_EQ(counts.held, 1u);
    EXPECT_EQ(counts.refused, 1u);
    EXPECT_EQ(counts.not_in_cohort, 2u);
    EXPECT_EQ(store->items().size(), 2u);
    store = Open();
  }
  // Numbers go on.
  ASSERT_THAT(store->Accept(Key(4), 4, "next"), IsOk());
  EXPECT_EQ(store->Oldest()->number, 4u);
}

TEST_F(EdgeStoreTest, DropsOutsidersAsSoonAsNothingWaits) {
  auto store = Open();
  const size_t before = disk_.Bytes("journal").size();
  const std::string message(5000, 'x');
  ASSERT_THAT(store->Accept(Key(1), 1, message), IsOk());
  ASSERT_THAT(store->Accept(Key(2), 2, message), IsOk());
  ASSERT_THAT(store->Finish(1, Becomes(v1::OUTCOME_NOT_IN_COHORT)), IsOk());
  EXPECT_GT(disk_.Bytes("journal").size(), before + 10000);
  ASSERT_THAT(store->Finish(2, Becomes(v1::OUTCOME_NOT_IN_COHORT)), IsOk());
  EXPECT_LT(disk_.Bytes("journal").size(), before + 200);
}

TEST_F(EdgeStoreTest, ErasesAPersonAndWhatPeopleDid) {
  const PersonKey erased({7});
  auto store = Open();
  const size_t before = disk_.Bytes("journal").size();
  Verdict held = Becomes(v1::OUTCOME_HELD);
  held.subject = erased;
  ASSERT_THAT(store->Accept(Key(1), 1, std::string(5000, 'x')), IsOk());
  ASSERT_THAT(store->Finish(1, held), IsOk());
  ASSERT_THAT(store->Accept(Key(2), 2, std::string(5000, 'x')), IsOk());
  ASSERT_THAT(store->Finish(2, held), IsOk());
  Act act;
  act.item = 2;
  act.kind = v1::ACT_KIND_RELEASE;
  act.by = "urn:concordat:nhs-tayside:liaison";
  act.request_id = "r-1";
  ASSERT_THAT(store->Begin(act), IsOk());  // Nothing comes of it any more.
  held.subject = PersonKey({8});
  ASSERT_THAT(store->Accept(Key(3), 3, "other"), IsOk());
  ASSERT_THAT(store->Finish(3, held), IsOk());
  const auto destroyed = store->ErasePerson(erased);
  ASSERT_THAT(destroyed, IsOk());
  EXPECT_EQ(*destroyed, 2u);
  EXPECT_LT(disk_.Bytes("journal").size(), before + 2000);
  EXPECT_FALSE(store->OldestAct().has_value());
  for (int restart = 0; restart < 2; ++restart) {
    const auto items = store->items(/*with_ended=*/true);
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0].verdict.subject, PersonKey({8}));
    EXPECT_EQ(store->counts().held, 1u);
    EXPECT_EQ(store->counts().left, 2u);
    // Sent again it is known, and nothing of it is kept.
    ASSERT_THAT(store->Accept(Key(1), 1, "again"), IsOk());
    EXPECT_EQ(store->counts().waiting, 0u);
    store = Open();
  }
  EXPECT_EQ(*store->ErasePerson(erased), 0u);
}

TEST_F(EdgeStoreTest, NothingOnDiskCanBeRead) {
  auto store = Open();
  ASSERT_THAT(store->Accept(Key(1), 1, "BALNAMOON^TORQUIL"), IsOk());
  ASSERT_THAT(store->Finish(1, Becomes(v1::OUTCOME_HELD)), IsOk());
  ASSERT_THAT(store->Accept(Key(1), 1, "BALNAMOON^TORQUIL"), IsOk());
  const std::string& bytes = disk_.Bytes("journal");
  EXPECT_EQ(bytes.find("BALNAMOON"), std::string::npos);
  EXPECT_EQ(bytes.find("admitted"), std::string::npos);
  EXPECT_EQ(bytes.find("ADT"), std::string::npos);
  EXPECT_THAT(EdgeStore::Open(disk_, std::string(32, 'o'), random_),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(EdgeStore::Open(disk_, "short", random_),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(EdgeStoreTest, RefusesWhatIsOverItsBound) {
  EdgeLimits limits;
  limits.bytes_max = 10;
  limits.kept.refused_max = 2;
  auto store = Open(limits);
  ASSERT_THAT(store->Accept(Key(1), 1, "12345"), IsOk());
  ASSERT_THAT(store->Accept(Key(2), 2, "67890"), IsOk());
  EXPECT_THAT(store->Accept(Key(3), 3, "x"),
              HasCode(absl::StatusCode::kResourceExhausted));
  // What is held has a bound of its own.
  ASSERT_THAT(store->Finish(1, Becomes(v1::OUTCOME_HELD)), IsOk());
  EXPECT_THAT(store->Accept(Key(3), 3, "x"), IsOk());
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(store->Refuse(Message(4), Reject("r")), IsOk());
  }
  EXPECT_EQ(store->counts().refused, 5u);
  EXPECT_EQ(store->items().size(), 3u);
}

TEST_F(EdgeStoreTest, TakesNothingMoreAfterAFailedWrite) {
  auto store = Open();
  ASSERT_THAT(store->Accept(Key(1), 1, "one"), IsOk());
  disk_.FailAfter(1);  // The write goes through, its sync does not.
  EXPECT_THAT(store->Accept(Key(2), 2, "two"),
              HasCode(absl::StatusCode::kUnavailable));
  disk_.FailAfter(-1);
  EXPECT_THAT(store->Accept(Key(3), 3, "three"),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(store->CountNotInCohort(),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(store->counts().waiting, 1u);
}

// Runs a day's work; every disk call in turn fails, and then power goes.
TEST_F(EdgeStoreTest, LosesNothingThatItTookWhenPowerGoes) {
  for (int fail_at = 0;; ++fail_at) {
    for (const size_t torn : {size_t{0}, size_t{5}, size_t{1000}}) {
      CrashingDirectory disk;
      std::set<int> taken;
      std::set<int> finished;
      uint64_t counted = 0;
      bool failed = false;
      {
        const auto store = EdgeStore::Open(disk, kKey, random_);
        ASSERT_THAT(store, IsOk());
        disk.FailAfter(fail_at);
        for (int i = 1; i <= 6; ++i) {
          if ((*store)->Accept(Key(i), 1, absl::StrCat("m", i)).ok()) {
            taken.insert(i);
          } else {
            failed = true;
          }
          if ((*store)->CountNotInCohort().ok()) ++counted;
          if (i % 2 == 0 && taken.contains(i - 1)) {
            const auto outcome =
                i == 6 ? v1::OUTCOME_NOT_IN_COHORT : v1::OUTCOME_PUBLISHED;
            const auto oldest = (*store)->Oldest();
            if ((*store)->Finish(oldest->number, Becomes(outcome)).ok()) {
              finished.insert(oldest->key[0]);
            }
          }
        }
      }
      disk.Crash(torn);
      const auto store = EdgeStore::Open(disk, kKey, random_);
      ASSERT_THAT(store, IsOk()) << fail_at << " " << torn;
      // What is open now: taken and not finished, but for one that was in
      // doubt when power went.
      std::set<int> open;
      while (const auto oldest = (*store)->Oldest()) {
        open.insert(oldest->key[0]);
        ASSERT_THAT(
            (*store)->Finish(oldest->number, Becomes(v1::OUTCOME_PUBLISHED)),
            IsOk());
      }
      const EdgeCounts counts = (*store)->counts();
      const uint64_t done = counts.published + counts.not_in_cohort;
      for (const int i : taken) {
        EXPECT_FALSE(finished.contains(i) && open.contains(i)) << fail_at;
      }
      EXPECT_GE(done, taken.size() + counted) << fail_at << " " << torn;
      EXPECT_LE(done, taken.size() + counted + 1) << fail_at << " " << torn;
      if (!failed && fail_at > disk.calls()) return;
      if (fail_at > 200) FAIL() << "never ran to its end";
    }
  }
}

TEST_F(EdgeStoreTest, CutsATornTail) {
  auto store = Open();
  ASSERT_THAT(store->Accept(Key(1), 1, "one"), IsOk());
  const std::string whole = disk_.Bytes("journal");
  ASSERT_THAT(store->Accept(Key(2), 2, "two"), IsOk());
  const std::string more = disk_.Bytes("journal");
  for (size_t size = whole.size(); size < more.size(); ++size) {
    disk_.Bytes("journal") = more.substr(0, size);
    EXPECT_EQ(Open()->counts().waiting, 1u) << size;
    disk_.Bytes("journal") = whole + std::string(size - whole.size(), '\0');
    store = Open();
    EXPECT_EQ(store->counts().waiting, 1u) << size;
    // What comes next is read again.
    ASSERT_THAT(store->Accept(Key(3), 3, "three"), IsOk());
    EXPECT_EQ(Open()->counts().waiting, 2u) << size;
  }
}

TEST_F(EdgeStoreTest, RefusesAJournalThatWasChanged) {
  auto store = Open();
  for (int i = 1; i <= 3; ++i) {
    ASSERT_THAT(store->Accept(Key(i), 1, "same"), IsOk());
  }
  const std::string good = disk_.Bytes("journal");
  const size_t header = 24, record = (good.size() - header) / 3;
  for (size_t at = 0; at < header + 2 * record; ++at) {
    disk_.Bytes("journal") = good;
    disk_.Bytes("journal")[at] =
        static_cast<char>(disk_.Bytes("journal")[at] ^ 0x10);
    EXPECT_THAT(EdgeStore::Open(disk_, kKey, random_),
                HasCode(absl::StatusCode::kDataLoss))
        << at;
  }
  // Two whole records in each other's place.
  disk_.Bytes("journal") = absl::StrCat(
      good.substr(0, header), good.substr(header + record, record),
      good.substr(header, record), good.substr(header + 2 * record));
  EXPECT_THAT(EdgeStore::Open(disk_, kKey, random_),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(EdgeStoreTest, WaitsForWorkUntilItIsStopped) {
  auto store = Open();
  EXPECT_FALSE(store->WaitForWork(absl::ZeroDuration()));
  ASSERT_THAT(store->Accept(Key(1), 1, "one"), IsOk());
  EXPECT_TRUE(store->WaitForWork(absl::InfiniteDuration()));
  ASSERT_THAT(store->Finish(1, Becomes(v1::OUTCOME_HELD)), IsOk());
  store->StopWaiting();
  EXPECT_FALSE(store->WaitForWork(absl::InfiniteDuration()));
  EXPECT_THAT(store->Finish(1, Becomes(v1::OUTCOME_HELD)),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace concordat::edge

// Mutants, each with the test that catches it:
//   finished before the bus has answered    APublishThatWasCutOffIsOneEvent
//   order not kept                          WorksInOrderAndWaitsForTheOldest
//   refused events lost                     HoldsWhatTheHubRefuses
//   read-only bus taken for a refusal       ComesBackWhenTheBusTakesNoWrites
#include "adapters/core/spool_worker.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::edge {
namespace {

using concordat::testing::IsOk;
using Step = SpoolWorker::Step;

class SpoolWorkerTest : public ::testing::Test {
 protected:
  SpoolWorkerTest() {
    directory_ = *PosixDirectory::Open(folder_.path());
    Reopen();
  }
  static bus::v1::Principal Self() {
    bus::v1::Principal self;
    self.set_agency("nhs-tayside");
    self.set_system("pas");
    self.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self.set_default_gateway("G9");
    self.set_default_regime(bus::v1::REGIME_GDPR);
    return self;
  }
  void Reopen() {
    worker_.reset();
    store_.reset();
    auto store = EdgeStore::Open(*directory_, std::string(32, 'k'), random_);
    EXPECT_THAT(store, IsOk());
    store_ = *std::move(store);
    worker_ = std::make_unique<SpoolWorker>(
        *store_, *client_, events_, clock_,
        [this](const WaitingMessage& message) { return JudgeOne(message); },
        absl::Milliseconds(50));
  }
  void Accept(int number, const std::string& message) {
    MessageKey key = {};
    key[0] = static_cast<uint8_t>(number);
    ASSERT_THAT(store_->Accept(key, static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now())),
                               message), IsOk());
  }
  Judgement JudgeOne(const WaitingMessage& message) {
    judged_ += message.message + " ";
    Judgement judgement;
    if (message.message == "wait") {
      judgement.wait = wait_;
      judgement.verdict.outcome = v1::OUTCOME_HELD;
    } else if (message.message == "hold") {
      judgement.verdict.outcome = v1::OUTCOME_HELD;
    } else {
      Event& event = judgement.events.emplace_back();
      event.header.source = "urn:concordat:nhs-tayside:pas";
      event.header.id = absl::StrCat("hl7-", message.key[0]);
      event.header.stream = "appointment/1";
      judgement.verdict.outcome = v1::OUTCOME_PUBLISHED;
    }
    return judgement;
  }

  concordat::testing::TempDir folder_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_;
  concordat::testing::FakeBus bus_{clock_};
  const EdgeEvents events_{Self(), *concordat::testing::DemoTypes(), "seed"};
  std::unique_ptr<BusClient> client_ = bus_.Connect("edge-health");
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<EdgeStore> store_;
  std::unique_ptr<SpoolWorker> worker_;
  std::string judged_;
  bool wait_ = true;
};

TEST_F(SpoolWorkerTest, WorksInOrderAndWaitsForTheOldest) {
  EXPECT_EQ(worker_->RunOnce(), Step::kIdle);
  Accept(1, "wait");
  Accept(2, "hold");
  EXPECT_EQ(worker_->RunOnce(), Step::kBlocked);
  EXPECT_EQ(worker_->RunOnce(), Step::kBlocked);
  EXPECT_EQ(judged_, "wait wait ");
  wait_ = false;
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);
  EXPECT_EQ(worker_->RunOnce(), Step::kIdle);
  EXPECT_EQ(judged_, "wait wait wait hold ");
  EXPECT_EQ(store_->counts().held, 2u);
}

TEST_F(SpoolWorkerTest, APublishThatWasCutOffIsOneEvent) {
  Accept(1, "publish");
  bus_.GoAwayBeforeNextAnswer();
  EXPECT_EQ(worker_->RunOnce(), Step::kBlocked);
  EXPECT_EQ(store_->counts().waiting, 1u);
  Reopen();  // As after a crash: nobody remembers that it was sent.
  bus_.ComeBack();
  ASSERT_TRUE(bus_.WaitForAnswers(absl::Seconds(5)));
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);
  EXPECT_EQ(bus_.events().size(), 1u);
  EXPECT_EQ(store_->counts().published, 1u);
  EXPECT_EQ(store_->counts().waiting, 0u);
  EXPECT_EQ(worker_->last_published(), Sequence{1});
}

TEST_F(SpoolWorkerTest, HoldsWhatTheHubRefuses) {
  Accept(1, "publish");
  bus_.RefuseNext(bus::v1::REFUSAL_TYPE_NOT_ALLOWED, "no");
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);
  EXPECT_EQ(store_->counts().published, 0u);
  EXPECT_EQ(store_->counts().held, 1u);
  EXPECT_EQ(store_->items().at(0).verdict.reason, "the hub refused it");
}

TEST_F(SpoolWorkerTest, ComesBackWhenTheBusTakesNoWrites) {
  Accept(1, "publish");
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "disk full");
  EXPECT_EQ(worker_->RunOnce(), Step::kBlocked);
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);
  EXPECT_EQ(store_->counts().published, 1u);
}

TEST_F(SpoolWorkerTest, RunsUntilItIsStopped) {
  std::thread thread([this] { worker_->Run(); });
  Accept(1, "publish");
  EXPECT_TRUE(bus_.WaitForEvents(1, absl::Seconds(5)));
  worker_->Stop();
  thread.join();
}

}  // namespace
}  // namespace concordat::edge

// Mutants, each with the test that catches it:
//   finished before the bus has answered    APublishThatWasCutOffIsOneEvent
//   judged anew after a crash               APublishThatWasCutOffIsOneEvent
//   sent before it is on the disk           NothingIsSentThatTheDiskDoesNotHave
//   what is on its way lost by a rewrite    APublishThatWasCutOffIsOneEvent
//   a judgement kept when it is done with   HoldsWhatTheHubRefuses
//   order not kept                          WorksInOrderAndWaitsForTheOldest
//   refused events lost                     HoldsWhatTheHubRefuses
//   read-only bus taken for a refusal       ComesBackWhenTheBusTakesNoWrites
#include "adapters/core/spool_worker.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "concordat/nhs/v1/events.pb.h"
#include "gtest/gtest.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_disk.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/adapters/core/own_principal.h"

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
    ASSERT_THAT(
        store_->Accept(key,
                       static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now())),
                       message),
        IsOk());
  }
  Judgement JudgeOne(const WaitingMessage& message) {
    judged_ += message.message + " ";
    Judgement judgement;
    if (message.message == "wait") {
      judgement.wait = wait_;
      judgement.verdict.outcome = v1::OUTCOME_HELD;
    } else if (message.message == "hold" || ends_) {
      judgement.verdict.outcome = v1::OUTCOME_HELD;
    } else {
      nhs::v1::AppointmentMissed missed;
      missed.set_appointment_ref("A1");
      missed.set_service_code("ALCOHOL_TREATMENT");
      missed.set_decision_ref("D-1");
      v1::MadeEvent& made = judgement.made.emplace_back();
      made.set_type("concordat.nhs.v1.AppointmentMissed");
      made.set_id(absl::StrCat("hl7-", message.key[0]));
      made.set_stream("appointment/A1");
      made.set_subject(std::string(16, 's'));
      made.set_time(1764242400000000);
      made.set_time_precision(bus::v1::TIME_PRECISION_SECOND);
      made.set_recorded_time(message.received_us);
      made.set_data(missed.SerializeAsString());
      judgement.verdict.outcome = v1::OUTCOME_PUBLISHED;
    }
    return judgement;
  }

  concordat::testing::TempDir folder_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_;
  concordat::testing::FakeBus bus_{clock_};
  const EdgeEvents events_{testing::Self(), *concordat::testing::DemoTypes(),
                           "seed"};
  std::unique_ptr<BusClient> client_ = bus_.Connect("edge-health");
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<EdgeStore> store_;
  std::unique_ptr<SpoolWorker> worker_;
  std::string judged_;
  bool wait_ = true;
  bool ends_ = false;  // Nothing may leave any more.
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
  // What the log has has to be what the edge says, whatever has changed.
  ends_ = true;
  Reopen();  // As after a crash: nobody remembers that it was sent.
  // So much that the journal is rewritten.
  const std::string reject(3u << 20, 'x');
  ASSERT_THAT(store_->Refuse({0, {7}, 1, reject}, {}), IsOk());
  ASSERT_THAT(store_->Refuse({0, {8}, 1, reject}, {}), IsOk());
  Reopen();
  bus_.ComeBack();
  ASSERT_TRUE(bus_.WaitForAnswers(absl::Seconds(5)));
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);
  ASSERT_EQ(bus_.events().size(), 1u);
  EXPECT_EQ(bus_.events()[0].header.id, "hl7-1");
  EXPECT_EQ(judged_, "publish ");
  EXPECT_EQ(store_->counts().held, 0u);
  EXPECT_EQ(store_->counts().published, 1u);
  EXPECT_EQ(store_->counts().waiting, 0u);
  EXPECT_EQ(worker_->last_published(), Sequence{1});
}

TEST_F(SpoolWorkerTest, NothingIsSentThatTheDiskDoesNotHave) {
  concordat::testing::FakeDisk disk;
  const auto store = *EdgeStore::Open(disk, std::string(32, 'k'), random_);
  SpoolWorker worker(
      *store, *client_, events_, clock_,
      [this](const WaitingMessage& message) { return JudgeOne(message); },
      absl::Milliseconds(50));
  ASSERT_THAT(store->Accept({1}, 1, "publish"), IsOk());
  disk.FailCall(disk.calls() + 1, absl::StatusCode::kUnavailable);
  EXPECT_EQ(worker.RunOnce(), Step::kBlocked);
  EXPECT_TRUE(bus_.events().empty());
}

TEST_F(SpoolWorkerTest, HoldsWhatTheHubRefuses) {
  Accept(1, "publish");
  bus_.RefuseNext(bus::v1::REFUSAL_TYPE_NOT_ALLOWED, "no");
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);
  EXPECT_EQ(store_->counts().published, 0u);
  EXPECT_EQ(store_->counts().held, 1u);
  EXPECT_EQ(store_->items().at(0).verdict.reason, "the hub refused it");
  // Who replays it has it judged anew.
  EXPECT_FALSE(store_->FindJudged(1).has_value());
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

// A desk over the real store on a real disk, the real worker, and a bus in memory.
#ifndef CONCORDAT_TESTS_UNIT_ADAPTERS_CORE_ITEM_DESK_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_ADAPTERS_CORE_ITEM_DESK_FIXTURE_H_

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "adapters/core/item_desk.h"
#include "adapters/core/spool_worker.h"
#include "concordat/nhs/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/adapters/core/own_principal.h"

namespace concordat::edge::testing {

using ::concordat::testing::IsOk;
using Step = SpoolWorker::Step;

inline const PersonKey kTorquil(std::array<uint8_t, 16>{2});
inline constexpr char kMe[] = "urn:concordat:nhs-tayside:liaison";
inline constexpr char kOther[] = "urn:concordat:nhs-tayside:deputy";

// Everything may go out, under "D-1" alone.
class FakeRules : public ItemRules {
 public:
  std::vector<KeptField> Show(const KeptItem& item) const override {
    return {{"all", item.message.message}};
  }
  absl::StatusOr<std::string> PreviewRelease(const KeptItem&) const override {
    if (!releasable) return absl::FailedPreconditionError("never by a message");
    return "ALCOHOL_TREATMENT";
  }
  absl::StatusOr<std::vector<v1::MadeEvent>> Release(
      const KeptItem& item, absl::string_view decision_ref) const override {
    if (decision_ref != "D-1") {
      return absl::FailedPreconditionError("decision_ref: no such decision");
    }
    nhs::v1::AppointmentMissed missed;
    missed.set_appointment_ref("A1");
    missed.set_service_code("ALCOHOL_TREATMENT");
    missed.set_decision_ref("D-1");
    v1::MadeEvent made;
    made.set_type("concordat.nhs.v1.AppointmentMissed");
    made.set_id(absl::StrCat("hl7-", item.message.key[0]));
    made.set_stream("appointment/A1");
    made.set_subject(std::string(item.verdict.subject.bytes()));
    made.set_time(1764242400000000);
    made.set_time_precision(bus::v1::TIME_PRECISION_SECOND);
    made.set_recorded_time(item.message.received_us);
    made.set_data(missed.SerializeAsString());
    return std::vector<v1::MadeEvent>{made};
  }
  absl::Status Replay(const KeptItem&) const override {
    return replayable ? absl::OkStatus()
                      : absl::FailedPreconditionError("as before");
  }
  bool AwaitPosition(Sequence, absl::Duration) const override {
    ++awaited;
    return true;
  }

  bool releasable = true;
  bool replayable = true;
  mutable int awaited = 0;
};

class ItemDeskTest : public ::testing::Test {
 protected:
  ItemDeskTest() {
    directory_ = *PosixDirectory::Open(folder_.path());
    Reopen();
  }
  ~ItemDeskTest() override { StopWorker(); }

  void Reopen() {
    StopWorker();
    worker_.reset();
    desk_.reset();
    store_.reset();
    auto store =
        EdgeStore::Open(*directory_, std::string(32, 'k'), random_, limits_);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    desk_ = std::make_unique<ItemDesk>(*store_, rules_, events_, clock_,
                                       log_clock_);
    worker_ = std::make_unique<SpoolWorker>(
        *store_, *client_, events_, clock_,
        [this](const WaitingMessage&) {
          Judgement judgement;
          judgement.verdict = judged_;
          return judgement;
        },
        absl::Milliseconds(50));
  }
  // Acts wait for the worker: it runs while they are made.
  void StartWorker() {
    thread_ = std::thread([this] { worker_->Run(); });
  }
  void StopWorker() {
    if (!thread_.joinable()) return;
    worker_->Stop();
    thread_.join();
  }
  // Number of the item. Before the worker is started, which would judge it.
  uint64_t Hold(int key, const std::string& content = "SECRETCONTENT") {
    MessageKey message_key = {};
    message_key[0] = static_cast<uint8_t>(key);
    EXPECT_THAT(store_->Accept(message_key, NowMicros(), content), IsOk());
    const uint64_t number = store_->Oldest()->number;
    EXPECT_THAT(store_->Finish(number, Held()), IsOk());
    return number;
  }
  uint64_t NowMicros() const {
    return static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
  }
  static Verdict Held() {
    Verdict verdict;
    verdict.outcome = v1::OUTCOME_HELD;
    verdict.reason = "no sharing decision in force";
    verdict.message_type = "SIU^S26";
    verdict.subject = kTorquil;
    return verdict;
  }
  static Act Wish(v1::ActKind kind, uint64_t item,
                  const std::string& request_id = "r1",
                  const std::string& by = kMe) {
    Act wish;
    wish.item = item;
    wish.kind = kind;
    wish.by = by;
    wish.request_id = request_id;
    wish.reason = "NOTHING_TO_SHARE";
    wish.note = "SECRETNOTE";
    if (kind == v1::ACT_KIND_RELEASE) wish.decision_ref = "D-1";
    return wish;
  }
  std::vector<std::string> Types() const {
    std::vector<std::string> types;
    for (const View& view : bus_.events()) {
      types.push_back(view.header.type.substr(view.header.type.rfind('.') + 1));
    }
    return types;
  }
  bool OnDisk(absl::string_view what) const {
    std::ifstream file(folder_.PathOf("journal"), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    return absl::StrContains(bytes, what);
  }
  size_t JournalBytes() const {
    std::ifstream file(folder_.PathOf("journal"),
                       std::ios::binary | std::ios::ate);
    return static_cast<size_t>(file.tellg());
  }

  concordat::testing::TempDir folder_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_;
  // A year behind, as in a story.
  concordat::testing::FakeClock log_clock_{clock_.Now() - absl::Hours(8760)};
  concordat::testing::FakeBus bus_{clock_};
  const std::shared_ptr<const TypeRegistry> types_ =
      *concordat::testing::DemoTypes();
  const EdgeEvents events_{Self(), types_, "seed"};
  FakeRules rules_;
  EdgeLimits limits_;
  Verdict judged_ = Held();
  std::unique_ptr<BusClient> client_ = bus_.Connect("edge-health");
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<EdgeStore> store_;
  std::unique_ptr<ItemDesk> desk_;
  std::unique_ptr<SpoolWorker> worker_;
  std::thread thread_;
};

}  // namespace concordat::edge::testing

#endif  // CONCORDAT_TESTS_UNIT_ADAPTERS_CORE_ITEM_DESK_FIXTURE_H_

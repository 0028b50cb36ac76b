// A case-file edge without its process: folder, store, cohort, worker and a bus
// in memory, with the demo's mappings.
#ifndef CONCORDAT_TESTS_UNIT_ADAPTERS_CASEFILE_EDGE_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_ADAPTERS_CASEFILE_EDGE_FIXTURE_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/casefile/case_store.h"
#include "adapters/casefile/drop_folder.h"
#include "adapters/casefile/file_taker.h"
#include "adapters/casefile/mapping_set.h"
#include "adapters/casefile/row_worker.h"
#include "adapters/core/cohort.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/adapters/casefile/demo_mappings.h"

namespace concordat::casefile::testing {

class FakeSteadyClock : public SteadyClock {
 public:
  absl::Duration Elapsed() const override { return now; }
  absl::Duration now = absl::Hours(1);
};

class CaseEdgeTest : public ::testing::Test {
 protected:
  CaseEdgeTest()
      : types_(*concordat::testing::DemoTypes()),
        mappings_(*DemoMappingSet(types_)),
        drop_(folder_.PathOf("drop")),
        cohort_("key", clock_) {
    std::filesystem::create_directories(folder_.PathOf("state"));
    directory_ = *PosixDirectory::Open(folder_.PathOf("state"));
    dropped_ = std::make_unique<DropFolder>(*DropFolder::Open(drop_, steady_));
    cohort_.Begin();
    Join(1, "DCC-20017");
    Join(2, "DCC-20066");
    cohort_.Complete(Sequence{1});
    Restart();
  }

  static PersonKey Person(uint8_t number) {
    std::array<uint8_t, 16> bytes = {};
    bytes[0] = number;
    return PersonKey(bytes);
  }
  void Join(uint8_t person, const std::string& number) {
    cohort_.Join(Person(person), {{"council", number,
                                   "urn:concordat:dundee-city-council:jsw"}});
  }

  // As after a crash: what is on the disk, and nothing else.
  void Restart() {
    worker_.reset();
    taker_.reset();
    store_.reset();
    auto store =
        CaseStore::Open(*directory_, std::string(32, 'k'), random_, limits_);
    ASSERT_THAT(store, concordat::testing::IsOk());
    store_ = *std::move(store);
    taker_ = std::make_unique<FileTaker>(*dropped_, *store_, cohort_, "marks",
                                         clock_, London(), log_);
    RowPublisher self;
    self.principal.set_name("edge-council");
    self.principal.set_agency("dundee-city-council");
    self.principal.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self.principal.set_default_gateway("G1");
    self.principal.set_default_regime(bus::v1::REGIME_GDPR);
    self.source = "urn:concordat:dundee-city-council:jsw";
    worker_ =
        std::make_unique<RowWorker>(*store_, cohort_, *client_, types_, self,
                                    "events", absl::Milliseconds(200));
  }

  void Drop(const std::string& name, const std::string& text) const {
    folder_.Write("drop/" + name, text);
  }
  bool IsThere(const std::string& name) const {
    return std::filesystem::exists(drop_ + "/" + name);
  }
  absl::Status Take() { return taker_->TakeAll(mappings_).status(); }
  // Until nothing is left to do.
  void Work() {
    while (worker_->RunOnce(mappings_.Feeds()) == RowWorker::Step::kDone) {
    }
  }
  // What became of a file.
  std::string DropAndWork(const std::string& name, const std::string& text) {
    Drop(name, text);
    EXPECT_THAT(Take(), concordat::testing::IsOk());
    Work();
    return FileWords(store_->files(1).at(0));
  }

  std::vector<View> Events(absl::string_view type) const {
    std::vector<View> events;
    for (const View& view : bus_.events()) {
      if (absl::EndsWith(view.header.type, type)) events.push_back(view);
    }
    return events;
  }
  // "mode outcome subject" of each contact, in order.
  std::vector<std::string> Contacts() const;
  std::vector<std::string> Rejects() const {
    std::vector<std::string> lines;
    for (const auto& row : store_->rejects()) {
      lines.push_back(absl::StrCat("line ", row.line(), ": ", row.reason()));
    }
    return lines;
  }
  // Any file under the state folder holds it.
  bool OnDisk(absl::string_view what) const;

  const std::shared_ptr<const TypeRegistry> types_;
  MappingSet mappings_;
  concordat::testing::TempDir folder_;
  const std::string drop_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_{absl::FromUnixSeconds(1'764'122'400)};
  // A year behind, as in a story.
  concordat::testing::FakeClock log_clock_{clock_.Now() - absl::Hours(8760)};
  FakeSteadyClock steady_;
  const Logger log_{"test"};
  concordat::testing::FakeBus bus_{clock_};
  std::unique_ptr<BusClient> client_ = bus_.Connect("edge-council");
  std::unique_ptr<Directory> directory_;
  edge::Cohort cohort_;
  CaseStoreLimits limits_;
  std::unique_ptr<DropFolder> dropped_;
  std::unique_ptr<CaseStore> store_;
  std::unique_ptr<FileTaker> taker_;
  std::unique_ptr<RowWorker> worker_;
};

inline std::vector<std::string> CaseEdgeTest::Contacts() const {
  std::vector<std::string> lines;
  for (const View& view : Events("ContactRecorded")) {
    const auto json = types_->ToJson(view.header.type, view.Data());
    lines.push_back(
        absl::StrCat(*json, " person ", view.header.subject.bytes()[0] + 0,
                     view.header.corrects.empty() ? "" : " corrects",
                     view.header.retracts.empty() ? "" : " retracts"));
  }
  return lines;
}

inline bool CaseEdgeTest::OnDisk(absl::string_view what) const {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (absl::StrContains(bytes, what)) return true;
  }
  return false;
}

}  // namespace concordat::casefile::testing

#endif  // CONCORDAT_TESTS_UNIT_ADAPTERS_CASEFILE_EDGE_FIXTURE_H_

#ifndef CONCORDAT_TESTS_SUPPORT_TEST_LOG_H_
#define CONCORDAT_TESTS_SUPPORT_TEST_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/bus/log/durable_event_log.h"
#include "services/common/event/commitments.h"
#include "services/common/event/type_table.h"
#include "tests/support/fake_disk.h"
#include "tests/support/log_fakes.h"
#include "tests/support/seeded_random.h"

namespace concordat::testing {

// Of a TestEvent that does not say.
inline constexpr char kTestSource[] = "urn:concordat:police-scotland:rms";

// An EventType of so many groups that accepts everything.
class FakeEventType : public EventType {
 public:
  // Groups 0 to 2 first, then S4 categories from `CATEGORY_CLINICAL` on.
  explicit FakeEventType(uint32_t groups, bool policy_bearing = false);
  absl::string_view name() const override { return name_; }
  const std::vector<GroupInfo>& groups() const override { return groups_; }
  const policy::v1::TypePolicy& policy() const override { return policy_; }
  absl::Status Check(GroupViews, std::vector<std::string>*) const override {
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<BasicGroup<std::string>>> Split(
      absl::string_view) const override {
    return absl::UnimplementedError("a fake");
  }
  absl::StatusOr<PolicyFacts> ReadPolicyFacts(
      absl::string_view) const override {
    return PolicyFacts();
  }

 private:
  const std::string name_ = "concordat.test.v1.Happened";
  std::vector<GroupInfo> groups_;
  policy::v1::TypePolicy policy_;
};

// A whole event with what Stage() borrows.
class TestEvent {
 public:
  struct Fields {
    std::string source = kTestSource;
    std::string id;
    std::string stream;
    std::optional<uint64_t> expected_version;
    uint8_t person = 0;  // 0: about nobody.
    std::vector<std::string> groups = {"routing", "personal"};
    uint8_t seed = 1;
    uint64_t recorded_us = 0;
    std::vector<std::string> faults;
    bool policy_bearing = false;
    std::string retracts;
  };
  explicit TestEvent(Fields fields);
  TestEvent(const TestEvent&) = delete;
  TestEvent& operator=(const TestEvent&) = delete;

  bus::NewEvent New() const;
  const Fields& fields() const { return fields_; }
  const EventView& event() const { return event_; }
  const Digest& digest() const { return commitments_.digest; }

 private:
  const Fields fields_;
  FakeEventType type_;
  EventView event_;
  Commitments commitments_;
};

// Key of a person who differs by `number` alone; 0 is nobody.
PersonKey TestPerson(uint8_t number);

// What of `event` read back differs from what was staged; empty when nothing.
std::string Difference(const bus::StoredEvent& stored, const TestEvent& event);

// One log on one FakeDisk, opened as often as a test likes.
class TestLog {
 public:
  struct Options {
    uint64_t segment_bytes = 32 * 1024;
    size_t block_bytes = 16 * 1024;
    size_t recent_bytes = 1 << 20;
    bus::v1::Environment environment = bus::v1::ENVIRONMENT_DEMO;
    uint64_t seed = 1;
    bus::OpenBlockStore blocks = nullptr;  // Null: on the FakeDisk.
  };
  // Several segments of a few events, and nothing kept in memory.
  static Options Small() {
    Options options;
    options.segment_bytes = 16 * 1024;
    options.block_bytes = 12 * 1024;
    options.recent_bytes = 1;
    return options;
  }
  TestLog() : TestLog(Options()) {}
  explicit TestLog(const Options& options);

  // Closes what is open, and opens what is on the disk.
  absl::Status Open();
  void Close() { log_ = nullptr; }
  bus::DurableEventLog& log() { return *log_; }
  bool is_open() const { return log_ != nullptr; }
  FakeDisk& disk() { return *disk_; }
  void set_disk(std::unique_ptr<FakeDisk> disk) {
    Close();
    disk_ = std::move(disk);
  }
  void set_environment(bus::v1::Environment environment) {
    options_.environment = environment;
  }
  void set_wrapping(absl::string_view text);
  void set_wrapping(const bus::WrappingKeys& keys) { wrapping_ = keys; }
  const bus::WrappingKeys& wrapping() const { return wrapping_; }
  std::shared_ptr<FakeIndexStore::Entries> index() { return index_; }
  void DropIndex() { index_ = std::make_shared<FakeIndexStore::Entries>(); }

  // Stages the set as one and writes it.
  struct Appended {
    std::vector<bus::Staged> staged;
    absl::Status written;
  };
  Appended Append(const std::vector<const TestEvent*>& set,
                  uint64_t accepted_us = 1);
  absl::Status WriteStaged();
  // Events from the log's end to `last`, so many to a commit, each with the fields
  // that `fields` gives its number; accepted at the number of the commit's first,
  // times `us`.
  absl::Status AppendTo(
      uint64_t last, const std::function<TestEvent::Fields(uint64_t)>& fields,
      size_t to_a_commit = 1, uint64_t us = 1);
  // Every event from the first, by Read().
  absl::StatusOr<std::vector<bus::StoredEvent>> ReadAll();

 private:
  Options options_;
  SeededRandom random_;
  std::unique_ptr<FakeDisk> disk_ = std::make_unique<FakeDisk>();
  std::shared_ptr<FakeIndexStore::Entries> index_ =
      std::make_shared<FakeIndexStore::Entries>();
  bus::WrappingKeys wrapping_;
  std::unique_ptr<bus::DurableEventLog> log_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_TEST_LOG_H_

#include "tests/support/test_log.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::testing {
namespace {

constexpr absl::string_view kWrapping =
    "concordat wrapping keys 1\n"
    "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

}  // namespace

FakeEventType::FakeEventType(uint32_t groups, bool policy_bearing) {
  for (uint32_t i = 0; i < groups; ++i) {
    GroupInfo group;
    group.number = i;
    if (i > 2) group.category = static_cast<policy::v1::Category>(i - 2);
    groups_.push_back(group);
  }
  policy_.set_event(true);
  if (policy_bearing) policy_.set_effect(policy::v1::EFFECT_CASE_OPENED);
}

TestEvent::TestEvent(Fields fields)
    : fields_(std::move(fields)),
      type_(static_cast<uint32_t>(fields_.groups.size()),
            fields_.policy_bearing) {
  HeaderView& header = event_.header;
  header.source = fields_.source;
  header.type = type_.name();
  header.controller = AgencyOfSource(fields_.source);
  header.id = fields_.id;
  header.stream = fields_.stream;
  header.retracts = fields_.retracts;
  if (fields_.expected_version.has_value()) {
    header.expected_version = Sequence{*fields_.expected_version};
  }
  header.subject = TestPerson(fields_.person);
  header.time_us = 1'700'000'000'000'000;
  header.recorded_us = fields_.recorded_us;
  header.on_behalf_of = "staff/7";
  for (uint32_t i = 0; i < fields_.groups.size(); ++i) {
    if (!fields_.groups[i].empty()) {
      event_.groups.push_back({i, fields_.groups[i]});
    }
  }
  event_.seed.fill(fields_.seed);
  commitments_ = Commit(header, type_, event_.groups, event_.seed);
  event_.digest = commitments_.digest;
}

bus::NewEvent TestEvent::New() const {
  return {&event_, &commitments_, &type_, fields_.faults};
}

PersonKey TestPerson(uint8_t number) {
  if (number == 0) return PersonKey();
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes.back() = number;
  return PersonKey(bytes);
}

std::string Difference(const bus::StoredEvent& stored, const TestEvent& event) {
  const TestEvent::Fields& fields = event.fields();
  const HeaderView& header = stored.header;
  if (header.source != fields.source) return "source";
  if (header.id != fields.id) return "id";
  if (header.stream != fields.stream) return "stream";
  if (header.subject != TestPerson(fields.person)) return "subject";
  if (header.on_behalf_of != "staff/7") return "on_behalf_of";
  if (header.recorded_us != fields.recorded_us) return "recorded";
  if (stored.digest != event.digest()) return "digest";
  if (stored.faults != fields.faults) return "faults";
  if (stored.commitments.size() != fields.groups.size()) return "commitments";
  if (stored.opened.size() != fields.groups.size()) return "opened";
  for (size_t i = 0; i < fields.groups.size(); ++i) {
    const bus::StoredGroup& group = stored.opened[i];
    if (group.number != i || group.data != fields.groups[i]) {
      return absl::StrCat("group ", i);
    }
    if (CommitGroup(group.salt, group.number, group.data) !=
        stored.commitments[i].hash) {
      return absl::StrCat("salt of group ", i);
    }
  }
  Seed seed;
  seed.fill(fields.seed);
  if (stored.header_salt != SaltOf(seed, kHeaderGroup)) return "header salt";
  return "";
}

TestLog::TestLog(const Options& options)
    : options_(options),
      random_(options.seed),
      wrapping_(*bus::WrappingKeys::Parse(kWrapping)) {}

void TestLog::set_wrapping(absl::string_view text) {
  wrapping_ = *bus::WrappingKeys::Parse(text);
}

absl::Status TestLog::Open() {
  log_ = nullptr;
  bus::EventLogOptions options;
  options.environment = options_.environment;
  options.segments.segment_bytes = options_.segment_bytes;
  options.blocks = options_.blocks;
  options.block_bytes = options_.block_bytes;
  options.recent_bytes = options_.recent_bytes;
  absl::StatusOr<std::unique_ptr<bus::DurableEventLog>> log =
      bus::DurableEventLog::Open(options, *disk_, wrapping_,
                                 std::make_unique<FakeIndexStore>(index_),
                                 std::make_unique<InlineBackground>(), random_);
  if (!log.ok()) return log.status();
  log_ = *std::move(log);
  return absl::OkStatus();
}

TestLog::Appended TestLog::Append(const std::vector<const TestEvent*>& set,
                                  uint64_t accepted_us) {
  std::vector<bus::NewEvent> events;
  for (const TestEvent* event : set) events.push_back(event->New());
  Appended appended;
  appended.staged = log_->Stage(events, accepted_us);
  appended.written = WriteStaged();
  return appended;
}

absl::Status TestLog::WriteStaged() {
  while (std::unique_ptr<bus::PendingBlock> block = log_->TakeStaged()) {
    absl::Status status = log_->Write(*block);
    if (!status.ok()) return status;
    log_->Written(std::move(block));
  }
  return absl::OkStatus();
}

absl::Status TestLog::AppendTo(
    uint64_t last, const std::function<TestEvent::Fields(uint64_t)>& fields,
    size_t to_a_commit, uint64_t us) {
  uint64_t next = log_->Status().end.value + 1;
  while (next <= last) {
    const uint64_t accepted_us = next * us;
    std::vector<std::unique_ptr<TestEvent>> events;
    std::vector<const TestEvent*> set;
    for (; next <= last && set.size() < to_a_commit; ++next) {
      events.push_back(std::make_unique<TestEvent>(fields(next)));
      set.push_back(events.back().get());
    }
    absl::Status written = Append(set, accepted_us).written;
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<bus::StoredEvent>> TestLog::ReadAll() {
  std::vector<bus::StoredEvent> events;
  for (;;) {
    const Sequence after{events.size()};
    absl::StatusOr<std::shared_ptr<const bus::EventBlock>> block =
        log_->Read(after, 4096);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return events;
    for (const bus::StoredEvent& event : (*block)->events) {
      if (event.sequence.value != events.size() + 1) {
        return absl::InternalError("sequences are not dense");
      }
      events.push_back(event);
    }
  }
}

}  // namespace concordat::testing

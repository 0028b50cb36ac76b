#include "tests/support/fake_event_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"
#include "services/common/event/amends.h"

namespace concordat::testing {

using bus::EventBlock;
using bus::Staged;
using bus::StoredEvent;

namespace {

std::string StreamOf(const HeaderView& header) {
  return absl::StrCat(header.source, "#", header.stream);
}

}  // namespace

StoredEvent FakeEventLog::Store(
    const HeaderView& header,
    const std::vector<std::pair<uint32_t, std::string>>& groups,
    uint64_t accepted_us, Sequence sequence) const {
  struct Bytes {
    Header header;
    std::vector<std::pair<uint32_t, std::string>> groups;
  };
  auto bytes = std::make_shared<Bytes>();
  bytes->header = ToOwned(header);
  bytes->groups = groups;
  StoredEvent event;
  event.sequence = sequence;
  event.accepted_us = accepted_us;
  event.header = AsView(bytes->header);
  for (uint32_t number = 0; number < 3; ++number) {
    event.commitments.push_back({number, {}});
    event.opened.push_back({number, {}, {}});
  }
  for (const auto& [number, data] : bytes->groups) {
    event.opened[number].data = data;
  }
  event.storage = std::move(bytes);
  return event;
}

Sequence FakeEventLog::Append(const HeaderView& header, absl::string_view data,
                              uint64_t accepted_us) {
  const Sequence sequence = {next_++};
  events_.push_back(
      Store(header, {{0, std::string(data)}}, accepted_us, sequence));
  if (!header.stream.empty()) streams_[StreamOf(header)] = sequence;
  return sequence;
}

void FakeEventLog::Remove(Sequence sequence, uint64_t at_us) {
  StoredEvent& event = events_[sequence.value - 1];
  event.opened.clear();
  event.removed_us = at_us;
  ++removal_.events;
  removal_.through = std::max(removal_.through, sequence);
  removal_.at_us = std::max(removal_.at_us, at_us);
}

void FakeEventLog::Erase(Sequence sequence, uint64_t at_us) {
  StoredEvent& event = events_[sequence.value - 1];
  event.opened.clear();
  event.removed_us = at_us;
  event.erased = true;
}

std::shared_ptr<const EventBlock> FakeEventLog::BlockOf(Sequence first,
                                                        Sequence last) const {
  auto block = std::make_shared<EventBlock>();
  for (uint64_t at = first.value; at <= last.value; ++at) {
    block->events.push_back(events_[at - 1]);
  }
  return block;
}

std::vector<Staged> FakeEventLog::Stage(absl::Span<const bus::NewEvent> set,
                                        uint64_t accepted_us) {
  std::vector<Staged> answers(set.size());
  last_us_ = std::max(last_us_, accepted_us);
  bool refused = false;
  for (size_t i = 0; i < set.size(); ++i) {
    const EventView& event = *set[i].event;
    Staged& answer = answers[i];
    const auto known =
        ids_.find(absl::StrCat(event.header.source, "#", event.header.id));
    if (known != ids_.end()) {
      const bool same = known->second.second == event.digest;
      answer.kind = same ? Staged::Kind::kDuplicate : Staged::Kind::kIdReused;
      answer.sequence = known->second.first;
      answer.digest = event.digest;
    } else if (const auto at = streams_.find(StreamOf(event.header));
               event.header.expected_version.has_value() &&
               (at == streams_.end() ? Sequence{} : at->second) !=
                   *event.header.expected_version) {
      answer.kind = Staged::Kind::kVersionConflict;
      answer.stream_version = at == streams_.end() ? Sequence{} : at->second;
    }
    refused |= answer.kind == Staged::Kind::kIdReused ||
               answer.kind == Staged::Kind::kVersionConflict;
  }
  for (size_t i = 0; i < set.size(); ++i) {
    Staged& answer = answers[i];
    if (answer.kind != Staged::Kind::kNew) continue;
    if (refused) {
      answer.kind = Staged::Kind::kSetRefused;
      continue;
    }
    const EventView& event = *set[i].event;
    std::vector<std::pair<uint32_t, std::string>> groups;
    for (const auto& group : event.groups) {
      groups.emplace_back(group.number, std::string(group.data));
    }
    answer.sequence = {next_++};
    answer.accepted_us = last_us_;
    answer.digest = event.digest;
    staged_.push_back(Store(event.header, groups, last_us_, answer.sequence));
    staged_.back().faults.assign(set[i].faults.begin(), set[i].faults.end());
    ids_[absl::StrCat(event.header.source, "#", event.header.id)] = {
        answer.sequence, event.digest};
    if (!event.header.stream.empty()) {
      streams_[StreamOf(event.header)] = answer.sequence;
    }
  }
  return answers;
}

std::unique_ptr<bus::PendingBlock> FakeEventLog::TakeStaged() {
  if (staged_.empty()) return nullptr;
  auto block = std::make_unique<Block>();
  block->events = std::exchange(staged_, {});
  return block;
}

absl::Status FakeEventLog::Write(bus::PendingBlock& block) {
  if (failing_) return absl::UnavailableError("sync failed");
  static_cast<Block&>(block).written = true;
  ++writes_;
  return absl::OkStatus();
}

std::shared_ptr<const EventBlock> FakeEventLog::Written(
    std::unique_ptr<bus::PendingBlock> block) {
  auto& mine = static_cast<Block&>(*block);
  CONCORDAT_CHECK(mine.written);
  auto events = std::make_shared<EventBlock>();
  events->events = std::move(mine.events);
  events_.insert(events_.end(), events->events.begin(), events->events.end());
  return events;
}

absl::StatusOr<std::shared_ptr<const EventBlock>> FakeEventLog::Read(
    Sequence after, size_t) const {
  if (after > end()) return absl::OutOfRangeError("past the end");
  ++reads_;
  const Sequence last = {std::min(after.value + 5, end().value)};
  return BlockOf({after.value + 1}, last);
}

absl::StatusOr<StoredEvent> FakeEventLog::ReadOne(Sequence sequence) const {
  if (sequence.value == 0 || sequence > end()) {
    return absl::OutOfRangeError("past the end");
  }
  return events_[sequence.value - 1];
}

Sequence FakeEventLog::SkipFrom(Sequence after,
                                const bus::Interest& interest) const {
  const auto may_hold = [&](const StoredEvent& event) {
    return (interest.type == nullptr || interest.type(event.header.type)) &&
           (interest.agencies == nullptr ||
            interest.agencies->contains(std::string(event.header.controller)));
  };
  Sequence at = after;
  while (region_ > 0 && at < end()) {
    const uint64_t last =
        std::min(end().value, (at.value / region_ + 1) * region_);
    if (std::any_of(events_.begin() + static_cast<ptrdiff_t>(at.value),
                    events_.begin() + static_cast<ptrdiff_t>(last), may_hold)) {
      break;
    }
    at = {last};
  }
  return at;
}

absl::StatusOr<std::vector<Sequence>> FakeEventLog::OfStream(
    absl::string_view source, absl::string_view stream, Sequence after,
    size_t count_max) const {
  std::vector<Sequence> found;
  for (const StoredEvent& event : events_) {
    if (event.header.source == source && event.header.stream == stream &&
        event.sequence > after && found.size() < count_max) {
      found.push_back(event.sequence);
    }
  }
  return found;
}

absl::StatusOr<std::vector<Sequence>> FakeEventLog::OfPerson(
    const PersonKey& person, Sequence after, Sequence up_to) const {
  std::vector<Sequence> found;
  for (const StoredEvent& event : events_) {
    if (event.header.subject == person && event.sequence > after &&
        event.sequence <= up_to) {
      found.push_back(event.sequence);
    }
  }
  return found;
}

absl::StatusOr<std::vector<Sequence>> FakeEventLog::Amendments(
    Sequence after) const {
  std::vector<Sequence> found;
  for (const StoredEvent& event : events_) {
    if (event.sequence > after && Amends(event.header)) {
      found.push_back(event.sequence);
    }
  }
  return found;
}

absl::StatusOr<Sequence> FakeEventLog::StreamVersion(
    absl::string_view source, absl::string_view stream) const {
  Sequence version;
  for (const StoredEvent& event : events_) {
    if (event.header.source == source && event.header.stream == stream) {
      version = event.sequence;
    }
  }
  return version;
}

absl::StatusOr<Sequence> FakeEventLog::OfId(absl::string_view source,
                                            absl::string_view id) {
  for (const StoredEvent& event : events_) {
    if (event.header.source == source && event.header.id == id) {
      return event.sequence;
    }
  }
  return Sequence();
}

bus::LogStatus FakeEventLog::Status() const {
  bus::LogStatus status;
  status.log_id = std::string(16, 'L');
  status.epochs = epochs_;
  status.epoch = epochs_.back().epoch;
  status.end = end();
  status.removal = removal_;
  return status;
}

}  // namespace concordat::testing

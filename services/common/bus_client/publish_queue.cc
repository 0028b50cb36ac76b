#include "services/common/bus_client/publish_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace concordat {
namespace {

PublishOutcome FromWire(const bus::v1::Outcome& wire) {
  PublishOutcome outcome;
  outcome.accepted = wire.refusal() == bus::v1::REFUSAL_UNSPECIFIED;
  outcome.duplicate = wire.duplicate();
  outcome.sequence = {wire.sequence()};
  outcome.accepted_us = wire.accepted_time();
  if (wire.digest().size() == outcome.digest.size()) {
    std::copy(wire.digest().begin(), wire.digest().end(),
              outcome.digest.begin());
  }
  outcome.refusal = wire.refusal();
  outcome.detail = wire.detail();
  outcome.stream_version = {wire.stream_version()};
  outcome.faults.assign(wire.faults().begin(), wire.faults().end());
  return outcome;
}

}  // namespace

void PublishQueue::SetCredit(uint32_t events, uint32_t bytes) {
  credit_events_ = events;
  credit_bytes_ = bytes;
}

bool PublishQueue::WantsMore() const {
  return credit_events_ > 0 && out_ == batches_.size() && out_ < kOpenBatches &&
         events_out_ < credit_events_;
}

absl::string_view PublishQueue::Next() {
  if (out_ == batches_.size() && !Encode()) return {};
  const Batch& next = batches_[out_];
  // A batch that alone is over credit goes when nothing else is out.
  if (credit_events_ == 0 ||
      (out_ > 0 && (events_out_ + next.events > credit_events_ ||
                    bytes_out_ + next.bytes.size() > credit_bytes_))) {
    return {};
  }
  return next.bytes;
}

void PublishQueue::Sent(uint64_t number) {
  Batch& batch = batches_[out_++];
  batch.number = number;
  batch.was_sent = true;
  events_out_ += batch.events;
  bytes_out_ += batch.bytes.size();
}

bool PublishQueue::Fits(const std::vector<EventView>& set) const {
  // Most often there is room for any header; the exact size is another pass.
  size_t most = encoder_.bytes();
  for (const EventView& event : set) {
    most += 2 * kHeaderBytesMax;
    for (const auto& group : event.groups) most += group.data.size();
  }
  if (most <= kBatchBytesMax) return true;
  size_t bytes = encoder_.bytes();
  for (const EventView& event : set) bytes += BatchEncoder::BytesMax(event);
  return bytes <= kBatchBytesMax;
}

bool PublishQueue::Encode() {
  if (waiting_.empty() || credit_events_ == 0) return false;
  const size_t events_max = std::min(kBatchEventsMax, credit_events_);
  if (out_ >= kOpenBatches) {
    size_t events = 0;
    for (const Set& set : waiting_) {
      if ((events += set.events.size()) >= events_max) break;
    }
    if (events < events_max) return false;
  }
  Batch batch;
  uint32_t atomic_set = 0;
  while (!waiting_.empty()) {
    Set& set = waiting_.front();
    // Neighbouring sets have different numbers; an event alone needs none.
    if (set.events.size() > 1) ++atomic_set;
    views_.clear();
    for (const Event& event : set.events) {
      views_.push_back(AsView(event));
      views_.back().atomic_set = set.events.size() > 1 ? atomic_set : 0;
    }
    if (!batch.parts.empty() &&
        (batch.events + set.events.size() > events_max || !Fits(views_))) {
      break;
    }
    for (const EventView& view : views_) encoder_.Add(view);
    batch.events += set.events.size();
    batch.parts.push_back({set.events.size(), std::move(set.done)});
    waiting_.pop_front();
  }
  batch.bytes = encoder_.Take();
  batches_.push_back(std::move(batch));
  return true;
}

bool PublishQueue::Answer(const bus::v1::Receipts& receipts,
                          std::vector<Answered>& answered) {
  const auto end = batches_.begin() + static_cast<std::ptrdiff_t>(out_);
  const auto it = std::find_if(batches_.begin(), end, [&](const Batch& batch) {
    return batch.number == receipts.publish_number();
  });
  if (it == end ||
      static_cast<size_t>(receipts.outcomes_size()) != it->events) {
    return false;
  }
  for (int i = 0; i < receipts.outcomes_size(); ++i) {
    if (receipts.outcomes(i).index() != static_cast<uint32_t>(i)) return false;
  }
  int index = 0;
  for (Part& part : it->parts) {
    Answered one;
    one.done = std::move(part.done);
    one.outcomes.reserve(part.events);
    for (size_t i = 0; i < part.events; ++i) {
      one.outcomes.push_back(FromWire(receipts.outcomes(index++)));
    }
    answered.push_back(std::move(one));
  }
  --out_;
  events_out_ -= it->events;
  bytes_out_ -= it->bytes.size();
  batches_.erase(it);
  refused_in_a_row_ = 0;
  return true;
}

void PublishQueue::Lost(bool refused, const std::string& detail,
                        std::vector<Answered>& answered) {
  const bool had_something_out = out_ > 0;
  out_ = events_out_ = bytes_out_ = 0;
  credit_events_ = credit_bytes_ = 0;
  for (Batch& batch : batches_) batch.number = 0;
  if (!refused || !had_something_out) return;
  if (++refused_in_a_row_ < kRefusedMax) return;
  refused_in_a_row_ = 0;
  FailAll(batches_.front().parts, bus::v1::REFUSAL_MALFORMED, detail, answered);
  batches_.pop_front();
}

void PublishQueue::Refuse(bus::v1::Refusal refusal, const std::string& detail,
                          bool everything, std::vector<Answered>& answered) {
  std::deque<Batch> kept;
  for (Batch& batch : batches_) {
    if (batch.was_sent && !everything) {
      kept.push_back(std::move(batch));
    } else {
      FailAll(batch.parts, refusal, detail, answered);
    }
  }
  batches_ = std::move(kept);
  for (Set& set : waiting_) {
    std::vector<Part> parts;
    parts.push_back({set.events.size(), std::move(set.done)});
    FailAll(parts, refusal, detail, answered);
  }
  waiting_.clear();
}

void PublishQueue::FailAll(std::vector<Part>& parts, bus::v1::Refusal refusal,
                           const std::string& detail,
                           std::vector<Answered>& answered) {
  PublishOutcome outcome;
  outcome.refusal = refusal;
  outcome.detail = detail;
  for (Part& part : parts) {
    answered.push_back({std::move(part.done),
                        std::vector<PublishOutcome>(part.events, outcome)});
  }
}

}  // namespace concordat

#include "services/common/bus_client/publish_queue.h"

#include <algorithm>
#include <utility>

#include "services/common/bus_client/frame.h"

namespace concordat {
namespace {

// Outcomes of a batch, one event after the other.
class Outcomes {
 public:
  Outcomes(const bus::v1::Receipts& receipts,
           const std::vector<Digest>& digests)
      : receipts_(receipts), digests_(digests) {}

  PublishOutcome Next() {
    const size_t index = next_++;
    if (run_ < receipts_.accepted_size() &&
        receipts_.accepted(run_).index() <= index) {
      const bus::v1::Accepted& run = receipts_.accepted(run_);
      const size_t at = index - run.index();
      PublishOutcome outcome;
      outcome.accepted = true;
      outcome.sequence = {run.first_sequence() + at};
      outcome.accepted_us = run.accepted_time();
      outcome.digest = digests_[index];
      if (at + 1 == run.count()) ++run_;
      return outcome;
    }
    return FromWire(receipts_.outcomes(single_++));
  }

 private:
  const bus::v1::Receipts& receipts_;
  const std::vector<Digest>& digests_;
  size_t next_ = 0;
  int run_ = 0;
  int single_ = 0;
};

}  // namespace

void PublishQueue::Add(std::vector<Event> set,
                       absl::Span<const EventView> views,
                       Publisher::Done done) {
  if (credit_events_ == 0) {
    waiting_.push_back({std::move(set), std::move(done)});
  } else {
    Encode(views, std::move(done));
  }
}

void PublishQueue::SetCredit(uint32_t events, uint32_t bytes) {
  credit_events_ = events;
  credit_bytes_ = bytes;
  if (credit_events_ == 0) return;
  for (Set& set : waiting_) {
    views_.clear();
    for (const Event& event : set.events) views_.push_back(AsView(event));
    Encode(views_, std::move(set.done));
  }
  waiting_.clear();
}

size_t PublishQueue::events_max() const {
  return std::min(kBatchEventsMax, credit_events_);
}

bool PublishQueue::HasCredit(size_t events, size_t bytes) const {
  // A batch that alone is over credit goes when nothing else is out.
  return credit_events_ > 0 &&
         (out_ == 0 || (events_out_ + events <= credit_events_ &&
                        bytes_out_ + bytes <= credit_bytes_));
}

bool PublishQueue::MaySendLittle() const {
  return out_ < kOpenBatches && events_out_ < kOpenEvents;
}

bool PublishQueue::WantsMore() const {
  return credit_events_ > 0 && out_ == batches_.size() && MaySendLittle() &&
         events_out_ < credit_events_;
}

bool PublishQueue::HasNext() const {
  if (out_ < batches_.size()) {
    const Batch& next = batches_[out_];
    return HasCredit(next.events(), next.frame->size() - kFrameHeadBytes);
  }
  return !open_.parts.empty() && MaySendLittle() &&
         HasCredit(open_.events(), encoder_.bytes());
}

std::shared_ptr<std::string> PublishQueue::Next() {
  if (!HasNext()) return nullptr;
  if (out_ == batches_.size()) Seal();
  Batch& next = batches_[out_];
  // The carrier may still hold the one with the old head.
  if (next.was_sent) next.frame = std::make_shared<std::string>(*next.frame);
  return next.frame;
}

void PublishQueue::Sent(uint64_t number) {
  Batch& batch = batches_[out_++];
  batch.number = number;
  batch.was_sent = true;
  events_out_ += batch.events();
  bytes_out_ += batch.frame->size() - kFrameHeadBytes;
}

bool PublishQueue::Fits(absl::Span<const EventView> set) const {
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

void PublishQueue::Encode(absl::Span<const EventView> set,
                          Publisher::Done done) {
  if (!open_.parts.empty() &&
      (open_.events() + set.size() > events_max() || !Fits(set))) {
    Seal();
  }
  // Neighbouring sets have different numbers; an event alone needs none.
  if (set.size() > 1) ++atomic_set_;
  for (const EventView& event : set) {
    encoder_.Add(event, set.size() > 1 ? atomic_set_ : 0);
    open_.digests.push_back(event.digest);
  }
  open_.parts.push_back({set.size(), std::move(done)});
  if (open_.events() >= events_max()) Seal();
}

void PublishQueue::Seal() {
  open_.frame = std::make_shared<std::string>(encoder_.Take(kFrameHeadBytes));
  const size_t expected = open_.events();
  batches_.push_back(std::exchange(open_, {}));
  open_.parts.reserve(expected);
  open_.digests.reserve(expected);
  atomic_set_ = 0;
}

bool PublishQueue::AnswersAll(const bus::v1::Receipts& receipts,
                              size_t events) {
  int run = 0;
  int single = 0;
  size_t index = 0;
  while (index < events) {
    if (run < receipts.accepted_size() &&
        receipts.accepted(run).index() == index &&
        receipts.accepted(run).count() > 0) {
      index += receipts.accepted(run++).count();
    } else if (single < receipts.outcomes_size() &&
               receipts.outcomes(single).index() == index) {
      ++single;
      ++index;
    } else {
      return false;
    }
  }
  return index == events && run == receipts.accepted_size() &&
         single == receipts.outcomes_size();
}

bool PublishQueue::Answer(const bus::v1::Receipts& receipts,
                          std::vector<Answered>& answered) {
  const auto end = batches_.begin() + static_cast<std::ptrdiff_t>(out_);
  const auto it = std::find_if(batches_.begin(), end, [&](const Batch& batch) {
    return batch.number == receipts.publish_number();
  });
  if (it == end || !AnswersAll(receipts, it->events())) return false;
  Outcomes outcomes(receipts, it->digests);
  answered.reserve(answered.size() + it->parts.size());
  for (Part& part : it->parts) {
    Answered& one = answered.emplace_back();
    one.done = std::move(part.done);
    one.outcomes.reserve(part.events);
    for (size_t i = 0; i < part.events; ++i) {
      one.outcomes.push_back(outcomes.Next());
      const PublishOutcome& last = one.outcomes.back();
      if (last.refusal == bus::v1::REFUSAL_READ_ONLY ||
          last.refusal == bus::v1::REFUSAL_DRAINING) {
        takes_nothing_ = last.refusal;
        takes_nothing_because_ = last.detail;
      }
    }
  }
  --out_;
  events_out_ -= it->events();
  bytes_out_ -= it->frame->size() - kFrameHeadBytes;
  batches_.erase(it);
  refused_in_a_row_ = 0;
  return true;
}

void PublishQueue::Lost(bool refused, const std::string& detail,
                        std::vector<Answered>& answered) {
  if (takes_nothing_ != bus::v1::REFUSAL_UNSPECIFIED) {
    Refuse(std::exchange(takes_nothing_, bus::v1::REFUSAL_UNSPECIFIED),
           takes_nothing_because_, true, answered);
    out_ = 0;
  }
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
  FailAll(open_.parts, refusal, detail, answered);
  open_ = {};
  encoder_.Take();
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

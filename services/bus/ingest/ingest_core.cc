#include "services/bus/ingest/ingest_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/event/codec.h"

namespace concordat::bus {
namespace {

constexpr size_t kSpareMax = 16;

absl::string_view AsText(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// A new event; neighbours are told of as one.
void AddAccepted(uint32_t index, const Staged& event, v1::Receipts& receipts) {
  if (!receipts.accepted().empty()) {
    v1::Accepted& last = *receipts.mutable_accepted()->rbegin();
    if (last.index() + last.count() == index &&
        last.first_sequence() + last.count() == event.sequence.value &&
        last.accepted_time() == event.accepted_us) {
      last.set_count(last.count() + 1);
      return;
    }
  }
  v1::Accepted& accepted = *receipts.add_accepted();
  accepted.set_index(index);
  accepted.set_count(1);
  accepted.set_first_sequence(event.sequence.value);
  accepted.set_accepted_time(event.accepted_us);
}

}  // namespace

IngestCore::IngestCore(EventLog& log, std::shared_ptr<const TypeRegistry> types,
                       LogTime time, Refusals& refusals)
    : log_(log),
      types_(std::move(types)),
      judge_(types_),
      time_(time),
      refusals_(refusals),
      epoch_(log.Status().epoch),
      durable_(log.Status().end) {}

void IngestCore::Refuse(const v1::Principal& principal, v1::Refusal refusal,
                        std::string detail, v1::Outcome& outcome) {
  refusals_.Add(principal.name(), refusal, detail);
  outcome.set_refusal(refusal);
  outcome.set_detail(std::move(detail));
}

IngestCore::Waiting IngestCore::AnswerTo(SessionId session, uint64_t number) {
  Waiting waiting;
  waiting.answer.session = session;
  waiting.answer.number = number;
  v1::Receipts& receipts = waiting.answer.receipts;
  if (!spare_.empty()) {
    receipts = std::move(spare_.back());
    spare_.pop_back();
  }
  receipts.set_publish_number(number);
  receipts.set_epoch(epoch_);
  return waiting;
}

absl::Status IngestCore::Publish(SessionId session, uint64_t number,
                                 const v1::Principal& principal,
                                 absl::string_view batch) {
  const absl::StatusOr<std::vector<EventView>> events = DecodeBatch(batch);
  if (!events.ok()) return events.status();
  Waiting waiting = AnswerTo(session, number);
  v1::Receipts& receipts = waiting.answer.receipts;

  time_.Look();
  const absl::Span<const EventView> all(*events);
  judge_.StartBatch(all.empty() ? 0 : time_.Of(all.front()));
  for (size_t first = 0; first < all.size();) {
    size_t end = first + 1;
    const uint32_t set = all[first].atomic_set;
    while (set != 0 && end < all.size() && all[end].atomic_set == set) ++end;
    StageSet(principal, all.subspan(first, end - first), first, receipts,
             waiting.needs);
    first = end;
  }
  waiting_.push_back(std::move(waiting));
  return absl::OkStatus();
}

absl::Status IngestCore::TurnAway(SessionId session, uint64_t number,
                                  const v1::Principal& principal,
                                  absl::string_view batch, v1::Refusal refusal,
                                  const std::string& why) {
  const absl::StatusOr<std::vector<EventView>> events = DecodeBatch(batch);
  if (!events.ok()) return events.status();
  Waiting waiting = AnswerTo(session, number);
  v1::Receipts& receipts = waiting.answer.receipts;
  for (uint32_t i = 0; i < events->size(); ++i) {
    v1::Outcome& outcome = *receipts.add_outcomes();
    outcome.set_index(i);
    Refuse(principal, refusal, why, outcome);
  }
  waiting_.push_back(std::move(waiting));
  return absl::OkStatus();
}

void IngestCore::StageSet(const v1::Principal& principal,
                          absl::Span<const EventView> set, size_t first,
                          v1::Receipts& receipts, Sequence& needs) {
  if (commitments_.size() < set.size()) {
    commitments_.resize(set.size());
    faults_.resize(set.size());
    verdicts_.resize(set.size());
    news_.resize(set.size());
  }
  bool passes = true;
  for (size_t i = 0; i < set.size(); ++i) {
    faults_[i].clear();
    verdicts_[i] =
        judge_.JudgeEvent(principal, set[i], commitments_[i], faults_[i]);
    passes &= verdicts_[i].refusal == v1::REFUSAL_UNSPECIFIED;
    news_[i] = {&set[i], &commitments_[i], verdicts_[i].type, faults_[i]};
  }
  std::vector<Staged> staged;
  if (passes && !read_only_) {
    staged = log_.Stage(absl::MakeConstSpan(news_.data(), set.size()),
                        time_.Of(set[0]));
  }
  for (size_t i = 0; i < set.size(); ++i) {
    const auto index = static_cast<uint32_t>(first + i);
    if (passes && !read_only_ && staged[i].kind == Staged::Kind::kNew) {
      time_.Accepted(staged[i].accepted_us);
      if (faults_[i].empty()) {
        AddAccepted(index, staged[i], receipts);
        needs = std::max(needs, staged[i].sequence);
        continue;
      }
      faulty_.push_back({staged[i].sequence, std::string(set[i].header.source),
                         std::string(set[i].header.type), faults_[i]});
    }
    v1::Outcome& outcome = *receipts.add_outcomes();
    outcome.set_index(index);
    if (!passes) {
      if (verdicts_[i].refusal != v1::REFUSAL_UNSPECIFIED) {
        Refuse(principal, verdicts_[i].refusal, verdicts_[i].detail, outcome);
      } else {
        Refuse(principal, v1::REFUSAL_ATOMIC_SET,
               "another event of its set was refused", outcome);
      }
      continue;
    }
    if (read_only_) {
      Refuse(principal, v1::REFUSAL_READ_ONLY, read_only_because_, outcome);
      continue;
    }
    const Staged& one = staged[i];
    switch (one.kind) {
      case Staged::Kind::kDuplicate:
        outcome.set_duplicate(true);
        [[fallthrough]];
      case Staged::Kind::kNew:
        // The publisher is told again with each repeat.
        outcome.mutable_faults()->Assign(faults_[i].begin(), faults_[i].end());
        outcome.set_sequence(one.sequence.value);
        outcome.set_accepted_time(one.accepted_us);
        outcome.set_digest(AsText(one.digest).data(), one.digest.size());
        needs = std::max(needs, one.sequence);
        break;
      case Staged::Kind::kIdReused:
        Refuse(principal, v1::REFUSAL_ID_REUSED,
               "id: used before for other content", outcome);
        break;
      case Staged::Kind::kVersionConflict:
        outcome.set_stream_version(one.stream_version.value);
        Refuse(principal, v1::REFUSAL_VERSION_CONFLICT,
               "expectedversion: is not the stream's last sequence", outcome);
        break;
      case Staged::Kind::kSetRefused:
        Refuse(principal, v1::REFUSAL_ATOMIC_SET,
               "another event of its set was refused", outcome);
        break;
      case Staged::Kind::kReadOnly:
        Refuse(principal, v1::REFUSAL_READ_ONLY, "the log takes no writes",
               outcome);
        break;
    }
  }
}

std::unique_ptr<PendingBlock> IngestCore::NextBlock() {
  if (read_only_ || blocks_out_ >= kBlocksOut) return nullptr;
  if (blocks_out_ > 0 && log_.staged_bytes() < kBlockBytes) return nullptr;
  std::unique_ptr<PendingBlock> block = log_.TakeStaged();
  if (block != nullptr) ++blocks_out_;
  return block;
}

std::shared_ptr<const EventBlock> IngestCore::Written(
    std::unique_ptr<PendingBlock> block) {
  std::shared_ptr<const EventBlock> events = log_.Written(std::move(block));
  --blocks_out_;
  if (!events->events.empty()) durable_ = events->events.back().sequence;
  return events;
}

void IngestCore::WriteFailed(const absl::Status& why) {
  --blocks_out_;
  read_only_ = true;
  read_only_because_ = absl::StrCat("the log takes no writes: ", why.message());
  // What was under way may be stored or not; only a restart will tell.
  for (Waiting& waiting : waiting_) {
    if (waiting.needs <= durable_) continue;
    TakeBack(waiting.answer.receipts);
    waiting.needs = durable_;
  }
}

void IngestCore::TakeBack(v1::Receipts& receipts) {
  const auto refuse = [&](uint32_t index, v1::Outcome& outcome) {
    outcome.Clear();
    outcome.set_index(index);
    outcome.set_refusal(v1::REFUSAL_READ_ONLY);
    outcome.set_detail(read_only_because_);
    refusals_.Add("", v1::REFUSAL_READ_ONLY, read_only_because_);
  };
  for (v1::Outcome& outcome : *receipts.mutable_outcomes()) {
    if (outcome.sequence() > durable_.value) refuse(outcome.index(), outcome);
  }
  for (v1::Accepted& run : *receipts.mutable_accepted()) {
    while (run.count() > 0 &&
           run.first_sequence() + run.count() - 1 > durable_.value) {
      run.set_count(run.count() - 1);
      refuse(run.index() + run.count(), *receipts.add_outcomes());
    }
  }
  auto& runs = *receipts.mutable_accepted();
  runs.erase(std::remove_if(runs.begin(), runs.end(),
                            [](const auto& run) { return run.count() == 0; }),
             runs.end());
  std::sort(receipts.mutable_outcomes()->begin(),
            receipts.mutable_outcomes()->end(),
            [](const auto& a, const auto& b) { return a.index() < b.index(); });
}

std::vector<Answer> IngestCore::TakeAnswers() {
  std::vector<Answer> answers;
  while (!waiting_.empty() && waiting_.front().needs <= durable_) {
    answers.push_back(std::move(waiting_.front().answer));
    waiting_.pop_front();
  }
  return answers;
}

bool IngestCore::Owes(SessionId session) const {
  return std::any_of(
      waiting_.begin(), waiting_.end(),
      [&](const Waiting& each) { return each.answer.session == session; });
}

void IngestCore::Recycle(Answer answer) {
  if (spare_.size() >= kSpareMax) return;
  answer.receipts.Clear();
  spare_.push_back(std::move(answer.receipts));
}

}  // namespace concordat::bus

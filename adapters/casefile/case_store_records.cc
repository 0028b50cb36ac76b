// What each record of the journal changes, and all there is as records.
#include <algorithm>
#include <utility>

#include "adapters/casefile/case_store.h"

namespace concordat::casefile {
namespace {

using edge::v1::CaseRecord;
using edge::v1::CaseState;
using edge::v1::FileTaken;
using edge::v1::KnownRow;
using edge::v1::RejectAct;
using edge::v1::RowDone;

void Count(absl::flat_hash_map<std::string, int>& counts,
           const std::string& name, int by) {
  if (name.empty()) return;
  const auto at = counts.try_emplace(name, 0).first;
  at->second += by;
  if (at->second <= 0) counts.erase(at);
}

// Cuts a list of things into records of bounded size.
class StateWriter {
 public:
  CaseState& state() { return state_; }
  void Added(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > kCaseRecordBytes) Flush();
  }
  void Flush() {
    CaseRecord record;
    *record.mutable_state() = std::exchange(state_, CaseState());
    records_.push_back(record.SerializeAsString());
    bytes_ = 0;
  }
  std::vector<std::string> Take() {
    Flush();
    return std::move(records_);
  }

 private:
  CaseState state_;
  size_t bytes_ = 0;
  std::vector<std::string> records_;
};

}  // namespace

void CaseStore::Apply(CaseRecord record) {
  switch (record.step_case()) {
    case CaseRecord::kRows:
      for (Row& row : *record.mutable_rows()->mutable_rows()) {
        coming_.push_back(std::move(row));
      }
      break;
    case CaseRecord::kTaken:
      ApplyTaken(record.taken());
      break;
    case CaseRecord::kCleared:
      uncleared_.erase(record.cleared().name());
      break;
    case CaseRecord::kDone:
      for (const RowDone& done : record.done().rows()) ApplyDone(done);
      break;
    case CaseRecord::kTold:
      told_[record.told().feed()] = record.told().complete_to();
      for (auto& [name, mark] : marks_) {
        if (mark.feed() == record.told().feed()) mark.set_rows(0);
      }
      break;
    case CaseRecord::kReject:
      DropReject(record.reject().number());
      break;
    case CaseRecord::kState:
      ApplyState(std::move(*record.mutable_state()));
      break;
    case CaseRecord::kActed:
      AddAct(std::move(*record.mutable_acted()));
      break;
    case CaseRecord::kActEnded:
      ApplyEnded(record.act_ended());
      break;
    case CaseRecord::STEP_NOT_SET:
      break;
  }
}

void CaseStore::ApplyTaken(const FileTaken& file) {
  for (Row& row : std::exchange(coming_, {})) AddWaiting(std::move(row));
  uncleared_.insert(file.name());
  files_.push_back(file);
  if (files_.size() > limits_.files_max) files_.pop_front();
  if (!file.refused().empty()) {
    counts_.set_files_refused(counts_.files_refused() + 1);
    return;
  }
  if (file.again()) {
    counts_.set_files_again(counts_.files_again() + 1);
  } else {
    counts_.set_files_taken(counts_.files_taken() + 1);
  }
  counts_.set_known(counts_.known() + file.known());
  counts_.set_not_in_cohort(counts_.not_in_cohort() + file.outside());
  auto [at, first] = marks_.try_emplace(file.mapping());
  edge::v1::MappingMark& mark = at->second;
  mark.set_mapping(file.mapping());
  mark.set_feed(file.feed());
  mark.set_complete_to(std::max(mark.complete_to(), file.complete_to()));
  mark.set_day(first ? file.day() : std::max(mark.day(), file.day()));
  mark.set_rows(mark.rows() + file.rows());
}

void CaseStore::AddWaiting(Row row) {
  last_number_ = std::max(last_number_, row.number());
  bytes_ += row.ByteSizeLong();
  Count(waiting_keys_, row.key(), 1);
  if (row.kind() == edge::v1::ROW_KIND_REJECT) {
    Count(reject_contents_, row.content(), 1);
  }
  waiting_[row.number()] = std::move(row);
}

CaseStore::Row CaseStore::DropWaiting(std::map<uint64_t, Row>::iterator at) {
  Row row = std::move(at->second);
  waiting_.erase(at);
  bytes_ -= row.ByteSizeLong();
  Count(waiting_keys_, row.key(), -1);
  if (row.kind() == edge::v1::ROW_KIND_REJECT) {
    Count(reject_contents_, row.content(), -1);
  }
  return row;
}

void CaseStore::AddReject(Row row) {
  bytes_ += row.ByteSizeLong();
  Count(reject_keys_, row.key(), 1);
  Count(reject_contents_, row.content(), 1);
  rejects_[row.number()] = std::move(row);
}

void CaseStore::DropReject(uint64_t number) {
  const auto at = rejects_.find(number);
  if (at == rejects_.end()) return;
  bytes_ -= at->second.ByteSizeLong();
  Count(reject_keys_, at->second.key(), -1);
  Count(reject_contents_, at->second.content(), -1);
  rejects_.erase(at);
}

void CaseStore::AddAct(RejectAct act) {
  // The number of what it becomes is taken.
  last_number_ = std::max(last_number_, act.again().number());
  acts_.Add(std::move(act));
}

void CaseStore::ApplyEnded(const edge::v1::ActEnded& ended) {
  std::optional<RejectAct> act = acts_.End(ended);
  if (!act.has_value() || !ended.done()) return;
  DropReject(act->acted().item());
  if (act->has_again()) AddWaiting(std::move(*act->mutable_again()));
}

void CaseStore::ApplyDone(const RowDone& done) {
  const auto at = waiting_.find(done.number());
  if (at == waiting_.end()) return;
  Row row = DropWaiting(at);
  switch (done.outcome()) {
    case edge::v1::ROW_OUTCOME_PUBLISHED:
      counts_.set_published(counts_.published() + 1);
      ApplyPublished(row, done);
      break;
    case edge::v1::ROW_OUTCOME_OUTSIDE:
      counts_.set_not_in_cohort(counts_.not_in_cohort() + 1);
      known_.erase(row.key());
      holds_too_much_ = true;
      break;
    case edge::v1::ROW_OUTCOME_REJECTED:
      if (!done.reason().empty()) row.set_reason(done.reason());
      if (!done.subject().empty()) row.set_subject(done.subject());
      AddReject(std::move(row));
      break;
    default:
      counts_.set_known(counts_.known() + 1);
      break;
  }
}

void CaseStore::ApplyPublished(const Row& row, const RowDone& done) {
  // What was wrong with the row before is mended with it.
  std::vector<uint64_t> mended;
  if (reject_keys_.contains(row.key())) {
    for (const auto& [number, reject] : rejects_) {
      if (reject.key() == row.key()) mended.push_back(number);
    }
  }
  for (const uint64_t number : mended) DropReject(number);
  KnownRow& known = known_[row.key()];
  known.Clear();
  known.set_key(row.key());
  known.set_mapping(row.mapping());
  known.set_amended(row.amended());
  known.set_content(row.content());
  known.set_event_id(done.event_id());
  known.set_subject(done.subject());
  known.set_retracted(row.kind() == edge::v1::ROW_KIND_VANISHED);
  if (row.keep_data() && !known.retracted()) *known.mutable_row() = row;
}

void CaseStore::ApplyState(CaseState state) {
  if (state.has_counts()) counts_ = state.counts();
  last_number_ = std::max(last_number_, state.last_number());
  for (FileTaken& file : *state.mutable_files()) {
    files_.push_back(std::move(file));
  }
  for (Row& row : *state.mutable_rejects()) AddReject(std::move(row));
  for (Row& row : *state.mutable_waiting()) AddWaiting(std::move(row));
  for (KnownRow& known : *state.mutable_known()) {
    const std::string key = known.key();
    known_[key] = std::move(known);
  }
  for (edge::v1::MappingMark& mark : *state.mutable_marks()) {
    const std::string name = mark.mapping();
    marks_[name] = std::move(mark);
  }
  for (const edge::v1::FeedTold& told : state.told()) {
    told_[told.feed()] = told.complete_to();
  }
  uncleared_.insert(state.uncleared().begin(), state.uncleared().end());
  for (RejectAct& act : *state.mutable_acts()) AddAct(std::move(act));
}

std::vector<std::string> CaseStore::StateRecords() const {
  StateWriter writer;
  *writer.state().mutable_counts() = counts_;
  writer.state().set_last_number(last_number_);
  for (const FileTaken& file : files_) {
    *writer.state().add_files() = file;
    writer.Added(file.ByteSizeLong());
  }
  for (const auto& [number, row] : rejects_) {
    *writer.state().add_rejects() = row;
    writer.Added(row.ByteSizeLong());
  }
  for (const auto& [number, row] : waiting_) {
    *writer.state().add_waiting() = row;
    writer.Added(row.ByteSizeLong());
  }
  for (const auto& [key, known] : known_) {
    *writer.state().add_known() = known;
    writer.Added(known.ByteSizeLong());
  }
  for (const auto& [name, mark] : marks_) *writer.state().add_marks() = mark;
  for (const auto& [feed, complete_to] : told_) {
    edge::v1::FeedTold& told = *writer.state().add_told();
    told.set_feed(feed);
    told.set_complete_to(complete_to);
  }
  for (const std::string& name : uncleared_) {
    writer.state().add_uncleared(name);
  }
  for (const auto& [number, act] : acts_.all()) {
    *writer.state().add_acts() = act;
    writer.Added(act.ByteSizeLong());
  }
  return writer.Take();
}

}  // namespace concordat::casefile

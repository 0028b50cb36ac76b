#include "adapters/casefile/case_store.h"

#include <algorithm>
#include <utility>

namespace concordat::casefile {
namespace {

using edge::v1::CaseRecord;
using edge::v1::CaseState;
using edge::v1::FileTaken;
using edge::v1::KnownRow;
using edge::v1::RejectAct;
using edge::v1::RowDone;
using edge::v1::WaitingRow;

constexpr char kJournalName[] = "casefiles";
constexpr uint64_t kRewriteBytesMin = 4u << 20;
// Of one record: the journal takes four times this.
constexpr size_t kRecordBytes = 1u << 20;

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
    if (bytes_ > kRecordBytes) Flush();
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

absl::StatusOr<std::unique_ptr<CaseStore>> CaseStore::Open(
    Directory& directory, std::string key, Random& random,
    CaseStoreLimits limits) {
  std::unique_ptr<CaseStore> store(
      new CaseStore(directory, std::move(key), random, limits));
  if (absl::Status loaded = store->Recover(); !loaded.ok()) return loaded;
  return store;
}

absl::Status CaseStore::Recover() {
  MutexLock lock(mu_);
  counts_.Clear();
  last_number_ = 0;
  coming_.clear();
  waiting_.clear();
  waiting_keys_.clear();
  rejects_.clear();
  reject_keys_.clear();
  reject_contents_.clear();
  known_.clear();
  files_.clear();
  uncleared_.clear();
  marks_.clear();
  told_.clear();
  acts_.Clear();
  bytes_ = 0;
  failed_ = Load();
  return failed_;
}

absl::Status CaseStore::Load() {
  journal_.reset();
  std::vector<std::string> records;
  auto journal =
      SealedJournal::Open(directory_, kJournalName, key_, random_, records);
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  for (const std::string& bytes : records) {
    CaseRecord record;
    if (!record.ParseFromString(bytes)) {
      return absl::DataLossError("case files: a record cannot be read");
    }
    Apply(std::move(record));
  }
  coming_.clear();  // Of a file that never was.
  rewritten_bytes_ = journal_->bytes();
  return absl::OkStatus();
}

absl::Status CaseStore::failed() const {
  MutexLock lock(mu_);
  return failed_;
}

absl::Status CaseStore::Write(const CaseRecord& record) {
  if (!failed_.ok()) return failed_;
  failed_ = journal_->Append(record.SerializeAsString());
  return failed_;
}

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
  Row row = std::move(at->second);
  waiting_.erase(at);
  bytes_ -= row.ByteSizeLong();
  Count(waiting_keys_, row.key(), -1);
  if (row.kind() == edge::v1::ROW_KIND_REJECT) {
    Count(reject_contents_, row.content(), -1);
  }
  switch (done.outcome()) {
    case edge::v1::ROW_OUTCOME_PUBLISHED:
      counts_.set_published(counts_.published() + 1);
      ApplyPublished(row, done);
      break;
    case edge::v1::ROW_OUTCOME_OUTSIDE:
      counts_.set_not_in_cohort(counts_.not_in_cohort() + 1);
      known_.erase(row.key());
      break;
    case edge::v1::ROW_OUTCOME_REJECTED:
      if (!done.reason().empty()) row.set_reason(done.reason());
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

absl::Status CaseStore::RewriteIfWorth() {
  if (journal_->bytes() < std::max(kRewriteBytesMin, 2 * rewritten_bytes_)) {
    return absl::OkStatus();
  }
  return Rewrite();
}

absl::Status CaseStore::Rewrite() {
  failed_ = journal_->Replace(StateRecords());
  rewritten_bytes_ = journal_->bytes();
  return failed_;
}

std::optional<FileTaken> CaseStore::FindFile(absl::string_view content) const {
  MutexLock lock(mu_);
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (file->content() == content && file->refused().empty()) return *file;
  }
  return std::nullopt;
}

absl::Status CaseStore::Take(const FileTaken& file, std::vector<Row> rows) {
  MutexLock lock(mu_);
  uint64_t bytes = 0;
  for (Row& row : rows) {
    row.set_number(++last_number_);
    bytes += row.ByteSizeLong();
  }
  if (bytes_ + bytes > limits_.bytes_max) {
    last_number_ -= rows.size();
    return absl::ResourceExhaustedError("rows that wait and rejects fill it");
  }
  // Nothing of these counts before the FileTaken.
  CaseRecord record;
  size_t record_bytes = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    record_bytes += rows[i].ByteSizeLong();
    *record.mutable_rows()->add_rows() = rows[i];
    if (record_bytes < kRecordBytes && i + 1 < rows.size()) continue;
    if (absl::Status written = Write(record); !written.ok()) return written;
    record.Clear();
    record_bytes = 0;
  }
  *record.mutable_taken() = file;
  if (absl::Status written = Write(record); !written.ok()) return written;
  coming_ = std::move(rows);
  Apply(std::move(record));
  return RewriteIfWorth();
}

absl::Status CaseStore::Clear(const std::string& name) {
  MutexLock lock(mu_);
  CaseRecord record;
  record.mutable_cleared()->set_name(name);
  if (absl::Status written = Write(record); !written.ok()) return written;
  Apply(std::move(record));
  return absl::OkStatus();
}

bool CaseStore::IsUncleared(const std::string& name,
                            absl::string_view content) const {
  MutexLock lock(mu_);
  if (uncleared_.count(name) == 0) return false;
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (file->name() == name) return file->content() == content;
  }
  return false;
}

std::vector<WaitingRow> CaseStore::Oldest(size_t count) const {
  MutexLock lock(mu_);
  std::vector<WaitingRow> oldest;
  for (const auto& [number, row] : waiting_) {
    if (oldest.size() == count) break;
    oldest.push_back(row);
  }
  return oldest;
}

absl::Status CaseStore::Finish(const std::vector<RowDone>& rows) {
  MutexLock lock(mu_);
  CaseRecord record;
  for (const RowDone& row : rows) *record.mutable_done()->add_rows() = row;
  if (absl::Status written = Write(record); !written.ok()) return written;
  Apply(std::move(record));
  return RewriteIfWorth();
}

std::optional<KnownRow> CaseStore::FindKnown(absl::string_view key) const {
  MutexLock lock(mu_);
  const auto at = known_.find(key);
  if (at == known_.end()) return std::nullopt;
  return at->second;
}

bool CaseStore::IsNothingNew(const WaitingRow& row) const {
  MutexLock lock(mu_);
  if (row.kind() == edge::v1::ROW_KIND_REJECT ||
      row.kind() == edge::v1::ROW_KIND_VANISHED) {
    return reject_contents_.contains(row.content());
  }
  if (waiting_keys_.contains(row.key())) return false;
  const auto at = known_.find(row.key());
  return at != known_.end() && at->second.content() == row.content() &&
         at->second.amended() == row.amended() && !at->second.retracted();
}

std::vector<KnownRow> CaseStore::KnownOf(const std::string& mapping) const {
  MutexLock lock(mu_);
  std::vector<KnownRow> rows;
  for (const auto& [key, known] : known_) {
    if (known.mapping() == mapping && !known.retracted()) rows.push_back(known);
  }
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.key() < b.key(); });
  return rows;
}

std::optional<edge::v1::MappingMark> CaseStore::MarkOf(
    const std::string& mapping) const {
  MutexLock lock(mu_);
  const auto at = marks_.find(mapping);
  if (at == marks_.end()) return std::nullopt;
  return at->second;
}

std::vector<WaitingRow> CaseStore::rejects() const {
  MutexLock lock(mu_);
  std::vector<WaitingRow> all;
  for (const auto& [number, row] : rejects_) all.push_back(row);
  return all;
}

std::optional<WaitingRow> CaseStore::FindReject(uint64_t number) const {
  MutexLock lock(mu_);
  const auto at = rejects_.find(number);
  if (at == rejects_.end()) return std::nullopt;
  return at->second;
}

absl::StatusOr<const RejectAct*> CaseStore::FindAnswer(
    const RejectAct& act) const {
  const auto answer = acts_.FindAnswer(act);
  const bool is_new = answer.ok() && *answer == nullptr;
  if (is_new && rejects_.count(act.acted().item()) == 0) {
    return absl::NotFoundError("there is no such item");
  }
  return answer;
}

absl::StatusOr<std::optional<RejectAct>> CaseStore::Check(
    const RejectAct& act) const {
  MutexLock lock(mu_);
  const auto answer = FindAnswer(act);
  if (!answer.ok()) return answer.status();
  return *answer == nullptr ? std::nullopt : std::make_optional(**answer);
}

absl::StatusOr<uint64_t> CaseStore::Begin(RejectAct act) {
  MutexLock lock(mu_);
  const auto answer = FindAnswer(act);
  if (!answer.ok()) return answer.status();
  if (*answer != nullptr) return (*answer)->acted().act();
  const uint64_t number = acts_.last() + 1;
  act.mutable_acted()->set_act(number);
  if (act.has_again()) {
    act.mutable_again()->set_number(last_number_ + 1);
    act.mutable_again()->set_was_reject(act.acted().item());
  }
  CaseRecord record;
  *record.mutable_acted() = std::move(act);
  if (absl::Status written = Write(record); !written.ok()) return written;
  Apply(std::move(record));
  return number;
}

std::optional<RejectAct> CaseStore::OldestAct() const {
  MutexLock lock(mu_);
  const RejectAct* act = acts_.Oldest();
  return act == nullptr ? std::nullopt : std::make_optional(*act);
}

absl::Status CaseStore::End(const edge::v1::ActEnded& ended) {
  MutexLock lock(mu_);
  const RejectAct* act = acts_.Find(ended.act());
  // What is left is destroyed.
  const bool left = ended.done() && act != nullptr && !act->has_again();
  CaseRecord record;
  *record.mutable_act_ended() = ended;
  if (absl::Status written = Write(record); !written.ok()) return written;
  Apply(std::move(record));
  act_ended_.NotifyAll();
  return left ? Rewrite() : RewriteIfWorth();
}

std::optional<RejectAct> CaseStore::AwaitEnd(uint64_t act,
                                             absl::Duration timeout) const {
  MutexLock lock(mu_);
  const auto has_ended = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const RejectAct* found = acts_.Find(act);
    return found != nullptr && found->has_ended();
  };
  if (!act_ended_.WaitFor(mu_, timeout, has_ended)) return std::nullopt;
  return *acts_.Find(act);
}

bool CaseStore::IsUnderWay(uint64_t reject) const {
  MutexLock lock(mu_);
  return acts_.IsUnderWay(reject);
}

absl::Status CaseStore::Close(uint64_t number) {
  MutexLock lock(mu_);
  if (rejects_.count(number) == 0) return absl::NotFoundError("no such reject");
  CaseRecord record;
  record.mutable_reject()->set_number(number);
  if (absl::Status written = Write(record); !written.ok()) return written;
  Apply(std::move(record));
  return absl::OkStatus();
}

std::vector<FeedNews> CaseStore::News(
    const std::map<std::string, std::set<std::string>>& kinds) const {
  MutexLock lock(mu_);
  std::vector<FeedNews> all;
  if (!waiting_.empty()) return all;
  for (const auto& [feed, mappings] : kinds) {
    FeedNews news{feed, UINT64_MAX, 0, 0};
    for (const std::string& mapping : mappings) {
      const auto mark = marks_.find(mapping);
      const bool there = mark != marks_.end() && mark->second.feed() == feed;
      news.complete_to =
          std::min(news.complete_to, there ? mark->second.complete_to() : 0);
      if (there) news.records += mark->second.rows();
    }
    for (const auto& [number, row] : rejects_) {
      news.rejected += static_cast<uint32_t>(mappings.count(row.mapping()));
    }
    const auto told = told_.find(feed);
    if (news.complete_to > (told == told_.end() ? 0 : told->second)) {
      all.push_back(std::move(news));
    }
  }
  return all;
}

absl::Status CaseStore::Told(const FeedNews& news) {
  MutexLock lock(mu_);
  CaseRecord record;
  record.mutable_told()->set_feed(news.feed);
  record.mutable_told()->set_complete_to(news.complete_to);
  if (absl::Status written = Write(record); !written.ok()) return written;
  Apply(std::move(record));
  return absl::OkStatus();
}

CaseTotals CaseStore::totals() const {
  MutexLock lock(mu_);
  return {counts_, waiting_.size(), rejects_.size(), acts_.under_way()};
}

std::vector<FileTaken> CaseStore::files(size_t count) const {
  MutexLock lock(mu_);
  std::vector<FileTaken> newest(
      files_.rbegin(), files_.rbegin() + static_cast<std::ptrdiff_t>(
                                             std::min(count, files_.size())));
  return newest;
}

}  // namespace concordat::casefile

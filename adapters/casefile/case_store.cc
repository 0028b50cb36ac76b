#include "adapters/casefile/case_store.h"

#include <algorithm>
#include <utility>

namespace concordat::casefile {
namespace {

using edge::v1::CaseRecord;
using edge::v1::FileTaken;
using edge::v1::KnownRow;
using edge::v1::RejectAct;
using edge::v1::RowDone;
using edge::v1::WaitingRow;

constexpr char kJournalName[] = "casefiles";
constexpr uint64_t kRewriteBytesMin = 4u << 20;

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
  holds_too_much_ = false;
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

absl::Status CaseStore::Tidy() {
  const bool must = holds_too_much_ && waiting_.empty();
  const bool worth =
      journal_->bytes() >= std::max(kRewriteBytesMin, 2 * rewritten_bytes_);
  return must || worth ? Rewrite() : absl::OkStatus();
}

absl::Status CaseStore::Rewrite() {
  failed_ = journal_->Replace(StateRecords());
  if (failed_.ok() && waiting_.empty()) holds_too_much_ = false;
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
    if (record_bytes < kCaseRecordBytes && i + 1 < rows.size()) continue;
    if (absl::Status written = Write(record); !written.ok()) return written;
    record.Clear();
    record_bytes = 0;
  }
  *record.mutable_taken() = file;
  if (absl::Status written = Write(record); !written.ok()) return written;
  coming_ = std::move(rows);
  Apply(std::move(record));
  return Tidy();
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
  return Tidy();
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
  act.mutable_acted()->set_subject(rejects_.at(act.acted().item()).subject());
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
  return left ? Rewrite() : Tidy();
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

absl::StatusOr<uint64_t> CaseStore::ErasePerson(const PersonKey& person,
                                                const IsTheirs& is_theirs) {
  MutexLock lock(mu_);
  if (!failed_.ok()) return failed_;
  uint64_t gone = 0;
  std::set<std::string> keys;  // Of their rows.
  absl::erase_if(known_, [&](const auto& entry) {
    if (entry.second.subject() != person.bytes()) return false;
    keys.insert(entry.first);
    ++gone;
    return true;
  });
  const auto theirs = [&](const Row& row) {
    return row.subject() == person.bytes() || keys.count(row.key()) > 0 ||
           is_theirs(row);
  };
  std::set<uint64_t> rejects;
  for (const auto& [number, row] : rejects_) {
    if (theirs(row)) rejects.insert(number);
  }
  for (const uint64_t number : rejects) DropReject(number);
  std::set<uint64_t> acted = rejects;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto here = at++;
    if (!theirs(here->second)) continue;
    acted.insert(DropWaiting(here).was_reject());
    ++gone;
  }
  acts_.Forget(person, acted);
  act_ended_.NotifyAll();
  gone += rejects.size();
  // At each start it is asked for again, and most often there is nothing.
  if (gone == 0) return 0;
  if (absl::Status rewritten = Rewrite(); !rewritten.ok()) return rewritten;
  return gone;
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

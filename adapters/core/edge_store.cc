#include "adapters/core/edge_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"

namespace concordat::edge {
namespace {

constexpr char kJournalName[] = "journal";
// A journal smaller than this is not worth rewriting to save space.
constexpr uint64_t kRewriteBytesMin = 4u << 20;

MessageKey KeyFrom(absl::string_view bytes) {
  MessageKey key = {};
  std::copy_n(bytes.begin(), std::min(bytes.size(), key.size()), key.begin());
  return key;
}

absl::string_view Bytes(const MessageKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

v1::SpoolRecord AcceptedRecord(const WaitingMessage& message) {
  v1::SpoolRecord record;
  v1::Accepted& accepted = *record.mutable_accepted();
  accepted.set_number(message.number);
  accepted.set_key(std::string(Bytes(message.key)));
  accepted.set_received_at(message.received_us);
  accepted.set_message(message.message);
  return record;
}

v1::SpoolRecord FinishedRecord(uint64_t number, uint64_t received_us,
                               const Verdict& verdict) {
  v1::SpoolRecord record;
  v1::Finished& finished = *record.mutable_finished();
  finished.set_number(number);
  finished.set_received_at(received_us);
  finished.set_outcome(verdict.outcome);
  finished.set_reason(verdict.reason);
  finished.set_message_type(verdict.message_type);
  finished.set_subject(std::string(verdict.subject.bytes()));
  finished.set_words(verdict.words);
  return record;
}

Verdict VerdictFrom(const v1::Finished& finished) {
  Verdict verdict;
  verdict.outcome = finished.outcome();
  verdict.reason = finished.reason();
  verdict.message_type = finished.message_type();
  verdict.words = finished.words();
  const auto subject = PersonKey::FromBytes(finished.subject());
  if (subject.ok()) verdict.subject = *subject;
  return verdict;
}

uint64_t& CounterOf(v1::Outcome outcome, EdgeCounts& counts) {
  switch (outcome) {
    case v1::OUTCOME_TO_IDENTITY:
      return counts.to_identity;
    case v1::OUTCOME_PUBLISHED:
      return counts.published;
    case v1::OUTCOME_NOT_IN_COHORT:
      return counts.not_in_cohort;
    case v1::OUTCOME_REFUSED:
      return counts.refused;
    default:
      return counts.held;
  }
}

bool IsKept(v1::Outcome outcome) {
  return outcome == v1::OUTCOME_HELD || outcome == v1::OUTCOME_TO_IDENTITY;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EdgeStore>> EdgeStore::Open(
    Directory& directory, absl::string_view key, Random& random,
    EdgeLimits limits) {
  std::vector<std::string> records;
  auto journal =
      SealedJournal::Open(directory, kJournalName, key, random, records);
  if (!journal.ok()) return journal.status();
  std::unique_ptr<EdgeStore> store(new EdgeStore(*std::move(journal), limits));
  MutexLock lock(store->mu_);
  for (const std::string& bytes : records) {
    v1::SpoolRecord record;
    if (!record.ParseFromString(bytes)) {
      return absl::DataLossError("the edge's journal holds another's record");
    }
    const absl::Status applied = store->Apply(record);
    if (!applied.ok()) return applied;
  }
  return store;
}

absl::Status EdgeStore::Write(const v1::SpoolRecord& record) {
  const absl::Status written = journal_->Append(record.SerializeAsString());
  if (!written.ok()) return written;
  const absl::Status applied = Apply(record);
  CONCORDAT_CHECK(applied.ok());
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status EdgeStore::Apply(const v1::SpoolRecord& record) {
  switch (record.step_case()) {
    case v1::SpoolRecord::kAccepted: {
      const v1::Accepted& accepted = record.accepted();
      WaitingMessage message{accepted.number(), KeyFrom(accepted.key()),
                             accepted.received_at(), accepted.message()};
      known_.insert(message.key);
      bytes_ += message.message.size();
      last_number_ = std::max(last_number_, message.number);
      waiting_.emplace(message.number, std::move(message));
      return absl::OkStatus();
    }
    case v1::SpoolRecord::kFinished:
      return ApplyFinished(record.finished());
    case v1::SpoolRecord::kNotInCohort:
      ++counts_.not_in_cohort;
      return absl::OkStatus();
    case v1::SpoolRecord::kTotals:
      ApplyTotals(record.totals());
      return absl::OkStatus();
    case v1::SpoolRecord::STEP_NOT_SET:
      break;
  }
  return absl::DataLossError("the edge's journal holds a step of no kind");
}

absl::Status EdgeStore::ApplyFinished(const v1::Finished& finished) {
  Verdict verdict = VerdictFrom(finished);
  ++CounterOf(verdict.outcome, counts_);
  last_number_ = std::max(last_number_, finished.number());
  if (verdict.outcome == v1::OUTCOME_REFUSED) {
    refused_.push_back(
        {finished.number(), finished.received_at(), std::move(verdict)});
    while (refused_.size() > limits_.refused_items_max) refused_.pop_front();
    return absl::OkStatus();
  }
  const auto at = waiting_.find(finished.number());
  if (at == waiting_.end()) {
    return absl::DataLossError("the edge's journal ends what never began");
  }
  if (IsKept(verdict.outcome)) {
    held_.emplace(at->first, Held{std::move(at->second), std::move(verdict)});
  } else {
    bytes_ -= at->second.message.size();
    if (verdict.outcome == v1::OUTCOME_NOT_IN_COHORT) {
      holds_outsiders_ = true;
      known_.erase(at->second.key);
    } else {
      RememberKey(at->second.key);
    }
  }
  waiting_.erase(at);
  return absl::OkStatus();
}

void EdgeStore::ApplyTotals(const v1::Totals& totals) {
  counts_ = EdgeCounts();
  counts_.held = totals.held();
  counts_.to_identity = totals.to_identity();
  counts_.published = totals.published();
  counts_.not_in_cohort = totals.not_in_cohort();
  counts_.refused = totals.refused();
  last_number_ = totals.last_number();
  const size_t key_bytes = MessageKey().size();
  for (size_t at = 0; at + key_bytes <= totals.keys().size(); at += key_bytes) {
    RememberKey(
        KeyFrom(absl::string_view(totals.keys()).substr(at, key_bytes)));
  }
}

void EdgeStore::RememberKey(const MessageKey& key) {
  known_.insert(key);
  done_.push_back(key);
  while (done_.size() > limits_.keys_max) {
    known_.erase(done_.front());
    done_.pop_front();
  }
}

absl::Status EdgeStore::Accept(const MessageKey& key, uint64_t received_us,
                               absl::string_view message) {
  MutexLock lock(mu_);
  if (known_.contains(key)) return absl::OkStatus();
  if (bytes_ + message.size() > limits_.bytes_max) {
    return absl::ResourceExhaustedError("the edge's spool is full");
  }
  return Write(AcceptedRecord(
      {last_number_ + 1, key, received_us, std::string(message)}));
}

absl::Status EdgeStore::CountNotInCohort() {
  MutexLock lock(mu_);
  v1::SpoolRecord record;
  record.mutable_not_in_cohort();
  const absl::Status written = Write(record);
  if (!written.ok()) return written;
  return WorthRewriting() ? Rewrite() : absl::OkStatus();
}

absl::Status EdgeStore::Refuse(uint64_t received_us, absl::string_view reason,
                               absl::string_view message_type) {
  MutexLock lock(mu_);
  Verdict verdict;
  verdict.outcome = v1::OUTCOME_REFUSED;
  verdict.reason = std::string(reason);
  verdict.message_type = std::string(message_type);
  return Write(FinishedRecord(last_number_ + 1, received_us, verdict));
}

std::optional<WaitingMessage> EdgeStore::Oldest() const {
  MutexLock lock(mu_);
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->second;
}

bool EdgeStore::WaitForWork(absl::Duration timeout) const {
  MutexLock lock(mu_);
  changed_.WaitFor(mu_, timeout, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || !waiting_.empty();
  });
  return !waiting_.empty();
}

void EdgeStore::StopWaiting() {
  MutexLock lock(mu_);
  stopping_ = true;
  changed_.NotifyAll();
}

absl::Status EdgeStore::Finish(uint64_t number, const Verdict& verdict) {
  MutexLock lock(mu_);
  const auto at = waiting_.find(number);
  if (at == waiting_.end()) {
    return absl::NotFoundError("no such message waits");
  }
  const absl::Status written =
      Write(FinishedRecord(number, at->second.received_us, verdict));
  if (!written.ok()) return written;
  return WorthRewriting() ? Rewrite() : absl::OkStatus();
}

bool EdgeStore::WorthRewriting() const {
  if (waiting_.empty() && holds_outsiders_) return true;
  return journal_->bytes() > kRewriteBytesMin + 2 * rewritten_bytes_;
}

absl::Status EdgeStore::Rewrite() {
  std::vector<std::string> records;
  for (const auto& [number, held] : held_) {
    records.push_back(AcceptedRecord(held.message).SerializeAsString());
    records.push_back(
        FinishedRecord(number, held.message.received_us, held.verdict)
            .SerializeAsString());
  }
  for (const auto& [number, message] : waiting_) {
    records.push_back(AcceptedRecord(message).SerializeAsString());
  }
  for (const KeptItem& item : refused_) {
    records.push_back(
        FinishedRecord(item.number, item.received_us, item.verdict)
            .SerializeAsString());
  }
  v1::SpoolRecord last;
  v1::Totals& totals = *last.mutable_totals();
  totals.set_held(counts_.held);
  totals.set_to_identity(counts_.to_identity);
  totals.set_published(counts_.published);
  totals.set_not_in_cohort(counts_.not_in_cohort);
  totals.set_refused(counts_.refused);
  totals.set_last_number(last_number_);
  for (const MessageKey& key : done_) {
    totals.mutable_keys()->append(Bytes(key).data(), key.size());
  }
  records.push_back(last.SerializeAsString());
  const absl::Status replaced = journal_->Replace(records);
  if (!replaced.ok()) return replaced;
  holds_outsiders_ = false;
  rewritten_bytes_ = journal_->bytes();
  return absl::OkStatus();
}

EdgeCounts EdgeStore::counts() const {
  MutexLock lock(mu_);
  EdgeCounts counts = counts_;
  counts.waiting = waiting_.size();
  return counts;
}

std::vector<KeptItem> EdgeStore::items() const {
  MutexLock lock(mu_);
  std::vector<KeptItem> all;
  for (const auto& [number, held] : held_) {
    all.push_back({number, held.message.received_us, held.verdict});
  }
  all.insert(all.end(), refused_.begin(), refused_.end());
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  return all;
}

}  // namespace concordat::edge

#include "adapters/core/edge_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/core/spool_records.h"
#include "services/common/base/check.h"

namespace concordat::edge {
namespace {

constexpr char kJournalName[] = "journal";
// A journal smaller than this is not worth rewriting to save space.
constexpr uint64_t kRewriteBytesMin = 4u << 20;

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
    case v1::OUTCOME_LEFT:
      return counts.left;
    default:
      return counts.held;
  }
}

bool IsKept(v1::Outcome outcome) {
  return outcome == v1::OUTCOME_HELD || outcome == v1::OUTCOME_REFUSED;
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
      WaitingMessage message = MessageFrom(record.accepted());
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
    case v1::SpoolRecord::kActed:
      ApplyActed(record.acted());
      return absl::OkStatus();
    case v1::SpoolRecord::kActEnded:
      return ApplyEnded(record.act_ended());
    case v1::SpoolRecord::kJudged:
      judged_[record.judged().finished().number()] = record.judged();
      return absl::OkStatus();
    case v1::SpoolRecord::STEP_NOT_SET:
      break;
  }
  return absl::DataLossError("the edge's journal holds a step of no kind");
}

absl::Status EdgeStore::ApplyFinished(const v1::Finished& finished) {
  KeptItem item = ItemFrom(finished);
  const v1::Outcome outcome = item.verdict.outcome;
  ++CounterOf(outcome, counts_);
  last_number_ = std::max(last_number_, finished.number());
  judged_.erase(finished.number());
  const auto at = waiting_.find(finished.number());
  if (at == waiting_.end() && outcome != v1::OUTCOME_REFUSED) {
    return absl::DataLossError("the edge's journal ends what never began");
  }
  if (at != waiting_.end()) {
    item.message = std::move(at->second);
    bytes_ -= item.message.message.size();
    waiting_.erase(at);
  }
  if (IsKept(outcome)) {
    kept_.Keep(std::move(item));
  } else if (outcome == v1::OUTCOME_NOT_IN_COHORT) {
    holds_too_much_ = true;
    known_.erase(item.message.key);
  } else {
    RememberKey(item.message.key);
  }
  return absl::OkStatus();
}

void EdgeStore::ApplyActed(const v1::Acted& acted) {
  Act act = ActFrom(acted);
  const KeptItem* item = kept_.Find(act.item);
  if (item != nullptr && act.kind == v1::ACT_KIND_REPLAY) {
    --CounterOf(item->verdict.outcome, counts_);
  }
  std::optional<WaitingMessage> again = kept_.Begin(std::move(act));
  if (!again.has_value()) return;
  known_.insert(again->key);
  bytes_ += again->message.size();
  waiting_.emplace(again->number, *std::move(again));
}

absl::Status EdgeStore::ApplyEnded(const v1::ActEnded& ended) {
  const Act* act = kept_.FindAct(ended.act());
  const KeptItem* item = act == nullptr ? nullptr : kept_.Find(act->item);
  if (item != nullptr && ended.done() && act->kind != v1::ACT_KIND_LOOK) {
    --CounterOf(item->verdict.outcome, counts_);
    if (act->kind == v1::ACT_KIND_RELEASE) {
      ++counts_.published;
      ++counts_.released;
    } else {
      ++counts_.left;
    }
    if (known_.contains(item->message.key)) RememberKey(item->message.key);
    // Of what only grew too old or too much the next rewrite will do: under a
    // flood every message would cause one.
    if (act->kind != v1::ACT_KIND_AGE) holds_too_much_ = true;
  }
  return kept_.End(ended);
}

void EdgeStore::ApplyTotals(const v1::Totals& totals) {
  counts_ = EdgeCounts();
  counts_.held = totals.held();
  counts_.to_identity = totals.to_identity();
  counts_.published = totals.published();
  counts_.not_in_cohort = totals.not_in_cohort();
  counts_.refused = totals.refused();
  counts_.left = totals.left();
  counts_.released = totals.released();
  last_number_ = totals.last_number();
  kept_.set_last_act(totals.last_act());
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
  return written.ok() ? Tidy() : written;
}

absl::Status EdgeStore::Refuse(WaitingMessage message, Verdict verdict) {
  MutexLock lock(mu_);
  message.number = last_number_ + 1;
  verdict.outcome = v1::OUTCOME_REFUSED;
  const absl::Status written = Write(FinishedRecord(message, verdict, true));
  return written.ok() ? Tidy() : written;
}

std::optional<WaitingMessage> EdgeStore::Oldest() const {
  MutexLock lock(mu_);
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->second;
}

bool EdgeStore::WaitForWork(absl::Duration timeout) const {
  MutexLock lock(mu_);
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !waiting_.empty() || kept_.OldestAct() != nullptr;
  };
  changed_.WaitFor(mu_, timeout, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || has_work();
  });
  return has_work();
}

void EdgeStore::StopWaiting() {
  MutexLock lock(mu_);
  stopping_ = true;
  changed_.NotifyAll();
}

absl::Status EdgeStore::Judge(uint64_t number, const Verdict& verdict,
                              std::vector<v1::MadeEvent> made) {
  MutexLock lock(mu_);
  const auto at = waiting_.find(number);
  if (at == waiting_.end()) {
    return absl::NotFoundError("no such message waits");
  }
  v1::SpoolRecord record;
  *record.mutable_judged()->mutable_finished() =
      FinishedRecord(at->second, verdict, false).finished();
  for (v1::MadeEvent& each : made) {
    *record.mutable_judged()->add_made() = std::move(each);
  }
  return Write(record);
}

std::optional<Judged> EdgeStore::FindJudged(uint64_t number) const {
  MutexLock lock(mu_);
  const auto at = judged_.find(number);
  if (at == judged_.end()) return std::nullopt;
  return Judged{ItemFrom(at->second.finished()).verdict,
                {at->second.made().begin(), at->second.made().end()}};
}

absl::Status EdgeStore::Finish(uint64_t number, const Verdict& verdict) {
  MutexLock lock(mu_);
  const auto at = waiting_.find(number);
  if (at == waiting_.end()) {
    return absl::NotFoundError("no such message waits");
  }
  const absl::Status written =
      Write(FinishedRecord(at->second, verdict, false));
  return written.ok() ? Tidy() : written;
}

absl::StatusOr<std::optional<uint64_t>> EdgeStore::Check(const Act& act) const {
  MutexLock lock(mu_);
  const auto answered = kept_.FindAnswer(act);
  if (!answered.ok()) return answered.status();
  if (*answered != nullptr) return (*answered)->number;
  const absl::Status checked = kept_.Check(act);
  if (!checked.ok()) return checked;
  return std::nullopt;
}

absl::StatusOr<uint64_t> EdgeStore::Begin(Act act) {
  MutexLock lock(mu_);
  const auto answered = kept_.FindAnswer(act);
  if (!answered.ok()) return answered.status();
  if (*answered != nullptr) return (*answered)->number;
  const absl::Status checked = kept_.Check(act);
  if (!checked.ok()) return checked;
  const KeptItem& item = *kept_.Find(act.item);
  act.number = kept_.last_act() + 1;
  act.item_ref = RefOf(item);
  act.subject = item.verdict.subject;
  const absl::Status written = Write(ActedRecord(act));
  if (!written.ok()) return written;
  return act.number;
}

std::optional<Act> EdgeStore::OldestAct() const {
  MutexLock lock(mu_);
  const Act* act = kept_.OldestAct();
  if (act == nullptr) return std::nullopt;
  return *act;
}

absl::Status EdgeStore::End(uint64_t act, bool done, absl::string_view why,
                            Sequence position) {
  MutexLock lock(mu_);
  Act ended;
  ended.number = act;
  ended.done = done;
  ended.why = std::string(why);
  ended.position = position;
  const absl::Status written = Write(EndedRecord(ended));
  return written.ok() ? Tidy() : written;
}

bool EdgeStore::WaitForEnd(uint64_t act, absl::Duration timeout) const {
  MutexLock lock(mu_);
  const auto is_ended = [this, act]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const Act* found = kept_.FindAct(act);
    if (found == nullptr) return true;  // So long ago that it is forgotten.
    return found->ended && !waiting_.contains(found->item);
  };
  changed_.WaitFor(mu_, timeout, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || is_ended();
  });
  return is_ended();
}

std::optional<Act> EdgeStore::FindAct(uint64_t act) const {
  MutexLock lock(mu_);
  const Act* found = kept_.FindAct(act);
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::optional<Act> EdgeStore::Overdue(uint64_t now_us) const {
  MutexLock lock(mu_);
  return kept_.Overdue(now_us);
}

absl::StatusOr<uint64_t> EdgeStore::ErasePerson(const PersonKey& person) {
  MutexLock lock(mu_);
  const std::vector<KeptItem> gone = kept_.Forget(person);
  for (const KeptItem& item : gone) {
    if (known_.contains(item.message.key)) RememberKey(item.message.key);
    if (item.ended()) continue;  // Counted when it was.
    --CounterOf(item.verdict.outcome, counts_);
    ++counts_.left;
  }
  changed_.NotifyAll();
  // At each start it is asked for again, and most often there is nothing.
  if (gone.empty()) return 0;
  const absl::Status rewritten = Rewrite();
  if (!rewritten.ok()) return rewritten;
  return gone.size();
}

absl::Status EdgeStore::Tidy() {
  const bool must = holds_too_much_ && waiting_.empty();
  const bool worth =
      journal_->bytes() > kRewriteBytesMin + 2 * rewritten_bytes_;
  return must || worth ? Rewrite() : absl::OkStatus();
}

// Acts come first, so that the items after them are not acted on once more.
absl::Status EdgeStore::Rewrite() {
  std::vector<std::string> records;
  const auto add = [&records](const v1::SpoolRecord& record) {
    records.push_back(record.SerializeAsString());
  };
  for (const Act& act : kept_.acts()) {
    add(ActedRecord(act));
    if (act.ended) add(EndedRecord(act));
  }
  for (const auto& [number, item] : kept_.items()) {
    const bool refused = item.verdict.outcome == v1::OUTCOME_REFUSED;
    if (!refused) add(AcceptedRecord(item.message));
    add(FinishedRecord(item.message, item.verdict, refused));
  }
  for (const auto& [number, message] : waiting_) add(AcceptedRecord(message));
  for (const auto& [number, judged] : judged_) {
    v1::SpoolRecord record;
    *record.mutable_judged() = judged;
    add(record);
  }
  add(TotalsRecord());
  const absl::Status replaced = journal_->Replace(records);
  if (!replaced.ok()) return replaced;
  if (waiting_.empty()) holds_too_much_ = false;
  rewritten_bytes_ = journal_->bytes();
  return absl::OkStatus();
}

v1::SpoolRecord EdgeStore::TotalsRecord() const {
  v1::SpoolRecord record;
  v1::Totals& totals = *record.mutable_totals();
  totals.set_held(counts_.held);
  totals.set_to_identity(counts_.to_identity);
  totals.set_published(counts_.published);
  totals.set_not_in_cohort(counts_.not_in_cohort);
  totals.set_refused(counts_.refused);
  totals.set_left(counts_.left);
  totals.set_released(counts_.released);
  totals.set_last_number(last_number_);
  totals.set_last_act(kept_.last_act());
  for (const MessageKey& key : done_) {
    totals.mutable_keys()->append(Bytes(key).data(), key.size());
  }
  return record;
}

EdgeCounts EdgeStore::counts() const {
  MutexLock lock(mu_);
  EdgeCounts counts = counts_;
  counts.waiting = waiting_.size();
  return counts;
}

std::vector<KeptItem> EdgeStore::items(bool with_ended) const {
  MutexLock lock(mu_);
  std::vector<KeptItem> all;
  for (const auto& [number, item] : kept_.items()) {
    if (item.ended() && !with_ended) continue;
    KeptItem& listed = all.emplace_back();
    listed.message = {item.message.number, item.message.key,
                      item.message.received_us, ""};
    listed.verdict = item.verdict;
    listed.act = item.act;
  }
  return all;
}

std::optional<KeptItem> EdgeStore::Find(uint64_t number) const {
  MutexLock lock(mu_);
  const KeptItem* item = kept_.Find(number);
  if (item == nullptr) return std::nullopt;
  return *item;
}

}  // namespace concordat::edge

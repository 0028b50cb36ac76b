#include "services/common/publish_spool/publish_spool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/event/codec.h"

namespace concordat {
namespace {

constexpr absl::string_view kWaiting = "waiting-";
constexpr absl::string_view kRefused = "refused";

std::string FileName(uint64_t first) {
  return absl::StrFormat("%s%020d", kWaiting, first);
}

absl::Status Missing(uint64_t number) {
  return absl::DataLossError(
      absl::StrCat("set ", number, " is missing from the spool"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PublishSpool>> PublishSpool::Open(
    Directory& directory, std::string key, Random& random, SpoolLimits limits) {
  std::unique_ptr<PublishSpool> spool(
      new PublishSpool(directory, std::move(key), random, limits));
  if (auto opened = spool->OpenWaiting(); !opened.ok()) return opened;
  if (auto opened = spool->OpenRefused(); !opened.ok()) return opened;
  return spool;
}

absl::Status PublishSpool::OpenWaiting() {
  const auto names = directory_.List();
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!absl::StartsWith(name, kWaiting)) continue;
    WaitingFile file;
    if (!absl::SimpleAtoi(name.substr(kWaiting.size()), &file.first) ||
        file.first == 0 || FileName(file.first) != name) {
      continue;  // What a replacement left when power went.
    }
    const auto opened = directory_.Open(name);
    if (!opened.ok()) return opened.status();
    const auto bytes = (*opened)->Size();
    if (!bytes.ok()) return bytes.status();
    file.bytes = *bytes;
    files_.push_back(file);
  }
  if (files_.empty()) return absl::OkStatus();
  std::vector<std::string> records;
  auto newest = SealedJournal::Open(directory_, FileName(files_.back().first),
                                    key_, random_, records);
  if (!newest.ok()) return newest.status();
  newest_ = *std::move(newest);
  files_.back().bytes = newest_->bytes();
  oldest_ = given_ = files_.front().first;
  next_ = files_.back().first + records.size();
  return waiting() == 0 ? absl::OkStatus() : LoadMore();
}

absl::Status PublishSpool::OpenRefused() {
  std::vector<std::string> records;
  auto journal = SealedJournal::Open(directory_, std::string(kRefused), key_,
                                     random_, records);
  if (!journal.ok()) return journal.status();
  refused_journal_ = *std::move(journal);
  for (const std::string& record : records) {
    if (!refused_.emplace_back().ParseFromString(record)) {
      return absl::DataLossError("journal refused holds another's record");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> PublishSpool::Add(absl::Span<const Event> set,
                                           uint64_t now_us) {
  if (set.empty() || set.size() > kBatchEventsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a set has 1 to ", kBatchEventsMax, " events"));
  }
  BatchEncoder encoder;
  for (const Event& event : set) encoder.Add(AsView(event));
  if (encoder.bytes() > kBatchBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a set has at most ", kBatchBytesMax, " bytes"));
  }
  std::string batch = encoder.Take();
  // What nobody could read again would stand in the way of all after it.
  if (auto read = DecodeBatch(batch); !read.ok()) return read.status();
  return AddBatch(std::move(batch), now_us);
}

absl::StatusOr<uint64_t> PublishSpool::AddBatch(std::string batch,
                                                uint64_t now_us) {
  if (!failed_.ok()) return failed_;
  bus::v1::SpooledSet set;
  set.set_number(next_);
  set.set_taken_at(now_us);
  set.set_batch(std::move(batch));
  const std::string record = set.SerializeAsString();
  if (bytes() + record.size() > limits_.bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the spool is full: ", waiting(), " sets wait"));
  }
  failed_ = OpenNewest();
  if (failed_.ok()) failed_ = newest_->Append(record);
  if (!failed_.ok()) return failed_;
  files_.back().bytes = newest_->bytes();
  // Who keeps up with its program needs no file to be read.
  const bool is_all_loaded = oldest_ + loaded_.size() == next_;
  if (is_all_loaded && loaded_bytes_ < limits_.file_bytes) {
    loaded_bytes_ += set.batch().size();
    loaded_.push_back(std::move(set));
  }
  return next_++;
}

absl::Status PublishSpool::OpenNewest() {
  if (newest_ != nullptr && newest_->bytes() < limits_.file_bytes) {
    return absl::OkStatus();
  }
  std::vector<std::string> none;
  auto journal =
      SealedJournal::Open(directory_, FileName(next_), key_, random_, none);
  if (!journal.ok()) return journal.status();
  newest_ = *std::move(journal);
  files_.push_back({next_, newest_->bytes()});
  return absl::OkStatus();
}

absl::Status PublishSpool::LoadMore() {
  const uint64_t wanted = oldest_ + loaded_.size();
  const auto after = std::upper_bound(
      files_.begin(), files_.end(), wanted,
      [](uint64_t number, const WaitingFile& f) { return number < f.first; });
  if (after == files_.begin()) return Missing(wanted);
  return Load(*(after - 1), after == files_.end() ? next_ : after->first);
}

absl::Status PublishSpool::Load(const WaitingFile& file, uint64_t end) {
  std::vector<std::string> records;
  const auto journal = SealedJournal::Open(directory_, FileName(file.first),
                                           key_, random_, records);
  if (!journal.ok()) return journal.status();
  if (file.first + records.size() != end) {
    return Missing(std::min(file.first + records.size(), end));
  }
  uint64_t number = file.first;
  for (const std::string& record : records) {
    bus::v1::SpooledSet set;
    if (!set.ParseFromString(record) || set.number() != number++) {
      return Missing(number - 1);
    }
    if (set.number() < oldest_ + loaded_.size()) continue;
    loaded_bytes_ += set.batch().size();
    loaded_.push_back(std::move(set));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<SpooledSet>> PublishSpool::Next() {
  if (given_ == next_) return std::nullopt;
  if (given_ == oldest_ + loaded_.size()) {
    if (auto loaded = LoadMore(); !loaded.ok()) return loaded;
  }
  const bus::v1::SpooledSet& stored = loaded_[given_ - oldest_];
  const auto events = DecodeBatch(stored.batch());
  if (!events.ok()) return absl::DataLossError(events.status().message());
  SpooledSet set;
  set.number = stored.number();
  set.taken_us = stored.taken_at();
  set.events.reserve(events->size());
  for (const EventView& event : *events) set.events.push_back(ToOwned(event));
  ++given_;
  return set;
}

absl::Status PublishSpool::Done() {
  loaded_bytes_ -= loaded_.front().batch().size();
  loaded_.pop_front();
  ++oldest_;
  if (files_.size() < 2 || files_[1].first > oldest_) return absl::OkStatus();
  return RemoveOldest();
}

absl::Status PublishSpool::Tidy() {
  if (files_.empty() || waiting() > 0) return absl::OkStatus();
  newest_.reset();
  return RemoveOldest();
}

absl::Status PublishSpool::RemoveOldest() {
  const absl::Status removed = directory_.Remove(FileName(files_[0].first));
  if (!removed.ok()) return removed;
  files_.pop_front();
  // A file that comes back after a later one has gone would look like a gap.
  return directory_.Sync();
}

absl::Status PublishSpool::Refuse(size_t index, const PublishOutcome& outcome,
                                  uint64_t now_us) {
  bus::v1::RefusedSet refused;
  *refused.mutable_set() = loaded_.front();
  refused.set_refused_at(now_us);
  refused.set_index(static_cast<uint32_t>(index));
  refused.set_refusal(outcome.refusal);
  refused.set_detail(outcome.detail);
  const std::string record = refused.SerializeAsString();
  if (refused_journal_->bytes() + record.size() > limits_.refused_bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(refused_.size(),
                     " refused sets are kept, and there is no room for more"));
  }
  const absl::Status kept = refused_journal_->Append(record);
  if (!kept.ok()) return kept;
  refused_.push_back(std::move(refused));
  return Done();
}

absl::Status PublishSpool::Retry(size_t index, uint64_t now_us) {
  if (index >= refused_.size()) {
    return absl::OutOfRangeError("no such refused set");
  }
  const auto added = AddBatch(refused_[index].set().batch(), now_us);
  if (!added.ok()) return added.status();
  return Drop(index);
}

absl::Status PublishSpool::Drop(size_t index) {
  if (index >= refused_.size()) {
    return absl::OutOfRangeError("no such refused set");
  }
  std::vector<bus::v1::RefusedSet> left = refused_;
  left.erase(left.begin() + static_cast<ptrdiff_t>(index));
  return KeepRefused(std::move(left));
}

absl::Status PublishSpool::KeepRefused(
    std::vector<bus::v1::RefusedSet> refused) {
  std::vector<std::string> records;
  records.reserve(refused.size());
  for (const auto& set : refused) records.push_back(set.SerializeAsString());
  const absl::Status replaced = refused_journal_->Replace(records);
  if (replaced.ok()) refused_ = std::move(refused);
  return replaced;
}

uint64_t PublishSpool::bytes() const {
  uint64_t bytes = 0;
  for (const WaitingFile& file : files_) bytes += file.bytes;
  return bytes;
}

uint64_t PublishSpool::oldest_taken_us() const {
  return loaded_.empty() ? 0 : loaded_.front().taken_at();
}

}  // namespace concordat

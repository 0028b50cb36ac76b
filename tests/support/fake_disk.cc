#include "tests/support/fake_disk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"

namespace concordat::testing {

class FakeDisk::Handle : public File {
 public:
  Handle(FakeDisk& disk, std::shared_ptr<Inode> inode, uint64_t generation)
      : disk_(disk), inode_(std::move(inode)), generation_(generation) {}

  absl::Status Write(uint64_t offset, absl::string_view bytes) override {
    MutexLock lock(disk_.mu_);
    if (disk_.generation_ != generation_) return Gone();
    absl::Status status = disk_.Count();
    uint64_t total = 0;
    for (const auto& [name, inode] : disk_.names_) {
      total += inode->written.size();
    }
    const uint64_t end = offset + bytes.size();
    const uint64_t grows =
        end > inode_->written.size() ? end - inode_->written.size() : 0;
    if (status.ok() && total + grows > disk_.capacity_) {
      return absl::ResourceExhaustedError("the disk is full");
    }
    if (!status.ok()) bytes = bytes.substr(0, bytes.size() / 2);
    Put(*inode_, offset, bytes);
    return status;
  }
  absl::Status Sync() override {
    MutexLock lock(disk_.mu_);
    if (disk_.generation_ != generation_) return Gone();
    absl::Status status = disk_.Count();
    if (status.ok()) {
      for (const uint64_t sector : inode_->dirty) {
        MakeDurable(*inode_, sector);
      }
      inode_->durable.resize(inode_->written.size());
    }
    // After a failure too: the system calls the pages clean, and they are lost.
    if (disk_.calls_ < disk_.power_lost_at_) inode_->dirty.clear();
    return status;
  }
  absl::Status Read(uint64_t offset, size_t count, char* out) const override {
    MutexLock lock(disk_.mu_);
    if (disk_.generation_ != generation_) return Gone();
    if (offset + count > inode_->written.size()) {
      return absl::OutOfRangeError("past the end of the file");
    }
    inode_->written.copy(out, count, offset);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override {
    MutexLock lock(disk_.mu_);
    if (disk_.generation_ != generation_) return Gone();
    return inode_->written.size();
  }

 private:
  static absl::Status Gone() {
    return absl::UnavailableError("the file's process is gone");
  }

  FakeDisk& disk_;
  const std::shared_ptr<Inode> inode_;
  const uint64_t generation_;
};

void FakeDisk::Put(Inode& inode, uint64_t offset, absl::string_view bytes) {
  if (bytes.empty()) return;
  const uint64_t end = offset + bytes.size();
  if (inode.written.size() < end) inode.written.resize(end);
  bytes.copy(inode.written.data() + offset, bytes.size());
  for (uint64_t sector = offset / kSectorBytes;
       sector <= (end - 1) / kSectorBytes; ++sector) {
    inode.dirty.insert(sector);
  }
}

void FakeDisk::MakeDurable(Inode& inode, uint64_t sector) {
  const uint64_t from = sector * kSectorBytes;
  if (from >= inode.written.size()) return;
  const uint64_t count = std::min(kSectorBytes, inode.written.size() - from);
  if (inode.durable.size() < from + count) inode.durable.resize(from + count);
  inode.durable.replace(from, count, inode.written, from, count);
}

absl::Status FakeDisk::Count() {
  ++calls_;
  if (calls_ >= power_lost_at_) {
    return absl::UnavailableError("the power is off");
  }
  if (calls_ == fail_at_) return absl::Status(fail_code_, "injected failure");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<File>> FakeDisk::Open(absl::string_view name) {
  MutexLock lock(mu_);
  const auto found = names_.find(name);
  if (found == names_.end()) {
    return absl::NotFoundError(absl::StrCat("no file ", name));
  }
  return std::make_unique<Handle>(*this, found->second, generation_);
}

absl::StatusOr<std::unique_ptr<File>> FakeDisk::Create(absl::string_view name) {
  MutexLock lock(mu_);
  absl::Status status = Count();
  if (!status.ok()) return status;
  if (names_.contains(name)) {
    return absl::AlreadyExistsError(absl::StrCat("there is a file ", name));
  }
  auto inode = std::make_shared<Inode>();
  names_.emplace(std::string(name), inode);
  history_.push_back(names_);
  return std::make_unique<Handle>(*this, std::move(inode), generation_);
}

absl::Status FakeDisk::Rename(absl::string_view from, absl::string_view to) {
  MutexLock lock(mu_);
  absl::Status status = Count();
  if (!status.ok()) return status;
  const auto found = names_.find(from);
  if (found == names_.end()) {
    return absl::NotFoundError(absl::StrCat("no file ", from));
  }
  names_[std::string(to)] = found->second;
  names_.erase(names_.find(from));
  history_.push_back(names_);
  return absl::OkStatus();
}

absl::Status FakeDisk::Remove(absl::string_view name) {
  MutexLock lock(mu_);
  const auto found = names_.find(name);
  if (found == names_.end()) {
    return absl::NotFoundError(absl::StrCat("no file ", name));
  }
  absl::Status status = Count();
  if (!status.ok()) return status;
  names_.erase(found);
  history_.push_back(names_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FakeDisk::List() const {
  MutexLock lock(mu_);
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) names.push_back(name);
  return names;
}

absl::Status FakeDisk::Sync() {
  MutexLock lock(mu_);
  absl::Status status = Count();
  if (status.ok()) history_ = {names_};
  return status;
}

uint64_t FakeDisk::calls() const {
  MutexLock lock(mu_);
  return calls_;
}

void FakeDisk::FailCall(uint64_t number, absl::StatusCode code) {
  MutexLock lock(mu_);
  fail_at_ = number;
  fail_code_ = code;
}

void FakeDisk::LosePowerAt(uint64_t call) {
  MutexLock lock(mu_);
  power_lost_at_ = call;
}

void FakeDisk::PowerCut(Survives survives, uint64_t seed) {
  MutexLock lock(mu_);
  std::mt19937_64 random(seed);
  // The folder's changes reach the disk in order, up to some point.
  size_t kept = 0;
  if (survives == Survives::kEverything) kept = history_.size() - 1;
  if (survives == Survives::kSomePages || survives == Survives::kSomeSectors) {
    kept = random() % history_.size();
  }
  names_ = Names(history_[kept]);
  const uint64_t unit = survives == Survives::kSomePages ? 8 : 1;
  for (auto& [name, inode] : names_) {
    uint64_t last_unit = UINT64_MAX;
    bool keep = survives == Survives::kEverything;
    for (const uint64_t sector : inode->dirty) {
      if (survives != Survives::kEverything && survives != Survives::kNothing &&
          sector / unit != last_unit) {
        last_unit = sector / unit;
        keep = random() % 2 == 0;
      }
      if (keep) MakeDurable(*inode, sector);
    }
    inode->dirty.clear();
    inode->written = inode->durable;
  }
  history_ = {names_};
  power_lost_at_ = UINT64_MAX;
  ++generation_;
}

void FakeDisk::ProcessKill() {
  MutexLock lock(mu_);
  power_lost_at_ = UINT64_MAX;
  ++generation_;
}

void FakeDisk::SetCapacity(uint64_t bytes) {
  MutexLock lock(mu_);
  capacity_ = bytes;
}

void FakeDisk::FlipBit(absl::string_view name, uint64_t bit) {
  MutexLock lock(mu_);
  Inode& inode = *names_.find(name)->second;
  const auto flip = [&](std::string& bytes) {
    if (bit / 8 < bytes.size()) {
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
  };
  flip(inode.written);
  flip(inode.durable);
}

std::string FakeDisk::Contents(absl::string_view name) const {
  MutexLock lock(mu_);
  return names_.find(name)->second->written;
}

void FakeDisk::Overwrite(absl::string_view name, std::string bytes) {
  MutexLock lock(mu_);
  auto inode = std::make_shared<Inode>();
  inode->written = bytes;
  inode->durable = std::move(bytes);
  names_[std::string(name)] = std::move(inode);
  history_ = {names_};
}

void FakeDisk::Drop(absl::string_view name) {
  MutexLock lock(mu_);
  names_.erase(names_.find(name));
  history_ = {names_};
}

std::unique_ptr<FakeDisk> FakeDisk::Copy() const {
  auto copy = std::make_unique<FakeDisk>();
  MutexLock lock(mu_);
  MutexLock copy_lock(copy->mu_);
  for (const auto& [name, inode] : names_) {
    copy->names_[name] = std::make_shared<Inode>(*inode);
  }
  copy->history_ = {copy->names_};
  return copy;
}

}  // namespace concordat::testing

#ifndef CONCORDAT_TESTS_SUPPORT_FAKE_DISK_H_
#define CONCORDAT_TESTS_SUPPORT_FAKE_DISK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/mutex.h"
#include "services/common/storage/storage.h"

namespace concordat::testing {

// A folder in memory that keeps apart what is written and what would survive a
// power cut. Thread-safe. Files opened before a PowerCut() or ProcessKill()
// answer UNAVAILABLE afterwards, as does everything while the power is off.
class FakeDisk : public Directory {
 public:
  static constexpr uint64_t kSectorBytes = 512;

  // What a power cut leaves of unsynced sectors.
  enum class Survives {
    kNothing,
    kEverything,
    kSomePages,    // Each 4 KiB page by chance.
    kSomeSectors,  // Each 512-byte sector by chance.
  };

  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view name) override;
  absl::StatusOr<std::unique_ptr<File>> Create(absl::string_view name) override;
  absl::Status Rename(absl::string_view from, absl::string_view to) override;
  absl::Status Remove(absl::string_view name) override;
  absl::StatusOr<std::vector<std::string>> List() const override;
  absl::Status Sync() override;

  // Calls that write, sync or change the folder, since the start.
  uint64_t calls() const;
  // The call with this number (counted as calls() does, from 1) fails once. A
  // failed write leaves part of itself; what a failed sync was to make durable
  // never becomes so by a later sync.
  void FailCall(uint64_t number, absl::StatusCode code);
  // The call with this number and all after it fail: the power is going. A
  // write that it catches leaves part of itself.
  void LosePowerAt(uint64_t call);
  // The unsynced is gone, or some of it; the power is back.
  void PowerCut(Survives survives, uint64_t seed);
  // The process died; the system has all it wrote.
  void ProcessKill();
  // No byte more than this in all files together.
  void SetCapacity(uint64_t bytes);

  void FlipBit(absl::string_view name, uint64_t bit);
  std::string Contents(absl::string_view name) const;
  void Overwrite(absl::string_view name, std::string bytes);
  void Drop(absl::string_view name);
  std::unique_ptr<FakeDisk> Copy() const;

 private:
  class Handle;
  struct Inode {
    std::string written;
    std::string durable;
    std::set<uint64_t> dirty;  // Sectors a sync makes durable.
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;

  absl::Status Count() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Put(Inode& inode, uint64_t offset, absl::string_view bytes);
  static void MakeDurable(Inode& inode, uint64_t sector);

  mutable Mutex mu_;
  Names names_ ABSL_GUARDED_BY(mu_);
  // The folder after each change since the last Sync(); first what is durable.
  std::vector<Names> history_ ABSL_GUARDED_BY(mu_) = {Names()};
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t calls_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t fail_at_ ABSL_GUARDED_BY(mu_) = 0;
  absl::StatusCode fail_code_ ABSL_GUARDED_BY(mu_) = absl::StatusCode::kOk;
  uint64_t power_lost_at_ ABSL_GUARDED_BY(mu_) = UINT64_MAX;
  uint64_t capacity_ ABSL_GUARDED_BY(mu_) = UINT64_MAX;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_FAKE_DISK_H_

// What a DurableEventLog is given in tests beside a FakeDisk.
#ifndef CONCORDAT_TESTS_SUPPORT_LOG_FAKES_H_
#define CONCORDAT_TESTS_SUPPORT_LOG_FAKES_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/bus/log/background.h"
#include "services/bus/log/index_store.h"
#include "services/common/base/mutex.h"

namespace concordat::testing {

// Does the work at once, on the caller's thread: the same order each run.
class InlineBackground : public bus::Background {
 public:
  void Post(std::function<void()> work) override { work(); }
};

// An IndexStore whose entries live as long as the map it shares.
class FakeIndexStore : public bus::IndexStore {
 public:
  struct Entries {
    Mutex mu;
    std::map<std::string, std::string, std::less<>> map ABSL_GUARDED_BY(mu);
  };
  explicit FakeIndexStore(
      std::shared_ptr<Entries> entries = std::make_shared<Entries>())
      : entries_(std::move(entries)) {}

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override {
    MutexLock lock(entries_->mu);
    const auto found = entries_->map.find(key);
    if (found == entries_->map.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }
  absl::Status Visit(
      absl::string_view from, absl::string_view to,
      const std::function<bool(absl::string_view, absl::string_view)>& visit)
      const override {
    MutexLock lock(entries_->mu);
    for (auto entry = entries_->map.lower_bound(from);
         entry != entries_->map.end() && entry->first < to; ++entry) {
      if (!visit(entry->first, entry->second)) break;
    }
    return absl::OkStatus();
  }
  absl::Status Add(const std::vector<std::pair<std::string, std::string>>&
                       entries) override {
    MutexLock lock(entries_->mu);
    for (const auto& [key, value] : entries) entries_->map[key] = value;
    return absl::OkStatus();
  }
  absl::Status Clear() override {
    MutexLock lock(entries_->mu);
    entries_->map.clear();
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<Entries> entries_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_LOG_FAKES_H_

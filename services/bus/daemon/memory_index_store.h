#ifndef CONCORDAT_SERVICES_BUS_DAEMON_MEMORY_INDEX_STORE_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_MEMORY_INDEX_STORE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/bus/log/index_store.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// Derived indexes that the log makes anew at each start. Thread-safe.
class MemoryIndexStore : public IndexStore {
 public:
  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override {
    MutexLock lock(mu_);
    const auto found = map_.find(key);
    if (found == map_.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }
  absl::Status Visit(
      absl::string_view from, absl::string_view to,
      const std::function<bool(absl::string_view key, absl::string_view value)>&
          visit) const override {
    MutexLock lock(mu_);
    for (auto entry = map_.lower_bound(from);
         entry != map_.end() && entry->first < to; ++entry) {
      if (!visit(entry->first, entry->second)) break;
    }
    return absl::OkStatus();
  }
  absl::Status Add(const std::vector<std::pair<std::string, std::string>>&
                       entries) override {
    MutexLock lock(mu_);
    for (const auto& [key, value] : entries) map_[key] = value;
    return absl::OkStatus();
  }
  absl::Status Clear() override {
    MutexLock lock(mu_);
    map_.clear();
    return absl::OkStatus();
  }

 private:
  mutable Mutex mu_;
  std::map<std::string, std::string, std::less<>> map_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_MEMORY_INDEX_STORE_H_

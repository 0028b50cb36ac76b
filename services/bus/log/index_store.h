#ifndef CONCORDAT_SERVICES_BUS_LOG_INDEX_STORE_H_
#define CONCORDAT_SERVICES_BUS_LOG_INDEX_STORE_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat::bus {

// An ordered map of bytes that may be lost: what it holds is derived from the
// log. Thread-safe.
// Errors  UNAVAILABLE for whatever goes wrong.
class IndexStore {
 public:
  virtual ~IndexStore() = default;

  virtual absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const = 0;
  // Entries in [from, to), ascending, until `visit` answers false.
  virtual absl::Status Visit(
      absl::string_view from, absl::string_view to,
      const std::function<bool(absl::string_view key, absl::string_view value)>&
          visit) const = 0;
  // Adds all or none; `entries` ascend by key, and replace those that are there.
  virtual absl::Status Add(
      const std::vector<std::pair<std::string, std::string>>& entries) = 0;
  virtual absl::Status Clear() = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_INDEX_STORE_H_

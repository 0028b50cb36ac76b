// Bytes that stay where they are for as long as the arena lives.
#ifndef CONCORDAT_SERVICES_BUS_LOG_ARENA_H_
#define CONCORDAT_SERVICES_BUS_LOG_ARENA_H_

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"

namespace concordat::bus {

class Arena {
 public:
  absl::string_view Copy(absl::string_view text) {
    if (text.empty()) return {};
    if (text.size() > free_) Grow(text.size());
    std::memcpy(at_, text.data(), text.size());
    const absl::string_view copy(at_, text.size());
    at_ += text.size();
    free_ -= text.size();
    return copy;
  }
  size_t bytes() const { return bytes_; }

 private:
  void Grow(size_t count) {
    // Doubles, so that a block of one event stays small.
    free_ = std::max(count, std::clamp<size_t>(bytes_, 1024, 256 * 1024));
    chunks_.emplace_back(new char[free_]);
    at_ = chunks_.back().get();
    bytes_ += free_;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* at_ = nullptr;
  size_t free_ = 0;
  size_t bytes_ = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_ARENA_H_

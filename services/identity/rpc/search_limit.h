// How often one person may search: enough for work, too little to try names or
// numbers out.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_SEARCH_LIMIT_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_SEARCH_LIMIT_H_

#include <deque>
#include <iterator>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "services/common/base/clock.h"

namespace concordat::identity {

class SearchLimit {
 public:
  static constexpr absl::Duration kSpan = absl::Minutes(1);
  static constexpr size_t kSearchesMax = 20;  // In any such span.

  explicit SearchLimit(const SteadyClock& clock)
      : clock_(clock) {}  // Borrowed.

  // Counts a search of `who`, if there may be one.
  bool Allow(const std::string& who) {
    const absl::Duration now = clock_.Elapsed();
    // Who has not searched lately is forgotten.
    for (auto one = searches_.begin(); one != searches_.end();) {
      std::deque<absl::Duration>& old = one->second;
      while (!old.empty() && now - old.front() >= kSpan) old.pop_front();
      one = old.empty() ? searches_.erase(one) : std::next(one);
    }
    std::deque<absl::Duration>& times = searches_[who];
    if (times.size() >= kSearchesMax) return false;
    times.push_back(now);
    return true;
  }

 private:
  const SteadyClock& clock_;
  std::map<std::string, std::deque<absl::Duration>> searches_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_SEARCH_LIMIT_H_

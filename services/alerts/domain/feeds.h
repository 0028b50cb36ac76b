// What each feed promises and how far it has come. PURE.
//
// A feed is complete up to a moment when its own source says so; it is silent
// when it owes something and its limit has passed. "No facts" of a silent feed
// is not "nothing happened".
//
// Threads  One at a time.
// Units    Microseconds since 1970-01-01T00:00:00Z.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_FEEDS_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_FEEDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/hub/v1/feed.pb.h"

namespace concordat::alerts {

struct FeedState {
  hub::v1::Feed feed;
  absl::TimeZone zone;
  uint64_t effective_us = 0;
  uint64_t first_complete_us = 0;  // 0: it has never come.
  uint64_t complete_us = 0;
  // The next moment that it is to be complete to, and when it is late.
  uint64_t due_us = 0;
  uint64_t limit_us = UINT64_MAX;
  // Of what it owes: the first moment, its limit, and the last; 0: nothing.
  uint64_t owed_us = 0;
  uint64_t silent_since_us = 0;
  uint64_t last_owed_us = 0;
  uint64_t received_us = 0;  // Log time; 0: it has never come.
  uint32_t rejected = 0;     // Records that cannot be read.

  bool Brings(absl::string_view type) const;
  // "every day at 02:00, here by 06:00".
  std::string Expected() const;
};

class FeedBook {
 public:
  //   INVALID_ARGUMENT  a name twice or missing, a source, date, time, zone or
  //                     promise that is none; names the feed.
  static absl::StatusOr<FeedBook> Build(
      const std::vector<hub::v1::Feed>& feeds);

  // The log began: nothing before is owed. Called once, first.
  void Begin(uint64_t log_began_us);

  // The feed that `source` may speak for; null: none, and it counts for nothing.
  const FeedState* Receive(const hub::v1::FeedReceived& event,
                           absl::string_view source, uint64_t at_us);
  // When the next feed is late, unless it comes; UINT64_MAX: never.
  uint64_t NextLimit() const;
  // A feed whose limit is at or before `now_us` and what its silence says, when
  // it owes something; each once. Null: no limit has come.
  struct Late {
    const FeedState* state = nullptr;
    std::optional<hub::v1::FeedSilent> silent;
  };
  Late NextLate(uint64_t now_us);

  const std::vector<std::unique_ptr<FeedState>>& states() const {
    return states_;
  }
  // By name; null: none.
  const FeedState* Find(absl::string_view name) const;
  // Of this source's agency, that bring this type.
  std::vector<const FeedState*> Bringing(absl::string_view type,
                                         absl::string_view source) const;
  // The moment before which what this source says of this type is history.
  uint64_t BeganFor(absl::string_view type, absl::string_view source) const;

 private:
  std::vector<std::unique_ptr<FeedState>> states_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_FEEDS_H_

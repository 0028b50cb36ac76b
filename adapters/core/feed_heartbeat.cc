#include "adapters/core/feed_heartbeat.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/event/make_event.h"

namespace concordat::edge {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(50);
constexpr absl::Duration kPublishTimeout = absl::Seconds(5);
constexpr uint64_t kMicrosPerMinute = 60'000'000;

}  // namespace

FeedHeartbeat::FeedHeartbeat(Publisher& bus, const EdgeEvents& events,
                             Options options)
    : bus_(bus), events_(events), options_(std::move(options)) {
  ticker_.Start(absl::ZeroDuration(), [this] {
    const uint64_t due = Due();
    if (due > told_us_ && Tell(due)) told_us_ = due;
    return kTick;
  });
}

uint64_t FeedHeartbeat::Due() const {
  const uint64_t stretch = options_.minutes * kMicrosPerMinute;
  const uint64_t newest = options_.newest_message_us();
  return newest - newest % stretch;
}

bool FeedHeartbeat::Tell(uint64_t complete_to_us) {
  hub::v1::FeedReceived received;
  received.set_feed(options_.feed);
  received.set_complete_to(complete_to_us);
  v1::MadeEvent made;
  made.set_type(hub::v1::FeedReceived::descriptor()->full_name());
  made.set_data(received.SerializeAsString());
  // The same for the same stretch: after a restart it is no second event.
  made.set_id(DerivedId("edge-feed",
                        absl::StrCat(options_.feed, "/", complete_to_us), 0));
  made.set_stream(absl::StrCat("feed/", options_.feed));
  made.set_time(complete_to_us);
  made.set_time_precision(bus::v1::TIME_PRECISION_MINUTE);
  auto event = events_.Make(made);
  if (!event.ok()) return false;
  std::vector<Event> set;
  set.push_back(*std::move(event));
  const auto outcomes = PublishAndWait(bus_, std::move(set), kPublishTimeout);
  return outcomes.ok() && outcomes->front().accepted;
}

}  // namespace concordat::edge

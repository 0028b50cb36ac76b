#include "gateway/api/alert_feeds.h"

#include <algorithm>

#include "gateway/api/sse.h"
#include "gateway/http/status.h"

namespace concordat::gateway {
namespace {

constexpr uint32_t kComeAgainMs = 2000;

// Waiting would not help.
bool IsDenied(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsUnauthenticated(status) ||
         absl::IsUnimplemented(status) || absl::IsInvalidArgument(status);
}

}  // namespace

AlertFeeds::AlertFeeds(AlertFeedsOptions options, AlertSource& source,
                       IsCurrent is_current, Record record)
    : options_(options),
      source_(source),
      is_current_(std::move(is_current)),
      record_(std::move(record)) {}

bool AlertFeeds::Show(Reader& reader, const std::string& purpose,
                      const Kept& what) {
  reader.had = what.position;
  if (!what.persons.empty() && !record_(reader.caller, purpose, what.persons)) {
    reader.body->End();
    return false;
  }
  return reader.body->Write(what.text);
}

void AlertFeeds::Join(Caller caller, std::string purpose,
                      std::optional<uint64_t> last, std::shared_ptr<Body> body,
                      absl::Duration now) {
  if (!body->Write(SseRetry(kComeAgainMs))) return;
  // Who comes first need not wait for what is asked for others anyhow.
  if (feeds_.empty()) next_beat_ = now;
  Feed& feed = feeds_[{caller.principal, purpose}];
  Reader reader{std::move(caller), std::move(body), feed.newest};
  if (last.has_value()) reader.had = *last;
  if (feed.readers.empty() && feed.id == 0) {
    feed.principal = reader.caller.principal;
    feed.purpose = std::move(purpose);
    feed.retry_delay = options_.retry_first;
    feed.retry_at = now;
  }
  if (last.has_value() && (!feed.is_placed || *last < feed.whole_from)) {
    if (feed.id != 0) source_.Close(feed.id);
    Open(feed, last);
  } else {
    for (const Kept& kept : feed.kept) {
      if (!last.has_value() || kept.position < *last) continue;
      if (!Show(reader, feed.purpose, kept)) return;
    }
    if (feed.id == 0 && feed.retry_at <= now) Reopen(feed);
    if (feed.is_heard && !reader.body->Write(time_)) return;
  }
  feed.readers.push_back(std::move(reader));
}

void AlertFeeds::Reopen(Feed& feed) {
  Open(feed, feed.is_placed ? std::optional(feed.reached) : std::nullopt);
}

void AlertFeeds::Open(Feed& feed, std::optional<uint64_t> after) {
  feed.id = ++last_id_;
  feed.is_heard = false;
  feed.retry_at = absl::InfiniteDuration();
  const bool goes_on = feed.is_placed && after == feed.reached;
  if (after.has_value()) {
    feed.reached = *after;
    feed.newest = std::max(feed.newest, *after);
    feed.is_placed = true;
    // What is kept and what comes now join without a gap only there.
    if (!goes_on) {
      feed.kept.clear();
      feed.kept_bytes = 0;
      feed.whole_from = *after;
    }
  }
  source_.Open(feed.id, feed.principal, feed.purpose, after);
}

void AlertFeeds::OnOpen(uint64_t id, uint64_t position) {
  Feed* const feed = Find(id);
  if (feed == nullptr) return;
  feed->is_heard = true;
  Tell(*feed, time_);
  feed->retry_delay = options_.retry_first;
  if (feed->is_placed) return;
  feed->is_placed = true;
  feed->reached = feed->whole_from = position;
  feed->newest = std::max(feed->newest, position);
  for (Reader& reader : feed->readers) {
    reader.had = std::max(reader.had, position);
  }
}

void AlertFeeds::OnAlert(uint64_t id, uint64_t position,
                         const std::string& json,
                         const std::vector<std::string>& persons) {
  Feed* const feed = Find(id);
  if (feed == nullptr) return;
  Kept alert = {position, SseEvent(position, "alert", json), persons};
  feed->reached = std::max(feed->reached, position);
  feed->newest = std::max(feed->newest, position);
  auto& readers = feed->readers;
  readers.erase(std::remove_if(readers.begin(), readers.end(),
                               [&](Reader& reader) {
                                 return position >= reader.had &&
                                        !Show(reader, feed->purpose, alert);
                               }),
                readers.end());
  Keep(*feed, std::move(alert));
}

void AlertFeeds::Keep(Feed& feed, Kept kept) {
  feed.kept_bytes += kept.text.size();
  feed.kept.push_back(std::move(kept));
  while (feed.kept.size() > options_.kept_max ||
         feed.kept_bytes > options_.kept_bytes_max) {
    feed.whole_from = feed.kept.front().position + 1;
    feed.kept_bytes -= feed.kept.front().text.size();
    feed.kept.pop_front();
  }
}

void AlertFeeds::OnEnd(uint64_t id, const absl::Status& status,
                       absl::Duration now) {
  Feed* const feed = Find(id);
  if (feed == nullptr) return;
  if (IsDenied(status)) {
    for (Reader& reader : feed->readers) {
      reader.body->Write(SseEvent(feed->newest, "denied", ErrorJson(status)));
      reader.body->End();
    }
    feeds_.erase({feed->principal, feed->purpose});
    return;
  }
  feed->id = 0;
  feed->is_heard = false;
  feed->retry_at = now + feed->retry_delay;
  feed->retry_delay = std::min(feed->retry_delay * 2, options_.retry_max);
}

void AlertFeeds::Tick(absl::Duration now) {
  const bool beats = now >= next_beat_;
  if (beats) {
    next_beat_ = now + options_.heartbeat;
    time_.clear();
    if (!feeds_.empty()) source_.AskTime();
  }
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    Feed& feed = it->second;
    // Where nothing is said, it is found out all the same who has gone.
    if (beats) Tell(feed, "");
    if (feed.readers.empty()) {
      if (feed.id != 0) source_.Close(feed.id);
      it = feeds_.erase(it);
      continue;
    }
    if (feed.id == 0 && feed.retry_at <= now) Reopen(feed);
    ++it;
  }
}

void AlertFeeds::OnTime(const std::string& json) {
  time_ = SseEvent("time", json);
  for (auto& [key, feed] : feeds_) {
    if (feed.is_heard) Tell(feed, time_);
  }
}

void AlertFeeds::Tell(Feed& feed, const std::string& text) {
  auto& readers = feed.readers;
  readers.erase(std::remove_if(readers.begin(), readers.end(),
                               [&](Reader& reader) {
                                 if (!is_current_(reader.caller)) {
                                   reader.body->End();
                                   return true;
                                 }
                                 return !reader.body->Write(text);
                               }),
                readers.end());
}

size_t AlertFeeds::readers() const {
  size_t count = 0;
  for (const auto& [key, feed] : feeds_) count += feed.readers.size();
  return count;
}

AlertFeeds::Feed* AlertFeeds::Find(uint64_t id) {
  for (auto& [key, feed] : feeds_) {
    if (feed.id == id) return &feed;
  }
  return nullptr;
}

}  // namespace concordat::gateway

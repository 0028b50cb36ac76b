// Who follows alerts, and through what: all readers of one principal (and
// purpose) share one stream of the alerts service. It keeps the newest alerts of
// each, so that a reader who comes back after a break gets what it missed; one
// who missed more has the shared stream opened again from there, and the others
// pass over what they had. PURE.
//
// Order     As the log's positions. At least once: what stands at the position
//           that a reader had last may come again.
// Overload  A reader that does not keep up is cut by its Body, and comes back.
// Life      A reader hears what time it is, and so that its stream lives, only
//           while the alerts service answers: its silence is the reader's
//           silence.
// Threads   One.
#ifndef CONCORDAT_GATEWAY_API_ALERT_FEEDS_H_
#define CONCORDAT_GATEWAY_API_ALERT_FEEDS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/http/caller.h"
#include "gateway/http/router.h"

namespace concordat::gateway {

// Where alerts come from. Answers come later, through AlertFeeds::On….
class AlertSource {
 public:
  virtual ~AlertSource() = default;
  // Begins to follow, in the name of `principal`; `feed` names it until OnEnd
  // or Close. What changed at `after` or later comes first; none: from now on.
  virtual void Open(uint64_t feed, const std::string& principal,
                    const std::string& purpose,
                    std::optional<uint64_t> after) = 0;
  // Nothing of it is answered any more.
  virtual void Close(uint64_t feed) = 0;
  // Asks how far alerts are judged. Answered by OnTime, or not at all.
  virtual void AskTime() = 0;
};

struct AlertFeedsOptions {
  // Kept of each feed for those who come back.
  size_t kept_max = 512;
  size_t kept_bytes_max = 1 << 20;
  absl::Duration heartbeat = absl::Seconds(5);
  absl::Duration retry_first = absl::Milliseconds(250);
  absl::Duration retry_max = absl::Seconds(5);
};

class AlertFeeds {
 public:
  // Whether this caller may still read; asked with every heartbeat.
  using IsCurrent = std::function<bool(const Caller&)>;
  // Records that a reader is about to be shown something of these persons. False:
  // it cannot be, and the reader ends.
  using Record = std::function<bool(const Caller&, const std::string& purpose,
                                    const std::vector<std::string>& persons)>;

  // `source` outlives it.
  AlertFeeds(AlertFeedsOptions options, AlertSource& source,
             IsCurrent is_current, Record record);

  // `last` is the position of the last alert that the reader has.
  void Join(Caller caller, std::string purpose, std::optional<uint64_t> last,
            std::shared_ptr<Body> body, absl::Duration now);

  // The source follows, from `position` on.
  void OnOpen(uint64_t feed, uint64_t position);
  // `persons` are those that the alert is about.
  void OnAlert(uint64_t feed, uint64_t position, const std::string& json,
               const std::vector<std::string>& persons);
  // How far alerts are judged, in JSON: all whose feed is heard are told, and until
  // the next heartbeat those who come.
  void OnTime(const std::string& json);
  // Readers of a feed that is denied are told so and end; others wait.
  void OnEnd(uint64_t feed, const absl::Status& status, absl::Duration now);

  // Does what is due, so call it often: opens again what broke, and with every
  // heartbeat asks for the time and ends those that may not read any more.
  // `now` never steps back.
  void Tick(absl::Duration now);

  size_t readers() const;
  size_t feeds() const { return feeds_.size(); }

 private:
  struct Reader {
    Caller caller;
    std::shared_ptr<Body> body;
    uint64_t had = 0;  // Position of what it got last.
  };
  struct Kept {
    uint64_t position;
    std::string text;
    std::vector<std::string> persons;
  };
  struct Feed {
    std::string principal;
    std::string purpose;
    uint64_t id = 0;  // Of what is open at the source; 0: nothing.
    bool is_heard = false;
    std::deque<Kept> kept;
    size_t kept_bytes = 0;
    uint64_t whole_from = 0;  // `kept` has everything from here on.
    uint64_t reached = 0;     // Where to go on after a break.
    uint64_t newest = 0;      // Of all that was ever seen.
    bool is_placed = false;   // `reached` is known.
    absl::Duration retry_at = absl::InfiniteDuration();
    absl::Duration retry_delay;
    std::vector<Reader> readers;
  };

  void Open(Feed& feed, std::optional<uint64_t> after);
  void Reopen(Feed& feed);  // Where it broke.
  // Drops those who have gone or may not read any more.
  void Tell(Feed& feed, const std::string& text);
  void Keep(Feed& feed, Kept kept);
  // False: the reader has gone, or may not be shown it.
  bool Show(Reader& reader, const std::string& purpose, const Kept& what);
  Feed* Find(uint64_t id);

  const AlertFeedsOptions options_;
  AlertSource& source_;
  const IsCurrent is_current_;
  const Record record_;
  std::map<std::pair<std::string, std::string>, Feed> feeds_;
  uint64_t last_id_ = 0;
  absl::Duration next_beat_;
  std::string time_;  // As it was told since the last heartbeat.
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_ALERT_FEEDS_H_

// What became of each delivery of one subscription that settles them singly, and
// which may go out next. PURE; for one thread.
//
//   Offer() ──► ready() ──► Sent() ──► Done() ──► place()
//                 ▲            │ Nack(), Gone()
//                 └─ back-off ─┘ … after so many attempts set aside
//
// Promises
//   - Of an ordering key one event is out at a time, and only when those before
//     it are done with or parked. So a key is with one member, and moves when
//     that one settles or is gone.
//   - Nothing is dropped: what is not done with is in the window or is a row.
//   - What goes first goes out before everything of other keys, and after what is
//     before it of its own.
//   - A delivery that is done with is not offered again, also not after another
//     life from place(); of a back-fill that is not complete, which another life
//     begins again, this holds for the first kBackfilledMax.
//   - A member that is gone with several out costs one of them an attempt, the
//     first that it had; nobody knows more.
//
// Bounds  `window` events above the floor, beyond which TakesMore() is false;
//         the same when there are `set_aside_max` rows, which what is in the window
//         by then may still add to; and what was offered ahead of live.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_SETTLEMENT_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_SETTLEMENT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/bus/delivery/place.h"
#include "services/bus/session/server_session.h"
#include "services/common/event/event.h"

namespace concordat::bus {

// concordat.bus.v1.DeliverySettings says what each is for.
struct RedeliveryLimits {
  uint32_t attempts = 5;
  absl::Duration backoff_min = absl::Seconds(1);
  absl::Duration backoff_max = absl::Minutes(5);
  size_t set_aside_max = 10'000;
  size_t window = 8192;
};

// Of the events that must not overtake one another: its stream's, else its
// person's; 0: none. Stable, it is stored.
uint64_t OrderingKey(const HeaderView& header);

class Settlement {
 public:
  // One that may go out.
  struct Ready {
    uint64_t order = 0;
    ItemId id;
    uint32_t attempt = 1;
  };
  struct Counts {
    size_t waiting = 0;  // In the window or for another attempt; not out.
    size_t out = 0;
    size_t set_aside = 0;
    size_t parked = 0;
  };

  // Of what a place remembers of a back-fill that is not complete.
  static constexpr size_t kBackfilledMax = 1024;
  // Offered ahead of live, which has not come to them; done with or not.
  static constexpr size_t kAheadMax = 1024;

  // Goes on from `place` at `now`: what follows its floor is offered again. Real
  // time is `started` plus `now` of the calls; a row waits at most `wait_max` from
  // now on, wherever the wall clock stood when it was stored.
  Settlement(Place place, const RedeliveryLimits& limits, absl::Time started,
             absl::Duration now, absl::Duration wait_max);

  // False: settle first.
  bool TakesMore() const {
    return window_.size() < limits_.window && rows_ < limits_.set_aside_max;
  }
  bool rows_full() const { return rows_ >= limits_.set_aside_max; }
  // The next that the subscription is to get, in order. Once it and all before it
  // are done with the floor is at `acknowledged` and `judged`. Of a back-fill
  // `acknowledged` is where live stands; it shows up to scanned(), for what is
  // done with above that is not offered live again. What `goes_first` takes those
  // of its key with it that are not out.
  void Offer(ItemId id, uint64_t key, Sequence acknowledged, Sequence judged,
             bool goes_first = false);
  // The same of an event that live, which stands at `acknowledged`, has not come to.
  // It goes first, is a row until it is done with, and is not offered live again.
  // In order; TakesAhead() says for how many there is room.
  void OfferAhead(Sequence sequence, uint64_t key, Sequence acknowledged,
                  Sequence judged);
  bool TakesAhead(size_t count) const {
    return ahead_.size() + count <= kAheadMax;
  }
  // Behind what was offered last there is nothing for it up to here.
  void Passed(Sequence acknowledged, Sequence judged);

  // Time has passed: what is due becomes ready.
  void Tick(absl::Duration now);
  size_t ready_count() const { return ready_.size(); }
  // The first that may go out.
  std::optional<Ready> ready() const;
  // And it goes first.
  bool first_is_ready() const {
    return !ready_.empty() && !ready_.begin()->first;
  }
  // It went out to `member` with its number, which ascends, as the policy of
  // position `shown` has it.
  void Sent(uint64_t order, SessionId member, uint64_t number, size_t bytes,
            Sequence shown);
  // It may no longer be seen: done with.
  void Drop(uint64_t order) { Resolve(order); }

  // False: the member has no such delivery out.
  bool Done(SessionId member, uint64_t number);
  // `delay` 0: as it backs off; at most the longest back-off.
  bool Nack(SessionId member, uint64_t number, absl::Duration delay,
            absl::string_view reason);
  void DoneUpTo(SessionId member, uint64_t number);
  // Its session is over: what it had goes to others.
  void Gone(SessionId member);

  // Deliveries out to `member`, and their bytes.
  size_t out_to(SessionId member) const;
  size_t bytes_out_to(SessionId member) const;

  // An operator's acts on rows. False: there is no such one.
  // What was set aside or parked is to be delivered again, not before `delay`.
  bool Redrive(uint64_t order, absl::Duration delay);
  // What was set aside lets its key go.
  bool Park(uint64_t order);
  void Pause(bool paused) { place_.paused = paused; }
  bool paused() const { return place_.paused; }
  void Use(uint64_t now_us) { place_.used_us = now_us; }

  // Live was looked at up to here in the life before, or ahead of live in this one.
  Sequence scanned() const { return std::max(before_scanned_, ahead_through_); }
  Sequence acknowledged() const { return place_.acknowledged; }
  Sequence judged() const { return place_.judged; }
  Counts counts() const;
  // How it stands with an event, live or shown later.
  enum class Standing {
    kNotOffered,
    kReady,
    kOut,
    kDelayed,    // For another attempt, after `row.due_us`.
    kBehindKey,  // Until `behind`, of its key, is done with.
    kSetAside,
    kParked,
    kDone,
  };
  struct StandsAt {
    Standing standing = Standing::kNotOffered;
    Row row = {};
    Sequence behind = {};
  };
  StandsAt Find(Sequence sequence) const;
  // Rows with an attempt that failed, ascending by order.
  std::vector<Row> Rows() const;
  // To be stored; `scanned`: live was looked at up to here.
  Place place(Sequence scanned) const;

 private:
  enum class State { kQueued, kDelayed, kReady, kOut, kSetAside, kParked };
  // Not done with: in the window, or a row.
  struct Item {
    Row row;
    bool is_row = false;
    bool goes_first = false;
    State state = State::kQueued;
    absl::Duration due = -absl::InfiniteDuration();
    SessionId member;
    uint64_t number = 0;
    Sequence shown;  // When it was sent last.
  };
  // What was offered, in order; the orders are dense.
  struct Entry {
    uint64_t order = 0;
    ItemId id;
    Sequence acknowledged;
    Sequence judged;
    Sequence shown;       // When it was sent last.
    bool passed = false;  // Done with, or a row.
  };
  struct Out {
    uint64_t order = 0;
    size_t bytes = 0;
  };
  struct Member {
    std::map<uint64_t, Out> out;  // By number.
    size_t bytes = 0;
  };

  // Done with or a row in the life before.
  bool WasThere(ItemId id) const;
  // What a policy event shows of it is in what was sent later, or is still to go
  // out; live stands at `live`.
  bool ComesWithAnother(ItemId id, Sequence live) const;
  bool IsBelowFloor(ItemId id) const;
  void Enqueue(uint64_t order, Item& item);
  // With those of its key.
  void GoFirst(uint64_t order, Item& item);
  // As it stands in ready_.
  static std::pair<bool, uint64_t> PlaceOf(uint64_t order, const Item& item) {
    return {!item.goes_first, order};
  }
  // It is the first of its key.
  void Activate(uint64_t order, Item& item);
  void MakeRow(uint64_t order, Item& item);
  // Of the key of a row all are rows: those behind it may wait for long.
  void MakeRowsOfKey(const Item& item);
  void LeaveKey(uint64_t order, uint64_t key);
  void Resolve(uint64_t order);
  void Pass(uint64_t order);
  void MoveFloor(Sequence acknowledged, Sequence judged);
  // Its entry in the window; null: the floor is past it.
  Entry* EntryOf(uint64_t order);
  void Fail(uint64_t order, absl::Duration delay, absl::string_view reason);
  // Takes it from the member.
  std::optional<uint64_t> TakeOut(SessionId member, uint64_t number);
  uint64_t real_us(absl::Duration now) const;

  const RedeliveryLimits limits_;
  const absl::Time started_;
  Place place_;  // Its floor; not `settled` and `rows`.
  absl::Duration now_;
  uint64_t next_order_ = 1;
  std::deque<Entry> window_;
  std::map<uint64_t, Item> items_;
  size_t rows_ = 0;
  // Not parked, in order; there while there is one.
  absl::flat_hash_map<uint64_t, std::deque<uint64_t>> keys_;
  std::set<std::pair<bool, uint64_t>>
      ready_;  // What goes first, then by order.
  std::set<std::pair<absl::Duration, uint64_t>> delayed_;
  std::map<SessionId, Member> members_;
  // Of the life before, done with above its floor or a row: the items, and by
  // sequence as which policy shows them at the latest.
  absl::flat_hash_set<ItemId> before_;
  absl::flat_hash_map<uint64_t, Sequence> before_shown_;
  // Done with and not in the window, and another life would be offered them: of
  // the life before, not offered again yet; of a back-fill that is not complete.
  std::map<ItemId, Sequence> unseen_;
  Sequence before_scanned_;
  // Offered ahead of live, which has not come to them; and the last that ever was.
  absl::flat_hash_set<uint64_t> ahead_;
  Sequence ahead_through_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_SETTLEMENT_H_

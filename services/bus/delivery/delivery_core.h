// Subscriptions, as a state machine without sockets or threads: who is where in
// the log, what of it they may see now, what is out and not acknowledged.
//
//   Durable() ── folds policy ──► Work() ──► Deliver frames
//   Ack() ──► TakeDirty() ── CursorStore, elsewhere ──► Stored() ──► AckStored
//
// Promises
//   - An event is judged when it is sent, by the newest durable policy.
//   - When a policy event shows a recipient more of a person, each subscription
//     gets those of the person's events that it had passed, in order, marked
//     with that event, before live goes on. So a live subscription has, at the
//     end, everything that one from the beginning sees.
//   - A place is stored only as acknowledged, and acknowledged as stored only
//     when it is on disk.
//   - What Work() does at once is bounded, however many subscriptions there are.
//     Urgent ones come first, then those near the log's end in rotation, then one
//     of those that catch up. So none waits for another's catching up, and each
//     comes to its turn.
//   - A correction, a retraction or a cut does not wait behind the backlog of a
//     subscription that settles singly: it goes out with what is before it of its
//     person and its stream. Who acknowledges up to a number has the log's order.
//   - Nobody waits here for the disk: blocks of the past are read and opened
//     elsewhere, one ahead for each that catches up.
//   - Delivery numbers have no gaps; a subscription from a stored place gets
//     everything after it again that was not acknowledged.
//   - When an agreement ends or is retired, nothing more is sent by it, and a
//     session that it leaves nothing for is ended with words that say so.
//   - One that settles singly (settlement.h) may have several members; each
//     attempt is judged anew, and what may no longer be seen is not repeated.
//
// Threads  One.
// Bounds   What is out to a subscription is within the credit it gave; a frame
//          holds at most 256 views and fits a frame of the session, and one of
//          the past is small. Memory: of each that catches up two reads of
//          256 KiB; of the log's end 32 MiB.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_DELIVERY_CORE_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_DELIVERY_CORE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/bus/delivery/disclosures.h"
#include "services/bus/delivery/event_filter.h"
#include "services/bus/delivery/place.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/delivery/settlement.h"
#include "services/bus/delivery/view_builder.h"
#include "services/bus/log/event_log.h"
#include "services/bus/session/server_session.h"
#include "services/common/bus_client/frame.h"
#include "services/common/event/codec.h"

namespace concordat::bus {

struct DeliveryOutput {
  SessionId session;
  // A frame, or, with a refusal, the end of the session.
  FrameKind kind = FrameKind::kDeliver;
  std::string frame;  // Room for its head, then the body.
  v1::Refusal refusal = v1::REFUSAL_UNSPECIFIED;
  std::string detail;
  // Of the last live view in the frame; 0: it has none.
  Sequence live_through = {};

  absl::string_view body() const {
    return absl::string_view(frame).substr(kFrameHeadBytes);
  }
};

// Places to write, and whom to tell when they are written.
struct DirtyPlaces {
  struct Acknowledgement {
    SessionId session;
    // Both 0: the subscription is new.
    uint64_t delivery = 0;
    uint64_t settles = 0;
  };
  Places places;
  std::set<std::string> removed;  // Names to forget.
  std::vector<Acknowledgement> tell;
  // By who is new, and gets nothing before, or by an operator.
  bool is_waited_for = false;

  bool empty() const { return places.empty() && removed.empty(); }
};

struct SubscriptionInfo {
  std::string agency;
  std::string role;
  std::string name;
  Sequence acknowledged;
  Sequence sent;
  bool connected = false;
  // As of Work(): since when, and when it last acknowledged; none: infinite past.
  absl::Duration connected_at = -absl::InfiniteDuration();
  absl::Duration acknowledged_at = -absl::InfiniteDuration();
  // Views out to it, and their bytes.
  size_t outstanding = 0;
  size_t outstanding_bytes = 0;
  // Settled singly: its sessions, and what waits for another attempt or its turn,
  // is set aside and is parked.
  bool singly = false;
  size_t members = 0;
  size_t waiting = 0;
  size_t set_aside = 0;
  size_t parked = 0;
  // It takes nothing more from the log, and why; empty: it does.
  std::string stopped_because = {};
  bool paused = false;
  // Since when it lags and its place has not moved; none: infinite past.
  absl::Duration stalled_since = -absl::InfiniteDuration();
  uint64_t used_us = 0;
};

// How it stands with one event under one durable name.
struct ArrivalState {
  bool exists = false;
  bool connected = false;
  // The list of its filter that does not want it. Of who is not connected the filter
  // is not known.
  std::string refused_by = {};
  Sequence acknowledged;
  Sequence sent;  // Looked at up to here.
  Sequence end;   // Of the log, as far as it may be sent.
  bool paused = false;
  bool without_credit = false;
  std::string stopped_because = {};
  // Settled singly.
  bool singly = false;
  Settlement::StandsAt stands = {};
};

// By which places are kept: "<agency>/<role>/<name>".
std::string SubscriptionKey(absl::string_view agency, absl::string_view role,
                            absl::string_view name);

// delivery_settings.h makes them; settings.proto says what each is for.
struct DeliveryOptions {
  RedeliveryLimits redelivery = {};
  uint32_t redrive_per_s = 10;
  absl::Duration stalled_after = absl::Minutes(1);
  absl::Duration expire_after = absl::Hours(24 * 180);
  // Of an urgent subscription, before bulk waits for it.
  absl::Duration urgent_lag_max = absl::Milliseconds(50);
  // Whether the name with this key is kept whoever uses it.
  std::function<bool(const std::string& key)> never_expires =
      [](const std::string&) { return false; };
  // Another process writes the log, so that it may go on beyond what is here.
  std::function<bool()> follows = [] { return false; };
  // Real time when `now` of Work() was zero.
  absl::Time started = absl::UnixEpoch();
};

// A session without a purpose is granted nothing by any agreement.
Recipient RecipientOf(const v1::Principal& principal,
                      absl::string_view purpose);
// Why a session is refused, or ended, that nothing can be shown to.
std::string NothingToSee(const Recipient& to, const PolicyFold& fold);

class DeliveryCore {
 public:
  static constexpr size_t kViewsMax = 256;
  static constexpr size_t kFrameViewBytes = 240 * 1024;
  // Of one that catches up: what is urgent never waits long behind it on a wire.
  static constexpr size_t kPastViewBytes = 64 * 1024;
  // Events judged for one subscription before the next has its turn.
  static constexpr size_t kScanMax = 4096;
  // What passing over regions of the log counts as.
  static constexpr size_t kSkipCost = 512;
  // Views made, and events judged times as many, in one Work() for those near the
  // log's end. What is urgent has none of it.
  static constexpr size_t kWorkViews = 4096;
  static constexpr size_t kJudgedPerView = 16;
  // Durable names of one role of an agency.
  static constexpr size_t kNamesMax = 64;
  // One with nothing to send says how far it has judged this often at most.
  static constexpr absl::Duration kTellEvery = absl::Milliseconds(10);

  // `fold` is caught up with `log`, which outlives this.
  DeliveryCore(EventLog& log, std::shared_ptr<const TypeRegistry> types,
               PolicyFold fold, Places places, DeliveryOptions options = {});

  // A block became durable. They come in order, without gaps.
  //   DATA_LOSS  it cannot be folded; deliver nothing more.
  absl::Status Durable(std::shared_ptr<const EventBlock> block);

  void Subscribe(SessionId session, const v1::Principal& principal,
                 absl::string_view purpose, const v1::Subscribe& request);
  void Ack(SessionId session, uint64_t delivery);
  void Settle(SessionId session, const v1::Settle& settle);
  // The session is over.
  void Closed(SessionId session);
  // Rights were read anew: ends the session if what it may see is other now.
  void RightsOf(SessionId session, const v1::Principal& principal);

  // Of several processes this one has the name now, and only now may anybody
  // subscribe under it here: its place, or nothing when it is new.
  void Took(const std::string& key, const std::optional<Place>& place);
  // All places as they are stored, but for names of `own`: those are as here.
  void Refresh(Places stored, const std::set<std::string>& own);
  // Somebody is connected under it.
  bool IsUsed(const std::string& key) const;

  // Gives turns, as said above. True: there is more to do at once.
  bool Work(absl::Duration now);
  // Who has another thread to read the log with. Runs what it is given there, and
  // has Work() called after it; before the first Work().
  using Elsewhere = std::function<void(std::function<void()>)>;
  void ReadElsewhere(Elsewhere elsewhere) { elsewhere_ = std::move(elsewhere); }
  // How long ago that became durable which an urgent subscription has not
  // acknowledged yet; zero: none is behind, or none is there. As of Work().
  absl::Duration UrgentLag() const;
  std::vector<DeliveryOutput> TakeOutputs();

  // What went out, was acknowledged and began since the last call. It is to be
  // recorded before what TakeDirty() gives after it.
  std::vector<Disclosure> TakeDisclosures() { return disclosures_.Take(); }
  const Disclosures& disclosures() const { return disclosures_; }

  // Places that changed since the last call; none: `places` is empty.
  DirtyPlaces TakeDirty();
  // TakeDirty() would give something that a client or an operator did.
  bool is_dirty() const;
  // Whether to store them at once.
  bool is_waited_for() const { return dirty_.is_waited_for; }
  // They are on disk.
  void Stored(const DirtyPlaces& stored);

  std::vector<SubscriptionInfo> List() const;

  // An operator's acts on a durable name, by its key; what they changed is stored
  // at once.  NOT_FOUND  there is no such name.
  absl::StatusOr<std::vector<Row>> RowsOf(const std::string& key) const;
  // How many of the rows that was true of: set aside (or parked), set aside.
  absl::StatusOr<size_t> Redrive(const std::string& key,
                                 absl::Span<const uint64_t> rows);
  absl::StatusOr<size_t> Park(const std::string& key,
                              absl::Span<const uint64_t> rows);
  absl::Status SetPaused(const std::string& key, bool paused);
  //   FAILED_PRECONDITION  somebody is connected under it, or it has rows.
  absl::Status MayRemove(const std::string& key) const;
  absl::Status Remove(const std::string& key);
  ArrivalState ArrivalOf(const std::string& key,
                         const StoredEvent& event) const;
  // For each durable name the first event that it may still be shown: the one after
  // its place, or one that waits, is set aside or parked.
  std::map<std::string, Sequence> FirstNeeded() const;
  // What is in memory of the log is read anew: retention removed some of it.
  void Forget();
  // Names that nobody used for so long: Remove() them when that is recorded.
  std::set<std::string> TakeExpired() { return std::exchange(expired_, {}); }
  const DeliveryOptions& options() const { return options_; }

  Sequence folded() const { return fold_.folded(); }
  uint64_t now_us() const { return fold_.now_us(); }

 private:
  // What of the log lies between two places, on its way from it. `done` is set
  // last, by whoever reads it.
  struct Fetch {
    EventFilter filter;
    Sequence after;   // Of these,
    Sequence passed;  // up to here nothing is of interest, and then comes
    absl::StatusOr<std::shared_ptr<const EventBlock>> block =
        absl::UnavailableError("not read yet");
    std::atomic<bool> done = false;
  };
  struct Reading {
    std::shared_ptr<const EventBlock> block;
    std::shared_ptr<Fetch> next;  // Null: not asked for.
  };
  // Events of the past that a policy change shows.
  struct Backfill {
    const PolicyChange* change = nullptr;
    Sequence limit;  // The last event that it looks at.
    bool started = false;
    std::vector<Sequence> of_person;
    size_t next = 0;
    Sequence at;  // About everybody: looked at up to here.
    Reading reading;
  };
  // A view that is out. When it is acknowledged the place is this.
  struct Out {
    Sequence acknowledged;
    Sequence judged;
    size_t bytes = 0;
  };
  // What one recipient may see of one block, for all its subscriptions.
  struct Judged {
    std::shared_ptr<const EventBlock> block;
    size_t changes = 0;  // Under so many policy changes.
    std::vector<GroupMask> masks;
  };
  struct RecipientState {
    Recipient to;
    std::deque<Judged> judged;
  };
  // What of the log is looked at, and how far.
  struct Cursor {
    RecipientState* recipient = nullptr;
    EventFilter filter;
    Sequence scan;  // Judged up to here.
    // Nothing is wanted after this; or, when it is not 0 and the log gets there,
    // of what is accepted at this time or later.
    Sequence end = {std::numeric_limits<uint64_t>::max()};
    uint64_t end_us = 0;
    std::deque<Backfill> backfills;
    Reading reading;
    bool is_behind = false;  // As of its turn: it catches up.
  };
  // A durable name whose deliveries are settled singly, while it has members.
  struct Singly {
    Cursor cursor;
    Settlement settlement;
    bool shared = false;
    bool stored = false;  // Its place is on disk, so that members may begin.
    bool dirty = false;
    std::vector<SessionId> members;
    // Amendments up to here went ahead of live, or need not.
    Sequence amended = {};
  };
  // Where a durable name was when it moved last, or did not lag.
  struct Progress {
    Sequence at;
    absl::Duration since;
  };
  // A session's.
  struct Subscription {
    SessionId session;
    std::string key;       // Of its exclusive holder; empty: none.
    bool durable = false;  // Its place is stored under `key`.
    // Settled singly: not null, and of what follows `cursor` has the recipient
    // alone, and `place`, `out` are not used.
    Singly* singly = nullptr;
    Cursor cursor;
    uint64_t credit_events = 0;
    uint64_t credit_bytes = 0;
    bool urgent = false;
    bool ready = false;  // Subscribed was said.
    bool ended = false;  // And that it is at the end it asked for.
    Place place;         // Acknowledged.
    std::deque<Out> out;
    size_t out_bytes = 0;
    uint64_t next_delivery = 1;
    uint64_t acked = 0;
    uint64_t settles = 0;  // Settle frames so far.
    Sequence told;
    absl::Duration told_at = -absl::InfiniteDuration();
    absl::Duration connected_at;
    absl::Duration acknowledged_at = -absl::InfiniteDuration();
  };

  RecipientState& RecipientFor(Recipient to);
  // Ends the sessions that an agreement's end left nothing for.
  void StopWhatEnded(size_t changes_before);
  // Ends the session and forgets the subscription.
  void Refuse(SessionId session, v1::Refusal refusal, std::string detail);
  size_t NamesOf(const Recipient& to) const;
  void Say(SessionId session, FrameKind kind,
           const google::protobuf::MessageLite& body);
  void SaySubscribed(Subscription& sub);
  // The place that the request asks for.
  absl::StatusOr<Place> PlaceOf(const v1::Subscribe& request) const;
  void AddBackfills(Cursor& cursor, Sequence after_cause, Sequence limit);
  bool MayShowMore(const Recipient& to, const PolicyChange& change) const;
  void MarkDirty(const Subscription& sub);
  // Whether the position is one that this process will come to: others have
  // written it, or it is on its way here.
  bool IsAhead(absl::string_view log_id, Sequence at) const;
  // Policy events up to here are done with.
  Sequence JudgedPolicy(const Cursor& cursor) const;
  Sequence ScannedThrough(const Cursor& cursor) const;
  SubscriptionInfo InfoOf(const std::string& key) const;

  // delivery_turns.cc
  // What a turn did. In views; 0: it waits for credit, the log or the disk.
  struct Turned {
    size_t cost = 0;
    bool more = false;
  };
  // Who has turns: a session that settles up to a number, or a name.
  struct Runner {
    Subscription* one = nullptr;
    Singly* singly = nullptr;
  };
  // What comes next to it is not among the newest blocks.
  bool IsBehind(const Cursor& cursor) const;
  Turned TurnOf(const Runner& runner, absl::Duration now);
  void NoteEnd();

  // delivery_scan.cc
  // How far it may be judged now.
  Sequence EndOf(const Cursor& cursor) const {
    return std::min(cursor.end, fold_.folded());
  }
  absl::Status FindEnd(Cursor& cursor) const;
  Turned Turn(Subscription& sub, absl::Duration now);
  static size_t CostOf(size_t scanned, size_t views);
  static size_t FrameBytesMax(const Cursor& cursor) {
    return cursor.is_behind ? kPastViewBytes : kFrameViewBytes;
  }
  absl::Status Scan(Subscription& sub, size_t& scanned);
  // Calls `add` with each event that the first back-fill shows. False: it waits
  // for the log.
  absl::StatusOr<bool> RunBackfill(
      Cursor& cursor, absl::FunctionRef<bool()> has_room,
      absl::FunctionRef<void(const StoredEvent&, GroupMask)> add);
  bool IsShown(const Cursor& cursor, const PolicyChange& change,
               const StoredEvent& event, GroupMask& now) const;
  // Its bytes.
  size_t Encode(const RecipientState& recipient, const StoredEvent& event,
                GroupMask mask);
  // Nothing of what was encoded goes out.
  void DropFrame();
  void AddView(Subscription& sub, const StoredEvent& event, GroupMask mask,
               Sequence acknowledged);
  bool HasRoom(const Subscription& sub) const;
  enum class Found {
    kBlock,   // `reading.block` has the event after `scan`.
    kPassed,  // Nothing up to `scan` is of interest: it is further on now.
    kWaits,   // It is being read.
  };
  absl::StatusOr<Found> FindBlock(const EventFilter& filter, Reading& reading,
                                  Sequence end, Sequence& scan);
  void FetchAfter(Sequence after, const EventFilter& filter, Reading& reading);
  // Null: it is not among the newest.
  std::shared_ptr<const EventBlock> RecentWith(Sequence next) const;
  const std::vector<GroupMask>& MasksOf(
      RecipientState& recipient,
      const std::shared_ptr<const EventBlock>& block);
  void SendFrame(Subscription& sub, Sequence cause, Sequence scanned,
                 bool at_end, absl::Duration now,
                 absl::Span<const uint32_t> attempts = {});

  // delivery_singly.cc
  void JoinSingly(Subscription sub, const v1::Subscribe& request);
  void LeaveSingly(Subscription& sub);
  Turned TurnSingly(Singly& singly, absl::Duration now);
  absl::Status ScanSingly(Singly& singly, size_t& scanned);
  absl::Status ScanLive(Singly& singly, size_t& scanned);
  // At most `count_max` of what is ready.
  absl::Status SendReady(Singly& singly, Subscription& sub, size_t count_max,
                         absl::Duration now);
  absl::StatusOr<StoredEvent> EventAt(const Singly& singly, Sequence at) const;
  Place PlaceOf(const Singly& singly) const;
  Settlement SettlementOf(Place place) const;

  // delivery_ahead.cc
  // One that its live has not come to, and that was not looked at.
  bool HasAmendment(const Singly& singly) const;
  absl::Status LoadAmendments();
  // Offers those that live has not come to, some at a time.
  absl::Status OfferAmendments(Singly& singly);
  // What goes out with the amendment, itself the last, ascending; nothing: it is too
  // much, and comes in its turn.
  absl::StatusOr<std::vector<StoredEvent>> GoesWith(
      const Singly& singly, const StoredEvent& amendment) const;
  absl::Status AddBefore(const StoredEvent& event, Sequence after,
                         std::set<Sequence>& found) const;
  // What is before one of them may still be back-filled.
  static bool IsBackfilled(const Cursor& cursor,
                           const std::vector<StoredEvent>& events);

  // delivery_operator.cc
  uint64_t real_us() const;
  void SetPlace(const std::string& key, const Place& place);
  absl::Status Change(const std::string& key,
                      absl::FunctionRef<void(Settlement&)> change);
  void LookAtNames();
  void LookAtProgress();
  absl::Duration StalledSince(const std::string& key) const;

  EventLog& log_;
  const std::string log_id_;
  const uint32_t epoch_;
  PolicyFold fold_;
  ViewBuilder views_;
  ViewEncoder encoder_;
  Places places_;
  const DeliveryOptions options_;
  std::map<SessionId, Subscription> subscriptions_;
  std::map<std::string, Singly> singly_;  // By key.
  std::map<std::string, SessionId> holders_;
  std::map<std::string, RecipientState> recipients_;
  Elsewhere elsewhere_ = [](const std::function<void()>& work) { work(); };
  // The newest blocks, and what they weigh.
  struct Recent {
    std::shared_ptr<const EventBlock> block;
    size_t bytes = 0;
  };
  std::deque<Recent> recent_;
  size_t recent_bytes_ = 0;
  // Ascending, up to folded(); read when they are first asked for.
  std::vector<Sequence> amendments_;
  bool has_amendments_ = false;
  // Ends of the log that an urgent subscription has not acknowledged, and since
  // when they are durable.
  std::deque<std::pair<Sequence, absl::Duration>> ends_;
  // Who has turns in this Work(): kept for their memory.
  std::vector<Runner> urgent_, live_, behind_;
  size_t next_live_ = 0;  // Whose turn is next, of either.
  size_t next_behind_ = 0;
  std::vector<DeliveryOutput> outputs_;
  Disclosures disclosures_;
  DirtyPlaces dirty_;
  std::map<std::string, Progress> progress_;
  std::set<std::string> expired_;
  absl::Duration looked_at_ = -absl::InfiniteDuration();
  absl::Duration now_;  // Of the last Work().
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_DELIVERY_CORE_H_

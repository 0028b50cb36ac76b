// What an edge holds back, and what people did with it: items and acts, in
// memory, as the edge's journal tells them. PURE.
//
//   message ─► held ───┐          ┌─► released: published after all
//   message ─► refused ┴─► open ──┼─► replayed: waits to be judged again
//                          ▲      ├─► left, aged: content destroyed
//                          └──────┴── the bus refused the act
//
// An act is taken (Begin) before anything comes of it, and ended (End) once the
// bus has its fact. In between its item is under way: nobody else acts on it.
//
// Threads  One at a time.
// Bounds   KeptLimits.
#ifndef CONCORDAT_ADAPTERS_CORE_KEPT_ITEMS_H_
#define CONCORDAT_ADAPTERS_CORE_KEPT_ITEMS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/edge/v1/spool.pb.h"
#include "services/common/base/ids.h"

namespace concordat::edge {

// The same for the same message sent again: a keyed hash of the sender, its
// number for the message, and the content.
using MessageKey = std::array<uint8_t, 16>;

struct WaitingMessage {
  uint64_t number = 0;
  MessageKey key = {};
  uint64_t received_us = 0;
  std::string message;
};

// What became of a message, in words for the people of its agency.
struct Verdict {
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
  std::string reason;        // From a short fixed set: the operator sees it.
  std::string message_type;  // SIU^S26
  PersonKey subject;
  std::string words;
  uint64_t happened_us = 0;  // The message's own time; 0: none.
  std::string localsubject;  // The agency's own number of the person.
  std::string source;        // The listener, or the file.
  std::string place;         // "PID-5", "line 4"
};

// Somebody's act on an item. By the edge itself: v1::ACT_KIND_AGE.
struct Act {
  uint64_t number = 0;
  uint64_t item = 0;
  v1::ActKind kind = v1::ACT_KIND_UNSPECIFIED;
  std::string request_id;
  std::string by;  // urn:concordat:<agency>:<system>
  std::string on_behalf_of;
  std::string reason;
  std::string note;
  std::string decision_ref;
  uint64_t at_us = 0;
  std::vector<v1::MadeEvent> made;
  std::string item_ref;  // Of the item as it was; and whom it is about.
  PersonKey subject;
  // Once it is ended.
  bool ended = false;
  bool done = false;  // Else the bus refused it: `why`.
  std::string why;
  Sequence position;
};

struct KeptItem {
  WaitingMessage message;  // Content empty: nothing of it is kept.
  Verdict verdict;         // HELD or REFUSED
  std::optional<Act> act;  // Under way, or what ended it.

  bool open() const { return !act.has_value(); }
  bool ended() const { return act.has_value() && act->ended; }
};

// "H-12", "R-12".
std::string RefOf(const KeptItem& item);
// "it was left by urn:… at 2025-11-27T11:20:00Z (…)", for who comes too late.
std::string WhatWasDone(v1::ActKind kind, absl::string_view by, uint64_t at_us,
                        absl::string_view reason);
std::string WhatHappened(const KeptItem& item);

struct KeptLimits {
  uint64_t bytes_max = 64u << 20;  // Of open items.
  absl::Duration age_max = absl::Hours(24 * 92);
  size_t refused_max = 10'000;      // Older rejects are counted only.
  size_t ended_max = 1'000;         // Older ones are forgotten.
  size_t acts_under_way_max = 256;  // Of which the bus does not know yet.
};

class KeptItems {
 public:
  explicit KeptItems(KeptLimits limits) : limits_(limits) {}

  // With the act that was taken on it, when there is one.
  void Keep(KeptItem item);

  // What the same request was answered; null: it is new. What the bus refused
  // was no answer.
  //   INVALID_ARGUMENT  it was made for something else.
  absl::StatusOr<const Act*> FindAnswer(const Act& wish) const;
  // Whether the act may be taken now. Says nothing of what would come of it.
  //   NOT_FOUND, ABORTED  as EdgeService has them.
  //   RESOURCE_EXHAUSTED  too many acts wait for the bus.
  absl::Status Check(const Act& wish) const;
  // Takes an act that Check() passed. A replayed item is given back: it waits
  // again.
  std::optional<WaitingMessage> Begin(Act act);
  //   DATA_LOSS  no such act is under way.
  absl::Status End(const v1::ActEnded& ended);

  // Takes out all that is about the person, whatever became of it, and what was to
  // come of it: the items, by number.
  std::vector<KeptItem> Forget(const PersonKey& person);

  // Null: none.
  const KeptItem* Find(uint64_t number) const;
  const Act* FindAct(uint64_t number) const;
  // The oldest that is under way.
  const Act* OldestAct() const;
  // Ends the oldest open item, when it has been here for too long or is too
  // much: an act to take. Nothing: none is.
  std::optional<Act> Overdue(uint64_t now_us) const;

  // By number: what a rewritten journal holds of them, and what people list.
  const std::map<uint64_t, KeptItem>& items() const { return items_; }
  // Every act that is remembered, oldest first.
  const std::deque<Act>& acts() const { return acts_; }
  uint64_t last_act() const { return last_act_; }
  void set_last_act(uint64_t number) { last_act_ = number; }

 private:
  void Drop(std::map<uint64_t, KeptItem>::iterator item);
  void CountIn(const KeptItem& item);
  void CountOut(const KeptItem& item);
  void KeepToBounds();
  Act* MutableAct(uint64_t number);

  const KeptLimits limits_;
  std::map<uint64_t, KeptItem> items_;
  std::deque<Act> acts_;  // By number.
  uint64_t last_act_ = 0;
  uint64_t bytes_ = 0;    // Of open items.
  size_t refused_ = 0;    // Open.
  size_t under_way_ = 0;  // Acts.
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_KEPT_ITEMS_H_

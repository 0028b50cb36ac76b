// What an edge keeps: messages that wait, those that are held for the people of
// its agency, rejects, what was done with them, and counts. One journal, every
// record sealed.
//
// Durability  A method that changes something returns OK once that is on
//             stable storage. After any failed write nothing is taken any more
//             until the process starts again; nothing was acknowledged for it.
// Order       Messages are worked on in the order in which they came.
// Secrecy     AES-256-GCM with the edge's own key. What is done with leaves the
//             disk when the journal is next rewritten; what turns out to be of
//             nobody in the cohort, and what a person ended, as soon as nothing
//             waits.
// Threads     Any method, any thread.
#ifndef CONCORDAT_ADAPTERS_CORE_EDGE_STORE_H_
#define CONCORDAT_ADAPTERS_CORE_EDGE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/core/kept_items.h"
#include "concordat/edge/v1/spool.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/storage/sealed_journal.h"

namespace concordat::edge {

// held, to_identity, published, not_in_cohort, refused, left and waiting add up
// to the messages that were answered.
struct EdgeCounts {
  uint64_t held = 0;  // Now.
  uint64_t to_identity = 0;
  uint64_t published = 0;
  uint64_t not_in_cohort = 0;
  uint64_t refused = 0;  // Now, and older ones that are counted only.
  uint64_t left = 0;
  uint64_t released = 0;  // Of those published.
  uint64_t waiting = 0;
};

struct Judged {
  Verdict verdict;
  std::vector<v1::MadeEvent> made;
};

struct EdgeLimits {
  uint64_t bytes_max = 64u << 20;  // Of messages that wait.
  size_t keys_max = 200'000;       // Of messages that are done with.
  KeptLimits kept;
};

class EdgeStore {
 public:
  //   DATA_LOSS    the journal is damaged, or the key is another.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED  the disk.
  static absl::StatusOr<std::unique_ptr<EdgeStore>> Open(
      Directory& directory, absl::string_view key, Random& random,
      EdgeLimits limits = EdgeLimits());

  // Takes a message to be worked on. One that was taken before changes
  // nothing and is OK.
  //   RESOURCE_EXHAUSTED  the bound, or the disk, is reached.
  //   UNAVAILABLE
  absl::Status Accept(const MessageKey& key, uint64_t received_us,
                      absl::string_view message);
  // Counts a message about nobody of the cohort.  As Accept().
  absl::Status CountNotInCohort();
  // Keeps a reject that never waited, with as much of it as may be kept (its
  // `message`; the number is drawn here).  As Accept().
  absl::Status Refuse(WaitingMessage message, Verdict verdict);

  // The oldest message that waits.
  std::optional<WaitingMessage> Oldest() const;
  // Waits up to `timeout` for one, or for an act.
  bool WaitForWork(absl::Duration timeout) const;
  // Ends the waits, now and from now on.
  void StopWaiting();
  // What is to be published of a message that waits, and its verdict then.
  //   As Finish().
  absl::Status Judge(uint64_t number, const Verdict& verdict,
                     std::vector<v1::MadeEvent> made);
  std::optional<Judged> FindJudged(uint64_t number) const;
  // The message is done with. What is held or refused stays, sealed; of the
  // others the content is dropped.
  //   NOT_FOUND  no such message waits.  UNAVAILABLE, RESOURCE_EXHAUSTED
  absl::Status Finish(uint64_t number, const Verdict& verdict);

  // Takes an act and returns its number; of a repeat the first one's.
  //   As KeptItems::FindAnswer() and Check().  UNAVAILABLE, RESOURCE_EXHAUSTED
  absl::StatusOr<uint64_t> Begin(Act act);
  // Whether Begin() would take it; the number of the first one of a repeat.
  absl::StatusOr<std::optional<uint64_t>> Check(const Act& act) const;
  // The oldest act of which the bus does not know yet.
  std::optional<Act> OldestAct() const;
  // The bus answered for an act.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  absl::Status End(uint64_t act, bool done, absl::string_view why,
                   Sequence position);
  // Waits until the act is ended; of a replay until its message was judged,
  // too. False: not in time.
  bool WaitForEnd(uint64_t act, absl::Duration timeout) const;
  std::optional<Act> FindAct(uint64_t act) const;
  // An act of the edge itself that is due.
  std::optional<Act> Overdue(uint64_t now_us) const;

  // Destroys every item about the person, with what people did to it: how many.
  // What waits goes its way: it is judged by the cohort, which no longer has them.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  absl::StatusOr<uint64_t> ErasePerson(const PersonKey& person);

  EdgeCounts counts() const;
  // Open items and those under way, oldest first, without their content; with
  // ended ones, too, as far as they are remembered.
  std::vector<KeptItem> items(bool with_ended = false) const;
  // With its content.
  std::optional<KeptItem> Find(uint64_t number) const;

 private:
  EdgeStore(std::unique_ptr<SealedJournal> journal, EdgeLimits limits)
      : limits_(limits), journal_(std::move(journal)), kept_(limits.kept) {}

  absl::Status Write(const v1::SpoolRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Apply(const v1::SpoolRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status ApplyFinished(const v1::Finished& finished)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyActed(const v1::Acted& acted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status ApplyEnded(const v1::ActEnded& ended)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyTotals(const v1::Totals& totals) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RememberKey(const MessageKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Rewrites the journal without what is done with, when that is worth it.
  absl::Status Tidy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Rewrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::SpoolRecord TotalsRecord() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const EdgeLimits limits_;
  mutable Mutex mu_;
  mutable CondVar changed_;
  const std::unique_ptr<SealedJournal> journal_ ABSL_PT_GUARDED_BY(mu_);
  std::map<uint64_t, WaitingMessage> waiting_ ABSL_GUARDED_BY(mu_);
  // Of those that wait: what is on its way to the bus.
  std::map<uint64_t, v1::Judged> judged_ ABSL_GUARDED_BY(mu_);
  KeptItems kept_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<MessageKey> known_ ABSL_GUARDED_BY(mu_);
  std::deque<MessageKey> done_ ABSL_GUARDED_BY(mu_);  // Oldest first.
  EdgeCounts counts_ ABSL_GUARDED_BY(mu_);
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;  // Of what waits.
  // The journal holds what is to be destroyed, sealed.
  bool holds_too_much_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t rewritten_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // After the last one.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_EDGE_STORE_H_

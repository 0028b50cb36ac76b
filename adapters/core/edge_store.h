// What an edge keeps: messages that wait, those that are held for the liaison
// officer, rejects, and counts. One journal, every record sealed.
//
// Durability  A method that changes something returns OK once that is on
//             stable storage. After any failed write nothing is taken any more
//             until the process starts again; nothing was acknowledged for it.
// Order       Messages are worked on in the order in which they came.
// Secrecy     AES-256-GCM with the edge's own key. What is done with leaves the
//             disk when the journal is next rewritten; what turns out to be of
//             nobody in the cohort, as soon as nothing waits.
// Threads     Any method, any thread.
#ifndef CONCORDAT_ADAPTERS_CORE_EDGE_STORE_H_
#define CONCORDAT_ADAPTERS_CORE_EDGE_STORE_H_

#include <array>
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
#include "adapters/core/sealed_journal.h"
#include "concordat/edge/v1/spool.pb.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"

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

// What became of a message, in words for the liaison officer.
struct Verdict {
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
  std::string reason;        // From a short fixed set: the operator sees it.
  std::string message_type;  // SIU^S26
  PersonKey subject;
  std::string words;
};

struct KeptItem {
  uint64_t number = 0;
  uint64_t received_us = 0;
  Verdict verdict;
};

struct EdgeCounts {
  uint64_t held = 0;
  uint64_t to_identity = 0;
  uint64_t published = 0;
  uint64_t not_in_cohort = 0;
  uint64_t refused = 0;
  uint64_t waiting = 0;
};

struct EdgeLimits {
  uint64_t bytes_max = 64u << 20;     // Of messages that wait or are held.
  size_t refused_items_max = 10'000;  // Older ones are counted only.
  size_t keys_max = 200'000;          // Of messages that are done with.
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
  // Keeps why a message was refused, and nothing of it.  As Accept().
  absl::Status Refuse(uint64_t received_us, absl::string_view reason,
                      absl::string_view message_type);

  // The oldest message that waits.
  std::optional<WaitingMessage> Oldest() const;
  // Waits up to `timeout` for one.
  bool WaitForWork(absl::Duration timeout) const;
  // Ends the wait of WaitForWork(), now and from now on.
  void StopWaiting();
  // The message is done with. What is held stays, sealed; of the others the
  // content is dropped.
  //   NOT_FOUND  no such message waits.  UNAVAILABLE, RESOURCE_EXHAUSTED
  absl::Status Finish(uint64_t number, const Verdict& verdict);

  EdgeCounts counts() const;
  // Held and refused, oldest first.
  std::vector<KeptItem> items() const;

 private:
  struct Held {
    WaitingMessage message;
    Verdict verdict;
  };

  EdgeStore(std::unique_ptr<SealedJournal> journal, EdgeLimits limits)
      : limits_(limits), journal_(std::move(journal)) {}

  absl::Status Write(const v1::SpoolRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Apply(const v1::SpoolRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status ApplyFinished(const v1::Finished& finished)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyTotals(const v1::Totals& totals) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RememberKey(const MessageKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Rewrites the journal without what is done with.
  absl::Status Rewrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool WorthRewriting() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const EdgeLimits limits_;
  mutable Mutex mu_;
  mutable CondVar changed_;
  const std::unique_ptr<SealedJournal> journal_ ABSL_PT_GUARDED_BY(mu_);
  std::map<uint64_t, WaitingMessage> waiting_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, Held> held_ ABSL_GUARDED_BY(mu_);
  std::deque<KeptItem> refused_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<MessageKey> known_ ABSL_GUARDED_BY(mu_);
  std::deque<MessageKey> done_ ABSL_GUARDED_BY(mu_);  // Oldest first.
  EdgeCounts counts_ ABSL_GUARDED_BY(mu_);
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  // The journal holds messages of people outside the cohort, sealed.
  bool holds_outsiders_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t rewritten_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // After the last one.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_EDGE_STORE_H_

// What a case-file edge keeps: which files were taken, rows that wait, what is
// known of rows that were published, rejects and what people did with them, and
// what each feed is complete to.
// One journal, every record sealed; of a file only what its mapping reads. What
// turns out to be of nobody in the cohort leaves the disk as soon as nothing waits.
//
// Durability  A method that changes something returns OK once that is on stable
//             storage; a file is taken whole or not at all. After a failed
//             write everything fails until Recover(). An act on a reject is
//             taken (Begin) before anything comes of it, and ended (End) once
//             the bus has its fact.
// Order       Rows are worked on in the order in which they were taken.
// Threads     Any method, any thread.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_CASE_STORE_H_
#define CONCORDAT_ADAPTERS_CASEFILE_CASE_STORE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/casefile/reject_acts.h"
#include "concordat/edge/v1/casefile_spool.pb.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/storage/sealed_journal.h"

namespace concordat::casefile {

// Of one record: the journal takes four times this.
inline constexpr size_t kCaseRecordBytes = 1u << 20;

struct CaseStoreLimits {
  uint64_t bytes_max = 64u << 20;  // Of rows that wait and rejects.
  size_t files_max = 5'000;        // Older ones are forgotten.
  RejectActLimits acts;
};

struct CaseTotals {
  edge::v1::CaseCounts counts;
  uint64_t waiting = 0;
  uint64_t rejects = 0;
  uint64_t acts = 0;  // Under way.
};

// A feed that can be said to be complete further than before.
struct FeedNews {
  std::string feed;
  uint64_t complete_to = 0;
  uint32_t records = 0;
  uint32_t rejected = 0;
};

class CaseStore {
 public:
  //   DATA_LOSS    the journal is damaged, or the key is another.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED  the disk.
  static absl::StatusOr<std::unique_ptr<CaseStore>> Open(
      Directory& directory, std::string key, Random& random,
      CaseStoreLimits limits = CaseStoreLimits());

  // Reads the journal again after a failed write.  As Open().
  absl::Status Recover();
  // Of the last write, until Recover().
  absl::Status failed() const;

  // The newest file of this content that was not refused.
  std::optional<edge::v1::FileTaken> FindFile(absl::string_view content) const;
  // Takes a file, and its rows to be worked on; numbers are given here.
  //   RESOURCE_EXHAUSTED  the bound, or the disk, is reached.  UNAVAILABLE
  absl::Status Take(const edge::v1::FileTaken& file,
                    std::vector<edge::v1::WaitingRow> rows);
  // The file has left the folder.
  absl::Status Clear(const std::string& name);
  bool IsUncleared(const std::string& name, absl::string_view content) const;

  // Up to `count` of the rows that wait, the oldest first.
  std::vector<edge::v1::WaitingRow> Oldest(size_t count) const;
  // They are done with; in the order of Oldest().
  absl::Status Finish(const std::vector<edge::v1::RowDone>& rows);

  // What was last published of the row of this key.
  std::optional<edge::v1::KnownRow> FindKnown(absl::string_view key) const;
  // Nothing of it would be new: it was published like this, or is a reject that
  // is listed, or waits.
  bool IsNothingNew(const edge::v1::WaitingRow& row) const;
  // Rows of a mapping that were published and not taken back.
  std::vector<edge::v1::KnownRow> KnownOf(const std::string& mapping) const;
  // Nothing: no file of it was taken.
  std::optional<edge::v1::MappingMark> MarkOf(const std::string& mapping) const;

  // Oldest first.
  std::vector<edge::v1::WaitingRow> rejects() const;
  std::optional<edge::v1::WaitingRow> FindReject(uint64_t number) const;
  // There is nothing left to ask: it leaves the list.
  //   NOT_FOUND  no such reject.
  absl::Status Close(uint64_t number);

  // The act that answers this one: a repeat of it; nothing: it is new.
  //   NOT_FOUND  no such reject.  The rest as RejectActs has them.
  absl::StatusOr<std::optional<edge::v1::RejectAct>> Check(
      const edge::v1::RejectAct& act) const;
  // Takes an act, or finds what answers it; its number.  As Check().
  absl::StatusOr<uint64_t> Begin(edge::v1::RejectAct act);
  // The oldest of which the bus does not know yet.
  std::optional<edge::v1::RejectAct> OldestAct() const;
  // What the reject becomes waits, or the bus refused the act and the reject is
  // open again. One that is ended already changes nothing.
  absl::Status End(const edge::v1::ActEnded& ended);
  // The act once it is ended; nothing: not in time.
  std::optional<edge::v1::RejectAct> AwaitEnd(uint64_t act,
                                              absl::Duration timeout) const;
  bool IsUnderWay(uint64_t reject) const;

  // Destroys what is kept of the person: what is known of their rows, rejects with
  // what people did to them, and rows that wait and are theirs by `is_theirs`, which
  // asks who a row is about now. How many. A reject whose person could not be read
  // is nobody's, and stays until somebody ends it.
  //   UNAVAILABLE, RESOURCE_EXHAUSTED
  using IsTheirs = std::function<bool(const edge::v1::WaitingRow&)>;
  absl::StatusOr<uint64_t> ErasePerson(const PersonKey& person,
                                       const IsTheirs& is_theirs);

  // Feeds that have news; none while rows wait. `kinds` are the mappings of each
  // feed: it is complete to where all of them are.
  std::vector<FeedNews> News(
      const std::map<std::string, std::set<std::string>>& kinds) const;
  absl::Status Told(const FeedNews& news);

  CaseTotals totals() const;
  // Newest first.
  std::vector<edge::v1::FileTaken> files(size_t count) const;

 private:
  using Row = edge::v1::WaitingRow;

  CaseStore(Directory& directory, std::string key, Random& random,
            CaseStoreLimits limits)
      : directory_(directory),
        key_(std::move(key)),
        random_(random),
        limits_(limits),
        acts_(limits.acts) {}

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Write(const edge::v1::CaseRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Apply(edge::v1::CaseRecord record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyTaken(const edge::v1::FileTaken& file)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyDone(const edge::v1::RowDone& done)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyPublished(const Row& row, const edge::v1::RowDone& done)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyState(edge::v1::CaseState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddWaiting(Row row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddReject(Row row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropReject(uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Returns it.
  Row DropWaiting(std::map<uint64_t, Row>::iterator at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddAct(edge::v1::RejectAct act) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyEnded(const edge::v1::ActEnded& ended)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<const edge::v1::RejectAct*> FindAnswer(
      const edge::v1::RejectAct& act) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Tidy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Rewrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<std::string> StateRecords() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Directory& directory_;
  const std::string key_;
  Random& random_;
  const CaseStoreLimits limits_;

  mutable Mutex mu_;
  mutable CondVar act_ended_;
  std::unique_ptr<SealedJournal> journal_ ABSL_GUARDED_BY(mu_);
  absl::Status failed_ ABSL_GUARDED_BY(mu_);
  edge::v1::CaseCounts counts_ ABSL_GUARDED_BY(mu_);
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  // Of a file whose FileTaken has not come yet.
  std::vector<Row> coming_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, Row> waiting_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, int> waiting_keys_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, Row> rejects_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, int> reject_keys_ ABSL_GUARDED_BY(mu_);
  // Contents of rejects, listed or waiting.
  absl::flat_hash_map<std::string, int> reject_contents_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, edge::v1::KnownRow> known_
      ABSL_GUARDED_BY(mu_);
  std::deque<edge::v1::FileTaken> files_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> uncleared_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, edge::v1::MappingMark> marks_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, uint64_t> told_ ABSL_GUARDED_BY(mu_);
  RejectActs acts_ ABSL_GUARDED_BY(mu_);
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  // The journal holds what is to be destroyed, sealed.
  bool holds_too_much_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t rewritten_bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_CASE_STORE_H_

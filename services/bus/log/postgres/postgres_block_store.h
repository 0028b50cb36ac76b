// The log's blocks as rows of PostgreSQL, a block a row, each committed on a
// quorum of servers before the next (FORMAT.md, "In PostgreSQL").
//
// Fencing  A row is added only in the term of the writer lease that this was
//          told, and only behind the very block it joins on to: the statement
//          that adds it says so, whoever believes what.
// Outcome  When a server does not answer, another is asked whether it has the
//          block before it is sent once more.
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_POSTGRES_BLOCK_STORE_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_POSTGRES_BLOCK_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/bus/log/block_store.h"
#include "services/bus/log/postgres/connection.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// Threads  As BlockStore. Follow: one, and never while Append() is used.
class PostgresBlockStore : public BlockStore {
 public:
  // kRestored: what the durable mark tells of may be gone, and who opens this begins
  // an epoch.
  enum class Servers { kHaveAll, kRestored };

  // Makes the tables where there are none. `beside` has the durable mark of this
  // process, and outlives this. A mark of an earlier epoch than the log's end is of
  // before somebody began that one, knowing that events are lost.
  //   DATA_LOSS  a row is damaged or missing, or was lost; names segment and offset.
  //   FAILED_PRECONDITION  the server does not keep what it commits on others.
  //   UNIMPLEMENTED, UNAVAILABLE, INTERNAL
  static absl::StatusOr<std::unique_ptr<PostgresBlockStore>> Open(
      const PostgresOptions& options, uint64_t segment_bytes, Directory& beside,
      const OpenHooks& hooks, Servers servers = Servers::kHaveAll);

  // Before the first BeginTerm(). Whoever writes notes which server it writes to. Of
  // another (a restored database, or a standby that was promoted while no process ran)
  // only who has seen the log's last block knows that nothing is lost.
  //   DATA_LOSS  another, and the durable mark is not of the log's last block.
  //   UNAVAILABLE, INTERNAL
  absl::Status CheckServer();

  // From now on Append() adds rows, in this term. Before the first.
  void BeginTerm(uint64_t term) {
    term_ = term;
    note_server_ = true;
  }

  // What others have appended since, in order, at most eight blocks; waits for
  // that, so long at most. What it tells stays: it is on a quorum.
  //   DATA_LOSS, UNIMPLEMENTED, UNAVAILABLE; and what `on_block` answers.
  absl::Status Follow(
      absl::Duration at_most,
      const std::function<absl::Status(const ScannedBlock&)>& on_block);

  const ChainEnd& end() const override { return end_; }
  void Start(std::function<void(ClosedSegment)> on_closed) override;
  // While no server takes writes it waits, up to a minute. FAILED_PRECONDITION
  // also: another has the lease. DATA_LOSS: the servers have lost what was
  // durable.
  absl::Status Append(const LogId& log_id, uint32_t epoch, uint32_t event_count,
                      std::string& block) override;
  // Waits up to 5 s for a server that has the block.
  absl::StatusOr<Blocks> Read(uint64_t sequence,
                              size_t bytes_max) const override;
  absl::Status Scan(const ClosedSegment& closed,
                    const std::function<absl::Status(const ScannedBlock&)>&
                        on_block) const override;
  std::optional<std::pair<uint32_t, ChainEnd>> ClosedWith(
      uint64_t sequence) const override;
  Extent extent() const override;
  // How long the block that is being appended has waited; zero: none is.
  absl::Duration waited() const;

 private:
  using Visit = std::function<absl::Status(
      uint64_t offset, const BlockHeader& header, absl::string_view whole)>;
  struct Segment {
    uint32_t number = 0;
    ChainEnd start;
    uint64_t end_offset = 0;
    uint64_t last_block = 0;
    std::vector<BlockPlace> places;
  };
  struct NewBlock;

  PostgresBlockStore(const PostgresOptions& options, uint64_t segment_bytes)
      : options_(options), segment_bytes_(segment_bytes) {}

  absl::Status OpenSegments(const OpenHooks& hooks);
  absl::Status OpenMark(Directory& beside, Servers servers);
  // The server that was written to last has all that there is.
  absl::Status LookAtServer();
  void NoteServer();
  absl::StatusOr<bool> EndsAs(const ClosedSegment& closed);
  // The rows of a segment from `from` to `end`, without a gap; good checksums.
  static absl::Status ReadRows(PostgresConnection& connection, uint32_t segment,
                               uint64_t from, uint64_t end, const Visit& visit);
  // Notes a block that is there, and where the log now ends.
  void Take(uint32_t segment, uint64_t offset, uint64_t bytes,
            uint64_t first_sequence, const ChainEnd& end);
  absl::Status Connect();
  // Sees that the server has the last block that was durable.
  absl::Status CheckEnd(PostgresConnection& connection) const;
  absl::Status AppendOnce(const NewBlock& block, bool look_first);
  absl::StatusOr<bool> HasBlock(const NewBlock& block);
  // What this connection saw committed stays: it is on a quorum.
  absl::Status Settle(PostgresConnection& connection) const;
  // Whether the server still works on what this connection asked.
  std::function<bool()> StillAsked(const PostgresConnection& connection) const;
  static absl::StatusOr<Blocks> ReadOn(PostgresConnection& connection,
                                       uint64_t sequence, size_t bytes_max);
  static ClosedSegment Close(const Segment& segment, const ChainEnd& end);

  const PostgresOptions options_;
  const uint64_t segment_bytes_;
  std::function<void(ClosedSegment)> on_closed_;
  std::optional<uint64_t> term_;

  std::unique_ptr<File> mark_;

  // The thread of Append() or Follow().
  ChainEnd end_;
  std::unique_ptr<PostgresConnection> connection_;
  bool listens_ = false;  // That connection.
  // All that was written is here: by the durable mark, the server or a writer.
  bool saw_the_end_ = false;
  bool note_server_ = false;  // Once the next block is there.

  mutable Mutex mu_;
  std::vector<Segment> segments_ ABSL_GUARDED_BY(mu_);
  uint64_t next_sequence_ ABSL_GUARDED_BY(mu_) = 1;
  // By a steady clock; none: infinite future.
  absl::Duration waits_since_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  mutable std::vector<std::unique_ptr<PostgresConnection>> readers_
      ABSL_GUARDED_BY(mu_);  // That nobody uses.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_POSTGRES_BLOCK_STORE_H_

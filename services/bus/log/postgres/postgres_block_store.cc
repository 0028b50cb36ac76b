#include "services/bus/log/postgres/postgres_block_store.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/durable_mark.h"
#include "services/bus/log/postgres/tables.h"
#include "services/bus/log/segment_store.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"
#include "services/common/base/system_clock.h"

namespace concordat::bus {
namespace {

constexpr uint64_t kRowsBytes = 4 << 20;  // Read at once, about.
constexpr absl::Duration kAppendWithin = absl::Minutes(1);
constexpr absl::Duration kReadWithin = absl::Seconds(5);
constexpr int kAgainAfterMs = 50;

absl::Duration Now() { return SystemSteadyClock().Elapsed(); }

absl::Status At(uint32_t segment, uint64_t offset, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat(SegmentName(segment), ":",
                                               offset, ": ", why.message()));
}

absl::Status Missing(uint32_t segment, uint64_t offset) {
  return At(segment, offset, absl::DataLossError("the block is missing"));
}

// The block of a row, whose checksums hold.
absl::StatusOr<BlockHeader> CheckBlock(absl::string_view whole) {
  if (whole.size() < kBlockHeaderBytes) {
    return absl::DataLossError("no block");
  }
  absl::StatusOr<BlockHeader> header = DecodeBlockHeader(whole);
  if (!header.ok()) return header.status();
  if (whole.size() != kBlockHeaderBytes + header->body_bytes) {
    return absl::DataLossError("a block of another length");
  }
  const absl::Status status =
      CheckBlockBody(*header, whole.substr(kBlockHeaderBytes));
  if (!status.ok()) return status;
  return header;
}

}  // namespace

struct PostgresBlockStore::NewBlock {
  uint32_t segment = 0;
  uint64_t offset = 0;
  uint64_t first_sequence = 0;
  uint32_t event_count = 0;
  Sha256Hash hash = {};
  absl::string_view bytes;
  // The one that it joins on to, when there is one.
  uint32_t before_segment = 0;
  uint64_t before_offset = 0;
};

ClosedSegment PostgresBlockStore::Close(const Segment& segment,
                                        const ChainEnd& end) {
  return {segment.number,     segment.start,      end,
          segment.end_offset, segment.last_block, segment.places};
}

absl::StatusOr<std::unique_ptr<PostgresBlockStore>> PostgresBlockStore::Open(
    const PostgresOptions& options, uint64_t segment_bytes, Directory& beside,
    const OpenHooks& hooks, Servers servers) {
  std::unique_ptr<PostgresBlockStore> store(
      new PostgresBlockStore(options, segment_bytes));
  absl::Status status = store->Connect();
  if (status.ok()) status = MakeTables(*store->connection_);
  if (status.ok()) status = store->OpenSegments(hooks);
  if (status.ok()) status = store->OpenMark(beside, servers);
  if (!status.ok()) return status;
  return store;
}

absl::Status PostgresBlockStore::OpenMark(Directory& beside, Servers servers) {
  absl::StatusOr<std::string> bytes =
      ReadWhole(beside, std::string(kDurableMarkName));
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes.status();
  if (bytes.ok()) {
    const std::optional<DurableMark> mark = DecodeDurableMark(*bytes);
    const bool same_log = mark.has_value() && end_.log_id.has_value() &&
                          mark->log_id == *end_.log_id;
    const bool epoch_since = servers == Servers::kRestored ||
                             (mark.has_value() && mark->epoch < end_.epoch);
    MutexLock lock(mu_);
    const Segment& last = segments_.back();
    if (!same_log || !epoch_since) {
      const absl::Status status =
          CheckDurableMark(*bytes, end_, last.number, last.end_offset,
                           "the servers' log ends here");
      if (!status.ok()) return At(last.number, last.end_offset, status);
    }
    saw_the_end_ = same_log && mark->epoch == end_.epoch &&
                   mark->segment == last.number &&
                   mark->end_offset == last.end_offset;
  }
  absl::StatusOr<std::unique_ptr<File>> file =
      bytes.ok() ? beside.Open(kDurableMarkName)
                 : beside.Create(kDurableMarkName);
  if (!file.ok()) return file.status();
  mark_ = *std::move(file);
  return LookAtServer();
}

absl::Status PostgresBlockStore::Connect() {
  connection_ = nullptr;
  listens_ = false;
  note_server_ = term_.has_value();
  absl::StatusOr<std::unique_ptr<PostgresConnection>> connection =
      PostgresConnection::Connect(options_);
  if (!connection.ok()) return connection.status();
  connection_ = *std::move(connection);
  return absl::OkStatus();
}

void PostgresBlockStore::Start(std::function<void(ClosedSegment)> on_closed) {
  on_closed_ = std::move(on_closed);
}

absl::Status PostgresBlockStore::ReadRows(PostgresConnection& connection,
                                          uint32_t segment, uint64_t from,
                                          uint64_t end, const Visit& visit) {
  while (from < end) {
    const absl::StatusOr<PostgresRows> rows = connection.Run(
        "SELECT \"offset\", bytes FROM concordat.block WHERE segment = $1"
        " AND \"offset\" >= $2 AND \"offset\" < $3 ORDER BY \"offset\"",
        PostgresValues()
            .Add(segment)
            .Add(static_cast<int64_t>(from))
            .Add(static_cast<int64_t>(std::min(end, from + kRowsBytes))));
    if (!rows.ok()) return rows.status();
    if (rows->count() == 0) return Missing(segment, from);
    for (int i = 0; i < rows->count(); ++i) {
      if (static_cast<uint64_t>(rows->Number(i, 0)) != from) {
        return Missing(segment, from);
      }
      const absl::string_view whole = rows->Bytes(i, 1);
      const absl::StatusOr<BlockHeader> header = CheckBlock(whole);
      absl::Status status = header.status();
      if (status.ok()) status = visit(from, *header, whole);
      if (!status.ok()) return At(segment, from, status);
      from += whole.size();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> PostgresBlockStore::EndsAs(const ClosedSegment& closed) {
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "SELECT \"offset\", hash, \"offset\" + octet_length(bytes)"
      " FROM concordat.block WHERE segment = $1"
      " ORDER BY \"offset\" DESC LIMIT 1",
      PostgresValues().Add(closed.number));
  if (!rows.ok()) return rows.status();
  return rows->count() == 1 &&
         static_cast<uint64_t>(rows->Number(0, 0)) == closed.last_block &&
         rows->Bytes(0, 1) == AsView(closed.end.hash) &&
         static_cast<uint64_t>(rows->Number(0, 2)) == closed.end_offset;
}

absl::Status PostgresBlockStore::OpenSegments(const OpenHooks& hooks) {
  const absl::StatusOr<PostgresRows> ends = connection_->Run(
      "SELECT segment, max(\"offset\" + octet_length(bytes))"
      " FROM concordat.block GROUP BY segment ORDER BY segment");
  if (!ends.ok()) return ends.status();
  std::vector<Segment> segments;
  for (int i = 0; i < ends->count(); ++i) {
    if (ends->Number(i, 0) != i + 1) {
      return Missing(static_cast<uint32_t>(i) + 1, 0);
    }
    Segment& segment = segments.emplace_back();
    segment.number = static_cast<uint32_t>(i) + 1;
    segment.start = end_;
    const bool is_closed = i + 1 < ends->count();
    if (is_closed) {
      absl::StatusOr<ClosedSegment> known =
          hooks.load_closed(segment.number, end_);
      absl::StatusOr<bool> same = known.ok() ? EndsAs(*known) : false;
      if (!same.ok()) return same.status();
      if (*same) {
        end_ = known->end;
        segment.end_offset = known->end_offset;
        segment.last_block = known->last_block;
        segment.places = known->places;
        absl::Status status = hooks.on_closed(*known, true);
        if (!status.ok()) return status;
        continue;
      }
    }
    absl::Status status =
        ReadRows(*connection_, segment.number, 0,
                 static_cast<uint64_t>(ends->Number(i, 1)),
                 [&](uint64_t offset, const BlockHeader& header,
                     absl::string_view whole) {
                   absl::Status joined = JoinBlock(header, whole, end_);
                   if (!joined.ok()) return joined;
                   AddPlace(segment.places, header.first_sequence, offset);
                   segment.last_block = offset;
                   segment.end_offset = offset + whole.size();
                   return hooks.on_block(
                       segment.number,
                       {header, offset, whole.substr(kBlockHeaderBytes)});
                 });
    if (status.ok() && is_closed) {
      status = hooks.on_closed(Close(segment, end_), false);
    }
    if (!status.ok()) return status;
  }
  if (segments.empty()) segments.push_back({1, end_, 0, 0, {}});
  {
    MutexLock lock(mu_);
    segments_ = std::move(segments);
    next_sequence_ = end_.next_sequence;
  }
  return Settle(*connection_);
}

absl::Status PostgresBlockStore::Settle(PostgresConnection& connection) const {
  // What is visible was committed here; a server that crashed while it waited
  // for its standbys shows it too. A commit of our own comes after it, and is
  // answered when a standby has both.
  return connection
      .Run("SELECT pg_logical_emit_message(true, 'concordat', '')", {},
           StillAsked(connection))
      .status();
}

std::function<bool()> PostgresBlockStore::StillAsked(
    const PostgresConnection& connection) const {
  return [this, backend = connection.backend()] {
    const auto other = PostgresConnection::Connect(options_);
    if (!other.ok()) return false;
    const absl::StatusOr<PostgresRows> rows = (*other)->Run(
        "SELECT 1 FROM pg_stat_activity"
        " WHERE pid = $1 AND application_name = $2 AND state = 'active'",
        PostgresValues().Add(backend).Add(options_.name));
    return rows.ok() && rows->count() == 1;
  };
}

void PostgresBlockStore::Take(uint32_t number, uint64_t offset, uint64_t bytes,
                              uint64_t first_sequence, const ChainEnd& end) {
  ClosedSegment closed;
  {
    MutexLock lock(mu_);
    if (segments_.back().number != number) {
      closed = Close(segments_.back(), end_);
      segments_.push_back({number, end_, 0, 0, {}});
    }
    Segment& segment = segments_.back();
    AddPlace(segment.places, first_sequence, offset);
    segment.last_block = offset;
    segment.end_offset = offset + bytes;
    next_sequence_ = end.next_sequence;
  }
  end_ = end;
  saw_the_end_ = true;  // It is a block of a writer that was checked.
  // Its failure loses a warning, not an event.
  mark_
      ->Write(0, EncodeDurableMark({*end.log_id, end.epoch, number,
                                    offset + bytes, end.next_sequence - 1}))
      .IgnoreError();
  if (closed.number != 0 && on_closed_) on_closed_(std::move(closed));
}

absl::Status PostgresBlockStore::Append(const LogId& log_id, uint32_t epoch,
                                        uint32_t event_count,
                                        std::string& block) {
  CONCORDAT_CHECK(block.size() <= segment_bytes_);
  if (!term_.has_value()) {
    return absl::FailedPreconditionError("another process writes this log");
  }
  const BlockHeader header =
      CompleteHeader(end_, log_id, epoch, event_count, block);
  const ChainEnd end = EndAfter(header, block);
  NewBlock added;
  {
    MutexLock lock(mu_);
    waits_since_ = Now();
    const Segment& last = segments_.back();
    added.segment = last.number;
    added.offset = last.end_offset;
    if (end_.log_id.has_value()) {
      added.before_segment = last.number;
      added.before_offset = last.last_block;
    }
  }
  if (added.offset + block.size() > segment_bytes_) {
    ++added.segment;
    added.offset = 0;
  }
  added.first_sequence = header.first_sequence;
  added.event_count = event_count;
  added.hash = end.hash;
  added.bytes = block;
  const absl::Duration until = Now() + kAppendWithin;
  absl::Status status = connection_ == nullptr
                            ? absl::UnavailableError("not connected")
                            : AppendOnce(added, false);
  while (absl::IsUnavailable(status) && Now() < until) {
    poll(nullptr, 0, kAgainAfterMs);
    const absl::Status connected = Connect();
    // A server that has just been promoted may have no standbys yet.
    status = connected.ok() ? AppendOnce(added, true)
                            : absl::UnavailableError(connected.message());
  }
  {
    MutexLock lock(mu_);
    waits_since_ = absl::InfiniteDuration();
  }
  if (!status.ok()) return status;
  Take(added.segment, added.offset, block.size(), header.first_sequence, end);
  if (note_server_) NoteServer();
  return absl::OkStatus();
}

absl::Status PostgresBlockStore::AppendOnce(const NewBlock& block,
                                            bool look_first) {
  if (look_first) {
    const absl::StatusOr<bool> there = HasBlock(block);
    if (!there.ok()) return there.status();
    if (*there) return Settle(*connection_);
  }
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "WITH writer AS (SELECT 1 FROM concordat.lease"
      "   WHERE term = $1::bigint FOR SHARE),"
      " added AS (INSERT INTO concordat.block"
      "   (segment, \"offset\", first_sequence, events, hash, bytes)"
      "   SELECT $2::int, $3::bigint, $4::bigint, $5::int, $6::bytea,"
      "     $7::bytea FROM writer"
      "   WHERE $8::int = 0 OR EXISTS (SELECT 1 FROM concordat.block"
      "     WHERE segment = $8::int AND \"offset\" = $9::bigint"
      "     AND hash = $10::bytea) RETURNING 1)"
      " SELECT pg_notify('concordat_block', ''),"
      "   current_setting('synchronous_standby_names') <> '' FROM added",
      PostgresValues()
          .Add(static_cast<int64_t>(*term_))
          .Add(block.segment)
          .Add(static_cast<int64_t>(block.offset))
          .Add(static_cast<int64_t>(block.first_sequence))
          .Add(block.event_count)
          .AddBytes(AsView(block.hash))
          .AddBytes(block.bytes)
          .Add(block.before_segment)
          .Add(static_cast<int64_t>(block.before_offset))
          .AddBytes(AsView(end_.hash)),
      StillAsked(*connection_));
  // What was sent before and not answered has come through; or it is another's.
  if (absl::IsAlreadyExists(rows.status())) {
    const absl::StatusOr<bool> there = HasBlock(block);
    if (!there.ok()) return there.status();
    if (*there) return Settle(*connection_);
    return absl::FailedPreconditionError("another process has written here");
  }
  if (!rows.ok()) return rows.status();
  if (rows->count() == 1) {
    return options_.one_server || rows->Number(0, 1) == 1
               ? absl::OkStatus()
               : absl::FailedPreconditionError(
                     "the servers commit on a standby no more");
  }
  const absl::StatusOr<PostgresRows> lease =
      connection_->Run("SELECT term FROM concordat.lease");
  if (!lease.ok()) return lease.status();
  if (lease->count() == 1 &&
      static_cast<uint64_t>(lease->Number(0, 0)) != *term_) {
    return absl::FailedPreconditionError("another process has the lease");
  }
  return At(block.before_segment, block.before_offset,
            absl::DataLossError("the servers lost a block that was durable"));
}

absl::StatusOr<bool> PostgresBlockStore::HasBlock(const NewBlock& block) {
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "SELECT hash FROM concordat.block WHERE segment = $1 AND \"offset\" = $2",
      PostgresValues()
          .Add(block.segment)
          .Add(static_cast<int64_t>(block.offset)));
  if (!rows.ok()) return rows.status();
  if (rows->count() == 0) return false;
  if (rows->Bytes(0, 0) == AsView(block.hash)) return true;
  return absl::FailedPreconditionError("another process has written here");
}

absl::Status PostgresBlockStore::CheckEnd(
    PostgresConnection& connection) const {
  if (!end_.log_id.has_value()) return absl::OkStatus();
  uint32_t number = 0;
  uint64_t offset = 0;
  {
    MutexLock lock(mu_);
    number = segments_.back().number;
    offset = segments_.back().last_block;
  }
  const absl::StatusOr<PostgresRows> rows = connection.Run(
      "SELECT 1 FROM concordat.block"
      " WHERE segment = $1 AND \"offset\" = $2 AND hash = $3",
      PostgresValues()
          .Add(number)
          .Add(static_cast<int64_t>(offset))
          .AddBytes(AsView(end_.hash)));
  if (!rows.ok()) return rows.status();
  if (rows->count() == 1) return absl::OkStatus();
  return At(number, offset,
            absl::DataLossError("the servers lost a block that was durable"));
}

absl::Status PostgresBlockStore::Follow(
    absl::Duration at_most,
    const std::function<absl::Status(const ScannedBlock&)>& on_block) {
  absl::Status status;
  if (connection_ == nullptr) status = Connect();
  // A server that has just been promoted may have no standbys yet.
  if (!status.ok()) return absl::UnavailableError(status.message());
  if (!listens_) {
    status = connection_->RunAll("LISTEN concordat_block");
    if (status.ok()) status = CheckEnd(*connection_);
    listens_ = status.ok();
  }
  if (!status.ok()) {
    connection_ = nullptr;
    return status;
  }
  uint32_t number = 0;
  uint64_t offset = 0;
  {
    MutexLock lock(mu_);
    number = segments_.back().number;
    offset = segments_.back().end_offset;
  }
  const auto ask = [&] {
    return connection_->Run(
        "SELECT segment, \"offset\", bytes FROM concordat.block"
        " WHERE (segment, \"offset\") >= ($1::int, $2::bigint)"
        " ORDER BY segment, \"offset\" LIMIT 8",
        PostgresValues().Add(number).Add(static_cast<int64_t>(offset)));
  };
  absl::StatusOr<PostgresRows> rows = ask();
  if (rows.ok() && rows->count() == 0) {
    status = connection_->AwaitNotice(at_most);
    if (status.ok()) rows = ask();
  }
  if (status.ok()) status = rows.status();
  if (status.ok() && rows->count() > 0) status = Settle(*connection_);
  if (!status.ok()) {
    connection_ = nullptr;
    return status;
  }
  for (int i = 0; i < rows->count(); ++i) {
    const auto in = static_cast<uint32_t>(rows->Number(i, 0));
    const auto at = static_cast<uint64_t>(rows->Number(i, 1));
    if (!(in == number && at == offset) && !(in == number + 1 && at == 0)) {
      return Missing(number, offset);
    }
    number = in;
    const absl::string_view whole = rows->Bytes(i, 2);
    const absl::StatusOr<BlockHeader> header = CheckBlock(whole);
    ChainEnd end = end_;
    status = header.status();
    if (status.ok()) status = JoinBlock(*header, whole, end);
    if (!status.ok()) return At(in, at, status);
    offset = at + whole.size();
    Take(in, at, whole.size(), header->first_sequence, end);
    status = on_block({*header, at, whole.substr(kBlockHeaderBytes)});
    if (!status.ok()) return At(in, at, status);
  }
  return absl::OkStatus();
}

absl::StatusOr<BlockStore::Blocks> PostgresBlockStore::Read(
    uint64_t sequence, size_t bytes_max) const {
  std::unique_ptr<PostgresConnection> connection;
  {
    MutexLock lock(mu_);
    if (sequence >= next_sequence_) {
      return absl::OutOfRangeError("past the log's last event");
    }
    if (!readers_.empty()) {
      connection = std::move(readers_.back());
      readers_.pop_back();
    }
  }
  absl::StatusOr<Blocks> blocks = absl::UnavailableError("not connected");
  // One that idled may have lost its server.
  if (connection != nullptr) blocks = ReadOn(*connection, sequence, bytes_max);
  const absl::Duration until = Now() + kReadWithin;
  while (absl::IsUnavailable(blocks.status()) && Now() < until) {
    auto fresh = PostgresConnection::Connect(options_);
    if (!fresh.ok()) {
      blocks = absl::UnavailableError(fresh.status().message());
    } else {
      connection = *std::move(fresh);
      blocks = ReadOn(*connection, sequence, bytes_max);
    }
    if (absl::IsUnavailable(blocks.status())) poll(nullptr, 0, kAgainAfterMs);
  }
  if (absl::IsUnavailable(blocks.status())) return blocks;
  MutexLock lock(mu_);
  readers_.push_back(std::move(connection));
  return blocks;
}

absl::StatusOr<BlockStore::Blocks> PostgresBlockStore::ReadOn(
    PostgresConnection& connection, uint64_t sequence, size_t bytes_max) {
  const absl::StatusOr<PostgresRows> rows = connection.Run(
      "WITH first AS (SELECT segment, \"offset\" FROM concordat.block"
      "   WHERE first_sequence <= $1::bigint AND events > 0"
      "   ORDER BY first_sequence DESC LIMIT 1)"
      " SELECT b.segment, b.\"offset\", b.bytes"
      " FROM concordat.block b, first f"
      " WHERE b.segment = f.segment AND b.\"offset\" >= f.\"offset\""
      "   AND b.\"offset\" < f.\"offset\" + $2::bigint"
      " ORDER BY b.\"offset\"",
      PostgresValues()
          .Add(static_cast<int64_t>(sequence))
          .Add(static_cast<int64_t>(
              std::clamp<size_t>(bytes_max, 1, kRowsBytes))));
  if (!rows.ok()) return rows.status();
  Blocks blocks;
  uint64_t next = sequence;
  for (int i = 0; i < rows->count(); ++i) {
    const absl::string_view whole = rows->Bytes(i, 2);
    const absl::StatusOr<BlockHeader> header = CheckBlock(whole);
    absl::Status status = header.status();
    if (status.ok() && header->first_sequence > next) {
      status = absl::DataLossError("a block before this is missing");
    }
    if (!status.ok()) {
      // Those before it are good; who reads on meets it.
      if (!blocks.blocks.empty()) break;
      return At(static_cast<uint32_t>(rows->Number(i, 0)),
                static_cast<uint64_t>(rows->Number(i, 1)), status);
    }
    next = header->first_sequence + header->event_count;
    if (header->event_count == 0) continue;
    blocks.blocks.push_back({header->first_sequence, header->event_count,
                             blocks.bytes.size() + kBlockHeaderBytes,
                             header->body_bytes});
    blocks.bytes.append(whole.data(), whole.size());
  }
  if (!blocks.blocks.empty() && next > sequence) return blocks;
  // A server that lags, or is no primary any more, has not got it.
  return absl::UnavailableError(
      absl::StrCat("the server has no block with event ", sequence));
}

absl::Status PostgresBlockStore::Scan(
    const ClosedSegment& closed,
    const std::function<absl::Status(const ScannedBlock&)>& on_block) const {
  // Not from a reader that tries twice: what was told cannot be told again.
  auto connection = PostgresConnection::Connect(options_);
  if (!connection.ok()) return connection.status();
  uint64_t next_sequence = closed.start.next_sequence;
  return ReadRows(
      **connection, closed.number, 0, closed.end_offset,
      [&](uint64_t offset, const BlockHeader& header, absl::string_view whole) {
        if (header.first_sequence != next_sequence) {
          return absl::DataLossError("not the block here");
        }
        next_sequence += header.event_count;
        return on_block({header, offset, whole.substr(kBlockHeaderBytes)});
      });
}

std::optional<std::pair<uint32_t, ChainEnd>> PostgresBlockStore::ClosedWith(
    uint64_t sequence) const {
  MutexLock lock(mu_);
  const auto after = std::partition_point(
      segments_.begin(), segments_.end(),
      [&](const Segment& one) { return one.start.next_sequence <= sequence; });
  // The last one takes blocks still.
  if (after == segments_.begin() || after == segments_.end()) {
    return std::nullopt;
  }
  return std::pair{std::prev(after)->number, std::prev(after)->start};
}

absl::Duration PostgresBlockStore::waited() const {
  MutexLock lock(mu_);
  return std::max(Now() - waits_since_, absl::ZeroDuration());
}

BlockStore::Extent PostgresBlockStore::extent() const {
  MutexLock lock(mu_);
  Extent extent;
  for (const Segment& segment : segments_) extent.bytes += segment.end_offset;
  extent.segments = static_cast<uint32_t>(segments_.size());
  return extent;
}

}  // namespace concordat::bus

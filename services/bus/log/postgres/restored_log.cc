#include "services/bus/log/postgres/restored_log.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/durable_mark.h"
#include "services/bus/log/new_epoch.h"
#include "services/bus/log/postgres/postgres_block_store.h"
#include "services/bus/log/postgres/writer_lease.h"

namespace concordat::bus {
namespace {

// Reading all rows of a large log renews no lease: a bus that starts meanwhile and
// takes it ends what is done here.
constexpr absl::Duration kLease = absl::Minutes(5);

absl::StatusOr<RestoredReport> Begin(const PostgresOptions& options,
                                     uint64_t term, Directory& beside,
                                     const WrappingKeys& wrapping,
                                     const KeyTable& newest,
                                     uint64_t segment_bytes, absl::Time now) {
  const absl::StatusOr<std::string> bytes =
      ReadWhole(beside, std::string(kDurableMarkName));
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes.status();
  const std::optional<DurableMark> mark =
      bytes.ok() ? DecodeDurableMark(*bytes) : std::nullopt;
  KeyTableFinder tables;
  BlockStore::OpenHooks hooks;
  hooks.load_closed = [](uint32_t,
                         const ChainEnd&) -> absl::StatusOr<ClosedSegment> {
    return absl::NotFoundError("every block is read");
  };
  hooks.on_closed = [](const ClosedSegment&, bool) { return absl::OkStatus(); };
  hooks.on_block = [&](uint32_t, const ScannedBlock& block) {
    return tables.Add(block.header.log_id, block.body);
  };
  const auto store =
      PostgresBlockStore::Open(options, segment_bytes, beside, hooks,
                               PostgresBlockStore::Servers::kRestored);
  if (!store.ok()) return store.status();
  const ChainEnd end = (*store)->end();
  if (!end.log_id.has_value()) {
    return absl::FailedPreconditionError("there is no log in the database");
  }
  std::string block(kBlockHeaderBytes, '\0');
  RestoredReport report;
  if (newest.wrapping_key > tables.newest().wrapping_key) {
    if (newest.log_id != *end.log_id) {
      return absl::FailedPreconditionError(absl::StrCat(
          kKeyTableFile, " beside the key file is of another log"));
    }
    block += newest.records;
    report.table = true;
  }
  const uint32_t opened_by =
      std::max(newest.wrapping_key, tables.newest().wrapping_key);
  if (wrapping.Find(opened_by) == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the newest key table here is under wrapping key ", opened_by,
        ", which the key file has not: put ", kKeyTableFile,
        " of the machine that erased last beside it"));
  }
  if (block.size() > segment_bytes) {
    return absl::ResourceExhaustedError("the key table fills a segment");
  }
  report.log_id = *end.log_id;
  report.last_sequence = end.next_sequence - 1;
  if (mark.has_value()) report.known_sequence = mark->last_sequence;
  report.epoch =
      NextEpoch(std::max(end.epoch, mark.has_value() ? mark->epoch : 0), now);
  (*store)->BeginTerm(term);
  const absl::Status begun =
      (*store)->Append(report.log_id, report.epoch, 0, block);
  if (!begun.ok()) return begun;
  return report;
}

}  // namespace

absl::StatusOr<RestoredReport> BeginEpochAfterRestore(
    const PostgresOptions& options, const std::string& process,
    Directory& beside, const WrappingKeys& wrapping, const KeyTable& newest,
    uint64_t segment_bytes, absl::Time now) {
  WriterLease lease(options, process, kLease);
  const absl::StatusOr<uint64_t> term = lease.TryTake();
  if (!term.ok()) return term.status();
  if (*term == 0) {
    lease.End();
    return absl::FailedPreconditionError(
        "a bus writes this log, or did a moment ago: stop all of them, and try "
        "again when its lease is over");
  }
  auto report =
      Begin(options, *term, beside, wrapping, newest, segment_bytes, now);
  lease.GiveUp();
  lease.End();
  return report;
}

}  // namespace concordat::bus

// What the bus does with published batches, as a state machine without sockets
// or threads: judge, stage in the log, and answer when the disk has it.
//
//   Publish() ─ judged, staged ─► NextBlock() ─ EventLog::Write, elsewhere ─►
//   Written() ─► answers, and the block for readers
//
// Promises
//   - No receipt, and no block for readers, before the block is durable.
//   - A duplicate of an event that is not durable yet waits for it.
//   - Answers of a session come in the order of its batches.
//   - Once a write has failed nothing is accepted any more; those whose events
//     were under way are told READ_ONLY. That alone among refusals, and DRAINING
//     of what was sent before, does not say that an event is not stored: whoever
//     repeats it with its id will know.
//
// Threads  One, which is the one that calls Stage and Written of the log.
#ifndef CONCORDAT_SERVICES_BUS_INGEST_INGEST_CORE_H_
#define CONCORDAT_SERVICES_BUS_INGEST_INGEST_CORE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/bus/ingest/faults.h"
#include "services/bus/ingest/judge.h"
#include "services/bus/ingest/log_time.h"
#include "services/bus/ingest/refusals.h"
#include "services/bus/log/event_log.h"
#include "services/bus/session/server_session.h"

namespace concordat::bus {

struct Answer {
  SessionId session;
  uint64_t number = 0;  // Of the Publish frame.
  v1::Receipts receipts;
};

class IngestCore {
 public:
  // At most this many blocks are with the disk: one being written and one
  // behind it, so that neither waits for the other.
  static constexpr size_t kBlocksOut = 2;
  // The second goes out when this much is staged; the first at once.
  static constexpr size_t kBlockBytes = 128 * 1024;

  IngestCore(EventLog& log, std::shared_ptr<const TypeRegistry> types,
             LogTime time, Refusals& refusals);

  // Purpose and gateway are judged by these from now on. Before the first call
  // there is no agreement, and only the hub's own facts are accepted.
  void UseAgreements(std::shared_ptr<const Agreements> agreements) {
    judge_.UseAgreements(std::move(agreements));
  }

  // Another process accepted events, the last one at that time.
  void Followed(uint64_t accepted_us) {
    durable_ = log_.Status().end;
    time_.Accepted(accepted_us);
  }

  // Takes one Publish frame.
  //   INVALID_ARGUMENT  not a batch; nothing of it was taken, end the session.
  absl::Status Publish(SessionId session, uint64_t number,
                       const v1::Principal& principal, absl::string_view batch);

  // Takes one and refuses all of it, in its turn, because of what the bus is.
  //   INVALID_ARGUMENT  as Publish.
  absl::Status TurnAway(SessionId session, uint64_t number,
                        const v1::Principal& principal, absl::string_view batch,
                        v1::Refusal refusal, const std::string& why);

  // Events that were staged with faults since the last call. Publish what tells
  // of them before anything else, so that it goes to the disk with them.
  std::vector<FaultyEvent> TakeFaulty() { return std::exchange(faulty_, {}); }

  // A block to write, or null: nothing staged, or the disk has enough.
  std::unique_ptr<PendingBlock> NextBlock();
  // The oldest block that is out was written. What it holds may be read now.
  std::shared_ptr<const EventBlock> Written(
      std::unique_ptr<PendingBlock> block);
  // A block could not be written.
  void WriteFailed(const absl::Status& why);

  // Answers that may go out now.
  std::vector<Answer> TakeAnswers();
  // Gives a sent answer's memory back: thousands of outcomes need no new one.
  void Recycle(Answer answer);
  bool read_only() const { return read_only_; }
  // Something that was taken, of this session or of anybody, has no answer yet.
  bool Owes(SessionId session) const;
  bool owes() const { return !waiting_.empty(); }

 private:
  struct Waiting {
    Answer answer;
    Sequence needs;  // Everything up to here durable.
  };

  // To a Publish, without its outcomes.
  Waiting AnswerTo(SessionId session, uint64_t number);
  void StageSet(const v1::Principal& principal, absl::Span<const EventView> set,
                size_t first, v1::Receipts& receipts, Sequence& needs);
  void Refuse(const v1::Principal& principal, v1::Refusal refusal,
              std::string detail, v1::Outcome& outcome);
  // Says READ_ONLY of all that is not durable.
  void TakeBack(v1::Receipts& receipts);

  EventLog& log_;
  const std::shared_ptr<const TypeRegistry> types_;
  Judge judge_;
  LogTime time_;
  Refusals& refusals_;
  const uint32_t epoch_;
  std::deque<Waiting> waiting_;
  std::vector<FaultyEvent> faulty_;
  std::vector<v1::Receipts> spare_;
  Sequence durable_;
  size_t blocks_out_ = 0;
  bool read_only_ = false;
  std::string read_only_because_;
  // Scratch of StageSet, kept for its memory.
  std::vector<Commitments> commitments_;
  std::vector<std::vector<std::string>> faults_;
  std::vector<Verdict> verdicts_;
  std::vector<NewEvent> news_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_INGEST_CORE_H_

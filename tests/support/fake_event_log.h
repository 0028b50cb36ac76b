#ifndef CONCORDAT_TESTS_SUPPORT_FAKE_EVENT_LOG_H_
#define CONCORDAT_TESTS_SUPPORT_FAKE_EVENT_LOG_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/bus/log/event_log.h"

namespace concordat::testing {

// A log in memory with the promises of the real one: what is staged is judged
// against what is staged, and nothing can be read before Written(). It seals
// nothing. For one thread.
class FakeEventLog : public bus::EventLog {
 public:
  // The next Write() and all after it fail.
  void FailWrites() { failing_ = true; }
  // Written so far: what a test compares answers with.
  Sequence end() const { return {events_.size()}; }
  // Puts an event straight in, durable.
  Sequence Append(const HeaderView& header, absl::string_view data,
                  uint64_t accepted_us);
  // As retention does: of the event its header is left.
  void Remove(Sequence sequence, uint64_t at_us);
  // As an erasure does, which the log then says by an event of its own.
  void Erase(Sequence sequence, uint64_t at_us);
  // As the block of one event that Append() made.
  std::shared_ptr<const bus::EventBlock> BlockOf(Sequence first,
                                                 Sequence last) const;
  int writes() const { return writes_; }
  // From now on it knows what each so many events hold, and counts Read().
  void TellRegionsOf(uint64_t events) {
    region_ = events;
    reads_ = 0;
  }
  size_t reads() const { return reads_; }

  std::vector<bus::Staged> Stage(absl::Span<const bus::NewEvent> set,
                                 uint64_t accepted_us) override;
  size_t staged_bytes() const override { return staged_.size() * 100; }
  std::unique_ptr<bus::PendingBlock> TakeStaged() override;
  absl::Status Write(bus::PendingBlock& block) override;
  std::shared_ptr<const bus::EventBlock> Written(
      std::unique_ptr<bus::PendingBlock> block) override;
  absl::StatusOr<std::shared_ptr<const bus::EventBlock>> Read(
      Sequence after, size_t bytes_max) const override;
  absl::StatusOr<bus::StoredEvent> ReadOne(Sequence sequence) const override;
  Sequence SkipFrom(Sequence after,
                    const bus::Interest& interest) const override;
  absl::StatusOr<std::vector<Sequence>> OfStream(
      absl::string_view source, absl::string_view stream, Sequence after,
      size_t count_max) const override;
  absl::StatusOr<std::vector<Sequence>> OfPerson(const PersonKey& person,
                                                 Sequence after,
                                                 Sequence up_to) const override;
  absl::StatusOr<std::vector<Sequence>> Amendments(
      Sequence after) const override;
  absl::StatusOr<Sequence> StreamVersion(
      absl::string_view source, absl::string_view stream) const override;
  absl::StatusOr<Sequence> OfId(absl::string_view source,
                                absl::string_view id) override;
  bus::LogStatus Status() const override;
  // As after a restore: an epoch begins with the next event.
  void BeginEpoch(uint32_t epoch) { epochs_.push_back({epoch, {next_}}); }

 private:
  struct Block : bus::PendingBlock {
    std::vector<bus::StoredEvent> events;
    bool written = false;
  };
  using Known = std::pair<Sequence, Digest>;

  bus::StoredEvent Store(
      const HeaderView& header,
      const std::vector<std::pair<uint32_t, std::string>>& groups,
      uint64_t accepted_us, Sequence sequence) const;

  std::vector<bus::StoredEvent> events_;
  std::vector<bus::StoredEvent> staged_;
  std::map<std::string, Known> ids_;
  std::map<std::string, Sequence> streams_;  // By "<source>#<stream>".
  uint64_t next_ = 1;
  std::vector<bus::EpochBegin> epochs_ = {{1, {1}}};
  bus::Removal removal_;
  uint64_t last_us_ = 0;
  bool failing_ = false;
  int writes_ = 0;
  uint64_t region_ = 0;
  mutable size_t reads_ = 0;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_FAKE_EVENT_LOG_H_

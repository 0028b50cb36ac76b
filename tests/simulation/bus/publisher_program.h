#ifndef CONCORDAT_TESTS_SIMULATION_BUS_PUBLISHER_PROGRAM_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_PUBLISHER_PROGRAM_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/common/publish_spool/spooled_publisher.h"
#include "tests/simulation/bus/program.h"
#include "tests/support/fake_disk.h"

namespace concordat::simulation {

// Publishes what it has written down first, in order, and again until it has an
// answer; by itself, or through a spool.
class PublisherProgram : public Program {
 public:
  PublisherProgram(World& world, Oracle& oracle, Network& network,
                   const Registrar& registrar, int member);

  bool settled() const;
  // All that was to be accepted is in the log.
  void CheckDone() const;
  void set_events_left(int events) { events_left_ = events; }
  std::string Where() const;

 private:
  enum class State {
    kWaiting,
    kSent,
    kSpooled,  // The spool has it, and the process died before its answer.
    kAnswered,
  };
  struct Item {
    std::vector<Event> set;
    State state = State::kWaiting;
    // What the first event is to be refused for.
    bus::v1::Refusal refusal = bus::v1::REFUSAL_UNSPECIFIED;
    bool is_repeat = false;  // Of something that has an answer.
  };

  void Started() override;
  void Died() override;
  void Work() override;
  void Make();
  // It corrects an earlier one, or takes it back.
  void Amend(Header& header);
  Event MakeFact();
  Event MakeCase();
  Event Bind(Header header, std::vector<BasicGroup<std::string>> groups);
  std::string NewId();
  void Send();
  void Answered(size_t at, const std::vector<PublishOutcome>& outcomes);
  bool IsBusy(const std::string& stream) const;
  void OpenSpool();
  absl::Status Hand(std::vector<Event> set, Publisher::Done done);

  const std::shared_ptr<const TypeRegistry> types_ = SimTypes();
  DiceRandom random_;
  std::deque<Item> outbox_;  // On its disk.
  size_t next_ = 0;          // The first that was not sent in this life.
  size_t unanswered_ = 0;
  size_t in_flight_ = 0;  // Events.
  std::map<std::string, uint64_t> versions_;
  int events_left_ = 0;
  uint64_t made_ = 0;
  uint64_t rate_ = 0;
  bool rewinding_ = false;  // One that was not stored goes first.
  uint64_t sends_again_at_us_ = 0;
  const bool ids_grow_;
  const WallClock clock_;
  std::unique_ptr<testing::FakeDisk> spool_disk_;  // Null: it has no spool.
  std::unique_ptr<Publisher> to_client_;
  std::unique_ptr<SpooledPublisher> spool_;
  uint64_t spool_turns_at_us_ = 0;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_PUBLISHER_PROGRAM_H_

#ifndef CONCORDAT_TESTS_SIMULATION_BUS_FOLLOWER_PROGRAM_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_FOLLOWER_PROGRAM_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "services/bus/delivery/cursor_store.h"
#include "tests/simulation/bus/program.h"

namespace concordat::simulation {

// Follows, does each effect once, and acknowledges.
class FollowerProgram : public Program {
 public:
  enum class Kind { kDurable, kOwnPlace, kTail };
  FollowerProgram(World& world, Oracle& oracle, Network& network,
                  const Registrar& registrar, int member, Kind kind);

  // The bus sent a view to it; the place may not pass what it did not
  // acknowledge.
  void Sent(uint64_t sequence, uint64_t cause, uint64_t judged_at) {
    sent_.try_emplace({sequence, cause}, judged_at);
    sent_last_[{sequence, cause}] = judged_at;
  }
  void CheckPlaces(const bus::Places& places) const;
  bool settled() const;
  // Everything that it may see is done.
  void CheckComplete() const;
  std::string Where() const;
  size_t effects() const { return effects_.size(); }

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // Sequence and cause.

  void Started() override;
  void Died() override;
  void Work() override;
  void Subscribe();
  void Take(Delivery delivery);
  uint32_t GroupsOf(const View& view) const;
  void CheckOrder(const Delivery& delivery);
  // It, or the same event as judged later.
  bool IsAcked(const Key& key, uint64_t judged_at) const;
  // Some of what was shown then was not to be shown at a later time.
  bool IsHiddenSince(const Key& key, uint64_t judged_at) const;
  void Apply();

  const Kind kind_;
  const std::string name_;
  const uint32_t credit_events_;
  const uint32_t credit_bytes_;
  const uint64_t eagerness_;  // In ten thousand: looks in a tick.
  std::shared_ptr<SubscriptionLink> link_;

  // In the process's memory.
  std::deque<Delivery> held_;
  std::map<Key, uint32_t> handed_out_;  // To the groups shown.
  std::map<uint64_t, Key> numbers_;     // Of what is applied, not acknowledged.
  uint64_t last_number_ = 0;
  // By ordering key; what was taken, and as of which policy it was judged.
  std::map<std::string, std::map<uint64_t, uint64_t>> live_;
  uint64_t applied_number_ = 0;
  uint64_t acked_number_ = 0;

  // On its disk.
  std::map<Key, uint32_t> effects_;  // To the groups shown.
  uint64_t position_ = 0;
  uint64_t backfilled_through_ = 0;

  // To the policy that it was judged by, first and last.
  std::map<Key, uint64_t> sent_;
  std::map<Key, uint64_t> sent_last_;
  std::set<Key> acked_;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_FOLLOWER_PROGRAM_H_

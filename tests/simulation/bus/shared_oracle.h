// What may become of each delivery of a subscription that its members share, as an
// onlooker of what the bus says and hears: written from PROTOCOL.md, sharing no
// code with the settlement.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_SHARED_ORACLE_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_SHARED_ORACLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "concordat/bus/v1/session.pb.h"
#include "services/bus/delivery/place.h"
#include "services/common/event/event.h"
#include "tests/simulation/bus/oracle.h"
#include "tests/simulation/bus/world.h"

namespace concordat::simulation {

class SharedOracle {
 public:
  using Id = std::pair<uint64_t, uint64_t>;  // Sequence and cause.

  // `member` is one of those who share it: all see the same.
  SharedOracle(World& world, const Oracle& oracle, const Member& member,
               uint32_t attempts_max)
      : world_(world),
        oracle_(oracle),
        member_(member),
        attempts_max_(attempts_max) {}

  // On the link of a member.
  void Subscribed(uint64_t link, uint32_t credit) {
    links_[link].credit = credit;
  }
  // One view of a Deliver goes out, judged at `at`.
  void Delivered(uint64_t link, uint64_t number, const View& view,
                 uint64_t cause, uint32_t attempt, uint64_t at);
  void Settles(uint64_t link, const bus::v1::Settle& all);
  // AckStored: of the Settle frames of the link so many are on disk.
  void Stored(uint64_t link, uint64_t settles);
  // The bus has no session with it any more.
  void Over(uint64_t link);

  void BusDown();
  // It goes on from this; null: nobody has subscribed yet.
  void BusUp(const bus::Place* place, uint64_t at);

  // An operator's acts, that the bus says it did.
  void Parked(Id id) { items_[id].parked = items_[id].was_parked = true; }
  void Redriven(Id id);
  void Paused(bool paused) { paused_ = paused; }

 private:
  struct Item {
    std::string key;
    uint64_t order = 0;      // In this life of the bus; 0: not seen in it yet.
    uint64_t link = 0;       // Out there.
    uint64_t judged_at = 0;  // When it went out last,
    uint64_t shift = 0;      // and in which.
    uint32_t redrives = 0;
    bool is_row =
        false;  // An attempt failed: it holds its key, whoever is away.
    bool heard = false;   // Settled as done, as far as anybody knows.
    bool stored = false;  // And that is on disk.
    bool parked = false;
    bool was_parked = false;  // It has lost its place among those of its key.
  };
  struct Link {
    uint32_t credit = 0;
    std::map<uint64_t, Id> out;            // By number.
    std::vector<std::vector<Id>> settles;  // Of each Settle, what was done.
  };

  void CheckOrder(Id id, const Item& item, bool is_first, uint64_t at);
  void CheckPlace(const bus::Place& place) const;
  // Somebody is done with the event as a later policy showed it.
  bool CameWithAnother(Id id) const;
  // It could not be seen at some time from then on.
  bool WasHidden(uint64_t sequence, uint64_t from, uint64_t to) const;
  std::string KeyOf(uint64_t sequence) const;

  World& world_;
  const Oracle& oracle_;
  const Member& member_;
  const uint32_t attempts_max_;
  std::map<Id, Item> items_;
  std::map<uint64_t, Link> links_;
  std::map<std::string, std::vector<uint64_t>> log_;  // Sequences by key.
  uint64_t read_ = 0;                                 // Of the log.
  uint64_t orders_ = 0;
  uint64_t shift_ = 0;  // How often all members have been away.
  uint64_t up_at_ = 0;
  bool paused_ = false;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_SHARED_ORACLE_H_

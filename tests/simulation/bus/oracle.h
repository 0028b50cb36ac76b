// What the log must hold and who may see what of it: written from DESIGN, slow
// and plain, sharing no code with the policy that the bus judges by.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_ORACLE_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_ORACLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "concordat/policy/v1/agreement.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/event.h"
#include "tests/simulation/bus/cast.h"
#include "tests/simulation/bus/world.h"

namespace concordat::simulation {

using EventName = std::pair<std::string, std::string>;  // Source and id.

class Oracle {
 public:
  explicit Oracle(World& world);

  // A program is about to publish this.
  void Made(const Event& event);
  // The bus says that it is durable, or served it after a start. Events come in
  // order; those known already must be the same.
  void InLog(const bus::StoredEvent& event);
  uint64_t end() const { return log_.size(); }
  // An opening may show more than was told of, and never less.
  void Opened(uint64_t end);

  // The bus told its publisher, or anybody, of this event at this place.
  void Told(const EventName& name, uint64_t sequence);
  // It told the publisher that it is not stored, for good.
  void Refused(const EventName& name) { refused_.insert(name); }
  bool IsInLog(const EventName& name) const { return by_name_.count(name) > 0; }
  uint64_t PlaceOf(const EventName& name) const;

  // What `member` may see of the event at `sequence` by the policy at `at`; bit
  // g: group g.
  uint32_t MayShow(const Member& member, uint64_t sequence, uint64_t at) const;
  // `view` goes to `member`, judged at `at`.
  void CheckView(const Member& member, const View& view, uint64_t at);
  const Event* Original(uint64_t sequence) const;
  // Of the event at `sequence`, which may be the bus's own.
  const std::string& TypeOf(uint64_t sequence) const {
    return log_[sequence - 1].type;
  }
  // Each event once, at the place that was told; each stream in the order that
  // its publisher gave it.
  void CheckLog();

 private:
  struct Entry {
    EventName name;
    std::string type;
    PersonKey person;
    std::string controller;
    std::string data;
    Digest digest = {};
    uint64_t accepted_us = 0;
    bool part3 = false;
    uint64_t made = 0;  // Nth of all that were made; 0: the bus's own.
  };
  struct Case {
    bool open = false;
    std::set<std::string> parties;
    std::string lead;
    uint32_t level = 0;
  };

  Case CaseOf(const PersonKey& person, uint64_t at) const;
  bool InForce(const policy::v1::Agreement& agreement, uint64_t us) const;

  World& world_;
  const std::vector<policy::v1::Agreement> agreements_ = SimAgreements();
  std::map<EventName, std::pair<uint64_t, Event>> made_;
  std::vector<Entry> log_;
  std::map<EventName, uint64_t> by_name_;
  std::map<EventName, uint64_t> told_;
  std::set<EventName> refused_;
  // Policy events of each person, and when they took effect.
  std::map<PersonKey, std::vector<uint64_t>> policy_;
  std::map<std::string, uint64_t> adopted_;  // Agreements, by name.
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_ORACLE_H_

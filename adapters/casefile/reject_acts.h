// What people did with rejects: taken, and ended once the bus has answered. PURE.
// In between a reject is under way: nobody else acts on it.
//
// Threads  One at a time.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_REJECT_ACTS_H_
#define CONCORDAT_ADAPTERS_CASEFILE_REJECT_ACTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "absl/status/statusor.h"
#include "concordat/edge/v1/casefile_spool.pb.h"
#include "services/common/base/ids.h"

namespace concordat::casefile {

struct RejectActLimits {
  size_t ended_max = 1'000;  // Older ones are forgotten.
  size_t under_way_max = 256;
};

class RejectActs {
 public:
  explicit RejectActs(RejectActLimits limits) : limits_(limits) {}

  // The act that answers this one: a repeat of it; null: it is new. What the bus
  // refused was no answer.
  //   ABORTED             somebody has acted on the reject; who and when.
  //   INVALID_ARGUMENT    the request was made for something else.
  //   RESOURCE_EXHAUSTED  too many acts wait for the bus.
  absl::StatusOr<const edge::v1::RejectAct*> FindAnswer(
      const edge::v1::RejectAct& wish) const;
  void Add(edge::v1::RejectAct act);
  // Returns the act as it was; nothing: none such is under way. What its reject
  // becomes is kept no longer.
  std::optional<edge::v1::RejectAct> End(const edge::v1::ActEnded& ended);
  // Everything that was done with these rejects, or with any of the person, and
  // what they would become.
  void Forget(const PersonKey& person, const std::set<uint64_t>& rejects);
  void Clear();

  // Null: none.
  const edge::v1::RejectAct* Find(uint64_t act) const;
  // The oldest that is under way.
  const edge::v1::RejectAct* Oldest() const;
  bool IsUnderWay(uint64_t reject) const;
  size_t under_way() const { return under_way_; }
  uint64_t last() const { return acts_.empty() ? 0 : acts_.rbegin()->first; }
  // By number.
  const std::map<uint64_t, edge::v1::RejectAct>& all() const { return acts_; }

 private:
  const RejectActLimits limits_;
  std::map<uint64_t, edge::v1::RejectAct> acts_;
  size_t under_way_ = 0;
};

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_REJECT_ACTS_H_
